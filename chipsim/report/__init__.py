"""A finished run as one page that a biologist can read, and its figures (``chipsim.report.figures``) for notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chipsim.study.result import Result

__all__ = ["write_page"]


def write_page(result: Result, path: Path) -> None:
    """Write the report: one HTML file with its figures inside, nothing to fetch, no script; same result, same bytes.

    Args:
        result: A finished run.
        path: The file.
    """
    from chipsim.report.page import html  # matplotlib and jinja2 are slow to import, and only needed here

    Path(path).write_text(html(result), encoding="utf-8")
