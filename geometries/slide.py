"""What a whole chip has on its slide whatever the device: the slide's outline, port holes, alignment marks, labels.

All of it is loops in um whose names are those of their layers (``geometries.masks.LAYERS``); the origin is a corner of the slide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import box, unary_union
from shapely.geometry.base import BaseGeometry

from geometries.outline import Arc, Line, Loop, Point, rectangle

#: Distance of ports from each other and from the slide's corner along both sides, um (ISO 22916, recalled).
PORT_GRID = 1500.0
#: Of channel around a port's hole, um: holes are punched a few tenths of a mm beside their place (assumed).
RIM = 500.0

# Of the margin: an arm and a bar of the cross that is an alignment mark, the height of letters.
_ARM, _BAR, _LETTER = 0.25, 0.05, 0.4
_NEAR = 12_000.0  # um: how far from a port its name may stand


def circle(centre: Point, radius: float, name: str) -> Loop:
    """A circle of four arcs, counter-clockwise."""
    x, y = centre
    corners = [(x + radius, y), (x, y + radius), (x - radius, y), (x, y - radius)]
    return Loop(tuple(Arc(p, corners[(i + 1) % 4], centre, name) for i, p in enumerate(corners)))


def ring(points: Iterable[Point], name: str) -> Loop:
    """A polygon as a counter-clockwise loop on the masks' grid of 1 nm."""
    corners = [(round(x, 3), round(y, 3)) for x, y in points]
    corners = [p for i, p in enumerate(corners) if p != corners[i - 1]]
    if sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)) < 0:
        corners.reverse()
    return Loop(tuple(Line(p, corners[(i + 1) % len(corners)], name) for i, p in enumerate(corners)))


def on_grid(place: float, least: float = -math.inf, most: float = math.inf) -> float:
    """The nearest place that a port may have along one side, within limits that are a grid's step apart at least."""
    steps = round(place / PORT_GRID)
    if steps * PORT_GRID < least:
        steps = math.ceil(least / PORT_GRID)
    if steps * PORT_GRID > most:
        steps = math.floor(most / PORT_GRID)
    return steps * PORT_GRID


def furniture(
    size: Point,
    margin: float,
    ports: Mapping[str, Point],
    port_diameter: float,
    title: str,
    channels: BaseGeometry,
) -> tuple[Loop, ...]:
    """Slide, port holes, marks and labels.

    Args:
        size: Of the slide, um.
        margin: That is free of channels along its border, um.
        ports: Middles of the ports by what is written beside them.
        port_diameter: um.
        title: What is written along the upper border.
        channels: What no letter may stand on, um.
    """
    width, height = size
    loops = [rectangle(0.0, 0.0, width, height, ("slide",) * 4)]
    loops += [circle(place, port_diameter / 2, "ports") for place in ports.values()]
    corners = [(x, y) for y in (margin / 2, height - margin / 2) for x in (margin / 2, width - margin / 2)]
    loops += [_cross(corner, _ARM * margin, _BAR * margin) for corner in corners]
    letter, middle = _LETTER * margin, (width / 2, height - margin / 2)
    words = _Words(title, letter)
    words = _Words(title, letter * min(1.0, (width - 4 * margin) / words.extent[0]))
    loops += words.at(middle)
    taken = [
        channels.buffer(letter / 4),
        words.box(middle),
        *(box(x, y, x, y).buffer(margin / 2) for x, y in corners),
    ]
    for name, place in ports.items():
        found = _beside(place, name, letter, unary_union(taken), box(0, 0, width, height).buffer(-margin / 8))
        if found is not None:
            words, middle = found
            loops += words.at(middle)
            taken.append(words.box(middle))
    return tuple(loops)


def _cross(centre: Point, arm: float, bar: float) -> Loop:
    (x, y), b = centre, bar / 2
    quarter = [(b, b), (b, arm), (-b, arm)]
    points = []
    for turn in range(4):
        c, s = round(math.cos(turn * math.pi / 2)), round(math.sin(turn * math.pi / 2))
        points += [(x + c * px - s * py, y + s * px + c * py) for px, py in quarter]
    return ring(dict.fromkeys(points), "marks")


@dataclass(frozen=True)
class _Words:
    """Letters as polygons; upright ones are read from the right."""

    text: str
    height: float
    upright: bool = False

    @cached_property
    def _glyphs(self) -> list[NDArray[np.float64]]:
        """Their corners, about the middle of all."""
        import gdstk

        drawn = [glyph.points for glyph in gdstk.text(self.text, self.height, (0, 0))]
        if not drawn:
            return []
        every = np.concatenate(drawn)
        middle = (every.min(axis=0) + every.max(axis=0)) / 2
        turn = np.array([[0.0, 1.0], [-1.0, 0.0]]) if self.upright else np.eye(2)
        return [(points - middle) @ turn for points in drawn]

    @cached_property
    def extent(self) -> Point:
        """Along x and y, um."""
        every = np.concatenate([*self._glyphs, np.zeros((1, 2))])
        size = every.max(axis=0) - every.min(axis=0)
        return max(float(size[0]), self.height), max(float(size[1]), self.height)

    def box(self, middle: Point) -> BaseGeometry:
        """What they take with some room around them."""
        x, y = (v / 2 + self.height / 4 for v in self.extent)
        return box(middle[0] - x, middle[1] - y, middle[0] + x, middle[1] + y)

    def at(self, middle: Point) -> list[Loop]:
        """The letters about a place."""
        return [ring([(float(x), float(y)) for x, y in glyph + middle], "labels") for glyph in self._glyphs]


def _beside(
    place: Point, text: str, height: float, taken: BaseGeometry, inside: BaseGeometry
) -> tuple[_Words, Point] | None:
    """The nearest free room for some words, upright or smaller ones where they come nearer."""
    shapely.prepare(taken)
    best: tuple[float, _Words, Point] | None = None
    for words in (_Words(text, size, upright) for size in (height, height / 2) for upright in (False, True)):
        step = words.height / 2
        steps = step * np.arange(-math.ceil(_NEAR / step), math.ceil(_NEAR / step) + 1)
        x, y = (v.ravel() for v in np.meshgrid(place[0] + steps, place[1] + steps))
        along, across = (v / 2 + words.height / 4 for v in words.extent)
        boxes = shapely.box(x - along, y - across, x + along, y + across)
        free = ~shapely.intersects(taken, boxes) & shapely.contains_properly(inside, boxes)
        far = np.where(free, shapely.distance(boxes, shapely.Point(place)), np.inf)
        nearest = int(np.argmin(far + 1e-3 * np.hypot(x - place[0], y - place[1])))
        # Another kind of letters has to be worth it.
        if np.isfinite(far[nearest]) and (best is None or far[nearest] < best[0] - height):
            best = float(far[nearest]), words, (float(x[nearest]), float(y[nearest]))
    return None if best is None else best[1:]
