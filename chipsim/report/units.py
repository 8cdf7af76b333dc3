"""How numbers are written for people: the units of the laboratory, no more digits than are meant."""

from __future__ import annotations

import math

#: What one of each unit is in SI.
SCALES = {
    "µm": 1e-6, "mm": 1e-3, "°": math.pi / 180, "µm/s": 1e-6, "mL/h": 1e-6 / 3600, "mL": 1e-6, "/mL": 1e6,
    "mPa s": 1e-3, "Pa": 1.0, "mPa": 1e-3, "kPa": 1e3, "dyn/cm²": 0.1, "nN": 1e-9, "pN/µm": 1e-6, "1/s": 1.0,
    "1/µm²": 1e12, "Pa/(mL/h)": 3600e6, "mL/min": 1e-6 / 60, "µL/min": 1e-9 / 60, "µL": 1e-9,
    "nL/s": 1e-12, "m/s": 1.0, "mm/s": 1e-3,
    "Pa s": 1.0, "Pa s/m³": 1.0, "/cm²": 1e4, "µs": 1e-6, "ms": 1e-3, "fL": 1e-18, "s": 1.0, "min": 60.0,
    "h": 3600.0,
}  # fmt: skip

NONE = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits; no exponent between 0.0001 and a million; a dash for None."""
    if value is None:
        return NONE
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 6:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}×10{str(int(power)).translate(_SUPERSCRIPT)}"
    text = f"{value:.{max(0, digits - 1 - size)}f}"
    return _trimmed(text)


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def say(value: float | None, unit: str, digits: int = 3) -> str:
    """An SI value in a unit of :data:`SCALES`, with it: ``say(12e-6, "µm")`` gives ``"12 µm"``."""
    if value is None:
        return NONE
    space = "" if unit == "°" else " "
    return f"{number(value / SCALES[unit], digits)}{space}{unit}"


def percent(fraction: float | None) -> str:
    """A fraction in percent, with enough digits to tell it from none and from all: ``"99.83 %"``."""
    return NONE if fraction is None else f"{_percent(fraction)} %"


def percent_span(span: tuple[float, float] | None) -> str:
    """A range of fractions in percent: ``"40.5–41.9 %"``."""
    if span is None:
        return NONE
    low, high = (_percent(x, 4) for x in span)
    between = " to " if {low[0], high[0]} & {"<", ">"} else "–"
    return f"{low} %" if low == high else f"{low}{between}{high} %"


def _percent(fraction: float, most: int = 6) -> str:
    rare = min(fraction, 1 - fraction) * 100
    if rare <= 0:
        return "0" if fraction <= 0 else "100"
    if rare < 10.0**-most:
        least = 10.0**-most
        return f"< {least:.{most}f}" if fraction < 0.5 else f"> {100 - least:.{most}f}"
    decimals = min(most, max(1, 1 - math.floor(math.log10(rare))))
    return _trimmed(f"{100 * fraction:.{decimals}f}")


def duration(seconds: float | None) -> str:
    """A time as people say it: ``"2 h"``, ``"1 h 20 min"``, ``"40 s"``."""
    if seconds is None:
        return NONE
    if seconds < 120:
        return f"{number(seconds, 2)} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{number(seconds / 86400, 2)} days"
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part
    )


def pascals(value: float | None, digits: int = 3) -> str:
    """A pressure or stress in Pa, in mPa where it is small, in kPa where it is large."""
    size = 1.0 if value is None else abs(value)
    return say(value, "mPa" if size < 0.1 else "kPa" if size >= 1e4 else "Pa", digits)


def flow_rate(value: float, digits: int = 3) -> str:
    """A flow rate in mL/min, in µL/min where it is small."""
    return say(value, "mL/min" if value >= 0.01 * SCALES["mL/min"] else "µL/min", digits)


def volume(value: float) -> str:
    """A volume in mL, in µL where it is small."""
    return say(value, "mL" if value >= 0.01 * SCALES["mL"] else "µL")


def speed_unit(value: float) -> str:
    """The unit of a speed of that size, m/s."""
    return next((unit for unit in ("m/s", "mm/s") if value >= 0.1 * SCALES[unit]), "µm/s")


def speed(value: float) -> str:
    """A speed in the unit of its size."""
    return say(value, speed_unit(value))


def brief(seconds: float) -> str:
    """A time that may be much below a second: ``"84.4 µs"``."""
    if seconds == 0 or seconds >= 0.1:
        return duration(seconds)
    return say(seconds, "µs" if seconds < 1e-3 else "ms")
