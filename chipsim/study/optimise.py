"""Optimisation: designs are tried in batches, computed like the points of a sweep, and told to optuna in their order.

What a trial is depends on the seed, its number and what was told before the batch began, not on who computes when: the same
seed gives the same trials with any number of processes, and a run that was killed goes on as if nothing had happened. (Several
processes on one storage share the trials as they come; then it does depend on who was first.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipsim.study.evaluate import evaluate
from chipsim.study.goals import MAXIMISE, NO_NUMBER, Objective
from chipsim.study.optimisation import OUTCOME, Optimisation, optimisation
from chipsim.study.points import DONE, Outcome, Point
from chipsim.study.study_file import TIME_LIMIT, read_tables, study
from chipsim.study.supervise import CannotKeep
from geometries import DesignError
from geometries.files import require_writable

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from xarray import Dataset

    from chipsim.study.trials import Trials

DATABASE = "study.db"


def optimise(
    design: Any,
    parameters: Mapping[str, Any],
    objectives: Mapping[str, Any],
    constraints: Mapping[str, Any] | None = None,
    *,
    trials: int = 100,
    seed: int = 0,
    sampler: str = "nsga2",
    batch: int | None = None,
    name: str = "optimum",
    folder: str | Path | None = None,
    storage: str | None = None,
    workers: int | None = None,
    time_limit: float | str = TIME_LIMIT,
    progress: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> Dataset:
    """Look for the designs that serve some goals best.

    Args:
        design: The base design: a published one's name, or the path of a TOML file.
        parameters: Range or values of each parameter by its name, as in a study's file: ``{"device.gap": {"from": "8 um",
            "to": "16 um"}}``.
        objectives: By name: ``{"pairs": {"result": "capture[n=2].retained", "goal": "maximise"}}``.
        constraints: By name: ``{"load": {"result": "capture[n=2].junction_load_n", "at_most": "0.06 nN"}}``.
        trials: How many designs are tried, those of earlier runs counted.
        seed: Same seed, same trials.
        sampler: ``"nsga2"``, ``"tpe"`` or ``"random"``.
        batch: Trials asked for at once; None: 20, of ``"tpe"`` 8.
        name: Of the study.
        folder: For all that is kept and written; None: ``out/NAME``.
        storage: URL of optuna's storage; None: a SQLite file in the folder.
        workers: Processes that compute; None: one for each core.
        time_limit: Longest that a trial may take, s or ``"10 min"``.
        progress: Told how far it is.
        options: How each trial is run: ``model``, ``refine``, ``accuracy``, ``lift_table``.

    Returns:
        The trials: parameters, objectives, constraints, which are feasible and which on the front.

    Raises:
        DesignError: Something asked for is unknown or of no sense, or cannot be read or written.
    """
    from chipsim.design import find_design

    what = study(
        read_tables(find_design(str(design))), parameters, name=name, time_limit=time_limit, **options
    )
    settings = {"trials": trials, "seed": seed, "sampler": sampler}
    plan = optimisation(
        what, objectives, constraints, settings if batch is None else settings | {"batch": batch}
    )
    return carry_out(plan, folder, storage=storage, workers=workers, progress=progress)


def carry_out(
    plan: Optimisation,
    folder: str | Path | None = None,
    *,
    storage: str | None = None,
    workers: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Dataset:
    """Try designs until there are as many trials as wanted, and write what was found.

    Args:
        plan: What is sought.
        folder: For all that is kept and written; None: ``out/NAME``.
        storage: URL of optuna's storage; None: a SQLite file in the folder.
        workers: Processes that compute; None: one for each core.
        progress: Told how far it is.

    Raises:
        DesignError: A result is not there, the folder or the storage is another study's, or cannot be read or written.
    """
    from chipsim.study.optimum import dataset, mark, write
    from chipsim.study.samplers import Seeded
    from chipsim.study.trials import Trials, file_storage

    folder = Path(folder or Path("out") / plan.study.name)
    require_writable(folder)
    mark(folder, plan)
    trials = Trials(
        storage or file_storage(folder / DATABASE),
        plan.study.name,
        plan.definition(),
        [objective.goal for objective in plan.objectives],
        Seeded(plan.sampler, plan.seed, plan.batch),
    )
    with trials.beating():
        _Search(plan, folder, trials, workers, progress).go_on()
    found = dataset(plan, trials.finished(plan.trials), trials.front(plan.trials))
    write(found, plan, folder, progress)
    return found


class _Search:
    """The way from the trials that are there to those that are wanted."""

    def __init__(
        self,
        plan: Optimisation,
        folder: Path,
        trials: Trials,
        workers: int | None,
        progress: Callable[[str], None],
    ) -> None:
        self._plan, self._folder, self._trials, self._workers = plan, folder, trials, workers
        self._progress = progress
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
        if not self._checked:  # a name that is wrong is told before much is computed
            self._outcomes(points[:1])
        for trial, point, outcome in zip(trials, points, self._outcomes(points), strict=True):
            values, attributes = told(self._plan, point, outcome)
            self._trials.tell(trial, values, attributes)
        self._told += len(trials)
        self._progress(self._standing())

    def _outcomes(self, points: Sequence[Point]) -> list[Outcome]:
        try:
            outcomes = evaluate(
                points,
                self._folder,
                time_limit=self._plan.study.time_limit,
                workers=self._workers,
                progress=lambda text: self._progress(f"{self._standing()}; now {text}"),
            )
        except CannotKeep as error:
            raise DesignError(error.strerror or str(error)) from None
        first = next((o.result for o in outcomes if o.result is not None), None)
        if first is not None and not self._checked:
            for asked in (*self._plan.objectives, *self._plan.constraints):
                asked.of(first)
            self._checked = True
        return outcomes

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
