"""Where spheres stay in the section of a spiral's bend."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipsim.capture.spiral_cautions import about_bend
from chipsim.capture.spiral_setting import section_shape
from chipsim.flow.focusing import FocusingPoint, focusing_points
from chipsim.flow.lift_table import table_for
from chipsim.study.lift_tables import user_table
from geometries import DesignError
from geometries.spiral import Spiral


@dataclass(frozen=True)
class Equilibria:
    """Where a sphere stays.

    Attributes:
        alpha: Its diameter over the (mean) height.
        rbar: Twice the bend's radius over the height.
        bent: Whether the lift is that of the bend, or that of the straight duct.
        points: The places, stable ones first; off mid-height the image of each is another.
        warnings: What whoever reads them must know.
    """

    alpha: float
    rbar: float
    bent: bool
    points: tuple[FocusingPoint, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "alpha": self.alpha,
            "rbar": self.rbar,
            "lift": "bent" if self.bent else "straight",
            "points": [point.to_dict() for point in self.points],
            "warnings": list(self.warnings),
        }


def equilibria(
    spiral: Any,
    alpha: float,
    rbar: float | None = None,
    *,
    superposed: bool = False,
    table: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Equilibria:
    """All places in the section of a bend where a sphere neither drifts across nor along the height.

    To leading order in the Reynolds number they do not depend on the flow rate.

    Args:
        spiral: The device; of it only the section counts, and where no ``rbar`` is given its radii.
        alpha: The sphere's diameter over the (mean) height.
        rbar: Twice the bend's radius over the height; None: the middle of the spiral's.
        superposed: Lift of the straight duct, to which the drag of the bend's secondary flow is added.
        table: A file of lift of one's own; None: the table of the section.
        progress: Told in a sentence what is being done.

    Raises:
        DesignError: The device is no spiral, there is no table of lift, or a number is outside what can be answered.
        SolverError: No converged solution.
    """
    if not isinstance(spiral, Spiral):
        raise DesignError(f"a {spiral.kind} has no bent section: this is for a {Spiral.kind}")
    from chipsim.flow.spiral import bends
    from chipsim.flow.weak_flow import weak_flow

    shape = section_shape(spiral)
    if rbar is None:
        along = bends(spiral)
        rbar = 1 / along[len(along) // 2]
    if not 2 * shape.aspect < rbar < math.inf:
        raise DesignError(
            f"rbar = {rbar:g} is not above {2 * shape.aspect:.4g}, where the bend's radius would be the channel's width, and "
            "finite"
        )
    known = user_table(spiral, table) if table else table_for(shape.aspect, shape.taper)
    if superposed:
        known = known.straight()
    known.at(alpha)  # refused before anything is solved
    progress("solving the weak flow in the bend's section")
    flow = weak_flow(shape, 1 / rbar)
    progress("looking for the places")
    points = focusing_points(known, flow, alpha, 1 / rbar)
    bent = known.curvature > 0
    return Equilibria(alpha, rbar, bent, points, tuple(about_bend(1 / rbar, shape.aspect, bent)))
