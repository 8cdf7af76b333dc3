"""Bodies carried along a bent duct: where in its section they start, how they migrate, and which outlet they leave by.

Places in the section are (x, z) in half-heights, x across from the middle (the inner wall at the low end), z along the height;
the way along the duct counts in half-heights too. Speeds are over the largest one, so that a rate of migration is a slope: how
far across for each length along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

#: Steps of the Runge-Kutta method for a body that makes a turn of the section on its way (measured in the tests: far more exact
#: than the table of lift).
STEPS = 400
# A step over that way at most (the method is stable up to 2.8), and how many steps there are at most: it is beside walls, where
# bodies hardly get along and are held anyway, that it would take more. In 80 cm of the section of Warkiani et al. 1500 and 8000
# steps end within 0.1 um of each other for all sizes, 800 do so within 3 um.
_LONGEST, _MOST_STEPS = 1.5, 2000


@dataclass(frozen=True)
class Room:
    """Where the middle of a body may be: inside a rectangle or a trapezoid, its radius off every wall.

    Attributes:
        half_width: Of the section.
        inner: Half the height at the inner wall.
        outer: Half the height at the outer wall.
        radius: Of the body.
    """

    half_width: float
    inner: float
    outer: float
    radius: float = 0.0

    def half_height(self, x: Array) -> Array:
        """Half the height of the section at x, less what a body beside the slanted wall needs."""
        slope = (self.outer - self.inner) / (2 * self.half_width)
        middle = (self.inner + self.outer) / 2
        return middle + slope * x - self.radius * np.sqrt(1 + slope**2)

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last x; the last is below the first where the body fits nowhere."""
        reach = self.half_width - self.radius
        inner, outer = (float(high) for high in self.half_height(np.array([-reach, reach])))
        if inner < 0 and outer < 0:
            return 0.0, -1.0
        if inner >= 0 and outer >= 0:
            return -reach, reach
        # A slanted wall holds it before the upright one does.
        touching = -reach - 2 * reach * inner / (outer - inner)
        return (touching, reach) if inner < 0 else (-reach, touching)

    @property
    def fits(self) -> bool:
        """Whether the body fits anywhere."""
        first, last = self.ends
        return last >= first

    def kept(self, places: Array) -> Array:
        """Places (n, 2) moved inside, shape (n, 2): a wall holds what would go through it."""
        x = np.clip(places[:, 0], *self.ends)
        high = np.maximum(self.half_height(x), 0.0)
        return np.column_stack([x, np.clip(places[:, 1], -high, high)])


@dataclass(frozen=True)
class Grid:
    """Values on a regular grid over the box around a section, linear between.

    Attributes:
        half_width: The box reaches from minus to plus this along x.
        half_height: The same along z.
        values: Shape (k, nx, nz).
    """

    half_width: float
    half_height: float
    values: Array

    @property
    def axes(self) -> tuple[Array, Array]:
        """Places of the grid along x and z, shapes (nx,) and (nz,)."""
        _, nx, nz = self.values.shape
        return (
            np.linspace(-self.half_width, self.half_width, nx),
            np.linspace(-self.half_height, self.half_height, nz),
        )

    def at(self, places: Array) -> Array:
        """Values at places (n, 2), shape (n, k); beyond the box those of its border."""
        from scipy.ndimage import map_coordinates

        _, nx, nz = self.values.shape
        where = np.stack([
            (places[:, 0] / self.half_width + 1) * (nx - 1) / 2,
            (places[:, 1] / self.half_height + 1) * (nz - 1) / 2,
        ])  # fmt: skip
        return np.stack([map_coordinates(v, where, order=1, mode="nearest") for v in self.values], axis=1)

    def between(self, other: Grid, part: float) -> Grid:
        """The grid that lies ``part`` of the way from this one to another."""
        return Grid(self.half_width, self.half_height, (1 - part) * self.values + part * other.values)


def dividing_line(speed: Grid, share: float) -> float:
    """The x below which (toward the inner wall) that share of the flow runs.

    Args:
        speed: One value: the speed along the duct, zero outside the section.
        share: 0 to 1.
    """
    x, z = speed.axes
    through = _running_integral(np.trapezoid(speed.values[0], z, axis=1), x)
    return float(np.interp(share * through[-1], through, x))


def starts(speed: Grid, room: Room, beyond: float, count: int, seed: int, *, outer: bool = True) -> Array:
    """Where bodies enter, as often as the flow carries them there: quasi-random places, shape (count, 2).

    Args:
        speed: One value: the speed along the duct, zero outside the section.
        room: Where the middle of a body may be.
        beyond: They come in at x above this (below it, unless ``outer``); bodies wider than what is left there enter along the
            wall.
        count: A power of 2.
        seed: Same seed, same places.
        outer: Whether they come in at the outer wall, or at the inner one.
    """
    from scipy.stats import qmc

    x, _ = speed.axes
    first, last = room.ends
    low = min(max(beyond, first), last)
    across = np.linspace(*((low, last) if outer else (first, low)), 4 * len(x))
    level = np.linspace(-1, 1, 4 * speed.values.shape[2])
    high = np.maximum(room.half_height(across), 0.0)
    places = np.stack(np.broadcast_arrays(across[:, None], level * high[:, None]), axis=-1)
    carried = speed.at(places.reshape(-1, 2)).reshape(places.shape[:2])
    columns = _running_integral(np.trapezoid(carried, level, axis=1) * high, across)
    share_x, share_z = qmc.Sobol(2, seed=seed).random(count).T
    where = np.interp(share_x * columns[-1], columns, across) if columns[-1] > 0 else np.full(count, low)
    # At which height the column's flow below reaches that share of it.
    column = np.clip(np.searchsorted(across, where), 0, len(across) - 1)
    below = _running_integral(carried, level)
    below /= np.maximum(below[:, -1:], np.finfo(float).tiny)
    below[below[:, -1] == 0] = (level + 1) / 2  # nothing flows where a body has no room
    height = _where_reached(below, level, column, share_z)
    return np.column_stack([where, height * np.maximum(room.half_height(where), 0.0)])


