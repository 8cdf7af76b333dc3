"""The tables of lift that come with chipsim beside solves at places, of sizes and in bends of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chipsim.flow.lift import solve_position, tabulated
from chipsim.flow.lift_point import LiftPoint
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import LiftTable, SizeTable, table_for
from chipsim.flow.weak_flow import weak_flow
from chipsim.verification.check import Check, small

#: The sections of the published spirals.
RECTANGLE, TRAPEZOID = Shape(3.125), Shape(40 / 7, 5 / 21)
#: Curvatures at which tables are looked at, over that of their bent places.
BENDS = (0.0, 0.6, 1.2)

_SOLVED = "chipsim's solve at the place"
_LEVEL = "chipsim's solve in the trapezoid with both slanted walls alike"
# Places in the level trapezoid, parts of the way across and from mid-height, and sizes.
_PLACES = (
    (0.1, 0.5, 0.1),
    (0.3, -0.6, 0.1),
    (0.5, 0.4, 0.2),
    (0.7, -0.3, 0.2),
    (0.9, 0.7, 0.1),
    (0.97, -0.5, 0.3),
)


def rectangle() -> Iterator[Check]:
    """The table of the section of Hou et al. 2013."""
    table = table_for(RECTANGLE.aspect)
    yield from against_solves(table, 20, BENDS)


def trapezoid() -> Iterator[Check]:
    """The table of the section of Warkiani et al. 2014, and how it stands for a section with a level floor."""
    table = table_for(TRAPEZOID.aspect, TRAPEZOID.taper)
    yield from against_solves(table, 20, BENDS)
    yield from level_floor(table)


def against_solves(table: LiftTable, count: int, bends: tuple[float, ...], seed: int = 5) -> Iterator[Check]:
    """A table beside solves at random places, every other one half-way from its like to a wall, for random sizes in turn bent.

    Args:
        table: The table.
        count: Places.
        bends: Curvatures over that of its bent places.
        seed: Of the places and sizes.
    """
    rng, shape = np.random.default_rng(seed), table.shape
    least, largest = (math.log(size.alpha) for size in (table.sizes[0], table.sizes[-1]))
    sizes = np.exp(rng.uniform(least, largest, count))
    parts = rng.uniform((0, -1), 1, (count, 2))
    nearest = np.column_stack([np.round(parts[:, 0]), np.sign(parts[:, 1])])
    parts[::2] = (parts[::2] + nearest[::2]) / 2
    apart = []
    for number, (alpha, part) in enumerate(zip(sizes, parts, strict=True)):
        curvature = table.curvature * bends[number % len(bends)]
        size = table.at(float(alpha), curvature)
        (at,) = shape.scaled(part[None], size.alpha)
        apart.append(_apart(size, (float(at[0]), float(at[1]))))
    name = f"lift table of {shape.name}, {count} random places, sizes and bends"
    for what, worst, limit in zip(
        (
            "drift over its rms",
            "velocity that the bend's flow gives over its rms",
            "drag",
            "speed over the largest",
        ),
        np.max(apart, axis=0),
        (0.02, 0.02, 0.02, 4e-3),
        strict=True,
    ):
        yield small(name, _SOLVED, f"{what}, largest error", float(worst), limit)


def _apart(size: SizeTable, at: tuple[float, float]) -> tuple[float, ...]:
    """Errors of drift, of the velocity at which the secondary flow carries a sphere, of drag and of speed at one place."""
    shape, flow = size.shape, weak_flow(size.shape, size.curvature)
    solved = solved_at(shape, size.alpha, at, size.curvature)
    found = size.sample(np.array([at]))
    drift = np.linalg.norm(found.drift[0] - solved.drift) / rms(size)
    assert solved.slip is not None
    anywhere = shape.scaled(np.random.default_rng(1).uniform((0, -1), 1, (4000, 2)), size.alpha)
    usual = np.sqrt((flow.secondary(*anywhere.T) ** 2).sum(axis=1).mean())
    carried = np.linalg.norm(found.slip[0] - solved.slip) / usual
    drag = np.abs(found.drag[0] / solved.drag - 1).max()
    return float(drift), float(carried), float(drag), abs(float(found.speed[0]) - solved.speed)


def rms(size: SizeTable) -> float:
    """Root mean square of the drift over the places of a table."""
    parts = np.random.default_rng(0).uniform((0, -1), 1, (4000, 2))
    drift = size.sample(size.shape.scaled(parts, size.alpha)).drift
    return float(np.sqrt((drift**2).sum(axis=1).mean()))


def solved_at(
    shape: Shape, alpha: float, at: tuple[float, float], curvature: float, *, level: bool = False
) -> LiftPoint:
    """A solve at one place, with the weak secondary flow."""
    section, secondary = tabulated(shape, curvature, level=level)
    return solve_position(section, alpha, at, secondary=secondary)


def level_floor(table: LiftTable) -> Iterator[Check]:
    """A trapezoid with a level floor beside one whose floor and ceiling slant alike: places sheared, vectors turned."""
    shape, curvature = table.shape, table.curvature
    turn = np.arctan(shape.slope)
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    apart = []
    for *part, alpha in _PLACES:
        x, z = (float(q) for q in shape.scaled(np.array([part]), alpha)[0])
        alike = solved_at(shape, alpha, (x, z), curvature)
        level = solved_at(shape, alpha, (x, z + shape.slope * x), curvature, level=True)
        drift = np.linalg.norm(back @ alike.drift - level.drift) / rms(table.at(alpha, curvature))
        apart.append((float(drift), abs(alike.speed - level.speed)))
    name = f"{shape.name} with a level floor, {len(_PLACES)} places in a bend"
    drift, speed = np.max(apart, axis=0)
    yield small(name, _LEVEL, "drift over its rms, largest difference", float(drift), 0.02)
    # Beside the upright walls, which stand askew on slanted ones, it is of the first order in the slope.
    yield small(name, _LEVEL, "speed over the largest, largest difference", float(speed), 0.01)
