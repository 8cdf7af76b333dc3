"""A cell as a liquid drop: the pressure that its cortical tension sets against being pushed into an opening.

The front in an opening of any shape has the curvature ``perimeter / area``, the part still outside ``4 / diameter``;
what the tension makes of their difference is the threshold. In a slit that has no ends the front is curved in the
slit's plane too, by the radius of the flattened drop, which :func:`slit_threshold_per_tension` adds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def pancake_radius(diameter: ArrayLike, width: ArrayLike) -> np.ndarray:
    """Outer radius of a drop flattened between two plates, its volume conserved, m.

    The drop is a disc of radius ``a`` and height ``w`` with a rim of half-circles of radius ``w/2``; its
    volume

        pi w a^2 + pi^2 (w/2)^2 a + 4/3 pi (w/2)^3 = pi d^3 / 6

    is quadratic in ``a``, so ``a`` has a closed form. The outer radius is ``a + w/2``.

    Args:
        diameter: Of the free sphere, m, any shape; a drop not wider than the slit keeps its own radius.
        width: Clear width of the slit, m, broadcast against ``diameter``.
    """
    d, w = np.asarray(diameter, float), np.asarray(width, float)
    rim = w / 2
    half_b = np.pi * rim**2 / 2
    c = 4 / 3 * rim**3 - d**3 / 6
    # The stable root: half_b and the square root add up, so nothing cancels when d is close to w.
    a = np.where(d > w, -c / (half_b + np.sqrt(np.maximum(half_b**2 - w * c, 0.0))), 0.0)
    return np.where(d > w, a + rim, d / 2)


def slit_threshold_per_tension(diameter: ArrayLike, width: ArrayLike) -> np.ndarray:
    """Threshold pressure of a drop in a slit for unit tension, 1/m: ``2/w + 1/R - 4/d`` for d > w, else 0.

    The curvature of the front in the slit (``2/w + 1/R``) less that of the part still outside (``4/d``).

    Args:
        diameter: Of the free sphere, m, any shape.
        width: Clear width of the slit, m.
    """
    d, w = np.asarray(diameter, float), np.asarray(width, float)
    value = 2 / w + 1 / pancake_radius(d, w) - 4 / d
    return np.where(d > w, np.maximum(value, 0.0), 0.0)


def slit_threshold(diameter: ArrayLike, width: ArrayLike, tension: ArrayLike) -> np.ndarray:
    """Pressure below which a cell stays at the mouth of a slit, Pa.

    Args:
        diameter: Of the free cell, m.
        width: Clear width of the slit, m.
        tension: Cortical tension, N/m.
    """
    return np.asarray(tension, float) * slit_threshold_per_tension(diameter, width)


def opening_threshold_per_tension(
    diameter: ArrayLike, perimeter_over_area: ArrayLike, width: ArrayLike
) -> np.ndarray:
    """Threshold pressure of a drop in an opening for unit tension, 1/m: ``P/A - 4/d`` for d > width, else 0; broadcasts.

    Sharp corners, which a front does not fill, would make it less (circle 2/R exact, square 4/side, endless slit 2/w).

    Args:
        diameter: Of the free sphere, m.
        perimeter_over_area: Of the opening, 1/m.
        width: Its smallest clear width, m; a drop not wider passes freely.
    """
    d = np.asarray(diameter, float)
    return np.where(d > width, np.maximum(np.asarray(perimeter_over_area, float) - 4 / d, 0.0), 0.0)
