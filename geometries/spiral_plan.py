r"""The plan of a spiral channel, um: two walls along the spiral, and the branches to its ports at both ends.

The walls are splines along the spiral. At its inner end an arc of half the radius leads to the middle, where there is room; at
its outer end one branch goes straight on along the tangent, so that nothing comes nearer to the winding inside::

    inner end                                   outer end
         inner branch     |      |                                / / outer branch
      ______              |      |                               / /
      ______\_____       .'      |              ________________/ /
       nose  >    '-----'  lead  |                 channel       < nose
      ______   _____            .'              _________________________
      ______/       '---------''                                _________ inner branch
         outer branch

``Fork`` is one such end in its own frame: t leads away from the spiral, n to its inner side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from geometries.archimedes import Archimedean
from geometries.outline import Arc, Line, Loop, Outline, Point, Spline

if TYPE_CHECKING:
    from geometries.spiral import Spiral

_UM = 1e-6
_KNOT = math.radians(3)  # between knots: an interpolated circle of 1 cm is then within 2 nm of itself
_TAPER = 2.0  # length over the gain in width
_BRANCH = 2.5  # length of the branches over the width of the wider one
_SPREAD = math.radians(
    20
)  # of each branch from the channel at the inner end; at the outer end all of it on one side
_SAME = 1e-9  # branches as wide together as the channel, but for rounding
LEAD = math.pi / 2  # angle of the arc to the middle
LEAD_RADIUS = 0.5  # over the inner radius


@dataclass(frozen=True)
class Fork:
    """An end of the channel: it widens, and splits into an outer and an inner branch, or goes on to its only port.

    Attributes:
        corners: From the outer to the inner wall of the channel, um, counter-clockwise at the outer end.
        names: Of the lines between them, one less.
        pieces: Convex pieces that make it up, as corners with shares of the height (0 that of the outer, 1 of the inner wall).
    """

    corners: tuple[Point, ...]
    names: tuple[str, ...]
    pieces: tuple[tuple[tuple[Point, float], ...], ...]

    @property
    def polygon(self) -> Polygon:
        """What it covers."""
        return Polygon(self.corners)


def fork(
    frame: tuple[Point, Point, Point],
    width: float,
    widths: Sequence[float],
    names: Sequence[str],
    *,
    inward: float,
) -> Fork:
    """One end of a channel.

    Args:
        frame: Middle of the end of the channel, unit vector away from it, unit vector to its inner side.
        width: Of the channel, um.
        widths: Of the branches, inner first, um; one: a straight end.
        names: Of their ports.
        inward: Share of the widening and of the spread that lies on the inner side.
    """
    total = sum(widths)
    gain = total - width if total > width * (1 + _SAME) else 0.0
    taper, run = _TAPER * gain, _BRANCH * max(widths)
    ends = (taper, width / 2 + inward * gain), (taper, -width / 2 - (1 - inward) * gain)
    first = ((0.0, width / 2), (0.0, -width / 2))
    a, b = ends  # inner and outer corner after the widening
    widening = ((first[1], 0.0), (b, 0.0), (a, 1.0), (first[0], 1.0))
    walls, lines, pieces = (_port if len(widths) == 1 else _split)(a, b, run, widths, names, inward)
    corners = [first[1], *walls, first[0]]
    lines = ["wall", *lines, "wall"]
    pieces = [widening, *pieces]
    if not gain:
        corners, lines, pieces = [*corners[1:-1]], lines[1:-1], pieces[1:]
    place = _placed(frame)
    return Fork(
        tuple(place(c) for c in corners),
        tuple(lines),
        tuple(tuple((place(c), share) for c, share in piece) for piece in pieces),
    )


_Piece: TypeAlias = tuple[tuple[Point, float], ...]
_Walls: TypeAlias = tuple[list[Point], list[str], list[_Piece]]


def _port(a: Point, b: Point, run: float, _: Sequence[float], names: Sequence[str], __: float) -> _Walls:
    """Straight on from the inner corner ``a`` and the outer one ``b`` to a single port."""
    far = ((a[0] + run, a[1]), (b[0] + run, b[1]))
    return (
        [b, far[1], far[0], a],
        ["wall", names[0], "wall"],
        [((b, 0.0), (far[1], 0.0), (far[0], 1.0), (a, 1.0))],
    )


def _split(
    a: Point, b: Point, run: float, widths: Sequence[float], names: Sequence[str], inward: float
) -> _Walls:
    """An outer and an inner branch that part at a nose."""
    inner, outer = inward * 2 * _SPREAD, (1 - inward) * 2 * _SPREAD
    nose, share = _nose(b, widths, inner, outer), widths[1] / sum(widths)
    ai, ni = _branch(a, run, widths[0], inner, 1)
    bo, no = _branch(b, run, widths[1], outer, -1)
    pieces: list[_Piece] = [
        ((b, 0.0), (nose, share), (a, 1.0)),
        ((b, 0.0), (bo, 0.0), (no, share), (nose, share)),
        ((nose, share), (ni, share), (ai, 1.0), (a, 1.0)),
    ]
    return [b, bo, no, nose, ni, ai, a], ["wall", names[1], "wall", "wall", names[0], "wall"], pieces


def _nose(outer_corner: Point, widths: Sequence[float], inner: float, outer: float) -> Point:
    """Where the branches' inner walls meet, so that both have their width: it lies ahead of the dividing line."""
    # Distances from the two outer walls: w_in cos(a) - n cos(a) + t sin(a) = w_in, w_out cos(b) + n cos(b) + t sin(b) = w_out.
    matrix = np.array([[math.sin(inner), -math.cos(inner)], [math.sin(outer), math.cos(outer)]])
    right = [widths[0] * (1 - math.cos(inner)), widths[1] * (1 - math.cos(outer))]
    t, n = np.linalg.solve(matrix, right)
    return outer_corner[0] + float(t), outer_corner[1] + widths[1] + float(n)


