"""Resistance of a pore by formula, for sweeps and checks: entrance and bore, any opening of :class:`geometries.PoreFilter`.

    R = viscosity (thin x (decline - (1 - array)) + bore x length)

``thin`` is the opening in a wall without thickness, ``decline`` what a bore leaves of that, ``array`` what neighbours leave.
Entrance and bore add almost: an entrance to a long bore resists 1.5 % (slit 1.9 %) less than half of an opening in a wall
without thickness does. The formula without that (Dagan, Weinbaum and Pfeffer, J. Fluid Mech. 115, 505, 1982) is up to 0.85 % too
high.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from geometries.pore_filter import PoreFilter

#: Sampson 1891: R a^3 / viscosity of a round opening in a wall without thickness (exact).
SAMPSON = 3.0
#: What of it is left before a bore of two radii and more, and how soon: chosen on the values that
#: ``chipsim/verification/pores.py`` compares it with, at 0.1 to 10 radii.
_LONG_ROUND, _SOON_ROUND = 2.9560, 3.2
#: Hasimoto 1958 (recalled; derived from the hypersingular integral): R w^2 / viscosity per length of a slit in a wall without
#: thickness; and the same two numbers, over the slit's width, chosen on the values that the verification compares it with at
#: 0.25 to 2.5 widths; and how much less the entrance of a square loses to a long bore (solves in space).
SLIT = 32 / math.pi
_LONG_SLIT, _SOON_SLIT, _SQUARE = 9.991, 6.1, 0.01


def array_factor(coverage: float, placement: str) -> float:
    """What neighbours leave of the entrance resistance of a round pore: each adds its far pressure to the drive.

    That pressure is 2 viscosity flow / (pi distance^3) whatever the opening, so rectangles take it from their lattice.

    Square lattice: Tio and Sadhal 1994 (recalled, as quoted by Jensen, Valente and Stone, Phys. Fluids 26, 052004, 2014; first
    coefficient derived); hexagonal: first coefficient only (derived); random: 2 / (3 pi) of the coverage (derived, pores as
    points that do not overlap).

    Args:
        coverage: Area of the pores over that of the membrane.
        placement: ``"square"``, ``"hexagonal"`` or ``"poisson"``.
    """
    if placement == "poisson":
        return 1 - 2 / (3 * math.pi) * coverage
    if placement == "hexagonal":
        return 1 - 0.3389 * coverage**1.5
    return 1 - 0.3443 * coverage**1.5 - 0.111 * coverage**2.5 - 0.066 * coverage**3.5


def round_resistance(thickness_over_radius: ArrayLike) -> NDArray[np.float64]:
    """R a^3 / viscosity of a round pore alone, by its thickness over its radius."""
    x = np.asarray(thickness_over_radius, float)
    return SAMPSON * _decline(x, _LONG_ROUND / SAMPSON, _SOON_ROUND) + 8 * x / math.pi


def slit_resistance(thickness_over_width: ArrayLike) -> NDArray[np.float64]:
    """R w^2 / viscosity per length of an endless slit, by its thickness over its width."""
    x = np.asarray(thickness_over_width, float)
    return SLIT * _decline(x, _LONG_SLIT / SLIT, _SOON_SLIT) + 12 * x


def _decline(x: NDArray[np.float64], long: float, soon: float) -> NDArray[np.float64]:
    return long + (1 - long) * np.exp(-soon * x)


def rectangle_bore(width: float, length: float) -> float:
    """Pressure drop over viscosity, flow rate and distance in a rectangular duct, 1/m4 (White, Viscous Fluid Flow, 3-48)."""
    w, b = min(width, length), max(width, length)
    n = np.arange(1, 100, 2)
    series = float(np.sum(np.tanh(n * math.pi * b / (2 * w)) / n**5))
    return 12 / (b * w**3 * (1 - 192 / math.pi**5 * w / b * series))


def rectangle_thin(width: float, length: float) -> float:
    """R / viscosity of a rectangular opening in a wall without thickness, 1/m3.

    The endless slit's, and what the ends add: a polynomial in width over length, fitted to solves in space at aspect ratios of
    1 to 10 (``chipsim verify --only rectangles``).
    """
    w, b = min(width, length), max(width, length)
    s = w / b
    return SLIT * (1 + 0.545 * s + 0.2 * s**2 - 0.02 * s**3) / (b * w**2)


def unit_resistance(
    membrane: PoreFilter,
    scale: ArrayLike = 1.0,
    slant: ArrayLike = 1.0,
    *,
    array: bool = False,
    share: ArrayLike = 1.0,
    rim_share: ArrayLike = 1.0,
) -> Any:
    """Resistance over viscosity of pores of a membrane, 1/m3; broadcasts.

    Pores that overlap carry more than their shares of the opening: a wide opening is not held up by a wall amid it. With the
    hydraulic radius, an entrance carries as area^2 / perimeter, a bore as area^3 / perimeter^2.

    Args:
        membrane: The device.
        scale: Size of each pore over the nominal one.
        slant: Length of each bore over the thickness.
        array: Whether among the other pores of the membrane, or alone.
        share: Area of the opening that a pore is part of, over the sum of its pores' areas.
        rim_share: The same of the perimeters.
    """
    s, slant = np.asarray(scale, float), np.asarray(slant, float)
    area, rim = np.asarray(share, float), np.asarray(rim_share, float)
    length = membrane.thickness * slant
    if membrane.pore == "round":
        a = membrane.size / 2
        thin, bore, width = SAMPSON / a**3, 8 / (math.pi * a**4), a
        decline = _decline(length / (s * width), _LONG_ROUND / SAMPSON, _SOON_ROUND)
    else:
        w, b = membrane.opening
        thin, bore, width = rectangle_thin(w, b), rectangle_bore(w, b), w
        # A square's entrance loses less to a long bore than a slit's.
        decline = _decline(length / (s * width), _LONG_SLIT / SLIT + _SQUARE * w / b, _SOON_SLIT)
    less = _neighbours(membrane, thin) if array else 0.0
    slanted_thin, slanted = _slanted(slant, membrane.thickness / (s * width))
    entrance = thin / s**3 * (decline * slanted - less * slanted_thin) * rim / area**2
    return entrance + bore / s**4 * length * rim**2 / area**3


def _slanted(
    slant: NDArray[np.float64], thickness: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a slant leaves of the entrance resistance of a round pore without thickness, and by the thickness over its radius.

    The opening is a wider ellipse, without thickness 2 / pi E(sin^2) cos of what the circle resists (Hasimoto 1958, recalled: the
    volume of an elliptical crack); and the way through a bore cuts corners, which can save more than the entrance resists. Fitted
    to solves in space at 0 to 60 degrees and 0.1 to 5 radii: within 1.5 % of the whole resistance, 3.5 % at 60 degrees and one
    radius; at 70 degrees it is up to 30 % high.
    """
    from scipy.special import ellipe

    cos, over = 1 / slant, slant - 1
    thin = 2 / math.pi * ellipe(1 - cos**2) * cos
    long = 1 - 1.6 * over - 0.4 * over / (1 + 4 * over)
    upright = np.asarray(thickness, float) * cos
    return thin, long + (thin - long) * np.exp(-upright * (2.5 + 2.5 * upright))


