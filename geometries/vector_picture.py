"""The picture of a piece of a device as SVG, as :mod:`geometries.cad` says what is in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from geometries.lattices import Copies
from geometries.masks import runs
from geometries.outline import Arc, Loop, Point, Segment
from geometries.part import Drawing

_FLOW = {False: "from the inlet to the outlet", True: "into the page"}
_COLOURS = {
    "fluid": "#dcecf7", "membrane": "#9fb3c8", "inlet": "#2f7d32", "outlet": "#b3541e", "symmetry": "#8a8a8a",
    "symmetry_x": "#8a8a8a", "symmetry_y": "#8a8a8a", "inlet_sample": "#2f7d32", "inlet_sheath": "#7fb069",
    "outlet_inner": "#b3541e", "outlet_outer": "#d99a5b",
}  # fmt: skip
_INK = {"fill": "#1d2a36"}
_DETAILS = {
    "slide": {"stroke": "#8a8a8a", "fill": "#ffffff", "stroke-width": "60"},
    "marks": _INK,
    "labels": _INK,
    "ports": {"stroke": "#b3541e", "fill": "#ffffff", "stroke-width": "60"},
}


def write_svg(drawing: Drawing, folder: Path) -> list[str]:
    """Write SVG: one group a name, arcs exact, copies by reference."""
    frame, throat, part = drawing.outline.frame, drawing.outline.throat, drawing.part
    x0, y0, x1, y1 = _bounds((frame, *part.details))
    margin = throat / 2
    box = (x0 - margin, -y1 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin)
    svg = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg", version="1.1", width="1000")
    svg.set("viewBox", " ".join(f"{v:.6g}" for v in box))
    ElementTree.SubElement(svg, "title").text = drawing.stem
    flows = "" if part.details else f"; flow runs {_FLOW[drawing.outline.plate]}"
    ElementTree.SubElement(svg, "desc").text = f"One unit of the viewBox is 1 um{flows}."
    tolerance, defs = drawing.chord_tolerance, ElementTree.SubElement(svg, "defs")
    clip = ElementTree.SubElement(defs, "clipPath", id="frame")
    ElementTree.SubElement(clip, "path", d=_path(frame.segments, tolerance, closed=True))
    upward = ElementTree.SubElement(svg, "g", transform="scale(1,-1)", fill="none")
    upward.set("stroke-width", f"{throat / 30:.4g}")
    _draw(upward, (loop for loop in part.details if loop.segments[0].name == "slide"), tolerance)
    base = "membrane" if drawing.outline.plate else "fluid"
    ground = ElementTree.SubElement(upward, "g", id=base, fill=_COLOURS[base])
    ElementTree.SubElement(ground, "path", d=_path(frame.segments, tolerance, closed=True))
    # Solids are cut off at the frame, whose named sides are then drawn over them.
    solid = _COLOURS["fluid" if drawing.outline.plate else "membrane"]
    cut = {"clip-path": "url(#frame)", "fill": solid}
    _draw(upward, drawing.outline.solids, tolerance, cut)
    _copy(upward, defs, part.copies, tolerance, cut)
    # The border of a whole chip is a wall like those within it.
    _draw(upward, (frame,), tolerance, {"id": "border"} if part.details else {})
    _draw(upward, (loop for loop in part.details if loop.segments[0].name != "slide"), tolerance)
    ElementTree.indent(svg)
    ElementTree.ElementTree(svg).write(folder / f"{drawing.stem}.svg", encoding="utf-8", xml_declaration=True)
    return [f"{drawing.stem}.svg"]


def _bounds(loops: Iterable[Loop]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = zip(*(loop.polygon(1.0).bounds for loop in loops), strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _draw(
    parent: ElementTree.Element,
    loops: Iterable[Loop],
    tolerance: float,
    style: dict[str, str] | None = None,
) -> None:
    """A group for each name in the loops."""
    groups: dict[str, ElementTree.Element] = {}
    for name, segments, closed in (run for loop in loops for run in runs(loop)):
        if name not in groups:
            colours = _DETAILS.get(name, {"stroke": _COLOURS.get(name, "#33475b")})
            groups[name] = ElementTree.SubElement(parent, "g", {"id": name, **colours, **(style or {})})
        ElementTree.SubElement(groups[name], "path", d=_path(segments, tolerance, closed=closed))


def _copy(
    parent: ElementTree.Element,
    defs: ElementTree.Element,
    copies: Iterable[Copies],
    tolerance: float,
    style: dict[str, str],
) -> None:
    """Each shape once; lattices of it as rectangles filled with a pattern, which viewers draw far quicker than references."""
    for number, one in enumerate(copies):
        group = parent.find(f"g[@id='{one.name}']")
        if group is None:
            group = ElementTree.SubElement(parent, "g", {"id": one.name, **style})
        name, box = f"{one.name}-{number}", one.shape.polygon().bounds
        shape = ElementTree.SubElement(
            defs, "path", id=name, d=_path(one.shape.segments, tolerance, closed=True)
        )
        shape.set("fill", style["fill"])
        patterns: dict[Point, str] = {}
        for lattice in one.lattices:
            place = {"transform": f"translate({_number(lattice.origin[0])} {_number(lattice.origin[1])})"}
            if lattice.count == 1:
                ElementTree.SubElement(group, "use", {"href": f"#{name}", **place})
                continue
            tile = _tile(lattice.steps, box)
            if lattice.steps not in patterns:
                patterns[lattice.steps] = f"{name}-by-{len(patterns)}"
                pattern = ElementTree.SubElement(
                    defs,
                    "pattern",
                    {"id": patterns[lattice.steps], "patternUnits": "userSpaceOnUse", **_box(*tile)},
                )
                # What is in a pattern is seen from its tile's corner.
                shift = f"translate({_number(-tile[0])} {_number(-tile[1])})"
                ElementTree.SubElement(pattern, "use", {"href": f"#{name}", "transform": shift})
            x, y, width, height = tile
            size = (x, y, width * lattice.counts[0], height * lattice.counts[1])
            fill = {"fill": f"url(#{patterns[lattice.steps]})"}
            ElementTree.SubElement(group, "rect", {**_box(*size), **fill, **place})


def _tile(steps: Point, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Corner and size of the tile about a shape: a step along either side, where there is one."""
    width, height = (step or high - low for step, low, high in zip(steps, box[:2], box[2:], strict=True))
    return (box[0] + box[2] - width) / 2, (box[1] + box[3] - height) / 2, width, height


def _box(x: float, y: float, width: float, height: float) -> dict[str, str]:
    return {"x": _number(x), "y": _number(y), "width": _number(width), "height": _number(height)}


def _number(value: float) -> str:
    return f"{value:.10g}"


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
