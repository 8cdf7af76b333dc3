"""From the solved unit cell of a Cluster-Chip to any piece of the array, for pictures: um, and values over q.

The cell is half a lateral pitch wide and two rows long: mirrored at its sides and repeated along the flow it is the array.
In space the picture is that of the plane at mid-depth, where the mesh ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from matplotlib.tri import LinearTriInterpolator, Triangulation
from numpy.typing import NDArray

from chipsim.flow.result import Flow
from geometries.cluster_chip import ClusterChip
from geometries.mesh import UNIT

Array = NDArray[np.float64]
Window = tuple[float, float, float, float]

#: A six-node triangle as four straight ones.
_QUARTERS = ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))


@dataclass(frozen=True)
class Plane:
    """The flow in the plane of an endless array.

    Attributes:
        flow: The flow; its field must be here.
    """

    flow: Flow

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
    def triangles(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Nodes of the plane, and straight triangles (four a cell) as places in them, shape (M, 3)."""
        mesh = _field(self.flow).mesh
        six = mesh.cells if mesh.dim == 2 else mesh.facets[mesh.facet_regions == mesh.regions["midplane"]]
        nodes, places = np.unique(six, return_inverse=True)
        places = places.reshape(six.shape)
        return nodes, np.concatenate([places[:, list(quarter)] for quarter in _QUARTERS])

    @cached_property
    def _interpolators(self) -> tuple[LinearTriInterpolator, ...]:
        field = _field(self.flow)
        nodes, triangles = self.triangles
        x, y = field.mesh.points[nodes, :2].T
        plane = Triangulation(x, y, triangles)
        values = field.velocity[nodes, 0], field.velocity[nodes, 1], field.pressure[nodes]
        return tuple(LinearTriInterpolator(plane, v) for v in values)

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
        u, v, p = (np.ma.filled(f(along, folded), np.nan) for f in self._interpolators)
        slope = self.flow.row_resistance * UNIT**2 / self.row
        return u, v * np.sign(across), p - slope * x

    def image(self, window: Window, pixels: int) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Speed and pressure on the pixels of a window, and where pillars are, shape (rows, pixels).

        In pillars the values are those of the nearest fluid, so that no seam shows beside a pillar drawn on top.
        """
        from scipy.ndimage import distance_transform_edt

        x, y = self._pixels(window, pixels)
        u, v, p = self.at(x, y)
        solid = np.isnan(u)
        nearest = tuple(distance_transform_edt(solid, return_distances=False, return_indices=True))
        return np.hypot(u, v)[nearest], p[nearest], solid

    @staticmethod
    def _pixels(window: Window, pixels: int) -> tuple[Array, Array]:
        x0, x1, y0, y1 = window
        rows = round(pixels * (y1 - y0) / (x1 - x0))
        along = x0 + (np.arange(pixels) + 0.5) * (x1 - x0) / pixels
        across = y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
        x, y = np.meshgrid(along, across)
        return x, y

    def window(self, paths: float, rows: float, before: float = 0.3) -> Window:
        """A piece of the array ``rows`` rows long and ``paths`` pitches wide, from a little before row 0."""
        return -before * self.row, (rows - before) * self.row, -0.5 * self.pitch, (paths - 0.5) * self.pitch

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

    def streamlines(self, window: Window, per_path: int = 10, step: float = 0.25) -> list[Array]:
        """Streamlines through a window, an equal share of the flow between neighbours, each of shape (points, 2).

        Args:
            window: Where.
            per_path: Lines in a lateral pitch, even.
            step: Length of a step, um.
        """
        x0, x1, y0, y1 = window
        wind = self._wind(step)
        start = x0 - step
        y = (np.arange(400) + 0.5) / 800 * self.pitch
        share = np.cumsum(np.maximum(wind(np.full_like(y, start), y)[0], 0.0))
        wanted = (np.arange(per_path // 2) + 0.5) / (per_path // 2)
        seeds = np.interp(wanted, share / share[-1], y)
        lines = _follow(wind, np.full_like(seeds, start), seeds, x1 + step, step)
        out = []
        for line in lines:
            for n in range(int(y0 // self.pitch) - 1, int(y1 // self.pitch) + 2):
                for mirror in (1, -1):
                    moved = line * (1, mirror) + (0, n * self.pitch)
                    if moved[:, 1].max() > y0 and moved[:, 1].min() < y1:
                        out.append(moved)
        return out

    def _wind(self, step: float):  # noqa: ANN202
        """Velocity by look-up on a fine grid over one period: a streamline asks thousands of times."""
        from scipy.ndimage import map_coordinates

        columns, lines = (int(np.ceil(2 * length / step)) for length in (2 * self.row, self.pitch))
        x, y = np.meshgrid(np.arange(columns) / columns * 2 * self.row, np.arange(lines) / lines * self.pitch)
        u, v, _ = (np.nan_to_num(a) for a in self.at(x, y))

        def wind(along: Array, across: Array) -> tuple[Array, Array]:
            where = across / self.pitch * lines, along / (2 * self.row) * columns
            return tuple(map_coordinates(a, where, order=1, mode="grid-wrap") for a in (u, v))

        return wind


def _follow(wind, x: Array, y: Array, end: float, step: float) -> list[Array]:  # noqa: ANN001
    """Follow the flow from points (x, y) to x = ``end`` in steps of equal length (fourth-order Runge-Kutta)."""

    def heading(at: Array) -> Array:
        velocity = np.stack(wind(at[:, 0], at[:, 1]), axis=1)
        return velocity / np.maximum(np.linalg.norm(velocity, axis=1, keepdims=True), 1e-300)

    at = np.column_stack([x, y])
    path = [at]
    for _ in range(int(4 * (end - x.min()) / step)):
        a = heading(at)
        b = heading(at + step / 2 * a)
        c = heading(at + step / 2 * b)
        d = heading(at + step * c)
        at = at + step / 6 * (a + 2 * b + 2 * c + d)
        path.append(at)
        if at[:, 0].min() > end:
            break
    whole = np.stack(path, axis=1)
    return [line[: np.searchsorted(line[:, 0], end) + 1] for line in whole]


@dataclass(frozen=True)
class WallShear:
    """Wall shear rate over q along the half outline of a pillar.

    Attributes:
        distance: From the tip along the wall, um, ascending, shape (n,).
        rate: Shear rate over q, 1/um2, shape (n,).
        height: Above the floor, um, shape (n,); 0 in the plane.
        half: Half the outline, from the tip to the middle of the base, um.
        corner: Distance at which the flank ends and the base begins, um.
    """

    distance: Array
    rate: Array
    height: Array
    half: shapely.LineString
    corner: float

    @cached_property
    def middle(self) -> tuple[Array, Array]:
        """Distance and rate at mid-depth (in the plane: all of them), one value a place."""
        levels = np.unique(np.round(self.height, 6))
        # The three levels of quadrature points nearest to mid-depth are those of the last layer of cells.
        top = self.height >= levels[-min(3, len(levels))] - 1e-6
        kept, place = np.unique(np.round(self.distance[top], 2), return_inverse=True)
        return kept, np.bincount(place, self.rate[top]) / np.bincount(place)

    def around(self, points: Array) -> Array:
        """Rate over q at mid-depth at points, shape (n, 2), of the outline of a pillar whose tip is at the origin."""
        where = shapely.points(points[:, 0], np.abs(points[:, 1]))
        return np.interp(shapely.line_locate_point(self.half, where), *self.middle)


def wall_shear(flow: Flow) -> WallShear:
    """Wall shear on the pillars of the cell, brought onto the half outline of one of them."""
    plane, sample = Plane(flow), _field(flow).on("pillars")
    outline = shapely.LineString(plane.pillar)
    half = _half(plane.pillar)
    x0, y0, x1, y1 = *sample.points[:, :2].min(axis=0), *sample.points[:, :2].max(axis=0)
    tips = plane.places((x0, x1, y0, y1))
    local = sample.points[:, None, :2] - tips[None]
    nearest = shapely.distance(shapely.points(local), outline).argmin(axis=1)
    own = local[np.arange(len(local)), nearest]
    distance = shapely.line_locate_point(half, shapely.points(own[:, 0], np.abs(own[:, 1])))
    height = sample.points[:, 2] if sample.points.shape[1] == 3 else np.zeros(len(own))
    order = np.argsort(distance, kind="stable")
    corners = np.array(half.coords)
    corner = float(shapely.line_locate_point(half, shapely.Point(corners[corners[:, 1].argmax()])))
    return WallShear(distance[order], sample.shear_rate[order], height[order], half, corner)


def _half(outline: Array) -> shapely.LineString:
    """The upper half of a pillar's outline, from the tip to the middle of the base."""
    (tip, _), (foot, _) = outline.min(axis=0), outline.max(axis=0)
    upper = outline[outline[:, 1] > 1e-9]
    # A pillar is convex: seen from its middle every point of the upper half lies at its own angle.
    upper = upper[np.argsort(-np.arctan2(upper[:, 1], upper[:, 0] - (tip + foot) / 2))]
    return shapely.LineString([(tip, 0.0), *upper, (foot, 0.0)])


def _field(flow: Flow):  # noqa: ANN202
    if flow.cell.field is None:
        raise ValueError("the field of this flow is on another rank")
    return flow.cell.field
