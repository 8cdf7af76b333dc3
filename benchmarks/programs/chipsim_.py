"""chipsim itself, as ``chipsim run`` calls it. Options: ``default`` (its own choice), ``direct``, ``minres``, or ``count``.

``count`` takes the default and counts what the solve moves. By ``mpirun`` rank 0 holds the mesh and reports, with the peak
memory of all ranks together.
"""

from __future__ import annotations

import resource
from typing import Any

import dolfinx
from mpi4py import MPI
from petsc4py import PETSc

import chipsim
from benchmarks.programs.common import Clock, Input, report, run_once
from chipsim.flow.stokes import Load, Problem, Stokes
from geometries.mesh import Mesh

# PETSc counts two operations for each nonzero of a product, which reads a value (8 bytes) and a column (4).
_BYTES_PER_OPERATION = 6.0
_BYTES_PER_NONZERO = 12.0
# What hypre does is not counted. Its V-cycle: a sweep down, a residual, a sweep up, and the coarser levels, with P_max 4
# and HMIS some 0.6 of the finest.
_COARSE_PASSES = 3 * 1.6


def solve(case: Input, option: str) -> None:
    comm = MPI.COMM_WORLD
    method = option if option in ("direct", "minres") else None
    problem = Problem(method=method) if case.periodic else Problem(False, ("inlet", "outlet"), method=method)
    load = Load() if case.periodic else Load(pressure={"inlet": 1.0})
    mesh, dim = None, case.dim
    if comm.rank == 0:
        mesh = Mesh(
            case.points,
            case.cells,
            case.facets,
            case.facet_regions,
            case.regions,
            node_levels=case.node_levels,
        )
    if option == "count":
        PETSc.Log.begin()
    system = Stokes(mesh, dim, problem, comm)
    before = _operations()
    solution = system.solve(load)
    more: dict[str, Any] = {"ranks": comm.size}
    if option == "count":
        operations = comm.reduce(_operations() - before)
        coarse = _coarse_nonzeros(system) * solution.iterations
        if operations is not None:
            more["moved_bytes"] = (
                _BYTES_PER_OPERATION * operations + _BYTES_PER_NONZERO * _COARSE_PASSES * coarse
            )
    more["peak_bytes"] = comm.reduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    if solution.field is None:
        return
    field, clock = solution.field, Clock()
    flow = field.velocity_integral[0] / case.length if case.periodic else -field.flux("inlet")
    clock.parts = {name.replace("setup", "set-up"): seconds for name, seconds in solution.seconds.items()}
    version = f"chipsim {chipsim.__version__}, DOLFINx {dolfinx.__version__}"
    measure = field.integrate(lambda x, u, p: 1.0 + 0.0 * p)
    iterations = solution.iterations if solution.iterations > 1 else 0
    report(clock, flow=flow, unknowns=solution.unknowns, measure=measure, version=version, solver=solution.method,
           iterations=iterations, **more)  # fmt: skip


def _operations() -> float:
    """Floating-point operations of this rank in KSP solves so far; 0 unless they are counted."""
    return float(PETSc.Log.Event("KSPSolve").getPerfInfo()["flops"]) if PETSc.Log.isActive() else 0.0


def _coarse_nonzeros(system: Stokes) -> float:
    """Nonzeros of the multigrid's coarse operators, all components and ranks."""
    total = 0.0
    for sub in system._solver._ksp.getPC().getFieldSplitSubKSP():
        if sub.getPC().getType() == "mg":
            operator, _ = sub.getPC().getMGCoarseSolve().getOperators()
            total += operator.getInfo(PETSc.Mat.InfoType.GLOBAL_SUM)["nz_used"]
    return total


if __name__ == "__main__":
    run_once(solve, rank=MPI.COMM_WORLD.rank)
