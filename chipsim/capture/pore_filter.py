"""What a pore filter keeps, lets pass and breaks.

A body is held if the pressure over its pore stays below its threshold, or if the time left after it came does not
suffice for its transit (``plugs.py``); bodies come uniformly with the filtered volume, through pores in proportion to
their flow, and the rinse follows. As pores block, pressure and flow follow from the network of pores (``network.py``).
Leukocytes and red cells of the blood in the liquid are always in the answer. A held cluster is retained if it is whole:
alive, it is counted as broken wherever the full force on the pore that it plugs is above its junction strength, which
is an upper bound, as the rim carries part of that force. Nothing is known of the junctions of fixed cells.

Not modelled: where fragments of a broken cluster go, shear thinning of cells, the share of slow leukocytes (5 % take 30
s and more through 5 um, Jones 1999), adhesion, settling, inertia.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipsim.capture import entries as shared
from chipsim.capture.entries import Capture, Carried, Entry, carried, carryover, purity, written
from chipsim.capture.margins import Margin, margins
from chipsim.capture.network import MOST_PRESSURE, STEPS, Drive, History, filtration
from chipsim.capture.plugs import Draws, Membrane, Plugs, draw, plugs, variations
from chipsim.capture.pore_cautions import CALIBRATED, PREDICTED, cautions
from chipsim.capture.spot import Spot
from chipsim.capture.statistics import Fraction, counted, exact, spread_around
from chipsim.cells import FIXED, LIVE
from geometries.quantities import DesignError

SAMPLES = 2**14
RANGE_SAMPLES = 2**11
#: Bodies of each kind with which the network of pores is stepped: quasi-random, so few suffice.
_NETWORK_SAMPLES = 2**10
_NEEDED = ("diameter", "tension", "apparent_viscosity")


@dataclass(frozen=True, kw_only=True)
class PoreEntry(Entry):
    """The fate of one kind of bodies at a membrane.

    Attributes:
        state: ``"live"`` or ``"fixed"``.
        held: Stays, whole or not.
        broken_upper_bound: Share that breaks if the junction carries all of the force on the plugged pore; None for single cells,
            and for fixed ones, of whose junctions nothing is known.
        threshold_alone: Share that the Laplace threshold alone would hold at the clean membrane's pressure.
        transit_time: Median at the clean membrane's pressure, s; 0 where more than half pass freely.
        threshold: Median pressure below which a body stays for ever, Pa.
        spanning: Share whose footprint covers more than one pore (estimate).
        origins: Where tension and apparent viscosity come from.
    """

    state: str
    held: Fraction
    broken_upper_bound: Fraction | None
    threshold_alone: float
    transit_time: float
    threshold: float
    spanning: float
    origins: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The documented keys of result.json."""
        return (
            super().to_dict()
            | {"state": self.state}
            | written("held", self.held)
            | written("broken_upper_bound", self.broken_upper_bound)
            | {
                "retained_by_threshold_alone": self.threshold_alone,
                "transit_time_s": self.transit_time,
                "threshold_pa": self.threshold,
                "spanning": self.spanning,
            }
            | {f"{name}_is": origin for name, origin in self.origins.items()}
        )


