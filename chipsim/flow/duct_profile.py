"""The undisturbed flow along a rectangular duct, straight or bent, by its Fourier series (numpy; SciPy where it is bent).

Lengths are half-heights: the section is |x| <= aspect, |z| <= 1. Speeds are over the largest one.

Straight: White, Viscous Fluid Flow, 3rd ed., section 3-3.3. Bent, without inertia: with r = bend + x and the pressure falling
evenly with the angle, each term cos(b z) has 1 / r and the modified Bessel functions I1(b r), K1(b r) across.
"""

from __future__ import annotations

from functools import lru_cache
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


def _unscaled_bent(aspect: float, bend: float, x: Array, z: Array) -> Array:
    """Speed at a unit pressure gradient over viscosity on the centre-line."""
    from scipy.special import ive, kve

    r, inner, outer = bend + x, bend - aspect, bend + aspect
    out = bend * (1 - z**2) / (2 * r)
    for b, c in zip(*_roots(), strict=True):
        # I1 over that at the outer wall, K1 over that at the inner: neither overflows.
        def growing(at: Any, b: float = b) -> Any:
            return ive(1, b * at) / ive(1, b * outer) * np.exp(b * (at - outer))

        def falling(at: Any, b: float = b) -> Any:
            return kve(1, b * at) / kve(1, b * inner) * np.exp(b * (inner - at))

        ends = [[growing(inner), 1.0], [1.0, falling(outer)]]
        g, f = np.linalg.solve(ends, [1 / inner, 1 / outer])
        out = out - c * bend * (g * growing(r) + f * falling(r)) * np.cos(b * z)
    return out


@lru_cache(maxsize=64)
def _largest_bent(aspect: float, bend: float) -> float:
    from scipy.optimize import minimize_scalar

    def slowness(x: float) -> float:
        return -float(_unscaled_bent(aspect, bend, np.array([x]), np.zeros(1))[0])

    return -float(
        minimize_scalar(slowness, bounds=(-aspect, aspect), method="bounded", options={"xatol": 1e-9}).fun
    )


def bent_speed(aspect: float, bend: float, x: Any, z: Any) -> Array:
    """Speed of a flow too slow for inertia in a bend, over the largest one.

    Args:
        aspect: Width over height.
        bend: Radius of the centre-line, half-heights, above ``aspect``.
        x: Places across, outward from the middle, shape (n,).
        z: Places along the height, shape (n,).
    """
    found = _unscaled_bent(aspect, bend, np.asarray(x, dtype=float), np.asarray(z, dtype=float))
    return found / _largest_bent(aspect, bend)
