"""Which pores of a membrane lie in a piece of it, for pictures from above: um."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometries.bores import Bore
from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter

#: How far a drawn rim may lie off, over the pore's width: a picture needs no more corners.
_SMOOTH = 2e-3


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
    bores = [_bore(membrane, i) for i in number]
    above, below = (
        np.array([bore.opening(depth).simplify(_SMOOTH * bore.width) for bore in bores], dtype=object)
        for depth in (0.0, membrane.thickness / UNIT)
    )
    return Openings(half, above, below, pores.group_size[number], number)


def _bore(membrane: PoreFilter, i: int) -> Bore:
    pores, (width, length) = membrane.pores(), membrane.opening
    size = float(pores.scale[i]) / UNIT
    across = None if membrane.pore == "round" else size * length
    return Bore(
        float(pores.x[i]) / UNIT, float(pores.y[i]) / UNIT, size * width, across, tilt=float(pores.tilt[i])
    )
