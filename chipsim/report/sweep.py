"""The page of a sweep, from its Dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chipsim.report import study_overview, study_tables, sweep_figures, sweep_maps
from chipsim.report.frame import Fact, Page, Picture, Section, Table, render
from chipsim.report.study_columns import Column, Points, begin, in_words, matters, points_of
from chipsim.report.study_overview import chosen_results, distinct_results
from chipsim.report.units import NONE
from geometries.files import all_or_nothing

if TYPE_CHECKING:
    from xarray import Dataset

# Results that get a picture of their own: over one parameter, over two (two pictures each where both matter), over more.
_ONE, _TWO, _MORE = 12, 10, 8
_EXTREMES = 40


def write_sweep_page(dataset: Dataset, path: str | Path) -> None:
    """Write the page of a sweep: one HTML file with its figures inside, no script; same Dataset, same bytes.

    It links to ``points/KEY/design.toml`` beside it.

    Args:
        dataset: Of :func:`chipsim.sweep`, or read from its NetCDF file.
        path: The file.

    Raises:
        DesignError: It cannot be written.
    """
    path = Path(path)
    text = sweep_page(dataset)
    with all_or_nothing(path.parent) as beside:
        (beside / path.name).write_text(text, encoding="utf-8")


def sweep_page(dataset: Dataset) -> str:
    """The page of a sweep as HTML.

    Args:
        dataset: Of :func:`chipsim.sweep`, or read from its NetCDF file.
    """
    points = points_of(dataset)
    failures = study_tables.failures(points, "point")
    sections = (
        Section("What was asked", tables=(study_tables.parameters(points),)),
        *([_extremes(points)] if points.done.any() else []),
        *_pictures(dataset, points),
        *([failures] if failures else []),
        study_tables.all_points(points, "point", _in_table(points), "sweep.nc"),
        Section("What the results are", tables=(study_tables.results(points.results),)),
    )
    origin = study_tables.origin(
        points,
        "Each point is a run of its own, kept under points/ with its design and its whole result. The same study and versions "
        "give the same numbers.",
    )
    page = Page(
        title=points.title, kind=f"Sweep, {study_tables.device_in_words(points)}", answer=_answer(points), notice=_notice(points),
        facts=_facts(points), sections=sections, warnings=(), origin=origin,
    )  # fmt: skip
    return render(page)


# -- head -----------------------------------------------------------------------------------------------------------------
def _answer(points: Points) -> str:
    """What was varied and how it ended, in one sentence."""
    varied = points.varied
    what = in_words(f"{p.label} ({p.span()})" for p in varied) if varied else "one design"
    how = ""
    if varied:
        how = " on a grid" if points.grid and len(varied) > 1 else ""
    ended = study_tables.ended_in_words(points, "point")
    return f"Over {what}{how}, {ended}." if varied else f"Nothing varies between the points; {ended}."


def _notice(points: Points) -> str:
    if not points.done.any():
        return "No point has a result: below is why. Nothing else can be shown."
    return ""


def _facts(points: Points) -> tuple[Fact, ...]:
    """How points ended, and where the first results are largest."""
    facts = study_tables.ended_facts(points, "point")
    facts += [Fact(c.label, c.span(digits=3)) for c in distinct_results(points)[:4]]
    return tuple(facts)


# -- tables ---------------------------------------------------------------------------------------------------------------
def _extremes(points: Points) -> Section:
    """Where each result is smallest and largest."""
    rows, same, empty = [], [], []
    for column in _told(points):
        if not column.known.any():
            empty.append(column.label)
        elif not column.varies:
            same.append(f"{column.label} = {column.write(column.distinct[0])}")
        else:
            least, most = (_first(column, value) for value in (column.distinct[0], column.distinct[-1]))
            rows.append(
                (
                    column.label, column.write(column.values[least]), _where(points, least),
                    study_tables.design_link(points, least), column.write(column.values[most]), _where(points, most),
                    study_tables.design_link(points, most),
                )
            )  # fmt: skip
    said = []
    if len(rows) > _EXTREMES:
        said.append(f"The first {_EXTREMES} of {len(rows)} results that vary.")
    if same:
        said.append(f"Everywhere the same: {'; '.join(same[:20])}{' and more' if len(same) > 20 else ''}.")
    if empty:
        said.append(
            f"Without a number at any point: {', '.join(empty[:20])}{' and more' if len(empty) > 20 else ''}."
        )
    head = ("result", "least", "at", "point", "largest", "at", "point")
    table = Table(head, tuple(rows[:_EXTREMES]), "lrlrrlr")
    return Section("The least and the largest of each result", tuple(said), tables=(table,) if rows else ())


def _told(points: Points) -> list[Column]:
    """Results that are numbers: of those of bodies all of the first, two of each other."""
    numeric = [c for c in points.results if c.numeric]
    bodies = list(dict.fromkeys(c.name for c in numeric if c.cells or c.n))
    chosen = {id(c) for c, _ in chosen_results(points)}
    of_bodies = [c for c in numeric if c.name in bodies[:1] or c.name in bodies and id(c) in chosen]
    return [*(c for c in numeric if c.name not in bodies), *of_bodies]


def _in_table(points: Points) -> list[Column]:
    """Results for the table of points, what is asked most first; none where no point has any."""
    if not points.done.any():
        return []
    chosen = [c for c, _ in chosen_results(points)]
    known = set(map(id, chosen))
    text = [c for c in points.results if not c.numeric and c.varies]
    return [*text, *chosen, *(c for c in points.moved if id(c) not in known)] or [
        c for c in points.results if c.known.any()
    ]


def _first(column: Column, value: float) -> int:
    return int(np.nanargmin(np.abs(column.values - value)))


def _where(points: Points, i: int) -> str:
    """The values of what varies at a point."""
    return ", ".join(f"{p.label} {p.write(p.values[i])}" for p in points.varied) or NONE


# -- pictures -------------------------------------------------------------------------------------------------------------
def _pictures(dataset: Dataset, points: Points) -> list[Section]:
    """Sections of pictures, by how much varies and how."""
    varied = points.varied
    if not varied or not points.done.any():
        return []
    if len(varied) == 1:
        return [_over_one(dataset, points)]
    if len(varied) == 2 and points.grid:
        found = [_over_two(dataset, points)]
        return found + (
            [_overview(dataset, points)] if any(p.numeric for p in varied) and len(points.moved) > 2 else []
        )
    return [_effects(dataset, points), _overview(dataset, points)]


def _marks(points: Points) -> str:
    return "" if points.done.all() else " Crosses: points without a result."


def _over_one(dataset: Dataset, points: Points) -> Section:
    over = points.varied[0]
    names = list(dict.fromkeys(c.name for c in points.moved))
    pictures = []
    for i, name in enumerate(names[:_ONE]):
        column = points.family(name)
        what = column[0].label.partition(": ")[0]
        sizes = " of each kind of bodies" if len(column) > 1 else ""
        caption = f"{begin(what)}{sizes} over {over.label}.{_marks(points)}"
        pictures.append(Picture(f"result-{i}", sweep_figures.result_curves(dataset, name), caption))
    return Section(f"What {over.label} does", _left_out(len(names), _ONE), tuple(pictures))


def _over_two(dataset: Dataset, points: Points) -> Section:
    """For each result a map, and curves where one parameter has few values; one curve where only one of them matters."""
    a, b = sorted(points.varied, key=lambda p: -len(p.distinct))
    columns = chosen_results(points)
    both: list[Picture] = []
    one: list[Picture] = []
    for i, (column, body) in enumerate(columns[:_TWO]):
        idle = [p for p in (a, b) if not matters(points, p, column)]
        if len(idle) == 1:
            across = a if idle[0] is b else b
            figure = sweep_figures.result_curves(dataset, column.name, across.name, body=body)
            caption = f"{begin(column.label)} over {across.label}, whatever the {idle[0].label}."
            one.append(Picture(f"curve-{i}", figure, caption))
            continue
        caption = f"{begin(column.label)} over {a.label} and {b.label}.{_marks(points)}"
        both.append(Picture(f"map-{i}", sweep_maps.result_map(dataset, column.name, body=body), caption))
        across, other = sweep_figures.along(points)
        if other is not None and len(other.distinct) <= sweep_figures.CURVES:
            caption = f"The same over {across.label}; a curve for each value of {other.label}."
            figure = sweep_figures.result_curves(dataset, column.name, body=body)
            both.append(Picture(f"curves-{i}", figure, caption))
    pictures = [*both, *one]
    return Section(f"What {a.label} and {b.label} do", _left_out(len(columns), _TWO), tuple(pictures))


def _effects(dataset: Dataset, points: Points) -> Section:
    columns = chosen_results(points)
    pictures = []
    wide = len(points.varied) > 2
    for i, (column, body) in enumerate(columns[:_MORE]):
        caption = (
            f"{begin(column.label)} against each parameter. Points: all results; line: their mean at this value or near "
            "it; band: two thirds of them, which is what the other parameters do."
        )
        figure = sweep_figures.main_effects(dataset, column.name, body=body)
        least = 230 * min(4, len(points.varied)) if wide else 0
        pictures.append(Picture(f"effects-{i}", figure, caption, wide=wide, least=least))
    if len(points.varied) == 2 and all(p.numeric for p in points.varied):
        for i, (column, body) in enumerate(columns[:_MORE]):
            a, b = points.varied
            caption = f"{begin(column.label)} over {a.label} and {b.label}.{_marks(points)}"
            pictures.append(
                Picture(f"map-{i}", sweep_maps.result_map(dataset, column.name, body=body), caption)
            )
    return Section("What each parameter does", _left_out(len(columns), _MORE), tuple(pictures))


def _overview(dataset: Dataset, points: Points) -> Section:
    """What goes with what, and all points as lines."""
    pictures = []
    if any(p.numeric for p in points.varied) and distinct_results(points):
        caption = (
            "Rank correlation of results with parameters: +1 where the result always rises with it, −1 where it always falls, "
            "near 0 where it does neither, or both."
        )
        pictures.append(Picture("correlation", study_overview.rank_correlations(dataset), caption))
    if len(points.varied) > 2 and distinct_results(points):
        caption = "Each point with a result as a line over its parameters and results, in the colour of the last axis."
        figure = study_overview.parallel_points(dataset)
        least = round(95 * figure.get_figwidth() / 1.35)
        pictures.append(Picture("parallel", figure, caption, wide=True, least=least))
    return Section("What goes with what", (), tuple(pictures))


def _left_out(count: int, most: int) -> tuple[str, ...]:
    return (
        (f"The first {most} of {count} results that vary; the others are in sweep.nc.",)
        if count > most
        else ()
    )
