"""Units and ranges at the border: strings such as ``"12 um"`` come in, SI floats go on.

Everything inside chipsim is an SI float. A value that a person wrote (in a TOML file, on the command line, in a
constructor) passes through here once; what is outside its physical range is refused in one sentence.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import pint
from pydantic import AfterValidator, BeforeValidator, ValidationError, ValidationInfo


class DesignError(ValueError):
    """A user's mistake, told in one sentence: what, value, limit, what to do."""


_NUMBER_AND_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*((?:1\s*/)?[^\d\s.].*)?")
# pint would work out "9**9**9 um" to the end.
_POWER_OF_A_NUMBER = re.compile(r"\d\s*(\*\*|\^)")


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:
    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


def quantity(
    value: Any, unit: str, field: str, low: str | float, high: str | float, *, open_low: bool = False
) -> float:
    """Turn a value from the border into an SI float.

    Args:
        value: A string with its unit (``"12 um"``) or an SI number.
        unit: The SI unit of the result (``"m"``, ``"Pa s"``); ``""`` for a pure number.
        field: The name used in the message.
        low: Smallest value allowed, as a string with unit or an SI float.
        high: Largest value allowed.
        open_low: Whether the smallest value itself is refused.

    Returns:
        The value in SI.

    Raises:
        DesignError: The value is not a number, has another dimension, or is outside the range.
    """
    if isinstance(value, str):
        value = " ".join(value.split())  # a message is one line
    # 14 digits: "100 um" and 1e-4 must be the same number after conversion.
    si = float(f"{_to_si(value, unit, field):.14g}")
    lo, hi = _to_si(low, unit, field), _to_si(high, unit, field)
    # One part in 1e12 of slack: "1 um" written as a limit and as a value must agree after conversion.
    slack = 1e-12 * max(abs(lo), abs(hi))
    shown = value if isinstance(value, str) else f"{si:g} {unit}".strip()
    if open_low and si <= lo:
        raise DesignError(f"{field} = {shown} must be above {_text(low, unit)}")
    if not math.isfinite(si) or si < lo - slack or si > hi + slack:
        raise DesignError(
            f"{field} = {shown} is outside {_text(low, unit)} to {_text(high, unit)}{_hint(si, unit, lo, hi)}"
        )
    return si


