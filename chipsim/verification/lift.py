"""Inertial lift and motion of a sphere carried along a duct, beside published tables and independent elements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from chipsim.flow.lift import rectangular, solve_position
from chipsim.flow.lift_point import LiftPoint
from chipsim.verification.bodies import DUCT, DUCT_SOURCE
from chipsim.verification.check import Check, compare, small

Places: TypeAlias = Mapping[tuple[float, float], tuple[float | None, float | None]]

_TABLES = "Harding, Stokes and Bertozzi, J. Fluid Mech. 875, 1 (2019), tables of ILFHC, part odd in r at R = 640 H/2"
_BENT_TABLES = "Harding, Stokes and Bertozzi, J. Fluid Mech. 875, 1 (2019), tables of ILFHC at R = 160 H/2"
_PARITY = "symmetry of the duct"

#: Root mean square of the lift over the section that those tables cover, by aspect ratio and alpha.
RMS = {
    (1, 0.05): 9.465, (1, 0.1): 7.996, (1, 0.2): 5.136, (2, 0.05): 7.242, (2, 0.1): 6.312, (4, 0.05): 7.706,
    (4, 0.1): 6.689,
}  # fmt: skip

#: Lift (across, along the height) by (aspect ratio, alpha) and place; None where the duct's symmetry makes it zero.
LIFT = {
    (2, 0.05): {
        (0.3125, 0.0): (0.5455, None),
        (0.0, 0.3125): (None, 4.574),
        (1.0, 0.0): (2.062, None),
        (1.0, 0.5): (-0.4887, 2.329),
    },
    (2, 0.1): {
        (0.3125, 0.0): (0.5075, None),
        (0.0, 0.3125): (None, 3.919),
        (1.0, 0.0): (1.841, None),
        (1.0, 0.5): (-0.5679, 1.522),
    },
}

#: Lift in a bend whose centre-line has a radius of 160 half-heights, by place: twice as wide as high, alpha 0.1. (In tighter
#: bends the tables differ by volume x speed^2 x / bend^2, of the second order in the curvature: with a centripetal force that
#: would leave a sphere in fluid that turns like a solid with a lift.)
BENT = {(1.0, 0.5): (-0.5959, 1.4882), (-1.0, 0.5): (0.5350, 1.5551), (0.0, 0.0): (0.0761, None)}
_BEND = 160.0

#: Speed in the middle over the largest one, by (aspect ratio, alpha).
SPEED = {
    (1, 0.05): 0.99859, (1, 0.1): 0.99434, (1, 0.2): 0.97741, (2, 0.05): 0.99909, (2, 0.1): 0.99634,
    (4, 0.05): 0.99916, (4, 0.1): 0.99665,
}  # fmt: skip

#: Where the lift is zero on the axes: (along the height, across), half-heights, by (aspect ratio, alpha).
EQUILIBRIA = {
    (1, 0.05): (0.655, 0.655), (1, 0.1): (0.619, 0.619), (1, 0.2): (0.569, 0.569),
    (2, 0.05): (0.599, 1.581), (2, 0.1): (0.564, 1.533), (2, 0.2): (0.516, 1.454),
    (4, 0.05): (0.587, 3.575), (4, 0.1): (0.553, 3.524), (4, 0.2): (0.504, 3.440),
}  # fmt: skip


def positions() -> Iterator[Check]:
    """A small sphere in a duct twice as wide as high."""
    yield from _lifts(2, 0.05, LIFT[2, 0.05])
    yield from _middle(2, 0.05)


def more() -> Iterator[Check]:
    """Other sections and sizes, a bend, the duct's symmetry, and the places where a sphere stays."""
    yield from _lifts(2, 0.1, LIFT[2, 0.1])
    yield from _lifts(2, 0.1, BENT, _BEND)
    for aspect, alpha in SPEED:
        if (aspect, alpha) != (2, 0.05):
            yield from _middle(aspect, alpha)
    yield from _mirrored()
    for aspect, alpha in EQUILIBRIA:
        yield from _equilibria(aspect, alpha)


