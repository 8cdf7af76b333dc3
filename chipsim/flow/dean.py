"""Developed flow in the section of a bent duct at a pressure gradient or a flow rate: the numbers of Dean flow.

What is solved is in :mod:`chipsim.flow.bend`, what comes out in :mod:`chipsim.flow.section_result`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from chipsim.flow.accuracy import ORDER, DiscretisationError, discretisation_error, second_mesh
from chipsim.flow.bend import Bend, State
from chipsim.flow.field import Array, Field
from chipsim.flow.memory import one_sentence
from chipsim.flow.section_result import SectionFlow, highest, refuse, refuse_fast
from chipsim.flow.timing import Clock
from geometries.mesh import Mesh, Resolution, mesh_outline
from geometries.outline import Outline

#: Cell size in half-heights.
CELL = 0.07
# K up to which Newton's method starts from the straight duct's flow, and by how much it grows from one solve to the next.
_FIRST_K, _GROWTH = 200.0, 3.0


class Section:
    """A section on one mesh, set up once for any curvature and strength of flow.

    Args:
        mesh: In um, of :func:`section_mesh` or alike; regions ``wall`` and, of a half, ``symmetry``.
        half_height: X, um.
        refine: Of the mesh, for the record.

    Raises:
        SolverError: The equations could not be set up.
    """

    def __init__(self, mesh: Mesh, half_height: float, refine: float = 1.0) -> None:
        self.mesh, self.half_height, self.refine = mesh, half_height, refine
        with one_sentence():
            self._bend = Bend(mesh, half_height)
            start = self._bend.field(self._from_straight(1.0), 0.0, 0.0)
        # Of the straight duct at a unit gradient.
        self._peak, self._mean = highest(start, 2)[0], self._bend.mean(self._bend.straight)
        self._widest = float(np.abs(mesh.points[:, 0]).max()) / half_height
        #: In half-heights.
        self.hydraulic_diameter = 4 * self._bend.area / self._bend.perimeter

    def solve(
        self, curvature: float, *, dean_k: float | None = None, dean: float | None = None
    ) -> SectionFlow:
        """The flow at a pressure gradient or at a flow rate; just one of the two is given.

        Args:
            curvature: eps = X / R_c, from 0 (the limit of a wide bend).
            dean_k: K = eps (rho V X / mu)^2, V the largest speed in the straight duct at the same pressure gradient.
            dean: Re (D_h / 2 R_c)^1/2, with the mean speed: what a flow rate is.

        Raises:
            DesignError: A number is outside what can be answered.
            SolverError: No converged solution.
        """
        refuse(curvature, self._widest, dean_k, dean)
        clock = Clock()
        with one_sentence(self._bend.unknowns):
            # The axial scale W: of a given gradient the straight duct's largest speed, of a given flow rate the mean speed.
            if dean_k is not None:
                k, scale, held = dean_k, self._peak, None
            else:
                k, scale, held = 2 * (dean or 0.0) ** 2 / self.hydraulic_diameter**3, self._mean, 1.0
            state, steps, size = self._from_straight(scale), 0, 0.0
            for stage in _stages(k, _FIRST_K * (scale / self._peak) ** 2):
                state, steps, size = self._bend.newton(state, curvature, stage, mean=held)
                if held is None:  # a flow rate was looked at before
                    refuse_fast(self._dean(state, stage), dean_k)
            numbers = self._numbers(state, curvature, k) | self._read_off(state, curvature, k)
        clock.read("flow")
        return SectionFlow(
            model="dean",
            refine=self.refine,
            method="MUMPS LU, Newton",
            unknowns=self._bend.unknowns,
            iterations=steps,
            residual=size,
            seconds=clock.seconds,
            half_height=self.half_height,
            curvature=curvature,
            hydraulic_diameter=self.hydraulic_diameter,
            **numbers,
        )

    def _from_straight(self, scale: float) -> State:
        """The straight duct's flow, over an axial scale at a unit gradient."""
        rest = self._bend.rest()
        return State([*rest[:2], self._bend.straight / scale, rest[3]], 1 / scale)

    def _numbers(self, state: State, curvature: float, k: float) -> dict[str, Any]:
        """What needs no field."""
        found = self._bend.mean(state.parts[2])
        return {
            "dean_k": k * (state.gradient * self._peak) ** 2,
            "dean": self._dean(state, k),
            "reynolds": found * math.sqrt(k / curvature) * self.hydraulic_diameter if curvature else None,
            "gradient": state.gradient / found,
            "friction_ratio": state.gradient * self._mean / found,
            "power_balance": self._bend.power_balance(state, curvature, k) - 1,
            "divergence_residual": self._bend.divergence(state, curvature, k),
        }

    def _dean(self, state: State, k: float) -> float:
        return self._bend.mean(state.parts[2]) * math.sqrt(k / 2) * self.hydraulic_diameter**1.5

    def _read_off(self, state: State, curvature: float, k: float) -> dict[str, Any]:
        """The field in its units, and what is read off it."""
        field = _scaled(self._bend.field(state, curvature, k), self._bend.mean(state.parts[2]))
        peak, place = highest(field, 2)
        mean, largest = self._wall_shear(field, curvature)
        low, high = self.mesh.points[:, 0].min(), self.mesh.points[:, 0].max()
        x = np.linspace(low, high, 1001)[1:-1]
        across = field.at(np.column_stack([x, np.zeros_like(x)]))
        speed = field.integrate(lambda x, u, p: np.hypot(u[:, 0], u[:, 1]))
        return {
            "field": field,
            "peak_speed": peak,
            "axial_maximum": float(place[0]) / self.half_height,
            "axial_maximum_y": float(place[1]) / self.half_height,
            "secondary_mean": float(speed) / (self._bend.area * self.half_height**2),
            "secondary_max": float(np.hypot(*field.velocity[:, :2].T).max()),
            "secondary_mid_plane": float(np.hypot(*across[:, :2].T).max()),
            "wall_shear_mean": mean,
            "wall_shear_max": largest,
        }

    def _wall_shear(self, field: Field, curvature: float) -> tuple[float, float]:
        """Mean axial shear from the reactions, the largest from the gradient."""
        assert field.reaction is not None
        on_wall = np.unique(self.mesh.facets[field.facets("wall")])
        # A reaction is the shear times h, integrated with the node's function: over h at the node it is the shear's part.
        h = 1 + curvature * self.mesh.points[on_wall, 0] / self.half_height
        mean = abs(float(np.sum(field.reaction[on_wall, 2] / h))) / self._bend.perimeter
        wall = field.on("wall")
        steepest = np.abs(np.einsum("nj,nj->n", wall.gradient[:, 2], wall.normals)).max()
        return mean, float(steepest) * self.half_height


