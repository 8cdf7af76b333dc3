"""Axes of the figures of studies: a parameter along them, a result up them, the legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from chipsim.report.study_columns import Column
from chipsim.report.style import INK, LINE, MEASURED, MUTED, plain
from chipsim.report.units import number

#: Marks of points without a result.
MARKS = {"refused": ("x", MUTED), "failed": ("x", MEASURED), "too long": ("+", MEASURED)}
#: More points than this are drawn as a picture, not each as a shape: the file stays small.
MANY = 250


def places(column: Column) -> np.ndarray:
    """Places along an axis: numbers in their unit, names in their order."""
    if column.numeric:
        return np.asarray(column.shown)
    return np.array([column.distinct.index(v) if v else np.nan for v in column.values], float)


def scale_axis(axis: Any, column: Column, *, cells: bool = False) -> None:
    """Ticks for a parameter: its values where they are few, its names, a logarithm."""
    axes: Axes = axis.axes
    across = axis is axes.xaxis
    if not column.numeric:
        names = [plain(str(name)) for name in column.distinct]
        axis.set_major_locator(FixedLocator(range(len(names))))
        turned = across and sum(map(len, names)) > 22
        axis.set_ticklabels(names, **({"rotation": 25, "ha": "right"} if turned else {}))
        (axes.set_xlim if across else axes.set_ylim)(-0.5, len(names) - 0.5)
        axis.grid(visible=False)
        return
    if column.logarithmic:
        (axes.set_xscale if across else axes.set_yscale)("log")
        log_ticks(axis)
    if 1 < len(column.distinct) <= 8:
        shown = column.in_unit(column.distinct)
        if cells or _apart(shown, column.logarithmic):
            axis.set_major_locator(FixedLocator(shown))
            axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 4)))
            axis.set_minor_locator(NullLocator())
    elif not column.logarithmic:
        axis.set_major_locator(MaxNLocator(5))


def _apart(values: np.ndarray, logarithmic: bool) -> bool:
    """Whether labels at these values do not touch."""
    at = np.log(values) if logarithmic else values
    return bool(np.diff(at).min() > 0.1 * (at[-1] - at[0]))


def log_ticks(axis: Any) -> None:
    """Few round numbers on a logarithmic axis."""
    low, high = axis.get_view_interval()
    if high / low < 5:
        axis.set_major_locator(MaxNLocator(5))
    else:
        subs = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0)
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(NullLocator())


def value_axis(axes: Axes, columns: Sequence[Column], also: float | None = None) -> None:
    """An axis for results; ``also`` is a value (in their unit) that must be on it.

    Percents from 0 to 100 where they fill it; a logarithm where values span two decades; else with 0 if it is near.
    """
    known = np.concatenate([*(c.shown[c.known] for c in columns), [] if also is None else [also]])
    if not len(known):
        axes.set_ylim(0, 1)
        return
    low, high = float(known.min()), float(known.max())
    if columns[0].unit == "%" and high > 50:
        axes.set(ylim=(-4, 106), yticks=range(0, 101, 20))
    elif all(c.logarithmic for c in columns):
        axes.set_yscale("log")
        axes.set_ylim(low * (low / high) ** 0.07, high * (high / low) ** 0.05)
        log_ticks(axes.yaxis)
    elif 0 <= low < 0.6 * high:
        axes.set_ylim(-0.05 * high, 1.06 * high)
    else:
        room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - room, high + room)
    axes.grid(axis="y", color=LINE, lw=0.6)


def legend(figure: Figure, axes: Axes) -> None:
    """What the marks of some axes are, below all of the figure, in as many columns as have room."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = max(1, min(4, int(11 * figure.get_figwidth() / (4.5 + max(map(len, labels))))))
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(columns, len(labels)), columnspacing=1.3, handlelength=1.8,
            labelcolor=INK,
        )  # fmt: skip


def ranks(column: Column) -> np.ndarray:
    """Each point's place among the different values."""
    if not column.numeric:
        return np.array([column.distinct.index(v) for v in column.values])
    values = np.array(column.distinct)
    return np.abs(column.values[:, None] - values).argmin(axis=1)
