"""What a Cluster-Chip retains, lets pass and breaks.

Single cells meet gate A (the slit) only and are integrated exactly; clusters of two and more are a Monte
Carlo through gates A to C (``gates.py``, ``clusters.py``). Leukocytes and red cells of blood are always in
the answer. All pressures are proportional to viscosity x flow rate, and nothing else of the operation enters
but the volume.

Not modelled: where fragments of a broken cluster go, clogging and occupied traps, adhesion to the walls,
crowding by red cells, the time a cell takes to creep through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from chipsim.capture.assumptions import WEAK_JUNCTION, Assumptions, variations
from chipsim.capture.cautions import cautions
from chipsim.capture.entries import Capture, Entry, carried, carryover, check, check_body, purity
from chipsim.capture.margins import Margin, margins
from chipsim.capture.setting import RANGE_SAMPLES, SAMPLES, Setting
from chipsim.capture.statistics import Fraction, exact, spread_around
from chipsim.capture.trap import Trap
from chipsim.cells import CellLine

__all__ = ["TrapCapture", "TrapEntry", "against_flow_rate", "capture", "check", "fate"]


@dataclass(frozen=True, kw_only=True)
class TrapEntry(Entry):
    """The fate of one kind of body on a Cluster-Chip.

    Attributes:
        half_push_through_flow_rate: Above it fewer than half are retained, m^3/s; None if they never are.
        peak_membrane_shear: Wall shear stress, 95th percentile, of the array without bodies, Pa.
        tension_origin: Where the tension comes from.
        weak: The same with the weakest junctions known, 0.6 nN; None for single cells.
    """

    broken: Fraction
    half_push_through_flow_rate: float | None
    peak_membrane_shear: float | None
    tension_origin: str
    weak: TrapEntry | None = None

    def to_dict(self) -> dict[str, Any]:
        """The documented keys of result.json."""
        weak = None
        if self.weak:
            weak = {"junction_strength_n": WEAK_JUNCTION}
            weak |= {
                k: v
                for k, v in self.weak.to_dict().items()
                if k.split("_")[0] in ("retained", "passed", "broken", "half")
            }
        return super().to_dict() | {
            "half_push_through_flow_rate_m3_per_s": self.half_push_through_flow_rate,
            "peak_membrane_shear_pa": self.peak_membrane_shear,
            "peak_membrane_shear_is": "95th percentile of the wall shear stress without held bodies",
            "tension_is": self.tension_origin,
            "weak_junctions": weak,
        }


@dataclass(frozen=True, kw_only=True)
class TrapCapture(Capture):
    """What the chip does to a suspension."""

    entries: tuple[TrapEntry, ...]
    setting: Setting

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The largest junction load and the membrane shear beside the strengths known."""
        return margins((entry.junction_load for entry in self.entries), self.setting.wall_shear)

    def model(self) -> dict[str, Any]:
        """The table ``capture_model`` of result.json."""
        s = self.setting
        return {
            "throat_pressure_pa": s.pressure(),
            "encounters": s.assumed.encounters or s.trap.rows,
            "samples": s.samples,
            "range_samples": s.range_samples,
            "assumptions": s.assumed.to_dict(),
        }


