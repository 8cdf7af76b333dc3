"""A round pore through a plate, with a piece of the reservoirs on both sides: a quarter of one cell of a square array.

The flow runs along x; the axis of the pore is y = z = 0. The planes y = 0 and y = pitch/2 are ``symmetry``, z = 0 and
z = pitch/2 ``midplane``; cells grow away from the two mouths, where the flow is singular.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from geometries.mesh import TETRAHEDRON, Mesh, gmsh_session

_SIX_NODE_TRIANGLE = 9


def pore_mesh(
    radius: float, length: float, pitch: float, reservoir: float, *, mouth: float, far: float
) -> Mesh:
    """Mesh the quarter cell.

    Args:
        radius: Of the pore, um.
        length: Of the pore, um.
        pitch: Distance of neighbouring pores, um.
        reservoir: Length of the piece of reservoir on either side, um.
        mouth: Cell size at the edges of the mouths, um.
        far: Largest cell size, um.
    """
    half = pitch / 2
    with gmsh_session() as gmsh:
        gmsh.model.add("pore")
        occ = gmsh.model.occ
        before = occ.addBox(-reservoir, 0, 0, reservoir, half, half)
        after = occ.addBox(length, 0, 0, reservoir, half, half)
        # The quadrant y, z > 0 of the bore: which one a cylinder of a quarter turn takes depends on its axis.
        whole = occ.addCylinder(0, 0, 0, length, 0, 0, radius)
        quarter, _ = occ.intersect([(3, whole)], [(3, occ.addBox(0, 0, 0, length, half, half))])
        occ.fuse(quarter, [(3, before), (3, after)])
        occ.synchronize()
        _grade(gmsh, radius, length, mouth, far)
        gmsh.model.mesh.generate(3)
        gmsh.model.mesh.setOrder(2)
        return _collect(gmsh, radius, length, half, reservoir)


def _grade(gmsh: Any, radius: float, length: float, mouth: float, far: float) -> None:
    rims = []
    for _, tag in gmsh.model.getEntities(1):
        x0, _, _, x1, _, _ = box = gmsh.model.getBoundingBox(1, tag)
        flat = abs(x1 - x0) < 1e-3 and min(abs(x0), abs(x0 - length)) < 1e-3
        if flat and np.allclose(box[4:], radius, atol=1e-3):
            rims.append(tag)
    field = gmsh.model.mesh.field
    distance, size = field.add("Distance"), field.add("Threshold")
    field.setNumbers(distance, "CurvesList", rims)
    field.setNumber(distance, "Sampling", 100)
    for name, value in (
        ("InField", distance),
        ("SizeMin", mouth),
        ("SizeMax", far),
        ("DistMax", 3 * (far - mouth)),
    ):
        field.setNumber(size, name, value)
    field.setAsBackgroundMesh(size)
    for option in ("ExtendFromBoundary", "FromPoints"):
        gmsh.option.setNumber(f"Mesh.MeshSize{option}", 0)
    gmsh.option.setNumber("Mesh.MeshSizeMax", far)


def _collect(gmsh: Any, radius: float, length: float, half: float, reservoir: float) -> Mesh:
    mesh = gmsh.model.mesh
    tags, xyz, _ = mesh.getNodes()
    points = np.empty((int(tags.max()) + 1, 3))
    points[tags] = xyz.reshape(-1, 3)
    _, nodes = mesh.getElementsByType(TETRAHEDRON)
    used = np.unique(nodes)
    names = ("inlet", "outlet", "symmetry", "midplane", "wall")
    facets, numbers = [], []
    for _, tag in gmsh.model.getEntities(2):
        faces = mesh.getElementsByType(_SIX_NODE_TRIANGLE, tag)[1].reshape(-1, 6)
        at = points[faces[:, :3]].reshape(-1, 3)
        name = "wall"
        for axis, place, meaning in (
            (0, -reservoir, "inlet"), (0, length + reservoir, "outlet"), (1, 0.0, "symmetry"),
            (1, half, "symmetry"), (2, 0.0, "midplane"), (2, half, "midplane"),
        ):  # fmt: skip
            if np.allclose(at[:, axis], place, atol=1e-6 * half):
                name = meaning
        facets.append(np.searchsorted(used, faces))
        numbers.append(np.full(len(faces), names.index(name) + 1, dtype=np.int32))
    regions = {name: number for number, name in enumerate(names, start=1)}
    cells = np.searchsorted(used, nodes).reshape(-1, 10)
    return Mesh(points[used], cells, np.concatenate(facets), np.concatenate(numbers), regions)
