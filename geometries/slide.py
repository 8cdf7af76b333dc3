"""What a whole chip has on its slide whatever the device: the slide's outline, port holes, alignment marks, labels.

All of it is loops in um whose names are those of their layers (``geometries.masks.LAYERS``); the origin is a corner of the slide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from geometries.outline import Arc, Line, Loop, Point, rectangle

#: Distance of ports from each other and from the slide's corner along both sides, um (ISO 22916, recalled).
PORT_GRID = 1500.0
#: Of channel around a port's hole, um: holes are punched a few tenths of a mm beside their place (assumed).
RIM = 500.0

# Of the margin: an arm and a bar of the cross that is an alignment mark, the height of letters.
_ARM, _BAR, _LETTER = 0.25, 0.05, 0.4


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
    size: Point, margin: float, ports: Mapping[str, Point], port_diameter: float, title: str
) -> tuple[Loop, ...]:
    """Slide, port holes, marks and labels.

    Args:
        size: Of the slide, um.
        margin: That is free of channels along its border, um.
        ports: Middles of the ports by what is written beside them.
        port_diameter: um.
        title: What is written along the upper border.
    """
    width, height = size
    loops = [rectangle(0.0, 0.0, width, height, ("slide",) * 4)]
    loops += [circle(place, port_diameter / 2, "ports") for place in ports.values()]
    corners = [(x, y) for y in (margin / 2, height - margin / 2) for x in (margin / 2, width - margin / 2)]
    loops += [_cross(corner, _ARM * margin, _BAR * margin) for corner in corners]
    letter, room = _LETTER * margin, width - 4 * margin
    loops += _text(title, (width / 2, height - margin / 2), letter, room)
    for name, (x, y) in ports.items():
        # On the border that is nearest to the port, beside it.
        edges = {"left": x, "right": width - x, "lower": y, "upper": height - y}
        nearest = min(edges, key=lambda edge: edges[edge])
        if nearest in ("left", "right"):
            place = (margin / 2 if nearest == "left" else width - margin / 2, y)
            loops += _text(name, place, letter, height / 4, upright=True)
        else:
            place = (x, margin / 2 if nearest == "lower" else height - margin / 2)
            loops += _text(name, place, letter, width / 4)
    return tuple(loops)


def _cross(centre: Point, arm: float, bar: float) -> Loop:
    (x, y), b = centre, bar / 2
    quarter = [(b, b), (b, arm), (-b, arm)]
    points = []
    for turn in range(4):
        c, s = round(math.cos(turn * math.pi / 2)), round(math.sin(turn * math.pi / 2))
        points += [(x + c * px - s * py, y + s * px + c * py) for px, py in quarter]
    return ring(dict.fromkeys(points), "marks")


def _text(words: str, middle: Point, height: float, room: float, *, upright: bool = False) -> list[Loop]:
    """Letters as polygons about a middle, made smaller where they would be longer than the room; upright: read from the right."""
    import gdstk

    glyphs = gdstk.text(words, height, (0, 0))
    if not glyphs:
        return []
    boxes = [g.bounding_box() for g in glyphs]
    x0, x1 = min(b[0][0] for b in boxes), max(b[1][0] for b in boxes)
    y0, y1 = min(b[0][1] for b in boxes), max(b[1][1] for b in boxes)
    scale = min(1.0, room / (x1 - x0))

    def placed(x: float, y: float) -> Point:
        u, v = scale * (x - (x0 + x1) / 2), scale * (y - (y0 + y1) / 2)
        return (middle[0] - v, middle[1] + u) if upright else (middle[0] + u, middle[1] + v)

    return [ring([placed(float(x), float(y)) for x, y in g.points], "labels") for g in glyphs]
