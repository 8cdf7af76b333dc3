"""A piece of a real membrane: some of its pores, as they lie, in a window between mirror planes.

A random membrane is searched, by the order of distance from the middle of the spot, for a window with about the wished number
of pores whose border cuts none; where there is none, the fewest. Windows that no mesher could fill well are left out: rims that
nearly touch, or a border that takes a sliver off a pore.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geometries.bores import Bore, Box
from geometries.membrane_mesh import mesh_bores
from geometries.mesh import UNIT, Mesh
from geometries.quantities import DesignError, show

if TYPE_CHECKING:
    from geometries.pore_filter import PoreFilter

#: Pores of a patch unless one asks for others.
COUNT = 24

_NEAR = 0.05  # of the nominal radius: rims closer than that nearly touch
_SPREAD = 0.2  # of the number of pores, that a window may hold more or less
_LEAST = 20  # pores where as many are asked for
_STEPS = 6  # of a window's place along its side
_MOST_WINDOWS = 10_000
_MOST_TRIED = 500  # of the windows, the best ones, for rims that nearly touch
_SAME = 1e-4  # um


@dataclass(frozen=True)
class Patch:
    """A window of a membrane.

    Attributes:
        bores: The pores that reach into it, those that its border cuts too; um, from the window's lower left corner.
        indices: Their numbers among ``PoreFilter.pores()``, shape (N,).
        groups: Number of the opening that each is in: bores that join at any depth are one, shape (N,).
        box: Of the fluid, um.
        origin: Place of the window's lower left corner in the spot, um.
        thickness: Of the membrane, um.
        radius: Half the nominal clear width of a pore, um.
    """

    bores: tuple[Bore, ...]
    indices: NDArray[np.int64]
    groups: NDArray[np.int64]
    box: Box
    origin: tuple[float, float]
    thickness: float
    radius: float

    @property
    def area(self) -> float:
        """Of the window, um2."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    def mesh(
        self,
        reservoir: float | None = None,
        *,
        rim: float | None = None,
        growth: float = 0.5,
        coarsest: float | None = None,
    ) -> Mesh:
        """Its fluid in space.

        Args:
            reservoir: Length of the piece of reservoir on either side, um; left out: ten radii.
            rim: Cell size at the rims, um; left out: an eighth of the radius.
            growth: Growth of the cell size with the distance to the nearest rim.
            coarsest: Largest cell, um; left out: three radii.

        Raises:
            MeshError: As :func:`geometries.membrane_mesh.mesh_bores`.
        """
        return mesh_bores(
            self.bores,
            self.thickness,
            self.box,
            10 * self.radius if reservoir is None else reservoir,
            rim=self.radius / 8 if rim is None else rim,
            growth=growth,
            coarsest=3 * self.radius if coarsest is None else coarsest,
        )

    def openings(self, mesh: Mesh) -> list[NDArray[np.int64]]:
        """Cells of the bores of each opening: the flow through it is the integral of the velocity along z over the thickness."""
        depth = mesh.points[mesh.cells[:, :4], 2]
        inside = np.flatnonzero((depth.min(axis=1) > -_SAME) & (depth.max(axis=1) < self.thickness + _SAME))
        x, y, z = mesh.points[mesh.cells[inside][:, :4]].mean(axis=1).T
        where = np.array([_within(b, x, y, z) for b in self.bores])
        group = self.groups[where.argmin(axis=0)]
        return [inside[group == g] for g in range(self.groups.max() + 1)]


def _within(bore: Bore, x: NDArray, y: NDArray, z: NDArray) -> NDArray[np.float64]:
    """Distance of places from a bore's axis over that of its wall: below 1 inside."""
    dx, dy = x - bore.x - z * math.tan(bore.tilt), y - bore.y
    if bore.length is not None:
        return np.maximum(np.abs(dx) / (bore.width / 2), np.abs(dy) / (bore.length / 2))
    return np.asarray(np.hypot(dx * math.cos(bore.tilt), dy) / (bore.width / 2))


def patch(membrane: PoreFilter, count: int = COUNT) -> Patch:
    """A piece of a membrane with about ``count`` pores; the same for the same membrane.

    Raises:
        DesignError: The spot is too small, or no window can be meshed.
    """
    if count < 1:
        raise DesignError(f"the number of pores of a patch = {count} is below 1")
    field = _Field(membrane)
    boxes = _windows(membrane, count) if membrane.placement == "poisson" else _lattice_block(membrane, count)
    reach = (membrane.spot_diameter / 2 - membrane.opening[0]) / UNIT
    far = np.hypot(np.abs(boxes[:, [0, 2]]).max(axis=1), np.abs(boxes[:, [1, 3]]).max(axis=1))
    boxes = boxes[far < reach]
    if not len(boxes):
        raise DesignError(
            f"spot_diameter = {show(membrane.spot_diameter, 'mm')} is too small for a window of {count} pores; ask for fewer"
        )
    if membrane.placement != "poisson":
        return field.patch(boxes[0])
    for k in field.ranked(boxes, count)[:_MOST_TRIED]:
        if not field.nearly_touch(boxes[k]):
            return field.patch(boxes[k])
    raise DesignError(
        f"rims nearly touch in all windows of {count} pores that were tried; ask for fewer pores or another seed"
    )


