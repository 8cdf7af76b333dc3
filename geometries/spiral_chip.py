"""A whole spiral on its slide: its ports led on to the grid of ports, with holes, marks and labels.

Each branch goes straight on from where it ends to a place of the grid of 1.5 mm, in its middle the hole, around it a round end::

      branch   port (of the spiral)
      ________|_________________.--.
              |     leg        ( () )   hole on the grid
      ________|_________________`--'
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
from shapely import Point as Dot
from shapely import Polygon, box
from shapely.geometry.base import BaseGeometry

from geometries.outline import Arc, Line, Loop, Outline, Point, Segment
from geometries.part import COARSE, Part, Shape, channel_part
from geometries.quantities import DesignError, show
from geometries.slide import PORT_GRID, RIM, furniture
from geometries.spiral_plan import channel

if TYPE_CHECKING:
    from geometries.device import Limits
    from geometries.spiral import Spiral

_UM = 1e-6
_FAR = 12_000.0  # um: longest leg that is tried
_STEEPEST = math.cos(math.radians(50))  # of a leg to the way out of its branch
_MOST = 12  # places that are tried for each port, the nearest first
_OVER = 1.2  # a round end over its leg, at least
_WALL = 300.0  # um: between a round end and what is beside it, which a hole is punched through (assumed)
_UNFIT = "the whole chip does not fit the slide"
_SMOOTH = 5.0  # um: chords of what is only looked at


@dataclasses.dataclass(frozen=True)
class _Leg:
    """A port of the spiral led on to a place of the grid: the line that it goes on from, um, and its round end."""

    port: Line
    hole: Point
    radius: float

    @property
    def ends(self) -> tuple[Point, Point]:
        """Where the leg meets its round end, in the sense of the loop."""
        a, b = np.array(self.port.start), np.array(self.port.end)
        along = np.array(self.hole) - (a + b) / 2
        along = along / np.hypot(*along)
        half = math.dist(a, b) / 2
        back = np.array(self.hole) - along * math.sqrt(self.radius**2 - half**2)
        left = np.array([-along[1], along[0]]) * half
        first, last = back - left, back + left
        if np.dot(a - b, left) > 0:
            first, last = last, first
        return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))

    @property
    def segments(self) -> list[Segment]:
        """What takes the place of the port's line."""
        first, last = self.ends
        return [
            Line(self.port.start, first, "wall"),
            Arc(first, last, self.hole, "wall"),
            Line(last, self.port.end, "wall"),
        ]

    @property
    def length(self) -> float:
        """From the port to the hole."""
        a, b = self.port.start, self.port.end
        return math.dist(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), self.hole)

    @property
    def shape(self) -> BaseGeometry:
        """What it covers."""
        first, last = self.ends
        return Polygon([self.port.start, first, last, self.port.end]).union(
            Dot(self.hole).buffer(self.radius)
        )


def chip_part(spiral: Spiral, limits: Limits, title: str) -> Part:
    """The whole spiral for masks.

    Raises:
        DesignError: It does not fit the slide, or its ports find no place on the grid.
    """
    size = limits.slide_length / _UM, limits.slide_width / _UM
    bare = channel(spiral)
    x0, y0, x1, y1 = bare.frame.polygon(_SMOOTH).bounds
    middle = (size[0] - x0 - x1) / 2, (size[1] - y0 - y1) / 2
    bare = dataclasses.replace(bare, frame=bare.frame.moved(*middle))
    legs = _legs(bare, size, limits)
    loop = Loop(tuple(_led_on(bare.frame, legs)))
    plan = dataclasses.replace(bare, frame=loop)
    ports = {name.replace("_", " "): leg.hole for name, leg in legs.items()}
    words = f"{title}   width {show(spiral.width, 'um')}   height {_heights(spiral)}   length {show(spiral.length, 'mm')}"
    details = furniture(
        size, limits.slide_margin / _UM, ports, limits.port_diameter / _UM, words, loop.polygon(_SMOOTH)
    )
    part = channel_part("chip", plan, COARSE)
    if spiral.height is None:
        part = dataclasses.replace(part, made=_only_masks, in_space=False)
    return dataclasses.replace(part, details=details)


