r"""The gates of a Cluster-Chip trap as functions of pressure, size and strength; all broadcast.

What a cluster meets at each row, seen along the flow::

        pillar | gap  | pillar
        #######|  w   |#######       A  sieve: does it enter the gap at all?
         ##### v      v #####
          ###     /\     ###
               L /##\ R             B  straddle: is there at least one cell on each side of the tip?
                /####\              C  held by the tip, pushed through (slip), or parted (break)?

Equations: section 6 of the reference, from a liquid drop in a slit and a balance of forces at the tip.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def planar_fraction(n: int, base: float = 0.15) -> float:
    """Share of n-cell clusters that are one cell thick: all up to 3 cells, then ``base ** (n - 3)`` (assumed)."""
    return 1.0 if n <= 3 else base ** (n - 3)


def straddling_fraction(n: int) -> float:
    """Chance that n cells, each taking a side at random, do not all take the same: ``1 - 2^(1-n)``."""
    return 1.0 - 2.0 ** (1 - n)


def rearrangement_threshold(strength: ArrayLike, diameter: ArrayLike, gap: float) -> np.ndarray:
    """Pressure below which a cluster more than one cell thick stays in front of a slit, Pa.

    To enter it must become one cell thick, and for that the pressure on one cell has to part a junction.

    Args:
        strength: Of a junction, N.
        diameter: Of the cluster's cells, m.
        gap: Clear width of the slit, m.
    """
    return np.asarray(strength, float) / (gap * np.asarray(diameter, float))


def slip_threshold(
    area_a: ArrayLike, area_b: ArrayLike, squeeze_a: ArrayLike, squeeze_b: ArrayLike, asymmetry: ArrayLike
) -> np.ndarray:
    """Pressure above which a straddling cluster is pushed through whole, Pa.

    Each daughter throat is plugged by one cell; the pressures on the two nearly cancel. What is left is the
    difference of the plugged areas and the asymmetry of pillar and contact; it must squeeze a cell through.

    Args:
        area_a: Plugged area of one throat, m^2.
        area_b: Plugged area of the other, m^2.
        squeeze_a: Laplace threshold of the cell in the one throat, Pa.
        squeeze_b: The same for the other, Pa.
        asymmetry: Part of the total force that does not cancel even with equal cells, at least 0.
    """
    a, b = np.asarray(area_a, float), np.asarray(area_b, float)
    unbalanced = np.abs(a - b) + np.asarray(asymmetry, float) * (a + b)
    hold = np.maximum(np.asarray(squeeze_a, float) * a, np.asarray(squeeze_b, float) * b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(hold > 0, hold / unbalanced, 0.0)


def break_threshold(strength: ArrayLike, area_a: ArrayLike, area_b: ArrayLike) -> np.ndarray:
    """Pressure above which a straddling cluster parts, Pa.

    The junction carries what pushes on the lesser of the two plugs. It does so whether the cluster is held or
    is being dragged over to the other side, so a junction too weak parts before the cluster can slip.

    Args:
        strength: Of the junction, N.
        area_a: Plugged area of one throat, m^2.
        area_b: Plugged area of the other, m^2.
    """
    return np.asarray(strength, float) / np.minimum(area_a, area_b)
