"""Curves of what a chip retains and breaks, over the size of the clusters and over the flow rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from chipsim.capture import Comparison, Fraction, against_flow_rate
from chipsim.capture.assumptions import WEAK_JUNCTION
from chipsim.capture.calibration import CELLS
from chipsim.capture.cluster_chip import TrapCapture, TrapEntry
from chipsim.cells import CellLine, line
from chipsim.report.style import COLOURS, INK, LINE, MEASURED, MUTED, PAPER, colour_map, plain, styled
from chipsim.report.units import SCALES, number, percent, say

_SIZES = (1, 2, 3, 4, 6, 8, 12, 20, 30)
_DASHES = {"straddling": (0, (1.2, 1.6)), "pairs": (0, (5, 2.5))}
_MARKERS = "osD^vP"


@styled
def retention_curve(captured: TrapCapture, compared: Comparison) -> Figure:
    """Retained fraction over the size of the clusters, beside the published measurements and two baselines.

    The published values are those of the published chip at its operation, whatever chip this is; the label says so.

    Args:
        captured: The entries of the design's suspension are drawn as points with their range.
        compared: The curve for 1 to 30 cells of the calibrated line, the published values, the baselines.
    """
    figure = Figure(figsize=(6.8, 4.3), layout="constrained")
    axes = figure.subplots()
    sizes = np.array([row["n"] for row in compared.curve])
    value = 100 * np.array([row["retained"] for row in compared.curve])
    interval = 100 * np.array([row["retained_ci95"] for row in compared.curve])
    span = 100 * np.array([row["retained_range"] for row in compared.curve])
    axes.fill_between(sizes, *span.T, color=COLOURS[0], alpha=0.2, lw=0, label="range over the assumptions")
    axes.fill_between(sizes, *interval.T, color=COLOURS[0], alpha=0.5, lw=0, label="95 % interval (sampling)")
    axes.plot(sizes, value, color=COLOURS[0], lw=1.8, label=f"predicted, {CELLS}")
    for name, baseline in compared.baselines.items():
        axes.plot(
            sizes,
            100 * np.array(baseline),
            color=MUTED,
            lw=1.1,
            ls=_DASHES.get(name, "-"),
            label=f"baseline: {name}",
        )
    _entries(
        axes, captured, {row["n"]: row["retained"] for row in compared.curve}, lambda entry: entry.retained
    )
    _published(axes, compared)
    _over_sizes(axes, max(30, *(e.n for e in captured.entries)))
    axes.set(ylabel="retained on the chip, %", ylim=(-3, 106), yticks=range(0, 101, 20))
    axes.legend(loc="lower right", labelspacing=0.35)
    return figure


def _published(axes: Axes, compared: Comparison) -> None:
    """Points at the sizes measured; the mean over many sizes as a bar over them."""
    measured = [p for p in compared.points if p.published is not None]
    same = compared.is_published_chip
    label = "published" if same else "published chip (not this design)"
    face = MEASURED if same else PAPER
    for i, point in enumerate(measured):
        at = [int(n) for n in point.key.split("-")]
        height, spread = 100 * (point.published or 0.0), len(at) > 1
        axes.plot(
            at, [height] * len(at), marker="D", ms=6, mfc=face, mew=1.3, lw=1.6, color=MEASURED, zorder=6,
            label="_" if i else label,
        )  # fmt: skip
        axes.annotate(
            f"{number(height)} %" + (" (mean)" if spread else ""), ((at[0] * at[-1]) ** 0.5, height),
            (0, -5) if spread else (-7, 3), textcoords="offset points", ha="center" if spread else "right",
            va="top" if spread else "bottom", color=MEASURED, fontsize=8.5, zorder=5,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85},
        )  # fmt: skip


@styled
def breakage_curve(captured: TrapCapture, compared: Comparison) -> Figure:
    """Broken fraction over the size of the clusters, with the junctions assumed and with the weakest known.

    Args:
        captured: The entries of the design's suspension are drawn as points with their range.
        compared: The curve for 1 to 30 cells of the calibrated line.
    """
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    sizes = [row["n"] for row in compared.curve]
    weak = 100 * np.array([row["broken_weak_junctions"] for row in compared.curve])
    strong = 100 * np.array([row["broken"] for row in compared.curve])
    strength = say(line(CELLS).junction_strength, "nN")
    axes.plot(
        sizes,
        weak,
        color=COLOURS[1],
        lw=1.6,
        label=f"{CELLS}, weakest junctions known, {say(WEAK_JUNCTION, 'nN')}",
    )
    axes.plot(sizes, strong, color=COLOURS[0], lw=1.8, label=f"{CELLS}, junctions as assumed, {strength}")
    _entries(axes, captured, {row["n"]: row["broken"] for row in compared.curve}, lambda entry: entry.broken)
    limit = next((p.accepted[1] for p in compared.points if p.key == "broken"), None)
    if limit is not None:
        axes.axhline(100 * limit, color=MEASURED, lw=1.0, ls=(0, (4, 3)))
        axes.annotate(
            f"taken as no loss: below {percent(limit)}", (sizes[-1], 100 * limit), (0, 2), textcoords="offset points",
            color=MEASURED, fontsize=8.5, ha="right", va="bottom",
        )  # fmt: skip
    _over_sizes(axes, max(30, *(e.n for e in captured.entries)))
    tops = [weak.max(), strong.max(), *(100 * e.broken.range[1] for e in captured.entries), 2.0]
    axes.set(ylabel="broken on the chip, %", ylim=(-0.03 * max(tops), 1.42 * max(tops)))
    axes.legend(loc="upper left", labelspacing=0.35)
    return figure


@styled
def retention_against_flow_rate(
    captured: TrapCapture, cells: CellLine, sizes: Iterable[int], *, span: float = 30.0
) -> Figure:
    """Retained fraction over the flow rate, with the operating point; leukocytes beside it.

    Args:
        captured: The run: its flow rate, viscosity, assumptions.
        cells: The cells.
        sizes: Cells in a cluster, a curve each.
        span: How many times below and above the operating point.
    """
    setting = captured.setting
    rates = setting.flow_rate * np.geomspace(1 / span, span, 61)
    figure = Figure(figsize=(5.4, 4.1), layout="constrained")
    axes = figure.subplots()
    sizes = tuple(sizes)
    colours = colour_map("viridis", 0.22, 0.85)
    for i, n in enumerate(sizes):
        kept = [100 * fates[0] for fates in against_flow_rate(cells, n, setting, rates)]
        colour = colours(i / max(1, len(sizes) - 1))
        axes.plot(rates / SCALES["mL/h"], kept, color=colour, lw=1.7, label=f"{n} cell{'s' if n > 1 else ''}")
        here = against_flow_rate(cells, n, setting, [setting.flow_rate])[0][0]
        axes.plot(
            [setting.flow_rate / SCALES["mL/h"]],
            [100 * here],
            "o",
            color=colour,
            ms=5,
            mec=PAPER,
            mew=0.8,
            zorder=5,
        )
    leukocytes = [100 * fates[0] for fates in against_flow_rate(line("leukocyte"), 1, setting, rates)]
    axes.plot(rates / SCALES["mL/h"], leukocytes, color=MUTED, lw=1.4, ls=(0, (4, 2)), label="leukocytes")
    _operating_point(axes, setting.flow_rate)
    _logarithmic(axes)
    axes.set(
        xlabel="flow rate of the whole chip, mL/h", ylabel="retained on the chip, %", title=plain(cells.name)
    )
    axes.set(
        ylim=(-3, 111), yticks=range(0, 101, 20), xlim=(rates[0] / SCALES["mL/h"], rates[-1] / SCALES["mL/h"])
    )
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        columnspacing=1.4,
        handlelength=1.6,
    )
    return figure


# -- parts of a curve -----------------------------------------------------------------------------------------------------
def _entries(
    axes: Axes, captured: TrapCapture, curve: dict[int, float], of: Callable[[TrapEntry], Fraction]
) -> None:
    """The tumour cells of the suspension as points with whiskers over their range, unless they are on the curve."""
    apart = [
        e for e in captured.entries
        if e.cells in captured.single_cell_carryover and (e.cells != CELLS or of(e).value != curve.get(e.n))
    ]  # fmt: skip
    for i, name in enumerate(dict.fromkeys(e.cells for e in apart)):
        entries = sorted((e for e in apart if e.cells == name), key=lambda e: e.n)
        fates, colour = [of(e) for e in entries], COLOURS[2 + i % (len(COLOURS) - 2)]
        _points(axes, [e.n for e in entries], fates, colour, _MARKERS[i % len(_MARKERS)], name)


def _points(axes: Axes, sizes: list[int], fates: list[Fraction], colour: str, marker: str, name: str) -> None:
    value = 100 * np.array([fate.value for fate in fates])
    low, high = 100 * np.array([fate.range for fate in fates]).T
    whiskers = np.maximum([value - low, high - value], 0.0)
    axes.errorbar(
        sizes, value, yerr=whiskers, fmt=marker, color=colour, ms=4.5, lw=1.0, capsize=2.5, mec=PAPER, mew=0.7,
        zorder=5, label=f"this design, {plain(name)}",
    )  # fmt: skip


def _over_sizes(axes: Axes, largest: int) -> None:
    axes.set_xscale("log")
    ticks = [n for n in (*_SIZES, 50, 100, 200, 500, 1000) if n <= largest]
    axes.set(xlim=(0.93, 1.07 * largest), xticks=ticks, xlabel="cells in a cluster")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", color=LINE, lw=0.4)


def _operating_point(axes: Axes, flow_rate: float) -> None:
    axes.axvline(flow_rate / SCALES["mL/h"], color=INK, lw=0.9, zorder=1)
    axes.annotate(
        f"operating point {say(flow_rate, 'mL/h')}", (flow_rate / SCALES["mL/h"], 106.5), (3, 0),
        textcoords="offset points", va="center", fontsize=8.5,
    )  # fmt: skip


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
