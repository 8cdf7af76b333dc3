"""Figures of all points of a study at once: each as a line over parameters and results, and what goes with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from chipsim.report.study_axes import MANY
from chipsim.report.study_columns import Column, Points, points_of
from chipsim.report.style import LINE, MUTED, colour_map, plain, styled
from chipsim.report.units import number

if TYPE_CHECKING:
    from xarray import Dataset

#: Results beside the parameters, unless they are named.
_RESULTS = 4
_MOST = 14
# Of the usual results those that are asked for most.
_FIRST = (
    "array_pressure_drop", "pressure_drop", "wall_shear_stress_p95", "purity", "processing_time",
    "filtration_time", "wbc_carryover_per_ml",
)  # fmt: skip


@styled
def parallel_points(dataset: Dataset, results: Sequence[str] | None = None) -> Figure:
    """Every point with a result as a line over its parameters and results, in the colour of the last of these.

    Args:
        dataset: Of a sweep or an optimisation.
        results: Names of the results to draw; None: the first that vary. Of a result of bodies the first kind and size.

    Raises:
        KeyError: There is no such result.
        ValueError: No result varies.
    """
    points = points_of(dataset)
    found = (
        [points.family(name)[0] for name in results]
        if results is not None
        else distinct_results(points)[:_RESULTS]
    )
    columns = [*points.varied, *found]
    if not found:
        raise ValueError("no result varies")
    figure = Figure(figsize=(max(5.4, 1.35 * len(columns)), 3.9), layout="constrained")
    axes = figure.subplots()
    high = np.array([_unit_interval(column) for column in columns]).T
    use = np.isfinite(high).all(axis=1)
    colour = high[use, -1]
    lines = [
        np.column_stack([np.arange(len(columns)), row])
        for row in high[use][np.argsort(colour, kind="stable")]
    ]
    count = max(1, len(lines))
    drawn = LineCollection(
        lines, array=np.sort(colour), cmap=colour_map("viridis", 0.04, 0.92), lw=1.1 if count < 100 else 0.7,
        alpha=min(0.9, max(0.15, 40 / count)), rasterized=count > MANY, zorder=2,
    )  # fmt: skip
    axes.add_collection(drawn)
    axes.set(xlim=(-0.4, len(columns) - 0.6), ylim=(-0.09, 1.09), yticks=[])
    for place, column in enumerate(columns):
        _ladder(axes, place, column)
    axes.set_xticks(range(len(columns)), [plain(_folded(c)) for c in columns])
    axes.tick_params(axis="x", length=0, pad=8)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


@styled
def rank_correlations(dataset: Dataset) -> Figure:
    """Rank correlation of each result with each parameter: 1 where it always rises, -1 where it always falls.

    Parameters that are names are left out.

    Args:
        dataset: Of a sweep or an optimisation.

    Raises:
        ValueError: No parameter that is a number varies, or no result.
    """
    points = points_of(dataset)
    parameters, results = [p for p in points.varied if p.numeric], distinct_results(points)[:_MOST]
    if not parameters or not results:
        raise ValueError("no number varies")
    shown = np.array([[correlation(p, r) for p in parameters] for r in results])
    height = 0.9 + 0.34 * len(results)
    figure = Figure(figsize=(max(5.4, 2.6 + 1.1 * len(parameters)), height), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(np.ma.masked_invalid(shown), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(len(parameters)), [plain(_folded(p, unit=False)) for p in parameters])
    axes.set_yticks(range(len(results)), [plain(r.label) for r in results])
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for (i, j), value in np.ndenumerate(shown):
        if np.isfinite(value):
            colour = "#10151b" if abs(value) < 0.65 else "#ffffff"
            axes.text(
                j, i, f"{value:+.2f}".replace("-", "−"), ha="center", va="center", color=colour, fontsize=8.5
            )
    bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=22, ticks=[-1, 0, 1])
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.set_yticklabels(["falls", "neither", "rises"])
    return figure


def correlation(a: Column, b: Column) -> float:
    """Spearman's rank correlation over the points where both are known; NaN where one does not vary."""
    use = a.known & b.known
    if use.sum() < 3:
        return float("nan")
    x, y = _ranked(a.values[use]), _ranked(b.values[use])
    if x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def distinct_results(points: Points) -> list[Column]:
    """Results that vary: of the first result of bodies one, the single ones, of the other results of bodies one.

    One is the smallest cluster of the first kind that varies, or the single cell.
    """
    found: dict[str, Column] = {}
    for column, _ in chosen_results(points):
        if column.varies:
            found.setdefault(column.name, column)
    return [*found.values()]


