"""What the pages of sweeps and optimisations share: how points ended, what varied, their table, how they were made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chipsim.report.frame import Fact, Link, Section, Table, pairs
from chipsim.report.study_columns import Column, Points, in_words
from chipsim.report.units import NONE

#: Rows of the table of all points.
ROWS = 200
#: Columns of parameters and results in it; at least four are results.
COLUMNS = 11
DEVICES = {"cluster_chip": "Cluster-Chip", "pore_filter": "pore filter", "spiral": "spiral"}
_MEANING = {
    "refused": "designs or operations that cannot be: a rule is broken",
    "failed": "computations that came to no end",
    "too long": "stopped by the time limit",
}
_NOT_SAID = ("title", "design", "device")


def device_in_words(points: Points) -> str:
    """The kind of device as people call it."""
    return DEVICES.get(points.device, points.device.replace("_", " ") or "design")


def ended_in_words(points: Points, what: str) -> str:
    """``58 of 64 points have a result; 5 were refused and 1 failed``."""
    done, others = points.count("done"), _others(points)
    if done == len(points):
        return f"all {done} {what}s have a result" if done != 1 else f"the one {what} has a result"
    told = in_words(f"{n} {_verb(status, n)}" for status, n in others)
    return f"{done or 'none'} of {len(points)} {what}s {'has' if done < 2 else 'have'} a result: {told}"


def _verb(status: str, n: int) -> str:
    if status == "failed":
        return status
    return f"{'was' if n == 1 else 'were'} {'stopped as too long' if status == 'too long' else status}"


def ended_facts(points: Points, what: str) -> list[Fact]:
    """Counts for the top of the page."""
    facts = [Fact(f"{what}s", str(len(points)), f"{points.count('done')} with a result")]
    if others := _others(points):
        ended = ", ".join(f"{n} {status}" for status, n in others)
        facts.append(Fact("without a result", str(len(points) - points.count("done")), ended))
    return facts


def _others(points: Points) -> list[tuple[str, int]]:
    known = [s for s in _MEANING if points.count(s)]
    more = sorted({str(s) for s in points.status} - {"done", *_MEANING})
    return [(s, points.count(s)) for s in (*known, *more)]


def parameters(points: Points) -> Table:
    """What varied: from where to where, how many values."""
    rows = [
        (p.label, _about(p), p.span(), str(len(p.distinct)), p.place)
        for p in points.parameters
    ]  # fmt: skip
    return Table(
        ("parameter", "what it is", "values", "different", "place in the design"),
        tuple(rows),
        "lllrl",
        "What varies",
    )


def results(columns: Iterable[Column]) -> Table:
    """What was asked for, with its place in result.json."""
    rows = {
        c.name: (c.label.partition(": ")[0], c.long_name or NONE, c.unit or NONE, c.place) for c in columns
    }
    return Table(("result", "what it is", "unit", "place in result.json"), tuple(rows.values()), "llll")


def _about(column: Column) -> str:
    """What a long name says beside the name itself."""
    _, colon, words = column.long_name.partition(": ")
    return words if colon else column.long_name or NONE


def design_link(points: Points, i: int, text: str | None = None) -> str:
    """A point's number, leading to its design's file where it has a folder."""
    text = str(points.number[i]) if text is None else text
    key = points.key[i]
    return Link(text, f"points/{key}/design.toml") if re.fullmatch(r"[0-9A-Za-z]+", key) else text


def failures(points: Points, what: str) -> Section | None:
    """Points without a result: what they said, counted."""
    found = grouped(points)
    if not found:
        return None
    rows = tuple(
        (status, str(n), message or NONE, design_link(points, i)) for status, n, message, i in found[:50]
    )
    text = [f"{s.capitalize()}: {_MEANING[s]}." for s, _ in _others(points) if s in _MEANING]
    text.append("Sentences that differ in numbers only are counted together; the first of them is shown.")
    if len(found) > 50:
        text.append(f"{len(found) - 50} more kinds of sentences are left out here.")
    head = ("how it ended", f"{what}s", "why", "first")
    return Section(
        f"{what.capitalize()}s without a result", (" ".join(text),), tables=(Table(head, rows, "lrlr"),)
    )


def all_points(
    points: Points,
    what: str,
    columns: Sequence[Column],
    beside: str,
    order: Iterable[int] | None = None,
    standing: Sequence[str] = (),
) -> Section:
    """A table of the first points, with how each ended (or stands) unless all have a result."""
    varied = points.varied or list(points.parameters)
    shown = list(columns)[: max(4, COLUMNS - len(varied))]
    all_columns = [*varied, *shown]
    ended = bool(standing) or not points.done.all()
    head = (what, *(["" if standing else "ended"] if ended else []), *(c.axis for c in all_columns))
    rows = tuple(
        (
            design_link(points, i),
            *([(standing or points.status)[i]] if ended else []),
            *(c.write(c.values[i], unit=False) for c in all_columns),
        )
        for i in list(range(len(points)) if order is None else order)[:ROWS]
    )
    align = ("rl" if ended else "r") + "".join("r" if c.numeric else "l" for c in all_columns)
    said = [f"A {what}'s number leads to the file of its design."]
    if len(points) > ROWS:
        said.append(f"The first {ROWS} of {len(points)} {what}s.")
    if len(columns) > len(shown):
        said.append(f"The first {len(shown)} of {len(columns)} results.")
    if len(said) > 1:
        said.append(f"All are in {beside}.")
    return Section(f"The {what}s", (" ".join(said),), tables=(Table(head, rows, align),))


def origin(points: Points, text: str) -> Section:
    """How the numbers were made."""
    rows = [
        (str(key).replace("_", " "), written_attr(value) or NONE)
        for key, value in points.attrs.items()
        if key not in _NOT_SAID
    ]
    design = str(points.attrs.get("design", ""))
    file = ("The design that all begin with, as a TOML file", design) if design else None
    return Section("How this was made", (text,), tables=(pairs(rows),) if rows else (), file=file)


def grouped(points: Points) -> list[tuple[str, int, str, int]]:
    """Points without a result by how they ended and why: status, how many, a message, the first of them.

    Messages that differ in numbers only are one: the first stands for them.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for i in np.flatnonzero(~points.done):
        alike = re.sub(r"\d+(\.\d+)?(e[-+]?\d+)?", "#", points.message[i])
        found.setdefault((points.status[i], alike), []).append(int(i))
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[1][0]))
    return [(status, len(which), points.message[which[0]], which[0]) for (status, _), which in ordered]


def written_attr(value: Any) -> str:
    """An attribute of a Dataset for a table: text as it is, what is JSON without its braces."""
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except ValueError:
            return value
        if isinstance(read, dict):
            return ", ".join(f"{key} {written_attr(v)}" for key, v in read.items())
        return value
    return ", ".join(str(v) for v in value) if isinstance(value, list | tuple | np.ndarray) else str(value)
