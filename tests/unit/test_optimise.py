"""Optimisation: what is told to optuna, the front, and that a run that was killed ends as one that was not."""

import json
import math
import sqlite3
import tomllib
from dataclasses import replace

import numpy as np
import optuna
import pytest
import sqlalchemy.orm
import xarray

import chipsim
from chipsim.study import optimise as module
from chipsim.study.goals import NO_NUMBER, Constraint, Objective
from chipsim.study.optimisation import Optimisation, load_optimisation
from chipsim.study.optimise import carry_out, told
from chipsim.study.points import DONE, FAILED, REFUSED, Outcome
from geometries import DesignError

STUDY = """\
[study]
design = "cluster_chip_2015"
model = "2d"
[parameters]
device.gap = { from = "9 um", to = "20 um" }
device.rows = { from = 10, to = 60 }
operation.flow_rate = { from = "0.5 mL/h", to = "10 mL/h", scale = "log" }
operation.viscosity = ["3 mPa s", "4 mPa s"]
[optimise]
trials = 30
batch = 6
seed = 3
sampler = "nsga2"
[objectives]
pairs = { result = "capture[n=2].retained", goal = "maximise" }
time = { result = "processing_time_s", goal = "minimise" }
[constraints]
single_cells = { result = "capture[n=1].retained", at_most = 0.3 }
load = { result = "capture[n=2].junction_load_n", at_most = "0.5 nN" }
"""


def of_a_formula(point):
    """Outcome as of a chip that is quick to compute: some are refused, some fail."""
    chip, run = point.design.device, point.design.operation
    push = run.flow_rate * run.viscosity / 2.8e-12 * (12e-6 / chip.gap) ** 2
    if chip.gap > 18e-6:
        return Outcome(REFUSED, "too wide")
    if chip.rows == 11:
        return Outcome(FAILED, "no convergence")
    retained = math.exp(-push * (chip.gap / 10e-6) ** 3)
    entries = [
        {"n": 1, "retained": retained**3},
        {"n": 2, "retained": retained, "junction_load_n": 0.4e-9 * push},
    ]
    return Outcome(DONE, result={"capture": entries, "processing_time_s": 5e-6 / run.flow_rate})


@pytest.fixture
def quick(monkeypatch):
    """Points are computed by a formula, in this process; their number is counted."""
    outcomes, counted = {}, []

    def compute(points, folder, *, first, **_):
        for point in points:
            counted.append(point)
            outcomes[point.key] = of_a_formula(point)
            if outcomes[point.key].status == DONE:
                first(outcomes[point.key])
        return [point.key for point in points]

    monkeypatch.setattr(module, "compute", compute)
    monkeypatch.setattr(module, "outcome_of", lambda folder, key: outcomes[key])
    monkeypatch.setattr(module.Workforce, "__enter__", lambda self: self)
    monkeypatch.setattr(module.Workforce, "__exit__", lambda self, *_: None)
    monkeypatch.setattr("chipsim.report.optimum.optimum_page", lambda found: "a page")
    return counted


def plan(tmp_path, old="", new="", **changes) -> Optimisation:
    assert old in STUDY
    path = tmp_path / "chip.toml"
    path.write_text(STUDY.replace(old, new) if old else STUDY)
    return replace(load_optimisation(path), **changes)


def trials_in(path):
    """All that is kept of trials and tells of their content."""
    with sqlite3.connect(path) as file:
        rows = file.execute(
            "select number, state, objective, value, value_type from trials left join trial_values using (trial_id)"
        ).fetchall()
        params = file.execute(
            "select number, param_name, param_value, distribution_json from trials join trial_params using (trial_id)"
        ).fetchall()
        attrs = file.execute(
            "select number, key, value_json from trials join trial_user_attributes using (trial_id) where key != 'by'"
        ).fetchall()
        system = file.execute(
            "select number, key, value_json from trials join trial_system_attributes using (trial_id)"
        ).fetchall()
    return [sorted(map(str, table)) for table in (rows, params, attrs, system)]


def test_what_is_read(tmp_path):
    found = plan(tmp_path)
    assert found.objectives == (
        Objective("pairs", "capture[n=2].retained", goal="maximise"),
        Objective("time", "processing_time_s", goal="minimise"),
    )
    assert found.constraints[1] == Constraint("load", "capture[n=2].junction_load_n", at_most=0.5e-9)
    assert (found.trials, found.batch, found.seed, found.sampler) == (30, 6, 3, "nsga2")
    drawn = {
        "device.gap": 1.23456789012345e-05,
        "device.rows": 20,
        "operation.flow_rate": 1e-9,
        "operation.viscosity": "3 mPa s",
    }
    made = found.point(drawn).design
    assert made.device.gap == 1.23456789012e-05 and made.device.rows == 20
    assert made.operation.viscosity == pytest.approx(3e-3)


