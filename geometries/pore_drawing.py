"""The picture of a pore filter with its dimensions: membrane from above, section through pores, spot, table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geometries.bores import Bore
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
    flow_arrow,
    point_at,
    value,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geometries.pore_filter import PoreFilter

_PITCHES = 6.0  # mean distances of pores along the side of the piece that is drawn
_ROWS = 3.4  # of a lattice along its shorter side
_PLACEMENTS = {
    "poisson": "at random, as tracks fall",
    "square": "square lattice",
    "hexagonal": "hexagonal lattice",
}


def pore_filter(membrane: PoreFilter, figure: Figure) -> None:
    """Draw a membrane on a figure of 10 by 8.6 inches."""
    figure.text(0.03, 0.963, "Pore filter", fontsize=15, fontweight="bold", color=INK)
    figure.text(
        0.16, 0.965, "membrane from above, and a section through pores; sizes are nominal unless said", **TEXT
    )
    view = _view(membrane)
    _plan(membrane, view, figure.add_axes((0.0, 0.31, 0.59, 0.64)))
    _section(membrane, figure.add_axes((0.58, 0.36, 0.41, 0.56)))
    _spot(membrane, view, figure.add_axes((0.07, 0.05, 0.24, 0.22)))
    _table(membrane, figure)


# -- from above -----------------------------------------------------------------------------------------------------------
def _view(membrane: PoreFilter) -> tuple[float, float, float, float]:
    """The piece that is drawn, um: of a random membrane around the doublet nearest the middle of the spot."""
    if membrane.placement != "poisson":
        px, py = (p / UM for p in membrane.pitches)
        nx, ny = (round(_ROWS * max(px, py) / p) for p in (px, py))
        x0, y0 = (-(nx // 2) - 0.5) * px, (-(ny // 2) - 0.5) * py
        return x0, y0, x0 + nx * px, y0 + ny * py
    side = _PITCHES / math.sqrt(membrane.density) / UM
    pores = membrane.pores()
    pairs = np.flatnonzero(pores.group_size == 2)
    x = y = 0.0
    if len(pairs):
        nearest = pairs[np.argmin(np.hypot(pores.x[pairs], pores.y[pairs]))]
        x, y = pores.x[nearest] / UM, pores.y[nearest] / UM + 0.36 * side
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def _within(membrane: PoreFilter, view: tuple[float, float, float, float]) -> NDArray[np.intp]:
    """Pores whose middle is in the view or just beside it."""
    pores, reach = membrane.pores(), max(membrane.opening)
    x0, y0, x1, y1 = (v * UM for v in view)
    inside = (pores.x > x0 - reach) & (pores.x < x1 + reach) & (pores.y > y0 - reach) & (pores.y < y1 + reach)
    return np.flatnonzero(inside)


def _bore(membrane: PoreFilter, pore: int) -> Bore:
    """A pore of the spot, um: of a random membrane with its own size and tilt, of a lattice as designed."""
    pores = membrane.pores()
    scale = float(pores.scale[pore]) if membrane.placement == "poisson" else 1.0
    width, length = (e / UM * scale for e in membrane.opening)
    return Bore(
        float(pores.x[pore]) / UM, float(pores.y[pore]) / UM, width,
        None if membrane.pore == "round" else length, float(pores.tilt[pore]),
    )  # fmt: skip


def _plan(membrane: PoreFilter, view: tuple[float, float, float, float], axes: Axes) -> None:
    from matplotlib.patches import Polygon, Rectangle

    x0, y0, x1, y1 = view
    unit = 0.01 * (x1 - x0)
    border = axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=SOLID, edgecolor=EDGE, lw=0.8))
    pores, shown = membrane.pores(), _within(membrane, view)
    for k in shown:
        bore, joined = _bore(membrane, k), pores.group_size[k] > 1
        colours = (CELL, CELL_EDGE) if joined else (FLUID, EDGE)
        ring = bore.opening().exterior.coords
        axes.add_patch(Polygon(ring, facecolor=colours[0], edgecolor=colours[1], lw=1.0)).set_clip_path(
            border
        )
        if bore.tilt:
            exit_ = bore.opening(membrane.thickness / UM).exterior.coords
            way_out = Polygon(exit_, facecolor="none", edgecolor=colours[1], lw=0.8, ls=(0, (2, 2)))
            axes.add_patch(way_out).set_clip_path(border)
    axes.set(xlim=(x0 - 19 * unit, x1 + 17 * unit), ylim=(y0 - 15 * unit, y1 + 9 * unit))
    axes.set_aspect("equal")
    axes.axis("off")
    if membrane.placement == "poisson":
        _random_dimensions(membrane, axes, view, unit, shown)
    else:
        _lattice_dimensions(membrane, axes, view, unit, shown)


def _random_dimensions(
    membrane: PoreFilter,
    axes: Axes,
    view: tuple[float, float, float, float],
    unit: float,
    shown: NDArray[np.intp],
) -> None:
    x0, y0, x1, y1 = view
    pores = membrane.pores()
    bores = {int(k): _bore(membrane, k) for k in shown}
    alone = [b for k, b in bores.items() if pores.group_size[k] == 1 and b.y < y1 - b.width]
    clear = [
        b for b in alone if x0 + b.width < b.x < x1 - b.width and not _something_above(b, bores.values())
    ]
    if clear:
        top = max(clear, key=lambda b: b.y)
        what = "diameter" if membrane.pore == "round" else "width"
        label = f"this {what} {value(top.width * UM, 'um', 3)}; nominal {value(membrane.size, 'um')} {_spread(membrane)}"
        _above(axes, top, label, view, unit)
    pair = [b for k, b in bores.items() if pores.group_size[k] == 2 and x0 < b.x < x1 and y0 < b.y < y1]
    if pair:
        middle = ((x0 + x1) / 2, y0 + (y1 - y0) * 0.3)
        low = min(pair, key=lambda b: math.dist((b.x, b.y), middle))
        label = "doublet: two pores whose openings overlap"
        point_at(axes, label, (low.x, low.y - low.width / 2), ((x0 + x1) / 2, y0 - 9 * unit), "top")
    bar = _round_length((x1 - x0) / 5)
    x, y = x0 - 4 * unit, y0 + 4 * unit
    label = f"{bar:g} µm" if bar < 1000 else f"{bar / 1000:g} mm"
    dimension(axes, (x, y), (x, y + bar), label, (-2 * unit, 0), "right")


def _something_above(bore: Bore, bores: Iterable[Bore]) -> bool:
    return any(b.y > bore.y and abs(b.x - bore.x) < (bore.width + b.width) / 2 for b in bores)


def _above(axes: Axes, bore: Bore, label: str, view: tuple[float, float, float, float], unit: float) -> None:
    """The width of an opening, above the view, with the label on the side where there is room."""
    y, half = view[3] + 4 * unit, bore.width / 2
    for x in (bore.x - half, bore.x + half):
        extension(axes, (x, bore.y + (bore.length or 0) / 2), (x, y + unit))
    dimension(axes, (bore.x - half, y), (bore.x + half, y), "", (0, 0))
    side = 1 if bore.x < view[0] + 0.65 * (view[2] - view[0]) else -1
    axes.text(
        bore.x + side * (half + 2 * unit), y, label, ha="left" if side > 0 else "right", va="center", **TEXT
    )


def _round_length(length: float) -> float:
    """A length of one leading digit, 1, 2 or 5, not above the given one."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(f * power for f in (1, 2, 5) if f * power <= length)


