"""Which pores of a membrane lie in a piece of it, for pictures from above: um."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Openings:
    """The pores whose middles lie in or near a square window around the middle of a spot.

    Attributes:
        half: Half the window's side, um.
        shapes: The openings on the upstream face, polygons, shape (N,).
        beneath: Those on the downstream face.
        group_size: Pores in the group that each belongs to, shape (N,).
        number: Of each in ``PoreFilter.pores()``, shape (N,).
    """

    half: float
    shapes: NDArray[np.object_]
    beneath: NDArray[np.object_]
    group_size: NDArray[np.int64]
    number: NDArray[np.int64]


def openings(membrane: PoreFilter, half: float) -> Openings:
    """The pores of a window.

    Args:
        membrane: The device.
        half: Half the window's side, um; no more than the spot's radius is taken.
    """
    half = min(half, membrane.spot_diameter / UNIT / 2)
    pores = membrane.pores()
    x, y = pores.x / UNIT, pores.y / UNIT
    reach = half + max(membrane.opening) / UNIT
    number = np.flatnonzero((np.abs(x) < reach) & (np.abs(y) < reach))
    shift = membrane.thickness / UNIT * np.tan(pores.tilt)
    above, below = (
        np.array(
            [_opening(membrane, at[i], y[i], pores.scale[i], pores.tilt[i]) for i in number], dtype=object
        )
        for at in (x, x + shift)
    )
    return Openings(half, above, below, pores.group_size[number], number)


def _opening(membrane: PoreFilter, x: float, y: float, scale: float, tilt: float) -> shapely.Polygon:
    """An opening; a slanted round track opens as an ellipse."""
    along, across = (scale * side / UNIT / 2 for side in membrane.opening)
    along /= math.cos(tilt)
    if membrane.pore == "round":
        turn = np.linspace(0, 2 * math.pi, 49)[:-1]
        return shapely.Polygon(np.column_stack([x + along * np.cos(turn), y + across * np.sin(turn)]))
    return shapely.box(x - along, y - across, x + along, y + across)
