"""The picture of a piece of a device as SVG, as :mod:`geometries.cad` says what is in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from geometries.masks import runs
from geometries.outline import Arc, Point, Segment
from geometries.part import Drawing

_FLOW = {False: "from the inlet to the outlet", True: "into the page"}
_COLOURS = {
    "fluid": "#dcecf7", "membrane": "#9fb3c8", "inlet": "#2f7d32", "outlet": "#b3541e", "symmetry": "#8a8a8a",
    "symmetry_x": "#8a8a8a", "symmetry_y": "#8a8a8a", "inlet_sample": "#2f7d32", "inlet_sheath": "#7fb069",
    "outlet_inner": "#b3541e", "outlet_outer": "#d99a5b",
}  # fmt: skip


def write_svg(drawing: Drawing, folder: Path) -> list[str]:
    """Write SVG: one group a name, arcs exact."""
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
        for name, segments, closed in (run for loop in loops for run in runs(loop)):
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