def test_a_ratio_and_the_units_of_limits(tmp_path):
    found = plan(
        tmp_path,
        "load = {",
        'share = { result = "capture[n=2].junction_load_n", over = "capture[n=2].weak_n", at_least = 0.1, at_most = 0.2 }\n'
        'rate = { result = "design.operation.flow_rate_m3_per_s", at_least = "3.6 mL/h" }\n'
        'each = { result = "flow.pressure_pa", over = "design.device.rows", at_most = 2 }\n'
        "load = {",
    )
    share, rate, each = found.constraints[1:4]
    assert (share.unit, rate.unit, each.unit) == ("1", "m3 s-1", "Pa")
    assert rate.at_least == pytest.approx(1e-9)
    result = {"capture": [{"n": 2, "junction_load_n": 3e-10, "weak_n": 1e-9}]}
    assert share.of(result) == pytest.approx(0.3)
    assert share.violation(0.3) == pytest.approx(0.5) and share.violation(0.05) == pytest.approx(0.5)
    assert share.violation(0.15) < 0 and share.violation(math.nan) == NO_NUMBER
    assert math.isnan(share.of({"capture": [{"n": 2, "junction_load_n": 3e-10, "weak_n": 0.0}]}))


def test_the_front_is_that_of_all_trials(tmp_path, quick):
    p = plan(tmp_path)
    found = carry_out(p, tmp_path / "out")
    assert found.sizes == {"trial": 30}
    assert {DONE} < set(found["status"].values) <= {DONE, REFUSED, FAILED}
    worst = (found["single_cells"] <= 0.3) & (found["load"] <= 0.5e-9) & (found["status"] == DONE)
    assert np.array_equal(found["feasible"].values, worst.values)
    good = found.where(found["feasible"], drop=True)
    for place in range(30):
        pairs, time = float(found["pairs"][place]), float(found["time"][place])
        beaten = ((good["pairs"] >= pairs) & (good["time"] <= time)) & (
            (good["pairs"] > pairs) | (good["time"] < time)
        )
        on_front = bool(found["feasible"][place]) and not bool(beaten.any())
        assert bool(found["front"][place]) == on_front
    assert 1 < int(found["front"].sum()) < 30
    without = found.where(found["status"] != DONE, drop=True)
    assert not without["feasible"].any() and np.isnan(without["pairs"]).all()
    assert set(without["message"].values) <= {"too wide", "no convergence"}


def test_the_dataset_says_what_it_is(tmp_path, quick):
    found = carry_out(plan(tmp_path), tmp_path / "out")
    assert found["gap"].attrs["units"] == "m" and found["gap"].attrs["parameter"] == "device.gap"
    assert found["flow_rate"].attrs["units"] == "m3 s-1" and found["rows"].dtype.kind == "i"
    assert set(found["viscosity"].values) == {3e-3, 4e-3}
    assert found["pairs"].attrs["goal"] == "maximise" and found["load"].attrs["at_most"] == 0.5e-9
    assert found["load"].attrs["units"] == "N"
    assert found.attrs["device"] == "cluster_chip" and found.attrs["sampler_seed"] == 3
    assert tomllib.loads(found.attrs["design"])["device"]["gap"] == "12 um"
    with xarray.open_dataset(tmp_path / "out" / "optimum.nc", engine="h5netcdf") as read:
        xarray.testing.assert_identical(read.load(), found)


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random"])
def test_the_same_seed_is_the_same_front_and_another_is_not(tmp_path, quick, sampler):
    p = plan(tmp_path, sampler=sampler)
    one, two = carry_out(p, tmp_path / "one"), carry_out(p, tmp_path / "two")
    xarray.testing.assert_identical(one, two)
    assert trials_in(tmp_path / "one" / "study.db") == trials_in(tmp_path / "two" / "study.db")
    other = carry_out(replace(p, seed=4), tmp_path / "other")
    assert not np.array_equal(one["gap"], other["gap"])
    assert len(np.unique(one["gap"])) > 20  # trials have chances of their own


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_samplers_learn(tmp_path, quick, sampler):
    p = plan(tmp_path, sampler=sampler, trials=48, batch=8)
    p = replace(p, objectives=p.objectives[:1], constraints=(replace(p.constraints[0], at_most=0.05),))
    found = carry_out(p, tmp_path / sampler)
    pairs = found["pairs"].where(found["feasible"])
    # Of the formula 0.05^(1/3) is the most; half of what is lacking in the beginning is found.
    most = 0.05 ** (1 / 3)
    assert most - pairs[24:].max() < 0.5 * (most - pairs[:8].max())
    assert pairs.max() <= most and found["feasible"][24:].mean() > found["feasible"][:8].mean()


