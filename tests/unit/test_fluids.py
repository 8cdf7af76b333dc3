"""Fluids at the border."""

import pytest

from chipsim.fluids import Fluid, fluid, newtonian
from geometries.quantities import DesignError


def test_newtonian_takes_units_or_si():
    assert newtonian("4 mPa s") == newtonian(4e-3)
    assert newtonian("4 mPa s").viscosity == pytest.approx(4e-3)
    assert newtonian(4e-3).warnings == ()


def test_whole_blood_thickens_three_percent_a_degree_and_warns():
    assert fluid("whole blood").viscosity == pytest.approx(4e-3)
    room = fluid("whole blood", "22 degC")
    assert room.viscosity == pytest.approx(4e-3 * 1.03**15)
    assert fluid("whole blood", 295.15) == room
    assert any("Newtonian" in text for text in room.warnings)
    assert len(fluid("whole blood", "4 degC").warnings) == 2


@pytest.mark.parametrize(("celsius", "viscosity"), [(37, 0.69e-3), (22, 0.95e-3), (4, 1.57e-3)])
def test_buffer_at_its_three_temperatures(celsius, viscosity):
    found = fluid("buffer", f"{celsius} degC")
    assert isinstance(found, Fluid) and found.viscosity == pytest.approx(viscosity, rel=1e-6)
    assert "not re-checked" in found.source


def test_buffer_between_them_is_monotone():
    values = [fluid("buffer", f"{c} degC").viscosity for c in range(4, 38)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("celsius", "viscosity"), [(4, 1.567e-3), (20, 1.002e-3), (25, 0.890e-3), (37, 0.692e-3), (60, 0.466e-3)]
)
def test_water_over_temperature(celsius, viscosity):
    """20 degC is the standard datum; the others are those of the usual tables (recalled)."""
    assert fluid("water", f"{celsius} degC").viscosity == pytest.approx(viscosity, rel=2e-3)


def test_water_and_diluted_blood_are_at_room_temperature_unless_said():
    assert fluid("water").viscosity == pytest.approx(1.002e-3, rel=1e-12)
    diluted = fluid("diluted blood")
    assert diluted.viscosity == pytest.approx(1.15 * 1.002e-3)
    assert any("assumption" in text for text in diluted.warnings) and "assumed" in diluted.source


def test_how_much_blood_is_in_it():
    named = ("whole blood", "diluted blood", "buffer", "water")
    assert [fluid(name).blood_fraction for name in named] == [1.0, 0.1, 0.0, 0.0]
    assert newtonian("4 mPa s").blood_fraction is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fluid("honey"), "known fluids are whole blood, diluted blood, buffer and water"),
        (lambda: fluid("whole blood", "80 degC"), "temperature = 80 degC is outside"),
        (lambda: fluid("buffer", "4 um"), "temperature"),
        (lambda: newtonian("4 m"), "viscosity"),
        (lambda: newtonian(4.0), "viscosity = 4 Pa s is outside"),
    ],
)
def test_mistakes_are_one_sentence(call, words):
    with pytest.raises(DesignError) as caught:
        call()
    assert words in str(caught.value) and "\n" not in str(caught.value)
