"""Flow through a periodic array of obstacles: its unit cell, and what one plugged throat does to the pressure.

The unit cell is half a lateral pitch wide (its sides are mirror planes of the array) and two rows long (then the stagger
repeats), driven by a unit pressure gradient; in space it ends at mid-depth, a mirror plane too. Everything is then referred
to a unit flow per path and depth q, so that a result holds for any flow rate and viscosity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from mpi4py import MPI

from chipsim.flow.accuracy import SHARP_TIPS
from chipsim.flow.array_result import CellFlow, orders
from chipsim.flow.depth import depth_closure, floor_layer
from chipsim.flow.field import Field
from chipsim.flow.ranks import shared, with_error
from chipsim.flow.shear import ShearNumbers, shear_numbers
from chipsim.flow.stokes import Problem, Solution, solve
from chipsim.flow.timing import Clock
from geometries.cluster_chip import ClusterChip
from geometries.extrude import extrude, layer_heights
from geometries.mesh import UNIT, Mesh, Resolution, mesh_outline

#: Mesh of a plane cell: row resistance within 0.02 %, largest wall shear within 1 %, throat flux within 1e-4 of the section
#: between rows. It is the throat flux that asks for it: half as fine the resistance errs by 0.03 %.
PLANE = Resolution(tip=0.2, sharp_tip=2e-4, coarsest=0.16, growth=0.2)
#: Mesh of a cell in space, by layers of tetrahedra: row resistance within 0.05 %, throat flux as in the plane. Again for the
#: throat flux: half as fine the resistance errs by 0.2 %.
SPACE = Resolution(tip=0.3, sharp_tip=4e-4, coarsest=0.2, growth=0.25, layers=6)
#: Mesh of the arrays with a plug: only ratios of mean pressures are taken from them.
PLUGGED = Resolution(tip=0.4, coarsest=0.8, growth=0.5)

#: Diameter of the patch that wall shear is averaged over, m: the 15 um cell that the chip was designed for (read: Cancer
#: Discovery 5, 898, 2015).
PATCH = 15e-6
#: Doubly periodic arrays (paths x rows) with one plug; the excess over the limit falls as one over their traps.
PLUG_ARRAYS = ((5, 6), (7, 8))

#: Layer on the floor, over the throat's width: the flow turns from the floor's to the pillars' profile within a throat.
_FLOOR_LAYER = 0.25

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Solved:
    """A solved model of a cell.

    Attributes:
        solution: Solved at unit viscosity.
        viscosity: What the model multiplies the viscosity by.
        layer: Of the depth-averaged model: the floor layer, m.
    """

    solution: Solution
    viscosity: float = 1.0
    layer: float | None = None


def solve_cell(
    chip: ClusterChip,
    model: str,
    *,
    refine: float = 1.0,
    patch: float = PATCH,
    progress: Progress = lambda _: None,
) -> CellFlow:
    """Solve the unit cell of an array and derive its numbers (collective over the MPI world).

    A second, coarser mesh is solved for the discretisation error (see :mod:`chipsim.flow.accuracy`).

    Args:
        chip: The device.
        model: ``"2d"`` (no floor or ceiling), ``"depth"`` (depth-averaged, see :mod:`chipsim.flow.depth`) or ``"3d"``.
        refine: Divides all cell sizes, multiplies the layers.
        patch: Diameter of the patch that wall shear is averaged over, m.
        progress: Told in a sentence what is being done.

    Returns:
        The numbers on all ranks, the field on rank 0 only.

    Raises:
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    comm, clock = MPI.COMM_WORLD, Clock()
    tell = progress if comm.rank == 0 else lambda _: None
    mesh, dim = None, 3 if model == "3d" else 2
    if comm.rank == 0:
        tell("meshing the unit cell")
        mesh = cell_mesh(chip, dim, refine)
        tell(f"solving Stokes flow on {len(mesh.cells)} cells ({model})")
    clock.read("meshing")
    solved = _solve_model(chip, model, mesh, comm)
    cell = None if solved.solution.field is None else _numbers(chip, model, refine, solved, patch / UNIT)
    clock.read("flow")
    tell("solving on a second mesh for the discretisation error")
    cell = with_error(
        cell,
        lambda c: (c.row_resistance, c.shear.mean),
        lambda finer: cell_mesh(chip, dim, finer),
        lambda second: _again(chip, model, second, patch / UNIT),
        refine,
        orders(chip),
    )
    clock.read("discretisation_error")
    tell("solving arrays with one plugged throat")
    plug = plug_factor(chip)
    clock.read("plug_factor")
    if cell is not None:
        cell = replace(cell, plug_factor=plug)
    return shared(cell, clock, solved.solution.seconds)


