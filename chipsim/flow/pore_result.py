"""The flow through a pore filter: one pore's numbers, and what they are over all pores of a spot at any operation."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.accuracy import ORDER
from chipsim.flow.pore_formulas import placed_resistances, unit_resistance
from chipsim.flow.result import Flow, Solved
from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter

#: kg/m3, of water and diluted blood; whole blood's is 6 % higher. For inertia only.
DENSITY = 1000.0
#: Loss of pressure by inertia over density x mean speed squared / 2: an estimate (entrance and jet), not measured.
INERTIAL_LOSS = 1.5

# Share of the pressure that inertia takes above which a result says so; 1.4 % at 1 kPa over a clean 8 um pore in water.
_INERTIA_WORTH_SAYING = 0.02
_FLUX_WORTH_SAYING = 1e-3
_KNOWN_TILT = math.radians(60)  # to which the formula of slanted pores was fitted


# Of the mean wall shear in mid-bore, at the lower end of what was measured on short bores, that feel the rims.
_BORE_SHEAR_ORDER = 1.3
# In space the rims decide, whose cells a refinement divides by its square.
_IN_SPACE = (2.0, 2.0)


def orders(model: str) -> tuple[float, float]:
    """Orders of convergence of the resistance and of the wall shear in the bore."""
    return _IN_SPACE if model in ("3d", "patch") else (ORDER, _BORE_SHEAR_ORDER)


@dataclass(frozen=True, kw_only=True)
class PoreCell(Solved):
    """Flow through one nominal pore, or through a patch of them, at unit viscosity and unit flow.

    Its field is velocity over the flow (1/um2) and pressure over viscosity and flow (1/um3).

    Attributes:
        resistance: Over viscosity, 1/m3.
        formula: The same by formula, of what was solved.
        bore_shear: Mean wall shear rate in the middle of the bore (of all bores) over the flow, 1/m3.
        peak_speed: Largest speed over the flow, 1/m2.
        flux_error: Relative difference of the flows in and out.
        openings: Of a patch, a value for each opening (pores that overlap are one): ``pores``, whether the border ``cut`` it,
            place of the middle in the spot ``x_m`` and ``y_m``, ``flow_share``, ``flow_share_by_formula``; else None.
    """

    resistance: float
    formula: float
    bore_shear: float
    peak_speed: float
    flux_error: float
    openings: dict[str, list[Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class PoreFlow(Flow):
    """The flow through a membrane, scaled to any pressure or flow rate and viscosity (Stokes flow is linear).

    Attributes:
        membrane: The device.
        cell: The solved pore.
    """

    membrane: PoreFilter
    cell: PoreCell

    # -- resistances -------------------------------------------------------------------------------------------------------
    @property
    def _correction(self) -> float:
        """Solved over formula, for what was solved."""
        return self.cell.resistance / self.cell.formula

    def pore_resistance(self, viscosity: float) -> float:
        """Of one nominal pore alone, Pa s/m3."""
        return viscosity * self._correction * float(unit_resistance(self.membrane))

    def pore_resistances(self, viscosity: float) -> NDArray[np.float64]:
        """Of every pore of the spot as placed, Pa s/m3, shape (N,).

        The solved pore's, scaled by the formula to each pore's size and slant, among its neighbours and the pores that it
        overlaps.
        """
        return viscosity * self._unit_resistances

    @cached_property
    def _unit_resistances(self) -> NDArray[np.float64]:
        return self._correction * placed_resistances(self.membrane)

    def spot_resistance(self, viscosity: float) -> float:
        """Of the whole spot, Pa s/m3."""
        return viscosity / float(np.sum(1 / self._unit_resistances))

    # -- at an operation ---------------------------------------------------------------------------------------------------
    def pressure(self, operation: Any) -> float:
        """Over the clean membrane, Pa: as given, or what the flow rate needs."""
        if operation.pressure is not None:
            return float(operation.pressure)
        return float(operation.flow_rate * self.spot_resistance(operation.viscosity))

    def flow_rate(self, operation: Any) -> float:
        """Through the clean spot, m3/s."""
        return self.pressure(operation) / self.spot_resistance(operation.viscosity)

    def pore_flow_rate(self, operation: Any) -> float:
        """Through one nominal pore, m3/s."""
        return self.pressure(operation) / self.pore_resistance(operation.viscosity)

    def _cell_flow_rate(self, operation: Any) -> float:
        """Through what was solved, m3/s."""
        return self.pressure(operation) / (operation.viscosity * self.cell.resistance)

    def mean_speed(self, operation: Any) -> float:
        """In the bore of a nominal pore, m/s."""
        return self.pore_flow_rate(operation) / self.membrane.area

    def residence_time(self, operation: Any) -> float:
        """Of the liquid in the bore of a nominal pore, s."""
        return self.membrane.thickness / self.mean_speed(operation)

    def reynolds(self, operation: Any) -> float:
        """Of a nominal pore, with its mean speed and size."""
        return DENSITY * self.mean_speed(operation) * self.membrane.size / operation.viscosity

    def bore_wall_shear_stress(self, operation: Any) -> float:
        """Mean in the middle of a nominal pore's bore (of a patch: of all its bores), Pa; the same at any viscosity."""
        return self.cell.bore_shear * operation.viscosity * self._cell_flow_rate(operation)

    def inertial_loss(self, operation: Any) -> float:
        """Estimated share of the pressure that inertia takes, which the Stokes flow lacks."""
        return INERTIAL_LOSS * DENSITY * self.mean_speed(operation) ** 2 / 2 / self.pressure(operation)

    def flow_with_inertia(self, operation: Any) -> float:
        """Flow rate with that loss taken off, over the Stokes flow: the root of q + loss q^2 = 1."""
        loss = self.inertial_loss(operation)
        return (math.sqrt(1 + 4 * loss) - 1) / (2 * loss)

    def flow_shares(self) -> dict[str, float]:
        """Which pores carry how much: percentiles of a pore's flow over their mean, and the share of the busiest tenth."""
        flow = np.sort(1 / self._unit_resistances)
        p5, p50, p95 = np.percentile(flow / flow.mean(), [5, 50, 95])
        busiest = flow[-max(len(flow) // 10, 1) :].sum() / flow.sum()
        return {"p5": float(p5), "p50": float(p50), "p95": float(p95), "busiest_tenth": float(busiest)}

    # -- for the result ----------------------------------------------------------------------------------------------------
    def fields(self, operation: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Velocity (m/s) and pressure (Pa, zero at the outlet) at the nodes of the cell's mesh."""
        field = self.cell.field
        if field is None:
            raise ValueError("the field of this flow is on another rank")
        flow, outlet = self._cell_flow_rate(operation), field.on("outlet")
        pressure = field.pressure - np.average(outlet.pressure, weights=outlet.weights)
        return field.velocity * flow / UNIT**2, pressure * operation.viscosity * flow / UNIT**3

    def warnings(self, operation: Any) -> list[str]:
        """What whoever reads the numbers must know about how they were made."""
        out = []
        loss = self.inertial_loss(operation)
        if loss > _INERTIA_WORTH_SAYING:
            out.append(
                f"inertia is not in a Stokes solution: at {self.pressure(operation):.3g} Pa and a Reynolds number of "
                f"{self.reynolds(operation):.2g} it takes an estimated {loss:.0%} of the pressure over a clean pore, so the "
                f"true flow is about {self.flow_with_inertia(operation):.2f} of the one given (Stokes flow is good to 1 to "
                "2 kPa over clean pores of 8 um)"
            )
        if self.membrane.tilt > _KNOWN_TILT and self.cell.model != "patch":
            out.append(
                f"tracks that slant by more than {math.degrees(_KNOWN_TILT):.0f} deg resist up to 30 % less than the formula "
                "gives, by which the solved upright pore stands for them"
            )
        if self.cell.model == "2d":
            out.append(
                "what the ends of a slit resist is from the formula, as the plane flow has none (3d has them)"
            )
        if self.cell.flux_error > _FLUX_WORTH_SAYING:
            out.append(
                f"the flows into and out of the cell differ by {self.cell.flux_error:.1e}; refine the mesh"
            )
        return out

    def _patch(self, viscosity: float) -> dict[str, Any] | None:
        """Resistance of a patch, Pa s/m3, beside that by formula, and its openings."""
        if self.cell.openings is None:
            return None
        return {
            "resistance_pa_s_per_m3": viscosity * self.cell.resistance,
            "resistance_by_formula_pa_s_per_m3": viscosity * self.cell.formula,
            "openings": self.cell.openings,
        }

    def to_dict(self, operation: Any) -> dict[str, Any]:
        """The table ``flow`` of ``result.json``."""
        cell, viscosity = self.cell, operation.viscosity
        return {
            "pressure_pa": self.pressure(operation),
            "flow_rate_m3_per_s": self.flow_rate(operation),
            "pore_resistance_pa_s_per_m3": self.pore_resistance(viscosity),
            "pore_resistance_by_formula_pa_s_per_m3": viscosity * float(unit_resistance(self.membrane)),
            "spot_resistance_pa_s_per_m3": self.spot_resistance(viscosity),
            "pore_flow_rate_m3_per_s": self.pore_flow_rate(operation),
            "pore_flow_over_mean": self.flow_shares(),
            "mean_bore_speed_m_per_s": self.mean_speed(operation),
            "peak_speed_m_per_s": cell.peak_speed * self._cell_flow_rate(operation),
            "bore_residence_time_s": self.residence_time(operation),
            "bore_wall_shear_stress_pa": self.bore_wall_shear_stress(operation),
            "reynolds": self.reynolds(operation),
            "inertial_loss": self.inertial_loss(operation),
            "discretisation_error": asdict(cell.discretisation_error) if cell.discretisation_error else None,
            "flux_error": cell.flux_error,
            "patch": self._patch(viscosity),
            "solver": cell.solver(),
        }
