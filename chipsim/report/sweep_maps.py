"""Maps of a sweep: a result over two parameters, as cells of a grid or as sampled points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from chipsim.report.study_axes import MANY, MARKS, legend, log_ticks, places, ranks, scale_axis
from chipsim.report.study_columns import Column, Points, points_of
from chipsim.report.style import colour_map, plain, styled
from chipsim.report.units import number

if TYPE_CHECKING:
    from xarray import Dataset


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
        log_ticks(bar.ax.yaxis)
    legend(figure, axes)
    return figure


def _cells(axes: Axes, points: Points, across: Column, up: Column, result: Column) -> Any:
    """Cells of a grid; their value is written in where there is room."""
    i, j = ranks(across), ranks(up)
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
