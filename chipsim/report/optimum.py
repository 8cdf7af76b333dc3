"""The page of an optimisation, from its Dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chipsim.report import optimum_figures, study_overview, study_tables
from chipsim.report.frame import Fact, Link, Page, Picture, Section, Table, render
from chipsim.report.optimum_columns import MAXIMISE, Trials, trials_of
from chipsim.report.study_columns import Column, begin, in_words
from chipsim.report.units import NONE, number
from geometries.files import all_or_nothing

if TYPE_CHECKING:
    from xarray import Dataset

# Designs of the front that the table shows, and objectives with pictures of their own.
_FRONT, _OBJECTIVES = 100, 6
# A limit is what holds the best back if one of them comes so near, relatively.
_NEAR = 0.05


def write_optimum_page(dataset: Dataset, path: str | Path) -> None:
    """Write the page of an optimisation: one HTML file with its figures inside, no script; same Dataset, same bytes.

    It links to ``front/NN.toml`` and ``points/KEY/design.toml`` beside it.

    Args:
        dataset: Of :func:`chipsim.optimise`, or read from its NetCDF file.
        path: The file.

    Raises:
        DesignError: It cannot be written.
    """
    path = Path(path)
    text = optimum_page(dataset)
    with all_or_nothing(path.parent) as beside:
        (beside / path.name).write_text(text, encoding="utf-8")


def optimum_page(dataset: Dataset) -> str:
    """The page of an optimisation as HTML.

    Args:
        dataset: Of :func:`chipsim.optimise`, or read from its NetCDF file.
    """
    trials = trials_of(dataset)
    points = trials.points
    failures = study_tables.failures(points, "trial")
    sections = [
        _best(dataset, trials) if len(trials.front) else _nearest(trials),
        _asked(trials),
        *_pictures(dataset, trials),
        *([failures] if failures else []),
        study_tables.all_points(
            points, "trial", _values(trials), "optimum.nc", _ordered(trials), trials.standing
        ),
    ]
    origin = study_tables.origin(
        points,
        "Each trial is a run of its own, kept under points/ with its design and its whole result. A search of this kind finds "
        "good designs, not provably the best; more trials may find better ones.",
    )
    page = Page(
        title=points.title, kind=f"Optimisation, {study_tables.device_in_words(points)}", answer=answer(trials),
        notice=_notice(trials), facts=_facts(trials), sections=tuple(sections), warnings=(), origin=origin,
    )  # fmt: skip
    return render(page)


# -- head -----------------------------------------------------------------------------------------------------------------
def answer(trials: Trials) -> str:
    """What was found, in one sentence."""
    points, count = trials.points, len(trials.points)
    if not len(trials.front):
        if not points.done.any():
            return f"Not one of {count} trials has a result, so there is no design to tell of."
        nearest = trials.least_violated(1)
        near = (
            f"; the nearest is beyond a limit by {_beyond(trials.excess[nearest[0]])}" if len(nearest) else ""
        )
        return f"Not one of {count} trials is within all limits{near}."
    within = " within all limits" if trials.constraints else ""
    if len(trials.objectives) == 1:
        column, best = trials.objectives[0], int(trials.front[0])
        most = "most" if trials.goal(column) == MAXIMISE else "least"
        return (
            f"The {most} {column.label} that {count} trials found{within} is {column.write(column.values[best])}, "
            f"with {_where(trials, best)}."
        )
    spans = [_from_to(trials, column) for column in trials.objectives]
    designs = f"{len(trials.front)} designs are" if len(trials.front) > 1 else "one design is"
    return (
        f"Of {count} trials {designs} on the front, where nothing{within} is better in one objective without being worse in "
        f"another: {in_words(spans)}."
    )


def _beyond(excess: float) -> str:
    """A share of the limit, or how many times it."""
    return f"{number(100 * excess, 3)} % of it" if excess < 1 else f"{number(excess, 2)} times it"


def _where(trials: Trials, i: int) -> str:
    parameters = trials.points.varied or trials.points.parameters
    return in_words(f"{p.label} {p.write(p.values[i])}" for p in parameters)


def _from_to(trials: Trials, column: Column) -> str:
    """The span of an objective over the front."""
    values = column.values[trials.front]
    if values.min() == values.max():
        return f"{column.label} {column.write(values[0])}"
    least, most = column.write(values.min(), unit=False, digits=3), column.write(values.max(), digits=3)
    return f"{column.label} from {least} to {most}"


def _notice(trials: Trials) -> str:
    if len(trials.front):
        return ""
    if not trials.points.done.any():
        return "No trial has a result: below is why."
    return "No trial is within all limits, so there is no front. Shown are the trials that break their limits by the least."


def _facts(trials: Trials) -> tuple[Fact, ...]:
    facts = [
        *study_tables.ended_facts(trials.points, "trial"),
        Fact("within all limits", str(int(trials.feasible.sum()))),
    ]
    if len(trials.objectives) > 1 and len(trials.front):
        facts.append(Fact("on the front", str(len(trials.front))))
    for column in trials.objectives[:4]:
        best = trials.best(column)
        if best is not None:
            most = "most" if trials.goal(column) == MAXIMISE else "least"
            facts.append(
                Fact(
                    f"{most} {column.label}",
                    column.write(column.values[best], digits=3),
                    f"trial {trials.points.number[best]}",
                )
            )
    return tuple(facts)


# -- sections -------------------------------------------------------------------------------------------------------------
def _best(dataset: Dataset, trials: Trials) -> Section:
    """The front as a picture and a table with the file of each design."""
    pictures = []
    if len(trials.objectives) > 1:
        caption = (
            "All trials. Numbers: the designs in front/, as in the table; some are left out where they would touch."
            if len(trials.front) > 1
            else "All trials, and the one that nothing dominates."
        )
        many = len(trials.objectives) > 2
        figure = optimum_figures.pareto_front(dataset)
        pictures.append(Picture("front", figure, caption, wide=True, least=820 if many else 520))
        if len(trials.front) > 1:
            caption = "The parameters of the designs on the front, along the first objective."
            figure = optimum_figures.along_the_front(dataset)
            pictures.append(Picture("along", figure, caption, wide=True, least=_least(figure)))
    title = "The best design" if len(trials.front) == 1 else "The front"
    if len(trials.objectives) == 1 and len(trials.front) > 1:
        title = "The best designs"
    said = f"{'Each' if len(trials.front) > 1 else 'It'} is a design file that runs: chipsim run front/{trials.file(1)}."
    if len(trials.front) > _FRONT:
        said += f" The first {_FRONT} of {len(trials.front)}."
    return Section(title, (said,), tuple(pictures), (front_table(trials),))


def front_table(trials: Trials) -> Table:
    """The designs on the front: file, parameters, objectives, constraints."""
    columns = [*(trials.points.varied or trials.points.parameters), *_values(trials)]
    rows = tuple(
        (
            Link(trials.file(rank), f"front/{trials.file(rank)}"),
            *(c.write(c.values[i], unit=False) for c in columns),
            study_tables.design_link(trials.points, int(i)),
        )
        for rank, i in enumerate(trials.front[:_FRONT], start=1)
    )
    align = "l" + "".join("r" if c.numeric else "l" for c in columns) + "r"
    return Table(("design", *(c.axis for c in columns), "trial"), rows, align)


def _nearest(trials: Trials) -> Section:
    """Without a front: the trials that break their limits by the least."""
    which = trials.least_violated()
    if not len(which):
        return Section("No design", ("No trial has a result.",))
    columns = [*(trials.points.varied or trials.points.parameters), *_values(trials)]
    rows = tuple(
        (
            study_tables.design_link(trials.points, int(i)),
            *(c.write(c.values[i], unit=False) for c in columns),
            _beyond(trials.excess[i]),
            in_words(c.column.label for c in trials.constraints if c.excess[i] > 0) or NONE,
        )
        for i in which
    )
    align = "r" + "".join("r" if c.numeric else "l" for c in columns) + "rl"
    head = ("trial", *(c.axis for c in columns), "beyond by", "limits broken")
    text = "By how much a limit is broken is told as a share of the limit; of several the largest counts."
    return Section("The nearest to the limits", (text,), tables=(Table(head, rows, align),))


def _asked(trials: Trials) -> Section:
    """Parameters, objectives and constraints."""
    objectives = tuple((c.label, trials.goal(c), c.long_name or NONE, c.place) for c in trials.objectives)
    tables = [
        study_tables.parameters(trials.points),
        Table(
            ("objective", "goal", "what it is", "place in result.json"), objectives, "llll", "What is best"
        ),
    ]
    if trials.constraints:
        rows = tuple(
            (
                c.column.label, c.words, str(int((c.excess <= 0).sum())), _at_front(trials, c.column),
                _holds_back(trials, c.excess), c.column.place,
            )
            for c in trials.constraints
        )  # fmt: skip
        head = (
            "constraint",
            "limit",
            "trials within",
            trials.front_name,
            f"of these within {100 * _NEAR:g} % of it",
            "place in result.json",
        )
        tables.append(Table(head, rows, "llrrll", "What must hold"))
    return Section("What was asked", tables=tuple(tables))


def _at_front(trials: Trials, column: Column) -> str:
    if not len(trials.front):
        return NONE
    values = column.values[trials.front]
    low, high = column.write(values.min(), unit=False), column.write(values.max())
    return high if values.min() == values.max() else f"{low} to {high}"


def _holds_back(trials: Trials, excess: np.ndarray) -> str:
    """How many of the best come near the limit: there it is the limit that decides."""
    if not len(trials.front):
        return NONE
    near = int((excess[trials.front] > -_NEAR).sum())
    return f"{near} of {len(trials.front)}" if near else "none"


def _pictures(dataset: Dataset, trials: Trials) -> list[Section]:
    points = trials.points
    if not points.done.any():
        return []
    slices = []
    for i, column in enumerate(trials.objectives[:_OBJECTIVES]):
        figure = optimum_figures.objective_slices(dataset, column.name)
        caption = f"{begin(column.label)} of each trial against each parameter."
        slices.append(Picture(f"slices-{i}", figure, caption, wide=True, least=_least(figure)))
    sections = [Section("What each parameter does", (), tuple(slices))]
    if trials.constraints:
        figure = optimum_figures.constraint_margins(dataset)
        caption = "What each constraint limits, trial by trial; in the red is what is not allowed."
        picture = Picture(
            "constraints", figure, caption, wide=len(trials.constraints) > 1, least=_least(figure)
        )
        sections.append(Section("How near the limits are", (), (picture,)))
    history = [
        Picture(
            f"history-{i}",
            optimum_figures.trial_history(dataset, c.name),
            f"{begin(c.label)}, trial by trial.",
        )
        for i, c in enumerate(trials.objectives[:_OBJECTIVES])
    ]
    if any(p.numeric for p in points.varied) and study_overview.distinct_results(points):
        caption = "Rank correlation with the parameters, over all trials with a result. The search looks more where it is good."
        history.append(Picture("correlation", study_overview.rank_correlations(dataset), caption))
    sections.append(Section("How the search went", (), tuple(history)))
    return sections


def _least(figure) -> int:  # type: ignore[no-untyped-def]
    """Narrowest width at which the text of a figure of several panels is legible, px."""
    return int(figure.get_figwidth() * 78)


def _values(trials: Trials) -> list[Column]:
    """Objectives and constraints, each result once."""
    columns = [*trials.objectives, *(c.column for c in trials.constraints)]
    return list({c.name: c for c in columns}.values())


def _ordered(trials: Trials) -> list[int]:
    """Those on the front first, then by trial."""
    best = [int(i) for i in trials.front]
    chosen = set(best)
    return [*best, *(i for i in range(len(trials.points)) if i not in chosen)]
