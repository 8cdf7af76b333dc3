"""The picture of a spiral with its dimensions: plan with radii, both ends with their ports, section, table."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import LineString, Polygon, box
from shapely.affinity import affine_transform

from geometries.drafting import EDGE, FLUID, INK, TEXT, UM, dimension, extension, flow_arrow, value
from geometries.outline import Point
from geometries.spiral_plan import Fork

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geometries.spiral import Spiral

_FAINT: dict[str, Any] = {"fontsize": 9, "color": "#5b6b7a"}


def spiral(device: Spiral, figure: Figure) -> None:
    """Draw a spiral on a figure of 10 by 8.6 inches."""
    figure.text(0.03, 0.963, "Spiral", fontsize=15, fontweight="bold", color=INK)
    figure.text(
        0.115, 0.965, "channel from above, its ends, and its section with the inner wall on the left", **TEXT
    )
    channel = device.channel().frame.polygon(0.1)
    _plan(device, channel, figure.add_axes((0.005, 0.3, 0.6, 0.64)))
    _end(device, channel, "inlet", figure.add_axes((0.61, 0.635, 0.385, 0.3)))
    _end(device, channel, "outlet", figure.add_axes((0.61, 0.32, 0.385, 0.3)))
    _section(device, figure.add_axes((0.01, 0.02, 0.5, 0.26)))
    _table(device, figure)


def _fill(axes: Axes, shape: Polygon) -> None:
    """What is fluid, with its walls."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    for part in getattr(shape, "geoms", [shape]):
        rings = [part.exterior, *part.interiors]
        path = Path.make_compound_path(*(Path(np.asarray(r.coords)) for r in rings))
        axes.add_patch(PathPatch(path, facecolor=FLUID, edgecolor=EDGE, lw=0.8))


# -- plan -----------------------------------------------------------------------------------------------------------------
def _plan(device: Spiral, channel: Polygon, axes: Axes) -> None:
    """The whole channel; the labels stand in the corners, which a spiral leaves free."""
    _fill(axes, channel)
    x0, y0, x1, y1 = channel.bounds
    unit = 0.01 * max(x1 - x0, y1 - y0)
    axes.set(xlim=(x0 - 4 * unit, x1 + 4 * unit), ylim=(y0 - 11 * unit, y1 + 11 * unit), aspect="equal")
    axes.axis("off")
    curve = device.plan.curve
    axes.plot([0], [0], marker="+", color=INK, ms=7)
    curve, said = device.plan.curve, []
    for angle, name, size in (
        (0.0, "inner", device.inner_radius),
        (curve.angle, "outer", device.outer_radius),
    ):
        x, y = (float(v) for v in curve.points(angle))
        dimension(axes, (0.0, 0.0), (x, y), "", (0.0, 0.0))
        said.append((f"{name} radius {value(size, 'mm')}", (0.6 * x, 0.6 * y)))
    for at, name in device.branches_at.items():
        middle = getattr(device.plan, at).polygon.representative_point()
        said.append((name.replace("_widths", _plural(getattr(device, name))), (middle.x, middle.y)))
    _in_the_corners(axes, said, (x0 + 11 * unit, y0 - 7 * unit, x1 - 11 * unit, y1 + 7 * unit))


def _plural(widths: tuple[float, ...]) -> str:
    return "s" if len(widths) > 1 else ""


def _in_the_corners(
    axes: Axes, said: list[tuple[str, Point]], corners: tuple[float, float, float, float]
) -> None:
    """Four labels with arrows to what they name, so in the four corners that few arrows cross, and these are short."""
    x0, y0, x1, y1 = corners
    places = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]

    def badness(order: tuple[Point, ...]) -> tuple[int, float]:
        lines = [LineString([place, target]) for place, (_, target) in zip(order, said, strict=True)]
        crossings = sum(a.crosses(b) for a, b in itertools.combinations(lines, 2))
        return crossings, sum(line.length for line in lines)

    best = min(itertools.permutations(places), key=badness)
    for (label, target), place in zip(said, best, strict=True):
        axes.annotate("", target, place, arrowprops={"arrowstyle": "->", "color": INK, "lw": 0.8})
        axes.text(*place, label, ha="center", va="top" if place[1] == y0 else "bottom", **TEXT)


