"""A solved flow in space, to be turned with the mouse: in a notebook, or as a page of its own. A figure where pyvista is not.

Nothing is drawn on this machine: the shapes go into a page whose script (vtk.js) draws them in the browser. So it works where
there is no screen and no OpenGL, where pyvista's own windows would end the process.
"""

from __future__ import annotations

import html
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from chipsim.flow.array_result import ArrayFlow
from chipsim.flow.pore_result import PoreFlow
from chipsim.flow.result import Flow
from chipsim.flow.spiral_result import SpiralFlow
from chipsim.report import figures
from geometries.files import all_or_nothing

if TYPE_CHECKING:
    from chipsim.report.scenes import Scene

_HEIGHT = 520  # px, in a notebook


@dataclass(frozen=True)
class View:
    """A scene that shows itself in a notebook.

    Attributes:
        scene: Its shapes as pyvista's, to go on with: ``view.scene.parts``.
        page: The scene as an HTML page with its script inside: nothing to fetch.
    """

    scene: Scene = field(repr=False)
    page: str = field(repr=False)

    def write(self, path: str | Path) -> None:
        """Write the page as a file for any browser.

        Raises:
            DesignError: The file cannot be written.
        """
        path = Path(path)
        with all_or_nothing(path.parent) as partial:
            (partial / path.name).write_text(self.page, encoding="utf-8")

    def _repr_html_(self) -> str:
        inside = html.escape(self.page)
        return f'<iframe srcdoc="{inside}" style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'


def view_or_figure(flow: Flow, operation: Any) -> View | Figure:
    """What :func:`chipsim.view` gives."""
    try:
        with warnings.catch_warnings():
            # Of a bar of progress that pyvista's examples would show.
            warnings.filterwarnings("ignore", message="IProgress not found")
            from chipsim.report.scene_page import page
            from chipsim.report.scenes import scene
    except ImportError as missing:
        return _plain(
            flow,
            operation,
            f"{missing.name} is not installed, so here is a figure; pip install pyvista trame-vtk",
        )
    found = scene(flow, operation)
    if found is None:
        return _plain(flow, operation, f'the flow of model "{flow.cell.model}" is plane, so here is a figure')
    return View(found, page(found))


def _plain(flow: Flow, operation: Any, why: str) -> Figure:
    """The report's figure of a flow."""
    warnings.warn(why, stacklevel=4)
    if isinstance(flow, ArrayFlow):
        return figures.flow_map(flow, operation.flow_rate, operation.viscosity)
    if isinstance(flow, PoreFlow):
        draw = figures.patch_map if flow.cell.model == "patch" else figures.pore_map
        return draw(flow, operation)
    if isinstance(flow, SpiralFlow):
        return figures.section_map(flow, operation)
    raise TypeError(f"{type(flow).__name__} has no figure")
