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

# A product reads a value (8 bytes) and a column (4) for each nonzero; vectors are not counted.
_BYTES_PER_NONZERO = 12.0
# hypre's V-cycle: a sweep down, a residual and a sweep up; with P_max 4 and PMIS the coarser levels have some 0.6 of the finest.
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
    system = Stokes(mesh, dim, problem, comm)
    solution = system.solve(load)
    more: dict[str, Any] = {"ranks": comm.size}
    more["peak_bytes"] = comm.reduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    if option == "count":
        more["moved_bytes"] = _BYTES_PER_NONZERO * _nonzeros_read(system) * solution.iterations
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


def _nonzeros_read(system: Stokes) -> float:
    """Nonzeros that one iteration of MINRES reads: in the product with the system, and in the preconditioner."""
    saddle, blocks = system._solver.system, system._solver.blocks
    velocity = 3 * _nonzeros(saddle.stiffness) + 2 * _nonzeros(blocks.level.interpolation)
    pressure = 2 * sum(_nonzeros(B) for B in saddle.divergence) + 3 * _nonzeros(blocks.mass)
    return velocity + pressure + _COARSE_PASSES * sum(_nonzeros(m) for m in blocks.level.coarse)


def _nonzeros(matrix: PETSc.Mat) -> float:
    if matrix.getType() == "hypre":  # which does not tell
        matrix = matrix.convert("aij", PETSc.Mat())
    return matrix.getInfo(PETSc.Mat.InfoType.GLOBAL_SUM)["nz_used"]


if __name__ == "__main__":
    run_once(solve, rank=MPI.COMM_WORLD.rank)