def chosen_results(points: Points) -> list[tuple[Column, int]]:
    """Results for pictures, with their place among the bodies, what is asked most first.

    Of the first result of bodies the smallest clusters and the single cells; then the single results, those that are a multiple
    of another last; then the other results of bodies.
    """
    moved = set(map(id, points.moved))
    alone: list[Column] = []
    first: list[tuple[Column, int]] = []
    later: list[tuple[Column, int]] = []
    for name in dict.fromkeys(c.name for c in points.moved):
        family = points.family(name)
        if not family[0].n and not family[0].cells:
            alone.append(family[0])
            continue
        bodies = [(c, i) for i, c in enumerate(family) if id(c) in moved]
        bodies.sort(key=lambda item: (item[0].cells != family[0].cells, item[0].n < 2, item[0].n))
        singles = [item for item in bodies if item[0].n == 1][:1]
        (later if first else first).extend([*[item for item in bodies if item not in singles][:1], *singles])
    alone.sort(key=lambda c: _FIRST.index(c.name) if c.name in _FIRST else len(_FIRST))
    new = [c for i, c in enumerate(alone) if not any(_multiple(c, other) for other in alone[:i])]
    return [*first, *((c, 0) for c in new), *((c, 0) for c in alone if c not in new), *later]


def _multiple(a: Column, b: Column) -> bool:
    """Whether one is the other but for a factor."""
    use = a.known & b.known
    if not use.any() or (a.known != b.known).any() or not b.values[use].all():
        return False
    ratio = a.values[use] / b.values[use]
    return bool(ratio.max() - ratio.min() <= 1e-6 * abs(ratio).max())


def _ranked(values: np.ndarray) -> np.ndarray:
    """Ranks; equal values share theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def _unit_interval(column: Column) -> np.ndarray:
    """Values from 0 to 1 along an axis."""
    if not column.numeric:
        names = column.distinct
        return np.array([names.index(v) if v else np.nan for v in column.values]) / max(1, len(names) - 1)
    values = np.log(column.values) if column.logarithmic else column.values
    known = values[column.known]
    if not len(known):
        return np.full(len(values), np.nan)
    low, high = known.min(), known.max()
    return (values - low) / (high - low) if high > low else np.where(column.known, 0.5, np.nan)


def _ladder(axes: Any, place: int, column: Column) -> None:
    """An axis of its own for a column, with its ends, or its names."""
    axes.plot([place, place], [0, 1], color=MUTED, lw=0.9, zorder=3)
    if column.numeric:
        ends = (column.distinct[0], column.distinct[-1]) if column.distinct else ()
        for y, value in zip((0.0, 1.0), ends, strict=False):
            text = number(float(column.in_unit(value)), 3)
            axes.annotate(
                text, (place, y), (0, -3 if y == 0 else 3), textcoords="offset points", ha="center",
                va="top" if y == 0 else "bottom", fontsize=8.5,
            )  # fmt: skip
        return
    for i, name in enumerate(column.distinct):
        axes.annotate(
            plain(str(name)), (place, i / max(1, len(column.distinct) - 1)), (4, 0), textcoords="offset points", va="center",
            fontsize=8.5, bbox={"boxstyle": "square,pad=0.1", "facecolor": LINE, "edgecolor": "none", "alpha": 0.8}, zorder=4,
        )  # fmt: skip


def _folded(column: Column, *, unit: bool = True) -> str:
    """The label over few short lines."""
    lines: list[str] = []
    for word in column.label.split():
        if lines and len(lines[-1]) + len(word) < 13:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join([*lines, column.unit] if unit and column.unit else lines)
