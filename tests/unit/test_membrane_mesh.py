"""Meshes of pores through a membrane: watertight, every facet named, area and volume those of the bores."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from shapely import box, unary_union

from geometries.membrane_mesh import Bore, mesh_bores, unit_cell
from geometries.mesh import Mesh
from geometries.pore_filter import PoreFilter

SIZES = {"rim": 1.0, "growth": 0.5, "coarsest": 6.0}
BOX = (-20.0, -20.0, 20.0, 20.0)


def faces(cells: np.ndarray) -> np.ndarray:
    """Corners of the four faces of each cell, sorted."""
    return np.sort(np.concatenate([cells[:, c] for c in itertools.combinations(range(4), 3)]), axis=1)


def watertight(mesh: Mesh, least: float = 0.05) -> None:
    """Inner faces are shared by two cells, and each of the others is one facet of one region."""
    found, shared = np.unique(faces(mesh.cells), axis=0, return_counts=True)
    assert set(shared) == {1, 2}
    outer = {tuple(f) for f in found[shared == 1]}
    facets = [tuple(f) for f in np.sort(mesh.facets[:, :3], axis=1)]
    assert len(facets) == len(set(facets)) and set(facets) == outer
    assert mesh.quality > least


def in_bores(mesh: Mesh, end: float) -> float:
    """Volume of the cells between two depths; no cell is on both sides of a face."""
    z = mesh.points[mesh.cells[:, :4], 2]
    low, high = z.min(axis=1), z.max(axis=1)
    for face in (0.0, end):
        assert not np.any((low < face - 1e-6) & (high > face + 1e-6))
    inside = (low > -1e-6) & (high < end + 1e-6)
    bores = replace(
        mesh,
        cells=mesh.cells[inside],
        facets=mesh.facets[:0, :3],
        facet_regions=mesh.facet_regions[:0],
        regions={},
    )
    return bores.measure()


CASES = {
    "round": [Bore(0, 0, 8)],
    "rectangle": [Bore(0, 0, 5, 15)],
    "tilted": [Bore(-3, 0, 8, tilt=0.5)],
    "overlapping": [Bore(-3, 0, 8), Bore(3, 1, 7), Bore(12, -12, 7)],
    "overlapping and tilted": [Bore(-4, 1, 8, tilt=0.4), Bore(3, 0, 7, tilt=0.1), Bore(0, 14, 7)],
    "half and quarter": [Bore(-20, -20, 8), Bore(20, 3, 7), Bore(20, 20, 5, 6)],
}


@pytest.mark.parametrize("bores", CASES.values(), ids=CASES)
def test_bores_between_two_reservoirs(bores):
    mesh = mesh_bores(bores, 10.0, BOX, 15.0, **SIZES)
    watertight(mesh)
    assert set(mesh.regions) == {"inlet", "outlet", "membrane", "pore", "symmetry_x", "symmetry_y"}
    slices = [
        unary_union([b.opening(z) for b in bores]).intersection(box(*BOX)).area
        for z in np.linspace(0.025, 9.975, 200)
    ]
    bored = float(np.mean(slices)) * 10
    assert mesh.measure() == pytest.approx(2 * 15 * 1600 + bored, rel=5e-4)
    assert in_bores(mesh, 10.0) == pytest.approx(bored, rel=2e-3)


@pytest.mark.parametrize("thickness", [0.0, 10.0])
def test_half_of_a_bore_ends_in_its_outlet(thickness):
    mesh = mesh_bores([Bore(0, 0, 8)], thickness, (0, 0, 20, 20), 20.0, half=True, **SIZES)
    watertight(mesh)
    assert ("pore" in mesh.regions) == (thickness > 0)
    quarter = math.pi * 16 / 4
    assert mesh.measure() == pytest.approx(20**3 + quarter * thickness / 2, rel=1e-4)
    outlet = mesh.points[mesh.facets[mesh.facet_regions == mesh.regions["outlet"]]]
    assert np.ptp(outlet[..., 2]) == 0 and outlet[0, 0, 2] == thickness / 2
    assert np.hypot(*outlet[..., :2].reshape(-1, 2).T).max() == pytest.approx(4.0)


def test_a_cut_that_fails_is_an_error(monkeypatch):
    import geometries.bores as module
    from geometries.mesh import MeshError

    whole = module._union
    monkeypatch.setattr(module, "_union", lambda occ, shapes: whole(occ, shapes[:1]))
    with pytest.raises(MeshError, match="the openings have"):
        mesh_bores([Bore(-8, 0, 8), Bore(8, 0, 8)], 10.0, BOX, 15.0, **SIZES)


LATTICES = {
    "slits": PoreFilter(pore="slit", width="5 um", length="15 um", placement="square", density="5e5 /cm^2"),
    "square": PoreFilter(placement="square", diameter="5 um", density="5e5 /cm^2", thickness="1 um"),
    "hexagonal": PoreFilter(placement="hexagonal", density="2e5 /cm^2"),
    "poisson": PoreFilter(),
}


@pytest.mark.parametrize("membrane", LATTICES.values(), ids=LATTICES)
@pytest.mark.parametrize("half", [False, True])
def test_unit_cells_have_the_share_of_their_pores(membrane, half):
    mesh = unit_cell(membrane, 30.0, half=half, **SIZES)
    watertight(mesh)
    quarters = 2 if membrane.placement == "hexagonal" else 1
    face = quarters / 4 / membrane.density * 1e12
    pore = quarters / 4 * membrane.area * membrane.thickness * 1e18
    expected = face * 30 + pore / 2 if half else face * 60 + pore
    assert mesh.measure() == pytest.approx(expected, rel=1e-4)


def test_a_pore_stands_alone_in_its_window():
    mesh = unit_cell(PoreFilter(), 20.0, window=40.0, **SIZES)
    assert mesh.points[:, :2].max() == 40.0
