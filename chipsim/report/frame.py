"""The frame of a report, the same for every device: answer, facts, sections with pictures and tables, warnings, origin.

A device makes a :class:`Page` from its result; :func:`render` turns it into HTML. All text is escaped there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from chipsim.report.style import svg

if TYPE_CHECKING:
    from chipsim.study.result import Result


@dataclass(frozen=True)
class Fact:
    """One of the numbers at the top of the page."""

    name: str
    value: str
    note: str = ""


class Link(str):
    """A cell of a table that leads to a file beside the page."""

    href: str

    def __new__(cls, text: str, href: str) -> Link:
        """The text, and the path from the page."""
        link = super().__new__(cls, text)
        link.href = href
        return link


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Attributes:
        name: Unique on the page; letters, digits, hyphens.
        figure: The figure.
        caption: What is seen.
        wide: Whether it takes the whole width.
        least: Narrowest that it is still legible, px; on a narrower screen it is scrolled.
    """

    name: str
    figure: Figure
    caption: str
    wide: bool = False
    least: int = 0

    @property
    def width(self) -> int:
        """Width at which its text has the size of the page's small print, px."""
        return round(self.figure.get_figwidth() * 104)

    @property
    def svg(self) -> Markup:
        """The figure as an element of the page."""
        return Markup(svg(self.figure, self.name))  # noqa: S704 - made by matplotlib, not by a user


@dataclass(frozen=True)
class Table:
    """A table; columns are aligned left (``l``) or right (``r``); the first column names the row.

    Attributes:
        head: Names of the columns; empty for a table of names and values.
        rows: Cells, as they are written.
        align: A letter a column.
        caption: What is in it.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page: text, then pictures, tables, points, and a file as it is, under its name."""

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    points: tuple[str, ...] = ()
    file: tuple[str, str] | None = None


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: Name of the design.
        kind: The device, in words.
        answer: What comes out, in one sentence.
        notice: What must be known before anything else; empty if there is nothing.
        facts: The numbers at the top.
        sections: The body.
        warnings: What a reader must know and the sections do not say, one sentence each.
        origin: How the numbers were made.
    """

    title: str
    kind: str
    answer: str
    notice: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    warnings: tuple[str, ...]
    origin: Section

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, in their order."""
        return [picture for section in self.sections for picture in section.pictures]


def pairs(rows: Iterable[tuple[str, str]], caption: str = "") -> Table:
    """A table of names and values."""
    return Table((), tuple(rows), "ll", caption)


def provenance(result: Result, *rows: tuple[str, str]) -> Section:
    """How the numbers were made: what holds for every device, and the rows that a device adds."""
    versions = ", ".join(f"{name} {version}" for name, version in result.flow.versions.items())
    common = (
        ("versions", versions),
        ("model of the flow", result.flow.cell.model),
        ("seed", str(result.seed)),
    )
    text = "The same design, seed and versions give the same bytes. Times and memory of this run are in run.json."
    return Section("How this was made", (text,), tables=(pairs([*common, *rows]),))


@lru_cache(maxsize=1)
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("template.html")


def render(page: Page) -> str:
    """The page as HTML: one file, figures inside, no script, nothing to fetch."""
    return _template().render(page=page)
