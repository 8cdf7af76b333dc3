"""A user's mistakes with a spiral: one sentence that names what, value and limit, status 2, and nothing solved before."""

import json
import sys

import pytest

from chipsim import Carried, Design, Operation, section_flow
from chipsim.capture import check
from chipsim.cells import cell_line_from_table
from chipsim.cli import main
from chipsim.study.solve import solve
from geometries import ClusterChip, DesignError
from geometries.spiral import Spiral

DESIGN = """
[device]
kind = "spiral"
[operation]
sample_flow_rate = "100 uL/min"
sheath_flow_rate = "750 uL/min"
viscosity = "1 mPa s"
[[suspension]]
cells = "MDA-MB-231"
sizes = [1]
concentration = "10 /mL"
"""


@pytest.fixture
def chipsim(tmp_path, monkeypatch, capsys):
    """The command line on a spiral's file, with what replaces its values; status and what it said."""
    (tmp_path / "spiral.toml").write_text(DESIGN)
    monkeypatch.chdir(tmp_path)

    def call(command, *arguments, design="spiral.toml"):
        monkeypatch.setattr(sys, "argv", ["chipsim", command, design, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert [p.name for p in tmp_path.iterdir()] == ["spiral.toml"]
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


SETTINGS = [
    # Windings, lengths, radii.
    ("device.length=1 m", "width = 500 um makes the windings overlap: turns = 31.83"),
    ("device.inner_radius=6.3 mm", "bring their centre-lines within 80.42 um of each other"),
    ("device.length=10 m", "is outside 4.36 mm to 3142 mm, 0.1 to 100 turns"),
    ("device.length=1 mm", "length = 1 mm between inner_radius = 3.5 mm and outer_radius = 6.5 mm is outside 4.36 mm"),
    ("device.turns=12", "length = 100 mm is too short for turns = 12 around inner_radius = 3.5 mm; it must be above 263.9 mm"),
    ("device.outer_radius=1 mm", "outer_radius = 1 mm is below inner_radius = 3.5 mm"),
    # Names.
    ("device.sample_inlet=left", 'sample_inlet = "left" is unknown; known are outer, inner'),
    ("device.direction=up", 'direction = "up" is unknown; known are inward, outward'),
    ("operation.collect=both", 'collect = "both" is unknown; known outlets are inner and outer'),
    # Inlets and outlets.
    ("device.inlet_widths=['100 um']", "inlet_widths = 100 um is below the channel's width of 500 um"),
    ("device.inlet_widths=['100 um', '100 um']", "are 200 um together, below the channel's width of 500 um"),
    ("device.outlet_widths=['1 mm', '2 mm']", "are 3000 um together, above 4 times the channel's width of 500 um"),
    ("device.outlet_widths=['500 um']", "outlet_widths = ['500 um'] has 1 widths; write two"),
    ("device.outlet_widths=['0 um', '500 um']", "outlet_widths = 0 um is outside 1 um to 20 mm"),
    ("device.outlet_widths=[nan, 1e-3]", "outlet_widths = nan m is outside 1 um to 20 mm"),
    ("device.inlet_widths=['500 um']", "sheath_flow_rate = 0.75 mL/min needs an inlet of its own"),
    # Numbers that are none.
    ("device.width=0 um", "width = 0 um is outside 5 um to 5 mm"),
    ("device.width=-5 um", "width = -5 um is outside 5 um to 5 mm"),
    ("device.height=nan", "height = nan m is outside 1 um to 2 mm"),
    ("device.inner_radius=nan", "inner_radius = nan m is outside 50 um to 0.5 m"),
    ("device.turns=-2", "turns = -2 is outside 0.1 to 100"),
    ("device.turns=nan", "turns = nan is outside 0.1 to 100"),
    ("operation.sample_flow_rate=0 mL/min", "sample_flow_rate = 0 mL/min must be above 0"),
    ("operation.sample_flow_rate=nan", "sample_flow_rate = nan m^3/s is outside 0 m^3/s to 10 L/h"),
    ("operation.sheath_flow_rate=-1 mL/min", "sheath_flow_rate = -1 mL/min is outside 0 m^3/s to 10 L/h"),
    ("operation.viscosity=inf", "viscosity = inf Pa s is outside 0.1 mPa s to 1 Pa s"),
    # How it is run.
    ("operation.pressure=1 kPa", "a spiral is run by sample_flow_rate and sheath_flow_rate alone"),
    ("operation.flow_rate=1 mL/min", "flow_rate and sample_flow_rate are both given"),
    ("operation.rinse_time=1 s", "rinse_time has no meaning for a spiral"),
    # Before the flow is solved.
    ("operation.sample_flow_rate=20 mL/min", "a Dean number of 195 at inner_radius = 3.5 mm; it must be at most 75"),
    ("device.height=18 um", "MDA-MB-231, 1 cell: with the spread of their sizes bodies of 21.7 um are among them"),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "said"), SETTINGS)
def test_a_wrong_value_is_one_sentence(chipsim, setting, said):
    status, out, error = chipsim("run", "--set", setting)
    assert status == 2 and out == ""
    assert error.startswith("chipsim: ") and said in error and len(error.splitlines()) == 1


@pytest.mark.parametrize("model", ["3d", "stokes", "2d"])
def test_there_is_no_model_without_inertia(chipsim, model):
    status, _, error = chipsim("run", "--model", model)
    assert (
        status == 2
        and error == f'chipsim: model = "{model}" is unknown for this spiral; known models are section\n'
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of dean_k and dean must be given, not both"),
        (["--dean-k", "5", "--dean", "5"], "one of dean_k and dean must be given, not both"),
        (["--dean-k", "-1"], "dean_k = -1 must be at least 0 and finite"),
        (["--dean-k", "nan"], "dean_k = nan must be at least 0 and finite"),
        (["--dean-k", "inf"], "dean_k = inf must be at least 0 and finite"),
        (["--dean-k", "much"], "'--dean-k'"),
        (["--dean", "80"], "dean = 80 must be at most 75 in the Dean number"),
        (["--dean-k", "5", "--eps", "-0.1"], "curvature eps = -0.1 must be at least 0"),
        (["--dean-k", "5", "--eps", "nan"], "curvature eps = nan must be at least 0"),
        (["--dean-k", "5", "--eps", "0.4"], "curvature eps = 0.4 must be at most 0.304"),
        (["--dean-k", "5", "--refine", "100"], "'--refine'"),
    ],
)
def test_a_wrong_section_is_one_sentence(chipsim, arguments, said):
    status, out, error = chipsim("section", *arguments)
    assert status == 2 and out == "" and said in error and len(error.splitlines()) == 1


