"""Flow through a pore filter: one pore alone, one in its lattice, or a patch of many as they lie.

Solved at unit viscosity and a unit pressure between the reservoirs, and referred to a unit flow. A pore whose ends are alike is
solved up to the middle of its bore, where the pressure is half-way and nothing flows sideways; the rest is its image
(:mod:`chipsim.flow.whole`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from shapely import box

from chipsim.flow.accuracy import SHARP_TIPS
from chipsim.flow.field import Field
from chipsim.flow.pore_formulas import placed_resistances, slit_resistance, unit_resistance
from chipsim.flow.pore_result import PoreCell, orders
from chipsim.flow.ranks import shared, with_error
from chipsim.flow.stokes import Load, Problem, Solution, solve
from chipsim.flow.timing import Clock
from chipsim.flow.traction import wall_shear
from chipsim.flow.whole import whole
from geometries.membrane import meridian, slit_plane
from geometries.membrane_mesh import unit_cell
from geometries.mesh import UNIT, Mesh, Resolution, mesh_outline
from geometries.outline import Outline
from geometries.patch import Patch, patch
from geometries.pore_filter import PoreFilter

#: Mesh of a pore in the plane, over its radius or half its width.
PLANE = Resolution(sharp_tip=1e-3, growth=0.3, coarsest=5.0)
#: The same in space: cell size at the rims, growth, largest cell. The error is linear in the size at the rims, so a refinement
#: divides that by its square.
RIM, GROWTH, COARSEST = 1 / 64, 0.2, 2.5
#: The same of a patch, coarser at the rims: there are many.
PATCH_RIM, PATCH_GROWTH, PATCH_COARSEST = 1 / 16, 0.4, 3.0
#: Reservoir around a pore that is alone, over its radius or half its width: a slit is felt further away.
_FAR_ROUND, _FAR_SLIT = 20.0, 60.0
#: The same in space: on either side, and to the side of a pore that is alone.
_FAR_IN_SPACE = 10.0
# The middle part of the bore over which its wall shear is averaged.
_MIDDLE = 0.2

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Piece:
    """What of a membrane a model solves.

    Attributes:
        dim: 2 or 3.
        mesh: From a refinement to the mesh.
        copies: Flow through what is asked for over that through what is meshed (images at mirror planes; the length of a slit,
            um).
        half: Whether the mesh ends in the middle of the bores.
        formula: Resistance of what is asked for over viscosity by formula, 1/m3.
        axisymmetric: Whether it is a meridian plane.
        openings: From a field at a unit flow to the columns of :class:`PoreCell`'s ``openings``; None where there is one pore.
    """

    dim: int
    mesh: Callable[[float], Mesh]
    copies: float
    half: bool
    formula: float
    axisymmetric: bool = False
    openings: Callable[[Field], dict[str, list[Any]]] | None = None

    @property
    def problem(self) -> Problem:
        """Reservoirs at two pressures."""
        return Problem(periodic=False, open=("inlet", "outlet"), axisymmetric=self.axisymmetric)

    @property
    def load(self) -> Load:
        """A unit pressure between them."""
        return Load(pressure={"inlet": 0.5 if self.half else 1.0})


def _axisymmetric(membrane: PoreFilter) -> Piece:
    radius, far = membrane.size / UNIT / 2, _FAR_ROUND * membrane.size / UNIT / 2
    outline = meridian(radius, membrane.thickness / UNIT, far, far, half=True)
    return Piece(
        dim=2,
        mesh=lambda refine: _plane_mesh(outline, refine),
        copies=1.0,
        half=True,
        formula=float(unit_resistance(membrane)),
        axisymmetric=True,
    )


def _slit(membrane: PoreFilter) -> Piece:
    width, length = (x / UNIT for x in membrane.opening)
    far = _FAR_SLIT * width / 2
    outline = slit_plane(width, membrane.thickness / UNIT, 2 * far, far, half=True)
    endless = float(slit_resistance(membrane.thickness / UNIT / width)) / width**2
    return Piece(
        dim=2,
        mesh=lambda refine: _plane_mesh(outline, refine),
        copies=2 * length,
        half=True,
        formula=endless / length / UNIT**3,
    )


def _plane_mesh(outline: Outline, refine: float) -> Mesh:
    return mesh_outline(
        outline, replace(PLANE, refine=refine, sharp_tip=PLANE.sharp_tip / refine**SHARP_TIPS)
    )


def _unit_cell(membrane: PoreFilter) -> Piece:
    alone = membrane.placement == "poisson"
    radius = membrane.size / UNIT / 2
    far = _FAR_IN_SPACE * radius

    def mesh(refine: float) -> Mesh:
        return unit_cell(
            membrane,
            # Unevenness of the speed dies out over a fraction of the pitch.
            far if alone else max(far, max(membrane.pitches) / UNIT),
            rim=RIM * radius / refine**2,
            growth=GROWTH / refine,
            coarsest=COARSEST * radius / refine,
            half=True,
            window=far,
        )

    return Piece(
        dim=3,
        mesh=mesh,
        copies=2.0
        if membrane.placement == "hexagonal"
        else 4.0,  # a hexagonal cell has two quarters of a pore
        half=True,
        formula=float(unit_resistance(membrane, array=not alone)),
    )


def _patch(membrane: PoreFilter) -> Piece:
    window = patch(membrane)
    conductance = _by_formula(membrane, window)
    radius = membrane.size / UNIT / 2
    reservoir = max(_FAR_IN_SPACE * radius, max(membrane.pitches) / UNIT)

    def mesh(refine: float) -> Mesh:
        return window.mesh(
            reservoir,
            rim=PATCH_RIM * radius / refine**2,
            growth=PATCH_GROWTH / refine,
            coarsest=PATCH_COARSEST * radius / refine,
        )

    def openings(field: Field) -> dict[str, list[Any]]:
        return _openings(membrane, window, conductance, field)

    return Piece(
        dim=3, mesh=mesh, copies=1.0, half=False, formula=float(1 / conductance.sum()), openings=openings
    )


def _by_formula(membrane: PoreFilter, window: Patch) -> NDArray[np.float64]:
    """Conductance of each pore of a patch times the viscosity, m3; of one that the border cuts its part inside."""
    return _inside(window, 0.0) / placed_resistances(membrane)[window.indices]


def _inside(window: Patch, depth: float) -> NDArray[np.float64]:
    """Part of each pore's opening at a depth (um) that is in the window."""
    frame, openings = box(*window.box), [bore.opening(depth) for bore in window.bores]
    return np.array([opening.intersection(frame).area / opening.area for opening in openings])


