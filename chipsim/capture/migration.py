"""How a sphere migrates in the section of a bent duct: the secondary flow that carries it, and the inertial lift.

The lift is that of the straight duct, the drag of the secondary flow is added to it (to leading order in the curvature; where
that is known to err by more than a few hundredths of the height, :mod:`chipsim.capture.spiral` says so). Lengths are in
half-heights X, speeds over the straight duct's largest one, so a rate is a slope. With the sphere's diameter over the height
alpha, and Re_X = rho U_m X / mu::

    d(x, z)/ds = (secondary velocity + (alpha^2 / 6) its Laplacian + Re_X alpha^3 / (24 pi) drift) / speed along the duct

``drift`` and the speed are those of the lift table (:mod:`chipsim.flow.lift_table`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.trajectories import Grid

if TYPE_CHECKING:
    from chipsim.flow.lift_table import SizeTable
    from chipsim.flow.section_result import SectionFlow

#: Points of the grid across one half-height.
FINENESS = 40


@dataclass(frozen=True)
class Bend:
    """The flow in the section of a bent duct as bodies meet it.

    Attributes:
        flow: The solved section.
        half_width: Over the half-height.
        straight_peak: Largest over mean speed in the straight duct, the scale of the lift.
        reynolds: Re_X = rho U_m X / mu.
    """

    flow: SectionFlow
    half_width: float
    straight_peak: float
    reynolds: float

    @cached_property
    def _samples(self) -> NDArray[Any]:
        """Velocity u, v, w at the points of the grid, zero outside the section, shape (3, nx, nz)."""
        nx, nz = round(2 * self.half_width * FINENESS) + 1, 2 * FINENESS + 1
        x, z = np.linspace(-self.half_width, self.half_width, nx), np.linspace(-1.0, 1.0, nz)
        points = np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1).reshape(-1, 2)
        velocity, _ = self.flow.at(points * (1 - 1e-9))
        return np.nan_to_num(velocity).T.reshape(3, nx, nz)

    @cached_property
    def speed(self) -> Grid:
        """Along the duct, over the mean speed."""
        return Grid(self.half_width, 1.0, self._samples[2:])

    @cached_property
    def shear(self) -> Grid:
        """Gradient of the speed along the duct, its magnitude over U / X."""
        step = 1 / FINENESS
        slopes = [np.gradient(self._samples[2], step, axis=axis) for axis in (0, 1)]
        return Grid(self.half_width, 1.0, np.hypot(*slopes)[None])

    @cached_property
    def secondary(self) -> NDArray[Any]:
        """Velocity within the section over U_m, shape (2, nx, nz)."""
        mean_reynolds = self.reynolds / self.straight_peak
        unit = self.flow.curvature * mean_reynolds / self.straight_peak
        return np.asarray(unit * self._samples[:2])

    @cached_property
    def _laplacian(self) -> NDArray[Any]:
        step = 1 / FINENESS
        out = np.zeros_like(self.secondary)
        for c, u in enumerate(self.secondary):
            for axis in (0, 1):
                out[c] += np.gradient(np.gradient(u, step, axis=axis), step, axis=axis)
        return out

    def drift(self, size: SizeTable) -> NDArray[Any]:
        """Lift over drag, and the speed along the duct, of a sphere of one size on the grid; the same in every bend.

        Returns:
            Shape (3, nx, nz).
        """
        x, z = self.speed.axes
        points = np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1).reshape(-1, 2)
        found = size.sample(points)
        values = np.column_stack([found.drift, np.maximum(found.speed, 1e-3)])
        return np.asarray(values.T.reshape(3, len(x), len(z)))

    def rates(self, lift: NDArray[Any], factor: float, alpha: float) -> Grid:
        """Slopes of the way of a sphere, everywhere on the grid.

        Args:
            lift: Of its size, from :meth:`drift`.
            factor: Multiple of the lift.
            alpha: Its diameter over the height.
        """
        pushed = lift[:2] * factor * self.reynolds * alpha**3 / (24 * np.pi)
        carried = self.secondary + alpha**2 / 6 * self._laplacian
        return Grid(self.half_width, 1.0, (carried + pushed) / lift[2])