def _windows(membrane: PoreFilter, count: int) -> NDArray[np.float64]:
    """Square windows of the area of ``count`` pores, those near the middle of the spot first, um, shape (K, 4)."""
    side = math.sqrt(count / membrane.density) / UNIT
    step = side / _STEPS
    most = min(membrane.spot_diameter / UNIT / step / 2, math.sqrt(_MOST_WINDOWS) / 2)
    at = np.arange(-math.floor(most), math.floor(most) + 1) * step
    x, y = (c.ravel() for c in np.meshgrid(at, at))
    order = np.argsort(np.hypot(x, y), kind="stable")
    low = np.column_stack([x, y])[order] - side / 2
    return np.hstack([low, low + side])


def _lattice_block(membrane: PoreFilter, count: int) -> NDArray[np.float64]:
    """The block of a lattice that is nearest a square, between mirror planes, um, shape (1, 4)."""
    px, py = (pitch / UNIT for pitch in membrane.pitches)
    nx = max(round(math.sqrt(count * py / px)), 1)
    ny = max(round(count / nx), 1)
    # Mirror planes of a hexagonal lattice run through pores.
    aside = 0.0 if membrane.placement == "hexagonal" else 0.5
    x0, y0 = (-(nx // 2) - aside) * px, (-(ny // 2) - aside) * py
    return np.array([[x0, y0, x0 + nx * px, y0 + ny * py]])


class _Field:
    """All pores of a spot in um, with what a window asks of them."""

    def __init__(self, membrane: PoreFilter) -> None:
        from scipy.spatial import cKDTree

        self._membrane, pores = membrane, membrane.pores()
        along, across = (e / UNIT / 2 for e in membrane.opening)
        self.thickness, self.near = membrane.thickness / UNIT, _NEAR * membrane.size / UNIT / 2
        self.tilt = pores.tilt
        self.x, self.y = pores.x / UNIT, pores.y / UNIT
        self._tree = cKDTree(np.column_stack([self.x, self.y]))
        self.run = self.thickness * np.tan(pores.tilt)
        #: Half the extents of each opening.
        self.a, self.b = along * pores.scale / np.cos(pores.tilt), across * pores.scale

    def ranked(self, boxes: NDArray, count: int) -> NDArray[np.intp]:
        """Numbers of the windows whose border meshes well, best first: about ``count`` pores, then the fewest cut."""
        which, pore = self._beside(boxes)
        inside, cut, bad = (
            np.bincount(which[flag], minlength=len(boxes)) for flag in self._at_border(boxes[which], pore)
        )
        off = np.abs(inside - count)
        far = (off > max(_SPREAD * count, 1)) | (inside < min(count, _LEAST)) | (inside < 1)
        order = np.lexsort([np.arange(len(boxes)), off, cut, far])
        return order[(bad == 0)[order] & (inside > 0)[order]]

    def _beside(self, boxes: NDArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Windows and the pores that may reach into them, as pairs."""
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        half = (boxes[0, 2:] - boxes[0, :2]) / 2
        reach = float(np.hypot(*half) + np.hypot((self.a + np.abs(self.run)).max(), self.b.max()))
        found = self._tree.query_ball_point(middle, reach, return_sorted=True)
        which = np.repeat(np.arange(len(boxes)), [len(f) for f in found])
        return which, np.concatenate([np.asarray(f, dtype=np.intp) for f in found])

    def _at_border(self, box: NDArray, pore: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Of pairs of a window and a pore: middle in it, cut by its border, cut or walled off too thinly."""
        x, y, run, a, b = self.x[pore], self.y[pore], self.run[pore], self.a[pore], self.b[pore]
        x0, y0, x1, y1 = box.T
        left, right = np.minimum(x, x + run) - a, np.maximum(x, x + run) + a
        reaches = (right > x0) & (left < x1) & (y + b > y0) & (y - b < y1)
        within = (left >= x0) & (right <= x1) & (y - b >= y0) & (y + b <= y1)
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        bad = np.zeros(len(pore), dtype=bool)
        for centre, half, low, high in ((x, a, x0, x1), (x + run, a, x0, x1), (y, b, y0, y1)):
            # From the border to the far end of what is inside, and to the near one.
            for far, near in (
                (centre + half - low, centre - half - low),
                (high - centre + half, high - centre - half),
            ):
                bad |= ((far > 0) & (far < self.near)) | (np.abs(near) < self.near)
        for cx, cy in ((x0, y0), (x1, y0), (x0, y1), (x1, y1)):
            for shift in (0.0, run):
                apart = np.hypot((cx - x - shift) / a, (cy - y) / b)
                bad |= np.abs(apart - 1) * b < self.near
        return inside, reaches & ~within, reaches & bad

    def reaching(self, box: NDArray) -> NDArray[np.intp]:
        """Pores that open into a window at any depth."""
        _, pore = self._beside(box[None])
        x0, y0, x1, y1 = box
        left = np.minimum(self.x, self.x + self.run)[pore] - self.a[pore]
        right = np.maximum(self.x, self.x + self.run)[pore] + self.a[pore]
        low, high = self.y[pore] - self.b[pore], self.y[pore] + self.b[pore]
        beside = (right > x0 + _SAME) & (left < x1 - _SAME) & (high > y0 + _SAME) & (low < y1 - _SAME)
        if self._membrane.pore == "round":
            # A round pore beside a corner may not reach round it.
            dx = np.maximum(np.maximum(x0 - self.x[pore], self.x[pore] - x1), 0) - np.abs(self.run[pore])
            dy = np.maximum(np.maximum(y0 - self.y[pore], self.y[pore] - y1), 0)
            beside &= np.hypot(np.maximum(dx, 0) / self.a[pore], dy / self.b[pore]) < 1
        return pore[beside]

    def _gaps(self, pore: NDArray) -> dict[str, Any]:
        """Pairs of pores, and the clear widths between their rims on both faces and where they are nearest, shape (P,)."""
        i, j = (pore[k] for k in np.triu_indices(len(pore), 1))
        stretch = (1 / np.cos(self.tilt[i]) + 1 / np.cos(self.tilt[j])) / 2
        top = self.x[i] - self.x[j]
        bottom = top + self.run[i] - self.run[j]
        nearest = np.where(top * bottom < 0, 0.0, np.minimum(np.abs(top), np.abs(bottom)))
        apart = [np.hypot(dx / stretch, self.y[i] - self.y[j]) for dx in (top, bottom, nearest)]
        return {"pairs": (i, j), "apart": np.array(apart), "radii": (self.b[i], self.b[j])}

    def nearly_touch(self, box: NDArray) -> bool:
        """Whether two rims in a window touch nearly, from outside or from inside one another."""
        if self._membrane.pore != "round":
            return self._corners_nearly_touch(box)
        gaps = self._gaps(self.reaching(box))
        r, s = gaps["radii"]
        outside, within = gaps["apart"] - (r + s), gaps["apart"] - np.abs(r - s)
        return bool(np.any(np.abs(outside) < self.near) or np.any(np.abs(within) < self.near))

    def _corners_nearly_touch(self, box: NDArray) -> bool:
        """The same of rectangles: sides that nearly lie on one another."""
        pore = self.reaching(box)
        i, j = (pore[k] for k in np.triu_indices(len(pore), 1))
        dx, dy = np.abs(self.x[i] - self.x[j]), np.abs(self.y[i] - self.y[j])
        sx, sy = self.a[i] + self.a[j], self.b[i] + self.b[j]
        tx, ty = np.abs(self.a[i] - self.a[j]), np.abs(self.b[i] - self.b[j])
        beside = (dx < sx + self.near) & (dy < sy + self.near)
        near = [np.abs(d - t) < self.near for d, t in ((dx, sx), (dy, sy), (dx, tx), (dy, ty))]
        return bool(np.any(beside & np.any(near, axis=0)))

    def patch(self, box: NDArray) -> Patch:
        """The pores of a window."""
        pore = self.reaching(box)
        flat = self._membrane.pore != "round"
        bores = tuple(
            Bore(
                float(self.x[k] - box[0]),
                float(self.y[k] - box[1]),
                float(2 * self.a[k] * math.cos(self.tilt[k])),
                float(2 * self.b[k]) if flat else None,
                float(self.tilt[k]),
            )
            for k in pore
        )
        side = (float(box[2] - box[0]), float(box[3] - box[1]))
        return Patch(
            bores,
            pore.astype(np.int64),
            self._joined(pore),
            (0.0, 0.0, *side),
            (float(box[0]), float(box[1])),
            self.thickness,
            self._membrane.size / UNIT / 2,
        )

    def _joined(self, pore: NDArray) -> NDArray[np.int64]:
        """Numbers of the openings: pores that overlap at any depth."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        place = {int(k): n for n, k in enumerate(pore)}
        gaps = self._gaps(pore)
        i, j = gaps["pairs"]
        if self._membrane.pore == "round":
            meet = gaps["apart"][2] < sum(gaps["radii"])
        else:
            meet = (np.abs(self.x[i] - self.x[j]) < self.a[i] + self.a[j]) & (
                np.abs(self.y[i] - self.y[j]) < self.b[i] + self.b[j]
            )
        ends = [[place[int(k)] for k in side[meet]] for side in (i, j)]
        graph = coo_matrix((np.ones(len(ends[0])), ends), shape=(len(pore), len(pore)))
        return connected_components(graph, directed=False)[1].astype(np.int64)
