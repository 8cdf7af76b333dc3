"""Stokes flow through the whole of a spiral channel in space: its resistance, and the pressure along it (needs DOLFINx).

A check of the sections, whose flow is taken to be developed everywhere, and no model of a run: Stokes flow has neither the
secondary flow nor the lift that a spiral sorts by. The branches to the ports are left out; at both ends the fluid has the
velocity that is developed in a bend like that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as attribute

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from chipsim.flow.accuracy import ORDER
from chipsim.flow.dean import Section, section_mesh
from chipsim.flow.field import Field
from chipsim.flow.ranks import shared, with_error
from chipsim.flow.result import Solved
from chipsim.flow.section_result import SectionFlow
from chipsim.flow.spiral import bends, section_outline
from chipsim.flow.stokes import Load, Problem, Solution, Vector, solve
from chipsim.flow.timing import Clock
from chipsim.flow.traction import wall_shear
from geometries.mesh import UNIT, Mesh
from geometries.spiral import Spiral
from geometries.spiral_mesh import channel_mesh

#: Cells over the width, layers over half the height, length of a cell over its width: the published spiral's resistance is then
#: 0.12 % above that of the sections, and 0.04 % with 8, 4 and 4.
ACROSS, LAYERS, STRETCH = 6, 3, 4.0
# Places along the channel at which the pressure is told, and points for the sum over the bends.
_PLACES, _ALONG = 41, 401

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ChannelFlow(Solved):
    """Stokes flow through a whole spiral channel without its branches. Its field is at a unit flow rate (um3/s) and viscosity.

    Attributes:
        resistance: Pressure drop over viscosity and flow rate, 1/m3.
        sections_resistance: The same by the sections' creeping flow, summed over the bends.
        wall_shear: Mean wall shear rate over the flow rate, 1/m3.
        s: Lengths along the flow, m.
        pressure: In mid-channel there, less that at the end, over viscosity and flow rate, 1/m3.
        volume: Of the mesh; of a rectangle twice that of its half, m3.
    """

    resistance: float
    sections_resistance: float
    wall_shear: float
    s: NDArray[np.float64] = attribute(compare=False)
    pressure: NDArray[np.float64] = attribute(compare=False)
    volume: float

    def pressure_drop(self, flow_rate: float, viscosity: float) -> float:
        """Pa.

        Args:
            flow_rate: m3/s.
            viscosity: Pa s.
        """
        return self.resistance * viscosity * flow_rate


@dataclass(frozen=True)
class _Ends:
    """Creeping flow in the sections of a spiral, widest bend first."""

    spiral: Spiral
    flows: list[SectionFlow]

    @property
    def resistance(self) -> float:
        """Of the channel over the viscosity, 1/m3."""
        spiral = self.spiral
        s = np.linspace(0.0, spiral.length, _ALONG)
        bend, gradient = (
            np.array([getattr(f, name) for f in self.flows]) for name in ("curvature", "gradient")
        )
        along = np.interp(spiral.half_height * spiral.curvature_at(s), bend, gradient)
        return float(np.trapezoid(along, s)) / spiral.half_height**2 / spiral.area

    @property
    def velocities(self) -> dict[str, Vector]:
        """Developed velocity at both ends, over its mean."""
        return {"inlet": self._developed(0.0), "outlet": self._developed(self.spiral.length)}

    def _developed(self, s: float) -> Vector:
        spiral = self.spiral
        x, y, heading = (float(v) for v in spiral.centre_line(s))
        way = np.array([np.cos(heading), np.sin(heading)])
        turn = 1.0 if spiral.direction == "outward" else -1.0
        outward = turn * np.array([way[1], -way[0]])
        flow = self.flows[0 if (s > 0) == (spiral.direction == "outward") else -1]
        half_height = spiral.half_height / UNIT

        def velocity(points: NDArray[np.float64]) -> NDArray[np.float64]:
            across = (points[:2].T - np.array([x, y]) / UNIT) @ outward / half_height
            places = np.column_stack([across, points[2] / half_height - 1.0])
            speed = np.nan_to_num(flow.at(places * (1 - 1e-9))[0][:, 2])
            return np.stack([way[0] * speed, way[1] * speed, 0 * speed])

        return velocity


def solve_channel(spiral: Spiral, *, refine: float = 1.0, progress: Progress = lambda _: None) -> ChannelFlow:
    """Solve Stokes flow through a whole spiral channel, and on a second mesh for the discretisation error (collective).

    Args:
        spiral: The device.
        refine: Divides all cell sizes.
        progress: Told in a sentence what is being done.

    Returns:
        The numbers on all ranks, the field on rank 0 only.

    Raises:
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    comm, clock = MPI.COMM_WORLD, Clock()
    tell = progress if comm.rank == 0 else lambda _: None
    tell("solving creeping flow in the sections of the spiral")
    ends = comm.bcast(_ends(spiral) if comm.rank == 0 else None, root=0)
    clock.read("sections")
    mesh = _mesh(spiral, refine) if comm.rank == 0 else None
    clock.read("meshing")
    tell("solving Stokes flow through the whole channel")
    solution = _solved(spiral, mesh, ends)
    flow = None if solution.field is None else _numbers(spiral, ends, refine, solution)
    clock.read("flow")

    def again(mesh: Mesh | None) -> tuple[float, float] | None:
        second = _solved(spiral, mesh, ends)
        return None if second.field is None else _main_numbers(spiral, second.field)[1:]

    tell("solving on a second mesh for the discretisation error")
    flow = with_error(
        flow,
        lambda f: (f.resistance, f.wall_shear),
        lambda r: _mesh(spiral, r),
        again,
        refine,
        (ORDER, ORDER),
    )
    clock.read("discretisation_error")
    return shared(flow, clock, solution.seconds)