def _openings(
    membrane: PoreFilter, window: Patch, conductance: NDArray[np.float64], field: Field
) -> dict[str, list[Any]]:
    """The columns of :class:`PoreCell`'s ``openings``, of a field at a unit flow."""
    pores, groups, k = membrane.pores(), window.groups, window.indices
    count = np.bincount(groups)
    flows = [
        float(field.integrate(lambda x, u, p: u[:, 2], cells)) / window.thickness
        for cells in window.openings(field.mesh)
    ]
    cut = np.minimum(_inside(window, 0.0), _inside(window, window.thickness)) < 1 - 1e-9
    return {
        "pores": count.tolist(),
        "cut": (np.bincount(groups, cut) > 0).tolist(),
        "x_m": (np.bincount(groups, pores.x[k]) / count).tolist(),
        "y_m": (np.bincount(groups, pores.y[k]) / count).tolist(),
        "flow_share": flows,
        "flow_share_by_formula": (np.bincount(groups, conductance) / conductance.sum()).tolist(),
    }


_PIECES: dict[str, Callable[[PoreFilter], Piece]] = {
    "axisymmetric": _axisymmetric,
    "2d": _slit,
    "3d": _unit_cell,
    "patch": _patch,
}


def solve_cell(
    membrane: PoreFilter, model: str, *, refine: float = 1.0, progress: Progress = lambda _: None
) -> PoreCell:
    """Solve a piece of a membrane and derive its numbers (collective over the MPI world).

    A second, coarser mesh is solved for the discretisation error (see :mod:`chipsim.flow.accuracy`).

    Args:
        membrane: The device.
        model: ``"axisymmetric"`` (a round pore alone), ``"2d"`` (a slit without ends, alone), ``"3d"`` (a pore in its lattice; of
            a random membrane one alone) or ``"patch"`` (many pores as they lie).
        refine: Divides all cell sizes.
        progress: Told in a sentence what is being done.

    Returns:
        The numbers on all ranks, the field on rank 0 only.

    Raises:
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    comm, clock, mesh = MPI.COMM_WORLD, Clock(), None
    tell = progress if comm.rank == 0 else lambda _: None
    piece = _PIECES[model](membrane)
    if comm.rank == 0:
        tell("meshing the pore" + "s" * (model == "patch"))
        mesh = piece.mesh(refine)
        tell(f"solving Stokes flow on {len(mesh.cells)} cells ({model})")
    clock.read("meshing")
    solution = solve(mesh, piece.dim, piece.problem, piece.load, comm=comm)
    cell = None if solution.field is None else _numbers(piece, model, refine, solution)
    clock.read("flow")

    def again(mesh: Mesh | None) -> tuple[float, float] | None:
        second = solve(mesh, piece.dim, piece.problem, piece.load, comm=comm)
        return None if second.field is None else _main_numbers(piece, second.field)[1:]

    tell("solving on a second mesh for the discretisation error")
    cell = with_error(cell, lambda c: (c.resistance, c.bore_shear), piece.mesh, again, refine, orders(model))
    clock.read("discretisation_error")
    return shared(cell, clock, solution.seconds)


def _main_numbers(piece: Piece, field: Field) -> tuple[Field, float, float]:
    """The field at a unit flow, the resistance (1/m3) and the mean wall shear rate in mid-bore (1/m3)."""
    flow = field.flux("outlet") * piece.copies
    unit = field.scaled(1 / flow)
    return unit, 1 / flow / UNIT**3, _bore_shear(piece, unit) / UNIT**3


def _bore_shear(piece: Piece, field: Field) -> float:
    wall = wall_shear(field, "pore")
    along = wall.points[:, 0 if piece.dim == 2 else 2]
    end = along.max()
    middle, thickness = (end, 2 * end) if piece.half else (end / 2, end)
    near = np.abs(along - middle) <= _MIDDLE / 2 * thickness
    return float(np.average(wall.rate[near], weights=wall.weights[near]))


def _numbers(piece: Piece, model: str, refine: float, solution: Solution) -> PoreCell:
    raw = solution.field
    assert raw is not None
    field, resistance, shear = _main_numbers(piece, raw)
    return PoreCell(
        model=model,
        refine=refine,
        resistance=resistance,
        formula=piece.formula,
        bore_shear=shear,
        peak_speed=float(np.linalg.norm(field.velocity, axis=1).max()) / UNIT**2,
        flux_error=abs(field.flux("inlet") * piece.copies + 1),
        divergence_residual=solution.divergence_residual,
        method=solution.method,
        unknowns=solution.unknowns,
        iterations=solution.iterations,
        residual=solution.residual,
        openings=piece.openings(field) if piece.openings else None,
        field=whole(field, 0 if piece.dim == 2 else 2) if piece.half else field,
    )
