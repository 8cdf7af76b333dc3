"""Pictures of the flow through a Cluster-Chip: speed, pressure, and the shear on the walls of its pillars."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import MaxNLocator

from chipsim.flow.result import Flow
from chipsim.report.style import COLOURS, INK, MUTED, SOLID, SOLID_EDGE, colour_map, flow_arrow, scale_bar, styled
from chipsim.report.units import pascals
from chipsim.report.unfold import Plane, Window, wall_shear

SPEED, PRESSURE, SHEAR = colour_map("viridis"), colour_map("cividis"), colour_map("plasma", 0.0, 0.95)
_UM2 = 1e12  # 1/um2 in 1/m2
_PIXELS = 560


@styled
def flow_map(
    flow: Flow, flow_rate: float, viscosity: float, *, quantity: str = "speed", paths: int = 2, rows: int = 3
) -> Figure:
    """Speed or pressure with streamlines over a piece of the array, at mid-depth of a flow in space.

    Between neighbouring streamlines flows an equal share. The pressure is that above the right edge's lowest.

    Args:
        flow: A solved flow.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
        quantity: ``"speed"`` or ``"pressure"``.
        paths: Lateral pitches shown.
        rows: Rows shown.
    """
    plane = Plane(flow)
    window = plane.window(paths, rows)
    speed, pressure, solid = plane.image(window, _PIXELS)
    q = flow.flux(flow_rate)
    if quantity == "speed":
        values, colours, label = speed * q * 1e12, SPEED, "speed, µm/s"  # q / um in um/s
    elif quantity == "pressure":
        values = pressure * _UM2 * viscosity * q
        values, colours = values - values[~solid].min(), PRESSURE
        label = "pressure above the right edge, Pa"
    else:
        raise ValueError(f'quantity = "{quantity}" is neither "speed" nor "pressure"')
    figure = _map_figure(window)
    axes = figure.subplots()
    _array(axes, plane, window)
    axes.imshow(values, extent=window, origin="lower", cmap=colours, interpolation="none", vmin=0.0, zorder=1)
    _streamlines(axes, plane, window, "white", 0.55)
    _bar(figure, axes, colours, Normalize(0.0, float(values[~solid].max())), label)
    _finish(axes, window)
    return figure


@styled
def shear_map(flow: Flow, flow_rate: float, viscosity: float) -> Figure:
    """The wall shear stress along the pillars of a trap as the colour of their walls, at mid-depth.

    Args:
        flow: A solved flow.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
    """
    plane = Plane(flow)
    window = plane.window(2, 2, before=0.2)
    figure = _map_figure(window)
    axes = figure.subplots()
    axes.set_facecolor("#eef3f7")
    _array(axes, plane, window, "#c9d1da", "#8794a3")
    _streamlines(axes, plane, window, "#6f8499", 0.7)
    top = _walls(axes, plane, window, _UM2 * viscosity * flow.flux(flow_rate), 5.0)
    _bar(figure, axes, SHEAR, Normalize(0.0, top), "wall shear stress on the pillars, Pa", extend=flow.chip.fillet == 0)
    _finish(axes, window)
    return figure


@styled
def shear_profile(flow: Flow, flow_rate: float, viscosity: float) -> Figure:
    """The wall shear stress from the tip of a pillar to the middle of its base, with the numbers of the result.

    Args:
        flow: A solved flow.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
    """
    wall, scale = wall_shear(flow), _UM2 * viscosity * flow.flux(flow_rate)
    stress = flow.wall_shear_stress(flow_rate, viscosity)
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    where, rate = wall.middle
    if wall.height.max() > 0:
        axes.scatter(wall.distance, wall.rate * scale, s=2, color=MUTED, alpha=0.25, lw=0, rasterized=True, label="all depths")
    axes.plot(where, rate * scale, color=COLOURS[0], lw=1.8, label="at mid-depth" if wall.height.max() > 0 else None)
    top = stress["max"] or 1.6 * stress["patch_max"]
    names = {"max": "largest", "patch_max": "largest mean over a patch", "p95": "95th percentile", "p50": "median"}
    levels = [(stress[key], f"{name} {pascals(stress[key])}") for key, name in names.items() if stress[key] is not None]
    _levels(axes, levels, wall.half.length, top)
    axes.axvspan(wall.corner, wall.half.length, color=MUTED, alpha=0.1, lw=0)
    axes.text((wall.corner + wall.half.length) / 2, 0.985 * 1.12 * top, "base", ha="center", va="top", color=MUTED, fontsize=8.5)
    axes.text(wall.corner / 2, 0.985 * 1.12 * top, "flank", ha="center", va="top", color=MUTED, fontsize=8.5)
    axes.set(xlim=(0, wall.half.length), ylim=(0, 1.12 * top))
    axes.set(xlabel="distance from the tip along the wall, µm", ylabel="wall shear stress, Pa")
    axes.grid(axis="x", visible=False)
    return figure


@styled
def cluster_chip_picture(flow: Flow, flow_rate: float, viscosity: float) -> Figure:
    """The picture for a README: streamlines over the speed, and the wall shear stress on the pillars.

    Args:
        flow: A solved flow.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
    """
    plane, q = Plane(flow), flow.flux(flow_rate)
    window = plane.window(2.2, 3.9, before=0.35)
    speed, _, solid = plane.image(window, 1700)
    figure = Figure(figsize=(8, 5.35), facecolor="#0d1117")
    axes = figure.add_axes((0.0, 0.155, 1.0, 0.845))
    values = speed * q * 1e12
    axes.imshow(values, extent=window, origin="lower", cmap=SPEED, interpolation="bilinear", vmin=0.0, zorder=1)
    _array(axes, plane, window)
    _streamlines(axes, plane, window, "white", 0.5, per_path=16)
    top = _walls(axes, plane, window, _UM2 * viscosity * q, 7.0)
    _finish(axes, window)
    bars = (
        (SPEED, float(values[~solid].max()), "speed, µm/s"),
        (SHEAR, top, "wall shear stress on the pillars, Pa"),
    )
    for i, (colours, high, label) in enumerate(bars):
        _dark_bar(figure, (0.03 + 0.5 * i, 0.105, 0.44, 0.022), colours, high, label)
    return figure


def _dark_bar(figure: Figure, place: tuple[float, ...], colours: Colormap, high: float, label: str) -> None:
    cax = figure.add_axes(place)
    bar = figure.colorbar(ScalarMappable(Normalize(0, high), colours), cax=cax, orientation="horizontal")
    bar.set_label(label, color="white")
    bar.outline.set_visible(False)
    cax.tick_params(colors="#aab4c0", labelcolor="white")


# -- parts of a map -------------------------------------------------------------------------------------------------------
def _map_figure(window: Window, width: float = 5.4) -> Figure:
    """Room for the map in its own proportions, and for a bar and an arrow."""
    height = width * (window[3] - window[2]) / (window[1] - window[0])
    return Figure(figsize=(width, height + 0.85), layout="constrained")


def _array(axes: Axes, plane: Plane, window: Window, fill: str = SOLID, edge: str = SOLID_EDGE) -> None:
    for tip in plane.places(window):
        axes.add_patch(Polygon(plane.pillar + tip, facecolor=fill, edgecolor=edge, lw=0.7, zorder=3))


def _streamlines(axes: Axes, plane: Plane, window: Window, colour: str, width: float, per_path: int = 12) -> None:
    lines = [line[::3] for line in plane.streamlines(window, per_path)]
    axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, alpha=0.75, zorder=2), autolim=False)


def _walls(axes: Axes, plane: Plane, window: Window, scale: float, width: float) -> float:
    """Colour the walls of the pillars, within them so that no fluid is covered; returns the top of the scale, Pa."""
    wall = wall_shear(plane.flow)
    stress = wall.middle[1] * scale
    # On sharp corners the largest value is the mesh's, not the flow's: the scale ends below it.
    top = float(np.quantile(stress, 0.97) if plane.chip.fillet == 0 else stress.max())
    around = wall.around(plane.pillar) * scale
    for tip in plane.places(window):
        points = plane.pillar + tip
        inside = axes.add_patch(Polygon(points, facecolor="none", edgecolor="none"))
        segments = np.stack([points[:-1], points[1:]], axis=1)
        ribbon = LineCollection(list(segments), cmap=SHEAR, norm=Normalize(0, top), linewidths=2 * width, zorder=4)
        ribbon.set(array=(around[:-1] + around[1:]) / 2, capstyle="round")
        axes.add_collection(ribbon, autolim=False)
        ribbon.set_clip_path(inside)
    return top


def _levels(axes: Axes, levels: list[tuple[float, str]], right: float, top: float) -> None:
    """Horizontal lines with their names above them, moved apart where they would overlap."""
    free = np.inf
    for value, label in sorted(levels, reverse=True):
        axes.axhline(value, color=INK, lw=0.8, ls=(0, (4, 3)))
        y = min(value + 0.012 * top, free)
        axes.text(0.5 * right, y, label, ha="center", va="bottom", fontsize=8.5)
        free = y - 0.075 * top


def _bar(figure: Figure, axes: Axes, colours: Colormap, norm: Normalize, label: str, *, extend: bool = False) -> None:
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=axes, orientation="horizontal", shrink=0.86, aspect=34, pad=0.02,
        extend="max" if extend else "neither",
    )  # fmt: skip
    bar.set_label(label)
    bar.ax.xaxis.set_major_locator(MaxNLocator(6))
    bar.outline.set_visible(False)


def _finish(axes: Axes, window: Window) -> None:
    axes.set(xlim=window[:2], ylim=window[2:], aspect="equal", xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    scale_bar(axes, 20.0, "20 µm")
    flow_arrow(axes)
