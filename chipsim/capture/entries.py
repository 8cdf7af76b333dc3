"""What the capture models of all devices share: what is carried, the fate of each kind of it, and what that adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chipsim.capture.margins import Margin
from chipsim.capture.statistics import Fraction
from chipsim.cells import FIXED, LIVE, MOST_CELLS, CellLine, table
from geometries.quantities import DesignError

#: Said where nobody told how much of the sample is blood.
BLOOD_UNKNOWN = (
    "leukocytes and red cells are counted as in whole blood, as a viscosity alone does not say how much "
    "blood is in the sample"
)
BACKGROUND = ("leukocyte", "red blood cell")


class Carried(NamedTuple):
    """One kind of bodies: clusters of n cells of a line, or its single cells.

    Attributes:
        line: The cells.
        n: Cells in a cluster.
        concentration: Bodies of this kind, 1/m^3.
        state: ``"live"`` or ``"fixed"``.
    """

    line: CellLine
    n: int
    concentration: float
    state: str = LIVE


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The fate of one kind of bodies; a device adds what it knows besides.

    Attributes:
        cells: Name of the cell line.
        n: Cells in a cluster.
        retained: Stays whole.
        passed: Leaves whole.
        broken: Comes apart; None where nothing is known of it.
        junction_load: Median of the largest pull on a junction, N; None for single cells.
        calibrated: Whether the number that decides was fitted to capture data.
    """

    cells: str
    n: int
    retained: Fraction
    passed: Fraction
    broken: Fraction | None
    junction_load: float | None
    calibrated: bool

    def to_dict(self) -> dict[str, Any]:
        """The keys of result.json that all devices have."""
        fates: dict[str, Any] = {}
        for name in ("retained", "passed", "broken"):
            fates |= written(name, getattr(self, name))
        return {
            "cells": self.cells,
            "n": self.n,
            **fates,
            "junction_load_n": self.junction_load,
            "calibrated": self.calibrated,
        }


def written(name: str, fraction: Fraction | None) -> dict[str, Any]:
    """A fraction under its name, with interval and range; all null where there is none."""
    if fraction is None:
        return {name: None, f"{name}_ci95": None, f"{name}_range": None}
    return {
        name: fraction.value,
        f"{name}_ci95": list(fraction.ci95),
        f"{name}_range": list(fraction.range),
    }


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What a device does to a suspension.

    Attributes:
        entries: Suspension first, in its order; then leukocytes and red cells.
        processing_time: For the volume, s; None without one, or where it cannot be got through.
        wbc_carryover_per_ml: Leukocytes retained for each mL of blood.
        wbc_carryover_per_ml_range: The same over the assumed parameters.
        purity: Retained target cells over all retained nucleated cells; a cluster of n counts as n; the
            concentration of an entry is shared equally by its sizes. None if nothing is retained.
        single_cell_carryover: Retained fraction of single cells for each line of the suspension; of a line that is carried
            live and fixed that of the live ones.
        setting: What the numbers were computed for.
        warnings: What to keep in mind.
    """

    entries: tuple[Any, ...]
    processing_time: float | None
    wbc_carryover_per_ml: float
    wbc_carryover_per_ml_range: tuple[float, float]
    purity: float | None
    single_cell_carryover: dict[str, float]
    setting: Any
    warnings: tuple[str, ...]

    def entry(self, cells: str, n: int = 1, state: str | None = None) -> Any:
        """The fate of clusters of n cells of a line; the first of them where the state is left open.

        Raises:
            DesignError: They were not carried in.
        """
        for found in self.entries:
            if (found.cells, found.n) == (cells, n) and state in (None, getattr(found, "state", LIVE)):
                return found
        wanted = f"{n} cells of {cells}" + f", {state}," * (state is not None)
        there = ", ".join(f"{e.n} of {e.cells}" for e in self.entries)
        raise DesignError(f"{wanted} were not carried in; what was: {there}")

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The largest junction load and the membrane shear beside the strengths known."""
        raise NotImplementedError

    def model(self) -> dict[str, Any]:
        """The table ``capture_model`` of result.json."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The keys of result.json that all devices have."""
        return {
            "capture": [entry.to_dict() for entry in self.entries],
            "processing_time_s": self.processing_time,
            "wbc_carryover_per_ml": self.wbc_carryover_per_ml,
            "wbc_carryover_per_ml_range": list(self.wbc_carryover_per_ml_range),
            "purity": self.purity,
            "single_cell_carryover": self.single_cell_carryover,
            "margins": [margin.to_dict() for margin in self.margins],
            "capture_model": self.model(),
            "warnings": list(self.warnings),
        }


