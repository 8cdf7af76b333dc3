"""The mesh of a whole spiral channel for the solver: without its branches, cells stretched along it.

The flow changes across the channel over some 100 um and along it over centimetres. So the plane is a grid of stretched
quadrangles, each cut into two second-order triangles whose nodes lie on the spiral and its parallels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geometries.extrude import extrude
from geometries.mesh import UNIT, Mesh
from geometries.spiral_parts import under_the_ceiling

if TYPE_CHECKING:
    from geometries.spiral import Spiral

# Largest angle that a cell turns by, rad: the parabola through three points of an arc is then within 1e-6 of its radius.
_TURN = 0.1
# Of eight cells the outer ones are then not half as wide as the middle ones; evenly wide cells err nearly three times as much.
_CLOSER = 1.3


def channel_mesh(spiral: Spiral, *, across: int, stretch: float, layers: int) -> Mesh:
    """Second-order tetrahedra in the channel between its ends, where it is cut straight across.

    Args:
        spiral: The device.
        across: Cells over the width, narrower toward the walls.
        stretch: Length of a cell along the channel over the mean width of one.
        layers: Layers over half the height; of a trapezoid, which has no mirror plane, twice as many over all of it.

    Returns:
        Regions ``inlet``, ``outlet``, ``wall``, ``floor``, and ``midplane`` at half the height or, of a trapezoid, ``ceiling``.

    Raises:
        MeshError: A cell is turned inside out.
    """
    plane, depth = _plane(spiral, across, stretch), max(spiral.heights) / UNIT
    heights = depth / 2 * (1 + _borders(2 * layers))
    if spiral.height is not None:
        return extrude(plane, heights[: layers + 1], top="midplane")
    return under_the_ceiling(spiral, extrude(plane, heights), depth)


def _borders(count: int) -> NDArray[np.float64]:
    """Borders of cells from -1 to 1, closer to both ends, where the shear is."""
    return np.sin(np.linspace(-_CLOSER, _CLOSER, count + 1)) / math.sin(_CLOSER)


def _plane(spiral: Spiral, across: int, stretch: float) -> Mesh:
    curve, width = spiral.curve(UNIT), spiral.width / UNIT
    along = max(round(curve.length * across / width / stretch), math.ceil(curve.angle / _TURN), 2)
    angles = curve.angle_at(np.linspace(0.0, curve.length, 2 * along + 1))
    sides = width / 2 * np.interp(np.arange(2 * across + 1) / 2, np.arange(across + 1), _borders(across))
    points = np.stack([curve.points(angles, aside) for aside in sides], axis=1).reshape(-1, 2)
    number = np.arange(len(points)).reshape(2 * along + 1, 2 * across + 1)
    ends = number[[0, -1]] if spiral.direction == "outward" else number[[-1, 0]]
    lines = {"inlet": [ends[0]], "outlet": [ends[1]], "wall": [number[:, 0], number[:, -1]]}
    facets = {name: np.concatenate([_lines(nodes) for nodes in found]) for name, found in lines.items()}
    return Mesh(
        np.column_stack([points, np.zeros(len(points))]),
        _triangles(number),
        np.concatenate(list(facets.values())),
        np.repeat(np.arange(1, 4, dtype=np.int32), [len(f) for f in facets.values()]),
        {name: k for k, name in enumerate(facets, start=1)},
    )


def _triangles(number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two in each quadrangle of three by three nodes, shape (n, 6): first index along the channel, second outward."""
    a, b, c, d = number[:-2:2, :-2:2], number[2::2, :-2:2], number[2::2, 2::2], number[:-2:2, 2::2]
    ab, bc, cd, da = number[1::2, :-2:2], number[2::2, 1::2], number[1::2, 2::2], number[:-2:2, 1::2]
    middle = number[1::2, 1::2]
    along, across = a.shape
    # A cell in a corner of the channel would have no velocity of its own: there the diagonals run into the corner.
    rising = (np.arange(along)[:, None] < along / 2) == (np.arange(across) < across / 2)
    # Outward is to the right of the way along, so counter-clockwise is from a to d or from c to b.
    cut = [
        (rising, (a, c, b, middle, bc, ab)),
        (rising, (a, d, c, da, cd, middle)),
        (~rising, (a, d, b, da, middle, ab)),
        (~rising, (b, d, c, middle, cd, bc)),
    ]
    return np.concatenate([np.stack([node[where] for node in nodes], axis=1) for where, nodes in cut])


def _lines(nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Three-node lines along a row of nodes, shape (n, 3)."""
    return np.stack([nodes[:-2:2], nodes[2::2], nodes[1::2]], axis=1)
