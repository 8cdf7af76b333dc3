"""What all fates in one run of a spiral share: the flow at its bends, the table of lift, where the flow parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.migration import Bend, rates_in
from chipsim.capture.trajectories import STEPS, Room, Way, dividing_line, steps_needed
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import LiftTable, table_for
from chipsim.flow.pore_formulas import rectangle_bore
from chipsim.flow.spiral_result import DENSITY, SpiralFlow

#: How far the lift may be off, as a factor: assumed (the table is within 2 %, the theory's own range is not known so well).
LIFT_BAND = 1.2


@dataclass(frozen=True)
class Assumptions:
    """What the model assumes; the defaults are not fitted to anything.

    Attributes:
        lift_factor: Multiple of the lift.
        diameter_cv: Overrides the cell lines' CV of diameter.
    """

    lift_factor: float = 1.0
    diameter_cv: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all entries of one run share.

    Attributes:
        bends: The flow at each bend, widest first.
        table: Of lift.
        shape: Of the section.
        half_height: Of a trapezoid half the mean height, m.
        length: Half-heights.
        along: Half-height over radius along the flow, shape (2 STEPS + 1,).
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

    def way(self, alpha: float) -> Way:
        """How bodies of one size migrate; of a size beyond the table with the lift of its last.

        Args:
            alpha: Diameter over the height; above 1 they have the room of bodies as high as the channel.
        """
        sizes = self.table.sizes
        size = self.table.at(float(np.clip(alpha, sizes[0].alpha, sizes[-1].alpha)))
        rates = rates_in(self.bends, size, alpha, self.assumed.lift_factor)
        return Way(np.array([bend.flow.curvature for bend in self.bends]), rates, self.room(min(alpha, 1.0)))

    def along_for(self, way: Way) -> NDArray[Any]:
        """Half-height over radius along the flow in as many steps as such bodies need, shape (2 steps + 1,)."""
        steps = steps_needed(way, self.length, (len(self.along) - 1) // 2)
        part, known = (np.linspace(0, 1, n) for n in (2 * steps + 1, len(self.along)))
        return np.interp(part, known, self.along)

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
        s = np.linspace(0.0, device.length, 2 * STEPS + 1)
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
