"""Copies of one shape on regular lattices, as array references of masks want them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from geometries.outline import Loop, Point


@dataclass(frozen=True)
class Lattice:
    """Places along x and y, um.

    Attributes:
        origin: First place.
        counts: Columns along x, rows along y.
        steps: Distance of columns and of rows; 0 where there is one.
    """

    origin: Point
    counts: tuple[int, int] = (1, 1)
    steps: Point = (0.0, 0.0)

    @property
    def count(self) -> int:
        """How many places there are."""
        return self.counts[0] * self.counts[1]

    def places(self) -> list[Point]:
        """All of them, row by row."""
        (x, y), (columns, rows), (along, across) = self.origin, self.counts, self.steps
        return [(x + i * along, y + j * across) for j in range(rows) for i in range(columns)]


@dataclass(frozen=True)
class Copies:
    """One shape, drawn about the origin, wherever its lattices say."""

    shape: Loop
    lattices: tuple[Lattice, ...]

    @property
    def name(self) -> str:
        """What they are: the name of the shape's segments."""
        return self.shape.segments[0].name

    @property
    def count(self) -> int:
        """How many copies there are."""
        return sum(lattice.count for lattice in self.lattices)


def lattices(places: Iterable[Point]) -> tuple[Lattice, ...]:
    """Places as regular lattices; an odd one is a lattice of one."""
    columns: dict[float, list[float]] = defaultdict(list)
    for x, y in map(rounded, places):
        columns[x].append(y)
    alike: dict[tuple[float, int, float], list[float]] = defaultdict(list)
    for x, ys in columns.items():
        for y, count, step in _progressions(sorted(ys)):
            alike[(y, count, step)].append(x)
    return tuple(
        Lattice((x, y), (along, count), (step_x, step_y))
        for (y, count, step_y), xs in alike.items()
        for x, along, step_x in _progressions(sorted(xs))
    )


def rounded(point: Point, origin: Point = (0.0, 0.0)) -> Point:
    """A point seen from an origin, so that equal ones are equal numbers."""
    return (round(point[0] - origin[0], 5), round(point[1] - origin[1], 5))


def _progressions(values: list[float]) -> list[tuple[float, int, float]]:
    """(first, count, step): one arithmetic progression where the sorted values are one, else each on its own."""
    if len(values) > 1:
        step = (values[-1] - values[0]) / (len(values) - 1)
        if np.allclose(values, values[0] + step * np.arange(len(values)), rtol=0, atol=5e-5):
            return [(values[0], len(values), step)]
    return [(value, 1, 0.0) for value in values]