def _name(aspect: float, alpha: float) -> str:
    return f"sphere in a duct {aspect:g} to 1, alpha {alpha:g}"


def _solve(aspect: float, alpha: float, x: float, z: float, bend: float = math.inf) -> LiftPoint:
    return solve_position(rectangular(aspect, bend), alpha, (x, z))


def _lifts(aspect: int, alpha: float, places: Places, bend: float = math.inf) -> Iterator[Check]:
    rms, bent = RMS[aspect, alpha], "" if math.isinf(bend) else f", bent around {bend:g} half-heights"
    for (x, z), expected in places.items():
        found = _solve(aspect, alpha, x, z, bend)
        name = f"{_name(aspect, alpha)}{bent}, at ({x:g}, {z:g})"
        for what, lift, wanted in zip(("across", "along the height"), found.lift, expected, strict=True):
            if wanted is None:
                yield small(name, _PARITY, f"lift {what} over that of the section (rms)", lift / rms, 1e-3)
            else:
                error = abs(lift - wanted) / rms
                source = _BENT_TABLES if bent else _TABLES
                yield Check(
                    name, source, f"lift {what}, error over the section's rms", wanted, lift, error, 0.01
                )


def _middle(aspect: int, alpha: float) -> Iterator[Check]:
    """In the middle: speed and drag, and no lift."""
    found, name = _solve(aspect, alpha, 0.0, 0.0), f"{_name(aspect, alpha)}, in the middle"
    yield compare(name, DUCT_SOURCE, "speed over the largest", SPEED[aspect, alpha], found.speed, 1e-3)
    for along, drag in zip("rz", found.drag, strict=True):
        if (aspect, alpha, along) in DUCT:
            what = "across" if along == "r" else "along the height"
            yield compare(name, DUCT_SOURCE, f"drag {what}", DUCT[aspect, alpha, along], drag, 3e-3)
    largest = max(np.abs(found.lift)) / RMS[aspect, alpha]
    yield small(name, _PARITY, "lift over that of the section (rms)", largest, 1e-3)


def _mirrored() -> Iterator[Check]:
    """The same place behind both mirror planes of the section, and in the duct that stands upright."""
    rms, (x, z) = RMS[2, 0.1], (1.0, 0.5)
    one, other = (np.array(_solve(2, 0.1, sign * x, sign * z).lift) for sign in (1, -1))
    name = f"{_name(2, 0.1)}, at ({x:g}, {z:g})"
    worst = np.abs(one + other).max() / rms
    yield small(name, _PARITY, "lift and that at the opposite place, sum over rms", worst, 5e-3)
    # In a duct half as wide as high lengths are over twice the height: alpha and places halve, forces do not.
    upright = np.array(_solve(0.5, 0.05, z / 2, x / 2).lift)[::-1] / 4
    worst = np.abs(one - upright).max() / rms
    yield small(name, _PARITY, "lift less that in the upright duct, over rms", worst, 1e-2)


def _equilibria(aspect: int, alpha: float) -> Iterator[Check]:
    """Between two places on an axis 0.03 apart the lift is as good as linear."""
    for axis, wanted in ((1, EQUILIBRIA[aspect, alpha][0]), (0, EQUILIBRIA[aspect, alpha][1])):
        if aspect == 1 and axis == 0:
            continue
        places = np.array([wanted - 0.015, wanted + 0.015])
        at = [(p, 0.0) if axis == 0 else (0.0, p) for p in places]
        first, last = (_solve(aspect, alpha, *place).lift[axis] for place in at)
        found = places[0] + first / (first - last) * 0.03
        what = (
            f"zero of the lift on the {'axis across' if axis == 0 else 'axis along the height'}, half-heights"
        )
        yield Check(_name(aspect, alpha), _TABLES, what, wanted, found, abs(found - wanted), 0.01)
