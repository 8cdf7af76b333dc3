"""Flow through a periodic array of obstacles: its unit cell, and what one plugged throat does to the pressure.

The unit cell is half a lateral pitch wide (its sides are mirror planes of the array) and two rows long (then the stagger
repeats), driven by a unit pressure gradient; in space it ends at mid-depth, a mirror plane too. Everything is then referred
to a unit flow per path and depth q, so that a result holds for any flow rate and viscosity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from mpi4py import MPI

from chipsim.flow.depth import depth_closure, floor_layer
from chipsim.flow.field import Field
from chipsim.flow.result import CellFlow
from chipsim.flow.shear import shear_numbers
from chipsim.flow.stokes import Problem, Solution, solve
from geometries.cluster_chip import ClusterChip
from geometries.extrude import extrude, layer_heights
from geometries.mesh import UNIT, Mesh, Resolution, mesh_outline

#: Mesh of a plane cell: largest wall shear within 1 %, throat flux within 1e-4 of the section between rows.
PLANE = Resolution(tip=0.15, coarsest=0.125, growth=0.15)
#: Mesh of a cell in space, by layers of tetrahedra.
SPACE = Resolution(tip=0.25, coarsest=0.16, growth=0.25, layers=8)
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


def solve_cell(
    chip: ClusterChip,
    model: str,
    *,
    refine: float = 1.0,
    patch: float = PATCH,
    progress: Progress = lambda _: None,
) -> CellFlow:
    """Solve the unit cell of an array and derive its numbers (collective over the MPI world).

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
    comm = MPI.COMM_WORLD
    mesh, dim = None, 3 if model == "3d" else 2
    if comm.rank == 0:
        progress("meshing the unit cell")
        mesh = cell_mesh(chip, dim, refine)
        progress(f"solving Stokes flow on {len(mesh.cells)} cells ({model})")
    solution, layer = solve(mesh, dim, Problem(), comm=comm), None
    if model == "depth":
        solution, layer = _averaged(mesh, chip.depth / UNIT, solution, comm)
    cell = None
    if solution.field is not None:
        cell = replace(_numbers(chip, model, solution, patch / UNIT), floor_layer=layer)
    if comm.rank == 0:
        progress("solving arrays with one plugged throat")
    plug = plug_factor(chip)
    cell = (
        comm.bcast(replace(cell, field=None) if cell else None, root=0) if comm.rank else _share(comm, cell)
    )
    return replace(cell, plug_factor=plug)


def _averaged(mesh: Mesh | None, depth: float, plane: Solution, comm: Any) -> tuple[Solution, float]:
    """The depth-averaged flow at unit viscosity from the plane one, and the thickness of the floor layer, m."""
    layer = comm.bcast(None if plane.field is None else floor_layer(plane.field), root=0)
    closure = depth_closure(layer, depth)
    # Solved at unit viscosity: the same pressure, and a velocity larger by the viscosity factor.
    solution = solve(mesh, 2, Problem(drag=closure.drag / closure.viscosity), comm=comm)
    if solution.field is not None:
        raw = solution.field
        field = replace(raw, velocity=raw.velocity / closure.viscosity)
        solution = replace(solution, field=field)
    return solution, layer * UNIT


def _share(comm: Any, cell: CellFlow | None) -> CellFlow:
    assert cell is not None
    comm.bcast(replace(cell, field=None), root=0)
    return cell


def cell_mesh(chip: ClusterChip, dim: int, refine: float = 1.0) -> Mesh:
    """The mesh that :func:`solve_cell` computes on: half a pitch, two rows, in space half the depth."""
    resolution = replace(PLANE if dim == 2 else SPACE, refine=refine)
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


def _numbers(chip: ClusterChip, model: str, solution: Solution, patch: float) -> CellFlow:
    """Refer the field to a unit flow per path and depth, and derive everything else from it."""
    raw = solution.field
    assert raw is not None
    row, width, height = chip.row_pitch / UNIT, chip.lateral_pitch / UNIT / 2, chip.depth / UNIT / 2
    flow = float(raw.velocity_integral[0]) / (2 * row)  # through half a path (and half the depth)
    q = 2 * flow / (height if raw.dim == 3 else 1.0)
    field = Field(raw.mesh, raw.velocity / q, raw.pressure / q)
    section = -field.flux("inlet") * 2 / (height if raw.dim == 3 else 1.0)
    throats = [2 * throat_flux(field, *ends) / (height if raw.dim == 3 else 1.0) for ends in _throats(chip)]
    mirrors = {1: [0.0, width]} | ({2: [height]} if raw.dim == 3 else {})
    return CellFlow(
        model=model,
        row_resistance=row / q / UNIT**2,
        plug_factor=float("nan"),
        peak_speed=float(np.linalg.norm(field.velocity, axis=1).max()) / UNIT,
        throat_speed=throats[1] / (2 * chip.daughter_gap),
        shear=shear_numbers(field, ("pillars",), patch, mirrors, round_corners=chip.fillet > 0),
        mass_balance_error=max(abs(t / section - 1) for t in throats),
        divergence_residual=solution.divergence_residual,
        method=solution.method,
        unknowns=solution.unknowns,
        iterations=solution.iterations,
        residual=solution.residual,
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