def check(suspension: Iterable[Any], needed: Sequence[str] = ("diameter", "tension")) -> None:
    """Refuse what cannot be predicted; worth calling before the flow is solved.

    Args:
        suspension: Entries with ``cells`` and ``sizes``.
        needed: Numbers that a cell line must have.

    Raises:
        DesignError: A cell line lacks a number, or a size is impossible.
    """
    for item in suspension:
        for n in item.sizes:
            check_body(item.cells, n, needed)


def check_body(line: CellLine, n: int, needed: Sequence[str] = ("diameter", "tension")) -> None:
    """The same of clusters of n cells of a line."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_CELLS:
        raise DesignError(f"sizes = {n!r} for {line.name} is not a whole number from 1 to {MOST_CELLS}")
    if line.parts and n > 1:
        raise DesignError(
            f"sizes = {n} for {line.name}: a mixture is carried as single cells only; give sizes = [1]"
        )
    if not line.parts and line.kind != "red cell":
        line.require(*needed)


def carried(suspension: Iterable[Any], blood_fraction: float = 1.0) -> list[Carried]:
    """What is carried, with the cells of blood behind; those are fixed if anything is.

    Args:
        suspension: Entries with ``cells``, ``sizes``, ``concentration`` (1/m^3, of all sizes together) and, where it is not
            live, ``state``.
        blood_fraction: Share of the liquid that is blood.
    """
    listed = [
        Carried(item.cells, n, item.concentration / len(item.sizes), getattr(item, "state", LIVE))
        for item in suspension
        for n in item.sizes
    ]
    named = {body.line.name for body in listed}
    # Whoever names leukocytes of their own does not want those of whole blood counted beside them.
    kinds = {body.line.kind for body in listed}
    state = FIXED if any(body.state == FIXED for body in listed) else LIVE
    blood = [
        cells for cells in map(table.line, BACKGROUND) if cells.name not in named and cells.kind not in kinds
    ]
    return listed + [Carried(line, 1, (line.concentration or 0.0) * blood_fraction, state) for line in blood]


def carryover(bodies: Iterable[Carried], entries: Iterable[Entry]) -> tuple[float, tuple[float, float]]:
    """Leukocytes retained for each mL of the liquid, and their range."""
    total = low = high = 0.0
    for body, entry in zip(bodies, entries, strict=True):
        if body.line.kind == "leukocyte":
            per_ml = body.concentration * 1e-6 * body.n
            total += per_ml * entry.retained.value
            low += per_ml * entry.retained.range[0]
            high += per_ml * entry.retained.range[1]
    return total, (low, high)


def purity(bodies: Iterable[Carried], entries: Iterable[Entry]) -> float | None:
    """Retained target cells over all retained nucleated cells; None if nothing is retained."""
    kept = {"tumour": 0.0, "leukocyte": 0.0, "red cell": 0.0}
    for body, entry in zip(bodies, entries, strict=True):
        kept[body.line.kind] += body.concentration * body.n * entry.retained.value
    nucleated = kept["tumour"] + kept["leukocyte"]
    return kept["tumour"] / nucleated if nucleated > 0 else None