def _branch(corner: Point, run: float, width: float, spread: float, side: int) -> tuple[Point, Point]:
    """Ends of a branch's port: on its outer wall, which begins at ``corner``, and on the wall to the nose."""
    end = corner[0] + run * math.cos(spread), corner[1] + side * run * math.sin(spread)
    return end, (end[0] + width * math.sin(spread), end[1] - side * width * math.cos(spread))


def _placed(frame: tuple[Point, Point, Point]) -> Callable[[Point], Point]:
    (x, y), (tx, ty), (nx, ny) = frame
    return lambda c: (x + c[0] * tx + c[1] * nx, y + c[0] * ty + c[1] * ny)


@dataclass(frozen=True)
class Plan:
    """Everything that the plan of a spiral is made of, um.

    Attributes:
        curve: Centre-line.
        width: Of the channel.
        lead: Pole of the arc at the inner end.
        inner: Fork at the inner end, beyond the lead.
        outer: Fork at the outer end.
    """

    curve: Archimedean
    width: float
    lead: Point
    inner: Fork
    outer: Fork

    def wall(self, side: int, first: float = 0.0, last: float | None = None) -> tuple[Point, ...]:
        """Knots of a wall (side 1: the outer one) between two angles, from the inner end on."""
        last = self.curve.angle if last is None else last
        at = self.curve.points(knots(first, last), side * self.width / 2)
        return tuple((float(x), float(y)) for x, y in at)

    def strip(self, first: float, last: float) -> Polygon:
        """What the channel covers between two angles, within some nanometres."""
        outer, inner = (Spline(self.wall(side, first, last), "wall") for side in (1, -1))
        return Polygon([*outer.points(0.1), outer.end, *reversed([*inner.points(0.1), inner.end])])

    def lead_arc(self, side: int) -> Arc:
        """Wall of the lead (side 1: the outer one), from the spiral to the fork."""
        start = tuple(self.curve.points(0.0, side * self.width / 2))
        end = self.inner.corners[0] if side > 0 else self.inner.corners[-1]
        return Arc((float(start[0]), float(start[1])), end, self.lead, "wall", ccw=False)

    def clearances(self) -> tuple[float, float]:
        """Clear distance from the branches at the inner and the outer end to the windings beside them and each other, um."""
        quarter, angle = math.pi / 2, self.curve.angle
        lead = [*self.lead_arc(1).points(1.0), *reversed([*self.lead_arc(-1).points(1.0)])]
        inner, outer = self.inner.polygon.union(Polygon(lead)), self.outer.polygon
        apart = inner.distance(outer)
        if angle <= quarter:
            return apart, apart
        beside_inner, beside_outer = self.strip(quarter, angle), self.strip(0.0, angle - quarter)
        return min(apart, inner.distance(beside_inner)), min(apart, outer.distance(beside_outer))

    def loop(self) -> Loop:
        """The whole channel."""
        outer, inner = Spline(self.wall(1), "wall"), Spline(tuple(reversed(self.wall(-1))), "wall")
        far, near = _lines(self.outer), _lines(self.inner)
        back, out = self.lead_arc(-1), self.lead_arc(1)
        return Loop((
            outer, *far, inner, back,
            *(Line(s.end, s.start, s.name) for s in reversed(near)),
            Arc(out.end, out.start, out.centre, "wall"),
        ))  # fmt: skip


