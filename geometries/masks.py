"""Masks of a piece of a device: DXF and GDS II, as :mod:`geometries.cad` says what is in them.

Layers of a whole chip: GDS by number, DXF by name.

==========  ======  ===========================  ================================================================================
GDS         what    DXF                          what is on it
==========  ======  ===========================  ================================================================================
10/0        frame   ``wall``                     the channels (of a filter: the spot) as one area
1/0         solids  ``pillars``, ``posts``,      what stands in the channels: pillars, posts, walls that channels go around; of a
                    ``wall``; ``pore``           filter its pores. Channel or membrane is ``frame`` without ``solids``
20/0        ports   ``ports``                    holes for tubes
30/0        marks   ``marks``                    alignment marks
31/0        labels  ``labels``                   letters, as polygons
40/0        slide   ``slide``                    the slide's border
==========  ======  ===========================  ================================================================================
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from geometries.lattices import Copies, Lattice, lattices, rounded
from geometries.outline import Arc, Line, Loop, Point, Segment
from geometries.part import Drawing

#: Layer table of the masks, as (layer, datatype) in GDS; names of the frame's sides are labels on the layer of the frame.
LAYERS = {
    "frame": (10, 0),
    "solids": (1, 0),
    "ports": (20, 0),
    "marks": (30, 0),
    "labels": (31, 0),
    "slide": (40, 0),
}

# All that a boundary of GDS II may have; longer polygons are cut.
_MOST_VERTICES = 8190
# A fixed date, so that the same design gives the same bytes.
_DATE = datetime(2000, 1, 1)


def write_dxf(drawing: Drawing, folder: Path) -> list[str]:
    """Write DXF: one layer a name, solids as closed polylines with arcs as bulges, copies as arrays of a block."""
    import ezdxf

    with _fixed_dates(ezdxf.options):
        document = ezdxf.new("R2010", units=13)  # 13: micrometres
        space, part = document.modelspace(), drawing.part
        loops = (drawing.outline.frame, *drawing.outline.solids, *part.details)
        names = {s.name for loop in loops for s in loop.segments} | {c.name for c in part.copies}
        for name in sorted(names):
            document.layers.add(name)
        for loop in loops:
            _draw(space, loop, drawing.chord_tolerance)
        for number, copies in enumerate(part.copies):
            block = document.blocks.new(f"{copies.name.upper()}_{number}")
            _draw(block, copies.shape, drawing.chord_tolerance)
            for lattice in copies.lattices:
                space.add_blockref(block.name, lattice.origin, {"layer": copies.name, **_repeats(lattice)})
        document.saveas(folder / f"{drawing.stem}.dxf")
    return [f"{drawing.stem}.dxf"]


def _repeats(lattice: Lattice) -> dict[str, float]:
    """The attributes of an insert that is an array."""
    if lattice.count == 1:
        return {}
    names = ("column_count", "row_count", "column_spacing", "row_spacing")
    return dict(zip(names, (*lattice.counts, *lattice.steps), strict=True))


@contextlib.contextmanager
def _fixed_dates(options: Any) -> Iterator[None]:
    """The same design gives the same bytes."""
    kept = options.write_fixed_meta_data_for_testing
    options.write_fixed_meta_data_for_testing = True
    try:
        yield
    finally:
        options.write_fixed_meta_data_for_testing = kept


def _draw(space: Any, loop: Loop, tolerance: float) -> None:
    for name, segments, closed in runs(loop):
        vertices = [v for s in segments for v in _bulged(s, tolerance)]
        if not closed:
            vertices.append((*segments[-1].end, 0.0))
        space.add_lwpolyline(vertices, format="xyb", close=closed, dxfattribs={"layer": name})


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
    """Write GDS II: equal solids and copies are one cell, placed by array references."""
    import gdstk

    library = gdstk.Library(drawing.stem, unit=1e-6, precision=1e-9)
    top = library.new_cell(drawing.stem.upper())
    tolerance, frame = drawing.chord_tolerance, LAYERS["frame"]
    top.add(_polygon(drawing.outline.frame, tolerance, "frame"))
    for loop in drawing.part.details:
        top.add(_polygon(loop, tolerance, loop.segments[0].name))
    if not drawing.part.details:
        for s in drawing.outline.frame.segments:
            top.add(gdstk.Label(s.name, _on(s, tolerance), layer=frame[0], texttype=frame[1]))
    for number, copies in enumerate([*_equal_loops(drawing.outline.solids), *drawing.part.copies]):
        cell = library.new_cell(f"{copies.name.upper()}_{number}")
        cell.add(_polygon(copies.shape, tolerance, "solids"))
        layer, datatype = LAYERS["solids"]
        cell.add(gdstk.Label(copies.name, copies.shape.segments[0].start, layer=layer, texttype=datatype))
        for lattice in copies.lattices:
            columns, rows = lattice.counts
            top.add(gdstk.Reference(cell, lattice.origin, columns=columns, rows=rows, spacing=lattice.steps))
    library.write_gds(folder / f"{drawing.stem}.gds", max_points=_MOST_VERTICES, timestamp=_DATE)
    return [f"{drawing.stem}.gds"]


def _polygon(loop: Loop, tolerance: float, layer: str) -> Any:
    import gdstk

    points = [p for s in loop.segments for p in s.points(tolerance)]
    return gdstk.Polygon(points, layer=LAYERS[layer][0], datatype=LAYERS[layer][1])


def _on(segment: Segment, tolerance: float) -> Point:
    """A point amid a side: between the ends of a curved one there is none of its points."""
    if isinstance(segment, Line):
        return (segment.start[0] + segment.end[0]) / 2, (segment.start[1] + segment.end[1]) / 2
    points = segment.points(tolerance)
    return points[len(points) // 2]


def _equal_loops(loops: Iterable[Loop]) -> list[Copies]:
    """Loops that are copies of each other, as the shape at the origin and the places of its copies."""
    groups: dict[Any, list[Point]] = defaultdict(list)
    shapes: dict[Any, Loop] = {}
    for loop in loops:
        x, y = loop.segments[0].start
        key = tuple(
            (s.name, rounded(s.start, (x, y)), rounded(s.end, (x, y)), _bend(s, (x, y)))
            for s in loop.segments
        )
        if key not in shapes:
            shapes[key] = loop.moved(-x, -y)
        groups[key].append((x, y))
    return [Copies(shapes[key], lattices(places)) for key, places in groups.items()]


def _bend(segment: Segment, origin: Point) -> tuple[float, ...]:
    """What tells segments between the same two points apart."""
    if isinstance(segment, Arc):
        return (*rounded(segment.centre, origin), segment.ccw)
    return () if isinstance(segment, Line) else tuple(c for k in segment.knots for c in rounded(k, origin))