def _solve_model(chip: ClusterChip, model: str, mesh: Mesh | None, comm: Any) -> _Solved:
    dim = 3 if model == "3d" else 2
    solution = solve(mesh, dim, Problem(), comm=comm)
    if model != "depth":
        return _Solved(solution)
    # The closure of the depth-averaged model comes from the plane flow.
    layer = comm.bcast(None if solution.field is None else floor_layer(solution.field), root=0)
    closure = depth_closure(layer, chip.depth / UNIT)
    averaged = solve(mesh, 2, Problem(drag=closure.drag / closure.viscosity), comm=comm)
    return _Solved(averaged, closure.viscosity, layer * UNIT)


def _again(chip: ClusterChip, model: str, mesh: Mesh | None, patch: float) -> tuple[float, float] | None:
    """Row resistance and mean wall shear on another mesh, on rank 0."""
    solved = _solve_model(chip, model, mesh, MPI.COMM_WORLD)
    if solved.solution.field is None:
        return None
    _, resistance, shear = _main_numbers(chip, solved, patch)
    return resistance, shear.mean


def cell_mesh(chip: ClusterChip, dim: int, refine: float = 1.0) -> Mesh:
    """The mesh that :func:`solve_cell` computes on: half a pitch, two rows, in space half the depth."""
    resolution = PLANE if dim == 2 else SPACE
    sharp_tip = resolution.sharp_tip / refine**SHARP_TIPS
    resolution = replace(resolution, refine=refine, sharp_tip=sharp_tip)
    outline = chip.block()
    plane = mesh_outline(outline, resolution)
    if dim == 2:
        return plane
    layers = max(round(resolution.layers * refine), 2)
    return extrude(
        plane,
        layer_heights(outline.depth, _FLOOR_LAYER * outline.throat / refine, layers, half=True),
        top="midplane",
    )


def _main_numbers(chip: ClusterChip, solved: _Solved, patch: float) -> tuple[Field, float, ShearNumbers]:
    """The field at a unit flow per path and depth, the row resistance (1/m2) and the wall shear."""
    raw = solved.solution.field
    assert raw is not None
    row, width, height = chip.row_pitch / UNIT, chip.lateral_pitch / UNIT / 2, chip.depth / UNIT / 2
    # Solved at unit viscosity: the same pressure, and a velocity larger by the viscosity factor.
    through = float(raw.velocity_integral[0]) / solved.viscosity
    flow = through / (2 * row)  # through half a path (and half the depth)
    q = 2 * flow / (height if raw.dim == 3 else 1.0)
    mirrors = {1: [0.0, width]} | ({2: [height]} if raw.dim == 3 else {})
    unit = raw.scaled(1 / (solved.viscosity * q))
    shear = shear_numbers(unit, ("pillars",), patch, mirrors, round_corners=chip.fillet > 0)
    # Reactions belong to the pressure that they were solved with.
    reaction = unit.reaction if solved.viscosity == 1.0 else None
    return Field(unit.mesh, unit.velocity, raw.pressure / q, reaction), row / q / UNIT**2, shear


def _numbers(chip: ClusterChip, model: str, refine: float, solved: _Solved, patch: float) -> CellFlow:
    """Refer the field to a unit flow per path and depth, and derive everything else from it."""
    field, resistance, shear = _main_numbers(chip, solved, patch)
    height = chip.depth / UNIT / 2 if field.dim == 3 else 1.0
    section = -field.flux("inlet") * 2 / height
    throats = [2 * throat_flux(field, *ends) / height for ends in _throats(chip)]
    solution = solved.solution
    return CellFlow(
        model=model,
        refine=refine,
        row_resistance=resistance,
        plug_factor=float("nan"),
        peak_speed=float(np.linalg.norm(field.velocity, axis=1).max()) / UNIT,
        throat_speed=throats[1] / (2 * chip.daughter_gap),
        shear=shear,
        mass_balance_error=max(abs(t / section - 1) for t in throats),
        divergence_residual=solution.divergence_residual,
        method=solution.method,
        unknowns=solution.unknowns,
        iterations=solution.iterations,
        residual=solution.residual,
        floor_layer=solved.layer,
        field=field,
    )


