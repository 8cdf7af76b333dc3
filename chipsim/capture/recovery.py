"""What a clean membrane keeps of a thin suspension, against the time that it filters at constant pressure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipsim.capture.entries import Carried, check_body
from chipsim.capture.plugs import Membrane, Plugs, draw, plugs
from chipsim.capture.spot import Spot
from chipsim.capture.transit import VISCOSITY_BAND
from chipsim.cells import LIVE, CellLine
from geometries.quantities import quantity

#: Filtration times of a curve, s.
TIMES = tuple(float(f"{t:.4g}") for t in np.geomspace(10, 3600, 25))
_SAMPLES = 2**14


@dataclass(frozen=True)
class Recovery:
    """Retention by a clean membrane at constant pressure, over the filtration time; bodies come uniformly over it.

    Attributes:
        bodies: Sampled bodies at their pores.
        pressure: Pa.
    """

    bodies: Plugs
    pressure: float

    def retained(self, time: float, factor: float = 1.0) -> float:
        """Share held after that time (s) with ``factor`` times the apparent viscosity; of clusters whether whole or not."""
        for_ever = (self.bodies.threshold >= self.pressure) & (self.bodies.impulse > 0)
        in_time = np.minimum(1.0, factor * self.bodies.impulse / (self.pressure * time))
        return float(np.where(for_ever, 1.0, in_time).mean())

    def time_for(self, retained: float, factor: float = 1.0) -> float | None:
        """Filtration time after which that share is held, s; None if it never is that much, or never falls so low."""
        from scipy.optimize import brentq

        low, high = -9.0, 12.0
        if not self.retained(10**high, factor) < retained < self.retained(10**low, factor):
            return None
        return float(10 ** brentq(lambda x: self.retained(10**x, factor) - retained, low, high))


@dataclass(frozen=True)
class RecoveryCurve:
    """Retained share against filtration time.

    Attributes:
        cells: Name of the cell line.
        n: Cells in a cluster.
        state: ``"live"`` or ``"fixed"``.
        pressure: Pa.
        times: s.
        retained: At each time; of clusters whether whole or not.
        low: With the apparent viscosity at the lower end of its band.
        high: At the upper end.
    """

    cells: str
    n: int
    state: str
    pressure: float
    times: tuple[float, ...]
    retained: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "cells": self.cells,
            "n": self.n,
            "state": self.state,
            "pressure_pa": self.pressure,
            "time_s": list(self.times),
            "retained": list(self.retained),
            "retained_low": list(self.low),
            "retained_high": list(self.high),
        }


def recovery(
    device: Any,
    flow: Any,
    line: CellLine,
    *,
    pressure: float | str,
    state: str = LIVE,
    n: int = 1,
    seed: int = 0,
) -> Recovery:
    """Retention by a clean membrane as a function of time.

    Args:
        device: A :class:`geometries.PoreFilter`.
        flow: Its flow; None: resistances by formula.
        line: The cells.
        pressure: Over the membrane, Pa or with its unit.
        state: ``"live"`` or ``"fixed"``.
        n: Cells in a cluster.
        seed: Of the sampled bodies.

    Raises:
        DesignError: The line lacks a number, or n is impossible.
    """
    check_body(line, n, ("diameter", "tension", "apparent_viscosity"))
    body = Carried(line, n, 0.0, state)
    pascals = quantity(pressure, "Pa", "pressure", 0.0, "1 MPa", open_low=True)
    return Recovery(
        plugs(draw(seed, line.name, n, _SAMPLES), body, Spot.of(device, flow), Membrane()), pascals
    )


def recovery_curve(
    device: Any,
    flow: Any,
    line: CellLine,
    *,
    pressure: float | str,
    times: Iterable[float] = TIMES,
    state: str = LIVE,
    n: int = 1,
    seed: int = 0,
) -> RecoveryCurve:
    """Retained share against filtration time, with the band of the apparent viscosity; arguments as for :func:`recovery`."""
    found, at = recovery(device, flow, line, pressure=pressure, state=state, n=n, seed=seed), tuple(times)

    def curve(factor: float) -> tuple[float, ...]:
        return tuple(found.retained(t, factor) for t in at)

    return RecoveryCurve(
        line.name, n, state, found.pressure, at, curve(1.0), curve(1 / VISCOSITY_BAND), curve(VISCOSITY_BAND)
    )
