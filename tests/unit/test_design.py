"""Designs from TOML: what is read, what is replaced, and one sentence for every mistake."""

import pytest

from chipsim.design import Carried, Design, Operation, design_from_dict, find_design, load_design, published
from geometries import ClusterChip, DesignError

GOOD = """
[device]
kind = "cluster_chip"
gap = "12 um"
[operation]
flow_rate = "2.5 mL/h"
viscosity = "4 mPa s"
volume = "5 mL"
[[suspension]]
cells = "MDA-MB-231"
sizes = [1, 2]
concentration = "10 /mL"
"""


@pytest.fixture
def write(tmp_path):
    def to_file(text):
        path = tmp_path / "design.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def test_a_design_is_read(write):
    design = load_design(write(GOOD))
    assert design.device == ClusterChip() and design.name == "design"
    assert design.operation.flow_rate == pytest.approx(2.5e-6 / 3600)
    assert design.operation.viscosity == pytest.approx(4e-3)
    assert design.suspension[0].cells.name == "MDA-MB-231" and design.suspension[0].sizes == (1, 2)
    assert design.to_dict()["device"]["gap_m"] == pytest.approx(12e-6)


def test_every_published_design_is_read_and_can_be_made():
    assert "cluster_chip_2015" in published()
    for name, path in published().items():
        design = load_design(path)
        assert design.device.problems(design.limits) == []
        assert find_design(name) == path


def test_blood_has_the_viscosity_of_its_temperature(write):
    text = GOOD.replace('viscosity = "4 mPa s"', 'fluid = "whole blood"\ntemperature = "22 degC"')
    design = load_design(write(text))
    assert design.operation.viscosity == pytest.approx(4e-3 * 1.03**15)
    assert any("Newtonian" in warning for warning in design.operation.liquid().warnings)
    assert design.operation.replace(flow_rate="1 mL/h").viscosity == pytest.approx(4e-3 * 1.03**15)


def test_own_cells(write):
    text = (
        GOOD.replace('"MDA-MB-231"', '"mine"')
        + '\n[cells.mine]\ndiameter = "16 um"\ntension = "50 pN/um"\nsource = "us"\n'
    )
    assert load_design(write(text)).suspension[0].cells.diameter == pytest.approx(16e-6)


@pytest.mark.parametrize("override", ['device.gap="10 um"', "device.gap=10 um", "device.gap = 10e-6"])
def test_overrides(write, override):
    assert load_design(write(GOOD), [override]).device.gap == pytest.approx(10e-6)


BAD = [
    ('gap = "12 um"', 'gap = "12 m"', r'gap = 12 m is outside 1 um to 1 mm; did you mean "12 um"\?'),
    ('gap = "12 um"', 'gap = "12 s"', "wrong unit"),
    ('gap = "12 um"', "gap = true", "not a value with a unit"),
    ('gap = "12 um"', 'gpa = "12 um"', 'unknown key "gpa"'),
    ('gap = "12 um"', "rows = -3", "rows = -3 is outside 1 to 10000"),
    ('gap = "12 um"', "paths = 7", "paths = 7"),
    ('gap = "12 um"', 'daughter_gap = "4 um"', "daughter_gap = 4 um makes the rows overlap"),
    ('gap = "12 um"', 'fillet = "30 um"', "fillet = 30 um"),
    ('kind = "cluster_chip"', 'kind = "sieve"', "device.kind = 'sieve' is unknown"),
    ('kind = "cluster_chip"', "", "device.kind"),
    ('viscosity = "4 mPa s"', "", "viscosity is missing"),
    ('viscosity = "4 mPa s"', 'fluid = "honey"', 'fluid = "honey" is unknown'),
    ('viscosity = "4 mPa s"', 'viscosity = "4 mPa s"\nfluid = "buffer"', "both given"),
    (
        'viscosity = "4 mPa s"',
        'viscosity = "4 mPa s"\ntemperature = "22 degC"',
        "temperature is given without fluid",
    ),
    ('flow_rate = "2.5 mL/h"', 'flow_rate = "0 mL/h"', "flow_rate = 0 mL/h must be above 0"),
    ('flow_rate = "2.5 mL/h"', 'flow_rate = "-1 mL/h"', "flow_rate = -1 mL/h"),
    ('cells = "MDA-MB-231"', 'cells = "nobody"', '"nobody" is not in the table'),
    ('cells = "MDA-MB-231"', "cells = 3", "cells = 3"),
    ('cells = "MDA-MB-231"', "", '"cells" is missing'),
    ("sizes = [1, 2]", "sizes = [0]", "sizes"),
    ("sizes = [1, 2]", 'sizes = ["two"]', "sizes"),
    ("sizes = [1, 2]", "sizes = []", "sizes"),
    ('concentration = "10 /mL"', 'concentration = "10 mL"', "concentration"),
    ("[[suspension]]", "[suspension]", "suspension must be a list of tables"),
    ("[operation]", "[operations]", 'unknown table "operations"'),
    ("[device]", "[device", "not valid TOML"),
    ('kind = "cluster_chip"', 'kind = ["cluster_chip"]', "device.kind"),
    ('flow_rate = "2.5 mL/h"', "", '"flow_rate" is missing'),
    ('concentration = "10 /mL"', "", '"concentration" is missing'),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD)
