"""Figures of a sweep: each result over what was varied; where a point has no result, a mark says so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chipsim.report.study_axes import MANY, MARKS, legend, places, ranks, scale_axis, value_axis
from chipsim.report.study_columns import Column, Points, matters, points_of
from chipsim.report.style import COLOURS, MUTED, PAPER, colour_map, plain, styled

if TYPE_CHECKING:
    from xarray import Dataset

#: Percentiles between which two thirds of points lie.
SPREAD = (100 / 6, 500 / 6)
#: Curves that a figure bears.
CURVES = 7
_DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))


@styled
def result_curves(dataset: Dataset, result: str, over: str | None = None, *, body: int = 0) -> Figure:
    """A result over one parameter; a curve for each value of a second one, or for each size of the bodies.

    Args:
        dataset: Of a sweep.
        result: Its name. Of a result of bodies all kinds and sizes are drawn if one parameter varies, else one.
        over: The parameter along the axis; None: the one that varies with the most values.
        body: Which kind and size of bodies, by place, where two parameters vary.

    Raises:
        KeyError: There is no such result or parameter.
        ValueError: Nothing varies, or more than two parameters do.
    """
    points = points_of(dataset)
    columns = points.family(result)
    across, other = along(points, over)
    if other is not None:
        columns = [columns[body]]
        other = other if matters(points, other, columns[0]) else None
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    if not across.numeric and other is None:
        _bars(axes, points, across, columns)
        return figure
    if other is None:
        _family(axes, across, columns)
    else:
        _by_other(axes, across, other, columns[0])
    label = columns[0].axis if len(columns) == 1 else _family_axis(columns)
    axes.set(xlabel=plain(across.axis), ylabel=plain(label))
    scale_axis(axes.xaxis, across)
    value_axis(axes, columns)
    _missing(axes, points, across, columns, pooled=other is None)
    legend(figure, axes)
    return figure


@styled
def main_effects(dataset: Dataset, result: str, *, body: int = 0) -> Figure:
    """A result against each parameter: all points, their mean, and between what two thirds of them lie.

    The mean over all points with that value of the parameter, or over points whose values are neighbours.

    Args:
        dataset: Of a sweep.
        result: Its name.
        body: Which kind and size of bodies, by place, of a result that has them.

    Raises:
        KeyError: There is no such result.
        ValueError: Nothing varies.
    """
    points = points_of(dataset)
    column, varied = points.family(result)[body], points.varied
    if not varied:
        raise ValueError("no parameter varies")
    columns = min(4, len(varied))
    rows = -(-len(varied) // columns)
    figure = Figure(figsize=(max(5.4, 2.55 * columns), 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, parameter in zip(panels.flat, varied, strict=False):
        _effect(axes, parameter, column)
        axes.set_xlabel(plain(parameter.axis))
    for axes in panels.flat[len(varied) :]:
        axes.set_visible(False)
    for row in panels:
        row[0].set_ylabel(plain(column.axis))
    value_axis(panels[0, 0], [column])
    return figure


# -- what varies ----------------------------------------------------------------------------------------------------------
def along(points: Points, over: str | None = None) -> tuple[Column, Column | None]:
    """The parameter along the axis of curves, and the other one that varies."""
    varied = points.varied
    if not varied or len(varied) > 2:
        raise ValueError(f"{len(varied)} parameters vary; curves are drawn for one or two")
    if over is None:
        across = max(varied, key=lambda p: (p.numeric, len(p.distinct)))
    else:
        across = points.column(over)
    return across, next((p for p in varied if p.name != across.name), None)


def some(columns: Sequence[Column]) -> list[Column]:
    """Columns of bodies that a figure bears: the smallest sizes and the largest of each kind."""
    found: list[Column] = []
    for cells in dict.fromkeys(c.cells for c in columns):
        of = sorted((c for c in columns if c.cells == cells), key=lambda c: c.n)
        found += of if len(of) <= CURVES else [*of[: CURVES - 1], of[-1]]
    return found


# -- curves ---------------------------------------------------------------------------------------------------------------
def _family(axes: Axes, along: Column, columns: Sequence[Column]) -> None:
    """A curve, or one for each kind and size: sizes by colour, kinds by dashes; kinds of one size in a colour of their own."""
    if len(columns) == 1:
        _curve(axes, along, columns[0], COLOURS[0], "-", "_")
        return
    drawn = some(columns)
    kinds = dict.fromkeys(c.cells for c in drawn)
    sizes = {cells: [c.n for c in drawn if c.cells == cells] for cells in kinds}
    family, alone = cycle(_DASHES), cycle(COLOURS[1:])
    several = sum(len(n) > 1 for n in sizes.values()) > 1
    shades, largest = colour_map("viridis", 0.22, 0.88), sorted({n for of in sizes.values() for n in of})
    for cells in kinds:
        own = [c for c in drawn if c.cells == cells]
        dash = next(family) if len(own) > 1 else (0, (3, 1.5))
        for c in own:
            if len(own) > 1:
                colour: Any = shades(largest.index(c.n) / max(1, len(largest) - 1))
                label = f"{c.n} cell{'s' if c.n > 1 else ''}{f', {cells}' if several else ''}"
            else:
                colour, label = next(alone), c.label.partition(": ")[2]
            _curve(axes, along, c, colour, dash, plain(label))


def _family_axis(columns: Sequence[Column]) -> str:
    first = columns[0]
    label = first.label.partition(": ")[0]
    return f"{label}, {first.unit}" if first.unit else label


def _by_other(axes: Axes, along: Column, other: Column, result: Column) -> None:
    """A curve for each value of the other parameter."""
    values = other.distinct
    if len(values) > CURVES:
        places = np.unique(np.linspace(0, len(values) - 1, CURVES).round().astype(int))
        values = tuple(values[i] for i in places)
    shades = colour_map("viridis", 0.22, 0.88)
    for i, value in enumerate(values):
        if other.numeric:
            which = np.isclose(other.values, value, rtol=1e-9, atol=0)
            colour: Any = shades(i / max(1, len(values) - 1))
        else:
            which, colour = other.values == value, COLOURS[i % len(COLOURS)]
        text = other.write(value) if other.numeric else str(value)
        _curve(axes, along, result, colour, "-", plain(text), which)
    axes.set_title(plain(other.label), fontsize=9.0, color=MUTED)


def _curve(
    axes: Axes,
    along: Column,
    result: Column,
    colour: Any,
    dash: Any,
    label: str,
    which: np.ndarray | None = None,
) -> None:
    x = places(along)
    use = np.isfinite(x) if which is None else which & np.isfinite(x)
    if not (use & result.known).any():
        return
    if len(set(x[use])) < use.sum():  # several points at a place: where one has no result, another may have
        use = use & result.known
    order = np.flatnonzero(use)[np.argsort(x[use], kind="stable")]
    few = len(order) <= 40
    axes.plot(
        x[order], result.shown[order], color=colour, ls=dash if few else "none", lw=1.6, marker="o", ms=4 if few else 2.5,
        mec=PAPER if few else "none", mew=0.6, label=label, rasterized=len(order) > MANY, zorder=3,
    )  # fmt: skip


def _bars(axes: Axes, points: Points, along: Column, columns: Sequence[Column]) -> None:
    """For names: a bar for each, or for each name and size."""
    drawn = some(columns) if len(columns) > 1 else list(columns)
    names, height = along.distinct, 0.78 / len(drawn)
    shades = colour_map("viridis", 0.22, 0.88)
    for i, column in enumerate(drawn):
        colour: Any = COLOURS[0] if len(drawn) == 1 else shades(i / (len(drawn) - 1))
        at = np.array([names.index(v) for v in along.values]) - 0.39 + height * (i + 0.5)
        label = "_" if len(drawn) == 1 else plain(column.label.partition(": ")[2])
        axes.barh(-at, column.shown, height=0.92 * height, color=colour, label=label)
    axes.set(yticks=-np.arange(len(names)), yticklabels=[plain(str(name)) for name in names])
    axes.set_xlabel(plain(drawn[0].axis if len(drawn) == 1 else _family_axis(drawn)))
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-len(names) + 0.45, 0.55)
    for status, (marker, colour) in MARKS.items():
        for i in np.flatnonzero(points.status == status):
            axes.plot(
                [0.02],
                [-names.index(along.values[i])],
                marker,
                color=colour,
                transform=axes.get_yaxis_transform(),
            )
    legend(axes.figure, axes)  # type: ignore[arg-type]


def _missing(axes: Axes, points: Points, along: Column, columns: Sequence[Column], *, pooled: bool) -> None:
    """Points without a result as marks at the foot of the axes; of points that are one curve only where it has a hole."""
    x = places(along)
    known = np.any([c.known for c in columns], axis=0)
    covered = np.isin(x, x[known]) if pooled else np.zeros(len(x), bool)
    for status, (marker, colour) in MARKS.items():
        which = (points.status == status) & np.isfinite(x) & ~covered
        if which.any():
            at = np.unique(x[which])
            axes.plot(
                at, np.full(len(at), 0.025), marker, color=colour, ms=5.5, mew=1.4, transform=axes.get_xaxis_transform(),
                label=status, ls="none", zorder=6, clip_on=False,
            )  # fmt: skip


# -- effects --------------------------------------------------------------------------------------------------------------
def _effect(axes: Axes, parameter: Column, result: Column) -> None:
    """All points, and mean and spread by the parameter's value."""
    x, use = places(parameter), result.known & parameter.known
    y = result.shown
    jitter: np.ndarray = np.zeros(len(x))
    if not parameter.numeric:  # spread out beside each other, the same way each time
        jitter = 0.5 * ((np.arange(len(x)) * 0.618034) % 1 - 0.5)
    axes.plot(
        (x + jitter)[use],
        y[use],
        "o",
        color=COLOURS[0],
        ms=2.6,
        mec="none",
        alpha=0.35,
        rasterized=bool(use.sum() > MANY),
    )
    middle, mean, low, high = _means(parameter, x, y, use)
    if parameter.numeric:
        axes.fill_between(middle, low, high, color=COLOURS[1], alpha=0.2, lw=0)
        axes.plot(middle, mean, "-o", color=COLOURS[1], lw=1.8, ms=4, mec=PAPER, mew=0.6)
    else:
        axes.vlines(middle, low, high, color=COLOURS[1], lw=1.8, zorder=3)
        axes.plot(middle, mean, "o", color=COLOURS[1], ms=6, mec=PAPER, mew=0.7, zorder=4)
    scale_axis(axes.xaxis, parameter)


def _means(parameter: Column, x: np.ndarray, y: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Places, means and the ends of the spread, (4, n): by value where there are few, else by neighbours."""
    if len(parameter.distinct) <= 16:
        groups = [np.flatnonzero(use & (ranks(parameter) == i)) for i in range(len(parameter.distinct))]
    else:
        order = np.flatnonzero(use)[np.argsort(x[use], kind="stable")]
        groups = np.array_split(order, min(10, max(1, len(order) // 4)))
    found = [(x[g].mean(), y[g].mean(), *np.percentile(y[g], SPREAD)) for g in groups if len(g)]
    return np.array(found).reshape(-1, 4).T