def _throats(chip: ClusterChip) -> list[tuple[np.ndarray, np.ndarray]]:
    """End points of half the entrance gap and of one daughter gap of the unit cell, um."""
    centre, (corner, tip) = chip.throat_centres()
    entrance = np.array([centre[0], centre[1] - chip.gap / UNIT / 2]), np.array(centre)
    a, b = np.array(corner), np.array(tip)
    inset = chip.fillet / UNIT * (b - a) / np.linalg.norm(b - a)
    return [entrance, (a + inset, b - inset)]


def throat_flux(field: Field, start: np.ndarray, end: np.ndarray) -> float:
    """Flow through a straight section of the plane (in space: from the floor to the top of the mesh), um2 or um3 / s."""
    count = 1000 if field.dim == 2 else 250
    along = (np.arange(count) + 0.5) / count
    xy = start + (end - start) * along[:, None]
    tangent = (end - start) / np.linalg.norm(end - start)
    normal = np.array([abs(tangent[1]), -np.sign(tangent[1]) * tangent[0]])  # downstream
    length = float(np.linalg.norm(end - start))
    if field.dim == 2:
        return float(np.nan_to_num(field.at(xy)[:, :2] @ normal).mean() * length)
    # Three Gauss points in every layer of the mesh.
    z = np.unique(np.round(field.mesh.points[:, 2], 9))[::2]
    gauss, weight = np.polynomial.legendre.leggauss(3)
    heights = (z[:-1, None] + np.diff(z)[:, None] * (gauss + 1) / 2).ravel()
    weights = (np.diff(z)[:, None] * weight / 2).ravel()
    points = np.column_stack([np.tile(xy, (len(heights), 1)), np.repeat(heights, count)])
    speed = np.nan_to_num(field.at(points)[:, :2] @ normal).reshape(len(heights), count)
    return float(weights @ speed.mean(axis=1) * length)


@lru_cache(
    maxsize=4
)  # a search for an accuracy solves the same cell on several meshes, but this is of one mesh
def plug_factor(chip: ClusterChip, arrays: tuple[tuple[int, int], ...] = PLUG_ARRAYS) -> float:
    """How many times the row's pressure drop stands over one plugged entrance gap, far from other plugs.

    Solved in the plane on two doubly periodic arrays with one plug each and extrapolated to an endless array.
    """
    (first, second) = arrays
    a, b = plugged_drop(chip, *first), plugged_drop(chip, *second)
    n, m = first[0] * first[1], second[0] * second[1]
    return (m * b - n * a) / (m - n)


def plugged_drop(chip: ClusterChip, paths: int, rows: int) -> float:
    """Pressure over the plug over that of an undisturbed row at the same total flow, in one periodic array.

    The lower border of the block cuts the plug in its middle: a mirror plane, so half of the array is solved. The result
    is the same on all ranks.
    """
    comm = MPI.COMM_WORLD
    mesh = plain = None
    if comm.rank == 0:
        mesh = mesh_outline(chip.block(paths / 2, rows, plug=(0.0, (rows // 2) | 1)), PLUGGED)
        plain = mesh_outline(chip.block(), PLUGGED)
    field, undisturbed = solve(mesh, 2, Problem()).field, solve(plain, 2, Problem()).field
    ratio = None
    if field is not None and undisturbed is not None:
        row = chip.row_pitch / UNIT
        drop = _face_pressure(field, "plug_upstream") - _face_pressure(field, "plug_downstream")
        flow = float(field.velocity_integral[0]) / (rows * row) / (paths / 2)
        conductance = float(undisturbed.velocity_integral[0]) / (2 * row) / 0.5 / row
        ratio = drop * conductance / flow
    return comm.bcast(ratio, root=0)


def _face_pressure(field: Field, name: str) -> float:
    """Mean pressure on a face; the field's pressure lacks the mean slope, -1 along x."""
    face = field.on(name)
    return float(np.average(face.pressure - face.points[:, 0], weights=face.weights))
