"""Figures of a sweep: each result over what was varied; where a point has no result, a mark says so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from chipsim.report.study_columns import Column, Points, matters, points_of
from chipsim.report.style import COLOURS, INK, LINE, MEASURED, MUTED, PAPER, colour_map, plain, styled
from chipsim.report.units import number

if TYPE_CHECKING:
    from xarray import Dataset

#: Marks of points without a result.
MARKS = {"refused": ("x", MUTED), "failed": ("x", MEASURED), "too long": ("+", MEASURED)}
#: More points than this are drawn as a picture, not each as a shape: the file stays small.
MANY = 250
#: Curves that a figure bears.
CURVES = 7
_DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))
_MARKERS = "osD^vP"


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
    _legend(figure, axes)
    return figure


@styled
def result_map(
    dataset: Dataset, result: str, x: str | None = None, y: str | None = None, *, body: int = 0
) -> Figure:
    """A result over two parameters: cells of a grid in its colour, or sampled points.

    Args:
        dataset: Of a sweep in which two parameters vary.
        result: Its name.
        x: The parameter across; None: the one of the two with more values.
        y: The parameter upwards.
        body: Which kind and size of bodies, by place, of a result that has them.

    Raises:
        KeyError: There is no such result or parameter.
        ValueError: Not two parameters vary.
    """
    points = points_of(dataset)
    column = points.family(result)[body]
    varied = sorted(points.varied, key=lambda p: -len(p.distinct))
    if x is None or y is None:
        if len(varied) != 2:
            raise ValueError(
                f"{len(varied)} parameters vary; name two of them: {', '.join(p.name for p in varied)}"
            )
        across, up = varied
    else:
        across, up = points.column(x), points.column(y)
    figure = Figure(figsize=(5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    if points.grid and len(points) == len(across.distinct) * len(up.distinct):
        drawn = _cells(axes, points, across, up, column)
    else:
        drawn = _scattered(axes, points, across, up, column)
    axes.set(xlabel=plain(across.axis), ylabel=plain(up.axis))
    bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=28)
    bar.set_label(plain(column.axis))
    bar.outline.set_visible(False)  # type: ignore[operator]
    if column.logarithmic:
        _log_ticks(bar.ax.yaxis)
    _legend(figure, axes)
    return figure


@styled
def main_effects(dataset: Dataset, result: str, *, body: int = 0) -> Figure:
    """A result against each parameter: all points, and their mean with its spread (one standard deviation).

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
    _legend(axes.figure, axes)  # type: ignore[arg-type]


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


# -- maps -----------------------------------------------------------------------------------------------------------------
def _cells(axes: Axes, points: Points, across: Column, up: Column, result: Column) -> Any:
    """Cells of a grid; their value is written in where there is room."""
    i, j = _ranks(across), _ranks(up)
    shown = np.full((len(up.distinct), len(across.distinct)), np.nan)
    shown[j, i] = result.shown
    x, y = _edges(across), _edges(up)
    drawn = axes.pcolormesh(
        x, y, np.ma.masked_invalid(shown), cmap=_map(), norm=_norm(result), edgecolors="none"
    )
    scale_axis(axes.xaxis, across, cells=True)
    scale_axis(axes.yaxis, up, cells=True)
    axes.grid(visible=False)
    middle_x, middle_y = (_middles(edges, column) for edges, column in ((x, across), (y, up)))
    for status, (marker, colour) in MARKS.items():
        which = points.status == status
        if which.any():
            axes.plot(
                middle_x[i[which]],
                middle_y[j[which]],
                marker,
                color=colour,
                ms=6,
                mew=1.5,
                ls="none",
                label=status,
            )
    if shown.size <= 50 and len(across.distinct) <= 8:
        digits = 3 if len(across.distinct) < 6 else 2
        for (row, col), value in np.ndenumerate(shown):
            if np.isfinite(value):
                share = float(drawn.norm(value))
                axes.text(
                    middle_x[col], middle_y[row], _short(value, digits, result), ha="center", va="center", fontsize=8.0,
                    color="#ffffff" if share < 0.6 else "#10151b",
                )  # fmt: skip
    return drawn


