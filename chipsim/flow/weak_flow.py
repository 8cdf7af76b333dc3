"""The flow in a duct's section too weak for its own inertia (K -> 0), solved once and splined: it carries a lift table's spheres.

Lengths are in half-heights; the section is a rectangle or a trapezoid, both of whose slanted walls are alike
(:mod:`chipsim.flow.lift_shape`) unless another is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.dean import Section, section_mesh
from chipsim.flow.lift_shape import Shape
from geometries.outline import Outline
from geometries.section import rectangle_section, trapezoid_section

Array = NDArray[Any]

# Points of the splines' grid across one half-height.
_FINENESS = 40


def section_outline(shape: Shape, *, level: bool = False, half: bool = True) -> Outline:
    """The drawing of a section, a unit for each half-height.

    Args:
        shape: The section.
        level: Whether the floor of a trapezoid is level.
        half: Whether only what is above mid-height is drawn, where that is a mirror plane.
    """
    if shape.taper:
        low, high = 2 * (1 - shape.taper), 2 * (1 + shape.taper)
        return trapezoid_section(2 * shape.aspect, low, high, level=level, half=half)
    return rectangle_section(2 * shape.aspect, 2.0, half=half)


class WeakFlow:
    """Flow along a section and, where it bends, within it.

    Attributes:
        shape: The section.
        curvature: Half-height over the radius of the bend.
        level: Whether the floor is level, half of the mean height below z = 0, and the ceiling alone slants.
        straight_peak: Largest over mean speed in the straight duct.
    """

    def __init__(self, shape: Shape, curvature: float, level: bool = False) -> None:
        from scipy.interpolate import RectBivariateSpline

        self.shape, self.curvature, self.level = shape, curvature, level
        self.straight_peak = _straight_peak(shape, level)
        flow = _section(shape, level).solve(curvature, dean_k=0.0)
        # At the same part of the local half-height; a little inside, so that no point on a wall is missed.
        x = np.linspace(-shape.aspect, shape.aspect, round(2 * shape.aspect * _FINENESS) + 1)
        t = np.linspace(-1, 1, 2 * _FINENESS + 1)
        inside = 1 - 1e-9
        z = self._middle(x)[:, None] + shape.half_height(x)[:, None] * t * inside
        at = np.stack(np.broadcast_arrays(x[:, None] * inside, z), axis=-1)
        velocity, _ = flow.at(at.reshape(-1, 2))
        values = np.nan_to_num(velocity).T.reshape(3, len(x), len(t))
        self._splines = [RectBivariateSpline(x, t, component) for component in values]

    def _middle(self, x: Array) -> Array:
        """Half-way between floor and ceiling."""
        return self.shape.slope * x if self.level else 0 * x

    def speed(self, x: Array, z: Array) -> Array:
        """Along the duct over the straight duct's largest at the same flow rate, shape (n,), at places x and z, shape (n,)."""
        return self._at(2, x, z) / self.straight_peak

    def secondary(self, x: Array, z: Array) -> Array:
        """Within the section, in the unit of :class:`chipsim.flow.section_result.SectionFlow`, shape (n, 2)."""
        return np.column_stack([self._at(component, x, z) for component in (0, 1)])

    def _at(self, component: int, x: Array, z: Array) -> Array:
        x = np.asarray(x, dtype=float)
        part = np.clip((np.asarray(z, dtype=float) - self._middle(x)) / self.shape.half_height(x), -1, 1)
        return np.asarray(self._splines[component].ev(x, part))


@lru_cache(maxsize=4)
def _section(shape: Shape, level: bool) -> Section:
    return Section(section_mesh(section_outline(shape, level=level), 1.0), 1.0)


@lru_cache(maxsize=4)
def _straight_peak(shape: Shape, level: bool) -> float:
    return _section(shape, level).solve(0.0, dean_k=0.0).peak_speed


@lru_cache(maxsize=8)
def weak_flow(shape: Shape, curvature: float = 0.0, *, level: bool = False) -> WeakFlow:
    """The flow of a section and a bend, solved once in each process."""
    return WeakFlow(shape, curvature, level)
