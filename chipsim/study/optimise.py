"""Optimisation: designs are tried in batches, computed like the points of a sweep, and told to optuna in their order.

What a trial is depends on the seed, its number and what was told before the batch began, not on who computes when: the same
seed gives the same trials with any number of processes, and a run that was killed goes on as if nothing had happened. (Several
processes on one storage share the trials as they come; then it does depend on who was first.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipsim.study.evaluate import compute, outcome_of
from chipsim.study.folder import open_folder
from chipsim.study.goals import MAXIMISE, NO_NUMBER, Objective
from chipsim.study.optimisation import OUTCOME, Optimisation, optimisation
from chipsim.study.points import DONE, Outcome, Point, Truncated, kept, wanted
from chipsim.study.study_file import TIME_LIMIT, plain, study, tables_of
from chipsim.study.workforce import Workforce
from geometries import DesignError

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from xarray import Dataset

    from chipsim.design import Design
    from chipsim.study.trials import Trials

DATABASE = "study.db"


def optimise(
    design: Design | str | Path,
    parameters: Mapping[str, Any],
    objectives: Mapping[str, Any],
    constraints: Mapping[str, Any] | None = None,
    *,
    trials: int = 100,
    seed: int = 0,
    sampler: str = "nsga2",
    batch: int | None = None,
    name: str | None = None,
    folder: str | Path | None = None,
    model: str | None = None,
    refine: float | None = None,
    accuracy: float | str | None = None,
    lift_table: str | Path | None = None,
    time_limit: float | str = TIME_LIMIT,
    storage: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Dataset:
    """Look for the designs that serve some goals best.

    Args:
        design: A design, a TOML file, or the name of a published one.
        parameters: By name a range, ``{"device.gap": {"from": "8 um", "to": "16 um"}}``, perhaps with ``scale`` and (for steps)
            ``points``, or a list of values.
        objectives: By name: ``{"pairs": {"result": "capture[n=2].retained", "goal": "maximise"}}``.
        constraints: By name: ``{"load": {"result": "capture[n=2].junction_load_n", "at_most": "0.06 nN"}}``.
        trials: How many designs are tried, those of earlier runs counted.
        seed: Of the search and of the Monte Carlo. Same seed, same trials.
        sampler: ``"nsga2"``, ``"tpe"`` or ``"random"``.
        batch: Trials asked for at once; None: 20, of ``"tpe"`` 8.
        name: Of the study; None: that of the design.
        folder: For all that is kept and written; None: ``out/NAME``.
        model: Of the flow, as for :func:`chipsim.run`.
        refine: Divides all cell sizes of the mesh.
        accuracy: Asked of the flow.
        lift_table: Of a spiral, a file of one's own.
        time_limit: Longest that a trial may take, s or ``"10 min"``; it is stopped then, and counts as infeasible.
        storage: URL of optuna's storage, which several machines may share; None: a SQLite file in the folder.
        scheduler: Address of a Dask scheduler; None: one process a core on this machine.
        workers: Processes on this machine; None: one a core.
        progress: Told how far it is.

    Returns:
        The trials: parameters, objectives, constraints, which are feasible and which on the front.

    Raises:
        DesignError: Something asked for is unknown or of no sense, or cannot be read or written.
    """
    tables, stem = tables_of(design)
    what = study(
        tables, plain(parameters), name=name or stem, time_limit=time_limit, model=model, seed=seed, refine=refine,
        accuracy=accuracy, lift_table=None if lift_table is None else str(lift_table),
    )  # fmt: skip
    settings = {"trials": trials, "seed": seed, "sampler": sampler}
    plan = optimisation(
        what, objectives, constraints, settings if batch is None else settings | {"batch": batch}
    )
    return carry_out(plan, folder, storage=storage, scheduler=scheduler, workers=workers, progress=progress)


def carry_out(
    plan: Optimisation,
    folder: str | Path | None = None,
    *,
    storage: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Dataset:
    """Try designs until there are as many trials as wanted, and write what was found; see :func:`optimise`.

    Raises:
        DesignError: A result is not there, the folder or the storage is another study's, or cannot be read or written.
    """
    from chipsim.study.optimum import dataset, write
    from chipsim.study.samplers import Seeded
    from chipsim.study.trials import Trials, file_storage

    _check_base(plan)
    workforce = Workforce(scheduler, workers)
    folder = Path(folder or Path("out") / plan.study.name)
    open_folder(folder, "optimise", plan.study.name, str(plan.study.tables["device"].get("kind")), progress)
    trials = Trials(
        storage or file_storage(folder / DATABASE),
        plan.study.name,
        plan.definition(),
        [objective.goal for objective in plan.objectives],
        Seeded(plan.sampler, plan.seed, plan.batch),
    )
    with trials.beating(), ExitStack() as stack:
        _Search(plan, folder, trials, workforce, stack, progress).go_on()
    finished = trials.finished(plan.trials)
    found = dataset(plan, finished, trials.front(plan.trials))
    write(found, plan, finished, folder, progress)
    return found


def _check_base(plan: Optimisation) -> None:
    """Refuse a model or an accuracy that no trial could have; a base design may be one that cannot be made."""
    from chipsim.study.recipes import model_of
    from chipsim.study.solve import check_accuracy

    options = plan.study.options
    check_accuracy(options.accuracy, options.refine)
    try:
        device = plan.study.point({}).design.device
    except DesignError:
        return
    model_of(device, options.model)


class _Search:
    """The way from the trials that are there to those that are wanted."""

    def __init__(
        self,
        plan: Optimisation,
        folder: Path,
        trials: Trials,
        workforce: Workforce,
        until: ExitStack,
        progress: Callable[[str], None],
    ) -> None:
        self._plan, self._folder, self._trials, self._progress = plan, folder, trials, progress
        self._workforce, self._until, self._works = workforce, until, False
        self._names = [p.name for p in plan.study.parameters]
        self._checked = any(t.user_attrs[OUTCOME]["status"] == DONE for t in trials.finished(plan.trials))
        self._start, self._told = time.monotonic(), 0

    def go_on(self) -> None:
        """Ask, compute and tell until all trials are there."""
        most, batch = self._plan.trials, self._plan.batch
        while True:
            mine = self._trials.take(most, self._plan.suggest, self._names, self._progress)
            there = len(self._trials.all())
            # A batch that was begun is asked to its end first.
            until = math.ceil(there / batch) * batch if mine else (there // batch + 1) * batch
            self._ask(min(until, most))
            mine = self._trials.take(most, self._plan.suggest, self._names, self._progress)
            if mine:
                self._compute(mine)
            elif not self._trials.others_at_work(most):
                return
            else:
                self._progress(f"{self._standing()}; other processes compute the last ones")
                time.sleep(1.0)

    def _ask(self, until: int) -> None:
        while len(self._trials.all()) < until:
            if self._trials.ask(self._plan.suggest, self._plan.trials) + 1 >= until:
                return

    def _compute(self, trials: Sequence[FrozenTrial]) -> None:
        points = [self._plan.point(trial.params) for trial in trials]
        for trial, point, outcome in zip(trials, points, self._outcomes(points), strict=True):
            values, kept_with_it = told(self._plan, point, outcome)
            self._trials.tell(trial, values, kept_with_it)
        self._told += len(trials)
        self._progress(self._standing())

    def _outcomes(self, points: Sequence[Point]) -> list[Outcome]:
        limit, standing = self._plan.study.time_limit, self._standing()
        if not self._works and any(self._missing(point) for point in points):
            self._progress(f"{standing}; starting")
            self._until.enter_context(self._workforce)
            self._works = True
        keys = compute(
            points,
            self._folder,
            time_limit=limit,
            workforce=self._workforce if self._works else None,
            progress=lambda text: self._progress(f"{standing}; of this batch {text}"),
            first=self._check,
        )
        return [outcome_of(self._folder, key) for key in keys]

    def _missing(self, point: Point) -> bool:
        try:
            return wanted(kept(self._folder, point.key), self._plan.study.time_limit)
        except Truncated:
            return True

    def _check(self, outcome: Outcome) -> None:
        """Whether the first result of all has what is asked for: a name that is wrong is told before much is computed."""
        if not self._checked and outcome.result is not None:
            for asked in (*self._plan.objectives, *self._plan.constraints):
                asked.of(outcome.result)
            self._checked = True

    def _standing(self) -> str:
        """How far it is, the best so far, and the time left."""
        finished = self._trials.finished(self._plan.trials)
        text = f"{len(finished)} of {self._plan.trials} trials"
        front = self._trials.front(self._plan.trials)
        objective = self._plan.objectives[0]
        if front:
            best = best_of(
                objective,
                [t.user_attrs[OUTCOME]["numbers"][objective.name] for t in finished if t.number in front],
            )
            text += f", best {objective.name} {best:.4g}"
            text += f", {len(front)} on the front" if len(self._plan.objectives) > 1 else ""
        elif finished:
            text += ", none feasible yet"
        if self._told and len(finished) < self._plan.trials:
            left = (time.monotonic() - self._start) / self._told * (self._plan.trials - len(finished))
            text += f", about {left / 60:.0f} min left" if left > 90 else f", about {left:.0f} s left"
        return text


def best_of(objective: Objective, values: Sequence[float]) -> float:
    """The best of some values."""
    return max(values) if objective.goal == MAXIMISE else min(values)


def told(plan: Optimisation, point: Point, outcome: Outcome) -> tuple[list[float], dict[str, Any]]:
    """What optuna is told of a trial: the objectives' values, and all that is kept with it.

    One without a result is infeasible, worse than any with one.
    """
    numbers, sentence = {}, outcome.sentence
    for asked in (*plan.objectives, *plan.constraints):
        try:
            numbers[asked.name] = asked.of(outcome.result) if outcome.result is not None else math.nan
        except DesignError as error:
            numbers[asked.name], sentence = math.nan, sentence or str(error)
    lacks = [name for name, value in numbers.items() if math.isnan(value)]
    if outcome.result is not None and lacks:
        sentence = sentence or f"there is no {lacks[0]}"
    values = []
    for objective in plan.objectives:
        value = numbers[objective.name]
        values.append(
            value if math.isfinite(value) else -math.inf if objective.goal == MAXIMISE else math.inf
        )
    lacking = any(not math.isfinite(value) for value in values)
    return values, {
        "status": outcome.status,
        "message": sentence,
        "key": point.key,
        "numbers": {name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "violations": [
            NO_NUMBER if lacking else 0.0,
            *(constraint.violation(numbers[constraint.name]) for constraint in plan.constraints),
        ],
    }