def _lines(end: Fork) -> list[Line]:
    return [Line(a, b, name) for a, b, name in zip(end.corners[:-1], end.corners[1:], end.names, strict=True)]


def knots(first: float, last: float) -> NDArray[np.float64]:
    """Angles of knots: denser at both ends, where a spline through them does not know the curve's direction."""
    count = max(math.ceil((last - first) / _KNOT), 4)
    inner = np.linspace(0, 1, count + 1)
    extra = inner[1] * np.array([1 / 8, 1 / 4, 1 / 2])
    return first + (last - first) * np.concatenate(
        [inner[:1], extra, inner[1:-1], 1 - extra[::-1], inner[-1:]]
    )


def plan(spiral: Spiral) -> Plan:
    """The plan of a spiral with its ports."""
    curve, width = spiral.curve(_UM), spiral.width / _UM
    inlets, outlets = (
        ([w / _UM for w in widths], names)
        for widths, names in ((spiral.inlet_widths, spiral.inlets), (spiral.outlet_widths, spiral.outlets))
    )
    at_inner, at_outer = (inlets, outlets) if spiral.direction == "outward" else (outlets, inlets)
    h = float(curve.heading(0.0))
    to_pole = (-math.sin(h), math.cos(h))  # the inner side is on the left of the way out
    start, radius = curve.points(0.0), LEAD_RADIUS * curve.inner
    lead = (float(start[0]) + radius * to_pole[0], float(start[1]) + radius * to_pole[1])
    turned = h - LEAD  # on along the lead, against the way out, and to the right
    away, side = (-math.cos(turned), -math.sin(turned)), (-math.sin(turned), math.cos(turned))
    middle = (lead[0] - radius * side[0], lead[1] - radius * side[1])
    inner = fork((middle, away, side), width, *at_inner, inward=0.5)
    end, h = curve.points(curve.angle), float(curve.heading(curve.angle))
    frame = ((float(end[0]), float(end[1])), (math.cos(h), math.sin(h)), (-math.sin(h), math.cos(h)))
    return Plan(curve, width, lead, inner, fork(frame, width, *at_outer, inward=0.0))


def channel(spiral: Spiral) -> Outline:
    """The whole channel with its ports."""
    return _outline(
        spiral, plan(spiral).loop(), min(*spiral.inlet_widths, *spiral.outlet_widths, spiral.width)
    )


def piece(spiral: Spiral, first: float, last: float) -> Outline:
    """The channel alone between two angles (rad) from its inner end, cut straight across at ``inlet`` and ``outlet``."""
    drawn = plan(spiral)
    outer, inner = (
        Spline(drawn.wall(1, first, last), "wall"),
        Spline(drawn.wall(-1, first, last)[::-1], "wall"),
    )
    low, high = ("inlet", "outlet") if spiral.direction == "outward" else ("outlet", "inlet")
    loop = Loop((outer, Line(outer.end, inner.start, high), inner, Line(inner.end, outer.start, low)))
    return _outline(spiral, loop, spiral.width)


def _outline(spiral: Spiral, loop: Loop, throat: float) -> Outline:
    depth = max(spiral.heights) / _UM
    return Outline(loop, (), depth=depth, tips=(), tip_radius=0.0, throat=min(throat, spiral.width) / _UM)