def test_a_mistake_is_one_sentence(write, old, new, said):
    with pytest.raises(DesignError, match=said) as caught:
        load_design(write(GOOD.replace(old, new)))
    assert "\n" not in str(caught.value).strip() or "TOML" in said


def test_unreadable_files(tmp_path, write):
    with pytest.raises(DesignError, match="there is no file"):
        load_design(tmp_path / "nothing.toml")
    with pytest.raises(DesignError, match="cannot be read"):
        load_design(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00gap")
    with pytest.raises(DesignError, match="it is not text"):
        load_design(tmp_path / "bytes.toml")


@pytest.mark.parametrize("override", ["gap=10 um", "device.gap", "cells.x=1", "device.=3"])
def test_bad_overrides(write, override):
    with pytest.raises(DesignError, match="--set"):
        load_design(write(GOOD), [override])


def test_values_in_python():
    operation = Operation(flow_rate="2.5 mL/h", fluid="buffer", temperature="22 degC")
    assert operation.viscosity == pytest.approx(0.95e-3)
    carried = Carried(cells="MDA-MB-231", sizes=[2], concentration="10 /mL")
    design = design_from_dict(
        {"device": {"kind": "cluster_chip"}, "operation": {"flow_rate": 1e-9, "viscosity": 1e-3}}
    )
    assert carried.concentration > 0 and design.suspension == ()


def test_a_fluid_takes_the_place_of_a_viscosity(write):
    blood = load_design(write(GOOD), ["operation.fluid=whole blood", "operation.temperature=22 degC"])
    assert blood.operation.viscosity == pytest.approx(4e-3 * 1.03**15)
    text = GOOD.replace('viscosity = "4 mPa s"', 'fluid = "whole blood"\ntemperature = "22 degC"')
    assert load_design(write(text), ["operation.viscosity=1 mPa s"]).operation.viscosity == pytest.approx(
        1e-3
    )


def test_written_and_default_values_are_the_same_number(write):
    """Else the same chip would be solved twice."""
    assert load_design(write(GOOD), ['device.depth="100 um"']).device == ClusterChip()


# -- what drives the liquid --------------------------------------------------------------------------------------------
def test_one_drive_takes_the_place_of_the_other():
    by_pressure = Operation(pressure="10 mbar", fluid="water", volume="1 mL", rinse_time="2 min")
    assert by_pressure.pressure == pytest.approx(1000) and by_pressure.flow_rate is None
    assert by_pressure.to_dict()["pressure_pa"] == pytest.approx(1000)
    assert by_pressure.to_dict()["rinse_time_s"] == pytest.approx(120)
    assert Operation(flow_rate="1 mL/h", viscosity="1 mPa s").rinse_time == 0.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, '"flow_rate" is missing; write'),
        ({"flow_rate": "1 mL/h", "pressure": "1 kPa"}, "flow_rate and pressure are both given"),
        ({"pressure": "2 MPa"}, "pressure = 2 MPa is outside 0 Pa to 1 MPa"),
        ({"pressure": "0 Pa"}, "pressure = 0 Pa must be above 0"),
        ({"pressure": "1 kPa", "rinse_time": "-1 s"}, "rinse_time = -1 s is outside"),
        ({"pressure": "1 m"}, "wrong unit"),
    ],
)
def test_mistakes_about_the_drive(values, said):
    with pytest.raises(DesignError) as caught:
        Operation(viscosity="1 mPa s", **values)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'flow_rate = "2.5 mL/h"',
            'pressure = "1 kPa"',
            '"flow_rate" is missing in [operation]; a cluster_chip',
        ),
        ('volume = "5 mL"', 'rinse_time = "1 min"', "rinse_time has no meaning for a cluster_chip"),
        ("sizes = [1, 2]", 'sizes = [1, 2]\nstate = "fixed"', 'state = "fixed" of MDA-MB-231'),
        ("sizes = [1, 2]", 'sizes = [1, 2]\nstate = "dead"', "known states are live and fixed"),
        ("sizes = [1, 2]", "sizes = [1, 2]\nstate = 3", "state"),
    ],
)
def test_what_a_cluster_chip_has_no_use_for(write, old, new, said):
    with pytest.raises(DesignError) as caught:
        load_design(write(GOOD.replace(old, new)))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_setting_a_pressure_removes_the_flow_rate(write):
    with pytest.raises(DesignError, match="a cluster_chip is run by it"):
        load_design(write(GOOD), ["operation.pressure=1 kPa"])


def test_the_state_of_cells_is_written():
    carried = Carried(cells="MDA-MB-231", concentration="10 /mL", state="fixed")
    assert carried.state == "fixed" and Carried(cells="MDA-MB-231", concentration=1e7).state == "live"
    operation = Operation(flow_rate="1 mL/h", viscosity="1 mPa s")
    design = Design(ClusterChip(), operation, (carried.replace(state="live"),))
    assert design.to_dict()["suspension"][0]["state"] == "live"
