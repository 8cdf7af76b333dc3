"""How long a cell takes through a pore: it flows like a liquid of its apparent viscosity (Coumans 2013, PLoS ONE 8:e61774).

    time = impulse / pressure        impulse = volume x apparent viscosity x (resistance / viscosity of the pore)

Pressure may change meanwhile: the cell is through when the pressure's integral over time has reached its impulse. The apparent
viscosity is calibrated on one published transit, below; that of other cells follows by published ratios.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from chipsim.flow.pore_formulas import round_resistance

# Read in the abstract: cells of MDA-MB-231, 15 um, pass pores of 5 um at 10 mbar in 1 h.
_DIAMETER, _PORE, _PRESSURE, _TIME = 15e-6, 5e-6, 1000.0, 3600.0
# Assumed: the usual thickness of a track-etched membrane of 5 um pores; 12 um would make the viscosity 12 % less.
_THICKNESS = 10e-6

#: Apparent viscosity of each kind of cell over that of MDA-MB-231 (read, same abstract: 5e4 : 1e2 : 1).
CALIBRATED = {"tumour": 1.0, "leukocyte": 1e2 / 5e4, "red cell": 1 / 5e4}
#: How far an apparent viscosity may lie off, as a factor: assumed.
VISCOSITY_BAND = 2.0


def impulse(diameter: ArrayLike, apparent_viscosity: ArrayLike, unit_resistance: ArrayLike) -> np.ndarray:
    """Integral of the pressure over time that a cell needs to pass a pore, Pa s; broadcasts.

    Args:
        diameter: Of the free cell, m.
        apparent_viscosity: Pa s.
        unit_resistance: Of the pore, over viscosity, 1/m3.
    """
    volume = math.pi / 6 * np.asarray(diameter, float) ** 3
    return volume * np.asarray(apparent_viscosity, float) * np.asarray(unit_resistance, float)


def calibrated_viscosity(kind: str = "tumour") -> float:
    """The apparent viscosity that the published transit gives a kind of cell, Pa s; ``chipsim/cells/lines.toml`` stores it."""
    radius = _PORE / 2
    unit = float(round_resistance(_THICKNESS / radius)) / radius**3
    return CALIBRATED[kind] * _TIME * _PRESSURE / float(impulse(_DIAMETER, 1.0, unit))
