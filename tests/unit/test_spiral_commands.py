"""The commands for the lift in a spiral's section: its table, the places where bodies stay, and a table of one's own."""

import importlib
import json
import sys

import numpy as np
import pytest

from chipsim.capture import check, comparison
from chipsim.cli import main
from chipsim.design import Operation
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import LiftTable, read_table, table_for
from chipsim.study import lift_tables
from chipsim.study.lift_tables import kept_table_path, user_table
from chipsim.study.solve import solve
from geometries import ClusterChip, DesignError
from geometries.spiral import Spiral

SQUARE = Spiral(width="160 um", height="160 um")


@pytest.fixture
def chipsim(tmp_path, monkeypatch, capsys):
    """The command line in a folder of its own; status and what it said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["chipsim", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def made_up(shape, alphas=(0.1, 0.2)):
    """A table without bends whose drift is zero at half the height and the width."""
    rows = []
    for alpha in alphas:
        for x, z in shape.grid(alpha):
            push = (x * (0.25 - (x / shape.aspect) ** 2), z * (0.25 - z**2))
            rows.append((alpha, 0.0, x, z, *push, 1.0, 1.0, *push, 1.0, 0.0, 0.0, 0.0, 0.0))
    return LiftTable(shape, np.array(rows), {"cell": 0.0})


def test_a_table_is_made_where_run_finds_it(chipsim, monkeypatch):
    asked = []

    def make_table(shape, alphas, **options):
        asked.append((shape, tuple(alphas), options["processes"]))
        return made_up(shape, alphas)

    monkeypatch.setattr(lift_tables, "make_table", make_table)
    square, sizes = ["--set", "device.width=160 um"], ["--sizes", "0.2,0.1", "--processes", "1"]
    status, out, _ = chipsim("lift", "spiral_hou_2013", *square, *sizes)
    file = kept_table_path(Shape(1.0))
    assert status == 0 and out == f"wrote {file}\n" and asked == [(Shape(1.0), (0.1, 0.2), 1)]
    try:
        assert [size.alpha for size in table_for(1.0).sizes] == [0.1, 0.2]
        assert chipsim("lift", "spiral_hou_2013", *square)[1] == f"there is a table of this section: {file}\n"
        assert len(asked) == 1
    finally:
        file.unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lift", "cluster_chip_2015"], "a cluster_chip has no table of lift: this is for a spiral"),
        (["lift", "spiral_hou_2013", "--sizes", "0.1;0.2"], '--sizes "0.1;0.2" are not numbers; write them as in'),
        (["lift", "spiral_hou_2013", "--sizes", "0.1"], "a table has at least two different sizes"),
        (["lift", "spiral_hou_2013", "--sizes", "0.1,3"], "diameters over the height from 0.01 to below 1"),
        (["equilibria", "iset_8um", "--alpha", "0.1"], "a pore_filter has no table of lift: this is for a spiral"),
        (
            ["equilibria", "spiral_hou_2013", "--alpha", "0.1", "--rbar", "6"],
            "rbar = 6 is not above 6.25, where the bend's radius would be the channel's width, and finite",
        ),
        (["equilibria", "spiral_hou_2013", "--alpha", "0.1", "--rbar", "inf"], "rbar = inf is not above 6.25"),
        (["equilibria", "spiral_hou_2013", "--alpha", "0.1", "--rbar", "nan"], "rbar = nan is not above 6.25"),
        (["run", "spiral_hou_2013", "--lift-table", "mine.npz"], "mine.npz is not there"),
        (["run", "spiral_hou_2013", "--lift-table", "mine.txt"], "mine.txt is no lift table: no .npz file"),
        (["run", "spiral_hou_2013", "--lift-table", "other.npz"], "other.npz is no lift table"),
        (["run", "spiral_hou_2013", "--lift-table", "square.npz"], "square.npz is the lift table of a section 1 times"),
        (["run", "iset_8um", "--lift-table", "square.npz"], "a pore_filter takes no table of lift"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(chipsim, tmp_path, arguments, said):
    (tmp_path / "mine.txt").write_text("lift")
    np.savez(tmp_path / "other.npz", a=1)
    made_up(Shape(1.0)).write(tmp_path / "square.npz")
    status, out, error = chipsim(*arguments)
    assert (status, out) == (2, "") and error.count("\n") == 1 and said in error
    assert not (tmp_path / "out").exists()


def test_a_size_beyond_the_table_is_refused(chipsim):
    status, _, error = chipsim("equilibria", "spiral_hou_2013", "--alpha", "0.7")
    assert status == 2 and error == "chipsim: alpha = 0.7 is beyond the lift table, 0.03 to 0.4\n"


def test_places_where_a_sphere_stays(chipsim, tmp_path):
    made_up(Shape(1.0)).write(tmp_path / "square.npz")
    design = [
        "spiral_hou_2013",
        "--set",
        "device.width=160 um",
        "--lift-table",
        "square.npz",
        "--alpha",
        "0.15",
    ]
    # In so wide a bend the secondary flow is nothing.
    status, out, _ = chipsim("equilibria", *design, "--rbar", "1e9", "--json")
    found = json.loads(out)
    assert status == 0 and found["lift"] == "straight" and found["rbar"] == 1e9
    stable = sorted((p["x"], p["z"]) for p in found["points"] if p["stable"])
    assert np.array(stable) == pytest.approx(np.array([(-0.5, 0.5), (0.5, 0.5)]), abs=5e-3)
    # Off the inner wall by a quarter of the width, off mid-height by a quarter of the height.
    shown = chipsim("equilibria", *design, "--rbar", "1e9")[1]
    assert "stable node" in shown and " 39.8 um" in shown and "±40.2 um" in shown
    tight = chipsim("equilibria", *design, "--rbar", "40", "--superposed")[1]
    assert "below 80" in tight


def test_the_published_spiral_holds_large_bodies_and_not_small_ones(chipsim):
    found = json.loads(chipsim("equilibria", "spiral_hou_2013", "--alpha", "0.2", "--json")[1])
    assert found["lift"] == "bent" and 44 < found["rbar"] < 82
    stable = [p for p in found["points"] if p["stable"]]
    assert stable and all(p["x"] < 0 for p in stable)  # on the side of the inner wall


def test_a_table_of_ones_own_is_enough(tmp_path):
    made_up(Shape(1.0)).write(tmp_path / "square.npz")
    with pytest.raises(DesignError, match="there is no table of lift for a section 1 times as wide as high"):
        check(SQUARE, (), object())
    check(SQUARE, (), object(), table=user_table(SQUARE, tmp_path / "square.npz"))
    assert read_table(tmp_path / "square.npz").curvature == 0
    with pytest.raises(DesignError, match="a cluster_chip takes no table of lift"):
        user_table(ClusterChip(), tmp_path / "square.npz")


def test_what_was_published_is_set_beside_the_same_table(tmp_path, monkeypatch):
    """A section without a table of its own would be refused."""
    monkeypatch.setattr(importlib.import_module("chipsim.capture.spiral"), "PATHS", 2**4)
    monkeypatch.setattr(importlib.import_module("chipsim.capture.body_sizes"), "CLASSES", 2)
    operation = Operation(sample_flow_rate="20 uL/min", sheath_flow_rate="20 uL/min", fluid="water")
    made_up(Shape(1.0)).write(tmp_path / "square.npz")
    flow, table = solve(SQUARE, operation=operation, refine=0.5), user_table(SQUARE, tmp_path / "square.npz")
    assert len(comparison(SQUARE, flow, operation, table=table).points) == 2
    with pytest.raises(DesignError, match="there is no table of lift"):
        comparison(SQUARE, flow, operation)
