"""Fluids: a name and a viscosity in, a Newtonian fluid with its warnings out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from geometries.quantities import DesignError, quantity

# Whole blood above 100 1/s, taken at 37 C; 3 % more for each degree below (read: bio-protocol 9762018;
# Harkness, Phillips).
BLOOD_VISCOSITY_37C = 4e-3  # Pa s
BLOOD_RISE_PER_DEGREE = 1.03

# Physiological buffer: temperature in C, viscosity in Pa s (recalled, not re-checked).
BUFFER_VISCOSITY = ((4.0, 1.57e-3), (22.0, 0.95e-3), (37.0, 0.69e-3))

_KELVIN = 273.15


@dataclass(frozen=True)
class Fluid:
    """A Newtonian fluid.

    Attributes:
        name: What it is called.
        viscosity: Pa s.
        warnings: What a result that uses it must carry.
        source: Where the viscosity comes from.
    """

    name: str
    viscosity: float
    warnings: tuple[str, ...] = ()
    source: str = "given"


def newtonian(viscosity: Any, name: str = "Newtonian fluid") -> Fluid:
    """A fluid of given viscosity.

    Args:
        viscosity: ``"4 mPa s"`` or Pa s.
        name: What to call it.
    """
    return Fluid(name, quantity(viscosity, "Pa s", "viscosity", "0.1 mPa s", "1 Pa s"))


def fluid(name: str, temperature: Any = "37 degC") -> Fluid:
    """A known fluid at a temperature.

    Args:
        name: ``"whole blood"`` or ``"buffer"``.
        temperature: ``"22 degC"`` or K.

    Raises:
        DesignError: Unknown name, or a temperature outside what the rule behind the viscosity covers.
    """
    make = {"whole blood": _whole_blood, "buffer": _buffer}.get(name)
    if make is None:
        raise DesignError(
            f'fluid = "{name}" is unknown; known fluids are whole blood and buffer, or give viscosity instead'
        )
    return make(quantity(temperature, "K", "temperature", *_RANGES[name]) - _KELVIN)


_RANGES = {"whole blood": ("4 degC", "42 degC"), "buffer": ("4 degC", "37 degC")}


def _whole_blood(celsius: float) -> Fluid:
    viscosity = BLOOD_VISCOSITY_37C * BLOOD_RISE_PER_DEGREE ** (37.0 - celsius)
    warnings = [
        "whole blood is treated as Newtonian: it thins with shear, and below about 100 1/s it is thicker than the "
        f"{viscosity * 1e3:.3g} mPa s used here"
    ]
    if celsius < 20.0:
        warnings.append(
            f"the viscosity of blood at {celsius:.3g} degC is extrapolated with 3 % per degree from 37 degC"
        )
    return Fluid(
        "whole blood", viscosity, tuple(warnings), "bio-protocol 9762018: 4 mPa s, 3 % per degree (read)"
    )


def _buffer(celsius: float) -> Fluid:
    """Straight lines in the logarithm of the viscosity between the three known temperatures."""
    temperatures, viscosities = zip(*BUFFER_VISCOSITY, strict=True)
    viscosity = math.exp(np.interp(celsius, temperatures, np.log(viscosities)))
    return Fluid(
        "buffer", viscosity, (), "0.69, 0.95, 1.57 mPa s at 37, 22, 4 degC (recalled, not re-checked)"
    )
