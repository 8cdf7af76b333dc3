"""Which linear solver a Stokes system gets, the factorisation (LDL^T), and how a solve may end.

An indefinite symmetric factorisation is fastest for up to some hundred traps in the plane; in space MINRES with a block
preconditioner (:mod:`chipsim.flow.minres`) grows linearly.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow import single

_number = itertools.count()

#: Unknowns from which on the factorisation compresses its blocks (some 250 traps), and from which on it is left alone.
_BLOCK_LOW_RANK = 1_500_000
_MOST_DIRECT = 8_000_000
#: Largest relative residual of a factorisation, and at which refinement ends.
_DIRECT_RESIDUAL, _REFINED = 1e-8, 1e-11
#: In the plane: approximate minimum degree on the graph as it is, by MUMPS's array ICNTL. By its own choice (pairs of unknowns
#: compressed to one node) the factors of an array of 64 traps are a fifth larger and take half as long again; by SCOTCH they are
#: 7 % smaller, but to order takes longer than all the rest.
_IN_THE_PLANE = {7: 0, 12: 1}
#: Numbers of further settings in ICNTL: MUMPS's own refinement, workspace beyond the estimate (per cent), block low-rank.
_REFINEMENT, _WORKSPACE, _COMPRESSION = 10, 14, 35
#: What that compression leaves out of factors in single precision: about what these round off.
_DROPPED = 1e-6
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

    On one process the factors are in single precision and refined with residuals in double precision, two to four times.
    Where that cannot be, or does not converge, they are in double precision.

    Args:
        matrix: The nested matrix; it is destroyed, as half of its values are enough.
        refuse_double: Raises where double precision would not fit into the memory.

    Raises:
        SolverError: The factorisation failed.
    """

    def __init__(self, matrix: PETSc.Mat, refuse_double: Callable[[], None] = lambda: None) -> None:
        self._refuse_double = refuse_double
        plane = matrix.getNestSize()[0] == 3
        self._flat = PETSc.Mat()
        matrix.convert("aij", self._flat)
        matrix.destroy()
        give_back()
        self._flat.setOption(PETSc.Mat.Option.SYMMETRIC, True)
        upper = None
        if single.possible(self._flat.comm):
            upper = _upper_triangle(self._flat)
        self._flat.convert("sbaij")
        give_back()
        self._ksp: PETSc.KSP | None = None
        self._single: single.Factors | None = None
        size = self._flat.getSize()[0]
        self._low_rank = size >= _BLOCK_LOW_RANK
        self._controls = (
            {_WORKSPACE: 60}
            | (_IN_THE_PLANE if plane else {})
            | ({_COMPRESSION: 2} if self._low_rank else {})
        )
        if upper is not None:
            self._single = single.Factors(upper, size, self._controls, _DROPPED if self._low_rank else 0.0)
            del upper
            give_back()
        if self._single is None or self._single.error:
            self._factorise()

    def _factorise(self) -> None:
        """In double precision, which has the last word on what fails."""
        self._single = None
        give_back()
        self._refuse_double()
        options: dict[str, Any] = {"ksp_type": "preonly", "pc_type": "cholesky", "pc_factor_mat_solver_type": "mumps",
                                   "mat_mumps_icntl_24": 0}  # fmt: skip
        if self._low_rank:
            # Two steps of refinement win back what the compression leaves out.
            options |= {"mat_mumps_cntl_7": 1e-10, f"mat_mumps_icntl_{_REFINEMENT}": 2}
        options |= {f"mat_mumps_icntl_{number}": value for number, value in self._controls.items()}
        self._ksp = krylov(self._flat.comm, options)
        self._ksp.setOperators(self._flat)
        self._ksp.setFromOptions()
        self._ksp.setUp()
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
        if self._single is not None and not self._refine(self._single, b, x):
            self._factorise()
        if self._ksp is not None:
            self._ksp.solve(b, x)
            require_converged(self._ksp, "the factorisation")
        relative = self._residual(b, x).norm() / (b.norm() or 1.0)
        if not relative < _DIRECT_RESIDUAL:
            raise SolverError(
                f"the factorisation left a relative residual of {relative:.1e}, above {_DIRECT_RESIDUAL:g}; "
                "the system is near singular"
            )
        return Linear(_nested(x, rhs), rhs, self._method, 1, relative)

    @property
    def _method(self) -> str:
        kind = ", block low-rank" * self._low_rank
        return f"MUMPS LDL^T{kind}" + ", single precision" * (self._ksp is None)

    def _refine(self, factors: single.Factors, b: PETSc.Vec, x: PETSc.Vec) -> bool:
        """Solve by iterative refinement; whether it converged."""
        x.set(0.0)
        left, last = b.copy(), np.inf
        while not (norm := left.norm()) <= _REFINED * b.norm():  # nor where it is no number
            if not norm < 0.1 * last:
                # Rounding of the residual itself may end it a little earlier.
                return norm < _DIRECT_RESIDUAL * b.norm()
            x.array[:] += factors.solve(left.array)
            left, last = self._residual(b, x), norm
        return True

    def _residual(self, b: PETSc.Vec, x: PETSc.Vec) -> PETSc.Vec:
        out = self._flat.createVecLeft()
        self._flat.mult(x, out)
        out.aypx(-1.0, b)
        return out

    def close(self) -> None:
        """Give back the factors."""
        self._single = None
        if self._ksp is not None:
            self._ksp.destroy()

    def divergence(self, x: PETSc.Vec, component: int) -> PETSc.Vec:
        """What one velocity component of a nested vector adds to the discrete divergence."""
        alone = x.copy()
        for c, part in enumerate(alone.getNestSubVecs()):
            if c != component:
                part.set(0.0)
        flat, out = self._flat.createVecRight(), self._flat.createVecLeft()
        flat.array[:] = np.concatenate([part.array for part in alone.getNestSubVecs()])
        self._flat.mult(flat, out)
        return _nested(out, x).getNestSubVecs()[-1]


def _upper_triangle(matrix: PETSc.Mat) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Rows, columns (counted from 1) and values of a matrix on one process, on and above the diagonal."""
    pointer, columns, values = matrix.getValuesCSR()
    rows = np.repeat(np.arange(1, len(pointer), dtype=np.int32), np.diff(pointer))
    columns = columns.astype(np.int32, copy=False)
    columns += 1
    kept = columns >= rows
    return rows[kept], columns[kept], values[kept].astype(np.float32)


def give_back() -> None:
    """Return what was freed to the system: glibc keeps arrays of megabytes, and the factors would come on top of them."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _nested(flat: PETSc.Vec, like: PETSc.Vec) -> PETSc.Vec:
    """A flat vector in blocks like those of another."""
    out, start = like.copy(), 0
    for part in out.getNestSubVecs():
        part.array[:] = flat.array[start : start + len(part.array)]
        start += len(part.array)
    return out


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
