"""The picture of a device with its dimensions, as for a paper.

``draw`` looks the kind of the device up in ``PICTURES``; a device that has no picture of its own gets its plain outline.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from geometries.cluster_chip import ClusterChip
from geometries.device import Device, Limits
from geometries.drafting import (
    CELL,
    CELL_EDGE,
    EDGE,
    FLUID,
    INK,
    SOLID,
    TEXT,
    UM,
    dimension,
    extension,
    fill,
    flow_arrow,
    point_at,
    value,
)  # fmt: skip
from geometries.outline import Loop
from geometries.pore_drawing import pore_filter
from geometries.pore_filter import PoreFilter
from geometries.quantities import DesignError
from geometries.spiral import Spiral
from geometries.spiral_drawing import spiral

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(device: Device) -> Figure:
    """Draw a device with its dimensions, 1000 pixels wide at 100 dpi.

    Returns:
        A figure of its own: nothing is shown, no pyplot state is touched.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8.6), dpi=100, facecolor="white")
    PICTURES.get(device.kind, _plain)(device, figure)
    return figure


def _plain(device: Any, figure: Figure) -> None:
    """The block of a device that has no picture of its own."""
    axes = figure.add_axes((0.07, 0.07, 0.9, 0.86))
    outline = device.block()
    x0, y0, x1, y1 = outline.frame.polygon().bounds
    fill(axes, outline, (x0, y0, x1, y1))
    axes.set(
        xlim=(x0, x1),
        ylim=(y0, y1),
        aspect="equal",
        xlabel="µm along the flow",
        title=device.kind.replace("_", " "),
    )


# -- the Cluster-Chip -----------------------------------------------------------------------------------------------------
def _cluster_chip(chip: ClusterChip, figure: Figure) -> None:
    figure.text(0.03, 0.963, "Cluster-Chip", fontsize=15, fontweight="bold", color=INK)
    figure.text(
        0.195, 0.965, "traps from above; dimensions are clear distances after rounding unless said", **TEXT
    )
    traps = figure.add_axes((0.005, 0.31, 0.99, 0.64))
    _traps(chip, traps)
    _slide(chip, figure.add_axes((0.07, 0.065, 0.42, 0.2)))
    _table(chip, figure)


def _traps(chip: ClusterChip, axes: Axes) -> None:
    """Three rows of pillars; a dimension each at a place where it crosses no other."""
    pitch, row, length = chip.lateral_pitch / UM, chip.row_pitch / UM, chip.pillar_length / UM
    view = (-0.55 * row, -pitch / 2, 2.35 * row + length, 1.5 * pitch)
    places = [(r * row, (n + (r % 2) / 2) * pitch) for r in range(-1, 4) for n in range(-2, 3)]
    pillar = chip.pillar()
    fill(axes, [pillar.moved(*p) for p in places], view)
    unit = 0.01 * (view[2] - view[0])
    left, bottom, right, top = view
    # Room around the fluid for dimensions; equal scale on both axes decides which of the two is the wider.
    axes.set(xlim=(left - 14 * unit, right + 14 * unit), ylim=(bottom - 9 * unit, top + 7 * unit))
    axes.set_aspect("equal")
    axes.axis("off")
    _pitches(chip, axes, view, unit)
    _throats(chip, axes, unit)
    _pillar_dimensions(chip, axes, view, unit)
    _cells(chip, axes, unit)
    y = 1.25 * pitch
    flow_arrow(axes, (left - 11 * unit, y), (left - unit, y))
    axes.text(left - 6 * unit, y + 1.6 * unit, "flow", ha="center", va="bottom", **TEXT)


def _pitches(chip: ClusterChip, axes: Axes, view: tuple[float, float, float, float], unit: float) -> None:
    pitch, row = chip.lateral_pitch / UM, chip.row_pitch / UM
    x, y = view[0] - 3 * unit, view[1] - 3 * unit
    for n in (0, 1):
        extension(axes, (0, n * pitch), (x - unit, n * pitch))
    dimension(
        axes, (x, 0), (x, pitch), f"lateral pitch\n{value(chip.lateral_pitch, 'um', 5)}", (-unit, 0), "right"
    )
    extension(axes, (0, 0), (0, y - unit))
    extension(axes, (row, -pitch / 2), (row, y - unit))
    dimension(
        axes,
        (0, y),
        (row, y),
        f"row pitch {value(chip.row_pitch, 'um', 5)}",
        (0, -1.2 * unit),
        "center",
        "top",
    )
    tip, base, y = 2 * row, 2 * row + chip.pillar_length / UM, view[3] + 3 * unit
    extension(axes, (tip, pitch), (tip, y + unit))
    extension(axes, (base, pitch + chip.pillar_width / 2 / UM), (base, y + unit))
    label = f"pillar length {value(chip.pillar_length, 'um')}"
    dimension(axes, (tip, y), (base, y), label, (0, 1.2 * unit), "center", "bottom")


