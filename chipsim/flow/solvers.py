"""Linear solvers of the reduced Stokes system: LDL^T for plane problems, MINRES with p-multigrid in space.

Options and their reasons are those measured for this problem class: an indefinite symmetric factorisation is fastest for
up to some hundred traps in the plane; in space MINRES with a block preconditioner (two-level p-multigrid for each velocity
component, the pressure mass matrix for the Schur complement) grows linearly.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from petsc4py import PETSc

_number = itertools.count()


class SolverError(RuntimeError):
    """A solve that did not end well; there is no result."""


@dataclass(frozen=True)
class LinearResult:
    """Solution with what is known of the solve; the residual is relative to that of no flow."""

    x: PETSc.Vec
    method: str
    iterations: int
    residual: float


@dataclass(frozen=True)
class Level:
    """What p-multigrid needs for one velocity component: the P1 matrix and the way from P1 to P2, both reduced."""

    coarse: PETSc.Mat
    interpolation: PETSc.Mat


def solve_direct(matrix: PETSc.Mat, rhs: PETSc.Vec) -> LinearResult:
    """Factorise a nested symmetric indefinite system with MUMPS (LDL^T) and solve it.

    Raises:
        SolverError: The factorisation failed or left a residual above 1e-8.
    """
    flat = PETSc.Mat()
    matrix.convert("aij", flat)
    flat.setOption(PETSc.Mat.Option.SYMMETRIC, True)
    # A rank's rows of the flat matrix are its rows of the blocks, one block after the other.
    b, x = flat.createVecLeft(), flat.createVecRight()
    b.array[:] = np.concatenate([part.array for part in rhs.getNestSubVecs()])
    ksp = _ksp(matrix.comm, {"ksp_type": "preonly", "pc_type": "cholesky", "pc_factor_mat_solver_type": "mumps",
                             "mat_mumps_icntl_14": 60, "mat_mumps_icntl_24": 0})  # fmt: skip
    ksp.setOperators(flat)
    ksp.setFromOptions()
    try:
        ksp.solve(b, x)
    except PETSc.Error as error:
        raise SolverError(
            f"the factorisation failed ({error}); the system is singular or memory ran out"
        ) from None
    _require_converged(ksp, "the factorisation")
    residual = flat.createVecLeft()
    flat.mult(x, residual)
    residual.axpy(-1.0, b)
    relative = residual.norm() / b.norm()
    if not relative < 1e-8:
        raise SolverError(
            f"the factorisation left a relative residual of {relative:.1e}, above 1e-8; the system is near singular"
        )
    out, start = rhs.copy(), 0
    for part in out.getNestSubVecs():
        part.array[:] = x.array[start : start + len(part.array)]
        start += len(part.array)
    return LinearResult(out, "MUMPS LDL^T", 1, relative)


def solve_minres(
    matrix: PETSc.Mat, rhs: PETSc.Vec, mass: PETSc.Mat, levels: list[Level], rtol: float
) -> LinearResult:
    """MINRES on the nested system to a relative (preconditioned) residual ``rtol``.

    Raises:
        SolverError: It did not converge.
    """
    dim = len(levels)
    ksp = _ksp(matrix.comm, _minres_options(dim, rtol))
    prefix = ksp.getOptionsPrefix()
    ksp.setOperators(matrix, _preconditioner_matrix(matrix, mass, dim))
    ksp.setFromOptions()
    ksp.setConvergenceHistory()
    pc = ksp.getPC()
    rows = matrix.getNestISs()[0]
    pc.setFieldSplitIS(*[(str(i), rows[i]) for i in range(dim + 1)])
    pc.setUp()
    for i, sub in enumerate(pc.getFieldSplitSubKSP()[:dim]):
        # The prefix must be there before the levels are made, or their options are ignored without a word.
        mg = sub.getPC()
        mg.setOptionsPrefix(f"{prefix}fieldsplit_{i}_")
        mg.setType("mg")
        mg.setMGLevels(2)
        mg.setMGInterpolation(1, levels[i].interpolation)
        mg.getMGCoarseSolve().setOperators(levels[i].coarse)
        mg.getMGSmoother(1).setOperators(matrix.getNestSubMatrix(i, i))
        mg.setFromOptions()
    x = rhs.copy()
    x.set(0.0)
    try:
        ksp.solve(rhs, x)
    except PETSc.Error as error:
        raise SolverError(f"MINRES failed ({error})") from None
    _require_converged(ksp, "MINRES")
    history = ksp.getConvergenceHistory()
    return LinearResult(
        x, "MINRES with p-multigrid", ksp.getIterationNumber(), float(history[-1] / history[0])
    )


def _minres_options(dim: int, rtol: float) -> dict[str, Any]:
    """One V-cycle for each velocity component, three Chebyshev steps on the pressure mass matrix."""
    chebyshev = {"ksp_type": "chebyshev", "pc_type": "jacobi", "ksp_norm_type": "none"}
    options: dict[str, Any] = {"ksp_type": "minres", "ksp_rtol": rtol, "ksp_max_it": 1000, "pc_type": "fieldsplit",
                               "pc_fieldsplit_type": "additive"}  # fmt: skip
    for i in range(dim):
        u = f"fieldsplit_{i}_"
        options |= {
            f"{u}ksp_type": "preonly",
            f"{u}pc_type": "mg",
            f"{u}mg_levels_esteig_ksp_norm_type": "none",
        }
        options |= {f"{u}mg_levels_{k}": v for k, v in chebyshev.items()}
        options |= {f"{u}mg_levels_ksp_max_it": 2, f"{u}mg_levels_ksp_chebyshev_esteig": "0,0.1,0,1.1"}
        options |= {f"{u}mg_coarse_ksp_type": "preonly", f"{u}mg_coarse_pc_type": "hypre",
                    f"{u}mg_coarse_pc_hypre_type": "boomeramg",
                    f"{u}mg_coarse_pc_hypre_boomeramg_coarsen_type": "HMIS",
                    f"{u}mg_coarse_pc_hypre_boomeramg_interp_type": "ext+i",
                    f"{u}mg_coarse_pc_hypre_boomeramg_P_max": 4,
                    f"{u}mg_coarse_pc_hypre_boomeramg_strong_threshold": 0.5 if dim == 3 else 0.25}  # fmt: skip
    options |= {f"fieldsplit_{dim}_{k}": v for k, v in chebyshev.items()}
    options |= {
        f"fieldsplit_{dim}_ksp_max_it": 3,
        f"fieldsplit_{dim}_ksp_chebyshev_eigenvalues": "0.5,2.5" if dim == 3 else "0.5,2.0",
    }
    return options


def _preconditioner_matrix(matrix: PETSc.Mat, mass: PETSc.Mat, dim: int) -> PETSc.Mat:
    blocks = [[matrix.getNestSubMatrix(i, i) if i == j else None for j in range(dim + 1)] for i in range(dim)]
    return PETSc.Mat().createNest([*blocks, [None] * dim + [mass]], comm=matrix.comm)


def _ksp(comm: Any, options: dict[str, Any]) -> PETSc.KSP:
    ksp = PETSc.KSP().create(comm)
    prefix = f"chipsim_{next(_number)}_"
    ksp.setOptionsPrefix(prefix)
    database = PETSc.Options()
    for name, value in options.items():
        database[prefix + name] = value
    return ksp


def _require_converged(ksp: PETSc.KSP, what: str) -> None:
    reason = ksp.getConvergedReason()
    if reason <= 0:
        raise SolverError(
            f"{what} did not converge (PETSc reason {reason}, {ksp.getIterationNumber()} iterations); refine or repair the mesh"
        )
