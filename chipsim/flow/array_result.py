"""The flow through an array of obstacles: its cell's numbers, and what they are at any flow rate and viscosity."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.accuracy import ORDER, SHARP_SHEAR_ORDER
from chipsim.flow.chip_result import NoChip, WholeChip, whole_chip
from chipsim.flow.depth import DepthClosure, depth_closure, outside, stated_error
from chipsim.flow.field import Field
from chipsim.flow.result import Flow, Solved
from chipsim.flow.shear import ShearNumbers
from geometries.cluster_chip import ClusterChip
from geometries.device import Limits
from geometries.mesh import UNIT

#: kg/m3, for the Reynolds number only; textbook value.
BLOOD_DENSITY = 1060.0

_MASS_BALANCE_WORTH_SAYING = 1e-3


def orders(chip: ClusterChip) -> tuple[float, float]:
    """Orders of convergence of the row resistance and of the mean wall shear."""
    return ORDER, ORDER if chip.fillet > 0 else SHARP_SHEAR_ORDER


@dataclass(frozen=True, kw_only=True)
class CellFlow(Solved):
    """Flow through one unit cell of an array at unit viscosity and unit flow per path and depth q (m2/s).

    Its model is ``"2d"``, ``"depth"`` or ``"3d"``; its field is velocity over q (1/um) and pressure about its mean slope over
    viscosity and q (1/um2).

    Attributes:
        row_resistance: Pressure drop of a row over viscosity and q, 1/m2.
        plug_factor: Drop over one plugged throat over the drop of an undisturbed row.
        peak_speed: Largest speed over q, 1/m.
        throat_speed: Mean speed in a daughter gap over q, 1/m.
        shear: Wall shear rate on the pillars over q, 1/um2.
        mass_balance_error: Largest relative difference of the flow through entrance and daughter gap from that between
            the rows.
        floor_layer: Of ``"depth"``: thickness of the layer on the floor that its closure rests on, m; else None.
    """

    parts: ClassVar[dict[str, type]] = {**Solved.parts, "shear": ShearNumbers}

    row_resistance: float
    plug_factor: float
    peak_speed: float
    throat_speed: float
    shear: ShearNumbers
    mass_balance_error: float
    floor_layer: float | None = None


@dataclass(frozen=True, kw_only=True)
class ArrayFlow(Flow):
    """The flow through a chip: its cell's numbers, scaled to any flow rate and viscosity (Stokes flow is linear).

    Attributes:
        chip: The device.
        cell: The solved unit cell.
    """

    chip: ClusterChip
    cell: CellFlow

    @property
    def row_resistance(self) -> float:
        """Pressure drop of a row over viscosity and flow rate per path and depth, 1/m2."""
        return self.cell.row_resistance

    @property
    def closure(self) -> DepthClosure | None:
        """Of the depth-averaged model: its effective viscosity, drag and profile; else None."""
        layer = self.cell.floor_layer
        return None if layer is None else depth_closure(layer / UNIT, self.chip.depth / UNIT)

    @property
    def plug_factor(self) -> float:
        """Drop over one plugged throat over the drop of an undisturbed row."""
        return self.cell.plug_factor

    def flux(self, flow_rate: float) -> float:
        """Flow per path and depth, m2/s, at a flow rate of the whole chip, m3/s."""
        return flow_rate / (self.chip.paths * self.chip.depth)

    def row_pressure_drop(self, flow_rate: float, viscosity: float) -> float:
        """Pressure drop of one row, Pa."""
        return self.cell.row_resistance * viscosity * self.flux(flow_rate)

    def array_pressure_drop(self, flow_rate: float, viscosity: float) -> float:
        """Pressure drop over all rows of a bank, Pa."""
        return self.chip.rows * self.row_pressure_drop(flow_rate, viscosity)

    def hydraulic_resistance(self, viscosity: float) -> float:
        """Pressure drop over the array per flow rate of the whole chip, Pa s/m3."""
        return self.array_pressure_drop(1.0, viscosity)

    def mean_throat_speed(self, flow_rate: float) -> float:
        """Mean speed in the daughter gaps, m/s."""
        return self.cell.throat_speed * self.flux(flow_rate)

    def peak_speed(self, flow_rate: float) -> float:
        """Largest speed, m/s."""
        return self.cell.peak_speed * self.flux(flow_rate)

    def wall_shear_rate(self, flow_rate: float) -> dict[str, float | None]:
        """Wall shear rate on the pillars, 1/s: ``p50``, ``p95``, ``mean``, ``max`` (None on sharp corners), ``patch_max``."""
        s, scale = self.cell.shear, self.flux(flow_rate) * 1e12
        return {
            "p50": s.p50 * scale,
            "p95": s.p95 * scale,
            "mean": s.mean * scale,
            "max": None if s.maximum is None else s.maximum * scale,
            "patch_max": s.patch_maximum * scale,
        }

    def wall_shear_stress(self, flow_rate: float, viscosity: float) -> dict[str, float | None]:
        """Wall shear stress on the pillars, Pa, with the keys of :meth:`wall_shear_rate`."""
        return {k: None if v is None else v * viscosity for k, v in self.wall_shear_rate(flow_rate).items()}

    def wall_shear_stress_p95(self, flow_rate: float, viscosity: float) -> float:
        """95th percentile of the wall shear stress on the pillars, Pa."""
        return self.cell.shear.p95 * self.flux(flow_rate) * 1e12 * viscosity

    def whole(self, limits: Limits) -> WholeChip | NoChip:
        """The flow through the whole chip with its manifolds."""
        return whole_chip(self.chip, self.row_resistance, limits)

    def fields(self, operation: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Velocity (m/s) and pressure (Pa) at the nodes; the pressure falls from row to row."""
        field, q = self._field, self.flux(operation.flow_rate)
        return field.velocity * q / UNIT, self.pressure() * operation.viscosity * q

    @property
    def _field(self) -> Field:
        if self.cell.field is None:
            raise ValueError("the field of this flow is on another rank")
        return self.cell.field

    def pressure(self) -> NDArray[np.float64]:
        """Pressure at the nodes of the cell's mesh over viscosity and q, 1/m2, falling along the flow; shape (N,)."""
        field = self._field
        slope = self.row_resistance / self.chip.row_pitch  # 1/m3
        return field.pressure / UNIT**2 - slope * field.mesh.points[:, 0] * UNIT

    def reynolds(self, flow_rate: float, viscosity: float) -> float:
        """Reynolds number of the entrance gap, with its mean speed and width and the density of blood."""
        return BLOOD_DENSITY * self.flux(flow_rate) / viscosity

    def warnings(self, operation: Any) -> list[str]:
        """What whoever reads the numbers must know about how they were made."""
        out = []
        if self.cell.model == "2d":
            out.append(
                "the flow is plane: floor and ceiling are left out, so resistance and pressures are too low (3d has them)"
            )
            out.append(
                "the calibrated tension was fitted on the 3d flow: with the lower pressure of this model more is retained "
                "than with 3d"
            )
        if self.closure is not None:
            out += _said_of_depth(self.chip, self.closure)
        if self.cell.mass_balance_error > _MASS_BALANCE_WORTH_SAYING:
            out.append(
                f"the flow through the throats and between the rows differ by {self.cell.mass_balance_error:.1e}; refine the mesh"
            )
        if self.chip.fillet == 0:
            out.append(
                "sharp corners: the largest wall shear has no limit there and is null; the patch average is given instead"
            )
        out.append(
            "the plug factor is solved in the plane with a throat blocked over its whole depth; a cell that leaves room above or "
            "below it carries less pressure"
        )
        number = self.reynolds(operation.flow_rate, operation.viscosity)
        if number > 0.1:
            out.append(
                f"the Reynolds number of the gap is {number:.2g}, above 0.1: inertia is not in a Stokes solution"
            )
        return out

    def to_dict(self, operation: Any) -> dict[str, Any]:
        """The table ``flow`` of ``result.json``."""
        cell, flow_rate, viscosity = self.cell, operation.flow_rate, operation.viscosity
        return {
            "row_resistance_per_m2": self.row_resistance,
            "row_pressure_drop_pa": self.row_pressure_drop(flow_rate, viscosity),
            "array_pressure_drop_pa": self.array_pressure_drop(flow_rate, viscosity),
            "hydraulic_resistance_pa_s_per_m3": self.hydraulic_resistance(viscosity),
            "plug_factor": self.plug_factor,
            "mean_throat_speed_m_per_s": self.mean_throat_speed(flow_rate),
            "peak_speed_m_per_s": self.peak_speed(flow_rate),
            "wall_shear_rate_per_s": self.wall_shear_rate(flow_rate),
            "wall_shear_stress_pa": self.wall_shear_stress(flow_rate, viscosity),
            "reynolds": self.reynolds(flow_rate, viscosity),
            "depth_closure": None if self.closure is None else _described(self.chip, cell, self.closure),
            "discretisation_error": asdict(cell.discretisation_error) if cell.discretisation_error else None,
            "mass_balance_error": cell.mass_balance_error,
            "solver": cell.solver(),
        }


def _described(chip: ClusterChip, cell: CellFlow, closure: DepthClosure) -> dict[str, Any]:
    """The table ``flow.depth_closure``: the depth-averaged model's constants, and what they are worth."""
    return {
        "floor_layer_m": cell.floor_layer,
        "viscosity_factor": closure.viscosity,
        "drag_over_viscosity_per_m2": closure.drag / UNIT**2,
        "mid_depth_over_mean_speed": closure.mid_depth,
        "resistance_error": stated_error(chip),
    }


def _said_of_depth(chip: ClusterChip, closure: DepthClosure) -> list[str]:
    error, beyond = stated_error(chip), outside(chip)
    worth = (
        f"was not compared with 3d on such a chip ({', '.join(beyond)}): the error of its resistance is not known"
        if error is None
        else f"gives the resistance within {error:.2%} of 3d (the largest difference found on chips like this)"
    )
    return [
        f"the depth-averaged model {worth}; its speeds and shear are means over the depth, about {closure.mid_depth:.2f} times "
        "higher in its middle"
    ]
