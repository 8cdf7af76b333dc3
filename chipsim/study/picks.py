"""Single numbers of a result by name: places in ``result.json``, with their units.

``flow.array_pressure_drop_pa``, ``capture[n=2].retained``, ``capture[cells=leukocyte].passed``,
``design.operation.flow_rate_m3_per_s``,
``capture[n=2].retained_ci95[0]``: of a list of tables the first that has those values, of a list of numbers one by its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from geometries import DesignError

# What follows a name in result.json, longest first: the unit it stands for.
_UNITS = {
    "_pa_s_per_m3": "Pa s m-3", "_m3_per_s": "m3 s-1", "_m_per_s": "m s-1", "_n_per_m": "N m-1", "_per_ml": "mL-1",
    "_per_m3": "m-3", "_per_m2": "m-2", "_per_s": "s-1", "_pa_s": "Pa s", "_rad": "rad", "_pa": "Pa", "_m3": "m3", "_m": "m",
    "_s": "s", "_n": "N", "temperature_k": "K",
}  # fmt: skip
_STEP = re.compile(r"([\w-]+)(?:\[([^\]]*)\])?")


def check(name: str) -> str:
    """The name of a result, if it can be one.

    Raises:
        DesignError: It cannot be read.
    """
    if not name or any(not _STEP.fullmatch(step) for step in _steps(name)):
        raise DesignError(
            f'the result "{name}" cannot be read; write it like flow.pressure_drop_pa or capture[n=2].retained'
        )
    return name


def _steps(name: str) -> list[str]:
    return re.split(r"\.(?![^\[]*\])", name)


def pick(result: Mapping[str, Any], name: str) -> float | str:
    """One number of a result; NaN where it is null.

    Args:
        result: The content of ``result.json``.
        name: Its place.

    Raises:
        DesignError: There is no such place, or it is no single number, truth value or text.
    """
    value: Any = result
    for step in _steps(check(name)):
        found = _STEP.fullmatch(step)
        assert found is not None
        key, which = found[1], found[2]
        if not isinstance(value, Mapping) or key not in value:
            known = f"; known there are {', '.join(value)}" if isinstance(value, Mapping) else ""
            raise DesignError(f'there is no result "{name}": no "{key}"{known}')
        value = value[key]
        if which is not None:
            value = _selected(value, which, name)
    if value is None:
        return math.nan
    if not isinstance(value, bool | int | float | str):
        raise DesignError(
            f'the result "{name}" is a {"list" if isinstance(value, list) else "table"}, not a single number'
        )
    return value if isinstance(value, str) else float(value)


def _selected(value: Any, which: str, name: str) -> Any:
    if not isinstance(value, list):
        raise DesignError(f'there is no result "{name}": before [{which}] stands no list')
    if which.strip().isdecimal():
        if int(which) >= len(value):
            raise DesignError(f'there is no result "{name}": the list has {len(value)} entries, from 0')
        return value[int(which)]
    wanted = dict(pair.split("=", 1) for pair in which.split(",") if "=" in pair)
    wanted = {key.strip(): text.strip().strip("'\"") for key, text in wanted.items()}
    for entry in value:
        if wanted and all(_same(entry, key, text) for key, text in wanted.items()):
            return entry
    raise DesignError(f'there is no result "{name}": no entry has {which}')


def _same(entry: Any, key: str, text: str) -> bool:
    return isinstance(entry, Mapping) and key in entry and str(entry[key]) == text


def unit(name: str) -> str:
    """The unit of a result, from its name or that of the table that it is in; ``"1"`` for pure numbers."""
    for step in reversed(_steps(name)):
        last = re.sub(r"_(ci95|range)$", "", re.sub(r"\[.*", "", step))
        if suffix := _suffix(last):
            return _UNITS[suffix]
    return "1"


def _suffix(key: str) -> str:
    return next((suffix for suffix in _UNITS if key.endswith(suffix)), "")


def short_name(name: str) -> str:
    """A result's last word without its unit; of a table's part, but for ``flow``, with the table's name before."""
    steps = [re.sub(r"\[.*", "", step) for step in _steps(name)]
    words = [step.removesuffix(_suffix(step)) for step in steps[-2:]]
    return "_".join(words[1:] if words[0] == "flow" else words)


def long_name(name: str) -> str:
    """A result in words, from its name."""
    words = []
    for step in _steps(name):
        found = _STEP.fullmatch(step)
        assert found is not None
        key, which = found[1], found[2]
        words.append(key.removesuffix(_suffix(key)).replace("_", " ") + (f" ({which})" if which else ""))
    return ", ".join(words)
