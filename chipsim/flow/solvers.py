"""Which linear solver a Stokes system gets, the factorisation (LDL^T), and how a solve may end.

An indefinite symmetric factorisation is fastest for up to some hundred traps in the plane; in space MINRES with a block
preconditioner (:mod:`chipsim.flow.minres`) grows linearly.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from petsc4py import PETSc

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
        self._ksp = krylov(matrix.comm, options)
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
        require_converged(self._ksp, "the factorisation")
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


def krylov(comm: Any, options: dict[str, Any]) -> PETSc.KSP:
    """A PETSc solver with its options, under a prefix of its own."""
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


def require_converged(ksp: PETSc.KSP, what: str) -> None:
    """Refuse a solve that PETSc ended without a solution."""
    reason = ksp.getConvergedReason()
    if reason <= 0:
        why = _REASONS.get(reason, f"PETSc's reason {reason}")
        raise SolverError(f"{what} did not converge in {ksp.getIterationNumber()} iterations: {why}")
