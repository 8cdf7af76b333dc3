"""Flow through a spiral: Dean flow in its section at as many bends as it needs (needs DOLFINx).

The flow depends on its rate, so a solve belongs to one Reynolds number. The bend changes slowly along an Archimedean spiral: the
flow is developed everywhere but in the first half millimetre.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from mpi4py import MPI

from chipsim.flow.dean import Section, section_error, section_mesh
from chipsim.flow.ranks import shared
from chipsim.flow.section_result import SectionFlow
from chipsim.flow.spiral_result import SpiralCell, dean_number, refuse_unsteady
from chipsim.flow.timing import Clock
from geometries.mesh import UNIT
from geometries.outline import Outline
from geometries.section import rectangle_section, trapezoid_section
from geometries.spiral import Spiral

#: Bends at which the section is solved: between them numbers and velocities are nearly linear.
BENDS = 5

Progress = Callable[[str], None]


def section_outline(spiral: Spiral) -> Outline:
    """The section's drawing: of a rectangle the upper half; of a trapezoid, whose ceiling alone slopes, all of it."""
    inner, outer = (height / UNIT for height in spiral.heights)
    if inner == outer:
        return rectangle_section(spiral.width / UNIT, inner)
    return trapezoid_section(spiral.width / UNIT, inner, outer, level=True)


def solve_cell(
    spiral: Spiral, model: str, operation: Any, *, refine: float = 1.0, progress: Progress = lambda _: None
) -> SpiralCell:
    """Solve the section at several bends (on the first MPI rank; the others wait for its numbers).

    Args:
        spiral: The device.
        model: ``"section"``.
        operation: With ``flow_rate`` (m3/s) and ``viscosity`` (Pa s).
        refine: Divides the cell size.
        progress: Told in a sentence what is being done.

    Raises:
        DesignError: A flow beyond one steady pair of vortices.
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    refuse_unsteady(spiral, operation)
    clock, cell = Clock(), None
    if MPI.COMM_WORLD.rank == 0:
        cell = _solved(spiral, model, operation, refine, progress, clock)
    return shared(cell, clock, {})


def _solved(
    spiral: Spiral, model: str, operation: Any, refine: float, progress: Progress, clock: Clock
) -> SpiralCell:
    outline = section_outline(spiral)
    half_height = spiral.half_height / UNIT
    progress("meshing the section")
    mesh = section_mesh(outline, half_height, refine)
    clock.read("meshing")
    section = Section(mesh, half_height, refine)
    flows: list[SectionFlow] = []
    along = bends(spiral)
    for number, bend in enumerate(along, start=1):
        progress(f"solving Navier-Stokes flow in bend {number} of {len(along)} on {len(mesh.cells)} cells")
        flows.append(section.solve(bend, dean=dean_number(spiral, operation, spiral.half_height / bend)))
    straight = section.solve(0.0, dean_k=0.0)
    clock.read("flow")
    progress("solving on a second mesh for the discretisation error")
    middle = flows[len(flows) // 2]
    error = section_error(
        outline, middle, dean=dean_number(spiral, operation, spiral.half_height / middle.curvature)
    )
    clock.read("discretisation_error")
    assert middle.field is not None and all(flow.field is not None for flow in flows)
    return SpiralCell(
        model=model,
        refine=refine,
        divergence_residual=middle.divergence_residual,
        method=middle.method,
        unknowns=middle.unknowns,
        iterations=middle.iterations,
        residual=middle.residual,
        discretisation_error=error,
        field=middle.field,
        numbers=[_told(flow) for flow in flows],
        velocities=np.stack([flow.field.velocity for flow in flows if flow.field is not None]),
        straight_peak=straight.peak_speed,
        straight_gradient=straight.gradient,
    )


def bends(spiral: Spiral) -> list[float]:
    """Half the height over the radius at the bends that are solved, widest first."""
    widest, tightest = (spiral.half_height / radius for radius in (spiral.outer_radius, spiral.inner_radius))
    if tightest / widest < 1 + 1e-6:
        return [widest]
    return [float(bend) for bend in np.linspace(widest, tightest, BENDS)]


def _told(flow: SectionFlow) -> dict[str, Any]:
    numbers = asdict(replace(flow, field=None))
    for name in ("field", "discretisation_error", "seconds", "peak_memory"):
        del numbers[name]
    return numbers