def _spread(membrane: PoreFilter) -> str:
    if isinstance(membrane.tolerance, tuple):
        low, high = (f"{100 * t:+.3g}".replace("-", "−") if t else "+0" for t in membrane.tolerance)
        return f"{high}/{low} %"
    return f"± {100 * membrane.tolerance:.3g} % (standard deviation)"


def _lattice_dimensions(
    membrane: PoreFilter,
    axes: Axes,
    view: tuple[float, float, float, float],
    unit: float,
    shown: NDArray[np.intp],
) -> None:
    x0, y0, x1, y1 = view
    px, py = (p / UM for p in membrane.pitches)
    width, length = (e / UM for e in membrane.opening)
    pores = membrane.pores()
    places = sorted({(round(float(pores.x[k]) / UM, 6), round(float(pores.y[k]) / UM, 6)) for k in shown})
    a, b = width / 2, length / 2
    whole = [(x, y) for x, y in places if x0 + a < x < x1 - a and y0 + b < y < y1 - b]
    low = min(whole, key=lambda p: (p[1], p[0]))
    left, high = min(whole, key=lambda p: (p[0], p[1])), max(whole, key=lambda p: (p[1], -p[0]))
    y = y0 - 4 * unit
    for x in (low[0], low[0] + px):
        extension(axes, (x, low[1]), (x, y - unit))
    dimension(
        axes,
        (low[0], y),
        (low[0] + px, y),
        f"pitch {value(membrane.pitches[0], 'um', 3)}",
        (0, -1.5 * unit),
        "center",
        "top",
    )
    what = "pitch" if membrane.placement == "square" else "rows"
    x = x0 - 4 * unit
    for y in (left[1], left[1] + py):
        extension(axes, (left[0], y), (x - unit, y))
    dimension(
        axes,
        (x, left[1]),
        (x, left[1] + py),
        f"{what}\n{value(membrane.pitches[1], 'um', 3)}",
        (-1.5 * unit, 0),
        "right",
    )
    name = "diameter" if membrane.pore == "round" else "width"
    label = f"{name} {value(membrane.size, 'um')} {_spread(membrane)}"
    _above(axes, Bore(*high, width, None if membrane.pore == "round" else length), label, view, unit)
    if membrane.pore == "slit":
        x, right = x1 + 4 * unit, max(whole, key=lambda p: (p[0], p[1]))
        for sign in (-0.5, 0.5):
            extension(axes, (right[0], right[1] + sign * length), (x + unit, right[1] + sign * length))
        ends = ((x, right[1] - length / 2), (x, right[1] + length / 2))
        dimension(axes, *ends, f"length\n{value(membrane.opening[1], 'um')}", (1.5 * unit, 0), "left")


