"""A finished run as one page that a biologist can read; its figures (``chipsim.report.figures``) and views for notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chipsim.flow.result import Flow
    from chipsim.report.space import View
    from chipsim.study.result import Result

__all__ = ["view", "write_page"]


def view(flow: Flow, operation: Any) -> View | Figure:
    """The flow in space, to be turned with the mouse: walls by their pressure, streamlines by their speed.

    Of a spiral it is the channel with its sections. Where pyvista is not installed, and for a flow that is plane, a figure takes
    its place, and a warning says why.

    Args:
        flow: A solved flow.
        operation: What drives it, and the viscosity.

    Returns:
        What a notebook shows; ``view(...).write("flow.html")`` makes a page of it.

    Raises:
        ValueError: The field of this flow is on another rank.
    """
    from chipsim.report.space import view_or_figure  # slow to import, as are matplotlib and jinja2 below

    return view_or_figure(flow, operation)


def write_page(result: Result, path: Path) -> None:
    """Write the report: one HTML file with its figures inside, nothing to fetch, no script; same result, same bytes.

    Args:
        result: A finished run.
        path: The file.
    """
    from chipsim.report.page import html

    Path(path).write_text(html(result), encoding="utf-8")