def placed_resistances(membrane: PoreFilter) -> NDArray[np.float64]:
    """Resistance over viscosity of every pore of the spot as placed, 1/m3, shape (N,): its size, slant, and neighbours."""
    pores = membrane.pores()
    found = unit_resistance(
        membrane,
        pores.scale,
        1 / np.cos(pores.tilt),
        array=True,
        share=pores.share,
        rim_share=pores.rim_share,
    )
    return np.asarray(found)


def _neighbours(membrane: PoreFilter, thin: float) -> float:
    """What neighbours take off the entrance resistance, over that of the opening in a thin wall, ``thin`` (1/m3)."""
    if membrane.pore == "round" or membrane.placement != "square":
        return 1 - array_factor(membrane.nominal_coverage, membrane.placement)
    return 2 / math.pi * _lattice_sum(*membrane.pitches) / thin


@lru_cache(maxsize=64)
def _lattice_sum(along: float, across: float) -> float:
    """Sum of distance^-3 over a rectangular lattice, 1/m3: nearer than 100 pitches one by one, the rest as an integral."""
    reach = 100 * max(along, across)
    columns, rows = math.ceil(reach / along), math.ceil(reach / across)
    x, y = np.meshgrid(along * np.arange(-columns, columns + 1), across * np.arange(-rows, rows + 1))
    distance = np.hypot(x, y)
    near = distance[(distance > 0) & (distance < reach)]
    return float(np.sum(near**-3.0)) + 2 * math.pi / (along * across * reach)
