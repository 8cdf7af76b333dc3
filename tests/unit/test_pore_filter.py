"""The pore filter's parameters: how its pores lie, and each mistake in one sentence."""

import numpy as np
import pytest
from shapely import unary_union

from geometries import DesignError
from geometries.membrane_mesh import Bore
from geometries.pore_filter import PoreFilter

ALIKE = PoreFilter(tolerance=0.0)


def test_pores_lie_as_discs_at_random_do():
    """8 um, 1e5 per cm2: exp(-4 phi) are isolated, 1 - exp(-phi) is covered; doublets by Monte Carlo (0.150)."""
    found = ALIKE.statistics()
    assert found.count > 20_000
    assert found.isolated == pytest.approx(0.818, abs=0.01)
    assert found.in_doublets == pytest.approx(0.150, abs=0.01)
    assert found.coverage == pytest.approx(0.0490, abs=0.001)
    assert found.isolated + found.in_doublets + found.in_triplets + found.in_larger == pytest.approx(1.0)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"tilt": "34 deg"},
        {"pore": "square", "width": "7 um"},
        {"diameter": "3 um", "density": "2e6 /cm^2"},
    ],
)
def test_the_open_area_is_that_of_the_union(values):
    membrane = PoreFilter(spot_diameter="2 mm" if not values.get("diameter") else "0.5 mm", **values)
    pores = membrane.pores()
    bores = [
        Bore(
            x * 1e6, y * 1e6, membrane.size * 1e6 * s, membrane.size * 1e6 * s if membrane.width else None, t
        )
        for x, y, s, t in zip(pores.x, pores.y, pores.scale, pores.tilt, strict=True)
    ]
    assert pores.share.min() < 0.9 and pores.share[pores.group_size == 1].min() == 1.0
    # Pores at the spot's border may share with those beyond it: some 0.2 per mille of the area here.
    area = unary_union([b.opening() for b in bores]).area * 1e-12
    assert membrane.statistics().coverage * membrane.spot_area == pytest.approx(area, rel=3e-3)
    for g in np.unique(
        pores.group[(pores.group_size > 1) & (np.hypot(pores.x, pores.y) < 0.4 * membrane.spot_diameter)]
    ):
        shapes = [bores[k].opening() for k in np.flatnonzero(pores.group == g)]
        expected = unary_union(shapes).area / sum(s.area for s in shapes)
        assert pores.share[pores.group == g] == pytest.approx(expected, rel=2e-3)


def test_slanted_tracks_leave_fewer_through_doublets():
    slanted = ALIKE.replace(tilt="34 deg").statistics()
    assert slanted.through_doublets == pytest.approx(0.111, abs=0.01)
    assert ALIKE.statistics().through_doublets == ALIKE.statistics().in_doublets


def test_same_seed_same_pores():
    one, other = PoreFilter(seed=3).pores(), PoreFilter(seed=4).pores()
    np.testing.assert_array_equal(one.x, PoreFilter(seed=3).pores().x)
    assert len(one.x) != len(other.x) or np.any(one.x != other.x)
    assert one.scale.min() >= 0.8 and one.scale.max() <= 1.0


@pytest.mark.parametrize("placement", ["square", "hexagonal"])
def test_a_lattice_has_its_density_and_no_overlaps(placement):
    membrane = PoreFilter(placement=placement, diameter="5 um", density="4e5 /cm^2", tolerance="3 %")
    pores = membrane.pores()
    assert len(pores.x) == pytest.approx(membrane.density * membrane.spot_area, rel=5e-3)
    assert pores.group_size.max() == 1 and pores.share.min() == 1.0
    assert pores.scale.std() == pytest.approx(0.03, rel=0.05)


@pytest.mark.parametrize(
    ("pore", "width", "density"), [("square", 5, 3.3e10), ("square", 5, 5e9), ("round", 5, 3e10)]
)
def test_walls_of_a_hexagonal_lattice_are_what_is_between_its_openings(pore, width, density):
    size = {"diameter" if pore == "round" else "width": width * 1e-6}
    membrane = PoreFilter(
        pore=pore, placement="hexagonal", density=density, tolerance=0.0, spot_diameter="0.2 mm", **size
    )
    pores, side = membrane.pores(), None if pore == "round" else width
    shapes = [Bore(x * 1e6, y * 1e6, width, side).opening() for x, y in zip(pores.x, pores.y, strict=True)]
    middle = int(np.hypot(pores.x, pores.y).argmin())
    near = min(shapes[middle].distance(s) for k, s in enumerate(shapes) if k != middle)
    assert min(membrane.walls) * 1e6 == pytest.approx(near, rel=1e-3)


