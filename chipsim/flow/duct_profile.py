"""The undisturbed flow along a straight rectangular duct, by its Fourier series (plain numpy).

Lengths are half-heights: the section is |x| <= aspect, |z| <= 1. Speeds are over the largest one, in the middle.

White, Viscous Fluid Flow, 3rd ed., section 3-3.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# The first term that is left out is below 1e-8 of the speed, on the walls x = const too, where the series falls slowest.
_TERMS = 160


def _roots() -> tuple[Array, Array]:
    """Wave numbers across the height, and the signed coefficients of the series at a unit pressure gradient over viscosity."""
    n = np.arange(_TERMS)
    beta = (n + 0.5) * np.pi
    return beta, 2 * (-1.0) ** n / beta**3


def _unscaled(aspect: float, x: Array, z: Array) -> Array:
    beta, coefficient = _roots()
    out = (1 - z**2) / 2
    across = np.abs(x)
    for b, c in zip(beta, coefficient, strict=True):
        # cosh(b x) / cosh(b aspect), which neither overflows.
        ratio = np.exp(b * (across - aspect)) * (1 + np.exp(-2 * b * across)) / (1 + np.exp(-2 * b * aspect))
        out = out - c * ratio * np.cos(b * z)
    return out


def largest(aspect: float) -> float:
    """Speed in the middle at a unit pressure gradient over viscosity, in half-heights squared."""
    return float(_unscaled(aspect, np.zeros(1), np.zeros(1))[0])


def speed(aspect: float, x: Any, z: Any) -> Array:
    """Speed over the largest one.

    Args:
        aspect: Width over height.
        x: Places across, half-heights from the middle, shape (n,).
        z: Places along the height, shape (n,).

    Returns:
        Shape (n,); zero on the walls.
    """
    return _unscaled(aspect, np.asarray(x, dtype=float), np.asarray(z, dtype=float)) / largest(aspect)


def mean(aspect: float) -> float:
    """Mean speed over the largest one."""
    beta, coefficient = _roots()
    series = np.abs(coefficient) * np.tanh(beta * aspect) / (beta**2 * aspect)
    return float((1 / 3 - series.sum()) / largest(aspect))