class Killed(BaseException):
    """As if the process ended here."""


def interrupted(monkeypatch, after, run):
    """Run until the storage was used so often; whether it was stopped there."""
    left = [after]
    commit = sqlalchemy.orm.Session.commit

    def counted(session):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        commit(session)

    with monkeypatch.context() as patch:
        patch.setattr(sqlalchemy.orm.Session, "commit", counted)
        try:
            run()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_wherever_a_run_is_stopped_it_goes_on_as_if_it_was_not(tmp_path, quick, monkeypatch, sampler):
    p = plan(tmp_path, sampler=sampler, trials=24)
    whole = carry_out(p, tmp_path / "whole")
    chance = np.random.default_rng(1)
    stops = 0
    while interrupted(monkeypatch, int(chance.integers(5, 60)), lambda: carry_out(p, tmp_path / "stopped")):
        stops += 1
    assert stops > 8
    assert trials_in(tmp_path / "stopped" / "study.db") == trials_in(tmp_path / "whole" / "study.db")
    with xarray.open_dataset(tmp_path / "stopped" / "optimum.nc", engine="h5netcdf") as read:
        xarray.testing.assert_identical(read.load(), whole)


def test_more_trials_later(tmp_path, quick):
    p = plan(tmp_path)
    carry_out(replace(p, trials=12), tmp_path / "out")
    more = carry_out(p, tmp_path / "out")
    xarray.testing.assert_identical(more, carry_out(p, tmp_path / "at once"))
    fewer = carry_out(replace(p, trials=12), tmp_path / "out")
    assert fewer.sizes == {"trial": 12}
    assert carry_out(p, tmp_path / "out").identical(more)


def test_the_front_is_designs_that_run(tmp_path, quick):
    p = plan(tmp_path)
    found = carry_out(p, tmp_path / "out")
    files = sorted((tmp_path / "out" / "front").iterdir())
    assert len(files) == int(found["front"].sum())
    pairs = []
    for file in files:
        design = chipsim.load_design(file)
        text = file.read_text()
        number = int(text.split("trial ")[1].split(":")[0])
        trial = found.sel(trial=number)
        assert bool(trial["front"])
        assert design.device.gap == trial["gap"] and design.operation.flow_rate == trial["flow_rate"]
        assert design.device.rows == trial["rows"] and "# pairs = " in text
        point = p.point({"device.gap": float(trial["gap"]), "device.rows": int(trial["rows"]),
                         "operation.flow_rate": float(trial["flow_rate"]),
                         "operation.viscosity": f"{float(trial['viscosity']) * 1e3:g} mPa s"})  # fmt: skip
        assert point.key == str(trial["key"].values)
        pairs.append(float(trial["pairs"]))
    assert pairs == sorted(pairs, reverse=True)
    carry_out(
        replace(p, trials=6), tmp_path / "out"
    )  # a shorter front takes the files away that are too many
    fewer = carry_out(replace(p, trials=6), tmp_path / "out")
    assert len([*(tmp_path / "out" / "front").iterdir()]) == int(fewer["front"].sum())


def test_nothing_feasible(tmp_path, quick):
    p = plan(tmp_path, "at_most = 0.3", "at_most = -1")
    found = carry_out(p, tmp_path / "out")
    assert not found["feasible"].any() and not found["front"].any()
    assert not (tmp_path / "out" / "front").exists()


def test_a_result_that_is_nowhere_is_told_before_all_is_computed(tmp_path, quick):
    p = plan(tmp_path, "capture[n=2].retained", "capture[n=7].retained")
    with pytest.raises(DesignError, match="no entry has n=7"):
        carry_out(p, tmp_path / "out")
    assert len(quick) <= 6


