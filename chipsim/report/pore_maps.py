"""Pictures of the flow through a pore: speed and pressure in the plane through its middle, and a patch from above.

What was solved is half of a pore or a quarter, up to its axis or mirror planes: the pictures unfold it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates

from chipsim.flow.field import Field
from chipsim.flow.pore_result import PoreFlow
from chipsim.report.sheet import Sheet
from chipsim.report.style import (
    MAKO,
    MUTED,
    PLATE,
    SOLID,
    bare_map,
    colour_bar,
    colour_map,
    finish_map,
    styled,
)
from chipsim.report.unfold import Window, follow, pixel_centres
from chipsim.report.units import SCALES, speed_unit
from geometries.mesh import UNIT

Array = NDArray[np.float64]

PATCH = "patch"
_PIXELS = 480
_PATCH_PIXELS = 720
_LINES = 8  # in each half of the bore
_SAME = 1e-6  # of the pore's size: so near to a mirror plane counts as on it, and so far from it as inside


@dataclass(frozen=True)
class PorePlane:
    """The flow in the plane through the middle of one pore at an operation: x along the flow, y across, um.

    Attributes:
        flow: The flow; its field must be here.
        operation: Pressure or flow rate, and viscosity.
    """

    flow: PoreFlow
    operation: Any

    @cached_property
    def _field(self) -> Field:
        """The solved field in SI (m/s, Pa) on its mesh (um)."""
        velocity, pressure = self.flow.fields(self.operation)
        field = self.flow.cell.field
        assert field is not None  # since its values were given
        return replace(field, velocity=velocity, pressure=pressure, reaction=None)

    @property
    def size(self) -> float:
        """Narrow side of the opening, um."""
        return self.flow.membrane.size / UNIT

    @property
    def thickness(self) -> float:
        """Of the membrane, um."""
        return self.flow.membrane.thickness / UNIT

    @cached_property
    def _sheet(self) -> Sheet:
        """Velocity along and across, and pressure, on the solved half of the plane: x along the flow, y across."""
        field = self._field
        mesh, points = field.mesh, field.mesh.points
        if field.dim == 2:
            return Sheet(points[:, :2], mesh.cells, np.column_stack([field.velocity, field.pressure]))
        # In space it is the mirror plane through the middle of the pore.
        sides = mesh.facets[mesh.facet_regions == mesh.regions["symmetry_y"]]
        middle = points[:, 1] <= points[:, 1].min() + _SAME * self.size
        values = np.column_stack([field.velocity[:, [2, 0]], field.pressure])
        return Sheet(points[:, [2, 0]], sides[middle[sides].all(axis=1)], values)

    @cached_property
    def window(self) -> Window:
        """The pore with as much of the reservoirs as shows how the flow gathers, um."""
        (start, _), (end, wide) = self._sheet.points.min(axis=0), self._sheet.points.max(axis=0)
        reach, half = 1.4 * self.size, min(1.6 * self.size, wide)
        return max(-reach, start), min(self.thickness + reach, end), -half, half

    def at(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Velocity along and across (m/s), and pressure above the far outlet (Pa); nan in the membrane and outside.

        Args:
            x: Along the flow from the upstream face, um.
            y: Across, from the middle of the pore, um, of the same shape.
        """
        u, v, p = self._sheet.at(x, np.maximum(np.abs(y), _SAME * self.size))
        return u, np.sign(y) * v, p

    def mid_bore(self, x: Array, y: Array) -> Array:
        """Velocity along the flow (m/s) half-way through a membrane solved in space; nan where no bore is."""
        field, middle = self._field, self.thickness / 2
        depth = field.mesh.points[field.mesh.cells, 2]
        near = (depth.min(axis=1) <= middle) & (depth.max(axis=1) >= middle)
        slab = replace(field, mesh=replace(field.mesh, cells=field.mesh.cells[near]))
        points = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, middle)])
        return slab.at(points)[:, 2].reshape(x.shape)

    @cached_property
    def image(self) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
        """Velocity u + iv, speed, pressure, and where no fluid is, on the pixels of the window, shape (rows, pixels).

        Beside the fluid speed and pressure are those of the nearest fluid, so that no seam shows beside a membrane drawn on top.
        """
        x, y = pixel_centres(self.window, _PIXELS)
        u, v, p = self.at(x, y)
        solid = np.isnan(u)
        nearest = tuple(distance_transform_edt(solid, return_distances=False, return_indices=True))
        return np.nan_to_num(u + 1j * v), np.hypot(u, v)[nearest], p[nearest], solid

    @cached_property
    def streamlines(self) -> list[Array]:
        """Lines through the bore, each of shape (points, 2), um; between neighbours flows an equal share."""
        x0, x1, y0, y1 = self.window
        middle, step = self.thickness / 2, (x1 - x0) / 500
        y = (np.arange(400) + 0.5) / 800 * self.size
        speed = self.at(np.full_like(y, middle), y)[0]
        # Of a turn around the axis as much as its circumference; slits are alike along their length.
        weight = 1.0 if self.flow.membrane.pore == "slit" else y
        share = np.cumsum(np.nan_to_num(speed) * weight)
        seeds = np.interp((np.arange(_LINES) + 0.5) / _LINES, share / share[-1], y)
        start = middle + 1j * np.concatenate([seeds, -seeds])
        ahead = follow(self._wind, start, x1 + step, step)
        # Upstream is downstream in the mirrored plane.
        behind = follow(lambda x, y: self._wind(-x, y).conj(), -start.conj(), -x0 + step, step)
        return [np.concatenate([(back * (-1, 1))[:0:-1], on]) for back, on in zip(behind, ahead, strict=True)]

    def _wind(self, x: Array, y: Array) -> Array:
        """Velocity as u + iv by look-up on the pixels: a streamline asks thousands of times."""
        x0, x1, y0, y1 = self.window
        wind, *_ = self.image
        rows, columns = wind.shape
        places = [(y - y0) / (y1 - y0) * rows - 0.5, (x - x0) / (x1 - x0) * columns - 0.5]
        real, imaginary = (
            map_coordinates(part, places, order=1, mode="constant") for part in (wind.real, wind.imag)
        )
        return real + 1j * imaginary


