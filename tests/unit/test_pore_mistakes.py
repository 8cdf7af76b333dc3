"""Mistakes about a pore filter at the command line: one sentence, exit status 2, nothing written, and no solve."""

from __future__ import annotations

import sys

import pytest

from chipsim.cli import main
from chipsim.design import published

ISET, SIEVE, SLITS = (str(published()[name]) for name in ("iset_8um", "microsieve_5um", "slit_filter"))
DESIGN = """
[device]
kind = "pore_filter"
{device}
[operation]
{operation}
{suspension}
"""
OPERATION = 'pressure = "1 kPa"\nvolume = "1 mL"\nfluid = "buffer"'
SUSPENSION = '[[suspension]]\ncells = "MDA-MB-231"\nconcentration = "5 /mL"\n'


def told(arguments, monkeypatch, capfd) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command line."""
    monkeypatch.setattr(sys, "argv", ["chipsim", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Run the command line in an empty folder, where it must refuse in one sentence before it solves anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chipsim.flow.pore.solve_cell", lambda *a, **k: pytest.fail("solved"), raising=True)

    def run(arguments, files=()) -> str:
        status, out, err = told(arguments, monkeypatch, capfd)
        assert status == 2, err
        assert out == ""
        assert len(err.strip().splitlines()) == 1 and err.startswith("chipsim: "), err
        assert 30 < len(err) < 330 and "Traceback" not in err and "pydantic" not in err
        assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(files)
        return err

    return run


def settings(*values: str) -> list[str]:
    return [part for value in values for part in ("--set", value)]


DEVICE = [
    (ISET, ["density=5e6 /cm^2"], "takes 251% of the membrane, above 50%"),
    (SIEVE, ["density=6e6 /cm^2"], "leaves no wall between pores of 5 um on a square lattice"),
    (SLITS, ["density=5e6 /cm^2"], "leaves no wall between pores of 5 um"),
    (SIEVE, ["placement=hexagonal", "density=5e6 /cm^2"], "on a hexagonal lattice; lower it"),
    (SIEVE, ["density=3.5e6 /cm^2"], "leaves walls of"),
    (ISET, ["density=0"], "density = 0"),
    (ISET, ["density=-1e5 /cm^2"], "density = -1e5 /cm^2 is outside"),
    (ISET, ["thickness=0 um"], "thickness = 0 um is outside 0.1 um to 1 mm"),
    (ISET, ["thickness=10"], 'did you mean "10 um"?'),
    (SIEVE, ["thickness=200 um"], "too deep for its width"),
    (ISET, ["pore=triangle"], 'pore = "triangle" is unknown; known are round, slit, square'),
    (ISET, ["placement=random"], 'placement = "random" is unknown; known are poisson, square, hexagonal'),
    (ISET, ["tilt=89 deg"], "tilt = 89 deg is outside"),
    (ISET, ["tilt=-5 deg"], "tilt = -5 deg is outside"),
    (ISET, ["tilt=5 um"], "wrong unit"),
    (ISET, ["tilt=79 deg", "thickness=1 mm"], "lets a track leave the membrane"),
    (SIEVE, ["tilt=5 deg"], "pores made by lithography stand upright"),
    (ISET, ["pore=slit"], "diameter does not fit a slit pore; give its width and length"),
    (ISET, ["width=8 um"], "width does not fit a round pore; give its diameter"),
    (SLITS, ["length=3 um"], "length = 3 um of a slit is below its width of 5 um"),
    (SLITS, ["placement=poisson"], "slits stand on placement"),
    (SLITS, ["pore=square"], "of a square pore is not its width"),
    (ISET, ["diameter=0 um"], "diameter = 0 um is outside 0.1 um to 1 mm"),
    (ISET, ["diameter=-8 um"], "diameter = -8 um is outside"),
    (ISET, ["diameter=8"], 'did you mean "8 um"?'),
    (ISET, ["diameter=8 s"], "wrong unit"),
    (ISET, ["diameter=nan"], "diameter = nan"),
    (ISET, ["diameter=wide"], 'diameter = "wide" cannot be read'),
    (ISET, ["diamter=8 um"], 'unknown key "diamter"'),
    (ISET, ["tolerance=-0.1"], "tolerance = -0.1 is outside 0 % to 30 %"),
    (ISET, ["tolerance=[0.1, -0.1]"], "has its lower limit above its upper one"),
    (ISET, ["tolerance=[-0.2]"], "is not a pair of limits"),
    (ISET, ["tolerance=[-0.95, 0]"], "tolerance = -0.95 is outside -90 %"),
    (ISET, ["tolerance=loose"], 'tolerance = "loose" cannot be read'),
    (ISET, ["spot_diameter=20 um"], "holds 0.314 pores, outside 1 to 5000000"),
    (ISET, ["spot_diameter=40 um", "seed=4"], "has no pore by seed = 4"),
    (ISET, ["spot_diameter=1 m"], "holds 7.85e+08 pores, outside 1 to 5000000"),
    (ISET, ["spot_diameter=3 m"], "spot_diameter = 3 m is outside"),
    (ISET, ["spot_diameter=60 mm", "density=1e3 /cm^2"], "is wider than the slide, 37.5 mm"),
    (ISET, ["seed=-1"], "seed = -1 is outside"),
    (ISET, ["seed=1.5"], "seed = 1.5"),
    (ISET, ["kind=filter"], "known kinds are cluster_chip, pore_filter"),
]


@pytest.mark.parametrize("command", ["run", "export"])
@pytest.mark.parametrize(("design", "values", "said"), DEVICE, ids=[str(v) for _, v, _ in DEVICE])
def test_a_membrane_that_cannot_be(command, design, values, said, refused):
    more = ["--to", "svg"] if command == "export" else []
    assert said in refused([command, design, *more, *settings(*(f"device.{v}" for v in values))])


# Design rules are for making: `show` names those that are broken, and goes on.
MADE = ("leaves walls of", "too deep for its width", "is wider than the slide")


@pytest.mark.parametrize(("design", "values", "said"), DEVICE, ids=[str(v) for _, v, _ in DEVICE])
def test_show_refuses_it_or_names_the_broken_rule(design, values, said, refused, monkeypatch, capfd):
    arguments = ["show", design, *settings(*(f"device.{v}" for v in values))]
    if not any(rule in said for rule in MADE):
        assert said in refused([*arguments, "--picture", "membrane.png"])
        return
    status, out, err = told(arguments, monkeypatch, capfd)
    assert status == 0 and err == "" and "breaks a design rule" in out and said in " ".join(out.split())


OPERATIONS = [
    (["pressure=0 Pa"], "pressure = 0 Pa must be above 0 Pa"),
    (["pressure=-1 kPa"], "pressure = -1 kPa"),
    (["pressure=2 MPa"], "pressure = 2 MPa is outside"),
    (["pressure=1 mL/h"], "wrong unit"),
    (["flow_rate=0 mL/h"], "must be above 0"),
    (["flow_rate=20 L/h"], "flow_rate = 20 L/h is outside"),
    (["flow_rate=1 kPa"], "wrong unit"),
    (["volume=0 mL"], "volume = 0 mL must be above 0"),
    (["volume=1 um"], "wrong unit"),
    (["rinse_time=-1 s"], "rinse_time = -1 s is outside 0 s to 24 h"),
    (["rinse_time=48 h"], "rinse_time = 48 h is outside"),
    (["fluid=oil"], "known fluids are whole blood, diluted blood, buffer and water"),
    (["viscosity=0 Pa s"], "viscosity = 0 Pa s is outside"),
    (["temperature=20"], "temperature = 20"),
]


@pytest.mark.parametrize(("values", "said"), OPERATIONS, ids=[v[0] for v, _ in OPERATIONS])
def test_an_operation_that_cannot_be(values, said, refused):
    assert said in refused(["run", ISET, *settings(*(f"operation.{v}" for v in values))])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", ISET, "--model", "depth"], "known models are axisymmetric, 3d, patch"),
        (["run", ISET, "--model", "2d"], 'model = "2d" is unknown for this pore_filter'),
        (["run", SLITS, "--model", "axisymmetric"], "known models are 3d, 2d, patch"),
        (["run", SIEVE, "--accuracy", "0"], "accuracy = 0 is outside 0.0001% to 50%"),
        (["run", SIEVE, "--accuracy", "1e-9"], "accuracy = 1e-9 is outside"),
        (["run", SIEVE, "--accuracy", "1%", "--refine", "2"], "give one of them"),
        (["run", SIEVE, "--refine", "100"], "refine"),
        (["export", ISET, "--to", "doc"], "known formats are msh"),
        (["export", ISET, "--to", ""], "known formats are msh"),
        (["export", ISET, "--to", "gds", "--part", "wafer"], "known parts are cell, array, chip"),
        *(
            (["export", ISET, "--to", "svg", "--block", block], f"--block {block} is not a number of pores")
            for block in ("8x8", "0", "-3", "1.5", "many", "²", "9" * 40)
        ),
        (["list", ISET], "unexpected extra argument"),
        (["show", ISET, "--picture", "membrane.doc"], "must end in .png, .svg or .pdf"),
        (["run", "iset_9um"], "there is no file iset_9um; chipsim list names"),
    ],
    ids=lambda v: "_".join(v[:1] + v[2:])[:40] if isinstance(v, list) else "",
)
def test_an_option_that_cannot_be(arguments, said, refused):
    assert said[:60] in refused(arguments)


DESIGNS = {
    "both drives": ({"operation": OPERATION + '\nflow_rate = "1 mL/h"'}, "flow_rate and pressure are both given"),
    "no drive": ({"operation": 'volume = "1 mL"\nfluid = "buffer"'}, '"flow_rate" is missing'),
    "no volume": ({"operation": 'pressure = "1 kPa"\nfluid = "buffer"'}, '"volume" is missing'),
    "no fluid": ({"operation": 'pressure = "1 kPa"\nvolume = "1 mL"'}, "viscosity is missing"),
    "unknown cells": ({"suspension": SUSPENSION.replace("MDA-MB-231", "HeLa-9")}, "HeLa-9"),
    "no cells": ({"suspension": '[[suspension]]\nconcentration = "5 /mL"'}, '"cells" is missing'),
    "no concentration": ({"suspension": '[[suspension]]\ncells = "MDA-MB-231"'}, '"concentration" is missing'),
    "unknown state": ({"suspension": SUSPENSION + 'state = "frozen"'}, "known states are live and fixed"),
    "no cell in a cluster": ({"suspension": SUSPENSION + "sizes = [0]"}, "sizes = [0] must be"),
    "a size twice": ({"suspension": SUSPENSION + "sizes = [2, 2]"}, "sizes = [2, 2] must be"),
    "negative concentration": ({"suspension": SUSPENSION.replace("5", "-5", 1)}, "concentration = -5 /mL is outside"),
    "cells without a viscosity": (
        {"suspension": '[cells.mine]\ndiameter = "14 um"\n' + SUSPENSION.replace("MDA-MB-231", "mine")},
        "mine",
    ),
    "no size of a slit": ({"device": 'pore = "slit"\nplacement = "square"'}, "a slit pore needs its width and length"),
    "no length of a slit": (
        {"device": 'pore = "slit"\nplacement = "square"\nwidth = "5 um"'},
        "a slit pore needs its width and length",
    ),
    "no width of a square": ({"device": 'pore = "square"'}, "a square pore needs its width"),
    "a fast pump": (
        {
            "device": 'diameter = "2 um"',
            "operation": 'flow_rate = "10 L/h"\nvolume = "1 mL"\nviscosity = "1 Pa s"',
        },
        "Pa over the clean membrane, above 1e+06 Pa",
    ),
    "words for a list": ({"device": 'tolerance = ["-20 %", "some"]'}, 'tolerance = "some" cannot be read'),
    "a number for a word": ({"device": "pore = 3"}, "pore = 3"),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "said"), DESIGNS.values(), ids=DESIGNS)
def test_a_design_that_cannot_be(parts, said, refused, tmp_path):
    design = tmp_path / "mine.toml"
    text = DESIGN.format(**{"device": "", "operation": OPERATION, "suspension": SUSPENSION} | parts)
    design.write_text(text, encoding="utf-8")
    assert said in refused(["run", design], files=["mine.toml"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", ISET, "--to", "svg", "--set", "device.spot_diameter=0.1 mm"], "too small for a window of 24 pores"),
        (["export", ISET, "--to", "svg", "--block", "1000000"], "too small for a window of 1000000 pores"),
        (["run", ISET, "--model", "patch", "--set", "device.spot_diameter=0.2 mm"], "too small for a window of 24"),
    ],
)  # fmt: skip
def test_a_patch_that_the_spot_does_not_hold(arguments, said, monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, err = told(arguments, monkeypatch, capfd)
    assert (status, out) == (2, "") and said in err.splitlines()[-1]
    assert not list(tmp_path.rglob("*"))
