"""The flow in the section of a bent duct: its numbers and its field, plain numpy.

Lengths are in half-heights X of the section. The axial velocity is over its mean U, the velocity in the section over
eps (rho U X / mu) U, which is what drives it: eps = X / R_c is the curvature, R_c the radius of the bend at x = 0.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.field import Array, Field, shape_functions
from chipsim.flow.result import Solved
from geometries.mesh import UNIT
from geometries.quantities import DesignError

#: Dean number Re (D_h / 2 R_c)^1/2 up to which one steady pair of vortices can be counted on: in a square duct a second pair
#: comes in at 80 to 90 (Winters, J. Fluid Mech. 180, 343, 1987; recalled).
MOST_DEAN = 75.0
#: What is beyond it.
UNSTEADY = "above it a second pair of vortices or an unsteady flow can set in"
# Largest half-width of a section over the radius of its bend.
_SHARPEST = 0.95


@dataclass(frozen=True, kw_only=True)
class SectionFlow(Solved):
    """Developed flow in a section of a bent duct. Its field is on the mesh in um; see the module for the velocities' units.

    ``iterations`` are the Newton steps from the last flow on the way (of a weak one: from the straight duct's).

    Attributes:
        half_height: X, um.
        curvature: eps; 0 is the limit of a wide bend at a given ``dean_k``.
        dean_k: eps (rho V X / mu)^2 with the largest speed V in the straight duct at the same pressure gradient.
        dean: Re (D_h / 2 R_c)^1/2.
        reynolds: rho U D_h / mu; None in the limit eps = 0, where it is infinite (or any, of a straight duct).
        gradient: Pressure gradient along the middle line over mu U / X^2.
        hydraulic_diameter: 4 area / perimeter, in half-heights.
        friction_ratio: Pressure gradient over that of the straight duct at the same speeds at equal gradient: U straight over U
            bent.
        peak_speed: Largest axial velocity over U.
        axial_maximum: x of its place, half-heights, positive outward.
        axial_maximum_y: y of it; of two alike either.
        secondary_mean: Mean speed in the section, in its unit.
        secondary_max: Largest speed in the section (at the nodes), in its unit.
        secondary_mid_plane: Largest speed in the section on y = 0, in its unit.
        wall_shear_mean: Axial, over the perimeter, over mu U / X.
        wall_shear_max: Largest, the same.
        power_balance: What is dissipated over what the pressure does, less one.
    """

    half_height: float
    curvature: float
    dean_k: float
    dean: float
    reynolds: float | None
    gradient: float
    hydraulic_diameter: float
    friction_ratio: float
    peak_speed: float
    axial_maximum: float
    axial_maximum_y: float
    secondary_mean: float
    secondary_max: float
    secondary_mid_plane: float
    wall_shear_mean: float
    wall_shear_max: float
    power_balance: float

    @property
    def friction_times_reynolds(self) -> float:
        """Fanning's friction factor times the Reynolds number of the hydraulic diameter."""
        return self.gradient * self.hydraulic_diameter**2 / 2

    def to_dict(self) -> dict[str, Any]:
        """Its numbers, in the units of this class."""
        shown = (
            "dean_k",
            "curvature",
            "dean",
            "reynolds",
            "friction_ratio",
            "peak_speed",
            "axial_maximum",
            "axial_maximum_y",
            "secondary_mean",
            "secondary_max",
            "secondary_mid_plane",
            "wall_shear_mean",
            "wall_shear_max",
            "power_balance",
        )
        return {
            **{name: getattr(self, name) for name in shown},
            "friction_times_reynolds": self.friction_times_reynolds,
            "discretisation_error": asdict(self.discretisation_error) if self.discretisation_error else None,
            "solver": self.solver(),
        }

    def secondary_scale(self, mean_speed: float, radius: float, kinematic_viscosity: float) -> float:
        """Unit of the velocity in the section, m/s.

        Args:
            mean_speed: U, m/s.
            radius: Of the bend, R_c, m.
            kinematic_viscosity: m2/s.
        """
        return (self.half_height * UNIT * mean_speed) ** 2 / (radius * kinematic_viscosity)

    def pressure_gradient(self, mean_speed: float, viscosity: float) -> float:
        """Along the middle line, Pa/m.

        Args:
            mean_speed: U, m/s.
            viscosity: Pa s.
        """
        return self.gradient * viscosity * mean_speed / (self.half_height * UNIT) ** 2

    def wall_shear_stress(self, mean_speed: float, viscosity: float) -> tuple[float, float]:
        """Axial, mean over the perimeter and largest, Pa.

        Args:
            mean_speed: U, m/s.
            viscosity: Pa s.
        """
        scale = viscosity * mean_speed / (self.half_height * UNIT)
        return self.wall_shear_mean * scale, self.wall_shear_max * scale

    def at(self, points: Array) -> tuple[Array, Array]:
        """Velocity, shape (n, 3), and gradient of the axial velocity (over U / X), shape (n, 2); nan outside the section.

        Args:
            points: x, y in half-heights, shape (n, 2); those below the mirror plane of a half are answered by their images.
        """
        field = self.field
        if field is None:
            raise ValueError("the field of this flow was not kept")
        points = np.asarray(points, dtype=float)
        below = (points[:, 1] < 0) & ("symmetry" in field.mesh.regions)
        sign = np.where(below, -1.0, 1.0)
        mirrored = np.column_stack([points[:, 0], sign * points[:, 1]]) * self.half_height
        values, slopes = field.at_with_gradient(mirrored)
        velocity, slope = values[:, :3].copy(), slopes[:, 2] * self.half_height
        velocity[:, 1] *= sign
        return velocity, np.column_stack([slope[:, 0], sign * slope[:, 1]])


def refuse(curvature: float, half_width: float, dean_k: float | None, dean: float | None) -> None:
    """Refuse what cannot be answered.

    Args:
        curvature: eps.
        half_width: Of the section, half-heights.
        dean_k: K, or
        dean: the Dean number.

    Raises:
        DesignError: A number is missing or outside what can be answered.
    """
    if (dean_k is None) == (dean is None):
        raise DesignError("one of dean_k and dean must be given, not both")
    for name, value in (("curvature eps", curvature), ("dean_k", dean_k), ("dean", dean)):
        if value is not None and not 0 <= value < math.inf:
            raise DesignError(f"{name} = {value:g} must be at least 0 and finite")
    most = _SHARPEST / half_width
    if curvature > most:
        raise DesignError(
            f"curvature eps = {curvature:g} must be at most {most:.3g}, where the inner wall comes to {1 - _SHARPEST:.0%} of the "
            "radius of the bend"
        )
    if dean is not None:
        refuse_fast(dean, None)


def refuse_fast(dean: float, dean_k: float | None) -> None:
    """Refuse a Dean number beyond one steady pair of vortices; one met on the way to ``dean_k``, where that was asked for.

    Raises:
        DesignError: It is beyond.
    """
    if dean <= MOST_DEAN:
        return
    what = f"dean = {dean:.4g}" if dean_k is None else f"dean_k = {dean_k:.4g} (dean = {dean:.3g} on the way)"
    raise DesignError(f"{what} must be at most {MOST_DEAN:g} in the Dean number: {UNSTEADY}")


def highest(field: Field, component: int) -> tuple[float, NDArray[np.float64]]:
    """The largest value of a component of the velocity in a plane mesh, and where (um): of the elements, not of the nodes.

    In each cell a component is a quadratic of the reference coordinates, so its stationary points inside and on the sides are
    known.
    """
    values = field.velocity[field.mesh.cells, component]
    corner, slope, curve = _quadratics(values)
    best, place = -math.inf, np.zeros(2)
    for candidates in (_stationary(slope, curve), *_on_sides(slope, curve)):
        usable = (candidates.min(axis=1) >= -1e-12) & (candidates.sum(axis=1) <= 1 + 1e-12)
        at = np.where(usable[:, None], candidates, 0.0)
        reached = corner + np.einsum("ni,ni->n", slope, at) + np.einsum("ni,nij,nj->n", at, curve, at) / 2
        cell = int(np.argmax(reached))
        if reached[cell] > best:
            nodes = field.mesh.points[field.mesh.cells[cell], :2]
            best, place = float(reached[cell]), shape_functions(at[cell : cell + 1])[0][0] @ nodes
    return best, place


def _quadratics(values: Array) -> tuple[Array, Array, Array]:
    """Value at the first corner, slope there (n, 2) and second derivatives (n, 2, 2) in the reference coordinates."""
    a, b, c, ab, bc, ca = values.T
    slope = np.column_stack([4 * ab - 3 * a - b, 4 * ca - 3 * a - c])
    xx, yy, xy = 4 * (a + b - 2 * ab), 4 * (a + c - 2 * ca), 4 * (a + bc - ab - ca)
    return a, slope, np.stack([np.column_stack([xx, xy]), np.column_stack([xy, yy])], axis=1)


def _stationary(slope: Array, curve: Array) -> Array:
    """Where a quadratic of two coordinates is stationary, shape (n, 2); outside the cell where it is nowhere."""
    determinant = curve[:, 0, 0] * curve[:, 1, 1] - curve[:, 0, 1] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (curve[:, 0, 1] * slope[:, 1] - curve[:, 1, 1] * slope[:, 0]) / determinant
        y = (curve[:, 0, 1] * slope[:, 0] - curve[:, 0, 0] * slope[:, 1]) / determinant
    return _outside_if_nowhere(np.column_stack([x, y]))


def _on_sides(slope: Array, curve: Array) -> list[Array]:
    """The corners, and where a quadratic is stationary on each side of the reference triangle; shapes (n, 2)."""
    corners = [np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    out: list[Any] = [np.broadcast_to(c, slope.shape) for c in corners]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        along = corners[j] - corners[i]
        first = slope @ along + np.einsum("i,nij,j->n", corners[i], curve, along)
        with np.errstate(divide="ignore", invalid="ignore"):
            where = -first / np.einsum("i,nij,j->n", along, curve, along)
        out.append(corners[i] + _outside_if_nowhere(where)[:, None] * along)
    return out


def _outside_if_nowhere(where: Array) -> Array:
    return np.where(np.isfinite(where), where, -1.0)