# -- section --------------------------------------------------------------------------------------------------------------
def _section(membrane: PoreFilter, axes: Axes) -> None:
    """A nominal pore, and where tracks are slanted one at the largest tilt."""
    from matplotlib.patches import Polygon, Rectangle

    d, t, run = membrane.size / UM, membrane.thickness / UM, membrane.thickness * math.tan(membrane.tilt) / UM
    size = max(t, 2 * d)
    middles = [0.0] if not membrane.tilt else [0.0, 2.2 * d]
    left, right = -1.6 * d, middles[-1] + run + 1.6 * d
    above = 0.6 * size
    axes.add_patch(
        Rectangle((left, -t - above), right - left, t + 2 * above, facecolor=FLUID, edgecolor="none")
    )
    axes.add_patch(Rectangle((left, -t), right - left, t, facecolor=SOLID, edgecolor="none"))
    for x, tilt in zip(middles, (0.0, membrane.tilt), strict=False):
        half, shift = d / 2 / math.cos(tilt), t * math.tan(tilt)
        corners = [(x - half, 0), (x + half, 0), (x + half + shift, -t), (x - half + shift, -t)]
        axes.add_patch(Polygon(corners, facecolor=FLUID, edgecolor="none"))
        for a, b in ((0, 3), (1, 2)):
            axes.plot(*zip(corners[a], corners[b], strict=True), color=EDGE, lw=1.0)
    _faces(membrane, axes, middles, (left, right))
    unit = 0.02 * (right - left + size)
    axes.set(xlim=(left - 3 * unit, right + 14 * unit), ylim=(-t - above - 7 * unit, above + 9 * unit))
    axes.set_aspect("equal")
    axes.axis("off")
    _section_dimensions(membrane, axes, middles, (left, right), above, unit)


def _faces(membrane: PoreFilter, axes: Axes, middles: list[float], ends: tuple[float, float]) -> None:
    """Both faces of the membrane, open at the pores."""
    d, t = membrane.size / UM, membrane.thickness / UM
    for y in (0.0, -t):
        stops = [ends[0]]
        for x, tilt in zip(middles, (0.0, membrane.tilt), strict=False):
            half, at = d / 2 / math.cos(tilt), x - y * math.tan(tilt)
            stops += [at - half, at + half]
        stops.append(ends[1])
        for a, b in zip(stops[::2], stops[1::2], strict=True):
            axes.plot([a, b], [y, y], color=EDGE, lw=1.0)


