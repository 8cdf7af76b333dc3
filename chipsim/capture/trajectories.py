"""Bodies carried along a bent duct: where in its section they start, how they migrate, and which outlet they leave by.

Places in the section are (x, z) in half-heights, x across from the middle (the inner wall at the low end), z along the height;
the way along the duct counts in half-heights too. Speeds are over the largest one, so that a rate of migration is a slope: how
far across for each length along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# Steps of the Runge-Kutta method on the whole way at least, and how far a step goes at most: over it bodies nearly everywhere
# come nearer to one another or part by a factor of e to this. They stay away from the few places along the walls that change
# more steeply. Ends are off by less than 0.006 half-heights so (measured on both published spirals), less than the lift is known.
_LEAST_STEPS, _LONGEST_STEP, _NEARLY = 100, 2.0, 0.95


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

    @cached_property
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
        return self.interpolated(self.values, places)

    def interpolated(self, values: Array, places: Array, *before: Array) -> Array:
        """Of values (k, ..., nx, nz) on this grid, linear between its points, shape (n, k).

        Args:
            values: Shape (k, nx, nz), or with an axis before the last two for each of ``before``.
            places: Shape (n, 2).
            before: Where along those axes, in their indices, shape (n,).
        """
        from scipy.ndimage import map_coordinates

        *_, nx, nz = values.shape
        where = np.stack([
            *before,
            (places[:, 0] / self.half_width + 1) * (nx - 1) / 2,
            (places[:, 1] / self.half_height + 1) * (nz - 1) / 2,
        ])  # fmt: skip
        return np.stack([map_coordinates(v, where, order=1, mode="nearest") for v in values], axis=1)


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
        rates: Two values each, slopes along x and z, all on one grid; m of them.
        room: Where the middle of a body may be.
    """

    bends: Array
    rates: Sequence[Grid]
    room: Room

    @cached_property
    def _values(self) -> Array:
        """Shape (2, m, nx, nz)."""
        return np.stack([grid.values for grid in self.rates], axis=1)

    def at(self, places: Array, bend: float) -> Array:
        """Slopes at places (n, 2) in a bend, shape (n, 2), linear between the bends known and at most theirs."""
        between = float(np.interp(bend, self.bends, np.arange(len(self.bends))))
        return self.rates[0].interpolated(self._values, places, np.full(len(places), between))

    @cached_property
    def steepness(self) -> float:
        """How fast neighbouring bodies come together or part nearly everywhere: the change of slopes over a half-height."""
        x, z = self.rates[0].axes
        places = np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1).reshape(-1, 2)
        inside = np.all(np.abs(self.room.kept(places) - places) < 1e-9, axis=1).reshape(len(x), len(z))
        if not inside.any():
            return 0.0
        changes = np.sum(
            [np.abs(np.gradient(self._values, side, axis=k)) for k, side in ((2, x), (3, z))], axis=0
        )
        return float(np.quantile(changes[:, :, inside], _NEARLY, axis=2).max())


def carried_along(
    places: Array,
    way: Way,
    length: float,
    bends: Array,
    watch: Callable[[Array], None] | None = None,
    *,
    steps: int | None = None,
) -> Array:
    """Where bodies arrive at the end of a duct, by the classical Runge-Kutta method in the length along it.

    Args:
        places: Where they start, shape (n, 2).
        way: How they migrate.
        length: Of the duct, half-heights.
        bends: Half-height over radius of the bend at evenly spaced places along the duct, from its beginning to its end; linear
            between them.
        watch: Told the places at the beginning and after every step.
        steps: How many; None: as many as the way needs.

    Returns:
        Shape (n, 2).
    """
    if steps is None:
        steps = max(_LEAST_STEPS, math.ceil(length * way.steepness / _LONGEST_STEP))
    step, room = length / steps, way.room
    at = np.interp(np.linspace(0, 1, 2 * steps + 1), np.linspace(0, 1, len(bends)), bends)
    places = room.kept(places)
    if watch:
        watch(places)
    for begin, middle, end in zip(at[:-1:2], at[1::2], at[2::2], strict=True):
        a = way.at(places, begin)
        b = way.at(room.kept(places + step / 2 * a), middle)
        c = way.at(room.kept(places + step / 2 * b), middle)
        d = way.at(room.kept(places + step * c), end)
        places = room.kept(places + step / 6 * (a + 2 * b + 2 * c + d))
        if watch:
            watch(places)
    return places