def _scaled(field: Field, mean: float) -> Field:
    """The axial velocity over its mean, the velocity in the section and the pressure over the square of that."""
    scales: Array = np.array([mean**2, mean**2, mean])
    reaction = None if field.reaction is None else field.reaction / scales
    return replace(
        field, velocity=field.velocity / scales, pressure=field.pressure / mean**2, reaction=reaction
    )


def _stages(k: float, first: float) -> list[float]:
    """The values of K on the way to the one that is asked for."""
    out = []
    while first < k:
        out.append(first)
        first *= _GROWTH
    return [*out, k]


def section_mesh(outline: Outline, half_height: float, refine: float = 1.0) -> Mesh:
    """The mesh of a section.

    Args:
        outline: From :mod:`geometries.section`.
        half_height: X, um.
        refine: Divides the cell size.

    Raises:
        MeshError: No usable mesh.
    """
    return mesh_outline(outline, Resolution(coarsest=CELL * half_height / outline.throat, refine=refine))


def solve_section(
    outline: Outline,
    half_height: float,
    curvature: float,
    *,
    dean_k: float | None = None,
    dean: float | None = None,
    refine: float = 1.0,
) -> SectionFlow:
    """Solve the flow in a section, and on a second, coarser mesh for the discretisation error.

    Args:
        outline: From :mod:`geometries.section`.
        half_height: X, um: half the height, of a trapezoid half its mean, of a circle the radius.
        curvature: X over the radius of the bend, from 0.
        dean_k: As in :meth:`Section.solve`.
        dean: The same.
        refine: Divides the cell size.

    Raises:
        DesignError: A number is outside what can be answered.
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    flow = Section(section_mesh(outline, half_height, refine), half_height, refine).solve(
        curvature, dean_k=dean_k, dean=dean
    )
    return replace(flow, discretisation_error=section_error(outline, flow, dean_k=dean_k, dean=dean))


def section_error(
    outline: Outline, flow: SectionFlow, *, dean_k: float | None = None, dean: float | None = None
) -> DiscretisationError:
    """The discretisation error of a flow in a section, from a second mesh.

    Args:
        outline: As for :func:`solve_section`.
        flow: On the first mesh.
        dean_k: What it was solved for, or
        dean: that.

    Raises:
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    other, mesh = second_mesh(lambda r: section_mesh(outline, flow.half_height, r), flow.refine)
    second = Section(mesh, flow.half_height, other).solve(flow.curvature, dean_k=dean_k, dean=dean)
    return discretisation_error(
        (flow.gradient, flow.wall_shear_mean),
        (second.gradient, second.wall_shear_mean),
        flow.refine / other,
        (ORDER, ORDER),
    )