def test_slits_have_walls_of_one_thickness():
    slits = PoreFilter(pore="slit", width="5 um", length="15 um", placement="square", density="5e5 /cm^2")
    assert slits.walls == pytest.approx((5e-6, 5e-6))
    assert slits.area == pytest.approx(75e-12)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"pore": "star"}, 'pore = "star" is unknown; known are round, slit, square'),
        ({"placement": "rows"}, 'placement = "rows" is unknown'),
        ({"thickness": "0 um"}, "thickness = 0 um is outside"),
        ({"density": "2e6 /cm^2"}, "takes 101% of the membrane, above 50%"),
        ({"density": "2e6 /cm^2", "placement": "square"}, "leaves no wall between pores of 8 um"),
        ({"tilt": "89 deg"}, "tilt = 89 deg is outside"),
        ({"tilt": "80 deg", "spot_diameter": "0.1 mm"}, "lets a track leave the membrane"),
        ({"tilt": "10 deg", "placement": "square"}, "pores made by lithography stand upright"),
        ({"width": "5 um"}, "width does not fit a round pore; give its diameter"),
        ({"pore": "slit", "width": "5 um", "placement": "square"}, "a slit pore needs its width and length"),
        (
            {"pore": "slit", "width": "5 um", "length": "3 um", "placement": "square"},
            "is below its width of 5 um",
        ),
        ({"pore": "slit", "width": "5 um", "length": "9 um"}, "slits stand on placement"),
        ({"tolerance": [0.1, -0.1]}, "has its lower limit above its upper one"),
        ({"spot_diameter": "10 um"}, "outside 1 to 5000000"),
        (
            {"pore": "square", "width": "5 um", "placement": "hexagonal", "density": "3.5e6 /cm^2"},
            "leaves no wall between pores of 5 um on a hexagonal lattice",
        ),
        ({"spot_diameter": "40 um", "seed": 4}, "has no pore by seed = 4, as 1.26 are expected"),
    ],
)
def test_mistakes_are_one_sentence(values, said):
    with pytest.raises(DesignError) as error:
        PoreFilter(**values)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_etched_tracks_break_no_rule_of_lithography():
    assert PoreFilter().problems() == []
    assert PoreFilter(diameter="1 um", density="1e7 /cm^2", thickness="20 um").problems() == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"diameter": "3.2 um"},
            "diameter = 3.2 um leaves openings of 2.88 um, below the smallest gap that can be made, 3 um",
        ),
        ({"thickness": "60 um"}, "thickness = 60 um is above 12 times the opening of 4.5 um"),
        (
            {"density": "1e6 /cm^2"},
            "density = 1e+06 1/cm^2 leaves walls of 4.5 um between the widest pores, below",
        ),
        (
            {"spot_diameter": "40 mm", "density": "3e5 /cm^2"},
            "spot_diameter = 40 mm is wider than the slide, 37.5 mm",
        ),
    ],
)
def test_a_broken_design_rule_is_one_sentence(values, said):
    sieve = {"placement": "square", "diameter": "5 um", "density": "5e5 /cm^2", "thickness": "1 um"}
    sieve["tolerance"] = [-0.1, 0.1]
    assert PoreFilter(**sieve).problems() == []
    (problem,) = PoreFilter(**{**sieve, **values}).problems()
    assert said in str(problem)
    with pytest.raises(DesignError, match="below|above|wider"):
        PoreFilter(**{**sieve, **values}).check()


def test_the_plan_of_the_cell_is_a_plate_with_openings():
    plan = PoreFilter().block()
    assert plan.plate and [s.name for s in plan.solids[0].segments] == ["pore"] * 4
    # A quarter of a circle of 4 um is open, of a quarter of 1e-5 cm2.
    assert plan.area() == pytest.approx(250 - np.pi * 4)