def _heights(spiral: Spiral) -> str:
    return " to ".join(dict.fromkeys(show(h, "um") for h in spiral.heights))


def _only_masks(of: str, thickness: float | None) -> Shape:
    raise DesignError(_SLOPES)


_SLOPES = 'what = "chip" of a spiral with a sloping ceiling is for masks only; its solid and meshes are those of "array"'


def _led_on(frame: Loop, legs: dict[str, _Leg]) -> list[Segment]:
    return [s for old in frame.segments for s in (legs[old.name].segments if old.name in legs else [old])]


def _legs(bare: Outline, size: Point, limits: Limits) -> dict[str, _Leg]:
    """The shortest legs that keep clear of the channel, of each other and of the slide's margin."""
    rim, margin = limits.port_diameter / _UM / 2 + RIM, limits.slide_margin / _UM
    inside, shape = box(margin, margin, size[0] - margin, size[1] - margin), bare.frame.polygon(_SMOOTH)
    if not inside.contains(shape):
        x0, y0, x1, y1 = shape.bounds
        drawn, room = (
            " x ".join(show(v * _UM, "mm") for v in pair)
            for pair in ((x1 - x0, y1 - y0), (size[0] - 2 * margin, size[1] - 2 * margin))
        )
        raise DesignError(f"{_UNFIT}: the spiral is {drawn}, above the {room} within its margins")
    found = []
    for port in bare.frame.segments:
        if port.name == "wall" or not isinstance(port, Line):
            continue
        legs = [leg for leg in _candidates(port, rim) if inside.contains(leg.shape)]
        legs = [leg for leg in legs if _clear(leg, shape)][:_MOST]
        if not legs:
            raise DesignError(
                f"{_UNFIT}: {port.name} finds no place on the ports' grid of {show(PORT_GRID * _UM, 'mm')} that keeps clear of "
                "the channel; make the spiral wider or limits.port_diameter smaller"
            )
        found.append(legs)
    for choice in sorted(itertools.product(*found), key=lambda legs: sum(leg.length for leg in legs)):
        if all(a.shape.distance(b.shape) >= _WALL for a, b in itertools.combinations(choice, 2)):
            return {leg.port.name: leg for leg in choice}
    raise DesignError(
        f"{_UNFIT}: its ports find no places on their grid of {show(PORT_GRID * _UM, 'mm')} that keep clear of each other; set "
        "the branches wider apart or limits.port_diameter smaller"
    )


def _candidates(port: Line, rim: float) -> list[_Leg]:
    """Legs ahead of a port to places on the grid, the shortest first."""
    (ax, ay), (bx, by) = port.start, port.end
    middle, width = ((ax + bx) / 2, (ay + by) / 2), math.dist(port.start, port.end)
    out = (by - ay) / width, (ax - bx) / width  # to the right of the way around
    radius = max(rim, _OVER * width / 2)
    steps = range(-math.ceil(_FAR / PORT_GRID), math.ceil(_FAR / PORT_GRID) + 1)
    legs = []
    for i, j in itertools.product(steps, steps):
        hole = (
            (round(middle[0] / PORT_GRID) + i) * PORT_GRID,
            (round(middle[1] / PORT_GRID) + j) * PORT_GRID,
        )
        far = math.dist(hole, middle)
        ahead = (hole[0] - middle[0]) * out[0] + (hole[1] - middle[1]) * out[1]
        if radius + width / 4 <= far <= _FAR and ahead >= _STEEPEST * far:
            legs.append(_Leg(port, hole, radius))
    return sorted(legs, key=lambda leg: leg.length)


def _clear(leg: _Leg, channel: Polygon) -> bool:
    """Whether a leg touches nothing of the channel but its own port."""
    width = math.dist(leg.port.start, leg.port.end)
    a, b = leg.port.start, leg.port.end
    own = Dot((a[0] + b[0]) / 2, (a[1] + b[1]) / 2).buffer(width)
    if leg.shape.intersection(channel).area > 1.0:
        return False
    return bool(leg.shape.difference(own).distance(channel) >= min(_WALL, width / 2))