def _ends(spiral: Spiral) -> _Ends:
    half_height = spiral.half_height / UNIT
    section = Section(section_mesh(section_outline(spiral), half_height), half_height)
    return _Ends(spiral, [section.solve(bend, dean_k=0.0) for bend in bends(spiral)])


def _mesh(spiral: Spiral, refine: float) -> Mesh:
    across, layers = (max(round(count * refine), 1) for count in (ACROSS, LAYERS))
    return channel_mesh(spiral, across=across, stretch=STRETCH, layers=layers)


def _solved(spiral: Spiral, mesh: Mesh | None, ends: _Ends) -> Solution:
    gradient = ends.flows[0].gradient / (spiral.half_height / UNIT) ** 2
    return solve(mesh, 3, Problem(periodic=False, channel=gradient), Load(velocity=ends.velocities))


def _main_numbers(spiral: Spiral, field: Field) -> tuple[Field, float, float]:
    """The field at a unit flow, the resistance and the mean wall shear rate (both 1/m3)."""
    through, copies = field.flux("outlet"), _copies(spiral)
    unit = field.scaled(1 / through / copies)
    assert field.reaction is not None
    # What the ends do to the fluid, over the flow rate; the whole drop, exact to the square of the field's error.
    drop = float(np.sum(field.velocity * field.reaction)) / through
    wall = wall_shear(unit, "wall", "floor", "ceiling")
    mean = float(np.average(wall.rate, weights=wall.weights))
    return unit, drop / (through * copies) / UNIT**3, mean / UNIT**3


def _copies(spiral: Spiral) -> float:
    """Flow through the channel over that through what is meshed."""
    return 1.0 if spiral.height is None else 2.0


def _numbers(spiral: Spiral, ends: _Ends, refine: float, solution: Solution) -> ChannelFlow:
    assert solution.field is not None
    field, resistance, shear = _main_numbers(spiral, solution.field)
    s = np.linspace(0.0, spiral.length, _PLACES)
    x, y, _ = spiral.centre_line(s * (1 - 2e-9) + 1e-9 * spiral.length)  # inside, whatever the rounding
    middle = np.column_stack([x / UNIT, y / UNIT, np.full_like(s, spiral.half_height / UNIT * (1 - 1e-9))])
    pressure = field.at(middle)[:, 3] / UNIT**3
    return ChannelFlow(
        model="stokes",
        refine=refine,
        divergence_residual=solution.divergence_residual,
        method=solution.method,
        unknowns=solution.unknowns,
        iterations=solution.iterations,
        residual=solution.residual,
        field=field,
        resistance=resistance,
        sections_resistance=ends.resistance,
        wall_shear=shear,
        s=s,
        pressure=pressure - pressure[-1],
        volume=field.mesh.measure() * _copies(spiral) * UNIT**3,
    )
