"""Single cells in front of a slit: gate A alone, integrated instead of sampled, so that one in a million is resolved."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from chipsim.capture.laplace import slit_threshold_per_tension
from chipsim.capture.statistics import lognormal_sigma
from chipsim.cells import CellLine

# Diameters are integrated over this many standard deviations of their logarithm; what is beyond is below
# 1e-17.
_REACH, _POINTS = 8.5, 4001


def retained_singles(
    line: CellLine,
    width: float,
    pressure: float,
    *,
    tension: float | None = None,
    diameter_cv: float | None = None,
    tension_cv: float | None = None,
) -> float:
    """Fraction of single cells that stay in front of a slit.

    Args:
        line: The cells, or a mixture of cells. Red cells keep their area, not their tension: they have no
            threshold.
        width: Clear width of the slit, m.
        pressure: Across the plugged slit, Pa, above 0.
        tension: Overrides the line's median tension, N/m (not for mixtures).
        diameter_cv: Overrides the line's CV of diameter (not for mixtures).
        tension_cv: Overrides the CV of tension.

    Returns:
        The integral over the lognormal diameters of the chance that the tension is high enough.
    """
    from scipy.special import ndtr

    if line.kind == "red cell":
        return 0.0
    if line.parts:
        return sum(
            share * retained_singles(part, width, pressure, tension_cv=tension_cv)
            for share, part in line.parts
        )
    diameter = line.require("diameter")[0]
    tension = line.require("tension")[0] if tension is None else tension
    sd_size = lognormal_sigma(line.diameter_cv if diameter_cv is None else diameter_cv)
    sd_tension = max(lognormal_sigma(line.tension_cv if tension_cv is None else tension_cv), 1e-12)
    z = np.linspace(-_REACH, _REACH, _POINTS)
    threshold = tension * slit_threshold_per_tension(diameter * np.exp(sd_size * z), width)
    with np.errstate(divide="ignore"):
        enough = ndtr(np.log(threshold / pressure) / sd_tension)
    density = np.exp(-(z**2) / 2)
    return float(density @ enough / density.sum())


# It does not depend on the operation: points of a sweep share it.
@lru_cache(maxsize=64)
def half_pressure_singles(line: CellLine, width: float, **spreads: float | None) -> float | None:
    """Pressure above which fewer than half of the single cells are retained, Pa; None if they never are.

    Args:
        line: The cells, or a mixture.
        width: Clear width of the slit, m.
        spreads: What :func:`retained_singles` takes in place of the line's own numbers.
    """
    from scipy.optimize import brentq

    low, high = 1e-6, 1e6
    if retained_singles(line, width, low, **spreads) <= 0.5:
        return None

    def excess(logarithm: float) -> float:
        return retained_singles(line, width, float(np.exp(logarithm)), **spreads) - 0.5

    return float(np.exp(brentq(excess, np.log(low), np.log(high))))