def _section_dimensions(
    membrane: PoreFilter,
    axes: Axes,
    middles: list[float],
    ends: tuple[float, float],
    above: float,
    unit: float,
) -> None:
    d, t, (left, right) = membrane.size / UM, membrane.thickness / UM, ends
    axes.text((left + right) / 2, above + 2 * unit, "section, to scale", ha="center", va="bottom", **TEXT)
    flow_arrow(axes, (left + 0.5 * d, 0.9 * above), (left + 0.5 * d, 0.15 * above))
    beside: dict[str, Any] = {"textcoords": "offset points", "ha": "left", "va": "center"}
    axes.annotate("flow", (left + 0.5 * d, 0.55 * above), (9, 0), **beside, **TEXT)
    x = right + 2 * unit
    for y in (0.0, -t):
        extension(axes, (right, y), (x + unit, y))
    dimension(axes, (x, -t), (x, 0), f"thickness\n{value(membrane.thickness, 'um')}", (1.5 * unit, 0), "left")
    y, name = -t - above - 1.5 * unit, "diameter" if membrane.pore == "round" else "width"
    for sign in (-0.5, 0.5):
        extension(axes, (sign * d, -t), (sign * d, y - unit))
    dimension(
        axes,
        (-d / 2, y),
        (d / 2, y),
        f"{name} {value(membrane.size, 'um')}",
        (0, -1.2 * unit),
        "center",
        "top",
    )
    if membrane.tilt:
        _tilt(membrane, axes, middles[1], above)


def _tilt(membrane: PoreFilter, axes: Axes, x: float, above: float) -> None:
    """The axis of a slanted pore beside the normal; the angle is written below the membrane, where there is room."""
    from matplotlib.patches import Arc

    t, tilt = membrane.thickness / UM, membrane.tilt
    long = t + 0.75 * above
    axes.plot([x, x], [0.3 * above, -long], color=INK, lw=0.7, ls=(0, (6, 3)))
    axes.plot([x, x + long * math.tan(tilt)], [0, -long], color=INK, lw=0.7, ls=(0, (6, 2, 1, 2)))
    degrees, radius = math.degrees(tilt), t + 0.35 * above
    axes.add_patch(Arc((x, 0), 2 * radius, 2 * radius, theta1=-90, theta2=-90 + degrees, color=INK, lw=0.9))
    label = f"tilt up to ±{degrees:.3g}°"
    axes.text(x, -long - 0.05 * above, label, ha="center", va="top", **TEXT)


# -- spot and table -------------------------------------------------------------------------------------------------------
def _spot(membrane: PoreFilter, view: tuple[float, float, float, float], axes: Axes) -> None:
    """The disc that is filtered through, and where the piece drawn above lies in it."""
    from matplotlib.patches import Circle, Rectangle

    radius = membrane.spot_diameter * 1e3 / 2
    axes.add_patch(Circle((0, 0), radius, facecolor=SOLID, edgecolor=EDGE, lw=1))
    x0, y0, x1, y1 = (v * 1e-3 for v in view)
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=FLUID, edgecolor=INK, lw=0.8))
    axes.set(
        xlim=(-1.1 * radius, 1.1 * radius), ylim=(-1.1 * radius, 1.1 * radius), aspect="equal", xlabel="mm"
    )
    axes.set_title("spot, with the piece above", **TEXT)
    axes.tick_params(labelsize=8.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _table(membrane: PoreFilter, figure: Figure) -> None:
    found = membrane.statistics()
    lines = [
        (
            "spot",
            f"{value(membrane.spot_diameter, 'mm')} in diameter, {found.count:,} pores (seed {membrane.seed})",
        ),
        ("placement", _PLACEMENTS[membrane.placement]),
        ("density", f"{float(f'{membrane.density * 1e-4:.3g}'):,.0f} pores per cm²"),
        ("open area", f"{found.coverage:.2%} of the spot"),
    ]
    if membrane.placement == "poisson":
        shares = f"{found.isolated:.1%} alone, {found.in_doublets:.1%} in doublets, {found.in_triplets:.1%} in triplets"
        lines.append(("pores", f"{shares}, {found.in_larger:.1%} in more"))
    else:
        lines.append(
            ("walls", f"{value(min(membrane.walls), 'um', 3)} at the thinnest, between nominal pores")
        )
    if membrane.tilt:
        lines.append(("tilt", "all angles alike likely; dashed: openings on the far face"))
    for i, (name, said) in enumerate(lines):
        y = 0.245 - 0.038 * i
        figure.text(0.385, y, name, fontsize=9.5, color="#5b6b7a")
        figure.text(0.475, y, said, **TEXT)
