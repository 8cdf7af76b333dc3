"""The plan of a whole chip as a plane: Darcy flow through its channels and a porous array, by scikit-fem.

Nothing of the network goes into it: no manifolds, headers or necks, only the drawn channels.
"""

import numpy as np
import pytest
import skfem
from scipy.spatial import cKDTree
from skfem.helpers import dot, grad

from chipsim.flow.chip_result import whole_chip
from geometries import ClusterChip
from geometries.device import Limits
from geometries.manifold import open_width
from geometries.mesh import gmsh_session
from geometries.slide import ring

K = 1.155e11  # row resistance of the published chip in space, 1/m2
UM = 1e-6
BINS = 60


def plane_mesh(plan, wall: float) -> skfem.MeshTri:
    """Triangles in the channels, whose walls are moved inward by what they take of the flow, in mm."""
    drawn = plan.channels.buffer(-wall, join_style="mitre")
    loops = [ring(list(r.coords)[:-1], "wall") for r in (drawn.exterior, *drawn.interiors)]
    with gmsh_session() as gmsh:
        gmsh.model.add("plane")
        occ = gmsh.model.occ
        curves = []
        for loop in loops:
            corners = [occ.addPoint(*s.start, 0) for s in loop.segments]
            lines = [occ.addLine(a, corners[(i + 1) % len(corners)]) for i, a in enumerate(corners)]
            curves.append(occ.addCurveLoop(lines))
        channels = occ.addPlaneSurface(curves)
        (width, length), left = plan.bank, plan.left
        boxes = [
            occ.addRectangle(left - 100, y - wall, 0, width + 200, length + 2 * wall) for y in plan.bottoms
        ]
        pieces = [p for b in boxes for p in occ.intersect([(2, channels)], [(2, b)], removeObject=False)[0]]
        holes = [(2, occ.addDisk(x, y, 0, 500, 500)) for x, y in plan.ports.values()]
        occ.fragment([(2, channels)], pieces + holes)
        occ.synchronize()
        ends = [(left + width, y) for y in plan.bottoms] + [(left, y + length) for y in plan.bottoms]
        points = [tag for _, tag in gmsh.model.getEntities(0)]
        at = np.array([gmsh.model.getValue(0, tag, [])[:2] for tag in points])
        near = cKDTree(ends).query(at)[0] < 1500
        field = gmsh.model.mesh.field
        field.setNumbers(
            field.add("Distance"), "PointsList", [t for t, n in zip(points, near, strict=True) if n]
        )
        sized = field.add("MathEval")
        field.setString(sized, "F", "Min(25 + 0.1 * F1, 200)")
        field.setAsBackgroundMesh(sized)
        for option in ("Mesh.MeshSizeFromPoints", "Mesh.MeshSizeExtendFromBoundary"):
            gmsh.option.setNumber(option, 0)
        gmsh.model.mesh.generate(2)
        tags, places, _ = gmsh.model.mesh.getNodes()
        _, _, (cells,) = gmsh.model.mesh.getElements(2)
    order = np.argsort(tags)
    cells = order[np.searchsorted(tags, cells, sorter=order)].reshape(-1, 3)
    used, cells = np.unique(cells, return_inverse=True)
    return skfem.MeshTri(
        np.ascontiguousarray(places.reshape(-1, 3)[used, :2].T / 1e3), cells.reshape(-1, 3).T.copy()
    )


def solve(plan, mesh, wall):
    """Flow through the banks by place over its mean, and the resistance from port to port in squares."""
    chip, (width, length), left = plan.chip, plan.bank, plan.left
    x, y = mesh.p[:, mesh.t].mean(axis=1) * 1e3
    bank = np.full(mesh.nelements, -1)
    for k, bottom in enumerate(plan.bottoms):
        bank[
            (np.abs(x - left - width / 2) < width / 2) & (y > bottom - wall) & (y < bottom + length + wall)
        ] = k
    # The whole length, with what the moved walls add, takes what the rows take.
    porous = chip.row_pitch * (length + 2 * wall) * UM / (chip.rows * chip.row_pitch * chip.lateral_pitch * K)
    conductivity = np.where(bank >= 0, porous / (chip.depth**2 / 12), 1.0)
    basis = skfem.Basis(mesh, skfem.ElementTriP2())
    spread = basis.with_element(skfem.ElementTriP0()).interpolate(conductivity)
    matrix = skfem.BilinearForm(lambda u, v, w: w.k * dot(grad(u), grad(v))).assemble(basis, k=spread)
    holes = [
        basis.get_dofs(elements=np.flatnonzero(np.hypot(x - px, y - py) < 500)).all()
        for px, py in plan.ports.values()
    ]
    pressure = basis.zeros()
    pressure[holes[0]] = 1.0
    pressure = skfem.solve(*skfem.condense(matrix, x=pressure, D=np.concatenate(holes)))
    along = (basis.interpolate(pressure).grad[1] * basis.dx).sum(axis=1) * conductivity
    places = np.clip((x - left) / width * BINS, 0, BINS - 1).astype(int)
    area = basis.dx.sum(axis=1)
    flows = np.array(
        [
            -np.bincount(places[bank == k], along[bank == k], BINS)
            / np.bincount(places[bank == k], area[bank == k], BINS)
            for k in range(chip.banks)
        ]
    )
    return flows / flows.mean(), 1 / float((matrix @ pressure)[holes[0]].sum())


@pytest.mark.slow
def test_the_published_plan_shares_its_flow_evenly_in_the_plane():
    chip, limits = ClusterChip(), Limits(max_roof_aspect_ratio=1000)  # without posts
    whole = whole_chip(chip, K, limits)
    wall = (1e-3 - open_width(1e-3, chip.depth)) / 2 / UM
    flows, squares = solve(whole.plan, plane_mesh(whole.plan, wall), wall)
    assert np.ptp(flows) < 0.025  # means over a millimetre
    assert np.ptp(flows.mean(axis=1)) < 5e-3
    places = ((np.arange(1024) + 0.5) / 1024 * BINS).astype(int)
    mean = np.array([np.bincount(places, f) / np.bincount(places) for f in whole.sharing.flows])
    assert np.abs(flows - mean).max() < 0.015
    # The network ends in the middle of the holes and leaves out how the flow turns round there.
    assert squares == pytest.approx(whole.sharing.resistance * chip.depth**3 / 12, rel=0.04)
