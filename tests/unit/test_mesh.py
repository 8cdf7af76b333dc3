"""Meshes: named regions, curved sides, periodic partners, layers of tetrahedra."""

from dataclasses import replace

import numpy as np
import pytest

from geometries import ClusterChip
from geometries import mesh as meshing
from geometries.extrude import extrude, layer_heights
from geometries.mesh import (
    _CELL,
    Mesh,
    MeshError,
    Resolution,
    gmsh_session,
    mesh_outline,
)
from geometries.outline import Outline, rectangle

REGIONS = {"inlet", "outlet", "pillars", "symmetry"}


@pytest.fixture(scope="module")
def cell() -> tuple[Outline, Mesh]:
    outline = ClusterChip().block()
    return outline, mesh_outline(outline)


def exact_area(chip: ClusterChip, paths: float = 0.5, rows: int = 2) -> float:
    """Fluid of a block in um2, with no polygon between."""
    return paths * rows * (chip.lateral_pitch * chip.row_pitch * 1e12 - chip.pillar().area)


def determinants(mesh: Mesh) -> np.ndarray:
    """Signed Jacobian determinants of all cells at many points each."""
    return _plane_determinants(mesh) if mesh.dim == 2 else _space_determinants(mesh)


def _plane_determinants(mesh: Mesh) -> np.ndarray:
    # By hand: gmsh gives the size of a plane cell's determinant, not its sign.
    found = []
    for u, v in ((0, 0), (1, 0), (0, 1), (0.5, 0), (0.5, 0.5), (0, 0.5), (1 / 3, 1 / 3)):
        w = 1 - u - v
        du = np.array([1 - 4 * w, 4 * u - 1, 0, 4 * (w - u), 4 * v, -4 * v])
        dv = np.array([1 - 4 * w, 0, 4 * v - 1, -4 * u, 4 * u, 4 * (w - v)])
        a, b = (np.einsum("i,kij->kj", d, mesh.points[mesh.cells, :2]) for d in (du, dv))
        found.append(cross(a, b))
    return np.concatenate(found)


def _space_determinants(mesh: Mesh) -> np.ndarray:
    with gmsh_session() as gmsh:
        mesh.load(gmsh)
        where, _ = gmsh.model.mesh.getIntegrationPoints(_CELL[3], "Gauss8")
        corners = np.vstack([np.zeros(3), np.eye(3)]).ravel()
        return gmsh.model.mesh.getJacobians(_CELL[3], np.concatenate([where, corners]))[1]


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def region_nodes(mesh: Mesh, name: str) -> np.ndarray:
    return np.unique(mesh.facets[mesh.facet_regions == mesh.regions[name]])


def length(mesh: Mesh, name: str) -> float:
    """Length of a plane region along its curved facets (Simpson's rule on the speed)."""
    a, b, m = (mesh.points[mesh.facets[mesh.facet_regions == mesh.regions[name]][:, i]] for i in range(3))
    speeds = [np.linalg.norm(v, axis=1) for v in (4 * m - 3 * a - b, b - a, 3 * b - 4 * m + a)]
    return float(np.sum(speeds[0] + 4 * speeds[1] + speeds[2]) / 6)


# -- in the plane ----------------------------------------------------------------------------------------------------------
def test_regions_and_their_lengths(cell):
    outline, mesh = cell
    chip = ClusterChip()
    assert set(mesh.regions) == REGIONS
    width, rows = chip.lateral_pitch * 5e5, 2 * chip.row_pitch * 1e6
    assert length(mesh, "inlet") == pytest.approx(width, rel=1e-12)
    assert length(mesh, "outlet") == pytest.approx(width, rel=1e-12)
    # One pillar on the lower border in row 0, one on the upper in row 1: half of each is in the cell.
    assert length(mesh, "symmetry") == pytest.approx(2 * rows - 2 * chip.pillar_length * 1e6, rel=1e-9)
    assert length(mesh, "pillars") == pytest.approx(chip.pillar().polygon(1e-8).length, rel=1e-5)


