"""Figures of a pore filter: its membrane from above, which pores carry how much, what stays, and when."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from chipsim.capture.calibration import CELLS
from chipsim.capture.pore_filter import PoreCapture, PoreEntry
from chipsim.capture.pore_published import RECOVERY, PoreComparison
from chipsim.capture.recovery import RecoveryCurve
from chipsim.flow.pore_result import PoreFlow
from chipsim.report.openings import openings
from chipsim.report.pore_maps import round_length
from chipsim.report.style import COLOURS, INK, LINE, MEASURED, MUTED, PAPER, PLATE, bare_map, plain, styled
from chipsim.report.units import SCALES, duration, number, percent, say, volume
from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter, PoreStatistics

_PORES_SHOWN = 220
#: Pores of an opening, the colour that tells it, and how it is called.
_GROUPS = ((1, COLOURS[0], "alone"), (2, COLOURS[1], "in doublets"), (3, COLOURS[5], "in larger groups"))
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0)  # s


# -- the membrane ---------------------------------------------------------------------------------------------------------
@styled
def membrane_plan(membrane: PoreFilter, *, pores: int = _PORES_SHOWN) -> Figure:
    """A piece of the membrane from above: pores that stand alone, doublets and larger groups told by colour.

    Args:
        membrane: The device.
        pores: About how many are shown.
    """
    shown = openings(membrane, (pores / membrane.density) ** 0.5 / UNIT / 2)
    half, statistics = shown.half, membrane.statistics()
    figure = Figure(figsize=(5.4, 5.9), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor(PLATE)
    handles = []
    for (size, colour, name), share in zip(_GROUPS, _shares(statistics), strict=True):
        of = np.minimum(shown.group_size, 3) == size
        outlines = [np.array(shape.exterior.coords) for shape in shown.shapes[of]]
        axes.add_collection(PolyCollection(outlines, facecolors=colour, edgecolors="white", linewidths=0.4))
        if membrane.tilt:
            beneath = [np.array(shape.exterior.coords) for shape in shown.beneath[of]]
            axes.add_collection(PolyCollection(beneath, facecolors="none", edgecolors=colour, linewidths=0.6))
        if share > 0:
            handles.append(Patch(facecolor=colour, label=f"{name}, {percent(share)}"))
    bare_map(axes, (-half, half, -half, half), round_length(half / 2))
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.4, handlelength=1.2)
    return figure


def _shares(statistics: PoreStatistics) -> tuple[float, float, float]:
    return statistics.isolated, statistics.in_doublets, statistics.in_triplets + statistics.in_larger


@styled
def flow_shares(flow: PoreFlow) -> Figure:
    """How many pores carry how much of the flow, over the mean of all pores, by the size of their group.

    Args:
        flow: A solved flow.
    """
    each = 1 / flow.pore_resistances(1.0)
    each = each / each.mean()
    group = np.minimum(flow.membrane.pores().group_size, 3)
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    low, high = np.quantile(each, [0.0, 0.9995])
    spread = max(high - low, 0.1)  # pores that are all alike make one bar
    edges = np.linspace(max(0.0, low - 0.04 * spread), low + 1.04 * spread, 41)
    kinds = [(size, colour, name) for size, colour, name in _GROUPS if np.any(group == size)]
    axes.hist(
        [np.minimum(each[group == size], edges[-1]) for size, _, _ in kinds],
        bins=edges.tolist(),
        weights=[np.full(int(np.sum(group == size)), 100 / len(each)) for size, _, _ in kinds],
        stacked=True,
        color=[colour for _, colour, _ in kinds],
        label=[name for _, _, name in kinds],
    )
    top = 1.16 * axes.get_ylim()[1]
    _percentiles(axes, flow, top, named=high - low > 0.05)
    axes.set(
        xlabel="flow through a pore over the mean of all",
        ylabel="of all pores, %",
        ylim=(0, top),
        xlim=edges[[0, -1]],
    )
    axes.grid(axis="x", visible=False)
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        columnspacing=1.4,
        handlelength=1.2,
    )
    return figure


def _percentiles(axes: Axes, flow: PoreFlow, top: float, *, named: bool) -> None:
    """The percentiles of the result as lines; without names where they fall together."""
    shares = flow.flow_shares()
    for key, name in (("p5", "5 %"), ("p50", "half"), ("p95", "95 %")):
        axes.axvline(shares[key], color=INK, lw=0.8, ls=(0, (4, 3)))
        if named:
            at = shares[key], top
            axes.annotate(f"{name}\nbelow", at, (3, -2), textcoords="offset points", va="top", fontsize=8.0)


@styled
def opening_flows(flow: PoreFlow) -> Figure:
    """Share of each opening of a solved patch in its flow, over the share that the formula gives it.

    Args:
        flow: The flow of a patch.

    Raises:
        ValueError: It is not one of a patch.
    """
    openings_of = flow.cell.openings
    if openings_of is None:
        raise ValueError("this flow is of one pore; openings are solved with the model patch")
    found, formula = (100 * np.array(openings_of[key]) for key in ("flow_share", "flow_share_by_formula"))
    group = np.minimum(openings_of["pores"], 3)
    figure = Figure(figsize=(5.4, 4.4), layout="constrained")
    axes = figure.subplots()
    top = 1.08 * max(found.max(), formula.max())
    axes.plot([0, top], [0, top], color=MUTED, lw=0.9, ls=(0, (4, 3)), label="the same")
    for size, colour, name in (
        (1, COLOURS[0], "pores alone"),
        (2, COLOURS[1], "doublets"),
        (3, COLOURS[5], "larger groups"),
    ):
        if np.any(group == size):
            at = formula[group == size], found[group == size]
            axes.plot(*at, "o", color=colour, ms=6, mec=PAPER, mew=0.7, label=name)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="by formula, % of the patch's flow", ylabel="solved, %")
    axes.legend(loc="upper left")
    return figure


# -- what stays -----------------------------------------------------------------------------------------------------------
@styled
def retained_by_kind(captured: PoreCapture) -> Figure:
    """What the membrane holds and retains of each kind, with the ranges over the assumptions.

    Args:
        captured: The capture of a run.
    """
    entries = captured.entries
    kinds = list(dict.fromkeys((e.cells, e.state) for e in entries))
    figure = Figure(figsize=(7.6, 1.25 + 0.33 * len(entries)), layout="constrained")
    axes = figure.subplots()
    for place, e in enumerate(entries):
        colour = COLOURS[kinds.index((e.cells, e.state)) % len(COLOURS)]
        _fate(axes, place, e, colour)
    for place in range(1, len(entries)):
        if (entries[place].cells, entries[place].state) != (
            entries[place - 1].cells,
            entries[place - 1].state,
        ):
            axes.axhline(place - 0.5, color=LINE, lw=0.8)
    axes.set(
        yticks=range(len(entries)), yticklabels=[_called(e) for e in entries], ylim=(len(entries) - 0.5, -0.5)
    )
    axes.set(xlim=(-2, 102), xticks=range(0, 101, 20), xlabel="of those that come, %")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    look: dict[str, Any] = {"color": MUTED, "mec": PAPER, "mew": 0.7}
    handles = [
        Line2D([], [], marker="o", ms=7, ls="none", label="held, whole or not", **look),
        Line2D([], [], color=MUTED, lw=4, alpha=0.35, label="held, range over the assumptions"),
    ]
    if any(e.broken_upper_bound for e in entries):
        handles.append(
            Line2D(
                [],
                [],
                marker="|",
                ms=9,
                mew=2,
                ls="none",
                color=MUTED,
                label="retained if junctions carry all of the force",
            )
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.6, handlelength=1.4)
    return figure


def _fate(axes: Axes, place: int, entry: PoreEntry, colour: str) -> None:
    low, high = (100 * x for x in entry.held.range)
    axes.plot([low, high], [place, place], color=colour, lw=5, alpha=0.3, solid_capstyle="butt")
    axes.plot([100 * entry.held.value], [place], "o", color=colour, ms=7, mec=PAPER, mew=0.7, zorder=4)
    if entry.broken_upper_bound is not None:
        axes.plot([100 * entry.retained.value], [place], "|", color=colour, ms=10, mew=2.2, zorder=3)


def _called(entry: PoreEntry) -> str:
    n = "single cells" if entry.n == 1 else f"clusters of {entry.n}"
    return f"{plain(entry.cells)}, {entry.state}, {n}"


@styled
def filtration_history(captured: PoreCapture) -> Figure:
    """The blocked share of the membrane, pressure and flow rate over the time of the filtration.

    Args:
        captured: The capture of a run.
    """
    history = captured.history
    figure = Figure(figsize=(5.4, 5.4), layout="constrained")
    panels = figure.subplots(3, sharex=True)
    curves = (
        ("blocked, % of\nconductance", 100 * history.blocked, COLOURS[1]),
        ("pressure, Pa", history.pressure, COLOURS[0]),
        ("flow rate,\nmL/min", history.flow_rate / SCALES["mL/min"], COLOURS[2]),
    )
    # A spot blocks within the first thousandth of its time, or never: only a logarithmic axis shows both. It has no zero.
    time = np.maximum(history.time, (history.time[1] if len(history.time) > 1 else 1.0) / 2)
    for axes, (label, values, colour) in zip(panels, curves, strict=True):
        axes.plot(time, values, color=colour, lw=1.8)
        axes.plot(time[:1], values[:1], "o", color=colour, ms=5, mec=PAPER, mew=0.8, zorder=5, clip_on=False)
        axes.set(ylabel=label, ylim=(0, 1.15 * max(float(values.max()), 1e-9)))
        axes.axvline(time[history.filtered], color=INK, lw=0.9, ls=(0, (4, 3)))
    said = f"{volume(float(history.volume[-1]))} through" + ("" if history.complete else ", then blocked")
    panels[0].set_title(f"dot: the clean membrane; dashed: {said}", fontsize=8.5)
    panels[-1].set_xscale("log")
    panels[-1].set(xlabel="time since the first drop", xlim=(time[0], 1.2 * time[-1]))
    panels[-1].xaxis.set_major_locator(FixedLocator([t for t in _TICKS if time[0] <= t <= 1.2 * time[-1]]))
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: _time(value)))
    panels[-1].xaxis.set_minor_locator(NullLocator())
    figure.align_ylabels()
    return figure


def _time(seconds: float) -> str:
    """A round time as a tick says it."""
    return say(seconds, next((unit for unit in ("h", "min", "s", "ms") if seconds >= SCALES[unit]), "µs"))


# -- over the filtration time ---------------------------------------------------------------------------------------------
@styled
def recovery_over_time(compared: PoreComparison, *, filtration_time: float | None = None) -> Figure:
    """Held share of single cells of the calibrated line over the filtration time, by clean membranes at constant pressure.

    Args:
        compared: The curves with the band of the apparent viscosity, and the published recovery.
        filtration_time: Of the run, s, marked where it lies within the curves.
    """
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axes = figure.subplots()
    for i, (name, curve) in enumerate(compared.curves.items()):
        _recovery(axes, curve, name, i)
    times = next(iter(compared.curves.values())).times
    axes.axhline(100 * RECOVERY, color=MEASURED, lw=1.2, ls=(0, (5, 2.5)))
    axes.annotate(
        f"published: more than {number(100 * RECOVERY)} % (8 µm, unfixed; time not in the abstract)",
        (times[0], 100 * RECOVERY), (4, 4), textcoords="offset points", color=MEASURED, fontsize=8.5, va="bottom",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85}, zorder=4,
    )  # fmt: skip
    _crossing(axes, compared)
    if filtration_time is not None and times[0] < filtration_time < times[-1]:
        axes.axvline(filtration_time, color=INK, lw=0.9, zorder=1)
        late = filtration_time > 0.4 * times[-1]
        axes.annotate(
            f"this run, {duration(filtration_time)}", (filtration_time, 108), (-4 if late else 4, 0),
            textcoords="offset points", ha="right" if late else "left", va="center", fontsize=8.5,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set(
        xticks=[10, 30, 60, 180, 600, 1800, 3600],
        xlim=(times[0], times[-1]),
        ylim=(-3, 113),
        yticks=range(0, 101, 20),
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _time(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="filtration time", ylabel=f"held of single cells of {CELLS}, %")
    axes.legend(loc="lower left")
    return figure


def _recovery(axes: Axes, curve: RecoveryCurve, name: str, number_of_curve: int) -> None:
    """A curve and its band; the second dashed, as it lies on the first where the run is of the published membrane."""
    colour, second = COLOURS[(0, 1, 3)[number_of_curve % 3]], number_of_curve == 1
    axes.fill_between(
        curve.times, 100 * np.array(curve.low), 100 * np.array(curve.high), color=colour, alpha=0.16, lw=0
    )
    at = f" at {number(curve.pressure)} Pa" if name.startswith("this") else f", {curve.state}"
    axes.plot(
        curve.times,
        100 * np.array(curve.retained),
        color=colour,
        lw=(3.0, 1.6, 1.9)[number_of_curve % 3],
        ls="--" if second else "-",
        label=name.replace("um", "µm") + at,
    )


def _crossing(axes: Axes, compared: PoreComparison) -> None:
    """Where the curve of the published membrane falls through the published recovery, with its band."""
    point = next(p for p in compared.points if p.key == "8 um")
    if point.predicted is None:
        return
    height, said = 100 * RECOVERY, duration(point.predicted)
    if point.range is not None:
        axes.plot(
            point.range, [height, height], color=MEASURED, lw=3, alpha=0.5, solid_capstyle="butt", zorder=5
        )
        said += f" ({duration(point.range[0])} to {duration(point.range[1])})"
    axes.plot([point.predicted], [height], "D", color=MEASURED, ms=6, mec=PAPER, zorder=6)
    axes.annotate(
        said, (point.predicted, height), (0, -9), textcoords="offset points", ha="center", va="top", color=MEASURED, fontsize=8.5,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85}, zorder=6,
    )  # fmt: skip
