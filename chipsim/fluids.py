"""Fluids: a name and a viscosity in, a Newtonian fluid with its warnings out."""

from __future__ import annotations

import math
from collections.abc import Callable
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

# Water: read in the abstract of Kestin, Sokolov and Wakeham 1978 (J. Phys. Chem. Ref. Data 7, 941), the standard datum.
WATER_VISCOSITY_20C = 1.002e-3  # Pa s

# Blood diluted 1:10 in buffer, over water: 1 + 2.5 x 4.5 % of cells, and what plasma is left (derived: 1.1 to 1.2).
DILUTED_BLOOD_OVER_WATER = 1.15

_KELVIN = 273.15


@dataclass(frozen=True)
class Fluid:
    """A Newtonian fluid.

    Attributes:
        name: What it is called.
        viscosity: Pa s.
        warnings: What a result that uses it must carry.
        source: Where the viscosity comes from.
        blood_fraction: Share of it that is blood; None where only a viscosity is known.
    """

    name: str
    viscosity: float
    warnings: tuple[str, ...] = ()
    source: str = "given"
    blood_fraction: float | None = None


def newtonian(viscosity: Any, name: str = "Newtonian fluid") -> Fluid:
    """A fluid of given viscosity.

    Args:
        viscosity: ``"4 mPa s"`` or Pa s.
        name: What to call it.
    """
    return Fluid(name, quantity(viscosity, "Pa s", "viscosity", "0.1 mPa s", "1 Pa s"))


def fluid(name: str, temperature: Any = None) -> Fluid:
    """A known fluid at a temperature.

    Args:
        name: ``"whole blood"``, ``"diluted blood"`` (1:10 in buffer), ``"buffer"`` or ``"water"``.
        temperature: ``"22 degC"`` or K; left out: 37 degC, of diluted blood and water 20 degC.

    Raises:
        DesignError: Unknown name, or a temperature outside what the rule behind the viscosity covers.
    """
    if name not in _FLUIDS:
        known = ", ".join(list(_FLUIDS)[:-1]) + f" and {list(_FLUIDS)[-1]}"
        raise DesignError(f'fluid = "{name}" is unknown; known fluids are {known}, or give viscosity instead')
    make, usual, low, high = _FLUIDS[name]
    return make(
        quantity(usual if temperature is None else temperature, "K", "temperature", low, high) - _KELVIN
    )


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
        "whole blood",
        viscosity,
        tuple(warnings),
        "bio-protocol 9762018: 4 mPa s, 3 % per degree (read)",
        blood_fraction=1.0,
    )


def _buffer(celsius: float) -> Fluid:
    """Straight lines in the logarithm of the viscosity between the three known temperatures."""
    temperatures, viscosities = zip(*BUFFER_VISCOSITY, strict=True)
    viscosity = math.exp(np.interp(celsius, temperatures, np.log(viscosities)))
    return Fluid(
        "buffer",
        viscosity,
        (),
        "0.69, 0.95, 1.57 mPa s at 37, 22, 4 degC (recalled, not re-checked)",
        blood_fraction=0.0,
    )


def _water(celsius: float) -> Fluid:
    source = (
        "1.002 mPa s at 20 degC (read: Kestin 1978, abstract); over temperature by the rule of Korson, Drost-Hansen and Millero "
        "1969 (recalled, not re-checked)"
    )
    return Fluid("water", _water_viscosity(celsius), (), source, blood_fraction=0.0)


def _water_viscosity(celsius: float) -> float:
    below = 20.0 - celsius
    return WATER_VISCOSITY_20C * 10 ** ((1.1709 * below - 0.001827 * below**2) / (celsius + 89.93))


def _diluted_blood(celsius: float) -> Fluid:
    viscosity = DILUTED_BLOOD_OVER_WATER * _water_viscosity(celsius)
    warning = (
        f"diluted blood is 1:10 in buffer, and its viscosity of {viscosity * 1e3:.3g} mPa s is an assumption: "
        f"{DILUTED_BLOOD_OVER_WATER} times that of water (1.1 to 1.2 by the share of its cells)"
    )
    source = f"{DILUTED_BLOOD_OVER_WATER} times that of water (assumed: 1 + 2.5 x 4.5 % of cells, and diluted plasma)"
    return Fluid("diluted blood", viscosity, (warning,), source, blood_fraction=0.1)


# Name: rule over degrees Celsius, usual temperature, lowest and highest that the rule covers.
_FLUIDS: dict[str, tuple[Callable[[float], Fluid], str, str, str]] = {
    "whole blood": (_whole_blood, "37 degC", "4 degC", "42 degC"),
    "diluted blood": (_diluted_blood, "20 degC", "4 degC", "42 degC"),
    "buffer": (_buffer, "37 degC", "4 degC", "37 degC"),
    "water": (_water, "20 degC", "4 degC", "60 degC"),
}
