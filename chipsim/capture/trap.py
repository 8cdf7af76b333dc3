"""The hydraulics of a trap: what the capture model needs to know of chip and flow, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trap:
    """One trap of an array of many, SI units.

    Attributes:
        gap: Clear distance between two neighbours of a row, m.
        daughter_gap: Clear distance from a base corner to the next row's tip, m.
        depth: Of the channel, m.
        paths: Traps in parallel.
        rows: Tips that a cluster meets one after the other.
        row_resistance: Pressure drop of one row is this x viscosity x flow rate per path and depth, 1/m^2.
        plug_factor: Drop across one plugged throat over that of the undisturbed row.
    """

    gap: float
    daughter_gap: float
    depth: float
    paths: int
    rows: int
    row_resistance: float
    plug_factor: float

    @classmethod
    def of(cls, chip: Any, flow: Any = None) -> Trap:
        """From a chip (``gap``, ``daughter_gap``, ``depth``, ``paths``, ``rows``) and its solved flow.

        Args:
            chip: The device.
            flow: Has ``row_resistance`` (1/m^2) and ``plug_factor``. Not looked at if ``chip`` is a Trap already.
        """
        if isinstance(chip, Trap):
            return chip
        numbers = chip.gap, chip.daughter_gap, chip.depth, flow.row_resistance, flow.plug_factor
        gap, daughter, depth, resistance, plug = (float(x) for x in numbers)
        return cls(gap, daughter, depth, int(chip.paths), int(chip.rows), resistance, plug)

    @property
    def narrowest(self) -> float:
        """What everything must get through, m."""
        return min(self.gap, self.daughter_gap)

    def pressure(self, flow_rate: float, viscosity: float) -> float:
        """Pressure across a plugged throat, Pa.

        Args:
            flow_rate: Of the whole chip, m^3/s.
            viscosity: Pa s.
        """
        return self.plug_factor * self.row_resistance * viscosity * flow_rate / (self.paths * self.depth)

    def flow_rate(self, pressure: float, viscosity: float) -> float:
        """Flow rate of the whole chip that puts that pressure (Pa) across a plugged throat, m^3/s."""
        return pressure * self.paths * self.depth / (self.plug_factor * self.row_resistance * viscosity)
