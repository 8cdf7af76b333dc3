"""The picture of a spiral for a README: the channel from above, its section with the vortices, and which way bodies go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from chipsim.capture.spiral import SpiralCapture, SpiralEntry
from chipsim.capture.spiral_paths import paths
from chipsim.report.maps import dark_bar
from chipsim.report.spiral_maps import SectionView, above_floor, called, draw_section, draw_vortices, outline
from chipsim.report.style import MAKO, NIGHT, styled
from chipsim.report.units import SCALES, say, speed_unit
from geometries.mesh import UNIT
from geometries.spiral import Spiral

_WIDTH, _PLAN = 8.0, 0.47  # in; of it for the plan
_ABOVE, _BAR, _TITLE = 0.1, 0.62, 0.26  # in
_WALL, _LINE = "#aab4c0", "#e0605f"
#: Small bodies, large ones.
_COLOURS = ("#f6a13c", "#6cd3ad")


@styled
def spiral_picture(view: SectionView, captured: SpiralCapture, shown: Sequence[SpiralEntry]) -> Figure:
    """The channel with its ports, the speed in its section with the vortices, and the ways of two kinds of bodies.

    Args:
        view: The section's flow.
        captured: The capture of a run.
        shown: Two of its kinds.
    """
    spiral = view.flow.spiral
    corners = outline(spiral)
    wide, left = 0.95 - _PLAN, _PLAN + 0.02  # of the figure's width
    high = wide * _WIDTH * corners[:, 1].max() / corners[:, 0].max()
    height = 2 * _ABOVE + 3 * high + _BAR + 2 * _TITLE
    figure = Figure(figsize=(_WIDTH, height), facecolor=NIGHT)
    _plan(figure.add_axes((0.0, 0.0, _PLAN, 1.0)), spiral)
    tops = [height - _ABOVE - (high + _TITLE) * i - (_BAR if i else 0.0) for i in range(3)]
    panels = [figure.add_axes((left, (top - high) / height, wide, high / height)) for top in tops]
    speed = np.nan_to_num(view.image[2][2])
    unit = speed_unit(float(speed.max()))
    norm = Normalize(0.0, float(speed.max()) / SCALES[unit])
    draw_section(panels[0], view, speed / SCALES[unit], MAKO, norm, edge=_WALL)
    draw_vortices(panels[0], view)
    bar = (left, (tops[0] - high - 0.16) / height, wide, 0.022)
    dark_bar(figure, bar, MAKO, norm, f"speed along the channel, {unit}")
    for axes, entry, colour in zip(panels[1:], shown, _COLOURS, strict=True):
        _ways(axes, spiral, captured, entry, colour)
    for axes in panels:
        axes.set(xlim=(-2, corners[:, 0].max() + 2), ylim=(-2, corners[:, 1].max() + 2), aspect="equal")
        axes.axis("off")
    return figure


def _plan(axes: Axes, spiral: Spiral) -> None:
    channel = spiral.channel().frame.polygon(1.0)
    axes.add_patch(Polygon(np.array(channel.exterior.coords), facecolor=MAKO(0.62), edgecolor="none"))
    x0, y0, x1, y1 = channel.bounds
    margin = 0.09 * max(x1 - x0, y1 - y0)
    for fork, middle in (
        (spiral.plan.inner, spiral.plan.inner.polygon.centroid.coords[0]),
        (spiral.plan.outer, (0.0, 0.0)),
    ):
        for k, name in enumerate(fork.names):
            if not name.startswith(("inlet", "outlet")):
                continue
            port = np.mean(fork.corners[k : k + 2], axis=0)
            away = port - np.array(middle)
            at = port + margin * 0.4 * away / np.hypot(*away)
            axes.annotate(
                name.replace("_", ", "), at, color="white", fontsize=8.0, ha="right" if middle[0] == 0 or away[0] < 0 else "left",
                va="bottom" if away[1] > 0 else "top",
            )  # fmt: skip
    axes.set(xlim=(x0 - margin, x1 + margin), ylim=(y0 - margin, y1 + margin), aspect="equal")
    axes.axis("off")


def _ways(axes: Axes, spiral: Spiral, captured: SpiralCapture, entry: SpiralEntry, colour: str) -> None:
    found, corners = paths(entry.diameter, captured.setting), outline(spiral)
    across, height = found.across / UNIT, above_floor(spiral, found)
    axes.add_patch(Polygon(corners, facecolor="#10151b", edgecolor=_WALL, lw=1.0))
    axes.plot(across, height, color=colour, lw=0.7, alpha=0.8)
    for place, face in ((0, "none"), (-1, colour)):
        bodies = [
            Circle(at, entry.diameter / UNIT / 2) for at in zip(across[place], height[place], strict=True)
        ]
        axes.add_collection(PatchCollection(bodies, facecolor=face, edgecolor=colour, lw=0.8))
    line = captured.outlet_line / UNIT
    axes.plot([line, line], [0, corners[:, 1].max()], color=_LINE, lw=1.1, ls=(0, (4, 3)))
    axes.set_title(f"{called(entry)}, {say(entry.diameter, 'µm')}", color="white", fontsize=8.5, pad=3)
