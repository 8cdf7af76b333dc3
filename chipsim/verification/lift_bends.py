"""Where a sphere stays in a bent rectangular duct, by Newton's method on solves, beside published tables of lift.

To leading order in the Reynolds number (:mod:`chipsim.flow.focusing`), with the lift of the bend, and with that of the straight
duct to which the bend's secondary flow is added: how far the second errs is why a table has bent places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.lift import solve_position, tabulated
from chipsim.flow.lift_shape import Shape
from chipsim.flow.weak_flow import weak_flow
from chipsim.verification.check import Check

Array = NDArray[np.float64]

_TABLES = "Harding, Stokes and Bertozzi, J. Fluid Mech. 875, 1 (2019), tables of ILFHC"

#: Stable places (across, outward; along the height) by aspect ratio, alpha and radius of the bend over half the height.
STABLE = {
    (1, 0.10, 40): (-0.117, 0.442), (1, 0.15, 160): (-0.545, 0.0), (1, 0.20, 40): (-0.389, 0.269),
    (2, 0.05, 160): (-0.278, 0.435), (2, 0.10, 160): (-1.001, 0.439), (2, 0.20, 40): (-0.956, 0.442),
    (4, 0.05, 160): (-1.894, 0.434), (4, 0.10, 80): (-2.543, 0.438), (4, 0.10, 160): (-2.944, 0.445),
    (4, 0.15, 80): (-2.966, 0.455), (4, 0.20, 160): (-1.753, 0.505),
}  # fmt: skip
#: A duct and a size without a stable place: where it would stay, and the larger real part of the rates there over the larger
#: rate; it turns about the one place for hundreds of turns, and leaves the other.
NOWHERE = (1, 0.05, 160)
LEAVES = {(-0.079, 0.444): 0.006, (0.799, 0.0): 0.429}

# Distance of the places that give the first slopes, half-heights, and how many more are solved.
_STEP, _STEPS = 0.05, 3
# Where the straight duct's lift may be used: radius of the bend over half the height, and size.
_LEAST_RADIUS, _LARGEST = 80, 0.15


def equilibria() -> Iterator[Check]:
    """Stable places in bends, and a sphere that has none."""
    for (aspect, alpha, radius), wanted in STABLE.items():
        name = f"sphere in a duct {aspect} to 1, alpha {alpha:g}, bent around {radius} half-heights"
        for bent in (True, False):
            found = _zero(_velocity(Shape(aspect), alpha, 1 / radius, bent), np.array(wanted))
            apart = float(np.abs(found - wanted).max())
            limit = 0.05 if bent else 0.10 if radius >= _LEAST_RADIUS and alpha <= _LARGEST else math.inf
            lift = "lift of the bend" if bent else "lift of the straight duct, drag of the bend added"
            what = f"stable place with the {lift}, across (error: the larger one, half-heights)"
            yield Check(name, _TABLES, what, wanted[0], float(found[0]), apart, limit)
    aspect, alpha, radius = NOWHERE
    name = f"sphere in a duct {aspect} to 1, alpha {alpha:g}, bent around {radius} half-heights"
    velocity = _velocity(Shape(aspect), alpha, 1 / radius, True)
    for start, wanted_growth in LEAVES.items():
        place = _zero(velocity, np.array(start))
        rates = np.linalg.eigvals(_slopes(velocity, place))
        growth = float(rates.real.max() / np.abs(rates).max())
        what = f"growth over the largest rate at ({place[0]:.3f}, {place[1]:.3f}) (error: absolute)"
        yield Check(name, _TABLES, what, wanted_growth, growth, abs(growth - wanted_growth), 0.03)


def _velocity(shape: Shape, alpha: float, curvature: float, bent: bool) -> Callable[[Array], Array]:
    """Of a sphere across the section, over Re_X U_m, as a function of its place."""
    section, secondary = tabulated(shape, curvature if bent else 0.0)
    flow = weak_flow(shape, curvature)

    def at(place: Array) -> Array:
        x, z = (float(q) for q in place)
        solved = solve_position(section, alpha, (x, z), secondary=secondary)
        carried = flow.secondary(np.array([x]), np.array([z]))[0] + np.array(solved.slip)
        return np.asarray(
            alpha**3 / (24 * math.pi) * np.array(solved.drift) + curvature / flow.straight_peak**2 * carried
        )

    return at


def _zero(velocity: Callable[[Array], Array], start: Array) -> Array:
    """The zero near a place, by Broyden's method from differences; from a place on mid-height only across is sought."""
    free = [0] if start[1] == 0 else [0, 1]
    place, value = start.copy(), velocity(start)[free]
    slopes = np.column_stack([(velocity(start + _STEP * np.eye(2)[k])[free] - value) / _STEP for k in free])
    for _ in range(_STEPS):
        step = np.linalg.solve(slopes, -value)
        place[free] += step
        last, value = value, velocity(place)[free]
        slopes += np.outer(value - last - slopes @ step, step) / (step @ step)
    return place


def _slopes(velocity: Callable[[Array], Array], place: Array) -> Array:
    """Of the velocity at a place, by central differences, shape (2, 2)."""
    steps = _STEP * np.eye(2)
    return np.column_stack([(velocity(place + s) - velocity(place - s)) / (2 * _STEP) for s in steps])
