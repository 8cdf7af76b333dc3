"""Cutting spheres out of a block of fluid, and meshing what is left by curved second-order tetrahedra.

A sphere is whole, or has its centre on a flat side of the block. The boundary of sphere ``i`` is the region ``body_i``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geometries.mesh import EDGES, TETRAHEDRON, Mesh, MeshError, collect, gmsh_session, sizes_by_field_only

Triple: TypeAlias = tuple[float, float, float]

#: Distance below which two places are one, um; OpenCASCADE's boxes are looser than its points.
SAME = 1e-4

# Curved facets enclose a sphere, and leave the fluid, to less than this part; a cut that failed does not.
_VOLUME_TOLERANCE = 5e-3
_TRIANGLE = 9
_LEAST_SHAPE, _MOST_PASSES = 0.05, 20


@dataclass(frozen=True)
class Sphere:
    """A rigid sphere, um."""

    centre: Triple
    radius: float


@dataclass(frozen=True)
class Block:
    """What spheres are cut out of.

    Attributes:
        draw: Draws it in gmsh's OpenCASCADE model, not yet synchronised, and returns its volumes.
        corners: Lower and upper corner of the box around it, um, shape (2, 3).
        sides: Names of its flat sides at low x, high x, low y, high y, low z, high z.
        inner: Name of whatever else bounds it.
        volume: Its volume, um3.
        periodic: Whether ``outlet``, at high x, is meshed like ``inlet``, at low x.
    """

    draw: Callable[[Any], list[tuple[int, int]]]
    corners: NDArray[np.float64]
    sides: Sequence[str]
    inner: str
    volume: float
    periodic: bool


def mesh_without(
    block: Block, spheres: Sequence[Sphere], size: Callable[[NDArray[np.float64]], float], coarsest: float
) -> Mesh:
    """Mesh a block without the spheres in it.

    Args:
        block: The block.
        spheres: What is cut out of it: apart from each other and from its walls.
        size: Wished cell size at a place, um.
        coarsest: Largest cell, um.

    Raises:
        MeshError: gmsh failed, or the mesh is not the block without the spheres.
    """
    with gmsh_session() as gmsh:
        gmsh.model.add("bodies")
        sizes_by_field_only(gmsh)
        gmsh.option.setNumber("Mesh.MeshSizeMax", coarsest)
        try:
            fluid = block.draw(gmsh)
            if spheres:
                balls = [(3, _ball(gmsh, s, block.corners)) for s in spheres]
                fluid = gmsh.model.occ.cut(fluid, balls)[0]
            gmsh.model.occ.synchronize()
            surfaces = _named_surfaces(gmsh, fluid, spheres, block)
            if block.periodic:
                _make_periodic(gmsh, surfaces, float(block.corners[1, 0] - block.corners[0, 0]))
            gmsh.model.mesh.setSizeCallback(lambda dim, tag, x, y, z, wished: size(np.array([x, y, z])))
            gmsh.model.mesh.generate(3)
            gmsh.model.mesh.setOrder(2)
            straighten(gmsh)
        except Exception as error:  # gmsh raises bare Exception
            raise MeshError(f"gmsh could not mesh the fluid around the bodies: {error}") from error
        finally:
            gmsh.model.mesh.removeSizeCallback()
        mesh = collect(gmsh, surfaces, 3)
    if mesh.quality <= 0:
        raise MeshError(
            "a curved cell is turned inside out; refine the mesh on the bodies or widen the films"
        )
    _check_volumes(mesh, block, spheres)
    return mesh


def _check_volumes(mesh: Mesh, block: Block, spheres: Sequence[Sphere]) -> None:
    """OpenCASCADE's cut sometimes leaves a sphere out without a word: then all forces would be zero."""
    checks = [
        (f"body_{i}", _inside(b, block.corners), _enclosed(mesh, f"body_{i}", b))
        for i, b in enumerate(spheres)
    ]
    checks.append(("the fluid", block.volume - sum(wanted for _, wanted, _ in checks), mesh.measure()))
    for what, wanted, found in checks:
        if abs(found - wanted) > _VOLUME_TOLERANCE * wanted:
            raise MeshError(
                f"{what} has {found:.6g} um3 in the mesh, not {wanted:.6g}; refine, or move the bodies a little"
            )


def _enclosed(mesh: Mesh, name: str, sphere: Sphere) -> float:
    """Volume between a body's facets and its centre, which is all of it where planes through the centre cut it."""
    if name not in mesh.regions:
        return 0.0
    with gmsh_session() as gmsh:
        where, weights = gmsh.model.mesh.getIntegrationPoints(_TRIANGLE, "Gauss6")
        shapes = gmsh.model.mesh.getBasisFunctions(_TRIANGLE, where, "Lagrange")[1].reshape(-1, 6)
        slopes = gmsh.model.mesh.getBasisFunctions(_TRIANGLE, where, "GradLagrange")[1].reshape(-1, 6, 3)
    nodes = mesh.points[mesh.facets[mesh.facet_regions == mesh.regions[name]]] - sphere.centre
    arm, tangents = np.einsum("qk,cki->cqi", shapes, nodes), np.einsum("qkj,cki->jcqi", slopes, nodes)
    return float(
        np.abs(np.einsum("cqi,cqi,q->c", arm, np.cross(tangents[0], tangents[1]), weights)).sum() / 3
    )