def _throats(chip: ClusterChip, axes: Axes, unit: float) -> None:
    """The entrance gap in row 0, the tip it leads to, and the two daughter gaps of another trap in row 1."""
    from shapely.ops import nearest_points

    pitch, row, f, gap = (v / UM for v in (chip.lateral_pitch, chip.row_pitch, chip.fillet, chip.gap))
    (x, y), (corner, tip) = chip.throat_centres()
    dimension(axes, (x, y - gap / 2), (x, y + gap / 2), "", (0, 0))
    aside = _aside(chip, unit)
    axes.text(x - aside, y, f"entrance gap\n{value(chip.gap, 'um')}", ha="right", va="center", **TEXT)
    point_at(axes, "tip", (tip[0] - f, y), (tip[0] - f + 0.6 * chip.pillar_length / UM, y), "center")
    middle = pitch  # of the trap whose daughter gaps are shown
    pillar, next_pillar = chip.pillar().moved(0, -pitch / 2).polygon(), chip.pillar().moved(row, 0).polygon()
    for side in (-1, 1):
        ends = [(p.x + row, middle + side * p.y) for p in nearest_points(next_pillar, pillar)]
        dimension(axes, ends[0], ends[1], "", (0, 0))
    label = f"daughter gaps\n{value(chip.daughter_gap, 'um')}"
    axes.text(corner[0] + row - aside, middle, label, ha="right", va="center", **TEXT)


def _aside(chip: ClusterChip, unit: float) -> float:
    """How far upstream of a gap the funnel is wide enough for two lines of text."""
    return max(1.5 * unit, (5.5 * unit - chip.gap / UM) / (2 * math.tan(chip.apex_angle / 2)))


def _pillar_dimensions(
    chip: ClusterChip, axes: Axes, view: tuple[float, float, float, float], unit: float
) -> None:
    pitch, row, length, side = (
        chip.lateral_pitch / UM,
        chip.row_pitch / UM,
        chip.pillar_length / UM,
        chip.side / UM,
    )
    x, base = view[2] + 3 * unit, 2 * row + length
    for y, width, label in (
        (pitch, side, f"side {value(chip.side, 'um')}\n(before\nrounding)"),
        (0.0, chip.pillar_width / UM, f"width\n{value(chip.pillar_width, 'um')}"),
    ):
        for sign in (-1, 1):
            extension(axes, (base, y + sign * width / 2), (x + unit, y + sign * width / 2))
        dimension(axes, (x, y - width / 2), (x, y + width / 2), label, (unit, 0), "left")
    label = f"fillet {value(chip.fillet, 'um')}" if chip.fillet > 0 else "sharp corners"
    inset = chip.fillet / UM * (1 - math.sqrt(0.5))  # of the middle of the arc
    corner = (length - inset, pitch + chip.pillar_width / 2 / UM - inset)
    point_at(axes, label, corner, (corner[0], view[3] + 3.5 * unit), "bottom")
    _apex_angle(chip, axes, 0.3 * length)


def _apex_angle(chip: ClusterChip, axes: Axes, radius: float) -> None:
    from matplotlib.patches import Arc

    # Drawn around the corner before rounding, where the flanks meet.
    f, half = chip.fillet / UM, chip.apex_angle / 2
    apex, degrees = f - f / math.sin(half), math.degrees(half)
    axes.add_patch(Arc((apex, 0), 2 * radius, 2 * radius, theta1=-degrees, theta2=degrees, color=INK, lw=0.9))
    axes.text(apex + 1.15 * radius, 0, f"{2 * degrees:.4g}°", ha="left", va="center", **TEXT)


