"""One section of a spiral at a strength of flow and a bend of one's choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geometries import DesignError
from geometries.mesh import UNIT
from geometries.spiral import Spiral

if TYPE_CHECKING:
    from chipsim.flow.section_result import SectionFlow


def section_flow(
    spiral: Any,
    *,
    dean_k: float | None = None,
    dean: float | None = None,
    eps: float | None = None,
    refine: float = 1.0,
    progress: Callable[[str], None] = lambda _: None,
) -> SectionFlow:
    """Solve the flow in one section of a spiral, in terms without units.

    Args:
        spiral: The device; of it only the section counts, and where no ``eps`` is given its radii.
        dean_k: K = eps (rho V X / mu)^2, V the largest speed in the straight duct at the same pressure gradient; or
        dean: Re (D_h / 2 R)^1/2, with the mean speed.
        eps: Half the (mean) height over the radius of the bend; 0 is the limit of a wide bend; None: the middle of the spiral's.
        refine: Divides the cell size.
        progress: Told in a sentence what is being done.

    Returns:
        Friction, axial maximum, secondary flow, wall shear, with the discretisation error; its field on the section's mesh.

    Raises:
        DesignError: The device is no spiral, not just one of ``dean_k`` and ``dean`` is given, or a number is outside what can be
            answered.
        SolverError: No converged solution.
    """
    if not isinstance(spiral, Spiral):
        raise DesignError(f"a {spiral.kind} has no bent section: this is for a {Spiral.kind}")
    from chipsim.flow.dean import solve_section
    from chipsim.flow.section_result import refuse
    from chipsim.flow.spiral import bends, section_outline

    if eps is None:
        along = bends(spiral)
        eps = along[len(along) // 2]
    refuse(eps, spiral.width / 2 / spiral.half_height, dean_k, dean)
    progress("solving Navier-Stokes flow in the section, and again on a second mesh")
    return solve_section(
        section_outline(spiral), spiral.half_height / UNIT, eps, dean_k=dean_k, dean=dean, refine=refine
    )
