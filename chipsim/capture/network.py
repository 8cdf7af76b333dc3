"""A spot of pores while a suspension goes through it: how much of it is blocked, and what that does to pressure and flow.

Mean field: a pore that holds a body carries nothing, every other one carries its share, and the next body takes one of
those that are open in proportion to its flow. With the share ``blocked`` of the spot's conductance and the resistance R
of the clean spot

    pressure = R / (1 - blocked) x flow rate

Each body leaves its pore when the pressure's integral over time since it came has reached its impulse, and, if it is
held by its threshold, not before the pressure has exceeded that. At a constant pressure the flow falls as pores block;
at a constant flow rate the pressure rises. Over the same filtered volume both have the same integral of the pressure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

STEPS = 64
_RINSE_STEPS = 16
# The first step would block this share if nothing left; the following ones grow until they are those of the volume.
_FIRST, _GROWTH = 0.02, 1.5
#: A step in which everything blocks is halved this often to find when.
_HALVINGS = 8
#: No membrane is made for more; a pump that would have to push harder has stopped.
MOST_PRESSURE = 1e6  # Pa


@dataclass(frozen=True)
class Arrivals:
    """A kind of bodies as the network sees it: samples of one body and the pore that it meets.

    Attributes:
        concentration: Bodies in the suspension, 1/m3.
        impulse: Integral of the pressure over time that it needs to pass, Pa s, shape (samples,); 0 passes freely.
        threshold: Pressure that holds it for ever, Pa, shape (samples,).
        share: Of the spot's conductance that it blocks, shape (samples,).
    """

    concentration: float
    impulse: np.ndarray
    threshold: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Drive:
    """What pushes the suspension through the spot: one of pressure (Pa) and flow rate (m3/s) is given, the other None."""

    resistance: float  # of the clean spot, Pa s/m3
    pressure: float | None = None
    flow_rate: float | None = None

    def pressure_at(self, blocked: Any) -> Any:
        """Over the membrane, Pa."""
        if self.flow_rate is None:
            return self.pressure + 0 * blocked
        return self.flow_rate * self.resistance / (1 - blocked)

    def flow_at(self, blocked: Any) -> Any:
        """Through the spot, m3/s."""
        return self.pressure_at(blocked) * (1 - blocked) / self.resistance


@dataclass(frozen=True)
class History:
    """A filtration from the first drop to the end of the rinse; arrays of shape (points,), the clean membrane first.

    Attributes:
        time: s.
        volume: Of the suspension that has passed, m3.
        impulse: Integral of the pressure over time, Pa s.
        blocked: Share of the conductance.
        pressure: Pa.
        flow_rate: m3/s.
        step_pressure: Pressure of the step that ends at each point, Pa (of the first point 0).
        filtered: Index of the point at which the suspension has passed, or the membrane is blocked.
        complete: Whether all of the volume has passed.
    """

    time: np.ndarray
    volume: np.ndarray
    impulse: np.ndarray
    blocked: np.ndarray
    pressure: np.ndarray
    flow_rate: np.ndarray
    step_pressure: np.ndarray
    filtered: int
    complete: bool

    @property
    def filtration_time(self) -> float | None:
        """Until the volume has passed, s; None if the membrane blocks before."""
        return float(self.time[self.filtered]) if self.complete else None

    def impulse_left(self, arrival: np.ndarray) -> np.ndarray:
        """Impulse from an arrival (share of the processed volume) to the end, Pa s."""
        last = self.filtered + 1
        volume = self.volume[:last] / max(self.volume[-1], 1e-300)
        return self.impulse[-1] - np.interp(arrival, volume, self.impulse[:last])

    def highest_pressure(self, arrival: np.ndarray) -> np.ndarray:
        """Highest pressure from an arrival (share of the processed volume) to the end, Pa."""
        volume = self.volume[: self.filtered + 1] / max(self.volume[-1], 1e-300)
        later = np.maximum.accumulate(self.step_pressure[::-1])[::-1]
        return later[np.clip(np.searchsorted(volume, arrival), 1, self.filtered)]


class _March:
    """The state that is carried from step to step: points so far, and until when each threshold was last exceeded."""

    def __init__(self, kinds: Sequence[Arrivals], drive: Drive, pores: int) -> None:
        plugs = [(k, k.impulse > 0) for k in kinds if k.concentration > 0 and np.any(k.impulse > 0)]
        self.drive = drive
        self.impulse = np.concatenate([np.zeros(0), *(k.impulse[at] for k, at in plugs)])
        self.threshold = np.concatenate([np.zeros(0), *(k.threshold[at] for k, at in plugs)])
        # Share blocked for each volume of which nothing has left yet, 1/m3.
        self.weight = np.concatenate(
            [np.zeros(0), *(k.concentration * k.share[at] / len(at) for k, at in plugs)]
        )
        # Volume that had arrived when the threshold was last exceeded.
        self.released = np.zeros(len(self.impulse))
        self.rows = [(0.0,) * 5]  # time, volume, impulse, blocked, pressure of the step
        self.most = 1 - 1 / pores

    def blocked(self, volume: float, impulse: float, pressure: float) -> float:
        """Share blocked when that volume and impulse are reached at that pressure, after the points so far."""
        _, volumes, impulses, _, _ = np.array(self.rows).T
        through = np.interp(impulse - self.impulse, np.append(impulses, impulse), np.append(volumes, volume))
        held = np.minimum(through, np.where(self.threshold < pressure, volume, self.released))
        return float(self.weight @ (volume - held))

    def step(self, arriving: float, *, volume: float | None = None, duration: float | None = None) -> bool:
        """One step over a volume through the spot, or a duration; False if it cannot be made for want of open pores."""
        from scipy.optimize import brentq

        drive, (time, before, impulse, _, _) = self.drive, self.rows[-1]

        def gained(blocked: float) -> float:
            if volume is None:
                return drive.pressure_at(blocked) * duration
            return drive.resistance * volume / (1 - blocked)

        def excess(blocked: float) -> float:
            """Share found at mid-step over the one that the whole step was made with."""
            then = impulse + gained(blocked) / 2
            return self.blocked(before + arriving / 2, then, drive.pressure_at(blocked)) - blocked

        if excess(self.most) > 0:
            return False
        # A little above the root: where many thresholds are alike it is a jump, beyond which they have given way.
        middle = min(brentq(excess, 0.0, self.most, xtol=1e-9) + 1e-8, self.most)
        pressure, gain = drive.pressure_at(middle), gained(middle)
        if pressure > MOST_PRESSURE:
            return False
        volume_then = before + arriving
        self.released[self.threshold < pressure] = volume_then

        def excess_then(blocked: float) -> float:
            """The same at the end of the step, whose second half is made with the share found."""
            then = impulse + gain / 2 + gained(blocked) / 2
            return self.blocked(volume_then, then, drive.pressure_at(blocked)) - blocked

        blocked = self.most if excess_then(self.most) > 0 else brentq(excess_then, 0.0, self.most, xtol=1e-9)
        self.rows.append((time + gain / pressure, volume_then, impulse + gain, blocked, pressure))
        return True


def filtration(
    kinds: Sequence[Arrivals],
    drive: Drive,
    volume: float,
    *,
    pores: int,
    rinse_time: float = 0.0,
    steps: int = STEPS,
) -> History:
    """Let a volume of suspension through a clean spot, then clean liquid for a while.

    Args:
        kinds: What is in the suspension.
        drive: Pressure or flow rate, and the clean spot's resistance.
        volume: Of the suspension, m3.
        pores: In the spot; with less than one of them open it is blocked.
        rinse_time: s.
        steps: Over the volume.
    """
    march = _March(kinds, drive, pores)
    fastest = float(march.weight.sum()) * volume / steps
    size, left, halvings = volume / steps * min(1.0, max(_FIRST / max(fastest, _FIRST), 1e-6)), volume, 0
    while left > 1e-9 * volume and halvings <= _HALVINGS:
        portion = min(size, left)
        if march.step(portion, volume=portion):
            left -= portion
            size = size if halvings else min(volume / steps, _GROWTH * size)
        else:
            size, halvings = size / 2, halvings + 1
    filtered, complete = len(march.rows) - 1, left <= 1e-9 * volume
    for _ in range(_RINSE_STEPS if rinse_time > 0 and complete else 0):
        march.step(0.0, duration=rinse_time / _RINSE_STEPS)
    time, arrived, impulse, blocked, step_pressure = np.array(march.rows).T
    return History(
        time,
        arrived,
        impulse,
        blocked,
        drive.pressure_at(blocked),
        drive.flow_at(blocked),
        step_pressure,
        filtered,
        complete,
    )
