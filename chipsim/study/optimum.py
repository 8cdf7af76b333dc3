"""What an optimisation found: its Dataset, its page, and the designs of the front as files that run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chipsim.study.dataset import coordinate, short_names, to_netcdf
from chipsim.study.goals import Asked, Constraint, Objective
from chipsim.study.optimisation import OUTCOME, Optimisation
from chipsim.study.picks import long_name
from chipsim.study.points import Point
from chipsim.study.solve import package_version
from geometries.files import all_or_nothing

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from xarray import Dataset

OPTIMUM, FRONT, PAGE = "optimum.nc", "front", "report.html"


def dataset(plan: Optimisation, trials: Sequence[FrozenTrial], front: Sequence[int]) -> Dataset:
    """All trials as an xarray Dataset with the dimension ``trial``.

    Coordinates are the number of the trial, from 1, and the parameters (SI floats, whole numbers or names); variables the
    objectives and constraints by name, with ``goal``, ``at_most`` and ``at_least`` in their attributes, and ``feasible``,
    ``front`` (of trials with the same design the first), ``status``, ``message`` and ``key``. Nothing in it differs between two
    runs.

    Args:
        plan: What was sought.
        trials: Those that were told, in their order.
        front: Optuna's numbers of the feasible ones that none dominates.
    """
    from xarray import Dataset

    kept = [t.user_attrs[OUTCOME] for t in trials]
    keys = [k["key"] for k in kept]
    first = [key not in keys[:i] for i, key in enumerate(keys)]
    asked = (*plan.objectives, *plan.constraints)
    feasible = [all(v <= 0 for v in k["violations"]) for k in kept]
    best = [t.number in front and new for t, new in zip(trials, first, strict=True)]
    variables: dict[str, Any] = {
        a.name: ("trial", _numbers([k["numbers"][a.name] for k in kept]), _about(a)) for a in asked
    }
    variables |= {
        "feasible": ("trial", np.array(feasible, bool), {"long_name": "within all limits"}),
        "front": ("trial", np.array(best, bool), {"long_name": "no feasible trial is better in all objectives"}),
        "status": _texts(kept, "status", "how the trial ended: done, refused, failed or too long"),
        "message": _texts(kept, "message", "why there is no result"),
        "key": _texts(kept, "key", "folder of the trial under points/"),
    }  # fmt: skip
    numbers = np.array([t.number + 1 for t in trials], np.int64)
    coordinates: dict[str, Any] = {"trial": ("trial", numbers, {"long_name": "number of the trial, from 1"})}
    drawn = [plan.values(t.params) for t in trials]
    names = short_names(plan.study.parameters, [a.name for a in asked])
    for name, p in zip(names, plan.study.parameters, strict=True):
        coordinates[name] = ("trial", *coordinate(p, [values[p.name] for values in drawn]))
    return Dataset(variables, coordinates, _attributes(plan))


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if v is None else v for v in values], float)


def _texts(kept: Sequence[dict[str, Any]], name: str, words: str) -> tuple[str, np.ndarray, dict[str, str]]:
    found = np.empty(len(kept), object)
    found[:] = [k[name] for k in kept]
    return "trial", found, {"long_name": words}


def _about(asked: Asked) -> dict[str, Any]:
    words = long_name(asked.result) + (f" over {long_name(asked.over)}" if asked.over else "")
    found: dict[str, Any] = {"units": asked.unit, "long_name": words, "result": asked.place}
    if isinstance(asked, Objective):
        found["goal"] = asked.goal
    if isinstance(asked, Constraint):
        found |= {k: v for k in ("at_most", "at_least") if (v := getattr(asked, k)) is not None}
    return found


def _attributes(plan: Optimisation) -> dict[str, Any]:
    options = plan.study.options
    more = {key: getattr(options, key) for key in ("model", "refine", "accuracy", "lift_table")}
    return {
        "title": plan.study.name,
        "device": str(plan.study.tables["device"]["kind"]),
        "design": Point(plan.study.tables, options).to_toml(),
        "seed": options.seed,
        **{key: value for key, value in more.items() if value is not None},
        "sampler": plan.sampler,
        "sampler_seed": plan.seed,
        "batch": plan.batch,
        "trials": plan.trials,
        "chipsim": package_version(),
    }


def write(
    found: Dataset,
    plan: Optimisation,
    trials: Sequence[FrozenTrial],
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write ``optimum.nc``, ``report.html`` and the designs of the front, ``front/01.toml`` and so on.

    Raises:
        DesignError: The folder cannot be written.
    """
    from chipsim.report.optimum import write_optimum_page
    from chipsim.report.optimum_columns import trials_of

    files = {f"{rank:02d}.toml": int(i) for rank, i in enumerate(trials_of(found).front, 1)}
    if files:
        with all_or_nothing(folder / FRONT) as partial:
            for name, i in files.items():
                text = _design_file(found, plan, trials[i], i)
                (partial / name).write_text(text, encoding="utf-8")
    with all_or_nothing(folder) as partial:
        to_netcdf(found, partial / OPTIMUM)
        progress("drawing the report")
        write_optimum_page(found, partial / PAGE)
    for old in (folder / FRONT).glob("[0-9]*.toml"):  # of a front that was longer
        if old.name not in files:
            old.unlink(missing_ok=True)


def _design_file(found: Dataset, plan: Optimisation, trial: FrozenTrial, i: int) -> str:
    """The design of a trial, with what it is at its head."""
    from chipsim.report.optimum_columns import trials_of

    table = trials_of(found)
    head = [f"{plan.study.name}, trial {trial.number + 1}: on the front of {len(table.points)} trials."]
    head += [f"{c.label} = {c.write(c.values[i])}, {table.goal(c)}d" for c in table.objectives]
    head += [f"{c.column.label} = {c.column.write(c.column.values[i])}, {c.words}" for c in table.constraints]
    head += [f"{p.place} = {p.write(p.values[i])}" for p in table.points.parameters]
    return "".join(f"# {line}\n" for line in head) + "\n" + plan.point(trial.params).to_toml()