def test_a_section_too_strong_for_two_vortices_is_refused_on_the_way(chipsim):
    status, out, error = chipsim("section", "--dean-k", "1e300", "--refine", "0.5")
    assert status == 2 and out == ""
    assert (
        "on the way) must be at most 75 in the Dean number: above it a second pair" in error.splitlines()[-1]
    )


def test_a_section_is_of_a_spiral(chipsim):
    status, _, error = chipsim("section", "--dean-k", "5", design="cluster_chip_2015")
    assert status == 2 and error == "chipsim: a cluster_chip has no bent section: this is for a spiral\n"
    with pytest.raises(DesignError, match="a cluster_chip has no bent section"):
        section_flow(ClusterChip(), dean_k=5.0)


# Of the section of Hou et al., half-height over radius 0.008, by CurvedDuctFlow (finite differences); tolerances and the whole
# table are in chipsim/verification/dean.py.
@pytest.mark.parametrize(
    ("dean_k", "dean", "friction", "peak", "place", "mean", "largest"),
    [
        (5, 6.38, 0.99998, 1.8509, -0.1445, 0.0320, 0.0807),
        (20, 12.74, 1.00049, 1.8494, 0.022, 0.0319, 0.0805),
        (100, 28.30, 1.00723, 1.8443, 0.856, 0.0317, 0.0794),
    ],
)
def test_a_section_has_the_published_numbers(chipsim, dean_k, dean, friction, peak, place, mean, largest):
    status, out, _ = chipsim("section", "--dean-k", str(dean_k), "--eps", "0.008", "--json")
    told = json.loads(out)
    assert status == 0 and told["dean_k"] == pytest.approx(dean_k) and told["curvature"] == 0.008
    assert told["dean"] * 2**0.5 == pytest.approx(
        dean, rel=1e-3
    )  # theirs is with the radius, ours with the diameter
    assert told["friction_ratio"] == pytest.approx(friction, abs=max(0.02 * abs(friction - 1), 1e-5))
    assert told["peak_speed"] == pytest.approx(peak, rel=1e-3)
    assert told["axial_maximum"] == pytest.approx(place, abs=0.01)
    assert told["secondary_mean"] == pytest.approx(mean, rel=0.01)
    assert told["secondary_max"] == pytest.approx(largest, rel=0.01)
    assert abs(told["power_balance"]) < 1e-8 and told["discretisation_error"]["pressure_drop"] < 1e-5


