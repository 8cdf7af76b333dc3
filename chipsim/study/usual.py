"""The results that a sweep gives where none are named: the numbers of the flow, the fates of all bodies, the totals.

Of each device these are the single numbers under ``flow`` (of its wall shear stress the mean, the 95th percentile and the
largest), how its pores lie, and the totals of the run: time, purity, leukocytes. Of each kind of body ``retained``, ``passed``,
``broken`` and the junction load, along a dimension ``body``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Tables of which some numbers are taken.
_PARTS = {"flow.wall_shear_stress_pa": ("mean", "p95", "max"), "pores": ("count", "coverage")}
_NO_RESULTS = ("seed",)
#: Of each body, the name in result.json.
OF_A_BODY = ("retained", "passed", "broken", "junction_load_n")


def places(result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Places in result.json that are single numbers worth a column, with these."""
    for key, value in result["flow"].items():
        if _is_number(value):
            yield f"flow.{key}", value
    for table, parts in _PARTS.items():
        found: Any = result
        for step in table.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        for part in parts:
            if isinstance(found, Mapping) and _is_number(found.get(part)):
                yield f"{table}.{part}", found[part]
    for key, value in result.items():
        if _is_number(value) and key not in _NO_RESULTS:
            yield key, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def bodies(result: Mapping[str, Any]) -> Iterator[tuple[tuple[str, int, str], Mapping[str, Any]]]:
    """Each kind of body, as cells, number of cells and state, with its entry; only some devices tell the state."""
    for entry in result.get("capture", []):
        yield (str(entry["cells"]), int(entry["n"]), str(entry.get("state", ""))), entry