def test_what_is_told_of_points_without_a_number(tmp_path):
    p = plan(tmp_path)
    point = p.study.point({})
    entries = [{"n": 1, "retained": 0.1}, {"n": 2, "retained": None, "junction_load_n": 1e-9}]
    values, about = told(p, point, Outcome(DONE, result={"capture": entries, "processing_time_s": 2.0}))
    assert values == [-math.inf, 2.0] and about["message"] == "there is no pairs"
    assert about["violations"] == [NO_NUMBER, pytest.approx(-2 / 3), pytest.approx(1.0)]
    assert about["numbers"] == {"pairs": None, "time": 2.0, "single_cells": 0.1, "load": 1e-9}
    values, about = told(p, point, Outcome(FAILED, "no mesh"))
    assert values == [-math.inf, math.inf] and about["violations"] == [NO_NUMBER] * 3
    json.dumps(about, allow_nan=False)


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        (
            'sampler = "nsga2"',
            'sampler = "newton"',
            'sampler = "newton" is unknown; known are nsga2, tpe, random',
        ),
        (', goal = "maximise" }', " }", "the objective pairs has no goal"),
        ('goal = "maximise"', 'goal = "most"', 'goal = "most" is unknown'),
        ('result = "capture[n=2].retained", ', "", "the objective pairs names no result"),
        ("capture[n=2].retained", "capture[n=2", "cannot be read"),
        (", at_most = 0.3", "", "the constraint single_cells has no limit"),
        ("at_most = 0.3", "at_most = 0.3, at_least = 0.5", "at_least = 0.5 is above at_most = 0.3"),
        ("at_most = 0.3", "below = 0.3", 'unknown key "below" in the constraint single_cells'),
        ("0.5 nN", "0.5 Pa", "has the wrong unit"),
        ('"0.5 nN"', '"0.5"', "has no unit"),
        ("single_cells =", "pairs =", "both an objective and a constraint"),
        ("single_cells =", "front =", '"front" cannot name a constraint'),
        ("trials = 30", "trials = 0", "trials = 0 must be a whole number of at least 1"),
        ("batch = 6", "batch = 1", "batch = 1 must be a whole number of at least 2"),
        ("batch = 6", "batches = 6", 'unknown key "batches" in [optimise]'),
        ("[constraints]", "[limits]", 'unknown key "limits" in the study'),
        ('from = "9 um", to = "20 um"', 'from = "20 um", to = "9 um"', "write the smaller one first"),
        ("device.gap", "device.gep", "there is no parameter device.gep"),
        ("[optimise]", "[results]\npairs = 'flow.pressure_pa'\n[optimise]", "[results] is for sweeps"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, old, new, sentence):
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        plan(tmp_path, old, new)
    assert sentence in str(error.value)


