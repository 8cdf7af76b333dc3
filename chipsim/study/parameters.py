"""What varies in a study: parameters of a design by name, as values or as a range, with their units.

A name is a place in a design's TOML file: ``device.gap``, ``operation.flow_rate``, ``limits.min_gap``,
``suspension.0.concentration`` (the first ``[[suspension]]``), ``cells.NAME.tension``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipsim.cells.cell_line import LIMITS
from chipsim.design import INSTEAD, Carried, Operation
from geometries import KINDS, DesignError, Limits
from geometries.quantities import Unit, quantity

_TABLES = {"operation": Operation, "limits": Limits, "suspension": Carried}
_SCALES = ("linear", "log")
_RANGE_KEYS = ("from", "to", "points", "scale")


@dataclass(frozen=True)
class Parameter:
    """One thing that varies.

    Attributes:
        name: Place in the design, ``device.gap``.
        unit: SI unit of its values; ``""`` for pure numbers and for names.
        long_name: What it is, in words.
        values: The values to take, as in a TOML file; empty for a range.
        low: Lower end of a range, SI.
        high: Upper end.
        points: Of a range on a grid; None where the study samples it.
        log: Whether a range is divided evenly in the logarithm.
        whole: Whether only whole numbers make sense.
    """

    name: str
    unit: str
    long_name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    points: int | None = None
    log: bool = False
    whole: bool = False

    def grid(self) -> tuple[Any, ...]:
        """Its values on a grid.

        Raises:
            DesignError: A range without a number of points.
        """
        if self.values:
            return self.values
        if self.points is None:
            raise DesignError(
                f"{self.name} is a range without points; write points = 5 beside from and to, or sample the study"
            )
        return tuple(self.at(u) for u in np.linspace(0, 1, self.points))

    def at(self, u: float) -> Any:
        """The value at ``u`` from 0 to 1 of a range, or of the list of values."""
        if self.values:
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        value = self.low * (self.high / self.low) ** u if self.log else self.low + u * (self.high - self.low)
        # 12 digits: the same value by another way is the same point.
        return round(value) if self.whole else float(f"{value:.12g}")


def parameter(name: str, given: Any, tables: Mapping[str, Any]) -> Parameter:
    """A parameter as a study names it.

    Args:
        name: Place in the design.
        given: A list of values, or a table with ``from``, ``to`` and perhaps ``points`` and ``scale`` (``"linear"``, ``"log"``).
        tables: The design's TOML tables.

    Raises:
        DesignError: The design has no such place, or the values make no range.
    """
    unit, long_name, whole = _about(name, tables)
    if isinstance(given, Mapping):
        return _range(name, given, unit, long_name, whole)
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise DesignError(
            f'{name} = {given!r} is neither a list of values nor a range; write for instance ["10 um", "12 um"] or '
            '{ from = "8 um", to = "14 um", points = 4 }'
        )
    return Parameter(name, unit, long_name, values=tuple(given), whole=whole)


def _range(name: str, given: Mapping[str, Any], unit: str, long_name: str, whole: bool) -> Parameter:
    for key in given:
        if key not in _RANGE_KEYS:
            raise DesignError(
                f'unknown key "{key}" in the range of {name}; known are {", ".join(_RANGE_KEYS)}'
            )
    if "from" not in given or "to" not in given:
        raise DesignError(f"the range of {name} needs both from and to")
    low, high = (quantity(given[end], unit, f"{name}: {end}", -1e300, 1e300) for end in ("from", "to"))
    if low >= high:
        relation = "is the same as" if low == high else "is above"
        raise DesignError(
            f"{name}: from = {given['from']} {relation} to = {given['to']}; write the smaller one first"
        )
    scale, points = given.get("scale", "linear"), given.get("points")
    if scale not in _SCALES:
        raise DesignError(f'{name}: scale = "{scale}" is unknown; known are {" and ".join(_SCALES)}')
    if scale == "log" and low <= 0:
        raise DesignError(f"{name}: from = {given['from']} must be above 0 on a logarithmic scale")
    if points is not None and (isinstance(points, bool) or not isinstance(points, int) or points < 2):
        raise DesignError(f"{name}: points = {points!r} must be a whole number of at least 2")
    return Parameter(name, unit, long_name, (), low, high, points, scale == "log", whole)


def _about(name: str, tables: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Unit, words and wholeness of a place in a design."""
    table, _, rest = name.partition(".")
    if table == "cells":
        cells, _, key = rest.rpartition(".")
        if cells not in tables.get("cells", {}) or key not in LIMITS:
            raise DesignError(
                f"there is no parameter {name}: the design has no [cells.{cells}] with such a number"
            )
        return LIMITS[key][0], f"{key.replace('_', ' ')} of {cells}", False
    if table == "suspension":
        number, _, rest = rest.partition(".")
        entries = tables.get("suspension", [])
        if not number.isdecimal() or int(number) >= len(entries):
            raise DesignError(
                f"there is no parameter {name}: the design has {len(entries)} [[suspension]]; write for instance "
                "suspension.0.concentration"
            )
    kind: Any = (
        KINDS.get(tables.get("device", {}).get("kind", "")) if table == "device" else _TABLES.get(table)
    )
    fields = kind.model_fields if kind else {}
    if rest not in fields:
        known = f"; [{table}] has {', '.join(fields)}" if fields else ""
        raise DesignError(f"there is no parameter {name}{known}")
    field = fields[rest]
    unit = next((m.symbol for m in field.metadata if isinstance(m, Unit)), "")
    return unit, _in_words(kind, rest), field.annotation is int


def _in_words(kind: Any, field: str) -> str:
    """A field's name and what it is, as its class's docstring says, without the unit."""
    found = re.search(rf"^\s+{field}: (.+?)(?=\n\s+\w+: |\n\s*\n|\Z)", kind.__doc__ or "", re.M | re.S)
    name = field.replace("_", " ")
    first = re.split(r"[;.(]|, or ", " ".join(found[1].split()))[0].strip() if found else ""
    words = re.sub(r", (m|m3/s|Pa|Pa s|K|m3|s|rad|1/m3)$", "", first)
    return f"{name}: {words[0].lower()}{words[1:]}" if words else name


def with_values(tables: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a design's tables with some of its values replaced."""
    new = copy.deepcopy(dict(tables))
    for name, value in values.items():
        *way, last = name.split(".")
        if way[0] == "cells":  # a cell line's name may have dots
            way = ["cells", ".".join(way[1:])]
        table: Any = new
        for step in way:
            table = table[int(step)] if isinstance(table, list) else table.setdefault(step, {})
        if way == ["operation"] and last in INSTEAD:
            table.pop(INSTEAD[last], None)
            if last == "viscosity":
                table.pop("temperature", None)
        table[last] = value
    return new
