r"""What floor and ceiling do to the depth-averaged flow: an effective viscosity and a drag, from the plane flow alone.

Write the velocity as U(x, y) f(z) / <f>, with <.> the mean over the depth h and a profile that is flat but for a layer of
thickness l on the floor and one on the ceiling (z from mid-depth)::

    f = 1 - cosh(z / l) / cosh(a),    a = h / (2 l)

Put into the minimum of dissipation, this leaves Stokes flow in the plane for the mean over the depth U, with::

    viscosity factor   m = <f^2> / <f>^2
    drag / viscosity   b = <f'^2> / <f>^2
    layer              l^2 = integral of |u|^2 / integral of |grad u|^2 = integral of |u|^2 / integral of u_x

The last line is what makes the dissipation least (Kantorovich's method); u is the plane flow under a unit pressure gradient
and without drag, in which the work of the gradient is the dissipation. (Taking U for u moves the resistance by less than
1e-5.) Limits: a shallow channel, a -> 0, gives m = 6/5 and b = 12 / h^2, Galerkin's method with the parabolic profile; a deep
one gives the plane flow less 2 l of the depth, for a straight slot of width w 2 w / sqrt(10) = 0.632 w where the exact series
of the rectangular duct has 192 w / pi^5 * (1 + 3^-5 + 5^-5 + ...) = 0.630 w.

In a straight duct this is within 0.12 % at any ratio of width to depth. Among pillars it is not as good, since this velocity
never leaves its plane, while real flow rises and sinks a little near the floor: the resistance comes out too high whatever the
geometry, by 0.1 to 1.3 % on the chips of ``depth.toml``. One constant, fitted on the 3-D cell, takes that off on the whole:
m - 1 and b are multiplied by 1 - ``relief`` * <f>, which keeps the limit of a shallow channel. What is left is in the table,
0.63 % at most. ``python -m chipsim.study.calibrate_depth --write`` refits it.

Speeds and shear of the solution are means over the depth. Against the same means of 3-D fields on the same plane mesh
(13 chips over the range): largest speed 0 to 0.4 % high, wall shear on the pillars low, its median by 0 to 2.4 %, its 95th
percentile by 0.3 to 2.4 %, its largest by 0.3 to 1.9 %. Floor and ceiling have no wall shear in this model.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chipsim.flow.field import Field
from geometries.cluster_chip import ClusterChip

CALIBRATION_FILE = Path(__file__).with_name("depth.toml")

#: Shapes that the closure was compared with 3-D on; Stokes flow knows no length but those of the chip, so only ratios count.
RANGE = {
    "gap / depth": (0.04, 0.4),
    "daughter_gap / gap": (0.75, 1.5),
    "side / gap": (2.125, 7.75),
    "fillet / gap": (0.0, 0.208),
    "apex_angle": (math.radians(42), math.radians(78)),
}

# Below this a the closed forms are differences of nearly equal numbers: their series are exact to 1e-9 there.
_SHALLOW = 0.05


@dataclass(frozen=True)
class DepthClosure:
    """A depth-averaged Stokes problem: viscosity * (-laplace U) + drag * U + grad p = force, div U = 0.

    Attributes:
        viscosity: Factor on the viscosity.
        drag: Drag over the (true) viscosity, 1/um2.
        mid_depth: Speed at mid-depth over the mean over the depth, as the one profile has it; the largest speed of the 3-D
            cell is met 0 to 5.4 % too high with it (13 chips over the range).
    """

    viscosity: float
    drag: float
    mid_depth: float


def floor_layer(plane: Field) -> float:
    """Thickness of the layer on the floor in which the flow comes up to speed, um.

    Args:
        plane: The plane Stokes flow without drag at unit viscosity under a unit body force along x, as it was solved.
    """
    square = float(plane.integrate(lambda x, u, p: np.einsum("ni,ni->n", u, u)))
    return math.sqrt(square / float(plane.velocity_integral[0]))


def depth_closure(layer: float, depth: float, relief: float | None = None) -> DepthClosure:
    """Effective viscosity and drag of a channel (formulas: see the module).

    Args:
        layer: Thickness of the floor layer, um.
        depth: Depth of the channel, um.
        relief: The fitted constant; None: the calibrated one. 0: none, an upper bound of the resistance.
    """
    relief = calibration()["relief"] if relief is None else relief
    a = depth / (2 * layer)
    if a < _SHALLOW:
        mean = a**2 / 3 - 2 * a**4 / 15
        square, slope, mid = 6 / 5 - 2 * a**2 / 175, (3 + a**4 / 175) / a**2, 3 / 2 - a**2 / 40
    else:
        t = math.tanh(a)
        mean, rest = 1 - t / a, (1 - t) * (1 + t)
        square = (1 - 3 * t / (2 * a) + rest / 2) / mean**2
        slope = (t / a - rest) / 2 / mean**2
        mid = (1 - math.sqrt(rest)) / mean
    share = 1 - relief * mean
    return DepthClosure(1 + share * (square - 1), share * slope / layer**2, mid)


def outside(chip: ClusterChip) -> list[str]:
    """In what a chip lies outside the shapes that the closure was compared with 3-D on; a sentence each, in a result."""
    values = {
        "gap / depth": chip.gap / chip.depth,
        "daughter_gap / gap": chip.daughter_gap / chip.gap,
        "side / gap": chip.side / chip.gap,
        "fillet / gap": chip.fillet / chip.gap,
        "apex_angle": chip.apex_angle,
    }
    out = []
    for name, value in values.items():
        low, high = RANGE[name]
        if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
            below = value < low
            limit, unit = low if below else high, 1.0
            if name == "apex_angle":
                unit = 180 / math.pi
            out.append(f"{name} = {value * unit:.3g} is {'below' if below else 'above'} {limit * unit:.3g}")
    return out


def stated_error(chip: ClusterChip) -> float | None:
    """Largest relative error of the resistance against 3-D on all chips of the calibration; None outside their range."""
    if outside(chip):
        return None
    return max(abs(point["error"]) for point in calibration()["points"])


@lru_cache(maxsize=1)
def calibration() -> dict[str, Any]:
    """The constant ``relief`` and the chips that it was fitted to and checked on, as ``depth.toml`` has them."""
    return tomllib.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
