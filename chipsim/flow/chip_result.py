"""The flow through a whole Cluster-Chip, from port to port: how evenly manifolds and headers share it out, what they take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from geometries.chip_plan import ChipPlan, plan
from geometries.cluster_chip import ClusterChip
from geometries.device import Limits
from geometries.mesh import UNIT
from geometries.network import Sharing, manifold, share_out
from geometries.quantities import DesignError

#: Largest less smallest flow of a path over the mean, above which a run warns.
MOST_SPREAD = 0.05

_MOST_CELLS = 1024  # of a manifold; up to it each path counts alone


@dataclass(frozen=True)
class WholeChip:
    """A chip on its slide with the flow that it lets through.

    Attributes:
        plan: Where everything lies.
        sharing: How the network of its channels shares the flow out, per unit viscosity.
        array_resistance: Of all banks in parallel over viscosity, 1/m3.
    """

    plan: ChipPlan
    sharing: Sharing
    array_resistance: float

    @property
    def flow_spread(self) -> float:
        """Largest less smallest flow of a path over the mean."""
        return self.sharing.spread

    def pressure_drop(self, flow_rate: float, viscosity: float) -> float:
        """From port to port, Pa."""
        return self.sharing.resistance * viscosity * flow_rate

    def manifold_pressure_drop(self, flow_rate: float, viscosity: float) -> float:
        """What all but the array takes of it, Pa."""
        return (self.sharing.resistance - self.array_resistance) * viscosity * flow_rate

    def neck_shear_stress(self, flow_rate: float, viscosity: float) -> float:
        """On floor and ceiling of the narrowest neck to a bank, where it is largest outside the array, Pa."""
        chip, narrowest = self.plan.chip, min(min(feed.necks) for feed in self.plan.feeds)
        width = self.plan.taper.posts.effective(narrowest)
        return 6 * viscosity * flow_rate / chip.banks / (width * chip.depth**2)

    @property
    def footprint(self) -> tuple[float, float]:
        """Extent of its channels along and across the slide, m."""
        x0, y0, x1, y1 = self.plan.channels.bounds
        return (x1 - x0) * UNIT, (y1 - y0) * UNIT

    def warnings(self) -> list[str]:
        """What to keep in mind."""
        if self.flow_spread <= MOST_SPREAD:
            return []
        return [
            f"the flow of the paths differs by {self.flow_spread:.1%} of its mean over the whole chip, above {MOST_SPREAD:.0%}: "
            "its manifolds take too much beside the array; give them more room (a wider slide, fewer banks), or more rows"
        ]

    def to_dict(self, operation: Any) -> dict[str, Any]:
        """The table ``chip`` of ``result.json``."""
        at, drawn = (operation.flow_rate, operation.viscosity), self.plan
        total = self.pressure_drop(*at)
        return {
            "flow_spread": self.flow_spread,
            "pressure_drop_pa": total,
            "manifold_pressure_drop_pa": self.manifold_pressure_drop(*at),
            "manifold_share": self.manifold_pressure_drop(*at) / total if total else None,
            "neck_wall_shear_stress_pa": self.neck_shear_stress(*at),
            "manifold_width_m": drawn.taper.mouth,
            "header_width_m": drawn.header,
            "footprint_m": list(self.footprint),
            "slide_m": [drawn.limits.slide_length, drawn.limits.slide_width],
            "ports_m": {name: [v * UNIT for v in place] for name, place in drawn.ports.items()},
        }


@dataclass(frozen=True)
class NoChip:
    """A chip that does not fit its slide: there is no network of it."""

    sentence: str

    def warnings(self) -> list[str]:
        """Why."""
        return [self.sentence]

    def to_dict(self, operation: Any) -> None:
        """Null in ``result.json``."""


# Of a sweep's points most have the same chip: neither flow rate nor cells change it.
@lru_cache(maxsize=16)
def whole_chip(chip: ClusterChip, row_resistance: float, limits: Limits) -> WholeChip | NoChip:
    """The flow through a whole chip.

    Args:
        chip: The device.
        row_resistance: Pressure drop of a row over viscosity and flow per path and depth, 1/m2.
        limits: Its slide and what can be made.
    """
    try:
        drawn = plan(chip, limits)
    except DesignError as error:
        return NoChip(str(error))
    paths = chip.paths // chip.banks
    bank = chip.rows * row_resistance / (chip.depth * paths)
    along = manifold(drawn.taper, drawn.lead, min(paths, _MOST_CELLS))
    return WholeChip(drawn, share_out(*drawn.feeds, along, bank, chip.depth), bank / chip.banks)
