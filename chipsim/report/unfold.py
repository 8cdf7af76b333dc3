"""From the solved unit cell of a Cluster-Chip to any piece of the array, for pictures: um, and values over q.

The cell is half a lateral pitch wide and two rows long: mirrored at its sides and repeated along the flow it is the array.
In space the picture is that of the plane at mid-depth, where the mesh ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from chipsim.flow.array_result import ArrayFlow
from chipsim.flow.field import Field
from chipsim.flow.traction import wall_shear as recovered
from chipsim.report.sheet import Sheet
from geometries.cluster_chip import ClusterChip
from geometries.mesh import UNIT

Array = NDArray[np.float64]
Window = tuple[float, float, float, float]


def pixel_centres(window: Window, pixels: int) -> tuple[Array, Array]:
    """Coordinates of square pixels, ``pixels`` of them along the window, shape (rows, pixels), from the lower left."""
    x0, x1, y0, y1 = window
    rows = round(pixels * (y1 - y0) / (x1 - x0))
    along = x0 + (np.arange(pixels) + 0.5) * (x1 - x0) / pixels
    across = y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
    x, y = np.meshgrid(along, across)
    return x, y


@dataclass(frozen=True)
class Plane:
    """The flow in the plane of an endless array.

    Attributes:
        flow: The flow; its field must be here.
    """

    flow: ArrayFlow
    # Streamlines by what they were asked for: several pictures show the same piece.
    _drawn: dict[Any, list[Array]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, flow: ArrayFlow | Plane) -> Plane:
        """The plane of a flow; a plane stays as it is, with what was worked out for the picture before."""
        return flow if isinstance(flow, Plane) else cls(flow)

    @cached_property
    def wall(self) -> WallShear:
        """Wall shear along a pillar."""
        return wall_shear(self)

    @property
    def chip(self) -> ClusterChip:
        """The device."""
        return self.flow.chip

    @property
    def pitch(self) -> float:
        """Lateral pitch, um."""
        return self.chip.lateral_pitch / UNIT

    @property
    def row(self) -> float:
        """Row pitch, um."""
        return self.chip.row_pitch / UNIT

    @cached_property
    def _sheet(self) -> Sheet:
        """Velocity and pressure in the plane."""
        field = _field(self.flow)
        mesh = field.mesh
        six = mesh.cells if mesh.dim == 2 else mesh.facets[mesh.facet_regions == mesh.regions["midplane"]]
        return Sheet(mesh.points[:, :2], six, np.column_stack([field.velocity[:, :2], field.pressure]))

    def at(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Velocity along and across over q (1/um), and pressure over viscosity and q (1/um2); nan in pillars.

        Args:
            x: Along the flow, um; the tip of a pillar of row 0 is at the origin.
            y: Across, um, of the same shape.
        """
        start = _field(self.flow).mesh.points[:, 0].min()
        along = start + (x - start) % (2 * self.row)
        across = y - self.pitch * np.round(y / self.pitch)
        # A hair inside, so that rounding does not put the cell's sides outside.
        along = np.clip(along, start + 1e-7, start + 2 * self.row - 1e-7)
        folded = np.clip(np.abs(across), 1e-7, self.pitch / 2 - 1e-7)
        u, v, p = self._sheet.at(along, folded)
        slope = self.flow.row_resistance * UNIT**2 / self.row
        return u, v * np.sign(across), p - slope * x

    def image(self, window: Window, pixels: int) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Speed and pressure on the pixels of a window, and where pillars are, shape (rows, pixels).

        In pillars the values are those of the nearest fluid, so that no seam shows beside a pillar drawn on top.
        """
        from scipy.ndimage import distance_transform_edt

        x, y = pixel_centres(window, pixels)
        u, v, p = self.at(x, y)
        solid = np.isnan(u)
        nearest = tuple(distance_transform_edt(solid, return_distances=False, return_indices=True))
        return np.hypot(u, v)[nearest], p[nearest], solid

    def window(self, paths: float, rows: float) -> Window:
        """A piece of the array ``rows`` rows long and ``paths`` pitches wide, from the strip before row 0."""
        before = (self.row - self.chip.pillar_length / UNIT) / 2
        return -before, rows * self.row - before, -0.5 * self.pitch, (paths - 0.5) * self.pitch

    @cached_property
    def pillar(self) -> Array:
        """The outline of the pillar whose tip is at the origin, closed, um, shape (points, 2)."""
        return np.array(self.chip.pillar().polygon(1e-3).segmentize(0.25).exterior.coords)

    def places(self, window: Window) -> Array:
        """Tips of the pillars that reach into a window, um, shape (pillars, 2)."""
        x0, x1, y0, y1 = window
        low, high = self.pillar.min(axis=0), self.pillar.max(axis=0)
        rows = range(int((x0 - high[0]) // self.row), int(x1 // self.row) + 2)
        lanes = range(int(y0 // self.pitch) - 1, int(y1 // self.pitch) + 2)
        tips = np.array([(r * self.row, (n + 0.5 * (r % 2)) * self.pitch) for r in rows for n in lanes])
        inside = np.all(tips + high > (x0, y0), axis=1) & np.all(tips + low < (x1, y1), axis=1)
        return tips[inside]

    def streamlines(self, window: Window, per_path: int = 10, step: float = 0.4) -> list[Array]:
        """Streamlines through a window, an equal share of the flow between neighbours, each of shape (points, 2).

        Args:
            window: Where.
            per_path: Lines in a lateral pitch, even.
            step: Length of a step, um.
        """
        x0, x1, y0, y1 = window
        out = self._drawn.get((window, per_path, step))
        if out is not None:
            return out
        wind = self._wind(step)
        start = x0 - step
        y = (np.arange(400) + 0.5) / 800 * self.pitch
        share = np.cumsum(np.maximum(wind(np.full_like(y, start), y).real, 0.0))
        wanted = (np.arange(per_path // 2) + 0.5) / (per_path // 2)
        seeds = np.interp(wanted, share / share[-1], y)
        lines = follow(wind, start + 1j * seeds, x1 + step, step)
        out = self._drawn[window, per_path, step] = []
        for line in lines:
            for n in range(int(y0 // self.pitch) - 1, int(y1 // self.pitch) + 2):
                for mirror in (1, -1):
                    moved = line * (1, mirror) + (0, n * self.pitch)
                    if moved[:, 1].max() > y0 and moved[:, 1].min() < y1:
                        out.append(moved)
        return out

    def _wind(self, step: float) -> Callable[[Array, Array], Array]:
        """Velocity as u + iv by look-up on a fine grid over one period: a streamline asks thousands of times."""
        columns, lines = (int(np.ceil(2 * length / step)) for length in (2 * self.row, self.pitch))
        x, y = np.meshgrid(np.arange(columns) / columns * 2 * self.row, np.arange(lines) / lines * self.pitch)
        u, v, _ = self.at(x, y)
        grid = np.nan_to_num(u + 1j * v)

        def wind(along: Array, across: Array) -> Array:
            i, j = across / self.pitch * lines, along / (2 * self.row) * columns
            below, left = np.floor(i).astype(int), np.floor(j).astype(int)
            up, right = i - below, j - left
            b0, b1, l0, l1 = below % lines, (below + 1) % lines, left % columns, (left + 1) % columns
            lower = grid[b0, l0] * (1 - right) + grid[b0, l1] * right
            upper = grid[b1, l0] * (1 - right) + grid[b1, l1] * right
            return lower * (1 - up) + upper * up

        return wind


def follow(
    wind: Callable[[Array, Array], Array], start: NDArray[np.complex128], end: float, step: float
) -> list[Array]:
    """Follow the flow from points x + iy to x = ``end`` in steps of equal length (fourth-order Runge-Kutta)."""

    def heading(at: NDArray[np.complex128]) -> NDArray[np.complex128]:
        velocity = wind(at.real, at.imag)
        return velocity / np.maximum(np.abs(velocity), 1e-300)

    at = start
    path = [at]
    for _ in range(int(4 * (end - at.real.min()) / step)):
        a = heading(at)
        b = heading(at + step / 2 * a)
        c = heading(at + step / 2 * b)
        d = heading(at + step * c)
        at = at + step / 6 * (a + 2 * b + 2 * c + d)
        path.append(at)
        if at.real.min() > end:
            break
    whole = np.stack(path, axis=1)
    points = [np.column_stack([line.real, line.imag]) for line in whole]
    return [line[: np.searchsorted(line[:, 0], end) + 1] for line in points]


@dataclass(frozen=True)
class WallShear:
    """Wall shear rate over q along the half outline of a pillar, at mid-depth of a flow in space.

    Attributes:
        distance: From the tip along the wall, um, ascending, shape (n,).
        rate: Shear rate over q, 1/um2, shape (n,).
        half: Half the outline, from the tip to the middle of the base, um.
        corner: Distance at which the flank ends and the base begins, um.
    """

    distance: Array
    rate: Array
    half: shapely.LineString
    corner: float

    def ribbon(self, window: Window, tips: Array, pixels: int, inside: float, outside: float) -> Array:
        """Rate over q on a ribbon along the walls of pillars, each pixel that of the nearest wall; nan elsewhere.

        Args:
            window: The picture, um.
            tips: Tips of its pillars, um, shape (pillars, 2).
            pixels: Along the picture.
            inside: Width of the ribbon within the pillar, um.
            outside: Its width in the fluid, um.

        Returns:
            Values, shape (rows, pixels).
        """
        from scipy.spatial import cKDTree

        x, y = pixel_centres(window, pixels)
        out = np.full(x.shape, np.nan)
        places = np.arange(0.0, self.half.length, 0.03)
        rate = np.interp(places, self.distance, self.rate)
        outline = shapely.get_coordinates(shapely.line_interpolate_point(self.half, places))
        tree, reach = cKDTree(outline), max(inside, outside)
        body = shapely.Polygon([*outline, *(outline[::-1] * (1, -1))])
        shapely.prepare(body)
        low, high = outline.min(axis=0) - reach, outline.max(axis=0) + reach
        for tip in tips:
            columns = slice(*np.searchsorted(x[0], (tip[0] + low[0], tip[0] + high[0])))
            rows = slice(*np.searchsorted(y[:, 0], (tip[1] - high[1], tip[1] + high[1])))
            points = np.stack([x[rows, columns] - tip[0], np.abs(y[rows, columns] - tip[1])], axis=-1)
            distance, place = tree.query(points, distance_upper_bound=reach)
            close = np.isfinite(distance)
            within = shapely.contains_xy(body, points[close, 0], points[close, 1])
            close[close] = distance[close] < np.where(within, inside, outside)
            out[rows, columns][close] = rate[place[close]]
        return out


def wall_shear(plane: Plane) -> WallShear:
    """Wall shear on the pillars of the cell, brought onto the half outline of one of them."""
    sample = recovered(_field(plane.flow), "pillars")
    points, rate = sample.points[:, :2], sample.rate
    if sample.points.shape[1] == 3:
        # The three levels of quadrature points nearest to mid-depth are those of the last layer of cells.
        height = np.round(sample.points[:, 2], 6)
        top = height >= np.unique(height)[-3]
        points, rate = points[top], rate[top]
    half = _half(plane.pillar)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    local = points[:, None] - plane.places((x0, x1, y0, y1))[None]
    nearest = shapely.distance(shapely.points(local), shapely.LineString(plane.pillar)).argmin(axis=1)
    own = local[np.arange(len(local)), nearest]
    distance = np.round(shapely.line_locate_point(half, shapely.points(own[:, 0], np.abs(own[:, 1]))), 2)
    where, index = np.unique(distance, return_inverse=True)
    corners = np.array(half.coords)
    corner = float(shapely.line_locate_point(half, shapely.Point(corners[corners[:, 1].argmax()])))
    return WallShear(where, np.bincount(index, rate) / np.bincount(index), half, corner)


def _half(outline: Array) -> shapely.LineString:
    """The upper half of a pillar's outline, from the tip to the middle of the base."""
    (tip, _), (foot, _) = outline.min(axis=0), outline.max(axis=0)
    upper = outline[outline[:, 1] > 1e-9]
    # A pillar is convex: seen from its middle every point of the upper half lies at its own angle.
    upper = upper[np.argsort(-np.arctan2(upper[:, 1], upper[:, 0] - (tip + foot) / 2))]
    return shapely.LineString([(tip, 0.0), *upper, (foot, 0.0)])


def _field(flow: ArrayFlow) -> Field:
    if flow.cell.field is None:
        raise ValueError("the field of this flow is on another rank")
    return flow.cell.field