@dataclass(frozen=True)
class Setting:
    """What all entries of one run share.

    Attributes:
        spot: The pores.
        drive: Pressure or flow rate.
        volume: Of the sample, m3.
        rinse_time: s.
        blood_fraction: Share of the sample that is blood; None where it is not known.
        seed: Of all random numbers.
        samples: Bodies behind each fraction.
        range_samples: Bodies behind each variation.
        assumed: The assumptions.
    """

    spot: Spot
    drive: Drive
    volume: float
    rinse_time: float = 0.0
    blood_fraction: float | None = None
    seed: int = 0
    samples: int = SAMPLES
    range_samples: int = RANGE_SAMPLES
    assumed: Membrane = Membrane()

    @classmethod
    def of(cls, device: Any, flow: Any, operation: Any, **options: Any) -> Setting:
        """From a membrane, its flow and how it is run.

        Raises:
            DesignError: No volume, or a flow rate that needs more pressure than a membrane stands.
        """
        if operation.volume is None:
            raise DesignError("volume is missing; what a pore_filter keeps depends on how long it filters")
        spot = Spot.of(device, flow)
        drive = Drive(spot.resistance * operation.viscosity, operation.pressure, operation.flow_rate)
        clean = drive.pressure_at(0.0)
        if clean > MOST_PRESSURE:
            raise DesignError(
                f"flow_rate = {operation.flow_rate:.3g} m^3/s needs {clean:.3g} Pa over the clean membrane, above "
                f"{MOST_PRESSURE:.3g} Pa; filter more slowly or through a larger spot"
            )
        blood = operation.liquid().blood_fraction
        return cls(spot, drive, operation.volume, operation.rinse_time, blood, **options)

    @property
    def pressure(self) -> float:
        """Over the clean membrane, Pa."""
        return float(self.drive.pressure_at(0.0))

    def draws(self, body: Carried) -> Draws:
        """The random numbers of this run for one kind of bodies."""
        return draw(self.seed, body.line.name, body.n, self.samples)

    def history(self, bodies: Iterable[Carried], assumed: Membrane, steps: int = STEPS) -> History:
        """The filtration of these bodies together."""
        kinds = [
            plugs(self.draws(body).first(_NETWORK_SAMPLES), body, self.spot, assumed).arrivals(
                body.concentration
            )
            for body in bodies
        ]
        return filtration(
            kinds,
            self.drive,
            self.volume,
            pores=len(self.spot.scale),
            rinse_time=self.rinse_time,
            steps=steps,
        )