def _to_si(value: Any, unit: str, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise DesignError(
            f'{field} = {value!r} is not a value with a unit; write for instance {field} = "{_example(unit)}"'
        )
    if isinstance(value, (int, float)):
        # TOML's whole numbers have no end, floats have.
        return float(max(min(value, 10**300), -(10**300)) if isinstance(value, int) else value)
    return _parsed(value, unit, field)


# The points of a sweep say the same words again and again.
@lru_cache(maxsize=4096)
def _parsed(value: str, unit: str, field: str) -> float:
    if "," in value:  # pint would read "12,5 um" as 125 um
        raise DesignError(
            f'{field} = "{value}" has a comma; write decimals with a point, like "{_example(unit)}"'
        )
    parts = _NUMBER_AND_UNIT.fullmatch(value)
    try:
        if parts is None or _POWER_OF_A_NUMBER.search(parts[2] or "") or value.count("%") > 1:
            raise ValueError("not a number with a unit")
        # "10 /mL" is written so, but a unit must not begin with a slash.
        parsed: pint.Quantity = _registry().Quantity(float(parts[1]), re.sub(r"^/", "1/", parts[2] or ""))
    except Exception as error:  # pint raises many kinds, from its tokenizer up
        raise DesignError(
            f'{field} = "{value}" cannot be read as a number with a unit; write it like "{_example(unit)}"'
        ) from error
    if parsed.unitless and unit:
        raise DesignError(f'{field} = "{value}" has no unit; write it like "{_example(unit)}"')
    try:
        return float(parsed.to(unit or "dimensionless").magnitude)
    except pint.DimensionalityError as error:
        raise DesignError(
            f'{field} = "{value}" has the wrong unit ({parsed.units}); it must be convertible to {unit or "a pure number"}'
        ) from error
    except (TypeError, ValueError, ArithmeticError) as error:  # complex numbers, products of offset units
        raise DesignError(f'{field} = "{value}" is not a plain number with a unit') from error


_EXAMPLES = {
    "m": "12 um", "rad": "60 deg", "m^3/s": "2.5 mL/h", "Pa s": "4 mPa s", "m^3": "5 mL", "K": "22 degC", "1/m^3": "10 /mL",
    "1/m^2": "1e5 /cm^2", "N/m": "37 pN/um", "N": "5 nN", "Pa": "1 Pa", "s": "1 h", "": "0.12",
}  # fmt: skip


def _example(unit: str) -> str:
    return _EXAMPLES.get(unit, f"1 {unit}")


def _text(limit: str | float, unit: str) -> str:
    return limit if isinstance(limit, str) else f"{limit:g} {unit}".strip()


def _hint(si: float, unit: str, low: float, high: float) -> str:
    """Guess the slip behind a length such as ``12 m``: the micrometre forgotten."""
    if unit == "m" and low <= si * 1e-6 <= high:
        return f'; did you mean "{si:g} um"?'
    return ""


def show(value: float, unit: str, digits: int = 4) -> str:
    """Write an SI float with the unit people use for it, e.g. ``show(12e-6, "um")`` gives ``"12 um"``."""
    return f"{_registry().Quantity(value, _si_of(unit)).to(unit).magnitude:.{digits}g} {unit}"


@lru_cache(maxsize=64)
def _si_of(unit: str) -> Any:
    return _registry().Quantity(1.0, unit).to_base_units().units


@dataclass(frozen=True)
class Unit:
    """The SI unit of a field, kept beside its type."""

    symbol: str

    @property
    def suffix(self) -> str:
        """What follows a name in JSON: ``_m``, ``_pa_s``, ``_m3_per_s``; nothing for a pure number."""
        return _SUFFIXES[self.symbol]


_SUFFIXES = {
    "": "",
    "m": "_m",
    "rad": "_rad",
    "m^3/s": "_m3_per_s",
    "Pa s": "_pa_s",
    "m^3": "_m3",
    "K": "_k",
    "1/m^3": "_per_m3",
    "1/m^2": "_per_m2",
    "Pa": "_pa",
    "s": "_s",
}


def field_type(
    unit: str, low: str | float, high: str | float, *, open_low: bool = False, optional: bool = False
) -> Any:
    """A pydantic field type: an SI float that is read from a string with a unit and range-checked under its own name.

    With ``optional`` it may be None as well, to be filled in from other fields.
    """

    def read(value: Any, info: ValidationInfo) -> float | None:
        if value is None and optional:
            return None
        return quantity(value, unit, info.field_name or "value", low, high, open_low=open_low)

    return Annotated[float | None if optional else float, BeforeValidator(read), Unit(unit)]


def count_type(low: int, high: int) -> Any:
    """A pydantic field type: a whole number within a range."""

    def read(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool):
            raise DesignError(f"{info.field_name} = {str(value).lower()} is not a whole number")
        return value

    def check(value: int, info: ValidationInfo) -> int:
        if not low <= value <= high:
            shown = value if abs(value) < 10**9 else f"{float(max(min(value, 10**300), -(10**300))):.3g}"
            raise DesignError(f"{info.field_name} = {shown} is outside {low} to {high}")
        return value

    return Annotated[int, BeforeValidator(read), AfterValidator(check)]


def sentence(error: ValidationError, where: str = "") -> str:
    """The first problem of a pydantic error as one sentence.

    Args:
        error: What pydantic raised.
        where: The table it happened in, for instance ``"[device]"``.
    """
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    place = f" in {where}" if where else ""
    if first["type"] == "value_error":
        said = str(first["ctx"]["error"])
        return said if said.endswith("?") else said + place
    if first["type"] == "extra_forbidden":
        return f'unknown key "{name}"{place}'
    if first["type"] == "missing":
        return f'"{name}" is missing{place}'
    shown = "" if isinstance(first["input"], dict) else f" = {first['input']!r:.60}"
    message = first["msg"]
    return f"{name}{shown}{place}: {message[0].lower()}{message[1:]}"
