"""A study's file, its parameters, the results it asks for, and how its points are kept."""

import math
import signal
import subprocess
import sys
import time

import pytest

from chipsim.design import published
from chipsim.study import picks
from chipsim.study.evaluate import evaluate
from chipsim.study.parameters import parameter, with_values
from chipsim.study.points import (
    DONE,
    FAILED,
    REFUSED,
    TOO_LONG,
    Options,
    Outcome,
    Point,
    Truncated,
    keep,
    kept,
)
from chipsim.study.processes import environment
from chipsim.study.study_file import load_study, read_tables
from geometries import DesignError

CHIP = read_tables(published()["cluster_chip_2015"])
STUDY = """
[study]
design = "cluster_chip_2015"
model = "2d"
[parameters]
device.gap = ["10 um", "12 um"]
operation.flow_rate = { from = "1 mL/h", to = "4 mL/h", points = 3 }
[results]
pairs = "capture[n=2].retained"
"""


def written(folder, text):
    path = folder / "study.toml"
    path.write_text(text)
    return path


def test_a_study_says_what_varies(tmp_path):
    study = load_study(written(tmp_path, STUDY), ())
    gap, rate = study.parameters
    assert (gap.name, gap.unit, gap.grid()) == ("device.gap", "m", ("10 um", "12 um"))
    assert gap.long_name == "gap: clear distance between two neighbours of a row"
    assert rate.grid() == pytest.approx((1e-6 / 3600, 2.5e-6 / 3600, 4e-6 / 3600), rel=1e-11)
    point = study.point({"device.gap": "10 um", "operation.flow_rate": rate.at(0.5)})
    assert point.design.device.gap == 10e-6 and point.design.operation.flow_rate == pytest.approx(
        2.5e-6 / 3600
    )
    assert CHIP["device"]["gap"] == "12 um"


def test_a_design_is_found_beside_its_study(tmp_path):
    (tmp_path / "mine.toml").write_text(published()["iset_8um"].read_text())
    text = '[study]\ndesign = "mine.toml"\n[parameters]\ndevice.diameter = ["7 um", "8 um"]\n'
    assert load_study(written(tmp_path, text), ()).tables["device"]["kind"] == "pore_filter"


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("device.gap", "device.gpa", "there is no parameter device.gpa; [device] has gap, side"),
        ("device.gap", "devise.gap", "there is no parameter devise.gap"),
        ('"1 mL/h", to = "4 mL/h"', '"4 mL/h", to = "1 mL/h"', "from = 4 mL/h is above to = 1 mL/h"),
        ('"1 mL/h", to = "4 mL/h"', '"4 mL/h", to = "4 mL/h"', "is the same as"),
        ('"1 mL/h"', '"1 mL"', "wrong unit"),
        ("points = 3", "points = 1", "points = 1 must be a whole number of at least 2"),
        ("points = 3", "steps = 3", 'unknown key "steps"'),
        ('["10 um", "12 um"]', '"10 um"', "neither a list of values nor a range"),
        ('["10 um", "12 um"]', "[]", "neither a list of values nor a range"),
        ("[results]", "[sample]", 'unknown key "sample" in the study'),
        ("capture[n=2].retained", "capture[n=2", "cannot be read"),
        ('design = "cluster_chip_2015"', "", "names no design"),
        ('"cluster_chip_2015"', '"nowhere.toml"', "there is no file nowhere.toml"),
        ('model = "2d"', 'time_limit = "0 s"', "time_limit = 0 s is outside 1 s to 30 days"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, old, new, sentence):
    assert old in STUDY
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        load_study(written(tmp_path, STUDY.replace(old, new)), ())
    assert sentence in str(error.value)


def test_ranges():
    chip = {"device": {"kind": "cluster_chip"}}
    rows = parameter("device.rows", {"from": 10, "to": 13, "points": 4}, chip)
    assert rows.grid() == (10, 11, 12, 13) and all(isinstance(n, int) for n in rows.grid())
    depth = parameter("device.depth", {"from": "10 um", "to": "1 mm", "points": 3, "scale": "log"}, chip)
    assert depth.grid() == (1e-5, 1e-4, 1e-3)
    assert [parameter("device.gap", ["10 um", "12 um"], chip).at(u) for u in (0, 0.49, 0.5, 1)] == [
        "10 um", "10 um", "12 um", "12 um",
    ]  # fmt: skip
    with pytest.raises(DesignError, match="a range without points"):
        parameter("device.gap", {"from": "10 um", "to": "12 um"}, chip).grid()


def test_values_reach_every_table():
    tables = {**CHIP, "cells": {"MCF 7.2": {"diameter": "15 um"}}}
    new = with_values(
        tables,
        {
            "suspension.0.cells": "MCF 7.2",
            "cells.MCF 7.2.diameter": "18 um",
            "operation.fluid": "water",
            "limits.min_gap": "1 um",
        },
    )
    assert new["suspension"][0]["cells"] == "MCF 7.2" and new["cells"]["MCF 7.2"]["diameter"] == "18 um"
    assert "viscosity" not in new["operation"] and new["limits"] == {"min_gap": "1 um"}
    assert parameter("cells.MCF 7.2.diameter", ["18 um"], tables).unit == "m"
    with pytest.raises(DesignError, match=r"the design has 1 \[\[suspension\]\]"):
        parameter("suspension.1.cells", ["MCF-7"], tables)