def test_no_objectives(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text(STUDY.split("[objectives]")[0])
    with pytest.raises(DesignError, match="there is no objective"):
        load_optimisation(path)


def test_a_folder_of_another_study(tmp_path, quick):
    p = plan(tmp_path, trials=6)
    carry_out(p, tmp_path / "out")
    before = trials_in(tmp_path / "out" / "study.db")
    with pytest.raises(DesignError, match='is the folder of the study "chip"'):
        carry_out(replace(p, study=replace(p.study, name="other")), tmp_path / "out")
    for changes, what in (
        ({"objectives": p.objectives[:1]}, "objectives"),
        ({"constraints": p.constraints[:1]}, "constraints"),
        ({"seed": 5}, "sampler"),
        ({"study": replace(p.study, parameters=p.study.parameters[:2])}, "parameters"),
    ):
        with pytest.raises(DesignError, match=f"is another one: it has other {what}; take another folder"):
            carry_out(replace(p, **changes), tmp_path / "out")
    assert trials_in(tmp_path / "out" / "study.db") == before


def test_a_study_that_is_not_ours(tmp_path, quick):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    theirs = optuna.create_study(storage=url, study_name="chip", directions=["maximize", "minimize"])
    theirs.tell(theirs.ask(), [1.0, 2.0])
    with pytest.raises(DesignError, match="is not one of chipsim's"):
        carry_out(plan(tmp_path), tmp_path / "out", storage=url)


@pytest.mark.parametrize("how", ["cut", "foreign"])
def test_a_database_that_is_not_whole(tmp_path, quick, how):
    p = plan(tmp_path, trials=12)
    whole = carry_out(p, tmp_path / "out")
    path = tmp_path / "out" / "study.db"
    path.write_bytes(
        path.read_bytes()[: path.stat().st_size // 2] if how == "cut" else b"no database\n" * 999
    )
    with pytest.raises(DesignError, match="^[^\n]*is not a whole database[^\n]*delete it[^\n]*$"):
        carry_out(p, tmp_path / "out")
    path.unlink()
    assert carry_out(p, tmp_path / "out").identical(whole)


@pytest.mark.parametrize(
    "url, sentence",
    [
        ("postgresql://me:secret@127.0.0.1:9/chips", "does not answer"),
        ("nothing", "it is no URL"),
        ("papyrus://here/chips", 'there is no kind of database "papyrus"'),
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("journal:///nowhere/at/all.log", "No such file or directory"),
    ],
)
def test_storages_that_do_not_work(tmp_path, quick, url, sentence):
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        carry_out(plan(tmp_path), tmp_path / "out", storage=url)
    assert sentence in str(error.value) and "secret" not in str(error.value)


def test_a_driver_that_is_missing(tmp_path, quick):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"mysql+pymysql://me:secret@127.0.0.1:{server.getsockname()[1]}/chips"
        with pytest.raises(DesignError, match="its driver is missing .*pymysql") as error:
            carry_out(plan(tmp_path), tmp_path / "out", storage=url)
    assert "secret" not in str(error.value)


def test_a_full_disk(tmp_path, quick, monkeypatch):
    commit, count = sqlalchemy.orm.Session.commit, []

    def full(session):
        count.append(1)
        if len(count) > 100:
            raise sqlalchemy.exc.OperationalError(
                "", {}, sqlite3.OperationalError("database or disk is full")
            )
        commit(session)

    monkeypatch.setattr(sqlalchemy.orm.Session, "commit", full)
    with pytest.raises(DesignError, match="database or disk is full; the points computed are kept"):
        carry_out(plan(tmp_path), tmp_path / "out")
    monkeypatch.setattr(sqlalchemy.orm.Session, "commit", commit)
    assert carry_out(plan(tmp_path), tmp_path / "out").identical(
        carry_out(plan(tmp_path), tmp_path / "whole")
    )


def test_a_journal_is_a_storage_too(tmp_path, quick):
    p = plan(tmp_path)
    found = carry_out(p, tmp_path / "out", storage=f"journal://{tmp_path / 'study.log'}")
    assert found.identical(carry_out(p, tmp_path / "database"))
    assert not (tmp_path / "out" / "study.db").exists()


def test_trials_of_other_processes(tmp_path, quick, monkeypatch):
    """What a process asked for that lives is left to it; of one that is gone it is taken over."""
    p = plan(tmp_path, trials=12)
    whole = carry_out(p, tmp_path / "whole")
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    me = chipsim.study.trials._this_process()
    here, _, mine = me.rpartition(" ")

    def as_process(name):
        monkeypatch.setattr("chipsim.study.trials._this_process", lambda: name)

    as_process(f"{here} 999999999-7")
    assert interrupted(monkeypatch, 60, lambda: carry_out(p, tmp_path / "gone", storage=url))
    as_process(f"{here} 888888888-7")
    assert carry_out(p, tmp_path / "out", storage=url).identical(whole)

    as_process(me)  # this one lives, and never ends its trials
    url = f"sqlite:///{tmp_path / 'other.db'}"
    assert interrupted(monkeypatch, 60, lambda: carry_out(p, tmp_path / "alive", storage=url))
    as_process(f"{here} 888888888-7")
    asked = len(optuna.load_study(study_name="chip", storage=url).trials)
    monkeypatch.setattr(module.time, "sleep", lambda _: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):  # it waits for them
        carry_out(p, tmp_path / "helps", storage=url)
    trials = optuna.load_study(study_name="chip", storage=url).trials
    assert len(trials) == 12
    states = [t.state.name for t in trials]
    assert asked >= 2 and states[asked - 1] == "RUNNING" and set(states[asked:]) == {"COMPLETE"}


def test_processes_on_other_machines(tmp_path, quick, monkeypatch):
    p = plan(tmp_path, trials=12)
    whole = carry_out(p, tmp_path / "whole")
    monkeypatch.setattr("chipsim.study.trials._SILENCE", 3.0)
    monkeypatch.setattr("chipsim.study.trials._this_process", lambda: "elsewhere 5-5")
    folder = tmp_path / "out"
    assert interrupted(monkeypatch, 60, lambda: carry_out(p, folder))
    monkeypatch.setattr("chipsim.study.trials._this_process", lambda: "here 6-6")
    said = []
    assert carry_out(p, folder, progress=said.append).identical(whole)
    assert any("another machine" in text for text in said)


def test_from_python(tmp_path, quick):
    found = chipsim.optimise(
        "cluster_chip_2015",
        {"device.gap": {"from": "8 um", "to": "16 um"}, "operation.flow_rate": ["1 mL/h", "2 mL/h"]},
        {"pairs": {"result": "capture[n=2].retained", "goal": "maximise"}},
        {"single_cells": {"result": "capture[n=1].retained", "at_most": 0.3}},
        trials=16, sampler="tpe", folder=tmp_path, model="2d",
    )  # fmt: skip
    assert found.sizes == {"trial": 16} and int(found["front"].sum()) == 1
    assert float(found["pairs"].where(found["front"]).max()) == float(
        found["pairs"].where(found["feasible"]).max()
    )
