"""The whole Cluster-Chip on its slide, and how evenly its paths share the flow."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path

from chipsim.flow.chip_result import WholeChip
from chipsim.report.style import COLOURS, MUTED, styled
from geometries.outline import Loop

_CHANNEL, _BANK, _POST = "#bcd9ee", "#2779bd", "#5d6978"
_MM = 1e-3  # of um


@styled
def chip_plan(whole: WholeChip) -> Figure:
    """The chip from above to scale, and under it the flow of the paths along each bank over the mean.

    Args:
        whole: The chip with its flow.
    """
    plan = whole.plan
    figure = Figure(figsize=(10, 7.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(5.2, 1.6))
    _draw(above, whole)
    places = (np.arange(whole.sharing.flows.shape[1]) + 0.5) / whole.sharing.flows.shape[1]
    x = (plan.left + places * plan.bank[0]) * _MM
    for k, flows in enumerate(whole.sharing.flows):
        below.plot(x, 100 * (flows - 1), color=COLOURS[k % len(COLOURS)], lw=1.2, label=f"bank {k + 1}")
    most = max(1.0, 1.15 * 100 * float(np.abs(whole.sharing.flows - 1).max()))
    below.set(
        xlim=above.get_xlim(),
        ylim=(-most, most),
        xlabel="mm along the slide",
        ylabel="flow of a path\noff the mean, %",
    )
    return figure


def _draw(axes: Axes, whole: WholeChip) -> None:
    plan = whole.plan
    outline, (width, height) = plan.envelope(), (v * _MM for v in plan.slide)
    axes.add_patch(Rectangle((0, 0), width, height, facecolor="none", edgecolor=MUTED, lw=1))
    axes.add_patch(
        PathPatch(_path([outline.frame, *outline.solids]), facecolor=_CHANNEL, edgecolor=MUTED, lw=0.4)
    )
    wide, long = (v * _MM for v in plan.bank)
    for k, bottom in enumerate(plan.bottoms):
        axes.add_patch(
            Rectangle((plan.left * _MM, bottom * _MM), wide, long, facecolor=_BANK, edgecolor="none")
        )
        axes.text(
            width / 2,
            bottom * _MM + long / 2,
            f"bank {k + 1}",
            ha="center",
            va="center",
            color="white",
            fontsize=8,
        )
    posts = plan.posts()
    places = np.array([p for lattice in posts.lattices for p in lattice.places()]).reshape(-1, 2) * _MM
    axes.plot(*places.T, ".", color=_POST, ms=0.9, rasterized=len(places) > 4000)
    radius = plan.limits.port_diameter / 2 * 1e3
    for name, (x, y) in plan.ports.items():
        axes.add_patch(Circle((x * _MM, y * _MM), radius, facecolor="white", edgecolor=COLOURS[1], lw=1.4))
        axes.annotate(
            name,
            (x * _MM, y * _MM - radius),
            (0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8.5,
        )
    axes.set(xlim=(-0.5, width + 0.5), ylim=(-0.5, height + 0.5), aspect="equal", ylabel="mm")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _path(loops: list[Loop]) -> Path:
    """Loops as one path: what a second one encloses is cut out of the first by its sense."""
    vertices, codes = [], []
    for number, loop in enumerate(loops):
        ring = list(loop.polygon(5.0).exterior.coords)
        ring = [(x * _MM, y * _MM) for x, y in (ring if number == 0 else ring[::-1])]
        vertices += ring
        codes += [Path.MOVETO, *[Path.LINETO] * (len(ring) - 2), Path.CLOSEPOLY]
    return Path(vertices, codes)