def _where_reached(rising: Array, at: Array, row: NDArray[np.intp], value: Array) -> Array:
    """Where the rows of a table, each rising from 0 to 1, reach values, shape (n,), linear between.

    Args:
        rising: Shape (rows, m).
        at: Places of its columns, shape (m,).
        row: Row of each value, shape (n,).
        value: 0 to 1, shape (n,).
    """
    size = rising.shape[1]
    # One table that rises from row to row: a single search for all.
    k = np.searchsorted((rising + np.arange(len(rising))[:, None]).ravel(), value + row) - row * size
    k = np.clip(k, 1, size - 1)
    low, high = rising[row, k - 1], rising[row, k]
    part = (value - low) / np.where(high > low, high - low, 1.0)
    return np.asarray(at[k - 1] + np.clip(part, 0.0, 1.0) * (at[k] - at[k - 1]))


def _running_integral(values: Array, at: Array) -> Array:
    """Of values (..., m) from the first place to each, by trapezoids, shape (..., m)."""
    parts = np.diff(at) * (values[..., 1:] + values[..., :-1]) / 2
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(parts, axis=-1)], axis=-1)


@dataclass(frozen=True)
class Way:
    """How bodies of one kind migrate on the way along a duct whose bend changes.

    Attributes:
        bends: Half-height over radius of the bend at which the rates are known, rising, shape (m,).
        rates: Two values each, slopes along x and z; m of them.
        room: Where the middle of a body may be.
    """

    bends: Array
    rates: Sequence[Grid]
    room: Room

    def at(self, bend: float) -> Grid:
        """The rates at a bend, linear between those known and at most those."""
        if len(self.rates) == 1:
            return self.rates[0]
        k = int(np.clip(np.searchsorted(self.bends, bend) - 1, 0, len(self.bends) - 2))
        part = (bend - self.bends[k]) / (self.bends[k + 1] - self.bends[k])
        return self.rates[k].between(self.rates[k + 1], float(np.clip(part, 0.0, 1.0)))


def steps_needed(way: Way, length: float, least: int = STEPS) -> int:
    """Steps that are short beside the way on which a body comes back to where it is pushed: large ones in a long duct need more.

    Args:
        way: How bodies migrate.
        length: Of the duct, half-heights.
        least: Steps at least.
    """
    steepest = 0.0
    for grid in way.rates:
        x, z = grid.axes
        inside = np.abs(z) <= np.maximum(way.room.half_height(x), 0.0)[:, None]
        inside &= ((x >= way.room.ends[0]) & (x <= way.room.ends[1]))[:, None]
        for axis, side in enumerate((x, z)):
            slopes = np.abs(np.diff(grid.values, axis=axis + 1)).max(axis=0) / (side[1] - side[0])
            both = inside[1:] & inside[:-1] if axis == 0 else inside[:, 1:] & inside[:, :-1]
            steepest = max(steepest, float(slopes[both].max(initial=0.0)))
    return max(least, min(math.ceil(steepest * length / _LONGEST), _MOST_STEPS))


def carried_along(
    places: Array, way: Way, length: float, bends: Array, watch: Callable[[Array, float], None] | None = None
) -> Array:
    """Where bodies arrive at the end of a duct, by the classical Runge-Kutta method in the length along it.

    Args:
        places: Where they start, shape (n, 2).
        way: How they migrate.
        length: Of the duct, half-heights.
        bends: Half-height over radius of the bend at the beginning, middle and end of every step, shape (2 steps + 1,).
        watch: Told places and bend at the beginning and after every step.

    Returns:
        Shape (n, 2).
    """
    steps = (len(bends) - 1) // 2
    step, room = length / steps, way.room
    places = room.kept(places)
    begin = way.at(float(bends[0]))
    if watch:
        watch(places, float(bends[0]))
    for n in range(steps):
        middle, end = way.at(float(bends[2 * n + 1])), way.at(float(bends[2 * n + 2]))
        a = begin.at(places)
        b = middle.at(room.kept(places + step / 2 * a))
        c = middle.at(room.kept(places + step / 2 * b))
        d = end.at(room.kept(places + step * c))
        places = room.kept(places + step / 6 * (a + 2 * b + 2 * c + d))
        begin = end
        if watch:
            watch(places, float(bends[2 * n + 2]))
    return places
