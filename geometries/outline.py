"""Outlines: the one drawing of a device from which mesh, solid, mask and picture are made.

A drawing is in micrometres: gmsh, the mask formats and shapely all want numbers near one. It is made of lines, arcs
and splines; polygons are derived from it at a stated chord tolerance, never the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from shapely import MultiPolygon, Polygon, unary_union
from shapely.geometry.base import BaseGeometry

Point: TypeAlias = tuple[float, float]

#: Largest distance between an arc and its polygon, um, where nobody asks for another.
CHORD_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Line:
    """A straight segment."""

    start: Point
    end: Point
    name: str

    def points(self, tolerance: float) -> list[Point]:
        """Polygon points from the start up to, but without, the end."""
        return [self.start]


@dataclass(frozen=True)
class Arc:
    """A circular arc of less than a full turn, counter-clockwise (``ccw``) or clockwise around ``centre``."""

    start: Point
    end: Point
    centre: Point
    name: str
    ccw: bool = True

    @property
    def radius(self) -> float:
        """Radius in um."""
        return math.dist(self.start, self.centre)

    @property
    def sweep(self) -> float:
        """Signed angle from start to end in radians, positive counter-clockwise."""
        a0 = math.atan2(self.start[1] - self.centre[1], self.start[0] - self.centre[0])
        a1 = math.atan2(self.end[1] - self.centre[1], self.end[0] - self.centre[0])
        turn = (a1 - a0) % (2 * math.pi)
        return turn if self.ccw else turn - 2 * math.pi

    def points(self, tolerance: float) -> list[Point]:
        """Polygon points on the arc, from the start up to, but without, the end; sagitta at most ``tolerance``."""
        r, sweep = self.radius, self.sweep
        step = 2 * math.acos(max(1 - tolerance / r, -1.0)) if tolerance < 2 * r else math.pi
        count = max(math.ceil(abs(sweep) / step), 1)
        a0 = math.atan2(self.start[1] - self.centre[1], self.start[0] - self.centre[0])
        angles = [a0 + sweep * i / count for i in range(1, count)]
        return [
            self.start,
            *((self.centre[0] + r * math.cos(a), self.centre[1] + r * math.sin(a)) for a in angles),
        ]


@dataclass(frozen=True)
class Spline:
    """A smooth curve through ``knots``; the first is its start, the last its end (an Archimedean spiral, say)."""

    knots: tuple[Point, ...]
    name: str

    @property
    def start(self) -> Point:
        """First knot."""
        return self.knots[0]

    @property
    def end(self) -> Point:
        """Last knot."""
        return self.knots[-1]

    def points(self, tolerance: float) -> list[Point]:
        """Polygon points on the curve, halved until the chord error is at most ``tolerance``."""
        from scipy.interpolate import CubicSpline

        knots = np.asarray(self.knots)
        s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
        curve, per_span = CubicSpline(s, knots), 1
        while True:
            t = np.interp(np.arange((len(s) - 1) * per_span + 1) / per_span, np.arange(len(s)), s)
            sagitta = np.abs(curve((t[1:] + t[:-1]) / 2) - (curve(t[1:]) + curve(t[:-1])) / 2).max()
            if sagitta <= tolerance or per_span > 1024:
                return [(float(x), float(y)) for x, y in curve(t[:-1])]
            per_span *= 2


Segment: TypeAlias = Line | Arc | Spline


@dataclass(frozen=True)
class Loop:
    """A closed chain of segments, counter-clockwise."""

    segments: tuple[Segment, ...]

    def polygon(self, tolerance: float = CHORD_TOLERANCE) -> Polygon:
        """The loop as a shapely polygon (um) whose arcs are cut into chords with at most ``tolerance`` error."""
        return Polygon([p for segment in self.segments for p in segment.points(tolerance)])

    @property
    def area(self) -> float:
        """Enclosed area in um2; exact for lines and arcs, and to 1e-4 um chord error for splines."""
        exact = all(isinstance(s, Line | Arc) for s in self.segments)
        if not exact:
            return self.polygon(1e-4).area
        total = 0.0
        for s in self.segments:
            total += (s.start[0] * s.end[1] - s.end[0] * s.start[1]) / 2
            if isinstance(s, Arc):
                total += s.radius**2 * (s.sweep - math.sin(s.sweep)) / 2
        return total

    def moved(self, dx: float, dy: float) -> Loop:
        """The same loop, shifted."""
        return self._mapped(lambda p: (p[0] + dx, p[1] + dy))

    def turned(self) -> Loop:
        """The same loop, a quarter turn counter-clockwise about the origin."""
        return self._mapped(lambda p: (-p[1], p[0]))

    def _mapped(self, place: Callable[[Point], Point]) -> Loop:
        """All points moved by a motion that keeps the sense of turn."""
        moved: list[Segment] = []
        for s in self.segments:
            if isinstance(s, Line):
                moved.append(Line(place(s.start), place(s.end), s.name))
            elif isinstance(s, Arc):
                moved.append(Arc(place(s.start), place(s.end), place(s.centre), s.name, s.ccw))
            else:
                moved.append(Spline(tuple(place(k) for k in s.knots), s.name))
        return Loop(tuple(moved))


def rectangle(x0: float, y0: float, x1: float, y1: float, names: tuple[str, str, str, str]) -> Loop:
    """A rectangle, counter-clockwise; names of its bottom, right, top and left side."""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    return Loop(tuple(Line(corners[i], corners[(i + 1) % 4], names[i]) for i in range(4)))


@dataclass(frozen=True)
class Outline:
    """A plane drawing: the fluid (or the plate) is what ``frame`` encloses without ``solids``, which may reach over it.

    Attributes:
        frame: Border of the drawing, um.
        solids: What stands in it, um.
        depth: Height of the channel, um.
        tips: Places to which a mesh is graded, um (the corners where speed and shear are largest).
        tip_radius: Radius of the corners at the tips, um; 0 for sharp ones.
        throat: Width of the narrowest passage, um.
        periodic: Whether the outlet is the inlet of the next copy.
        plate: Whether it is the plan of a plate and the solids are openings in it: nothing flows in its plane.
    """

    frame: Loop
    solids: tuple[Loop, ...]
    depth: float
    tips: tuple[Point, ...]
    tip_radius: float
    throat: float
    periodic: bool = False
    plate: bool = False

    def fluid(self, tolerance: float = CHORD_TOLERANCE) -> Polygon | MultiPolygon:
        """The fluid, or the plate, as a shapely polygon, um, with chords within ``tolerance`` of the arcs."""
        return self.frame.polygon(tolerance).difference(
            unary_union([s.polygon(tolerance) for s in self.solids])
        )

    def area(self) -> float:
        """Area of the fluid, or of the plate, in um2.

        Solids that stand alone within the frame count by their exact area; where solids overlap each other or the
        frame, the area comes from polygons at 1e-6 um chord tolerance.
        """
        frame = self.frame.polygon()
        shapes = [s.polygon() for s in self.solids]
        alone = [
            frame.contains_properly(shape)
            and not any(shape.intersects(other) for other in shapes if other is not shape)
            for shape in shapes
        ]
        exact = sum(s.area for s, single in zip(self.solids, alone, strict=True) if single)
        rest = unary_union(
            [s.polygon(1e-6) for s, single in zip(self.solids, alone, strict=True) if not single]
        )
        return self.frame.area - exact - rest.intersection(self.frame.polygon(1e-6)).area


def smallest_gap(shapes: list[BaseGeometry]) -> float:
    """Smallest clear distance between any two shapes of a list, in their unit; 0 where two overlap or touch."""
    from shapely import STRtree

    tree = STRtree(shapes)
    best = math.inf
    for i, shape in enumerate(shapes):
        # `exclusive` leaves out equal geometries, so that a shape is not its own nearest neighbour.
        _, distance = tree.query_nearest(shape, return_distance=True, exclusive=True)
        if len(distance):
            best = min(best, float(distance[0]))
        if any(j != i and shape.intersects(shapes[j]) for j in tree.query(shape)):
            return 0.0
    return best