def _cuts(sphere: Sphere, corners: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Inward normals of the sides that run through the centre of a sphere."""
    out = []
    for axis, end in itertools.product(range(3), range(2)):
        if abs(sphere.centre[axis] - corners[end, axis]) < SAME:
            out.append(np.eye(3)[axis] * (1 - 2 * end))
    return out


def _inside(sphere: Sphere, corners: NDArray[np.float64]) -> float:
    """Volume of the part of a sphere that is in the box."""
    return float(4 / 3 * math.pi * sphere.radius**3 / 2 ** len(_cuts(sphere, corners)))


def _ball(gmsh: Any, sphere: Sphere, corners: NDArray[np.float64]) -> int:
    """A ball whose poles and seam keep away from the sides that cut it: cuts along a seam fail silently."""
    from scipy.spatial.transform import Rotation

    normals = _cuts(sphere, corners)
    if len(normals) < 2:
        pole = normals[0] if normals else np.array([0.0, 0.0, 1.0])
        seam = np.roll(pole, 1)
    else:  # both poles and the seam in what is cut away
        pole, seam = normals[0] - normals[1], -normals[0] - normals[1]
    pole, seam = pole / np.linalg.norm(pole), seam / np.linalg.norm(seam)
    turn = Rotation.from_matrix(np.column_stack([seam, np.cross(pole, seam), pole])).as_rotvec()
    occ, angle = gmsh.model.occ, float(np.linalg.norm(turn))
    ball = occ.addSphere(*sphere.centre, sphere.radius)
    if angle > 0:
        occ.rotate([(3, ball)], *sphere.centre, *(turn / angle), angle)
    return int(ball)


def _named_surfaces(
    gmsh: Any, fluid: list[tuple[int, int]], spheres: Sequence[Sphere], block: Block
) -> dict[str, list[int]]:
    surfaces: dict[str, list[int]] = {}
    for _, tag in gmsh.model.getBoundary(fluid, combined=True, oriented=False):
        if gmsh.model.getType(2, tag) == "Sphere":
            low, high = gmsh.model.getParametrizationBounds(2, tag)
            on = np.array(gmsh.model.getValue(2, tag, [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2]))
            name = f"body_{int(np.argmin([abs(math.dist(on, s.centre) - s.radius) for s in spheres]))}"
        else:
            name = _side(np.array(gmsh.model.getBoundingBox(2, tag)).reshape(2, 3), block)
        surfaces.setdefault(name, []).append(tag)
    return surfaces


def _side(around: NDArray[np.float64], block: Block) -> str:
    """Name of the side of the block that a surface with this box around it lies on."""
    for axis, end in itertools.product(range(3), range(2)):
        if np.abs(around[:, axis] - block.corners[end, axis]).max() < SAME:
            return block.sides[2 * axis + end]
    return block.inner


def _make_periodic(gmsh: Any, surfaces: dict[str, list[int]], shift: float) -> None:
    """Mesh the outlet as a copy of the inlet."""

    def ordered(name: str) -> list[int]:
        return sorted(surfaces[name], key=lambda tag: gmsh.model.getBoundingBox(2, tag)[1])

    gmsh.model.mesh.setPeriodic(
        2, ordered("outlet"), ordered("inlet"), [1, 0, 0, shift, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    )


def straighten(gmsh: Any) -> None:
    """Halve the bend of the few flat cells that a curved facet turns inside out, until they are not.

    gmsh's own optimiser moves nodes of the periodic sides, or, when told not to, can end the whole process.
    """
    mesh = gmsh.model.mesh
    for _ in range(_MOST_PASSES):
        tags, nodes = mesh.getElementsByType(TETRAHEDRON)
        bad = np.asarray(mesh.getElementQualities(tags, "minSICN")) < _LEAST_SHAPE
        if not bad.any():
            return
        moved = False
        for cell in nodes.reshape(-1, 10)[bad]:
            at = {int(tag): np.array(mesh.getNode(tag)[0]) for tag in cell}
            for middle, (a, b) in zip(cell[4:], EDGES[3], strict=True):
                bend = at[middle] - (at[cell[a]] + at[cell[b]]) / 2
                if np.abs(bend).max() > SAME * np.linalg.norm(at[cell[a]] - at[cell[b]]):
                    mesh.setNode(middle, at[middle] - bend / 2, [])
                    moved = True
        if not moved:  # the rest is flat, not bent
            return
