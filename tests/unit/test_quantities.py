"""Units and ranges at the border: what comes in, and how a mistake reads."""

import math

import pytest

from geometries import ClusterChip, DesignError
from geometries.device import Limits
from geometries.quantities import quantity, show


@pytest.mark.parametrize(
    ("written", "unit", "si"),
    [
        ("12 um", "m", 12e-6),
        ("12 µm", "m", 12e-6),
        ("0.012 mm", "m", 12e-6),
        (12e-6, "m", 12e-6),
        ("60 deg", "rad", math.pi / 3),
        ("2.5 mL/h", "m^3/s", 2.5e-6 / 3600),
        ("4 mPa s", "Pa s", 4e-3),
        ("4 cP", "Pa s", 4e-3),
        ("10 /mL", "1/m^3", 1e7),
        ("37 pN/um", "N/m", 37e-6),
        ("22 degC", "K", 295.15),
        ("-2.5 degC", "K", 270.65),
        ("295.15 K", "K", 295.15),
        ("0.12", "", 0.12),
        ("12 %", "", 0.12),
    ],
)
def test_a_string_with_a_unit_becomes_an_si_float(written, unit, si):
    assert quantity(written, unit, "field", -1e9, 1e9) == pytest.approx(si, rel=1e-12)


def test_limits_are_allowed_themselves_unless_open():
    assert quantity("1 um", "m", "gap", "1 um", "1 mm") == pytest.approx(1e-6, rel=1e-12)
    assert quantity("1000 um", "m", "gap", "1 um", "1 mm") == pytest.approx(1e-3, rel=1e-12)
    with pytest.raises(DesignError, match=r"gap = 0 m must be above 0 m"):
        quantity(0.0, "m", "gap", 0.0, "1 mm", open_low=True)


def test_a_forgotten_micro_is_suggested_word_for_word():
    with pytest.raises(DesignError) as caught:
        ClusterChip(gap="12 m")
    assert str(caught.value).startswith('gap = 12 m is outside 1 um to 1 mm; did you mean "12 um"?')


@pytest.mark.parametrize(
    ("written", "unit", "words"),
    [
        ("12 s", "m", "wrong unit"),
        ("12", "m", "has no unit"),
        ("12 parsnips", "m", "cannot be read"),
        ("", "m", "cannot be read"),
        ("um", "m", "cannot be read"),
        ("12 um um", "m", "wrong unit"),
        ("12,5 um", "m", "has a comma"),
        ("12 degC m", "m", "wrong unit"),
        ("12 um / 0", "m", "cannot be read"),
        ("2\num\ns", "m", "wrong unit"),
        (10**400, "m", "outside"),
        ("twelve um", "m", "cannot be read"),
        ("12 um; 3", "m", "cannot be read"),
        ("2e9 um", "m", "outside"),
        (float("nan"), "m", "outside"),
        ("nan um", "m", "cannot be read"),
        (float("inf"), "m", "outside"),
        ("-12 um", "m", "outside"),
        (True, "m", "not a value with a unit"),
        (None, "m", "not a value with a unit"),
        ([12], "m", "not a value with a unit"),
        ("12 um", "", "wrong unit"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_field(written, unit, words):
    with pytest.raises(DesignError) as caught:
        quantity(written, unit, "gap", "1 um" if unit else 0.0, "1 mm" if unit else 1.0)
    message = str(caught.value)
    assert words in message
    assert message.startswith("gap = ")
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize("value", ["1 um", "12 um", "123.4 um", "0.5 um"])
def test_show_is_read_back(value):
    assert show(quantity(value, "m", "x", 0.0, 1.0), "um") == value


def test_show_converts_units_with_an_offset_and_compound_ones():
    assert show(295.15, "degC") == "22 degC"
    assert show(2.5e-6 / 3600, "mL/h") == "2.5 mL/h"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"gapp": "12 um"}, 'unknown key "gapp" in [device]'),
        ({"paths": "many"}, "paths = 'many' in [device]: input should be a valid integer"),
        ({"rows": True}, "rows = true is not a whole number"),
        ({"rows": 10**5000}, "rows = 1e+300 is outside 1 to 10000"),
        ({"rows": 2.5}, "rows = 2.5 in [device]: input should be a valid integer"),
    ],
)
def test_mistakes_found_by_pydantic_read_like_the_others(values, sentence):
    with pytest.raises(DesignError) as caught:
        ClusterChip(**values)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_limits_are_read_with_units_too():
    assert Limits(min_gap="2 um").min_gap == pytest.approx(2e-6)
    with pytest.raises(DesignError, match="min_gap = 2 m is outside"):
        Limits(min_gap="2 m")


def test_two_percent_signs_are_no_unit():
    with pytest.raises(DesignError, match='"0.1%%" cannot be read'):
        quantity("0.1%%", "", "accuracy", 0.0, 1.0)
