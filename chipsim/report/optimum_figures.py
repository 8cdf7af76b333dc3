"""Figures of an optimisation: the front, the way to it, what each parameter does, how near the limits are."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chipsim.report.optimum_columns import MAXIMISE, Trials, trials_of
from chipsim.report.study_axes import MANY, places, scale_axis, value_axis
from chipsim.report.study_columns import Column
from chipsim.report.style import COLOURS, INK, MEASURED, MUTED, PAPER, plain, styled

if TYPE_CHECKING:
    from xarray import Dataset

_FRONT, _FEASIBLE = COLOURS[1], COLOURS[0]
#: Labels of the front keep this far apart, px at 100 a inch.
_APART = 15.0


@styled
def pareto_front(dataset: Dataset) -> Figure:
    """All trials over each two objectives: infeasible ones grey, those on the front with their number.

    Args:
        dataset: Of an optimisation of two or more objectives.

    Raises:
        ValueError: There is one objective.
    """
    trials = trials_of(dataset)
    pairs = list(itertools.combinations(trials.objectives, 2))
    if not pairs:
        raise ValueError("a front needs two objectives")
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    size = (7.6, 4.9) if len(pairs) == 1 else (max(5.4, 3.3 * columns), 3.1 * rows + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes, (x, y) in zip(panels.flat, pairs, strict=False):
        _objectives(axes, trials, x, y, stairs=len(pairs) == 1)
    for axes in panels.flat[len(pairs) :]:
        axes.set_visible(False)
    figure.draw_without_rendering()  # numbers are placed by where points have come to lie
    for axes, (x, y) in zip(panels.flat, pairs, strict=False):
        _numbers(axes, trials, x, y)
    _legend(figure, panels.flat[0])
    return figure


@styled
def trial_history(dataset: Dataset, objective: str | None = None) -> Figure:
    """An objective trial by trial, with the best feasible one so far.

    Args:
        dataset: Of an optimisation.
        objective: Its name; None: the first.

    Raises:
        KeyError: There is no such objective.
    """
    trials = trials_of(dataset)
    column = trials.objective(objective)
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    number = trials.points.number
    _dots(axes, trials, number, column.shown, column.known)
    best = trials.best_so_far(column)
    if np.isfinite(best).any():
        axes.step(
            number, column.in_unit(best), where="post", color=_FRONT, lw=1.7, label="best so far", zorder=4
        )
    axes.set(xlabel="trial", ylabel=plain(trials.axis(column)))
    value_axis(axes, [column])
    _legend(figure, axes)
    return figure


@styled
def objective_slices(dataset: Dataset, objective: str | None = None) -> Figure:
    """An objective against each parameter, infeasible trials grey, those on the front ringed.

    Args:
        dataset: Of an optimisation.
        objective: Its name; None: the first.

    Raises:
        KeyError: There is no such objective.
    """
    trials = trials_of(dataset)
    column, parameters = trials.objective(objective), trials.points.varied or list(trials.points.parameters)
    figure, panels = _panels(len(parameters))
    for axes, parameter in zip(panels.flat, parameters, strict=False):
        _dots(axes, trials, places(parameter), column.shown, column.known)
        axes.set_xlabel(plain(parameter.axis))
        scale_axis(axes.xaxis, parameter)
    for row in panels:
        row[0].set_ylabel(plain(trials.axis(column)))
    value_axis(panels[0, 0], [column])
    _legend(figure, panels.flat[0])
    return figure


@styled
def along_the_front(dataset: Dataset) -> Figure:
    """The parameters of the trials on the front, along the first objective.

    Args:
        dataset: Of an optimisation.

    Raises:
        ValueError: No trial is on the front.
    """
    trials = trials_of(dataset)
    which, first = trials.front, trials.objectives[0]
    if not len(which):
        raise ValueError("no trial is on the front")
    parameters = trials.points.varied or list(trials.points.parameters)
    figure, panels = _panels(len(parameters), sharey=False)
    for axes, parameter in zip(panels.flat, parameters, strict=False):
        axes.plot(first.shown[which], places(parameter)[which], "o", color=_FRONT, ms=5, mec=PAPER, mew=0.7)
        axes.set_ylabel(plain(parameter.axis))
        axes.set_xlabel(plain(trials.axis(first)))
        scale_axis(axes.yaxis, parameter)
    return figure


@styled
def constraint_margins(dataset: Dataset) -> Figure:
    """Each constraint trial by trial with its limit; on the other side of it is what is not allowed.

    Args:
        dataset: Of an optimisation with constraints.

    Raises:
        ValueError: There is no constraint.
    """
    trials = trials_of(dataset)
    if not trials.constraints:
        raise ValueError("the study has no constraint")
    figure, panels = _panels(len(trials.constraints), sharey=False, width=3.6)
    number = trials.points.number
    for axes, constraint in zip(panels.flat, trials.constraints, strict=False):
        column, limit = constraint.column, float(constraint.column.in_unit(constraint.limit))
        _dots(axes, trials, number, column.shown, column.known)
        value_axis(axes, [column], also=limit)
        low, high = axes.get_ylim()
        beyond = (limit, high) if constraint.upper else (low, limit)
        axes.axhspan(*beyond, color=MEASURED, alpha=0.09, lw=0)
        axes.axhline(limit, color=MEASURED, lw=1.2, ls=(0, (4, 3)))
        axes.set_ylim(low, high)
        axes.set(xlabel="trial", ylabel=plain(column.axis))
        axes.set_title(plain(f"{constraint.words}"), fontsize=9.0, color=MEASURED)
    _legend(figure, panels.flat[0])
    return figure


# -- parts ----------------------------------------------------------------------------------------------------------------
def _panels(count: int, *, sharey: bool = True, width: float = 2.9) -> tuple[Figure, np.ndarray]:
    columns = min(3, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(max(5.4, width * columns), 2.9 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=sharey, squeeze=False)
    for axes in panels.flat[count:]:
        axes.set_visible(False)
    return figure, panels


def _dots(axes: Axes, trials: Trials, x: np.ndarray, y: np.ndarray, known: np.ndarray) -> None:
    """Trials as points: infeasible ones grey, those on the front on top."""
    many = len(trials.points) > MANY
    on_front = np.zeros(len(x), bool)
    on_front[trials.front] = True
    looks: tuple[tuple[str, np.ndarray, dict[str, Any]], ...] = (
        ("breaks a limit", known & ~trials.feasible,
         {"color": MUTED, "alpha": 0.45, "ms": 3.4, "mec": "none", "rasterized": many}),
        ("within the limits", known & trials.feasible & ~on_front,
         {"color": _FEASIBLE, "alpha": 0.75, "ms": 4.2, "mec": "none", "rasterized": many}),
        (trials.front_name, known & on_front, {"color": _FRONT, "ms": 6, "mec": PAPER, "mew": 0.8, "zorder": 5}),
    )  # fmt: skip
    for label, which, look in looks:
        if which.any():
            axes.plot(x[which], y[which], "o", label=label, **look)


def _objectives(axes: Axes, trials: Trials, x: Column, y: Column, *, stairs: bool) -> None:
    _dots(axes, trials, x.shown, y.shown, x.known & y.known)
    which = trials.front
    if stairs and len(which) > 1:  # what is reached: up to here something is at least as good in both
        order = which[np.lexsort((y.shown[which], x.shown[which]))]
        where: Literal["pre", "post"] = "pre" if trials.goal(x) == MAXIMISE else "post"
        axes.step(x.shown[order], y.shown[order], where=where, color=_FRONT, lw=1.0, alpha=0.7, zorder=2)
    axes.set(xlabel=plain(trials.axis(x)), ylabel=plain(trials.axis(y)))
    scale_axis(axes.xaxis, x)
    value_axis(axes, [y])


def _numbers(axes: Axes, trials: Trials, x: Column, y: Column) -> None:
    """Numbers of the front's designs, as many as do not touch."""
    placed: list[np.ndarray] = []
    for number, i in enumerate(trials.front, start=1):
        at = axes.transData.transform((x.shown[i], y.shown[i]))
        if any(np.hypot(*(at - other)) < _APART for other in placed):
            continue
        placed.append(at)
        axes.annotate(
            f"{number}",
            (x.shown[i], y.shown[i]),
            (4, 4),
            textcoords="offset points",
            fontsize=8.0,
            color=INK,
            zorder=6,
            bbox={"boxstyle": "square,pad=0.08", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.75},
        )


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=4, columnspacing=1.3, handlelength=1.6
        )