RESULT = {
    "flow": {"pressure_drop_pa": 2.0, "peak": None},
    "capture": [
        {"cells": "A", "n": 1, "retained": 0.1, "retained_ci95": [0.0, 0.2]},
        {"cells": "A", "n": 2, "retained": 0.7, "retained_ci95": [0.6, 0.8]},
        {"cells": "leukocyte", "n": 1, "retained": 0.0, "retained_ci95": [0.0, 0.1]},
    ],
}


def test_picks():
    assert picks.pick(RESULT, "flow.pressure_drop_pa") == 2.0
    assert math.isnan(picks.pick(RESULT, "flow.peak"))
    assert picks.pick(RESULT, "capture[n=1].retained") == 0.1  # the suspension comes first
    assert picks.pick(RESULT, "capture[cells=leukocyte, n=1].retained_ci95[1]") == 0.1
    assert picks.unit("flow.pressure_drop_pa") == "Pa" and picks.unit("capture[n=1].retained_ci95[1]") == "1"
    assert picks.unit("design.operation.flow_rate_m3_per_s") == "m3 s-1" and picks.unit("flow.dean_k") == "1"
    assert picks.long_name("capture[n=2].junction_load_n") == "capture (n=2), junction load"


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("flow.presure", 'no "presure"; known there are pressure_drop_pa'),
        ("capture[n=3].retained", "no entry has n=3"),
        ("capture[5].retained", "the list has 3 entries"),
        ("flow", "is a table, not a single number"),
        ("capture[n=2].retained_ci95", "is a list, not a single number"),
        ("flow[n=2].x", "stands no list"),
    ],
)
def test_results_that_are_not_there(name, sentence):
    with pytest.raises(DesignError) as error:
        picks.pick(RESULT, name)
    assert sentence in str(error.value)


def test_keys_tell_what_determines_a_point():
    point = Point(CHIP)
    same = Point(with_values(CHIP, {"device.gap": 12e-6}))
    assert same.key == point.key and same.flow_key == point.flow_key
    rate = Point(with_values(CHIP, {"operation.flow_rate": "3 mL/h"}))
    assert rate.key != point.key and rate.flow_key == point.flow_key
    gap = Point(with_values(CHIP, {"device.gap": "11 um"}))
    assert gap.flow_key != point.flow_key
    assert (
        Point(with_values(CHIP, {"device.gap": "0 um"})).key != point.key
    )  # cannot be made, and has a key all the same


def test_an_outcome_is_kept_whole_or_not_at_all(tmp_path):
    point = Point(CHIP)
    assert kept(tmp_path, point.key) is None
    keep(tmp_path, point, Outcome(FAILED, "no mesh"))
    keep(tmp_path, point, Outcome(DONE, result={"a": 1.5}))
    assert kept(tmp_path, point.key) == Outcome(DONE, result={"a": 1.5})
    assert [p.name for p in (tmp_path / "points").iterdir()] == [point.key]
    path = tmp_path / "points" / point.key / "outcome.json"
    for cut in (10, len(path.read_bytes()) - 5):
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(Truncated, match="outcome.json"):
            kept(tmp_path, point.key)


def test_points_are_computed_once_and_failures_are_told(tmp_path):
    plane = Options(model="2d")
    wanted = [
        Point(with_values(CHIP, {"operation.flow_rate": "1 mL/h"}), plane),
        Point(with_values(CHIP, {"device.gap": "0.1 um"}), plane),
        Point(with_values(CHIP, {"operation.flow_rate": "2 mL/h"}), plane),
    ]
    found = evaluate(wanted, tmp_path, time_limit=300.0)
    assert [o.status for o in found] == [DONE, REFUSED, DONE]
    assert found[1].sentence == "gap = 0.1 um is outside 1 um to 1 mm in [device]"
    pressures = [picks.pick(o.result, "flow.array_pressure_drop_pa") for o in found if o.result]
    assert pressures[1] == pytest.approx(2 * pressures[0], rel=1e-12)
    assert "published" not in found[0].result
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("outcome.json")}
    assert evaluate(wanted, tmp_path, time_limit=300.0) == found
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("outcome.json")} == before
    path = tmp_path / "points" / wanted[0].key / "outcome.json"
    path.write_text(path.read_text()[:100])
    told = []
    assert evaluate(wanted, tmp_path, time_limit=300.0, progress=told.append) == found
    assert any("not whole" in text for text in told)


def test_too_long_a_point_is_stopped_and_tried_again_with_more_time(tmp_path):
    point = Point(CHIP)  # in space: it takes longer than a process needs to start
    (found,) = evaluate([point], tmp_path, time_limit=1.0)
    assert found == Outcome(TOO_LONG, "stopped after 1 s, the time limit of a point", time_limit=1.0)
    quick = tmp_path / "points" / point.key / "outcome.json"
    before = quick.stat().st_mtime_ns
    evaluate([point], tmp_path, time_limit=1.0)
    assert quick.stat().st_mtime_ns == before
    (again,) = evaluate([point], tmp_path, time_limit=2.0)
    assert again.time_limit == 2.0


def test_a_worker_ends_with_who_started_it(tmp_path):
    starter = subprocess.Popen(
        [sys.executable, "-c",
         "import subprocess, sys\n"
         f"p = subprocess.Popen([sys.executable, '-m', 'chipsim.study.worker', {str(tmp_path)!r}], stdin=subprocess.PIPE)\n"
         "print(p.pid, flush=True)\n"
         "p.wait()"],
        stdout=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    worker = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    end = time.monotonic() + 60
    while time.monotonic() < end and _alive(worker):
        time.sleep(0.1)
    assert not _alive(worker)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
