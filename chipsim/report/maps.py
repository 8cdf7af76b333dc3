"""Pictures of the flow through a Cluster-Chip: speed, pressure, and the shear on the walls of its pillars."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Colormap, Normalize, PowerNorm
from matplotlib.figure import Figure

from chipsim.flow.array_result import ArrayFlow
from chipsim.report.style import (
    COLOURS,
    INK,
    MAKO,
    MUTED,
    NIGHT,
    SOLID,
    SOLID_EDGE,
    colour_bar,
    colour_map,
    finish_map,
    round_ticks,
    styled,
)
from chipsim.report.unfold import Plane, Window
from chipsim.report.units import pascals

SPEED: Colormap = MAKO
PRESSURE, SHEAR = colour_map("cividis"), colour_map("inferno", 0.25, 1.0)
_UM2 = 1e12  # 1/um2 in 1/m2
_PIXELS = 560
_PICTURE = 8.0  # in, width of the README's picture


@styled
def flow_map(
    flow: ArrayFlow | Plane,
    flow_rate: float,
    viscosity: float,
    *,
    quantity: str = "speed",
    paths: int = 2,
    rows: int = 3,
) -> Figure:
    """Speed or pressure with streamlines over a piece of the array, at mid-depth of a flow in space.

    Between neighbouring streamlines flows an equal share. The pressure is that above the right edge's lowest.

    Args:
        flow: A solved flow, or its plane where many pictures are made of it.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
        quantity: ``"speed"`` or ``"pressure"``.
        paths: Lateral pitches shown.
        rows: Rows shown.
    """
    plane = Plane.of(flow)
    window = plane.window(paths, rows)
    speed, pressure, solid = plane.image(window, _PIXELS)
    q = plane.flow.flux(flow_rate)
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
    colour_bar(figure, axes, colours, Normalize(0.0, float(values[~solid].max())), label)
    finish_map(axes, window, 20.0)
    return figure


@styled
def shear_map(
    flow: ArrayFlow | Plane, flow_rate: float, viscosity: float, *, paths: int = 2, rows: int = 3
) -> Figure:
    """The wall shear stress along the pillars of a trap as the colour of their walls, at mid-depth.

    Args:
        flow: A solved flow, or its plane where many pictures are made of it.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
        paths: Lateral pitches shown.
        rows: Rows shown.
    """
    plane = Plane.of(flow)
    window = plane.window(paths, rows)
    figure = _map_figure(window)
    axes = figure.subplots()
    axes.set_facecolor("#eef3f7")
    _array(axes, plane, window, "#c9d1da", "#8794a3")
    _streamlines(axes, plane, window, "#6f8499", 0.7)
    norm = _walls(
        axes, plane, window, _UM2 * viscosity * plane.flow.flux(flow_rate), 3 * _PIXELS // 2, (1.6, 0.5)
    )
    colour_bar(
        figure, axes, SHEAR, norm, "wall shear stress on the pillars, Pa", extend=plane.chip.fillet == 0
    )
    finish_map(axes, window, 20.0)
    return figure


@styled
def shear_profile(flow: ArrayFlow | Plane, flow_rate: float, viscosity: float) -> Figure:
    """The wall shear stress from the tip of a pillar to the middle of its base, with the numbers of the result.

    Args:
        flow: A solved flow, or its plane where many pictures are made of it.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
    """
    plane = Plane.of(flow)
    wall, scale = plane.wall, _UM2 * viscosity * plane.flow.flux(flow_rate)
    stress = plane.flow.wall_shear_stress(flow_rate, viscosity)
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    axes.plot(wall.distance, wall.rate * scale, color=COLOURS[0], lw=1.8)
    top = stress["max"] or 1.6 * (stress["patch_max"] or 0.0)
    names = {"max": "largest", "patch_max": "largest patch mean", "p95": "95th percentile", "p50": "median"}
    known = {name: value for key, name in names.items() if (value := stress[key]) is not None}
    _levels(axes, [(value, f"{name}\n{pascals(value)}") for name, value in known.items()], top)
    axes.axvspan(wall.corner, wall.half.length, color=MUTED, alpha=0.1, lw=0)
    for name, where in (("flank", wall.corner / 2), ("base", (wall.corner + wall.half.length) / 2)):
        axes.text(where, 1.1 * top, name, ha="center", va="top", color=MUTED, fontsize=8.5)
    axes.set(xlim=(0, wall.half.length), ylim=(0, 1.12 * top))
    axes.set(xlabel="distance from the tip along the wall, µm", ylabel="wall shear stress, Pa")
    axes.grid(axis="x", visible=False)
    return figure


@styled
def cluster_chip_picture(flow: ArrayFlow | Plane, flow_rate: float, viscosity: float) -> Figure:
    """The picture for a README: streamlines over the speed, and the wall shear stress on the pillars.

    Args:
        flow: A solved flow, or its plane where many pictures are made of it.
        flow_rate: Of the whole chip, m3/s.
        viscosity: Pa s.
    """
    plane = Plane.of(flow)
    q = plane.flow.flux(flow_rate)
    window, foot = plane.window(2, 4), 0.9
    map_height = _PICTURE * (window[3] - window[2]) / (window[1] - window[0])
    figure = Figure(figsize=(_PICTURE, map_height + foot), facecolor=NIGHT)
    axes = figure.add_axes((0.0, foot / (map_height + foot), 1.0, map_height / (map_height + foot)))
    speed, _, solid = plane.image(window, 1600)
    speed = speed * q * 1e12
    axes.imshow(speed, extent=window, origin="lower", cmap=SPEED, interpolation="none", vmin=0.0, zorder=1)
    _array(axes, plane, window)
    _streamlines(axes, plane, window, "white", 0.6, per_path=16)
    norm = _walls(axes, plane, window, _UM2 * viscosity * q, 1600, (1.8, 0.4))
    finish_map(axes, window, 20.0)
    bars = (
        (SPEED, Normalize(0.0, float(speed[~solid].max())), "speed, µm/s"),
        (SHEAR, norm, "wall shear stress on the pillars, Pa"),
    )
    for i, bar in enumerate(bars):
        dark_bar(figure, (0.03 + 0.5 * i, 0.66 * foot / (map_height + foot), 0.44, 0.022), *bar)
    return figure


def dark_bar(
    figure: Figure, place: tuple[float, float, float, float], colours: Colormap, norm: Normalize, label: str
) -> None:
    """A bar of colours on a dark foot, at (left, bottom, width, height) of the figure."""
    cax = figure.add_axes(place)
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=cax, orientation="horizontal")
    round_ticks(cax, norm)
    bar.set_label(label, color="white")
    bar.ax.spines["outline"].set_visible(False)
    cax.tick_params(colors="#aab4c0", labelcolor="white")


# -- parts of a map -------------------------------------------------------------------------------------------------------
def _map_figure(window: Window, width: float = 5.4) -> Figure:
    """Room for the map in its own proportions, and for a bar and an arrow."""
    height = width * (window[3] - window[2]) / (window[1] - window[0])
    return Figure(figsize=(width, height + 0.7), layout="constrained")


def _array(axes: Axes, plane: Plane, window: Window, fill: str = SOLID, edge: str = SOLID_EDGE) -> None:
    outlines = [plane.pillar + tip for tip in plane.places(window)]
    pillars = PolyCollection(outlines, facecolors=fill, edgecolors=edge, linewidths=0.7, zorder=3)
    axes.add_collection(pillars, autolim=False)


def _streamlines(
    axes: Axes, plane: Plane, window: Window, colour: str, width: float, per_path: int = 12
) -> None:
    lines = [line[::2] for line in plane.streamlines(window, per_path)]
    axes.add_collection(
        LineCollection(lines, colors=colour, linewidths=width, alpha=0.75, zorder=2), autolim=False
    )


def _walls(
    axes: Axes, plane: Plane, window: Window, scale: float, pixels: int, widths: tuple[float, float]
) -> Normalize:
    """Colour the walls of the pillars; returns the scale of the colours, Pa."""
    wall = plane.wall
    stress = wall.rate * scale
    # On sharp corners the largest value is the mesh's, not the flow's: the scale ends below it.
    top = float(np.quantile(stress, 0.97) if plane.chip.fillet == 0 else stress.max())
    # Most of the wall has a tenth of the largest: with a square root that is seen, too.
    norm = PowerNorm(0.5, 0.0, top, clip=True)
    values = wall.ribbon(window, plane.places(window), pixels, *widths) * scale
    axes.imshow(values, extent=window, origin="lower", cmap=SHEAR, norm=norm, interpolation="none", zorder=4)
    return norm


def _levels(axes: Axes, levels: list[tuple[float, str]], top: float) -> None:
    """Horizontal lines, their names in the right margin, moved apart where they would overlap."""
    free = np.inf
    for value, label in sorted(levels, reverse=True):
        axes.axhline(value, color=INK, lw=0.8, ls=(0, (4, 3)))
        y = min(value, free)
        axes.annotate(
            label, (1.0, value), (1.045, y), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8.5,
            arrowprops={"arrowstyle": "-", "lw": 0.6, "color": MUTED, "shrinkA": 1, "shrinkB": 0, "relpos": (0, 0.5)},
        )  # fmt: skip
        free = y - 0.105 * top
