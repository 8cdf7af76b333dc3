"""Pictures of a spiral's section: the flow along it and its vortices, and the ways of bodies; um from inner wall and floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from numpy.typing import NDArray

from chipsim.capture.spiral import SpiralCapture, SpiralEntry
from chipsim.capture.spiral_paths import Paths
from chipsim.flow.spiral_result import SpiralFlow
from chipsim.report.shared_tables import fate
from chipsim.report.style import (
    COLOURS,
    INK,
    MAKO,
    MEASURED,
    MUTED,
    PAPER,
    colour_bar,
    colour_map,
    plain,
    styled,
)
from chipsim.report.unfold import Window, pixel_centres
from chipsim.report.units import SCALES, say, speed_unit
from geometries.mesh import UNIT
from geometries.spiral import Spiral

Array = NDArray[np.float64]

_PIXELS = 480
_LINES = 6  # streamlines in each vortex
_ARROWS = (11, 5)  # across and along the height
_INSIDE = 1 - 1e-9  # so far out that the wall's own points are found


def outline(spiral: Spiral) -> Array:
    """Corners of the section, um, counter-clockwise from the inner wall's foot, shape (4, 2)."""
    width, (inner, outer) = spiral.width / UNIT, (h / UNIT for h in spiral.heights)
    return np.array([(0.0, 0.0), (width, 0.0), (width, outer), (0.0, inner)])


@dataclass(frozen=True)
class SectionView:
    """The flow in the middle section of a spiral at an operation.

    Attributes:
        flow: The flow; its field must be here.
        operation: Flow rates and viscosity.
    """

    flow: SpiralFlow
    operation: Any

    @property
    def window(self) -> Window:
        """The box around the section, um."""
        x1, y1 = outline(self.flow.spiral).max(axis=0)
        return 0.0, float(x1), 0.0, float(y1)

    def at(self, x: Array, y: Array) -> Array:
        """Velocity across, along the height and along the channel, m/s, shape (3, *x.shape); nan outside."""
        half = self.flow.half_height / UNIT
        middle = np.array([self.window[1] / 2, half])
        points = (np.stack([x.ravel(), y.ravel()], axis=-1) - middle) / half * _INSIDE
        velocity, _ = self.flow.middle.at(points)
        return np.asarray((velocity * self.flow.units(self.operation)).T.reshape(3, *x.shape))

    @cached_property
    def image(self) -> tuple[Array, Array, Array]:
        """Pixels and the velocity at them: x and y of shape (rows, pixels), velocity (3, rows, pixels)."""
        x, y = pixel_centres(self.window, _PIXELS)
        return x, y, self.at(x, y)

    @cached_property
    def stream(self) -> Array:
        """What flows across below each pixel, over the largest: its level lines are the streamlines of the vortices."""
        x, _, velocity = self.image
        radius = 1 + (x - self.window[1] / 2) * UNIT / self.flow.half_height * self.flow.middle.curvature
        outward = np.nan_to_num(velocity[0] * radius)
        below = np.cumsum(outward, axis=0) - outward / 2  # up to the middle of a pixel
        return np.where(np.isnan(velocity[0]), np.nan, below / np.abs(below).max())


@styled
def section_map(flow: SpiralFlow | SectionView, operation: Any) -> Figure:
    """Speed along the channel with the streamlines of the secondary flow, and the speed of that with its direction, to scale.

    Args:
        flow: A solved flow, or the view of its section.
        operation: Flow rates and viscosity.
    """
    view = flow if isinstance(flow, SectionView) else SectionView(flow, operation)
    _, _, (u, v, w) = view.image
    shape = view.window[3] / view.window[1]
    figure = Figure(figsize=(7.6, 2 * (6.6 * shape + 1.0)), layout="constrained")
    upper, lower = figure.subplots(2)
    _coloured(figure, upper, view, w, MAKO, "along the channel")
    draw_vortices(upper, view)
    _coloured(figure, lower, view, np.hypot(u, v), colour_map("cividis"), "of the secondary flow")
    columns, rows = (np.arange(n) for n in _ARROWS)
    x1, y1 = view.window[1], view.window[3]
    px, py = np.meshgrid((columns + 0.5) / len(columns) * x1, (rows + 0.5) / len(rows) * y1)
    pu, pv, _ = view.at(px, py)
    # The longest arrow nearly reaches the next one.
    longest = 0.95 * x1 / len(columns) / float(np.nanmax(np.hypot(pu, pv)))
    lower.quiver(
        px, py, pu * longest, pv * longest, angles="xy", scale_units="xy", scale=1, pivot="mid", color="white", width=0.0028,
        headwidth=4, headlength=4.5, headaxislength=4,
    )  # fmt: skip
    return figure


def _coloured(
    figure: Figure, axes: Axes, view: SectionView, values: Array, colours: Colormap, what: str
) -> None:
    """Values (m/s) on the pixels as colours within the section's walls, with a bar."""
    unit = speed_unit(float(np.nanmax(values)))
    norm = Normalize(0.0, float(np.nanmax(values)) / SCALES[unit])
    # Pixels that the sloping wall cuts have no value of their own.
    draw_section(axes, view, np.nan_to_num(values) / SCALES[unit], colours, norm)
    colour_bar(figure, axes, colours, norm, f"speed {what}, {unit}")
    _frame(axes, view.flow.spiral)
    axes.set(ylabel="height, µm", xlabel="from the inner wall, µm")