def _short(value: float, digits: int, result: Column) -> str:
    """A value in a cell of a map; of percents no more than matters."""
    return "<0.01" if result.unit == "%" and 0 < value < 0.01 else number(value, digits)


def _scattered(axes: Axes, points: Points, across: Column, up: Column, result: Column) -> Any:
    """Sampled points in the colour of the result."""
    x, y, use = places(across), places(up), result.known
    drawn = axes.scatter(
        x[use], y[use], c=result.shown[use], cmap=_map(), norm=_norm(result), s=26 if use.sum() < MANY else 12, lw=0,
        rasterized=bool(use.sum() > MANY), zorder=3,
    )  # fmt: skip
    for status, (marker, colour) in MARKS.items():
        which = points.status == status
        if which.any():
            axes.plot(
                x[which], y[which], marker, color=colour, ms=4.5, mew=1.1, ls="none", label=status,
                rasterized=bool(which.sum() > MANY),
            )  # fmt: skip
    scale_axis(axes.xaxis, across)
    scale_axis(axes.yaxis, up)
    return drawn


def _map() -> Any:
    return colour_map("viridis", 0.04, 0.97)


def _norm(result: Column) -> Normalize:
    shown = result.shown[result.known]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    return LogNorm(low, high) if result.logarithmic else Normalize(low, high)


def _ranks(column: Column) -> np.ndarray:
    """Each point's place among the different values."""
    if not column.numeric:
        return np.array([column.distinct.index(v) for v in column.values])
    values = np.array(column.distinct)
    return np.abs(column.values[:, None] - values).argmin(axis=1)


def _edges(column: Column) -> np.ndarray:
    """Edges of cells around the values: midway, at the ends as far out as in."""
    count = len(column.distinct)
    if not column.numeric or count < 2:
        return np.arange(count + 1) - 0.5
    values = column.in_unit(column.distinct)
    values = np.log(values) if column.logarithmic else values
    middle = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
    return np.exp(edges) if column.logarithmic else edges


def _middles(edges: np.ndarray, column: Column) -> np.ndarray:
    return np.sqrt(edges[1:] * edges[:-1]) if column.logarithmic else (edges[1:] + edges[:-1]) / 2


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
    middle, mean, spread = _means(parameter, x, y, use)
    if parameter.numeric:
        axes.fill_between(middle, mean - spread, mean + spread, color=COLOURS[1], alpha=0.2, lw=0)
        axes.plot(middle, mean, "-o", color=COLOURS[1], lw=1.8, ms=4, mec=PAPER, mew=0.6)
    else:
        axes.errorbar(
            middle, mean, spread, fmt="o", color=COLOURS[1], ms=6, lw=1.6, capsize=4, mec=PAPER, mew=0.7
        )
    scale_axis(axes.xaxis, parameter)


def _means(
    parameter: Column, x: np.ndarray, y: np.ndarray, use: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, means and standard deviations: by value where there are few, else by neighbours."""
    if not use.any():
        return np.empty(0), np.empty(0), np.empty(0)
    if len(parameter.distinct) <= 16:
        groups = [np.flatnonzero(use & (_ranks(parameter) == i)) for i in range(len(parameter.distinct))]
    else:
        order = np.flatnonzero(use)[np.argsort(x[use], kind="stable")]
        groups = np.array_split(order, min(10, max(1, len(order) // 4)))
    groups = [g for g in groups if len(g)]
    return (
        np.array([x[g].mean() for g in groups]),
        np.array([y[g].mean() for g in groups]),
        np.array([y[g].std() for g in groups]),
    )


# -- axes -----------------------------------------------------------------------------------------------------------------
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
        _log_ticks(axis)
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


def _log_ticks(axis: Any) -> None:
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
        _log_ticks(axes.yaxis)
    elif 0 <= low < 0.6 * high:
        axes.set_ylim(-0.05 * high, 1.06 * high)
    else:
        room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - room, high + room)
    axes.grid(axis="y", color=LINE, lw=0.6)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = max(1, min(4, int(11 * figure.get_figwidth() / (4.5 + max(map(len, labels))))))
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(columns, len(labels)), columnspacing=1.3, handlelength=1.8,
            labelcolor=INK,
        )  # fmt: skip