@styled
def pore_map(flow: PoreFlow | PorePlane, operation: Any, *, quantity: str = "speed") -> Figure:
    """Speed or pressure with streamlines in the plane through the middle of a pore.

    Args:
        flow: A solved flow, or its plane where several pictures are made of it.
        operation: Pressure or flow rate, and viscosity.
        quantity: ``"speed"`` or ``"pressure"``.
    """
    plane = flow if isinstance(flow, PorePlane) else PorePlane(flow, operation)
    if quantity not in ("speed", "pressure"):
        raise ValueError(f'quantity = "{quantity}" is neither "speed" nor "pressure"')
    _, speed, pressure, solid = plane.image
    window = plane.window
    colours: Colormap
    if quantity == "speed":
        unit = speed_unit(float(speed[~solid].max()))
        values, colours, label = speed / SCALES[unit], MAKO, f"speed, {unit}"
        norm = Normalize(0.0, float(values[~solid].max()))
    else:
        values, colours, label = pressure, colour_map("cividis"), "pressure above the far outlet, Pa"
        # Not up to the largest: at the rim itself pressure has no limit, and what is found there is the mesh's.
        norm = Normalize(0.0, plane.flow.pressure(plane.operation))
    height = 5.4 * (window[3] - window[2]) / (window[1] - window[0])
    figure = Figure(figsize=(5.4, height + 0.7), layout="constrained")
    axes = figure.subplots()
    draw_plane(axes, plane, values, colours, norm)
    colour_bar(figure, axes, colours, norm, label)
    finish_map(axes, window, round_length(plane.size))
    return figure


def draw_plane(
    axes: Axes, plane: PorePlane, values: NDArray[Any], colours: Colormap, norm: Normalize
) -> None:
    """Values on the pixels of a plane's window, shape (rows, pixels), with streamlines and the membrane on top."""
    axes.imshow(
        values,
        extent=plane.window,
        origin="lower",
        cmap=colours,
        norm=norm,
        interpolation="bilinear",
        zorder=1,
    )
    lines = LineCollection(plane.streamlines, colors="white", linewidths=0.6, alpha=0.75, zorder=2)
    axes.add_collection(lines, autolim=False)
    for side in (1, -1):
        wall = (0.0, side * plane.size / 2), plane.thickness, side * 2 * plane.window[3]
        axes.add_patch(Rectangle(*wall, facecolor=SOLID, edgecolor=MUTED, lw=0.8, zorder=3))


@styled
def patch_map(flow: PoreFlow, operation: Any) -> Figure:
    """Speed along the flow in the middle of the bores of a solved patch of membrane, from above.

    Args:
        flow: The flow of a patch.
        operation: Pressure or flow rate, and viscosity.
    """
    plane = PorePlane(flow, operation)
    points = plane._field.mesh.points
    (x0, y0), (x1, y1) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    window = float(x0), float(x1), float(y0), float(y1)
    x, y = pixel_centres(window, _PATCH_PIXELS)
    speed = plane.mid_bore(x, y)
    unit = speed_unit(float(np.nanmax(speed)))
    values = speed / SCALES[unit]
    norm = Normalize(0.0, float(np.nanmax(values)))
    figure = Figure(figsize=(5.4, 5.4 * (y1 - y0) / (x1 - x0) + 0.7), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor(PLATE)
    axes.imshow(values, extent=window, origin="lower", cmap=MAKO, norm=norm, interpolation="none", zorder=1)
    colour_bar(figure, axes, MAKO, norm, f"speed through the membrane in mid-bore, {unit}")
    bare_map(axes, window, round_length(2 * plane.size))
    return figure


def round_length(about: float) -> float:
    """The number 1, 2 or 5 times a power of ten next below."""
    power = 10.0 ** np.floor(np.log10(about))
    return float(max(n for n in (1, 2, 5) if n * power <= about * 1.0001) * power)
