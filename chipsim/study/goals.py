"""What an optimisation is after: objectives and constraints over results, as its file writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chipsim.study import picks
from geometries import DesignError
from geometries.quantities import quantity

MAXIMISE, MINIMISE = "maximise", "minimise"
_GOALS = {"maximise": MAXIMISE, "minimise": MINIMISE, "maximize": MAXIMISE, "minimize": MINIMISE}
#: Violation of a constraint where there is no number to compare: more than any number violates.
NO_NUMBER = 1e30
#: Names that an optimum has of its own.
TAKEN = ("trial", "front", "feasible", "status", "message", "key")


@dataclass(frozen=True)
class Asked:
    """A result by name, or its ratio to another.

    Attributes:
        name: Under which it is shown.
        result: Its place in ``result.json``.
        over: Place of what it is divided by; empty for nothing.
    """

    name: str
    result: str
    over: str = ""

    @property
    def unit(self) -> str:
        """Unit, UDUNITS style."""
        unit, below = picks.unit(self.result), picks.unit(self.over) if self.over else "1"
        if below in ("1", unit):
            return "1" if below == unit else unit
        return f"({unit})/({below})"

    @property
    def place(self) -> str:
        """Where it is in ``result.json``."""
        return f"{self.result} over {self.over}" if self.over else self.result

    def of(self, result: Mapping[str, Any]) -> float:
        """Its value; NaN where there is none.

        Raises:
            DesignError: There is no such place, or it is no number.
        """
        value = self._number(result, self.result)
        if not self.over:
            return value
        below = self._number(result, self.over)
        return value / below if below else math.nan

    def _number(self, result: Mapping[str, Any], place: str) -> float:
        found = picks.pick(result, place)
        if isinstance(found, str):
            raise DesignError(f'{self.name}: the result "{place}" is a text, not a number')
        return found


@dataclass(frozen=True)
class Objective(Asked):
    """A result of which as much, or as little, as possible is wanted."""

    goal: str = MAXIMISE


@dataclass(frozen=True)
class Constraint(Asked):
    """A result that must stay within limits, SI."""

    at_most: float | None = None
    at_least: float | None = None

    def violation(self, value: float) -> float:
        """By how much a value is outside, relative to the limit; not above 0 where it is within."""
        if math.isnan(value):
            return NO_NUMBER
        found = []
        if self.at_most is not None:
            found.append((value - self.at_most) / (abs(self.at_most) or 1.0))
        if self.at_least is not None:
            found.append((self.at_least - value) / (abs(self.at_least) or 1.0))
        return min(max(found), NO_NUMBER)


def objectives(given: Any) -> tuple[Objective, ...]:
    """The table ``[objectives]`` of a study.

    Raises:
        DesignError: Something in it is missing, unknown or of no sense.
    """
    example = '{ result = "capture[n=2].retained", goal = "maximise" }'
    if not isinstance(given, Mapping) or not given:
        raise DesignError(f"there is no objective; write [objectives] and for instance pairs = {example}")
    found = []
    for name, table in given.items():
        _table("objective", name, table, ("result", "goal", "over"), example)
        if "goal" not in table:
            raise DesignError(f'the objective {name} has no goal; write goal = "maximise" or "minimise"')
        if table["goal"] not in _GOALS:
            raise DesignError(
                f'the objective {name}: goal = "{table["goal"]}" is unknown; known are maximise and minimise'
            )
        found.append(Objective(name, *_places(name, table), _GOALS[table["goal"]]))
    return tuple(found)


def constraints(given: Any) -> tuple[Constraint, ...]:
    """The table ``[constraints]`` of a study.

    Raises:
        DesignError: Something in it is missing, unknown or of no sense.
    """
    example = '{ result = "capture[n=1].retained", at_most = 0.01 }'
    if not isinstance(given, Mapping):
        raise DesignError(f"constraints = {given!r} is no table; write [constraints]")
    found = []
    for name, table in given.items():
        _table("constraint", name, table, ("result", "over", "at_most", "at_least"), example)
        asked = Asked(name, *_places(name, table))
        limits = {key: _limit(asked, key, table[key]) for key in ("at_most", "at_least") if key in table}
        if not limits:
            raise DesignError(f"the constraint {name} has no limit; write at_most or at_least")
        if len(limits) == 2 and limits["at_least"] > limits["at_most"]:
            raise DesignError(
                f"the constraint {name}: at_least = {table['at_least']} is above at_most = {table['at_most']}"
            )
        found.append(Constraint(name, asked.result, asked.over, **limits))
    return tuple(found)


def _table(kind: str, name: str, table: Any, known: tuple[str, ...], example: str) -> None:
    if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in TAKEN:
        raise DesignError(
            f'"{name}" cannot name a {kind}; take a word like pairs that is none of {", ".join(TAKEN)}'
        )
    if not isinstance(table, Mapping) or "result" not in table:
        raise DesignError(f"the {kind} {name} names no result; write {name} = {example}")
    for key in table:
        if key not in known:
            raise DesignError(f'unknown key "{key}" in the {kind} {name}; known are {", ".join(known)}')


def _places(name: str, table: Mapping[str, Any]) -> tuple[str, str]:
    return picks.check(str(table["result"])), picks.check(str(table["over"])) if "over" in table else ""


def _limit(asked: Asked, key: str, value: Any) -> float:
    unit = "" if asked.unit == "1" else re.sub(r"(?<=[A-Za-z])(-?\d)", r"^\1", asked.unit).replace(" ", " * ")
    unit = unit.replace("Pa * s", "Pa s") if unit == "Pa * s" else unit
    return quantity(value, unit, f"the constraint {asked.name}: {key}", -1e300, 1e300)
