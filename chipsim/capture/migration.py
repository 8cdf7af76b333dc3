"""How a sphere migrates in the section of a bent duct: the secondary flow that carries it, and the inertial lift.

Lengths are in half-heights X (of a trapezoid half its mean height), speeds over the straight duct's largest one, so a rate is a
slope. With the sphere's diameter over the height alpha, its place x outward from the centre-line, the bend's curvature eps and
Re_X = rho U_m X / mu::

    d(x, z)/ds = (secondary velocity + slip + Re_X alpha^3 / (24 pi) drift) (1 + eps x) / speed along the duct

``drift``, speed and slip (by how much the secondary flow carries the sphere at another velocity than its own at the sphere's
middle) are those of the lift table (:mod:`chipsim.flow.lift_table`), linear in eps where it has bent places and those of the
straight duct where it has none. The secondary velocity is that solved at the flow rate; the slip is that of a weak flow (K -> 0),
which errs by what K changes of something small. s runs along the centre-line, hence 1 + eps x.

A trapezoid whose floor is level is straightened: z counts from half-way between floor and ceiling, where both slant by half, and
vectors of the table turn by the angle of that line. What that leaves out is of the second order in the angle, and of the first
within a half-height of the upright walls, whose corners it changes (:mod:`chipsim.verification.lift_tables` has direct solves).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.trajectories import Grid
from chipsim.flow.lift_shape import Shape

if TYPE_CHECKING:
    from chipsim.flow.lift_table import LiftSample, SizeTable
    from chipsim.flow.section_result import SectionFlow

#: Points of the grid across one half-height.
FINENESS = 40
# Speed along the duct beside a wall, over the largest, that a body has at least.
_SLOWEST = 1e-3


@dataclass(frozen=True)
class Bend:
    """The flow in the section of a bent duct as bodies meet it.

    Attributes:
        flow: The solved section; of a trapezoid that with a level floor.
        shape: Of the section.
        straight_peak: Largest over mean speed in the straight duct, the scale of the lift.
        reynolds: Re_X = rho U_m X / mu.
    """

    flow: SectionFlow
    shape: Shape
    straight_peak: float
    reynolds: float

    @property
    def _box(self) -> tuple[float, float]:
        """Half the width and half the largest height."""
        return self.shape.aspect, 1 + self.shape.taper

    @cached_property
    def places(self) -> NDArray[Any]:
        """The points of the grid, shape (nx nz, 2), z from half-way between floor and ceiling."""
        sides = [np.linspace(-half, half, 2 * round(half * FINENESS) + 1) for half in self._box]
        return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)

    def _grid(self, values: NDArray[Any]) -> Grid:
        """Of values at the places, shape (k, nx nz)."""
        nx, nz = (2 * round(half * FINENESS) + 1 for half in self._box)
        return Grid(*self._box, values.reshape(-1, nx, nz))

    @cached_property
    def _velocity(self) -> NDArray[Any]:
        """Velocity across, along the straightened height and along the duct at the places, zero outside, shape (3, nx nz)."""
        x, z = self.places.T * (1 - 1e-9)
        velocity, _ = self.flow.at(np.column_stack([x, z + self.shape.slope * x]))
        u, v, w = np.nan_to_num(velocity).T
        return np.stack([u, v - self.shape.slope * u, w])

    @cached_property
    def speed(self) -> Grid:
        """Along the duct, over the mean speed."""
        return self._grid(self._velocity[2:])

    @cached_property
    def shear(self) -> Grid:
        """Gradient of the speed along the duct, its magnitude over U / X."""
        values = self.speed.values[0]
        x, z = self.speed.axes
        across, along = (np.gradient(values, side, axis=axis) for axis, side in enumerate((x, z)))
        return Grid(*self._box, np.hypot(across - self.shape.slope * along, along)[None])

    @property
    def secondary_unit(self) -> float:
        """Of the velocity within the section, over U_m."""
        return self.flow.curvature * self.reynolds / self.straight_peak**2

    def rates(self, found: LiftSample, alpha: float, factor: float = 1.0, *, whole: bool = False) -> Grid:
        """Slopes of the way of a sphere, everywhere on the grid.

        Args:
            found: What a table says of spheres at the places in this bend.
            alpha: Diameter over the height.
            factor: Multiple of the lift.
            whole: As in :class:`chipsim.flow.lift_table.LiftTable`.
        """
        pushed = self._turned(found.drift.T) * factor * self.reynolds * alpha**3 / (24 * np.pi)
        carried = self._turned(found.slip.T) + (0.0 if whole else self._velocity[:2])
        longer = 1 + self.flow.curvature * self.places[:, 0]
        return self._grid(
            (self.secondary_unit * carried + pushed) * longer / np.maximum(found.speed, _SLOWEST)
        )

    def _turned(self, vectors: NDArray[Any]) -> NDArray[Any]:
        """Vectors (2, n) of the trapezoid that slants on both sides in the straightened coordinates of the level one."""
        cosine = 1 / np.sqrt(1 + self.shape.slope**2)
        across, along = vectors
        return np.stack([cosine * (across - self.shape.slope * along), along / cosine])


def rates_in(
    bends: Sequence[Bend], size: SizeTable, alpha: float | None = None, factors: Sequence[float] = (1.0,)
) -> list[list[Grid]]:
    """Slopes of the way of a sphere in each of several bends of one section, for each factor.

    Args:
        bends: The bends.
        size: The table of its size.
        alpha: Its diameter over the height where that is beyond the table; None: the table's.
        factors: Multiples of the lift.
    """
    alpha = size.alpha if alpha is None else alpha
    samples = size.samples(bends[0].places, [bend.flow.curvature for bend in bends])
    return [
        [
            bend.rates(found, alpha, factor, whole=size.whole)
            for bend, found in zip(bends, samples, strict=True)
        ]
        for factor in factors
    ]
