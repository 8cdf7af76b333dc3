"""A small optimisation for tests, whose points a formula computes; what its database holds; a run that is stopped anywhere."""

import math
import sqlite3
from dataclasses import replace

import sqlalchemy.orm

from chipsim.study import optimise as module
from chipsim.study.optimisation import Optimisation, load_optimisation
from chipsim.study.points import DONE, FAILED, REFUSED, Outcome

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


def by_a_formula(monkeypatch):
    """A fixture: points are computed by a formula, in this process; they are listed."""
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
