"""What dimensioned drawings are made of: colours, values with units, double arrows, extension lines, filled outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geometries.outline import Loop, Outline, Point
from geometries.quantities import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UM = 1e-6
FLUID, SOLID, EDGE, INK = "#e6f1f9", "#a9bccd", "#33475b", "#1d2a36"
CELL, CELL_EDGE = "#f2b8a0", "#b3541e"
TEXT: dict[str, Any] = {"fontsize": 9.5, "color": INK}
_HALO = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def value(number: float, unit: str, digits: int = 4) -> str:
    """An SI number with its unit, as drawings write it."""
    return show(number, unit, digits).replace("um", "µm")


def fill(axes: Axes, drawing: Outline | list[Loop], view: tuple[float, float, float, float]) -> None:
    """Fluid and solids, cut off at the view."""
    from matplotlib.patches import Polygon, Rectangle

    x0, y0, x1, y1 = view
    border = axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=FLUID, edgecolor="none"))
    for loop in drawing.solids if isinstance(drawing, Outline) else drawing:
        shape = axes.add_patch(
            Polygon(loop.polygon().exterior.coords, facecolor=SOLID, edgecolor=EDGE, lw=1.0)
        )
        shape.set_clip_path(border)


def point_at(axes: Axes, label: str, target: Point, place: Point, va: str) -> None:
    """A label with an arrow to what it names."""
    arrow = {"arrowstyle": "->", "color": INK}
    axes.annotate(label, target, place, ha="center", va=va, arrowprops=arrow, **TEXT)


def extension(axes: Axes, start: Point, end: Point) -> None:
    """A dashed line from a drawing to the arrow of its dimension."""
    axes.plot([start[0], end[0]], [start[1], end[1]], color=INK, lw=0.5, ls=(0, (4, 3)), clip_on=False)


def dimension(
    axes: Axes, start: Point, end: Point, label: str, offset: Point, ha: str = "center", va: str = "center"
) -> None:
    """A double arrow with its label, set off from the middle of the arrow."""
    style = {
        "arrowstyle": "<|-|>,head_width=0.2,head_length=0.35",
        "lw": 1.0,
        "color": INK,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", end, start, arrowprops=style, annotation_clip=False)
    x, y = (start[0] + end[0]) / 2 + offset[0], (start[1] + end[1]) / 2 + offset[1]
    if label:
        axes.text(x, y, label, ha=ha, va=va, bbox=_HALO, **TEXT)


def flow_arrow(axes: Axes, start: Point, end: Point) -> None:
    """A thick arrow along the flow."""
    arrow = {"arrowstyle": "-|>,head_width=0.5,head_length=0.9", "lw": 3, "color": "#2f6f9f"}
    axes.annotate("", end, start, arrowprops=arrow, annotation_clip=False)
