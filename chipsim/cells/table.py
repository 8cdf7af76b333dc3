"""The table of cell lines: ``lines.toml``, with the calibrated tension of ``calibration.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chipsim.cells.cell_line import LIMITS, CellLine, Provenance
from geometries.quantities import DesignError, quantity

HERE = Path(__file__).parent
CALIBRATION_FILE = HERE / "calibration.toml"
_NUMBERS = tuple(LIMITS)


def line(name: str) -> CellLine:
    """The cell line of that name.

    Raises:
        DesignError: No such line in the table.
    """
    found = known(name)
    if found is None:
        raise DesignError(
            f'cells = "{name}" is not in the table of cell lines ({", ".join(lines())}); describe it in [cells."{name}"]'
        )
    return found


def known(name: str) -> CellLine | None:
    """The cell line of that name, or None."""
    return _table().get(name)


def lines() -> tuple[str, ...]:
    """Names of all cells in the table."""
    return tuple(_table())


def defaults(name: str) -> CellLine:
    """A tumour cell line of which nothing but the assumed spreads is known."""
    return _read(name, {"kind": "tumour"}, _file()["defaults"])


@lru_cache(maxsize=1)
def calibration() -> dict[str, Any]:
    """What is known about the one calibrated number; see chipsim/study/calibrate.py, which writes it."""
    return tomllib.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))


def reload() -> None:
    """Forget what was read, after ``calibration.toml`` was written anew."""
    for cached in (_file, _table, calibration):
        cached.cache_clear()


@lru_cache(maxsize=1)
def _file() -> dict[str, Any]:
    return tomllib.loads((HERE / "lines.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _table() -> dict[str, CellLine]:
    content = _file()
    singles = {name: _read(name, row, content["defaults"]) for name, row in content["lines"].items()}
    mixtures = {}
    for name, row in content["mixtures"].items():
        mixtures[name] = mixture = _mixture(name, row, content["defaults"], singles)
        # Singly they have the spread that the mixture's tail gives them.
        for _, part in mixture.parts:
            singles[part.name] = replace(part, tension=singles[part.name].tension)
    return singles | mixtures


def _read(name: str, row: dict[str, Any], shared: dict[str, Any]) -> CellLine:
    values: dict[str, Any] = {"diameter": None, "tension": None}
    provenance = []
    for field in _NUMBERS:
        entry = row.get(field, shared.get(field))
        if entry is None:
            continue
        value = entry["value"] if "value" in entry else calibration()[field]
        values[field] = quantity(
            value, LIMITS[field][0], f"{name}.{field}", LIMITS[field][1], LIMITS[field][2]
        )
        provenance.append(Provenance(field, entry["status"], entry["source"]))
    return CellLine(name=name, kind=row["kind"], provenance=tuple(provenance), **values)


def _mixture(
    name: str, row: dict[str, Any], shared: dict[str, Any], singles: dict[str, CellLine]
) -> CellLine:
    """A mixture whose parts share the one CV of diameter that puts ``tail_fraction`` above ``tail_diameter``."""
    base = _read(name, row, shared)
    fractions = np.array(list(row["parts"].values()))
    medians = np.array([singles[part].diameter for part in row["parts"]])
    tail = quantity(row["tail_diameter"], "m", f"{name}.tail_diameter", "1 um", "100 um")
    cv = spread_for_tail(fractions, medians, tail, row["tail_fraction"])
    origin = Provenance("diameter_cv", "derived", f"the one CV that fits: {row['tail_source']}")
    parts = []
    for fraction, part in zip(fractions, row["parts"], strict=True):
        single = singles[part]
        kept = tuple(p for p in single.provenance if p.field != "diameter_cv")
        if single.tension is None:
            kept += tuple(p for p in base.provenance if p.field == "tension")
        tension = base.tension if single.tension is None else single.tension
        parts.append(
            (float(fraction), replace(single, diameter_cv=cv, tension=tension, provenance=(*kept, origin)))
        )
    of_parts: dict[str, Any] = {"tension": None, "apparent_viscosity": None}
    kept = tuple(p for p in base.provenance if p.field not in ("diameter_cv", *of_parts))
    mixed = Provenance("parts", "recalled", row["parts_source"])
    return replace(base, **of_parts, diameter_cv=cv, parts=tuple(parts), provenance=(*kept, origin, mixed))


def spread_for_tail(fractions: np.ndarray, medians: np.ndarray, tail: float, fraction: float) -> float:
    """The common CV of lognormal parts that leaves ``fraction`` of the mixture above ``tail``.

    Args:
        fractions: Share of each part, shape (parts,), adding to one.
        medians: Median diameter of each part, m, shape (parts,), all below ``tail``.
        tail: Diameter, m.
        fraction: Share of all cells that is larger.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def excess(sigma: float) -> float:
        return float(fractions @ ndtr(-np.log(tail / medians) / sigma)) - fraction

    sigma = brentq(excess, 1e-3, 2.0, xtol=1e-14)
    return float(np.sqrt(np.expm1(sigma**2)))
