"""Linear solvers of the reduced Stokes system: LDL^T for plane problems, MINRES with multigrid in space.

Options and their reasons are those measured for this problem class: an indefinite symmetric factorisation is fastest for
up to some hundred traps in the plane; in space MINRES with a block preconditioner (two-level multigrid for each velocity
component, the pressure mass matrix for the Schur complement) grows linearly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from petsc4py import PETSc

if TYPE_CHECKING:
    from chipsim.flow.multigrid import Level

_number = itertools.count()

#: Unknowns from which on the factorisation compresses its blocks (some 250 traps), and from which on it is left alone.
_BLOCK_LOW_RANK = 1_500_000
_MOST_DIRECT = 8_000_000
#: Largest relative residual of a factorisation, of the two kinds.
_DIRECT_RESIDUAL = 1e-8
#: MUMPS's error codes (its users' guide, section 8).
_SINGULAR = {-6, -10}
_NO_MEMORY = {-5, -7, -8, -9, -11, -13, -14, -15, -17, -19, -20}


class SolverError(RuntimeError):
    """A solve that did not end well; there is no result."""


@dataclass(frozen=True)
class Linear:
    """Solution of a linear system with what is known of the solve; the residual is relative to that of no flow."""

    x: PETSc.Vec
    rhs: PETSc.Vec
    method: str
    iterations: int
    residual: float


@dataclass(frozen=True)
class Preconditioner:
    """Blocks of the preconditioner: multigrid levels of the velocity components, and the Schur complement's parts.

    Attributes:
        levels: One for each velocity component.
        mass: Reduced pressure mass matrix.
        laplacian: Reduced pressure Laplacian over the drag; None without drag.
    """

    levels: Sequence[Level]
    mass: PETSc.Mat
    laplacian: PETSc.Mat | None = None


def choose(dim: int, unknowns: int) -> str:
    """The method for a problem: ``"direct"`` in the plane up to some thousand traps, else ``"minres"``."""
    return "direct" if dim == 2 and unknowns < _MOST_DIRECT else "minres"


class Direct:
    """A factorised nested symmetric indefinite system (MUMPS, LDL^T), for any number of right-hand sides.

    Raises:
        SolverError: The factorisation failed.
    """

    def __init__(self, matrix: PETSc.Mat) -> None:
        self._flat = PETSc.Mat()
        matrix.convert("aij", self._flat)
        self._flat.setOption(PETSc.Mat.Option.SYMMETRIC, True)
        options: dict[str, Any] = {"ksp_type": "preonly", "pc_type": "cholesky", "pc_factor_mat_solver_type": "mumps",
                                   "mat_mumps_icntl_14": 60, "mat_mumps_icntl_24": 0}  # fmt: skip
        self._method = "MUMPS LDL^T"
        if self._flat.getSize()[0] >= _BLOCK_LOW_RANK:
            # Two steps of refinement win back what the compression leaves out.
            options |= {"mat_mumps_icntl_35": 2, "mat_mumps_cntl_7": 1e-10, "mat_mumps_icntl_10": 2}
            self._method = "MUMPS LDL^T, block low-rank"
        self._ksp = _ksp(matrix.comm, options)
        self._ksp.setOperators(self._flat)
        self._ksp.setFromOptions()
        self._ksp.setUp()
        self._require_factors()

    def _require_factors(self) -> None:
        code = self._ksp.getPC().getFactorMatrix().getMumpsInfog(1)
        if code in _SINGULAR:
            raise SolverError("the factorisation failed: the system is singular")
        if code in _NO_MEMORY:
            raise SolverError(
                f"the factorisation failed: out of memory for {self._flat.getSize()[0]} unknowns; coarsen the mesh"
            )
        if code < 0:
            raise SolverError(f"the factorisation failed: MUMPS error {code}")

    def solve(self, rhs: PETSc.Vec) -> Linear:
        """Solve for one right-hand side.

        Raises:
            SolverError: The residual is above 1e-8.
        """
        # A rank's rows of the flat matrix are its rows of the blocks, one block after the other.
        b, x = self._flat.createVecLeft(), self._flat.createVecRight()
        b.array[:] = np.concatenate([part.array for part in rhs.getNestSubVecs()])
        self._ksp.solve(b, x)
        _require_converged(self._ksp, "the factorisation")
        residual = self._flat.createVecLeft()
        self._flat.mult(x, residual)
        residual.axpy(-1.0, b)
        relative = residual.norm() / (b.norm() or 1.0)
        if not relative < _DIRECT_RESIDUAL:
            raise SolverError(
                f"the factorisation left a relative residual of {relative:.1e}, above {_DIRECT_RESIDUAL:g}; "
                "the system is near singular"
            )
        out, start = rhs.copy(), 0
        for part in out.getNestSubVecs():
            part.array[:] = x.array[start : start + len(part.array)]
            start += len(part.array)
        return Linear(out, rhs, self._method, 1, relative)


class Minres:
    """MINRES on a nested system with its preconditioner set up, for any number of right-hand sides.

    Args:
        matrix: The nested matrix.
        blocks: Parts of the preconditioner.
        null: Null space; None: the matrix is regular.
        rtol: Relative tolerance of the preconditioned residual.
    """

    def __init__(
        self, matrix: PETSc.Mat, blocks: Preconditioner, null: PETSc.NullSpace | None, rtol: float
    ) -> None:
        dim = len(blocks.levels)
        self._null = null
        if null is not None:
            matrix.setNullSpace(null)
        self._ksp = _ksp(matrix.comm, _minres_options(dim, rtol, blocks.laplacian is not None))
        prefix = self._ksp.getOptionsPrefix()
        self._ksp.setOperators(matrix, _preconditioner_matrix(matrix, blocks.mass, dim))
        self._ksp.setFromOptions()
        self._ksp.setConvergenceHistory()
        pc = self._ksp.getPC()
        rows = matrix.getNestISs()[0]
        pc.setFieldSplitIS(*[(str(i), rows[i]) for i in range(dim + 1)])
        pc.setUp()
        subs = pc.getFieldSplitSubKSP()
        for i, level in enumerate(blocks.levels):
            # The prefix must be there before the levels are made, or their options are ignored without a word.
            mg = subs[i].getPC()
            mg.setOptionsPrefix(f"{prefix}fieldsplit_{i}_")
            mg.setType("mg")
            mg.setMGLevels(2)
            mg.setMGInterpolation(1, level.interpolation)
            mg.getMGCoarseSolve().setOperators(level.coarse)
            mg.getMGSmoother(1).setOperators(matrix.getNestSubMatrix(i, i))
            mg.setFromOptions()
            mg.setUp()
        if blocks.laplacian is not None:
            _add_laplacian(subs[dim].getPC(), blocks, f"{prefix}fieldsplit_{dim}_")

    def solve(self, rhs: PETSc.Vec) -> Linear:
        """Solve for one right-hand side.

        Raises:
            SolverError: It did not converge.
        """
        if self._null is not None:
            self._null.remove(rhs)
        x = rhs.copy()
        x.set(0.0)
        if rhs.norm() == 0:
            return Linear(x, rhs, "MINRES with multigrid", 0, 0.0)
        self._ksp.setConvergenceHistory(reset=True)
        self._ksp.solve(rhs, x)
        _require_converged(self._ksp, "MINRES")
        history = self._ksp.getConvergenceHistory()
        return Linear(
            x, rhs, "MINRES with multigrid", self._ksp.getIterationNumber(), float(history[-1] / history[0])
        )


_CHEBYSHEV = {"ksp_type": "chebyshev", "pc_type": "jacobi", "ksp_norm_type": "none"}


def _minres_options(dim: int, rtol: float, drag: bool) -> dict[str, Any]:
    """One V-cycle for each velocity component, three Chebyshev steps on the pressure mass matrix."""
    options: dict[str, Any] = {"ksp_type": "minres", "ksp_rtol": rtol, "ksp_max_it": 1000, "pc_type": "fieldsplit",
                               "pc_fieldsplit_type": "additive"}  # fmt: skip
    for i in range(dim):
        u = f"fieldsplit_{i}_"
        options |= {f"{u}ksp_type": "preonly", f"{u}pc_type": "mg"}
        options |= {f"{u}mg_levels_{k}": v for k, v in _CHEBYSHEV.items()}
        options |= {
            f"{u}mg_levels_ksp_max_it": 1,
            f"{u}mg_levels_ksp_chebyshev_esteig": "0,0.1,0,1.1",
            f"{u}mg_levels_esteig_ksp_type": "cg",
            f"{u}mg_levels_esteig_ksp_norm_type": "none",
        }
        options |= {f"{u}mg_coarse_{k}": v for k, v in _boomeramg().items()}
    p = f"fieldsplit_{dim}_"
    mass = {**_CHEBYSHEV, "ksp_max_it": 3, "ksp_chebyshev_eigenvalues": "0.5,2.5" if dim == 3 else "0.5,2.0"}
    if not drag:
        return options | {f"{p}{k}": v for k, v in mass.items()}
    # Cahouet-Chabard: the Schur complement's inverse is that of the mass matrix plus drag times that of the Laplacian.
    options |= {f"{p}ksp_type": "preonly", f"{p}pc_type": "composite", f"{p}pc_composite_type": "additive",
                f"{p}pc_composite_pcs": "ksp,ksp"}  # fmt: skip
    options |= {f"{p}sub_0_ksp_{k}": v for k, v in mass.items()}
    return options | {f"{p}sub_1_ksp_{k}": v for k, v in _boomeramg().items()}


def _boomeramg() -> dict[str, Any]:
    """One V-cycle with hypre's symmetric sweeps, its default.

    Forward sweeps down and backward sweeps up cost half and take a quarter more iterations, but newer versions of hypre do not
    make them symmetric, which MINRES needs.
    """
    h = "pc_hypre_boomeramg_"
    return {"ksp_type": "preonly", "pc_type": "hypre", "pc_hypre_type": "boomeramg", f"{h}coarsen_type": "PMIS",
            f"{h}interp_type": "ext+i", f"{h}P_max": 4, f"{h}strong_threshold": 0.25}  # fmt: skip


def _add_laplacian(pc: PETSc.PC, blocks: Preconditioner, prefix: str) -> None:
    pc.setOptionsPrefix(prefix)
    pc.setFromOptions()
    for i, operator in enumerate((blocks.mass, blocks.laplacian)):
        sub = pc.getCompositePC(i)
        sub.setOperators(operator, operator)


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


# What PETSc's reasons mean to whoever made the mesh.
_REASONS = {
    -3: "the iterations ran out; the system is near singular or cells are too flat",
    -8: "the system is singular or a cell is turned inside out",
    -9: "a number overflowed",
    -11: "the preconditioner could not be set up",
}


def _require_converged(ksp: PETSc.KSP, what: str) -> None:
    reason = ksp.getConvergedReason()
    if reason <= 0:
        why = _REASONS.get(reason, f"PETSc's reason {reason}")
        raise SolverError(f"{what} did not converge in {ksp.getIterationNumber()} iterations: {why}")