def _cells(chip: ClusterChip, axes: Axes, unit: float) -> None:
    """A cluster of two cells on a tip, as large as fits beside the tip and behind the entrance gap."""
    from matplotlib.patches import Circle
    from shapely import Point as Spot

    (_, y), (corner, tip) = chip.throat_centres(1)
    x, pillar = tip[0] - chip.fillet / UM, chip.pillar().polygon()
    foot, walls = corner[0] + chip.fillet / UM, [p.polygon() for p in _beside(chip)]
    # The largest pair that rests on both flanks of the tip and does not reach back into the entrance gap.
    for share in (0.58, 0.54, 0.5, 0.45, 0.4, 0.35, 0.3):
        radius = share * chip.gap / UM
        back = next(
            d for d in np.linspace(-radius, 2 * radius, 300) if pillar.distance(Spot(-d, radius)) >= radius
        )
        centre = (x - back, radius)
        if all(w.distance(Spot(*centre)) >= radius for w in walls) and centre[0] > foot:
            break
    for sign in (-1, 1):
        axes.add_patch(
            Circle((centre[0], sign * radius), radius, facecolor=CELL, edgecolor=CELL_EDGE, lw=1.2, alpha=0.9)
        )
    label = "a cluster of two\nstraddles the tip"
    axes.text(
        foot - 1.2 * _aside(chip, unit) - unit,
        0,
        label,
        ha="right",
        va="center",
        fontsize=9.5,
        color=CELL_EDGE,
    )


def _beside(chip: ClusterChip) -> list[Loop]:
    """The two pillars of row 1 whose gap leads to the tip at y = 0 of row 2."""
    row, half = chip.row_pitch / UM, chip.lateral_pitch / UM / 2
    return [chip.pillar().moved(row, sign * half) for sign in (-1, 1)]


def _slide(chip: ClusterChip, axes: Axes) -> None:
    """The chip on its slide, to scale; where it does not fit its banks alone, whose places are then schematic."""
    from matplotlib.patches import Rectangle

    limits = Limits()
    width, height = limits.slide_length * 1e3, limits.slide_width * 1e3
    axes.add_patch(Rectangle((0, 0), width, height, facecolor="#f7f7f4", edgecolor=EDGE, lw=1))
    wide, long = chip.bank_width * 1e3, chip.array_length * 1e3
    try:
        whole = chip.plan(limits)
        bottoms = [y * UM * 1e3 for y in whole.bottoms]
        rings = [whole.channels.exterior, *whole.channels.interiors]
        for ring, colour in zip(rings, (FLUID, *("#f7f7f4",) * len(rings)), strict=False):
            axes.fill(*np.array(ring.coords).T * UM * 1e3, facecolor=colour, edgecolor=EDGE, lw=0.4)
        title = "the whole chip on its slide, to scale"
    except DesignError:
        bottoms = [(bank + 0.5) * height / chip.banks - long / 2 for bank in range(chip.banks)]
        title = "banks to scale on the slide (their places are schematic)"
    for y in bottoms:
        axes.add_patch(
            Rectangle(((width - wide) / 2, y), wide, long, facecolor=SOLID, edgecolor=EDGE, lw=0.6)
        )
    beyond = max(0, wide - width) / 2 + 1
    axes.set(
        xlim=(-beyond, width + beyond),
        ylim=(-1, max(height, chip.banks * long) + 1),
        aspect="equal",
        xlabel="mm",
    )
    axes.set_title(title, **TEXT)
    axes.tick_params(labelsize=8.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _table(chip: ClusterChip, figure: Figure) -> None:
    shared = (
        f" in all, {chip.paths // chip.banks} in each of {chip.banks} banks"
        if chip.banks > 1
        else " in one bank"
    )
    lines = [
        ("depth", value(chip.depth, "um")),
        ("paths in parallel", f"{chip.paths}{shared}"),
        ("rows", f"{chip.rows} in each bank"),
        (
            "one bank",
            f"{value(chip.bank_width, 'mm')} across x {value(chip.array_length, 'mm')} along the flow",
        ),
        ("slide", f"{value(Limits().slide_length, 'mm')} x {value(Limits().slide_width, 'mm')}"),
    ]
    for i, (name, said) in enumerate(lines):
        y = 0.235 - 0.038 * i
        figure.text(0.54, y, name, fontsize=9.5, color="#5b6b7a")
        figure.text(0.675, y, said, **TEXT)


#: Pictures of their own by the kind of device.
PICTURES: dict[str, Callable[[Any, Figure], None]] = {
    ClusterChip.kind: _cluster_chip,
    PoreFilter.kind: pore_filter,
    Spiral.kind: spiral,
}
