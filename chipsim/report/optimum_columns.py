"""The Dataset of an optimisation as trials: objectives, constraints, the front, by how much limits are broken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chipsim.report.study_columns import Column, Points, points_of

if TYPE_CHECKING:
    from xarray import Dataset

MAXIMISE = "maximise"


@dataclass(frozen=True)
class Constraint:
    """A result with a limit.

    Attributes:
        column: The result.
        limit: SI.
        upper: Whether it is at most the limit; else at least.
    """

    column: Column
    limit: float
    upper: bool

    @property
    def words(self) -> str:
        """``at most 1 %``."""
        return f"at {'most' if self.upper else 'least'} {self.column.write(self.limit)}"

    @property
    def excess(self) -> np.ndarray:
        """By how much each trial breaks it, over the limit (or over 1 where that is 0); at most 0 where it is met."""
        over = self.column.values - self.limit
        return (over if self.upper else -over) / (abs(self.limit) or 1.0)


@dataclass(frozen=True, eq=False)
class Trials:
    """An optimisation, a row for each trial.

    Attributes:
        points: Its columns.
        objectives: Results with a goal.
        constraints: Results with a limit.
        feasible: Which have a result within all limits, (trials,).
        front: Places of those that nothing dominates, in the order of their files, (n,).
    """

    points: Points
    objectives: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    feasible: np.ndarray
    front: np.ndarray

    def objective(self, name: str | None) -> Column:
        """An objective by its name; the first for None.

        Raises:
            KeyError: There is none.
        """
        for column in self.objectives:
            if name in (None, column.name):
                return column
        raise KeyError(
            f"the study has no objective {name}; it has {', '.join(c.name for c in self.objectives)}"
        )

    def goal(self, column: Column) -> str:
        """``maximise`` or ``minimise``."""
        return str((column.attrs or {}).get("goal", MAXIMISE))

    def axis(self, column: Column) -> str:
        """Label of an axis, with what is better."""
        return f"{column.axis} ({'more' if self.goal(column) == MAXIMISE else 'less'} is better)"

    @property
    def front_name(self) -> str:
        """What the best are called."""
        return "best" if len(self.objectives) == 1 else "on the front"

    def file(self, rank: int) -> str:
        """Name of a design's file in front/, by its rank from 1."""
        return f"{rank:0{max(2, len(str(len(self.front))))}d}.toml"

    def best_so_far(self, column: Column) -> np.ndarray:
        """The best value of all feasible trials up to each, SI; NaN before the first, (trials,)."""
        fine = np.where(self.feasible & column.known, column.values, np.nan)
        worse = -math.inf if self.goal(column) == MAXIMISE else math.inf
        filled = np.where(np.isnan(fine), worse, fine)
        best = (np.maximum if self.goal(column) == MAXIMISE else np.minimum).accumulate(filled)
        return np.where(np.isfinite(best), best, np.nan)

    def best(self, column: Column) -> int | None:
        """Place of the feasible trial with the best value; of several the one on the front."""
        others = np.setdiff1d(np.flatnonzero(self.feasible & column.known), self.front)
        which = np.concatenate([self.front, others]).astype(int)
        if not len(which):
            return None
        values = column.values[which]
        return int(which[values.argmax() if self.goal(column) == MAXIMISE else values.argmin()])

    @cached_property
    def standing(self) -> list[str]:
        """How each trial stands, in words."""
        on_front = set(self.front.tolist())
        return [
            self.front_name
            if i in on_front
            else "within limits"
            if fine
            else "breaks a limit"
            if done
            else status
            for i, (fine, done, status) in enumerate(
                zip(self.feasible, self.points.done, self.points.status, strict=True)
            )
        ]

    @cached_property
    def excess(self) -> np.ndarray:
        """The largest excess over any limit; NaN where there is no result, (trials,)."""
        if not self.constraints:
            return np.where(self.points.done, 0.0, np.nan)
        return np.max([c.excess for c in self.constraints], axis=0)

    def least_violated(self, most: int = 5) -> np.ndarray:
        """Places of the trials that break their limits by the least, the least first."""
        known = np.flatnonzero(np.isfinite(self.excess))
        return known[np.argsort(self.excess[known], kind="stable")][:most]


def trials_of(dataset: Dataset) -> Trials:
    """The trials of a Dataset.

    Args:
        dataset: Of :func:`chipsim.optimise`, or read from its NetCDF file.
    """
    points = points_of(dataset)
    objectives = tuple(c for c in points.results if "goal" in (c.attrs or {}))
    constraints = [
        Constraint(c, float((c.attrs or {})[side]), side == "at_most")
        for c in points.results
        for side in ("at_most", "at_least")
        if side in (c.attrs or {})
    ]
    feasible = dataset["feasible"].values.astype(bool) & points.done
    front = np.flatnonzero(dataset["front"].values.astype(bool))
    if objectives:  # as the files of the front are numbered: the best of the first objective first
        sign = -1.0 if (objectives[0].attrs or {}).get("goal") == MAXIMISE else 1.0
        front = front[np.argsort(sign * objectives[0].values[front], kind="stable")]
    return Trials(points, objectives, tuple(constraints), feasible, front)