# -- ends -----------------------------------------------------------------------------------------------------------------
def _end(device: Spiral, channel: Polygon, what: str, axes: Axes) -> None:
    """The branches to the ports, turned so that the flow runs from left to right."""
    at = next(place for place, name in device.branches_at.items() if name.startswith(what))
    end: Fork = getattr(device.plan, at)
    first, last = np.array(end.corners[0]), np.array(end.corners[-1])
    middle, inward = (first + last) / 2, (last - first) / np.linalg.norm(last - first)
    turn = (
        -1 if at == "outer" else 1
    )  # the inner side lies on the left of the way out, on the right of the way back
    along = (
        turn * np.array([-inward[1], inward[0]])
        if what == "outlet"
        else -turn * np.array([-inward[1], inward[0]])
    )
    matrix = np.array([along, [-along[1], along[0]]])
    shift = -matrix @ middle
    turned = [*matrix.ravel(), *shift]
    branches = affine_transform(end.polygon, turned)
    widths, names = getattr(device, f"{what}_widths"), device.inlets if what == "inlet" else device.outlets
    size, side = sum(widths) / UM, 1 if what == "outlet" else -1
    x0, y0, x1, y1 = branches.bounds
    behind = 1.6 * size
    view = (x0 - behind, y0, x1, y1) if side > 0 else (x0, y0, x1 + behind, y1)
    wide = 0.62 * (view[2] - view[0])  # for the names of the ports
    _fill(
        axes,
        affine_transform(channel, turned).intersection(box(*view).buffer(0.35 * size, join_style="mitre")),
    )
    xlim = (view[0] - 0.3 * size, view[2] + wide) if side > 0 else (view[0] - wide, view[2] + 0.3 * size)
    axes.set(xlim=xlim, ylim=(y0 - 0.7 * size, y1 + 0.9 * size), aspect="equal")
    axes.axis("off")
    axes.set_title(f"{what}{_plural(widths)}, at the {at} end of the spiral", **TEXT)
    for name, width in zip(names, widths, strict=True):
        k = end.names.index(name)
        corners = np.array(end.corners[k : k + 2]) @ matrix.T + shift
        x = side * float((side * corners[:, 0]).max()) + side * 0.08 * size
        said = f"{name.removeprefix(what).strip('_') or what} {value(width, 'um')}"
        axes.text(x, corners[:, 1].mean(), said, ha="left" if side > 0 else "right", va="center", **TEXT)
    start = -side * 1.5 * size
    flow_arrow(axes, (min(start, start + side * 1.1 * size), 0), (max(start, start + side * 1.1 * size), 0))
    up = float((matrix @ inward)[1]) > 0
    for sign, wall in ((1, "inner wall"), (-1, "outer wall")):
        y = (1 if up else -1) * sign * (0.5 * device.width / UM + 0.25 * size)
        axes.text(-side * 0.6 * size, y, wall, ha="center", va="bottom" if y > 0 else "top", **_FAINT)


# -- section and table ----------------------------------------------------------------------------------------------------
def _section(device: Spiral, axes: Axes) -> None:
    """To scale, inner wall on the left."""
    from matplotlib.patches import Polygon as Patch

    width, (inner, outer) = device.width / UM, (h / UM for h in device.heights)
    high = max(inner, outer)
    axes.add_patch(
        Patch([(0, 0), (width, 0), (width, outer), (0, inner)], facecolor=FLUID, edgecolor=EDGE, lw=1.0)
    )
    unit = 0.01 * max(width, 3 * high)
    reach = 34 * unit
    axes.set(xlim=(-reach, width + reach), ylim=(-16 * unit, high + 16 * unit), aspect="equal")
    axes.axis("off")
    axes.text(width / 2, high + 9 * unit, "section, to scale", ha="center", va="bottom", **TEXT)
    y = -4 * unit
    for x in (0.0, width):
        extension(axes, (x, 0), (x, y - unit))
    dimension(axes, (0, y), (width, y), f"width {value(device.width, 'um')}", (0, -2 * unit), "center", "top")
    for x, side, height, name in ((0.0, -1, inner, "inner"), (width, 1, outer, "outer")):
        ha = "left" if side < 0 else "right"
        axes.text(x, high + 2 * unit, f"{name} wall", ha=ha, va="bottom", **_FAINT)
        if device.height is not None and side < 0:
            continue  # one height is enough for a rectangle
        at, label = x + side * 4 * unit, "height" if device.height is not None else f"{name} height"
        for level in (0.0, height):
            extension(axes, (x, level), (at + side * unit, level))
        ends, ha = ((at, 0.0), (at, height)), "left" if side > 0 else "right"
        dimension(axes, *ends, f"{label}\n{value(height * UM, 'um')}", (side * 2 * unit, 0), ha)


def _table(device: Spiral, figure: Figure) -> None:
    x, y = (value(v, "mm") for v in device.footprint)
    wall = (
        "no winding beside another"
        if math.isinf(device.wall)
        else f"{value(device.wall, 'um')} between windings"
    )
    lines = [
        ("length", f"{value(device.length, 'mm')} along the centre-line"),
        ("turns", f"{device.turns:.4g}, the flow runs {device.direction}"),
        ("pitch", f"{value(device.pitch, 'um')} a turn, {wall}" if math.isfinite(device.wall) else wall),
        (
            "section",
            f"{device.area * 1e12:,.0f} µm², hydraulic diameter {value(device.hydraulic_diameter, 'um')}",
        ),
        ("footprint", f"{x} x {y} with the branches"),
    ]
    for i, (name, said) in enumerate(lines):
        y_ = 0.235 - 0.038 * i
        figure.text(0.53, y_, name, **_FAINT)
        figure.text(0.615, y_, said, **TEXT)
