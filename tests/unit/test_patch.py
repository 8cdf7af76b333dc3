"""A piece of a real membrane: which pores it holds, where its border runs, and the cells of each opening."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from shapely import box, unary_union

from geometries import DesignError
from geometries.patch import COUNT, Patch, patch
from geometries.pore_filter import PoreFilter

LATTICE = {"diameter": "5 um", "density": "5e5 /cm^2", "thickness": "1 um", "tolerance": "2 %"}
SLITS = {
    "pore": "slit",
    "width": "5 um",
    "length": "15 um",
    "placement": "square",
    "density": "5e5 /cm^2",
    "tolerance": "1 %",
}


def cut(found: Patch) -> int:
    """Pores that the border of a patch cuts on either face."""
    window = box(*found.box)
    return sum(not b.opening(z).within(window) for b in found.bores for z in (0.0, found.thickness))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tilt", ["0 deg", "34 deg"])
def test_a_random_patch_holds_whole_pores_of_the_membrane(seed, tilt):
    membrane = PoreFilter(seed=seed, tilt=tilt)
    found, pores = patch(membrane), membrane.pores()
    assert 20 <= len(found.bores) <= 28
    assert cut(found) == 0
    assert found.area == pytest.approx(COUNT / membrane.density * 1e12)
    for bore, k in zip(found.bores, found.indices, strict=True):
        assert [bore.x + found.origin[0], bore.y + found.origin[1]] == pytest.approx(
            [pores.x[k] * 1e6, pores.y[k] * 1e6]
        )
        assert (bore.width, bore.tilt) == pytest.approx((8 * pores.scale[k], pores.tilt[k]))
    x0, y0, x1, y1 = np.add(found.box, found.origin * 2)
    inside = (pores.x > x0 / 1e6) & (pores.x < x1 / 1e6) & (pores.y > y0 / 1e6) & (pores.y < y1 / 1e6)
    assert set(np.flatnonzero(inside)) == set(found.indices)


def test_rims_of_a_patch_never_nearly_touch():
    for seed in range(6):
        found = patch(PoreFilter(seed=seed, tolerance=0.0))
        for a, b in itertools.combinations(found.bores, 2):
            assert abs(np.hypot(a.x - b.x, a.y - b.y) - 8) > 0.05 * 4
        assert min(min(b.x, b.y, *(np.array(found.box[2:]) - (b.x, b.y))) for b in found.bores) > 4.2


def test_the_same_membrane_has_the_same_patch():
    one, other = patch(PoreFilter(seed=7)), patch(PoreFilter(seed=7))
    assert one.bores == other.bores and one.box == other.box
    assert patch(PoreFilter(seed=8)).bores != one.bores


@pytest.mark.parametrize(
    ("values", "weight"),
    [
        ({**LATTICE, "placement": "square"}, 25),
        ({**LATTICE, "placement": "hexagonal"}, 25),
        (SLITS, 21),
    ],
)
def test_a_block_of_a_lattice_ends_at_mirror_planes(values, weight):
    membrane = PoreFilter(**values)
    found = patch(membrane)
    area = unary_union([b.opening() for b in found.bores]).intersection(box(*found.box)).area
    assert found.area * membrane.density / 1e12 == pytest.approx(weight)
    assert area / found.area == pytest.approx(membrane.nominal_coverage, rel=0.03)
    if membrane.placement == "square":
        assert cut(found) == 0 and len(found.bores) == weight


@pytest.mark.parametrize(
    "values",
    [{}, {"tilt": "34 deg", "seed": 1}, {**LATTICE, "placement": "hexagonal"}],
    ids=["upright", "slanted", "lattice"],
)
def test_the_openings_are_the_connected_bores(values):
    membrane = PoreFilter(**values)
    found = patch(membrane, 12)
    mesh = found.mesh(rim=found.radius / 3, coarsest=4 * found.radius)
    openings = found.openings(mesh)
    assert len(openings) == found.groups.max() + 1 < len(found.bores) + 1
    cells = np.concatenate(openings)
    assert len(cells) == len(set(cells))
    own = mesh.cells[cells][:, :4]
    node = np.repeat(np.arange(len(cells)), 4)
    graph = coo_matrix((np.ones(4 * len(cells)), (node, own.ravel())), shape=(len(cells), len(mesh.points)))
    count, label = connected_components(graph @ graph.T, directed=False)
    assert count == len(openings)
    assert all(len(set(part)) == 1 for part in np.split(label, np.cumsum([len(o) for o in openings])[:-1]))


def test_a_patch_that_the_spot_does_not_hold_is_one_sentence():
    with pytest.raises(DesignError, match="too small for a window of 24 pores; ask for fewer"):
        patch(PoreFilter(spot_diameter="0.2 mm"))
    with pytest.raises(DesignError, match="number of pores of a patch = 0 is below 1"):
        patch(PoreFilter(), 0)
