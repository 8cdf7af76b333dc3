"""Figures of a spiral: where each kind of bodies arrives, and how the flow changes on the way."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chipsim.capture.spiral import SpiralCapture, SpiralEntry
from chipsim.flow.spiral_result import SpiralFlow
from chipsim.report.shared_tables import fate
from chipsim.report.spiral_maps import called, colour_of
from chipsim.report.style import COLOURS, LINE, MEASURED, MUTED, PAPER, styled
from chipsim.report.units import SCALES, speed_unit
from geometries.mesh import UNIT
from geometries.spiral import Spiral

_BINS = 100  # over the width
_POINTS = 201  # along the channel


@styled
def arrivals(spiral: Spiral, captured: SpiralCapture) -> Figure:
    """Where across the channel each kind of bodies arrives at the outlets, with the line at which these part.

    Args:
        spiral: The device.
        captured: The capture of a run.
    """
    entries, width = captured.entries, spiral.width / UNIT
    figure = Figure(figsize=(7.6, 1.2 + 0.5 * len(entries)), layout="constrained")
    axes = figure.subplots()
    for place, e in enumerate(entries):
        _arrived(axes, len(entries) - 1 - place, e, width, colour_of(e, captured))
    line, top = captured.outlet_line / UNIT, len(entries) - 0.05
    axes.plot([line, line], [0, top], color=MEASURED, lw=1.2, ls=(0, (4, 3)))
    for side, x, ha in (("inner outlet", line, "right"), ("outer outlet", line, "left")):
        axes.annotate(
            side, (x, top), (-6 if ha == "right" else 6, 2), textcoords="offset points", ha=ha, va="bottom", color=MEASURED,
            fontsize=9.0,
        )  # fmt: skip
    axes.set(xlim=(0, width), ylim=(-0.05, top + 0.35), xlabel="from the inner wall at the outlets, µm")
    axes.set(
        yticks=np.arange(len(entries)) + 0.25,
        yticklabels=[f"{called(e)}\n{e.diameter / UNIT:.3g} µm" for e in reversed(entries)],
    )
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure


def _arrived(axes: Axes, base: float, entry: SpiralEntry, width: float, colour: str) -> None:
    """Shares over the width, each kind up to the same height; beside them the share of each outlet."""
    count, edges = np.histogram(entry.across / UNIT, bins=_BINS, range=(0, width))
    axes.axhline(base, color=LINE, lw=0.6, zorder=1)
    axes.stairs(base + 0.8 * count / count.max(), edges, baseline=base, fill=True, color=colour, alpha=0.75)
    for name, x, ha in (("inner", 0.0, "left"), ("outer", width, "right")):
        said = fate(entry.outlets[name])
        axes.annotate(
            said, (x, base), (3 if ha == "left" else -3, 2), textcoords="offset points", ha=ha, va="bottom", fontsize=8.5,
            color=MUTED, bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85},
        )  # fmt: skip


@styled
def along_the_way(flow: SpiralFlow, operation: object) -> Figure:
    """Radius, Dean number, secondary flow and wall shear from the entrance to the outlets.

    Args:
        flow: A solved flow.
        operation: Flow rates and viscosity.
    """
    s = np.linspace(0.0, flow.spiral.length, _POINTS)
    secondary = flow.secondary_speed_along(s, operation)
    unit, stress = speed_unit(float(secondary.max())), flow.shear_unit(operation)
    curves = (
        ("radius, mm", ((flow.half_height / flow.bends(s) * 1e3, ""),)),
        ("Dean number", ((flow.along(s, "dean"), ""),)),
        (f"secondary flow,\nmean, {unit}", ((secondary / SCALES[unit], ""),)),
        (
            "wall shear\nstress, Pa",
            (
                (stress * flow.along(s, "wall_shear_max"), "largest"),
                (stress * flow.along(s, "wall_shear_mean"), "mean"),
            ),
        ),
    )
    figure = Figure(figsize=(7.6, 4.2), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True)
    for axes, (label, lines), colour in zip(panels.flat, curves, COLOURS, strict=False):
        for (values, name), look in zip(lines, ("-", "--"), strict=False):
            axes.plot(s * 1e3, values, color=colour, lw=1.8, ls=look, label=name)
        axes.set(ylabel=label, xlim=(0, flow.spiral.length * 1e3))
        axes.set_ylim(0, 1.2 * max(float(values.max()) for values, _ in lines))
        if len(lines) > 1:
            axes.legend(loc="lower right", ncols=2)
    for axes in panels[-1]:
        axes.set_xlabel("along the channel, mm")
    figure.align_ylabels()
    return figure
