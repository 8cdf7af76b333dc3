"""From a device to files for other people's tools: mesh, solid, mask and picture of the same piece of it.

All files of one export show the same block of a device (:class:`geometries.part.Part`). Of a chip, with the origin at the tip of
its first pillar::

      y ^   +--------- symmetry ---------+
        |   |  <|#   <|#        ...      |        frame: inlet, symmetry, outlet
        | inlet    <|#      pillars    outlet     solids: pillars (they may reach over the frame)
        |   |  <|#   <|#        ...      |        fluid: what the frame encloses without the solids
        +-- +--------- symmetry ---------+ --> x, along the flow

Of a filter the plan of the membrane, with the origin in the lower left corner (of a unit cell: the middle of its pore).
``solids`` are then the openings ``pore``, through which the flow runs along z, into the page.

Of a spiral the whole channel (``array``) or a quarter turn of it (``cell``), with the origin in the middle of the spiral; the
frame is its ``wall`` and its ports, and there are no solids.

=====  ==========================  ================================================================================
file   length unit                 what is in it
=====  ==========================  ================================================================================
.msh   um                          gmsh 4.1, second order, 2-D and 3-D; regions as physical groups
.vtu   um                          the same meshes; cell data ``region`` (0 fluid) and one 0/1 array per region name
.step  mm, as STEP says (um kept)  channel: fluid as a solid (what SU-8 fills on a master); filter: the plate; arcs exact
.dxf   um ($INSUNITS 13)           one layer a name; solids as closed polylines whose bulges are exact arcs
.gds   um, on a grid of 1 nm       ``LAYERS``; equal solids are one cell, placed by array references
.svg   um in the viewBox           one group a name, arcs exact
=====  ==========================  ================================================================================

Splines (a slanted bore's ellipse too), and in GDS arcs, become chords within the chord tolerance.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from geometries.device import Device
from geometries.files import all_or_nothing
from geometries.mesh import Mesh, Resolution, TooManyCells, gmsh_session
from geometries.outline import CHORD_TOLERANCE, Arc, Line, Loop, Outline, Point, Segment
from geometries.part import Part
from geometries.quantities import DesignError

#: Layer table of the masks, as (layer, datatype) in GDS. Channel or membrane is ``frame`` without ``solids``; names of the
#: frame's sides are labels on the layer of the frame.
LAYERS = {"frame": (10, 0), "solids": (1, 0)}

#: What can be exported: the unit cell, and a block of an array of the size asked for.
PARTS = ("cell", "array")

_MOST_TETRAHEDRA = 2_000_000
# Of the narrowest channel: chords of 1 nm would make files of a long spiral four times as large, to no use.
_SMOOTH = 5e-5
# All that a boundary of GDS II may have; longer polygons are cut.
_MOST_VERTICES = 8190
# A fixed date, so that the same design gives the same bytes.
_DATE = datetime(2000, 1, 1)


def export(
    device: Device,
    formats: str | Iterable[str] = ("msh", "step", "dxf", "gds", "svg", "vtu"),
    directory: str | Path = ".",
    *,
    what: str | Iterable[str] = PARTS,
    block: Any = None,
    resolution: Resolution | None = None,
    chord_tolerance: float | None = None,
) -> list[Path]:
    """Write a device's drawing for other tools; either all files or none are written.

    Args:
        device: The device.
        formats: Endings of the files wanted: msh, step, dxf, gds, svg, vtu.
        directory: Folder to write to; made when it is not there.
        what: ``"cell"`` (the unit cell), ``"array"`` (an array block), or both.
        block: Size of the array block: lateral pitches and rows of a chip, pores of a filter; left out: the device's own.
        resolution: Of the meshes; left out: fine for a cell, coarser for an array.
        chord_tolerance: Largest distance between an arc and its chords where chords are needed, um; left out: 1 nm, or 1/20000 of
            the narrowest channel where that is more.

    Returns:
        The files written, e.g. ``cluster_chip_cell_2d.msh``, ``cluster_chip_array_8x8.gds``.

    Raises:
        DesignError: Unknown part or format, a block that the device does not have, or a folder that cannot be written.
        MeshError: No usable mesh.
    """
    parts, endings = _chosen("what", what, PARTS), _chosen("format", formats, tuple(FORMATS))
    jobs = []
    for name in parts:
        part = device.part(name, block if name == "array" else None)
        tolerance = (
            max(CHORD_TOLERANCE, _SMOOTH * part.plan.throat) if chord_tolerance is None else chord_tolerance
        )
        drawing = Drawing(f"{device.kind}_{part.name}", part, resolution, tolerance)
        jobs += [(drawing, ending) for ending in endings]
    target = Path(directory)
    with all_or_nothing(target) as beside:
        names = [name for drawing, ending in jobs for name in FORMATS[ending](drawing, beside)]
    return [target / name for name in names]


def _chosen(field: str, value: str | Iterable[str], known: tuple[str, ...]) -> list[str]:
    chosen = list(dict.fromkeys([value] if isinstance(value, str) else value))
    for item in chosen:
        if item not in known:
            raise DesignError(f'{field} = "{item}" is not known; choose from {", ".join(known)}')
    return chosen


@dataclass(frozen=True)
class Drawing:
    """One block under the name of its files; the meshes are made once for all formats."""

    stem: str
    part: Part
    resolution: Resolution | None
    chord_tolerance: float

    @property
    def outline(self) -> Outline:
        """Its plan."""
        return self.part.plan

    @cached_property
    def meshes(self) -> dict[str, Mesh]:
        """Its meshes, by what is added to the file name."""
        try:
            return self.part.mesh(self.resolution, _MOST_TETRAHEDRA)
        except TooManyCells as error:
            raise DesignError(
                f"block = {self.stem} is too large to mesh: {error}; export a smaller block"
            ) from None


# -- meshes ---------------------------------------------------------------------------------------------------------------
def _write_msh(drawing: Drawing, folder: Path) -> list[str]:
    names = []
    for dim, mesh in drawing.meshes.items():
        names.append(f"{drawing.stem}_{dim}.msh")
        mesh.write_msh(folder / names[-1])
    return names


def _write_vtu(drawing: Drawing, folder: Path) -> list[str]:
    import meshio

    names = []
    for dim, mesh in drawing.meshes.items():
        names.append(f"{drawing.stem}_{dim}.vtu")
        kind, cells = mesh.vtk_cells
        kinds = (kind, "triangle6" if mesh.dim == 3 else "line3")
        inside = np.zeros(len(cells), dtype=np.int32)
        data = {"region": [inside, mesh.facet_regions]}
        for name, number in {"fluid": 0, **mesh.regions}.items():
            data[name] = [(part == number).astype(np.int8) for part in data["region"]]
        meshio.Mesh(mesh.points, [(kinds[0], cells), (kinds[1], mesh.facets)], cell_data=data).write(
            folder / names[-1]
        )
    return names


# -- solid ----------------------------------------------------------------------------------------------------------------
def _write_step(drawing: Drawing, folder: Path) -> list[str]:
    name = f"{drawing.stem}.step"
    with gmsh_session() as gmsh, _silent():
        unit = gmsh.option.getString("Geometry.OCCTargetUnit")
        gmsh.model.add(drawing.stem)
        drawing.part.solid(gmsh)
        gmsh.model.occ.synchronize()
        # The model is in um; OpenCASCADE then writes the millimetres that the file speaks of.
        gmsh.option.setString("Geometry.OCCTargetUnit", "UM")
        try:
            gmsh.write(str(folder / name))
        finally:
            gmsh.option.setString("Geometry.OCCTargetUnit", unit)
    return [name]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """OpenCASCADE's STEP writer prints statistics to the terminal past gmsh's own switch."""
    kept = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


# -- masks ----------------------------------------------------------------------------------------------------------------
def _write_dxf(drawing: Drawing, folder: Path) -> list[str]:
    import ezdxf

    document = ezdxf.new("R2010", units=13)  # 13: micrometres
    space = document.modelspace()
    loops = (drawing.outline.frame, *drawing.outline.solids)
    for name in sorted({s.name for loop in loops for s in loop.segments}):
        document.layers.add(name)
    for loop in loops:
        for name, segments, closed in _runs(loop):
            vertices = [v for s in segments for v in _bulged(s, drawing.chord_tolerance)]
            if not closed:
                vertices.append((*segments[-1].end, 0.0))
            space.add_lwpolyline(vertices, format="xyb", close=closed, dxfattribs={"layer": name})
    document.saveas(folder / f"{drawing.stem}.dxf")
    return [f"{drawing.stem}.dxf"]


def _runs(loop: Loop) -> list[tuple[str, tuple[Segment, ...], bool]]:
    """Name, segments and closedness of the chains of one name that a loop is made of."""
    if len({s.name for s in loop.segments}) == 1:
        return [(loop.segments[0].name, loop.segments, True)]
    return [(s.name, (s,), False) for s in loop.segments]


def _bulged(segment: Segment, tolerance: float) -> list[tuple[float, float, float]]:
    """Vertices (x, y, bulge) without the last; the bulge of an arc is the tangent of a quarter of its sweep."""
    if isinstance(segment, Arc):
        return [(*segment.start, math.tan(segment.sweep / 4))]
    return [(*p, 0.0) for p in segment.points(tolerance)]


def _write_gds(drawing: Drawing, folder: Path) -> list[str]:
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


# -- picture --------------------------------------------------------------------------------------------------------------
_FLOW = {False: "from the inlet to the outlet", True: "into the page"}
_COLOURS = {
    "fluid": "#dcecf7", "membrane": "#9fb3c8", "inlet": "#2f7d32", "outlet": "#b3541e", "symmetry": "#8a8a8a",
    "symmetry_x": "#8a8a8a", "symmetry_y": "#8a8a8a", "inlet_sample": "#2f7d32", "inlet_sheath": "#7fb069",
    "outlet_inner": "#b3541e", "outlet_outer": "#d99a5b",
}  # fmt: skip


def _write_svg(drawing: Drawing, folder: Path) -> list[str]:
    frame, throat = drawing.outline.frame, drawing.outline.throat
    x0, y0, x1, y1 = frame.polygon().bounds
    margin = throat / 2
    box = (x0 - margin, -y1 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin)
    svg = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg", version="1.1", width="1000")
    svg.set("viewBox", " ".join(f"{v:.6g}" for v in box))
    ElementTree.SubElement(svg, "title").text = drawing.stem
    ElementTree.SubElement(
        svg, "desc"
    ).text = f"One unit of the viewBox is 1 um; flow runs {_FLOW[drawing.outline.plate]}."
    tolerance = drawing.chord_tolerance
    if drawing.outline.solids:
        defs = ElementTree.SubElement(svg, "defs")
        clip = ElementTree.SubElement(defs, "clipPath", id="frame")
        ElementTree.SubElement(clip, "path", d=_path(frame.segments, tolerance, closed=True))
    upward = ElementTree.SubElement(svg, "g", transform="scale(1,-1)", fill="none")
    upward.set("stroke-width", f"{throat / 30:.4g}")
    base = "membrane" if drawing.outline.plate else "fluid"
    ground = ElementTree.SubElement(upward, "g", id=base, fill=_COLOURS[base])
    ElementTree.SubElement(ground, "path", d=_path(frame.segments, tolerance, closed=True))
    # Solids are cut off at the frame, whose named sides are then drawn over them.
    for loops, cut in ((drawing.outline.solids, True), ((frame,), False)):
        groups: dict[str, ElementTree.Element] = {}
        for name, segments, closed in (run for loop in loops for run in _runs(loop)):
            if name not in groups:
                groups[name] = ElementTree.SubElement(
                    upward, "g", id=name, stroke=_COLOURS.get(name, "#33475b")
                )
                if cut:
                    groups[name].set("clip-path", "url(#frame)")
                    groups[name].set("fill", _COLOURS["fluid" if drawing.outline.plate else "membrane"])
            ElementTree.SubElement(groups[name], "path", d=_path(segments, tolerance, closed=closed))
    ElementTree.indent(svg)
    ElementTree.ElementTree(svg).write(folder / f"{drawing.stem}.svg", encoding="utf-8", xml_declaration=True)
    return [f"{drawing.stem}.svg"]


def _path(segments: Iterable[Segment], tolerance: float, *, closed: bool) -> str:
    def at(p: Point) -> str:
        return f"{p[0]:.9g} {p[1]:.9g}"

    chain = list(segments)
    words = [f"M {at(chain[0].start)}"]
    for s in chain:
        if isinstance(s, Arc):
            # Flags: more than half a turn; rising angle (the group's mirror turns the sense of both alike).
            large, rising = int(abs(s.sweep) > math.pi), int(s.ccw)
            words.append(f"A {s.radius:.9g} {s.radius:.9g} 0 {large} {rising} {at(s.end)}")
        else:
            words += [f"L {at(p)}" for p in (*s.points(tolerance)[1:], s.end)]
    return " ".join(words + (["Z"] if closed else []))


#: Every format by the ending of its files; each writer returns the names of its files.
FORMATS: dict[str, Callable[[Drawing, Path], list[str]]] = {
    "msh": _write_msh,
    "step": _write_step,
    "dxf": _write_dxf,
    "gds": _write_gds,
    "svg": _write_svg,
    "vtu": _write_vtu,
}
