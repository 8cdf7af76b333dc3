"""The pore filter's parameters: how its pores lie, and each mistake in one sentence."""

import numpy as np
import pytest

from geometries import DesignError
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
    ],
)
def test_mistakes_are_one_sentence(values, said):
    with pytest.raises(DesignError) as error:
        PoreFilter(**values)
    assert said in str(error.value) and "\n" not in str(error.value)
