"""The spiral of Archimedes: radius linear in the angle, arc length in closed form.

With r = b u (b the rise of the radius per radian, u the angle from where the radius would be zero)::

    s(u) = b/2 (u sqrt(1 + u^2) + asinh u)        arc length from the pole
    tan(psi) = b / r                              angle between the curve and a circle about the pole

The pole is the origin; the inner end lies on the x axis, and the curve winds counter-clockwise on its way out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Below this rise over the radius, b^2 / r^2 is lost in rounding and the closed form cancels: a circle is as exact.
_FLAT = 1e-6
_NEWTON = 50
_ZOOMS = 6


@dataclass(frozen=True)
class Archimedean:
    """A piece of a spiral from its inner to its outer end; any unit of length.

    Attributes:
        inner: Radius at the inner end.
        outer: Radius at the outer end, not below the inner one.
        angle: Between the two ends, rad, above 0.
    """

    inner: float
    outer: float
    angle: float

    @property
    def rise(self) -> float:
        """Of the radius per radian."""
        return (self.outer - self.inner) / self.angle

    @property
    def _flat(self) -> bool:
        return self.rise < _FLAT * self.outer

    @property
    def length(self) -> float:
        """Arc length."""
        return float(self.length_to(self.angle))

    def length_to(self, angle: ArrayLike) -> NDArray[np.float64]:
        """Arc length from the inner end to the points at ``angle`` (rad) from it."""
        angle = np.asarray(angle, dtype=float)
        if self._flat:
            return angle * (self.inner + self.rise * angle / 2)
        start = self.inner / self.rise
        return self.rise * (_from_pole(start + angle) - _from_pole(np.asarray(start)))

    def angle_at(self, length: ArrayLike) -> NDArray[np.float64]:
        """Angle (rad) from the inner end at an arc length from it: Newton's method, the function being convex."""
        length = np.asarray(length, dtype=float)
        angle = length / self.length * self.angle
        for _ in range(_NEWTON):
            step = (self.length_to(angle) - length) / np.hypot(self.radius(angle), self.rise)
            angle = angle - step
            if np.all(np.abs(step) <= 1e-14 * self.angle):
                break
        return angle

    def radius(self, angle: ArrayLike) -> NDArray[np.float64]:
        """Distance from the pole at an angle (rad) from the inner end."""
        return self.inner + self.rise * np.asarray(angle, dtype=float)

    def points(self, angle: ArrayLike, aside: float = 0.0) -> NDArray[np.float64]:
        """Points of the curve, or of the curve at a distance ``aside`` (positive outward), shape (..., 2)."""
        heading = self.heading(angle)
        r = self.radius(angle)
        angle = np.asarray(angle, dtype=float)
        x, y = r * np.cos(angle), r * np.sin(angle)
        return np.stack([x + aside * np.sin(heading), y - aside * np.cos(heading)], axis=-1)

    def heading(self, angle: ArrayLike) -> NDArray[np.float64]:
        """Direction of the tangent on the way out, rad from the x axis, growing with the angle."""
        angle = np.asarray(angle, dtype=float)
        return angle + np.pi / 2 - np.arctan(self.rise / self.radius(angle))

    def curvature(self, angle: ArrayLike) -> NDArray[np.float64]:
        """Of the curve at an angle (rad) from the inner end, per unit of length."""
        r, b = self.radius(angle), self.rise
        return (r * r + 2 * b * b) / (r * r + b * b) ** 1.5

    def nearest_winding(self) -> float:
        """Smallest distance between neighbouring windings; infinite where the curve does not come round to itself.

        It is that from the inner end to the winding around it: further out neighbours are nearly a pitch apart.
        """
        low, high = 1.5 * math.pi, min(self.angle, 2.5 * math.pi)
        if self.angle <= low:
            return math.inf
        start, least = self.points(0.0), math.inf
        for _ in range(_ZOOMS):
            angles = np.linspace(low, high, 65)
            distances = np.hypot(*(self.points(angles) - start).T)
            at, least = int(np.argmin(distances)), float(distances.min())
            low, high = angles[max(at - 1, 0)], angles[min(at + 1, 64)]
        return least


def angle_of_length(inner: float, outer: float, length: float) -> float:
    """The angle (rad) between two radii after which a spiral has a length; nan where there is none."""
    from scipy.optimize import brentq

    # The length grows with the angle from the straight way out, |outer - inner|, to no end.
    if length <= outer - inner:
        return math.nan
    top = (
        2.000001 * length / (inner + outer)
    )  # of a circle of the mean radius, which is the shortest for its angle
    return float(
        brentq(lambda angle: Archimedean(inner, outer, angle).length - length, 1e-9 * top, top, xtol=1e-14)
    )


def outer_of_length(inner: float, angle: float, length: float) -> float:
    """The outer radius with which a spiral of an angle (rad) has a length; nan where even a circle is longer."""
    from scipy.optimize import brentq

    if length < inner * angle:
        return math.nan
    top = inner + length  # straight away from the pole
    return float(
        brentq(lambda outer: Archimedean(inner, outer, angle).length - length, inner, top, xtol=1e-18)
    )


def _from_pole(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return (u * np.sqrt(1 + u * u) + np.arcsinh(u)) / 2
