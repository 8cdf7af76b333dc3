"""Sections that tables of lift are made for, and the places in them at which it is solved (plain numpy).

Lengths are in half-heights of the section, of a trapezoid half its mean height; ``alpha`` is a sphere's diameter over the (mean)
height. A trapezoid is drawn with both of its slanted walls alike, so that mid-height is a mirror plane::

                      ______---- |
    narrow (inner)   |           |   wide (outer)     x = 0 half-way between the upright walls,
                     |______     |                    half the height there is 1, at x it is 1 + taper x / aspect
                            ---- |

Toward a wall drag and lift grow as the gap closes, so places lie evenly in w = 2 artanh(q / (M - (1 - c) alpha)): in the
logarithm of the gap, with q the distance from the middle and M that of the wall. Across, w itself is the coordinate; along the
height it is the part t of the way in w to the last place, which where the ceiling slants depends on x.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometries.quantities import DesignError

Array = NDArray[Any]

#: Gap to the wall at a table's last places, over the radius.
GAP = 0.1
#: Largest distance of places in w, across and along the height.
STEP = 0.6

# Length over the radius that keeps w finite where the gap closes.
_SOFT = 0.4
# How far from mid-height the last place is at least, where a trapezoid becomes too low for a sphere.
_LEAST_ROOM = 0.05
# Least intervals along half the height, and across half the width (these and so many for each half-height): large spheres have
# little room, but the flow changes as much over the section as for small ones. Published tables of ducts 2 and 4 times as wide as
# high, resampled so, are met within 0.9 % of the drift's root mean square; so is what bends of 80 half-heights change there, from
# every second node.
_LEAST_ALONG, _LEAST_ACROSS, _MORE_ACROSS = 8, 6, 0.7


@dataclass(frozen=True)
class Shape:
    """A rectangle or a trapezoid.

    Attributes:
        aspect: Width over (mean) height.
        taper: Of the heights of its upright walls, the outer less the inner over their sum; 0 of a rectangle.
    """

    aspect: float
    taper: float = 0.0

    def __post_init__(self) -> None:
        if not (self.aspect > 0 and -1 < self.taper < 1):
            raise DesignError(
                f"aspect = {self.aspect:g} must be above 0, taper = {self.taper:g} between -1 and 1"
            )

    @property
    def name(self) -> str:
        """As its table's file is called."""
        if self.taper:
            return f"trapezoid_{self.aspect:.4g}_{self.taper:.3g}"
        return f"rectangle_{self.aspect:.4g}"

    @property
    def slope(self) -> float:
        """Of the slanted walls."""
        return self.taper / self.aspect

    def half_height(self, x: Array | float) -> Array:
        """Of the section at x."""
        return np.asarray(1 + self.slope * np.asarray(x, dtype=float))

    # -- where spheres have room -------------------------------------------------------------------------------------------
    def across(self, alpha: float) -> tuple[float, float]:
        """The first and the last place across.

        Raises:
            DesignError: No sphere of that size fits.
        """
        last = self.aspect - (1 + GAP) * alpha
        first = -last
        if self.taper:
            low = (_LEAST_ROOM + (1 + GAP) * self._beside(alpha) - 1) / self.slope
            first, last = (max(first, low), last) if self.taper > 0 else (first, min(last, low))
        if not (0 < alpha and first < last and self.along(first, alpha) > 0):
            most = min(self.aspect, 1 + abs(self.taper)) / (1 + GAP)
            raise DesignError(
                f"a sphere of alpha = {alpha:g} has no place in the duct: its diameter over the height must be above 0 and below "
                f"{most:.3g}"
            )
        return first, last

    def along(self, x: Array | float, alpha: float) -> Array:
        """The last place along the height at x."""
        return self.half_height(x) - (1 + GAP) * self._beside(alpha)

    def clipped(self, at: Array, alpha: float) -> Array:
        """Places, shape (n, 2), those nearer to a wall than the last ones moved there."""
        x = np.clip(at[:, 0], *self.across(alpha))
        last = self.along(x, alpha)
        return np.column_stack([x, np.clip(at[:, 1], -last, last)])

    def scaled(self, parts: Array, alpha: float) -> Array:
        """Places, shape (n, 2), from parts of the way: 0 to 1 from the first to the last across, -1 to 1 along the height."""
        first, last = self.across(alpha)
        x = first + parts[:, 0] * (last - first)
        return np.column_stack([x, parts[:, 1] * self.along(x, alpha)])

    def parts(self, at: Array, alpha: float) -> Array:
        """Parts of the way, shape (n, 2), of places; see :meth:`scaled`."""
        first, last = self.across(alpha)
        return np.column_stack([(at[:, 0] - first) / (last - first), at[:, 1] / self.along(at[:, 0], alpha)])

    def _beside(self, alpha: float) -> float:
        """Distance along the height of a sphere's middle from the slanted wall that it touches."""
        return alpha * math.sqrt(1 + self.slope**2)

    # -- coordinates that are even in the logarithm of the gap -------------------------------------------------------------
    def coordinates(self, at: Array, alpha: float) -> Array:
        """The coordinates w across and t along the height of places, shapes (n, 2)."""
        w = _even(at[:, 0], self.aspect, alpha)
        return np.column_stack([w, self._height(at[:, 0], at[:, 1], alpha) / self._highest(at[:, 0], alpha)])

    def places(self, coordinates: Array, alpha: float) -> Array:
        """Places, shape (n, 2), of coordinates."""
        x = np.tanh(coordinates[:, 0] / 2) * (self.aspect - (1 - _SOFT) * alpha)
        reach = self.half_height(x) - (1 - _SOFT) * self._beside(alpha)
        return np.column_stack([x, np.tanh(coordinates[:, 1] * self._highest(x, alpha) / 2) * reach])

    def _height(self, x: Array, z: Array, alpha: float) -> Array:
        return _even(z, self.half_height(x), self._beside(alpha))

    def _highest(self, x: Array, alpha: float) -> Array:
        return self._height(x, self.along(x, alpha), alpha)

    # -- nodes -------------------------------------------------------------------------------------------------------------
    def nodes(self, alpha: float, step: float = STEP, denser: int = 1) -> tuple[Array, Array]:
        """The coordinates of a table's places, w and t; of a rectangle those from its middle, whose other half is their image.

        The numbers of intervals are even, so that every second node is a coarser table's.

        Args:
            alpha: Diameter over the height.
            step: Largest distance in w.
            denser: How many times more there are.
        """
        first, last = (float(_even(x, self.aspect, alpha)) for x in self.across(alpha))
        high = float(self._highest(np.zeros(1), alpha)[0]) if self.along(0.0, alpha) > 0 else 0.0
        along = _even_number(max(high / step, _LEAST_ALONG))
        half = max((last - first) / 2 / step, _LEAST_ACROSS + _MORE_ACROSS * self.aspect)
        if self.taper:
            return np.linspace(first, last, 2 * denser * math.ceil(half) + 1), np.linspace(
                0, 1, denser * along + 1
            )
        return np.linspace(0, last, denser * _even_number(half) + 1), np.linspace(0, 1, denser * along + 1)

    def grid(self, alpha: float, step: float = STEP, *, every: int = 1) -> list[tuple[float, float]]:
        """Places of a table for one size, row by row across, or of every second node in both directions.

        Raises:
            DesignError: No sphere of that size fits.
        """
        w, t = (side[::every] for side in self.nodes(alpha, step))
        found = self.places(np.array(list(itertools.product(w, t))), alpha)
        return [(float(x), float(z)) for x, z in found]


def _even(places: Array | float, reach: Array | float, alpha: float) -> Array:
    """W of places."""
    return np.asarray(2 * np.arctanh(np.asarray(places) / (np.asarray(reach) - (1 - _SOFT) * alpha)))


def _even_number(least: float) -> int:
    return 2 * math.ceil(least / 2)
