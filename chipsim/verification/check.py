"""What one line of the verification page is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Check:
    """One quantity beside what it should be.

    Attributes:
        case: What was solved.
        source: Where the expected value comes from.
        quantity: What is compared, with its unit.
        expected: The value it should have.
        found: The value found.
        error: Relative to ``expected`` (to the solution's size where that is zero).
        limit: Largest error that passes.
        order: Order of convergence in the cell size; None where none was measured.
        least_order: Smallest order that passes.
        note: What went wrong, where nothing was found.
    """

    case: str
    source: str
    quantity: str
    expected: float
    found: float
    error: float
    limit: float
    order: float | None = None
    least_order: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether error and order are within their limits (nan is not)."""
        order = True
        if self.least_order is not None:
            order = self.order is not None and self.order >= self.least_order
        return bool(self.error <= self.limit and order)

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON has it: null where a number is missing."""
        numbers = {
            k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(self).items()
        }
        return {**numbers, "passed": self.passed}


@dataclass(frozen=True)
class Case:
    """A group of checks that share their solves.

    Attributes:
        name: Its name, for the command line.
        run: Computes the checks.
        slow: Whether it takes more than some ten seconds.
        tested: Whether the tests run it too; what takes minutes is left to ``chipsim verify --slow``.
    """

    name: str
    run: Callable[[], Iterable[Check]]
    slow: bool = False
    tested: bool = True


def compare(case: str, source: str, quantity: str, expected: float, found: float, limit: float) -> Check:
    """A check of a value other than zero."""
    return Check(case, source, quantity, expected, float(found), abs(found / expected - 1), limit)


def small(case: str, source: str, quantity: str, found: float, limit: float) -> Check:
    """A check of a number that should be zero, given relative to what it is small beside."""
    return Check(case, source, quantity, 0.0, float(found), abs(float(found)), limit)


def converging(
    case: str,
    source: str,
    quantity: str,
    sizes: NDArray[np.float64],
    errors: NDArray[np.float64],
    *,
    limit: float,
    least_order: float,
) -> Check:
    """A check of relative errors on finer and finer meshes: the last error, and the order fitted to all of them.

    Args:
        case: What was solved.
        source: Where the exact solution comes from.
        quantity: What the errors are of.
        sizes: Cell sizes, falling.
        errors: Relative errors.
        limit: Largest error that passes on the finest mesh.
        least_order: Smallest order that passes.
    """
    seen = np.maximum(errors, np.finfo(float).eps)  # an error of zero has no logarithm
    order = float(np.polyfit(np.log(sizes), np.log(seen), 1)[0])
    last = float(errors[-1])
    return Check(case, source, quantity, 0.0, last, last, limit, order, least_order)


def failed(case: Case, sentence: str) -> Check:
    """The line of a case that could not be computed."""
    nan = float("nan")
    return Check(case.name, "", "", nan, nan, nan, 0.0, note=sentence)