def test_every_boundary_facet_has_exactly_one_region(cell):
    _, mesh = cell
    edges = np.sort(mesh.cells[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    named = np.sort(mesh.facets[:, :2], axis=1)
    assert set(map(tuple, unique[count == 1])) == set(map(tuple, named))
    assert len(np.unique(named, axis=0)) == len(named)
    assert set(np.unique(mesh.facet_regions)) == set(mesh.regions.values())


def test_the_curved_area_is_the_outlines_and_a_straight_one_is_far_worse(cell):
    outline, mesh = cell
    exact = exact_area(ClusterChip())
    assert outline.area() == pytest.approx(exact, rel=1e-8)
    a, b, c = (mesh.points[mesh.cells[:, i], :2] for i in range(3))
    straight = float(np.abs(cross(b - a, c - a)).sum() / 2)
    curved_error, straight_error = mesh.measure() / exact - 1, straight / exact - 1
    assert abs(curved_error) < 1e-6
    # Chords cut across the corners of the pillars, so straight cells have too much fluid.
    assert straight_error > 100 * abs(curved_error)


def test_mid_nodes_lie_on_the_fillets(cell):
    _, mesh = cell
    chip, facets = ClusterChip(), mesh.facets[mesh.facet_regions == mesh.regions["pillars"]]
    middles = mesh.points[facets[:, 2], :2]
    tips = np.array(ClusterChip().block().tips)
    distance = np.linalg.norm(middles[:, None] - tips, axis=2).min(axis=1)
    radius = chip.fillet * 1e6
    on_arcs = distance < radius * 1.02
    assert on_arcs.sum() >= 12
    bowed = (
        np.linalg.norm(middles - (mesh.points[facets[:, 0], :2] + mesh.points[facets[:, 1], :2]) / 2, axis=1)
        > 1e-6
    )
    assert distance[bowed] == pytest.approx(radius, abs=1e-7)


def test_jacobians_are_positive_and_the_quality_is_measured(cell):
    _, mesh = cell
    assert determinants(mesh).min() > 0
    assert 0.3 < mesh.quality < 1


@pytest.mark.parametrize("fillet", ["0 um", "1 um", "5 um"])
@pytest.mark.parametrize("daughter_gap", ["12 um", "7.5 um"])
def test_outlet_nodes_are_the_inlets_shifted(fillet, daughter_gap):
    chip = ClusterChip(fillet=fillet, daughter_gap=daughter_gap)
    mesh = mesh_outline(chip.block())
    inlet, outlet = (mesh.points[region_nodes(mesh, name)] for name in ("inlet", "outlet"))
    inlet, outlet = inlet[np.argsort(inlet[:, 1])], outlet[np.argsort(outlet[:, 1])]
    assert len(inlet) == len(outlet) > 4
    assert outlet - inlet == pytest.approx(
        np.tile([2 * chip.row_pitch * 1e6, 0, 0], (len(inlet), 1)), abs=1e-6
    )


def test_refining_halves_the_cells_and_improves_the_area():
    chip = ClusterChip(fillet="4 um")
    meshes = [mesh_outline(chip.block(), Resolution(refine=r)) for r in (1, 2, 4)]
    counts = [len(m.cells) for m in meshes]
    assert 3.2 < counts[1] / counts[0] < 4.8
    assert 3.2 < counts[2] / counts[1] < 4.8
    errors = [abs(m.measure() / exact_area(chip) - 1) for m in meshes]
    # Fourth order: the sagitta of a parabola against an arc.
    assert errors[0] > 8 * errors[1] > 64 * errors[2]


@pytest.mark.parametrize("fillet", ["0 um", "1 um"])
def test_cells_grow_away_from_the_tips(fillet):
    chip = ClusterChip(fillet=fillet)
    outline, resolution = chip.block(), Resolution()
    mesh = mesh_outline(outline, resolution)
    a, b, c = (mesh.points[mesh.cells[:, i], :2] for i in range(3))
    size = np.sqrt(np.abs(cross(b - a, c - a)))
    distance = np.linalg.norm(((a + b + c) / 3)[:, None] - np.array(outline.tips), axis=2).min(axis=1)
    finest = resolution.tip if chip.fillet else resolution.sharp_tip * 12
    assert size[distance < 1.3 * (chip.fillet * 1e6 or finest)].mean() < 1.5 * finest
    assert size[distance > 12].mean() > 3
    assert size.max() < 1.6 * resolution.coarsest * 12


def test_a_plug_of_1_um_closes_the_throat():
    chip = ClusterChip()
    mesh = mesh_outline(chip.block(2, 2, plug=(0.5, 0)))
    assert set(mesh.regions) == REGIONS | {"plug_upstream", "plug_downstream"}
    assert length(mesh, "plug_upstream") == pytest.approx(12, rel=0.05)
    assert length(mesh, "plug_downstream") == pytest.approx(length(mesh, "plug_upstream"), rel=0.05)
    # No cell lies in the throat, and the two faces share no node.
    (x, y), _ = chip.throat_centres(0)
    centres = mesh.points[mesh.cells[:, :3]].mean(axis=1)
    x0, x1 = (
        mesh.points[region_nodes(mesh, f"plug_{side}"), 0].mean() for side in ("upstream", "downstream")
    )
    assert x1 - x0 == pytest.approx(1.0, abs=1e-6)
    assert not np.any((np.abs(centres[:, 1] - y) < 6) & (centres[:, 0] > x0) & (centres[:, 0] < x1))
    assert not set(region_nodes(mesh, "plug_upstream")) & set(region_nodes(mesh, "plug_downstream"))
    assert determinants(mesh).min() > 0


def test_the_same_outline_gives_the_same_bytes(cell, tmp_path):
    _, mesh = cell
    again = mesh_outline(ClusterChip().block())
    for name in ("points", "cells", "facets", "facet_regions"):
        assert getattr(mesh, name).tobytes() == getattr(again, name).tobytes()
    mesh.write_msh(tmp_path / "a.msh")
    again.write_msh(tmp_path / "b.msh")
    assert (tmp_path / "a.msh").read_bytes() == (tmp_path / "b.msh").read_bytes()


def test_a_bad_mesh_is_refused(monkeypatch):
    monkeypatch.setattr(meshing, "_WORST_SHAPE", 0.99)
    with pytest.raises(MeshError, match=r"the worst cell has shape quality 0\.\d+, below 0\.99; refine"):
        mesh_outline(ClusterChip().block())


def test_a_sliver_is_refused():
    # Two walls 0.01 um apart, with cells of 5 um beside them.
    slit = rectangle(0, 0.01, 100, 5, ("a", "b", "c", "d"))
    outline = Outline(rectangle(0, 0, 100, 10, ("w", "outlet", "w", "inlet")), (slit,), 1.0, (), 0.0, 10.0)
    with pytest.raises(MeshError, match="shape quality|could not mesh"):
        mesh_outline(outline)


def test_a_mesh_that_would_fill_the_memory_is_refused_at_once():
    outline = ClusterChip(gap="1 um", side="5 mm", fillet="1 um").block()
    with pytest.raises(MeshError, match=r"some \de\+\d+ cells, above 1e\+06: the throat of 1 um"):
        mesh_outline(outline)


# -- in space --------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def solid(cell) -> Mesh:
    outline, plane = cell
    return extrude(plane, layer_heights(outline.depth, 3.0, 4, half=False))


def test_volume_and_regions_in_space(cell, solid):
    _, plane = cell
    assert solid.dim == 3
    assert set(solid.regions) == REGIONS | {"floor", "ceiling"}
    assert solid.measure() == pytest.approx(plane.measure() * 100, rel=1e-10)
    assert len(solid.cells) == 3 * 8 * len(plane.cells)
    for name, height in (("floor", 0.0), ("ceiling", 100.0)):
        assert solid.points[region_nodes(solid, name), 2] == pytest.approx(height)


def test_jacobians_are_positive_in_space(solid):
    assert determinants(solid).min() > 0


def test_neighbouring_tetrahedra_share_faces_and_every_outer_face_is_named_once(solid):
    corners = solid.cells[:, :4]
    faces = np.sort(corners[:, [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]].reshape(-1, 3), axis=1)
    unique, count = np.unique(faces, axis=0, return_counts=True)
    assert count.max() == 2
    named = np.sort(solid.facets[:, :3], axis=1)
    assert set(map(tuple, unique[count == 1])) == set(map(tuple, named))
    assert len(np.unique(named, axis=0)) == len(named)


def test_mid_nodes_lie_between_their_corners_in_space(solid):
    edges = ((0, 1), (1, 2), (2, 0), (3, 0), (3, 2), (3, 1))
    ends = (
        np.stack(
            [solid.points[solid.cells[:, a]] + solid.points[solid.cells[:, b]] for a, b in edges], axis=1
        )
        / 2
    )
    off = np.linalg.norm(solid.points[solid.cells[:, 4:]] - ends, axis=2)
    # Straight everywhere but along the fillets, where the sagitta of a cell of 0.4 um on 1 um is 0.02 um.
    assert np.median(off) < 1e-9
    assert 0.005 < off.max() < 0.06


def test_the_sides_in_space_are_periodic_face_by_face(solid):
    chip, shift = ClusterChip(), np.array([2 * ClusterChip().row_pitch * 1e6, 0, 0])

    def faces(name: str, back: np.ndarray) -> set:
        of = solid.facets[solid.facet_regions == solid.regions[name]][:, :3]
        return {tuple(sorted(tuple(np.round(p - back, 6) + 0.0) for p in face)) for face in solid.points[of]}

    assert faces("inlet", 0 * shift) == faces("outlet", shift)
    assert len(faces("inlet", 0 * shift)) > 50
    assert chip.block().periodic


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize(("finest", "count"), [(1.0, 6), (3.0, 8), (40.0, 4), (1.0, 1)])
def test_layers_fill_the_depth_and_are_thinner_at_the_walls(half, finest, count):
    heights = layer_heights(100.0, finest, count, half=half)
    steps = np.diff(heights)
    assert (heights[0], heights[-1]) == pytest.approx((0, 50 if half else 100))
    assert len(steps) == (count if half else 2 * count)
    assert steps.min() > 0
    assert np.all(np.diff(steps[:count]) >= -1e-9)
    if finest * count < 50 and count > 1:
        assert steps[0] == pytest.approx(finest, rel=1e-9)
    if not half:
        assert steps == pytest.approx(steps[::-1])


def test_half_a_depth_ends_on_the_midplane(cell):
    outline, plane = cell
    mesh = extrude(plane, layer_heights(outline.depth, 3.0, 2, half=True), top="midplane")
    assert {"floor", "midplane"} <= set(mesh.regions)
    assert mesh.measure() == pytest.approx(plane.measure() * 50, rel=1e-10)


def test_a_mirrored_copy_is_caught_by_the_jacobians(cell, solid):
    for mesh in (cell[1], solid):
        mirrored = replace(mesh, points=mesh.points * [-1, 1, 1])
        assert determinants(mirrored) == pytest.approx(-determinants(mesh), rel=1e-6)


def test_a_cell_from_inlet_to_outlet_is_refused():
    """Its corners would have one key and the prism no order of corners to be cut by."""
    frame = rectangle(0.0, 0.0, 0.5, 2.0, ("wall", "outlet", "wall", "inlet"))
    plane = mesh_outline(Outline(frame, (), 1.0, (), 0.0, 1.0, True), Resolution(coarsest=0.5))
    with pytest.raises(MeshError, match="a cell reaches from the inlet to the outlet"):
        extrude(plane, np.array([0.0, 1.0]))
