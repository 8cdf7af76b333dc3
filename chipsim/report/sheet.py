"""Values on the nodes of second-order triangles in a plane, looked up at any points of it: for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.tri import Triangulation
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: A six-node triangle as four straight ones.
QUARTERS = ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))


@dataclass(frozen=True)
class Sheet:
    """A plane in triangles, over which values are linear between all nodes.

    Attributes:
        points: Coordinates of the nodes in the plane, shape (N, 2).
        six: Nodes of the triangles, corners first, shape (M, 6).
        values: At the nodes, shape (N, k).
    """

    points: Array
    six: NDArray[np.int64]
    values: Array

    @cached_property
    def _used(self) -> tuple[Triangulation, Array]:
        """The triangles, four for each, and the values on their nodes."""
        nodes, places = np.unique(self.six, return_inverse=True)
        places = places.reshape(self.six.shape)
        straight = np.concatenate([places[:, list(quarter)] for quarter in QUARTERS])
        x, y = self.points[nodes].T
        return Triangulation(x, y, straight), self.values[nodes]

    def at(self, x: Array, y: Array) -> Array:
        """Every point is looked up once for all values, shape (k, *x.shape); nan outside."""
        plane, values = self._used
        where = np.asarray(plane.get_trifinder()(x, y), dtype=np.int64)
        corners = plane.triangles[where]
        px, py = plane.x[corners], plane.y[corners]
        ax, ay, bx, by = (
            px[..., 1] - px[..., 0],
            py[..., 1] - py[..., 0],
            px[..., 2] - px[..., 0],
            py[..., 2] - py[..., 0],
        )
        dx, dy, size = x - px[..., 0], y - py[..., 0], ax * by - ay * bx
        b, c = (dx * by - dy * bx) / size, (ax * dy - ay * dx) / size
        weights = np.stack([1 - b - c, b, c], axis=-1)
        found = np.einsum("...k,...kv->v...", weights, values[corners])
        found[:, where < 0] = np.nan
        return found
