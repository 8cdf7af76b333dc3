"""What the solves of all devices do alike over the MPI ranks: the second mesh, and the numbers that every rank gets."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from mpi4py import MPI

from chipsim.flow.accuracy import discretisation_error, second_mesh
from chipsim.flow.result import Solved
from chipsim.flow.timing import Clock
from geometries.mesh import Mesh

Cell = TypeVar("Cell", bound=Solved)


def with_error(
    cell: Cell | None,
    value: Callable[[Cell], tuple[float, float]],
    mesh_of: Callable[[float], Mesh],
    again: Callable[[Mesh | None], tuple[float, float] | None],
    refine: float,
    orders: tuple[float, float],
) -> Cell | None:
    """A cell with its discretisation error, from a second mesh (collective).

    Args:
        cell: Solved on the first mesh; None on ranks other than the first.
        value: Its resistance and mean wall shear.
        mesh_of: Makes the mesh of a refinement, on the first rank.
        again: From the second mesh (None on other ranks) to the same two numbers, on the first rank.
        refine: Of the first mesh.
        orders: Of convergence of the two.
    """
    other, mesh = second_mesh(mesh_of, refine) if MPI.COMM_WORLD.rank == 0 else (refine, None)
    second = again(mesh)
    if cell is None or second is None:
        return None
    error = discretisation_error(value(cell), second, refine / other, orders)
    return replace(cell, discretisation_error=error)


def shared(cell: Cell | None, clock: Clock, parts: Mapping[str, float]) -> Cell:
    """A cell with its times and the ranks' peak memory, its field on the first rank only (collective).

    Args:
        cell: On the first rank; None on the others.
        clock: With the seconds of the steps.
        parts: Seconds of the parts of the step ``flow``.
    """
    comm = MPI.COMM_WORLD
    peak = comm.allreduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    if cell is not None:
        seconds = {**clock.seconds, **{f"flow_{name}": value for name, value in parts.items()}}
        cell = replace(cell, seconds=seconds, peak_memory=peak)
    told: Cell = comm.bcast(replace(cell, field=None) if cell is not None else None, root=0)
    return told if cell is None else cell
