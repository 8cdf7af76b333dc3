"""The flow through a spiral at one flow rate: its sections along the way, plain numpy."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.field import Field
from chipsim.flow.result import Flow, Solved
from chipsim.flow.section_result import MOST_DEAN, UNSTEADY, SectionFlow
from geometries.mesh import UNIT
from geometries.quantities import DesignError, show
from geometries.spiral import Spiral

#: kg/m3, of water and diluted blood.
DENSITY = 1000.0

# Points along the channel at which what changes with the bend is summed.
_ALONG = 401
#: Dean number above which the reference for one steady pair of vortices in low channels ends.
SURE_DEAN = 50.0
# Entry length over the hydraulic diameter and the Reynolds number (laminar; White, Viscous Fluid Flow), and its share of the
# channel above which it is worth saying.
_ENTRY, _ENTRY_WORTH_SAYING = 0.05, 0.05


def reynolds_number(spiral: Spiral, operation: Any) -> float:
    """Of the hydraulic diameter and the mean speed."""
    mean = operation.flow_rate / spiral.area
    return float(DENSITY * mean * spiral.hydraulic_diameter / operation.viscosity)


def dean_number(spiral: Spiral, operation: Any, radius: float) -> float:
    """Re (D_h / 2 R)^1/2 at a radius (m) of the bend."""
    return reynolds_number(spiral, operation) * math.sqrt(spiral.hydraulic_diameter / radius / 2)


def refuse_unsteady(spiral: Spiral, operation: Any) -> None:
    """Refuse a flow that is too fast for one steady pair of vortices in the tightest bend.

    Raises:
        DesignError: With the Dean number and the flow rate at which it is at its limit.
    """
    dean = dean_number(spiral, operation, spiral.inner_radius)
    if dean > MOST_DEAN:
        most = operation.flow_rate * MOST_DEAN / dean
        raise DesignError(
            f"the flow rate of {show(operation.flow_rate, 'mL/min')} makes a Dean number of {dean:.4g} at inner_radius = "
            f"{show(spiral.inner_radius, 'mm')}; it must be at most {MOST_DEAN:g} (a flow rate of {show(most, 'mL/min')}): "
            f"{UNSTEADY}"
        )


@dataclass(frozen=True, kw_only=True)
class SpiralCell(Solved):
    """Developed flow in the section of a spiral at several bends, widest first; all on one mesh.

    Its field is that of the middle one, in the units of :class:`chipsim.flow.section_result.SectionFlow`.

    Attributes:
        numbers: Of each :class:`SectionFlow`, all but its field.
        velocities: At the nodes, shape (bends, N, 3).
        straight_peak: Largest over mean speed in the straight duct.
        straight_gradient: Its pressure gradient over mu U / X^2.
    """

    numbers: list[dict[str, Any]]
    velocities: NDArray[np.float64] = dataclasses.field(compare=False)
    straight_peak: float
    straight_gradient: float

    @cached_property
    def sections(self) -> tuple[SectionFlow, ...]:
        """The sections, widest bend first; without a field on ranks other than the first."""
        out = []
        for numbers, velocity in zip(self.numbers, self.velocities, strict=True):
            field = None
            if self.field is not None:
                field = Field(self.field.mesh, velocity, np.zeros(len(velocity)))
            out.append(SectionFlow(**{**numbers, "discretisation_error": None}, field=field))
        return tuple(out)


@dataclass(frozen=True, kw_only=True)
class SpiralFlow(Flow):
    """The flow through a spiral. Unlike Stokes flow it cannot be scaled: it belongs to its Reynolds number.

    Attributes:
        spiral: The device.
        cell: The solved sections.
    """

    spiral: Spiral
    cell: SpiralCell

    @cached_property
    def _numbers(self) -> dict[str, NDArray[np.float64]]:
        names = [k for k, v in self.cell.numbers[0].items() if isinstance(v, float)]
        return {name: np.array([n[name] for n in self.cell.numbers]) for name in names}

    def along(self, s: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        """A number of the sections at lengths along the flow (m), linear in the bend."""
        return np.interp(self.bends(s), self._numbers["curvature"], self._numbers[name])

    def bends(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half the height over the radius of curvature at lengths along the flow (m)."""
        return np.asarray(self.half_height * self.spiral.curvature_at(s))

    @property
    def half_height(self) -> float:
        """M."""
        return float(self.cell.numbers[0]["half_height"] * UNIT)

    @property
    def middle(self) -> SectionFlow:
        """The section in the middle of the bends."""
        return self.cell.sections[len(self.cell.sections) // 2]

    def mean_speed(self, operation: Any) -> float:
        """m/s."""
        return float(operation.flow_rate / self.spiral.area)

    def residence_time(self, operation: Any) -> float:
        """Mean, in the spiral, s."""
        return self.spiral.length / self.mean_speed(operation)

    def pressure_drop(self, operation: Any) -> float:
        """Over the spiral without its branches, Pa."""
        s = np.linspace(0.0, self.spiral.length, _ALONG)
        unit = self.shear_unit(operation) / self.half_height
        return float(unit * np.trapezoid(self.along(s, "gradient"), s))

    def friction_ratio(self) -> float:
        """Pressure drop over that of the straight duct."""
        s = np.linspace(0.0, self.spiral.length, _ALONG)
        return float(
            np.trapezoid(self.along(s, "gradient"), s) / self.spiral.length / self.cell.straight_gradient
        )

    def secondary_unit(self, operation: Any) -> float:
        """Unit of the velocity within a section over its curvature, m/s."""
        return float(DENSITY * self.mean_speed(operation) ** 2 * self.half_height / operation.viscosity)

    def secondary_speed(self, operation: Any) -> float:
        """Mean over the middle section, m/s."""
        return self.middle.secondary_mean * self.middle.curvature * self.secondary_unit(operation)

    def secondary_speed_along(self, s: NDArray[np.float64], operation: Any) -> NDArray[np.float64]:
        """Mean over the sections at lengths along the flow (m), m/s."""
        return self.along(s, "secondary_mean") * self.bends(s) * self.secondary_unit(operation)

    def units(self, operation: Any) -> NDArray[np.float64]:
        """Of the velocity in the middle section: across, along the height, along the channel, m/s."""
        lateral = self.middle.curvature * self.secondary_unit(operation)
        return np.array([lateral, lateral, self.mean_speed(operation)])

    def shear_unit(self, operation: Any) -> float:
        """Unit of the shear stress, viscosity times mean speed over half-height, Pa."""
        return float(operation.viscosity * self.mean_speed(operation) / self.half_height)

    def wall_shear_stress(self, operation: Any) -> dict[str, float]:
        """Mean and largest in the middle section, Pa."""
        unit = self.shear_unit(operation)
        return {"mean": unit * self.middle.wall_shear_mean, "max": unit * self.middle.wall_shear_max}

    # -- for the result ----------------------------------------------------------------------------------------------------
    def fields(self, operation: Any) -> tuple[NDArray[Any], None]:
        """Velocity (m/s; across, along the height, along the channel) in the middle section; that within it has no pressure."""
        if self.middle.field is None:
            raise ValueError("the field of this flow is on another rank")
        return self.middle.field.velocity * self.units(operation), None

    def warnings(self, operation: Any) -> list[str]:
        """What whoever reads the numbers must know about how they were made."""
        out = []
        dean, reynolds = float(self._numbers["dean"].max()), reynolds_number(self.spiral, operation)
        if dean > SURE_DEAN:
            out.append(
                f"the Dean number of {dean:.3g} is above {SURE_DEAN:g}: whether one steady pair of vortices is left there is "
                "not sure"
            )
        entry = _ENTRY * reynolds * self.spiral.hydraulic_diameter
        if entry > _ENTRY_WORTH_SAYING * self.spiral.length:
            out.append(f"the flow takes some {entry * 1e3:.2g} mm to develop, which is left out")
        return out

    def to_dict(self, operation: Any) -> dict[str, Any]:
        """The table ``flow`` of ``result.json``."""
        cell, section = self.cell, self.middle
        shown = (
            "curvature",
            "dean",
            "dean_k",
            "friction_ratio",
            "peak_speed",
            "secondary_mean",
            "power_balance",
        )
        return {
            "flow_rate_m3_per_s": operation.flow_rate,
            "mean_speed_m_per_s": self.mean_speed(operation),
            "reynolds": reynolds_number(self.spiral, operation),
            "dean": section.dean,
            "dean_k": section.dean_k,
            "friction_ratio": self.friction_ratio(),
            "secondary_speed_mean_m_per_s": self.secondary_speed(operation),
            "axial_maximum_half_heights": section.axial_maximum,
            "pressure_drop_pa": self.pressure_drop(operation),
            "wall_shear_stress_pa": self.wall_shear_stress(operation),
            "residence_time_s": self.residence_time(operation),
            "bends": {name: self._numbers[name].tolist() for name in shown},
            "discretisation_error": asdict(cell.discretisation_error) if cell.discretisation_error else None,
            "solver": cell.solver(),
        }