def test_a_section_is_shown_in_a_table_and_by_default_in_the_middle_bend(chipsim):
    status, out, error = chipsim("section", "--dean", "5", "--refine", "0.5")
    assert status == 0 and "solving Navier-Stokes flow in the section" in error
    rows = [row.rsplit(maxsplit=1) for row in out.splitlines()]
    found = {name.strip(): float(value) for name, value in rows}
    eps = (80e-6 / 3.5e-3 + 80e-6 / 6.5e-3) / 2
    assert found["eps, half-height over radius of the bend"] == pytest.approx(eps, rel=1e-4)
    assert found["Dean number, Re (D_h / 2 R)^1/2"] == pytest.approx(5.0)
    flow = section_flow(Spiral(), dean=5.0, refine=0.5)
    assert flow.curvature == pytest.approx(eps) and flow.to_dict()["dean_k"] == flow.dean_k
    assert found["its place, half-heights outward"] == pytest.approx(flow.axial_maximum, rel=1e-4)


def test_a_trapezoid_has_a_section_too():
    slanted = Spiral(width="600 um", inner_height="80 um", outer_height="130 um")
    flow = section_flow(slanted, dean_k=8.5, eps=0.00525, refine=0.7)
    assert flow.axial_maximum == pytest.approx(3.387, abs=0.01)  # CurvedDuctFlow
    assert flow.friction_ratio - 1 == pytest.approx(0.00491, rel=0.02)


def run(**values):
    return Operation(**{"sample_flow_rate": "100 uL/min", "viscosity": "1 mPa s", **values})


def test_a_sheath_and_its_inlet_belong_together():
    one = Spiral(inlet_widths="500 um")
    Design(one, run())
    Design(one, run(sheath_flow_rate="0 mL/min"))
    Design(Spiral(), run(sheath_flow_rate="0 mL/min"))  # its inlet is shut
    with pytest.raises(DesignError, match="needs an inlet of its own; inlet_widths names a single one"):
        Design(one, run(sheath_flow_rate="1 mL/min"))
    with pytest.raises(
        DesignError, match='"sheath_flow_rate" is missing in .operation.; this spiral has two inlets'
    ):
        Design(Spiral(), run())


def test_bodies_that_do_not_fit_are_refused_before_the_flow_is_solved():
    def beads(micrometres, **given):
        line = cell_line_from_table("beads", {"diameter": f"{micrometres} um", **given})
        return [Carried(cells=line, sizes=[1], concentration="1 /mL")]

    sheathed = run(sheath_flow_rate="750 uL/min")
    # Where the spread is assumed the ranges try a CV of 0.2: the largest of 16 classes is 1.45 times the median then.
    check(Spiral(), beads(110), sheathed)
    check(Spiral(), beads(112, diameter_cv=0.0), sheathed)
    with pytest.raises(
        DesignError, match="bodies of 162 um are among them, which do not fit the channel of 500 um x 160 um"
    ):
        check(Spiral(), beads(112), sheathed)
    slanted = Spiral(width="600 um", inner_height="80 um", outer_height="130 um")
    with pytest.raises(DesignError, match="which do not fit the channel of 600 um x 130 um"):
        check(slanted, beads(100))


def test_a_flow_beyond_two_vortices_is_refused_before_any_bend_is_solved():
    fast, told = run(sheath_flow_rate="20 mL/min"), []
    with pytest.raises(
        DesignError,
        match="Dean number of 188.9 at inner_radius = 3.5 mm; it must be at most 75 .a flow rate of 7.98",
    ):
        solve(Spiral(), operation=fast, progress=told.append)
    assert told == []