def capture(
    chip: Any,
    flow: Any,
    operation: Any,
    suspension: Iterable[Any],
    *,
    seed: int = 0,
    samples: int = SAMPLES,
    range_samples: int = RANGE_SAMPLES,
    assumed: Assumptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> TrapCapture:
    """Estimate what a Cluster-Chip retains, lets pass and breaks.

    Args:
        chip: The device: ``gap``, ``daughter_gap``, ``depth``, ``paths``, ``rows``.
        flow: Its solved flow: ``row_resistance`` (1/m^2), ``plug_factor``, ``wall_shear_stress_p95(flow_rate,
            viscosity)`` (Pa).
        operation: ``flow_rate`` (m^3/s), ``viscosity`` (Pa s), ``volume`` (m^3 or None).
        suspension: Entries with ``cells`` (CellLine), ``sizes`` (cells in a cluster) and ``concentration``
            (1/m^3, of all sizes together).
        seed: Same seed, same bytes; another entry does not change the others.
        samples: Clusters behind each fraction.
        range_samples: Clusters behind each variation of an assumption.
        assumed: Assumptions other than the fixed ones.
        progress: Called with a few words before each entry.

    Raises:
        DesignError: A cell line lacks a number, or a size is impossible.
    """
    flow_rate, viscosity = float(operation.flow_rate), float(operation.viscosity)
    shear = flow.wall_shear_stress_p95(flow_rate, viscosity)
    assumed = assumed or Assumptions()
    setting = Setting(Trap.of(chip, flow), flow_rate, viscosity, seed, samples, range_samples, assumed, shear)
    bodies = carried(suspension)
    entries = []
    for line, n, _, _ in bodies:
        if progress:
            progress(f"{line.name}, {n} cell{'s' if n > 1 else ''}")
        entries.append(fate(line, n, setting))
    targets = {body.line.name: body.line for body in bodies if body.line.kind == "tumour"}
    leukocytes, leukocyte_range = carryover(bodies, entries)
    volume = getattr(operation, "volume", None)
    return TrapCapture(
        entries=tuple(entries),
        processing_time=volume / setting.flow_rate if volume else None,
        wbc_carryover_per_ml=leukocytes,
        wbc_carryover_per_ml_range=leukocyte_range,
        purity=purity(bodies, entries),
        single_cell_carryover={name: setting.singles(line) for name, line in targets.items()},
        setting=setting,
        warnings=tuple(cautions(setting, bodies, entries, volume, getattr(operation, "fluid", None))),
    )


def fate(line: CellLine, n: int, setting: Setting) -> TrapEntry:
    """The fate of clusters of n cells, with intervals and ranges, at both junction strengths.

    Args:
        line: Their cells.
        n: Cells in a cluster; 1 for single cells.
        setting: Chip, flow and assumptions.

    Raises:
        DesignError: The line lacks a number, or n is impossible.
    """
    check_body(line, n)
    about = {
        "cells": line.name,
        "n": n,
        "peak_membrane_shear": setting.wall_shear,
        "calibrated": line.calibrated,
        "tension_origin": _tension_origin(line),
    }
    if n == 1 or line.kind == "red cell":
        return _single_fate(line, setting, about)
    return _cluster_fate(line, n, setting, about)


def _tension_origin(line: CellLine) -> str:
    if line.kind == "red cell":
        return "none: a red cell keeps its area and passes 3 um; it has no threshold in a wider slit"
    return str(
        line.origin("tension")
        or "; ".join(f"{part.name}: {part.origin('tension')}" for _, part in line.parts)
    )


def _single_fate(line: CellLine, setting: Setting, about: dict[str, Any]) -> TrapEntry:
    value = setting.singles(line)
    varied = [setting.singles(line, a) for a in variations(line, setting.assumed, setting.trap.rows)]
    span = min(value, *varied), max(value, *varied)
    half = setting.half_pressure_singles(line)
    return TrapEntry(
        retained=replace(exact(value), range=span),
        passed=replace(exact(1 - value), range=(1 - span[1], 1 - span[0])),
        broken=replace(exact(0.0), range=(0.0, 0.0)),
        half_push_through_flow_rate=setting.flow_for(half),
        junction_load=None,
        **about,
    )


def _cluster_fate(line: CellLine, n: int, setting: Setting, about: dict[str, Any]) -> TrapEntry:
    """With the line's junctions; the same with the weakest is within."""
    both, few = setting.thresholds(line, n), setting.range_samples
    changed = [setting.assumed, *variations(line, setting.assumed, setting.trap.rows)]
    varied = [(setting.pressure(a), setting.thresholds(line, n, a, few)) for a in changed]

    def entry(strength: int) -> TrapEntry:
        found = both[strength]
        others = [pair[strength].fractions(pressure) for pressure, pair in varied]
        fates = [
            replace(fate, range=spread_around(fate.value, [other[i].value for other in others]))
            for i, fate in enumerate(found.fractions(setting.pressure()))
        ]
        half, load = setting.flow_for(found.half_pressure()), found.junction_load(setting.pressure())
        return TrapEntry(
            retained=fates[0],
            passed=fates[1],
            broken=fates[2],
            half_push_through_flow_rate=half,
            junction_load=load,
            **about,
        )

    return replace(entry(0), weak=entry(1))


def against_flow_rate(
    line: CellLine, n: int, setting: Setting, flow_rates: Iterable[float]
) -> list[tuple[float, ...]]:
    """Retained, passed and broken fractions at many flow rates (m^3/s), from one Monte Carlo.

    Args:
        line: The cells.
        n: Cells in a cluster.
        setting: Chip, viscosity and assumptions; its own flow rate is not used.
        flow_rates: Of the whole chip, m^3/s.
    """
    settings = [replace(setting, flow_rate=float(q)) for q in flow_rates]
    if n == 1 or line.kind == "red cell":
        kept = [s.singles(line) for s in settings]
        return [(p, 1 - p, 0.0) for p in kept]
    found, _ = setting.thresholds(line, n)
    return [tuple(f.value for f in found.fractions(s.pressure())) for s in settings]
