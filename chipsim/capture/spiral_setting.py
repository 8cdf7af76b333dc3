"""What all fates in one run of a spiral share: the flow at its bends, the table of lift, where the flow parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.assumptions import SPREADS, STRONG_JUNCTION, WEAK_JUNCTION
from chipsim.capture.migration import Bend
from chipsim.capture.trajectories import Room, dividing_line
from chipsim.cells import CellLine
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import LiftTable, table_for
from chipsim.flow.pore_formulas import rectangle_bore
from chipsim.flow.spiral_result import DENSITY, SpiralFlow

#: How far the lift may be off, as a factor: assumed (the table is within 2 %, the theory's own range is not known so well).
LIFT_BAND = 1.2

# Places along the channel at which its bend is told.
_STATIONS = 801


@dataclass(frozen=True)
class Assumptions:
    """What the model assumes; the defaults are not fitted to anything.

    Attributes:
        lift_factor: Multiple of the lift.
        diameter_cv: Overrides the cell lines' CV of diameter.
        junction_strength: Overrides the cell lines' median strength of junctions, N.
    """

    lift_factor: float = 1.0
    diameter_cv: float | None = None
    junction_strength: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)


#: What each assumption is varied to.
VARIED: dict[str, tuple[float, ...]] = {
    "lift_factor": (1 / LIFT_BAND, LIFT_BAND),
    "diameter_cv": tuple(span["diameter_cv"] for span in SPREADS if "diameter_cv" in span),
    "junction_strength": (WEAK_JUNCTION, STRONG_JUNCTION),
}


def variations(line: CellLine) -> list[Assumptions]:
    """One assumption changed at a time, over the span in which it could as well lie.

    What was measured or given for the line is not varied.
    """
    parts = [part for _, part in line.parts] or [line]
    return [
        replace(Assumptions(), **{name: value})
        for name, values in VARIED.items()
        if name == "lift_factor" or any(part.status(name) == "assumed" for part in parts)
        for value in values
    ]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all entries of one run share.

    Attributes:
        bends: The flow at each bend, widest first.
        table: Of lift.
        shape: Of the section.
        half_height: Of a trapezoid half the mean height, m.
        length: Half-heights.
        along: Half-height over radius along the flow, at evenly spaced places, shape (n,).
        sample_line: Where the sample begins, half-heights from the middle; it comes in beyond.
        outer_sample: Whether it comes in at the outer wall.
        outlet_line: Where the flow parts between the outlets.
        inner_share: Share of the flow that leaves by the inner outlet.
        collect: ``"inner"`` or ``"outer"``.
        shear_unit: Viscosity times U / X, Pa.
        seed: Of the starts.
        assumed: The assumptions.
        followed: What was followed so far, by size and factor of the lift.
    """

    bends: tuple[Bend, ...]
    table: LiftTable
    shape: Shape
    half_height: float
    length: float
    along: NDArray[Any]
    sample_line: float
    outer_sample: bool
    outlet_line: float
    inner_share: float
    collect: str
    shear_unit: float
    seed: int
    assumed: Assumptions = Assumptions()
    followed: dict[tuple[int, float], tuple[NDArray[Any], NDArray[Any]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def half_width(self) -> float:
        """Half-heights."""
        return self.shape.aspect

    def room(self, alpha: float = 0.0) -> Room:
        """Where the middle of a body may be, of that diameter over the height."""
        return Room(self.shape.aspect, 1 - self.shape.taper, 1 + self.shape.taper, alpha)

    @classmethod
    def of(
        cls, device: Any, flow: SpiralFlow, operation: Any, *, seed: int, table: LiftTable | None = None
    ) -> Setting:
        """From a spiral, its flow and how it is run.

        Raises:
            DesignError: There is no table of lift for its section.
        """
        shape = section_shape(device)
        x = sum(device.heights) / 4
        reynolds = DENSITY * flow.mean_speed(operation) * flow.cell.straight_peak * x / operation.viscosity
        bends = tuple(
            Bend(section, shape, flow.cell.straight_peak, reynolds) for section in flow.cell.sections
        )
        s = np.linspace(0.0, device.length, _STATIONS)
        curvature = flow.bends(s)
        first, last = bends[0], bends[-1]
        if device.direction == "inward":
            entry, leave = first, last
        else:
            entry, leave = last, first
        sheath = operation.sheath_flow_rate or 0.0
        sample = operation.sample_flow_rate / (operation.sample_flow_rate + sheath)
        outer_sample = device.sample_inlet == "outer"
        share = _inner_share(device)
        return cls(
            bends=bends,
            table=table or table_for(shape.aspect, shape.taper),
            shape=shape,
            half_height=x,
            length=device.length / x,
            along=curvature,
            sample_line=dividing_line(entry.speed, 1 - sample if outer_sample else sample),
            outer_sample=outer_sample,
            outlet_line=dividing_line(leave.speed, share),
            inner_share=share,
            collect=operation.collect or "inner",
            shear_unit=operation.viscosity * flow.mean_speed(operation) / x,
            seed=seed,
        )


def section_shape(device: Any) -> Shape:
    """The section of a spiral."""
    inner, outer = device.heights
    return Shape(2 * device.width / (inner + outer), (outer - inner) / (outer + inner))


def _inner_share(device: Any) -> float:
    """Share of the flow that leaves by the inner outlet: outlets of one length at one pressure (assumed).

    Under a slanted ceiling each has the mean height of its part of the width.
    """
    inner, outer = device.heights
    parts = np.cumsum([0.0, *device.outlet_widths]) / sum(device.outlet_widths)
    heights = inner + (outer - inner) * (parts[:-1] + parts[1:]) / 2
    conductances = [1 / rectangle_bore(w, h) for w, h in zip(device.outlet_widths, heights, strict=True)]
    return float(conductances[0] / sum(conductances))
