"""The picture of a pore filter for a README: the membrane from above, and the flow through one of its pores."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from chipsim.flow.pore_result import PoreFlow
from chipsim.report.maps import dark_bar
from chipsim.report.openings import openings
from chipsim.report.pore_maps import PorePlane, draw_plane, round_length
from chipsim.report.style import MAKO, NIGHT, SOLID, bare_map, finish_map, styled
from chipsim.report.units import SCALES, percent, speed_unit
from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter

_WIDTH, _FOOT = 8.0, 0.8  # in
_PORES = 150
#: Pores in an opening, its colour on a dark plate, and how it is called.
_GROUPS = ((1, "#6cd3ad", "alone"), (2, "#f6a13c", "in doublets"), (3, "#e0605f", "in larger groups"))


@styled
def pore_filter_picture(flow: PoreFlow, operation: Any) -> Figure:
    """The membrane with its doublets, and the speed with streamlines in the plane through a nominal pore.

    Args:
        flow: A solved flow of one pore.
        operation: Pressure or flow rate, and viscosity.
    """
    plane = PorePlane(flow, operation)
    x0, x1, y0, y1 = plane.window
    shape = (x1 - x0) / (y1 - y0)
    height = _WIDTH / (1 + shape)  # both maps are as high; that from above is a square
    figure = Figure(figsize=(_WIDTH, height + _FOOT), facecolor=NIGHT)
    foot, part = _FOOT / (height + _FOOT), 1 / (1 + shape)
    _membrane(figure, figure.add_axes((0.0, foot, part, 1 - foot)), flow.membrane)
    axes = figure.add_axes((part, foot, 1 - part, 1 - foot))
    _, speed, _, solid = plane.image
    unit = speed_unit(float(speed[~solid].max()))
    values = speed / SCALES[unit]
    norm = Normalize(0.0, float(values[~solid].max()))
    draw_plane(axes, plane, values, MAKO, norm)
    finish_map(axes, plane.window, round_length(plane.size))
    dark_bar(figure, (part + 0.06, 0.66 * foot, 0.88 - part, 0.022), MAKO, norm, f"speed, {unit}")
    return figure


def _membrane(figure: Figure, axes: Axes, membrane: PoreFilter) -> None:
    shown, statistics = (
        openings(membrane, (_PORES / membrane.density) ** 0.5 / UNIT / 2),
        membrane.statistics(),
    )
    shares = (
        statistics.isolated,
        statistics.in_doublets,
        statistics.in_triplets + statistics.in_larger,
    )
    axes.set_facecolor(SOLID)
    handles = []
    for (size, colour, name), share in zip(_GROUPS, shares, strict=True):
        of = np.minimum(shown.group_size, 3) == size
        outlines = [np.array(shape.exterior.coords) for shape in shown.shapes[of]]
        axes.add_collection(PolyCollection(outlines, facecolors=colour, edgecolors=SOLID, linewidths=0.5))
        if share > 0:
            handles.append(Patch(facecolor=colour, label=f"{name}, {percent(share)}"))
    bare_map(axes, (-shown.half, shown.half, -shown.half, shown.half), round_length(shown.half / 2))
    foot = _FOOT / figure.get_figheight()
    figure.legend(
        handles=handles, loc="center", bbox_to_anchor=(0.0, 0.0, axes.get_position().width, foot), ncols=3,
        columnspacing=0.9, handlelength=0.9, handletextpad=0.4, labelcolor="white", fontsize=7.2,
    )  # fmt: skip