@dataclass(frozen=True, kw_only=True)
class PoreCapture(Capture):
    """What the membrane does to a suspension.

    Attributes:
        history: The filtration under the assumptions as they are.
        filtration_time_range: Over the assumed parameters, s; None where the membrane blocks.
        leukocyte_load: Leukocytes held on the spot at the end.
        leukocyte_load_range: The same over the assumed parameters.
    """

    entries: tuple[PoreEntry, ...]
    setting: Setting
    history: History
    filtration_time_range: tuple[float | None, float | None]
    leukocyte_load: float
    leukocyte_load_range: tuple[float, float]

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The largest junction load of live clusters beside the strengths known."""
        return margins((e.junction_load for e in self.entries if e.state != FIXED), None)

    def model(self) -> dict[str, Any]:
        """The table ``capture_model`` of result.json."""
        s = self.setting
        return {
            "clean_pressure_pa": s.pressure,
            "samples": s.samples,
            "range_samples": s.range_samples,
            "assumptions": s.assumed.to_dict(),
            "calibrated": list(CALIBRATED),
            "predicted": list(PREDICTED),
        }

    def to_dict(self) -> dict[str, Any]:
        """The documented keys of result.json."""
        h = self.history
        return super().to_dict() | {
            "filtration_time_s": h.filtration_time,
            "filtration_time_range_s": list(self.filtration_time_range),
            "processed_volume_m3": float(h.volume[-1]),
            "blocked_fraction": float(h.blocked[h.filtered]),
            "leukocyte_load": self.leukocyte_load,
            "leukocyte_load_range": list(self.leukocyte_load_range),
            "filtration": {
                "time_s": h.time.tolist(),
                "volume_m3": h.volume.tolist(),
                "blocked_fraction": h.blocked.tolist(),
                "pressure_pa": h.pressure.tolist(),
                "flow_rate_m3_per_s": h.flow_rate.tolist(),
            },
        }


def check(suspension: Iterable[Any]) -> None:
    """Refuse what cannot be predicted; worth calling before the flow is solved.

    Raises:
        DesignError: A cell line lacks a number, or a size is impossible.
    """
    shared.check(suspension, _NEEDED)


def check_drive(device: Any, operation: Any) -> None:
    """Refuse a flow rate that the membrane does not stand, by formula; worth calling before the flow is solved.

    Raises:
        DesignError: As for :meth:`Setting.of`.
    """
    Setting.of(device, None, operation)


def capture(
    device: Any,
    flow: Any,
    operation: Any,
    suspension: Iterable[Any],
    *,
    seed: int = 0,
    samples: int = SAMPLES,
    range_samples: int = RANGE_SAMPLES,
    assumed: Membrane | None = None,
    progress: Callable[[str], None] | None = None,
) -> PoreCapture:
    """Estimate what a pore filter retains, lets pass and breaks.

    Args:
        device: A :class:`geometries.PoreFilter`.
        flow: Its flow (:class:`chipsim.flow.pore_result.PoreFlow`); None: by formula.
        operation: ``pressure`` (Pa) or ``flow_rate`` (m^3/s), ``viscosity`` (Pa s), ``volume`` (m^3), ``rinse_time`` (s), and
            ``liquid()`` with its ``blood_fraction``.
        suspension: Entries with ``cells`` (CellLine), ``sizes`` (cells in a cluster), ``concentration`` (1/m^3 of the liquid that
            is filtered, all sizes together) and ``state``.
        seed: Same seed, same bytes. The bodies drawn for one entry do not depend on the others.
        samples: Bodies behind each fraction, a power of 2.
        range_samples: Bodies behind each variation of an assumption, a power of 2.
        assumed: Assumptions other than the fixed ones.
        progress: Called with a few words before each step.

    Raises:
        DesignError: A cell line lacks a number, a size is impossible, or nothing says how long it filters.
    """
    suspension = tuple(suspension)
    check(suspension)
    tell = progress or (lambda _: None)
    base = assumed or Membrane()
    setting = Setting.of(
        device, flow, operation, seed=seed, samples=samples, range_samples=range_samples, assumed=base
    )
    return _fates(
        setting, carried(suspension, 1.0 if setting.blood_fraction is None else setting.blood_fraction), tell
    )


def _fates(setting: Setting, bodies: list[Carried], tell: Callable[[str], None]) -> PoreCapture:
    """The filtration of all bodies together, and what becomes of each kind."""
    tell("filtration")
    base = setting.assumed
    changed = [base, *variations(base, any(body.state == FIXED for body in bodies))]
    histories = [setting.history(bodies, a) for a in changed]
    varied = list(zip(changed, histories, strict=True))
    entries = []
    for body in bodies:
        tell(f"{body.line.name}, {body.n} cell{'s' if body.n > 1 else ''}")
        entries.append(fate(body, setting, varied))
    singles = {
        body.line.name: fate(body._replace(n=1), setting, varied[:1]).retained.value
        for body in sorted(
            bodies, key=lambda body: body.state == LIVE
        )  # of a line in both states the live cells
        if body.line.kind == "tumour"
    }
    per_ml, per_ml_range = carryover(bodies, entries)
    blood, ml = setting.blood_fraction or 1.0, 1e6 * float(histories[0].volume[-1])
    return PoreCapture(
        entries=tuple(entries),
        processing_time=float(histories[0].time[-1]) if histories[0].complete else None,
        wbc_carryover_per_ml=per_ml / blood,
        wbc_carryover_per_ml_range=(per_ml_range[0] / blood, per_ml_range[1] / blood),
        purity=purity(bodies, entries),
        single_cell_carryover=singles,
        setting=setting,
        warnings=tuple(cautions(setting, bodies, entries, histories[0])),
        history=histories[0],
        filtration_time_range=_time_range(histories),
        leukocyte_load=per_ml * ml,
        leukocyte_load_range=(per_ml_range[0] * ml, per_ml_range[1] * ml),
    )


def _time_range(histories: list[History]) -> tuple[float | None, float | None]:
    times = [h.filtration_time for h in histories]
    known = [t for t in times if t is not None]
    return min(known, default=None), None if None in times else max(known)


def fate(body: Carried, setting: Setting, varied: list[tuple[Membrane, History]]) -> PoreEntry:
    """The fate of one kind of bodies, with intervals and ranges.

    Args:
        body: The cells, their state, how many in a cluster.
        setting: Spot, operation and random numbers.
        varied: Assumptions with the filtration under them; first as they are.
    """
    draws, (assumed, history) = setting.draws(body), varied[0]
    found = plugs(draws, body, setting.spot, assumed)
    few = draws.first(setting.range_samples)
    others = [
        {k: float(m.mean()) for k, m in _outcomes(plugs(few, body, setting.spot, a), h, body).items()}
        for a, h in varied
    ]
    outcomes = {
        name: replace(
            counted(int(mask.sum()), setting.samples),
            range=spread_around(float(mask.mean()), [other[name] for other in others]),
        )
        for name, mask in _outcomes(found, history, body).items()
    }
    return _entry(body, setting, found, outcomes)


def _outcomes(found: Plugs, history: History, body: Carried) -> dict[str, np.ndarray]:
    """Which of the sampled bodies are held, would break, are retained, pass; shape (samples,) each."""
    pressure = history.highest_pressure(found.arrival)
    held = (found.threshold >= pressure) & (found.impulse > 0)
    held |= history.impulse_left(found.arrival) < found.impulse
    bound = pressure * found.area > found.strength if body.n > 1 else np.zeros_like(held)
    broken = np.zeros_like(held) if body.state == FIXED else bound
    return {
        "held": held,
        "bound": bound,
        "broken": broken,
        "retained": held & ~broken,
        "passed": ~held & ~broken,
    }


def _entry(body: Carried, setting: Setting, found: Plugs, outcomes: dict[str, Fraction]) -> PoreEntry:
    retained, passed, held = (outcomes[name] for name in ("retained", "passed", "held"))
    plugging = found.area > 0
    bound = outcomes["bound"] if body.n > 1 and body.state != FIXED else None
    load = None
    if body.n > 1:
        load = setting.pressure * float(np.median(found.area[plugging])) if plugging.any() else 0.0
    broken = outcomes["broken"] if body.n > 1 else exact(0.0)
    line = body.line
    return PoreEntry(
        cells=line.name,
        n=body.n,
        # At best none breaks, and all that is held or passes is whole.
        retained=replace(retained, range=(retained.range[0], max(retained.range[1], held.range[1]))),
        passed=replace(passed, range=(passed.range[0], max(passed.range[1], 1 - held.range[0]))),
        broken=None if body.n > 1 and body.state == FIXED else replace(broken, range=(0.0, broken.range[1])),
        junction_load=load,
        calibrated=all(p.status("apparent_viscosity") == "calibrated" for _, p in line.parts or ((1, line),)),
        state=body.state,
        held=held,
        broken_upper_bound=bound,
        threshold_alone=float(((found.threshold >= setting.pressure) & plugging).mean()),
        transit_time=float(np.median(found.impulse)) / setting.pressure,
        threshold=float(np.median(found.threshold)),
        spanning=float(found.spanning.mean()),
        origins=_origins(body),
    )


def _origins(body: Carried) -> dict[str, str]:
    """Where tension and apparent viscosity come from; a mixture's from its parts."""
    told = {}
    for name in ("tension", "apparent_viscosity"):
        parts = [(part.name, part.origin(name)) for _, part in body.line.parts] or [
            ("", body.line.origin(name))
        ]
        texts = [f"{part}: {origin}" if part else str(origin) for part, origin in parts if origin]
        told[name] = "; ".join(texts) or "none: its area is what a red cell keeps"
    return told
