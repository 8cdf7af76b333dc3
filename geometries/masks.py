"""Masks of a piece of a device: DXF and GDS II, as :mod:`geometries.cad` says what is in them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from geometries.outline import Arc, Line, Loop, Point, Segment
from geometries.part import Drawing

#: Layer table of the masks, as (layer, datatype) in GDS. Channel or membrane is ``frame`` without ``solids``; names of the
#: frame's sides are labels on the layer of the frame.
LAYERS = {"frame": (10, 0), "solids": (1, 0)}

# All that a boundary of GDS II may have; longer polygons are cut.
_MOST_VERTICES = 8190
# A fixed date, so that the same design gives the same bytes.
_DATE = datetime(2000, 1, 1)


def write_dxf(drawing: Drawing, folder: Path) -> list[str]:
    """Write DXF: one layer a name, solids as closed polylines with arcs as bulges."""
    import ezdxf

    document = ezdxf.new("R2010", units=13)  # 13: micrometres
    space = document.modelspace()
    loops = (drawing.outline.frame, *drawing.outline.solids)
    for name in sorted({s.name for loop in loops for s in loop.segments}):
        document.layers.add(name)
    for loop in loops:
        for name, segments, closed in runs(loop):
            vertices = [v for s in segments for v in _bulged(s, drawing.chord_tolerance)]
            if not closed:
                vertices.append((*segments[-1].end, 0.0))
            space.add_lwpolyline(vertices, format="xyb", close=closed, dxfattribs={"layer": name})
    document.saveas(folder / f"{drawing.stem}.dxf")
    return [f"{drawing.stem}.dxf"]


def runs(loop: Loop) -> list[tuple[str, tuple[Segment, ...], bool]]:
    """Name, segments and closedness of the chains of one name that a loop is made of."""
    if len({s.name for s in loop.segments}) == 1:
        return [(loop.segments[0].name, loop.segments, True)]
    return [(s.name, (s,), False) for s in loop.segments]


def _bulged(segment: Segment, tolerance: float) -> list[tuple[float, float, float]]:
    """Vertices (x, y, bulge) without the last; the bulge of an arc is the tangent of a quarter of its sweep."""
    if isinstance(segment, Arc):
        return [(*segment.start, math.tan(segment.sweep / 4))]
    return [(*p, 0.0) for p in segment.points(tolerance)]


def write_gds(drawing: Drawing, folder: Path) -> list[str]:
    """Write GDS II: equal solids are one cell, placed by array references."""
    import gdstk

    library = gdstk.Library(drawing.stem, unit=1e-6, precision=1e-9)
    top = library.new_cell(drawing.stem.upper())
    tolerance, frame, solids = drawing.chord_tolerance, LAYERS["frame"], LAYERS["solids"]
    top.add(gdstk.Polygon(_vertices(drawing.outline.frame, tolerance), layer=frame[0], datatype=frame[1]))
    for s in drawing.outline.frame.segments:
        top.add(gdstk.Label(s.name, _on(s, tolerance), layer=frame[0], texttype=frame[1]))
    for number, (shape, places) in enumerate(_equal_loops(drawing.outline.solids)):
        name = shape.segments[0].name
        cell = library.new_cell(f"{name.upper()}_{number}")
        cell.add(gdstk.Polygon(_vertices(shape, tolerance), layer=solids[0], datatype=solids[1]))
        cell.add(gdstk.Label(name, shape.segments[0].start, layer=solids[0], texttype=solids[1]))
        for origin, counts, steps in _lattices(places):
            top.add(gdstk.Reference(cell, origin, columns=counts[0], rows=counts[1], spacing=steps))
    library.write_gds(folder / f"{drawing.stem}.gds", max_points=_MOST_VERTICES, timestamp=_DATE)
    return [f"{drawing.stem}.gds"]


def _on(segment: Segment, tolerance: float) -> Point:
    """A point amid a side: between the ends of a curved one there is none of its points."""
    if isinstance(segment, Line):
        return (segment.start[0] + segment.end[0]) / 2, (segment.start[1] + segment.end[1]) / 2
    points = segment.points(tolerance)
    return points[len(points) // 2]


def _vertices(loop: Loop, tolerance: float) -> list[Point]:
    return [p for s in loop.segments for p in s.points(tolerance)]


def _equal_loops(loops: Iterable[Loop]) -> list[tuple[Loop, list[Point]]]:
    """Loops that are copies of each other, as the shape at the origin and the places of its copies."""
    groups: dict[Any, list[Point]] = defaultdict(list)
    shapes: dict[Any, Loop] = {}
    for loop in loops:
        x, y = loop.segments[0].start
        key = tuple(
            (s.name, _rounded(s.start, (x, y)), _rounded(s.end, (x, y)), _bend(s, (x, y)))
            for s in loop.segments
        )
        if key not in shapes:
            shapes[key] = loop.moved(-x, -y)
        groups[key].append((x, y))
    return [(shapes[key], places) for key, places in groups.items()]


def _bend(segment: Segment, origin: Point) -> tuple[float, ...]:
    """What tells segments between the same two points apart."""
    if isinstance(segment, Arc):
        return (*_rounded(segment.centre, origin), segment.ccw)
    return () if isinstance(segment, Line) else tuple(c for k in segment.knots for c in _rounded(k, origin))


def _rounded(point: Point, origin: Point = (0.0, 0.0)) -> Point:
    return (round(point[0] - origin[0], 5), round(point[1] - origin[1], 5))


def _lattices(places: list[Point]) -> list[tuple[Point, tuple[int, int], Point]]:
    """Places as regular arrays: (origin, (columns, rows), (spacing along x, along y)); an odd one is an array of one."""
    columns: dict[float, list[float]] = defaultdict(list)
    for x, y in map(_rounded, places):
        columns[x].append(y)
    alike: dict[tuple[float, int, float], list[float]] = defaultdict(list)
    for x, ys in columns.items():
        for y, count, step in _progressions(sorted(ys)):
            alike[(y, count, step)].append(x)
    return [
        ((x, y), (along, count), (step_x, step_y))
        for (y, count, step_y), xs in alike.items()
        for x, along, step_x in _progressions(sorted(xs))
    ]


def _progressions(values: list[float]) -> list[tuple[float, int, float]]:
    """(first, count, step): one arithmetic progression where the sorted values are one, else each on its own."""
    if len(values) > 1:
        step = (values[-1] - values[0]) / (len(values) - 1)
        if np.allclose(values, values[0] + step * np.arange(len(values)), rtol=0, atol=5e-5):
            return [(values[0], len(values), step)]
    return [(value, 1, 0.0) for value in values]