def draw_section(
    axes: Axes,
    view: SectionView,
    values: NDArray[Any],
    colours: Colormap,
    norm: Normalize,
    *,
    edge: str = INK,
) -> None:
    """Values on the pixels, shape (rows, pixels), within the walls of the section."""
    wall = Polygon(outline(view.flow.spiral), facecolor="none", edgecolor=edge, lw=1.0, zorder=5)
    axes.add_patch(wall)
    picture = axes.imshow(
        values,
        extent=view.window,
        origin="lower",
        cmap=colours,
        norm=norm,
        interpolation="bilinear",
        zorder=0,
    )
    picture.set_clip_path(wall)


def draw_vortices(axes: Axes, view: SectionView) -> None:
    """Streamlines of the secondary flow, with an equal share between neighbours."""
    x, y, _ = view.image
    levels = (np.arange(_LINES) + 0.5) / _LINES
    axes.contour(
        x, y, view.stream, levels=[*-levels[::-1], *levels], colors="white", linewidths=0.7, linestyles="solid",
    )  # fmt: skip


def _frame(axes: Axes, spiral: Spiral) -> None:
    """The section to scale with room for its walls."""
    (x1, y1), least = outline(spiral).max(axis=0), 0.01 * spiral.width / UNIT
    axes.set(xlim=(-least, x1 + least), ylim=(-least, y1 + least), aspect="equal")
    axes.set(yticks=[0.0, y1 / 2, y1])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


# -- ways of bodies -------------------------------------------------------------------------------------------------------
@styled
def ways(spiral: Spiral, captured: SpiralCapture, shown: Sequence[tuple[SpiralEntry, Paths]]) -> Figure:
    """How bodies of several kinds go from the entrance to the outlets: in the section to scale, and across the channel.

    Args:
        spiral: The device.
        captured: The capture of a run.
        shown: Kinds and the ways of a few of their bodies.
    """
    corners = outline(spiral)
    aspect = corners[:, 1].max() / corners[:, 0].max()
    row = max(4.0 * aspect + 0.55, 1.45)
    figure = Figure(figsize=(9.2, row * len(shown) + 0.75), layout="constrained")
    panels = figure.subplots(len(shown), 2, squeeze=False, sharex="col", width_ratios=(1.1, 1.0))
    for (section, along), (entry, paths) in zip(panels, shown, strict=True):
        colour = colour_of(entry, captured)
        _in_section(section, spiral, captured, paths, colour)
        section.set_title(f"{called(entry)}, {say(entry.diameter, 'µm')}", fontsize=9.0)
        _along(along, spiral, captured, paths, colour)
        along.set_title(
            f"{fate(entry.outlets['inner'])} leave by the inner outlet", fontsize=9.0, loc="right"
        )
    panels[-1, 0].set_xlabel("from the inner wall, µm")
    panels[-1, 1].set_xlabel("along the channel, mm")
    return figure


def colour_of(entry: SpiralEntry, captured: SpiralCapture) -> str:
    """One for each line of cells, in all figures of a run."""
    kinds = list(dict.fromkeys(e.cells for e in captured.entries))
    return COLOURS[kinds.index(entry.cells) % len(COLOURS)]


def called(entry: SpiralEntry) -> str:
    """A kind of bodies in a label."""
    n = "" if entry.n == 1 else f", clusters of {entry.n}"
    return plain(entry.cells) + n


def above_floor(spiral: Spiral, paths: Paths) -> Array:
    """Heights of bodies, um, shape (k, bodies)."""
    inner, outer = spiral.heights
    middle = (inner + (outer - inner) * paths.across / spiral.width) / 2
    return np.asarray((middle + paths.height) / UNIT)


def _in_section(axes: Axes, spiral: Spiral, captured: SpiralCapture, paths: Paths, colour: str) -> None:
    axes.add_patch(Polygon(outline(spiral), facecolor="none", edgecolor=INK, lw=1.0))
    across, height = paths.across / UNIT, above_floor(spiral, paths)
    axes.plot(across, height, color=colour, lw=0.7, alpha=0.75)
    size = paths.diameter / UNIT
    for place, look in ((0, {"facecolor": PAPER}), (-1, {"facecolor": colour, "alpha": 0.8})):
        centres = zip(across[place], height[place], strict=True)
        bodies = [Circle(centre, size / 2) for centre in centres]
        axes.add_collection(PatchCollection(bodies, edgecolor=colour, lw=0.8, zorder=4 + abs(place), **look))
    top = outline(spiral)[:, 1].max()
    for line, look in _lines(captured):
        axes.plot([line, line], [0, top], **look)
    _frame(axes, spiral)
    axes.set_ylabel("height, µm")


def _along(axes: Axes, spiral: Spiral, captured: SpiralCapture, paths: Paths, colour: str) -> None:
    length = spiral.length * 1e3
    axes.plot(paths.along * 1e3, paths.across / UNIT, color=colour, lw=0.7, alpha=0.75)
    for line, look in _lines(captured):
        axes.axhline(line, **look)
    axes.set(xlim=(0, length), ylim=(0, spiral.width / UNIT), ylabel="across, µm")
    axes.grid(axis="x", visible=False)


def _lines(captured: SpiralCapture) -> list[tuple[float, dict[str, Any]]]:
    """Where the sample begins and where the outlets part, um from the inner wall, and how these lines look."""
    return [
        (captured.sample_line / UNIT, {"color": MUTED, "lw": 0.9, "ls": (0, (1.5, 2)), "zorder": 1}),
        (captured.outlet_line / UNIT, {"color": MEASURED, "lw": 1.1, "ls": (0, (4, 3)), "zorder": 1}),
    ]
