"""MINRES for Stokes flow: the components of the velocity share one matrix, which a product reads once for all of them.

Products are bound by what they read. So unknowns that a component holds fixed are not taken out of its matrix but held at zero
(see :mod:`chipsim.flow.constraints`), and the scalar matrix is multiplied with a dense one that has a column for each
component. The preconditioner is block diagonal: a two-level V-cycle for the velocity, with a damped Jacobi sweep before and
after, and for the pressure the inverse of its mass matrix (with drag, and along a channel, whose walls are a drag to what varies
over more than its width, Cahouet and Chabard's sum).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow.multigrid import Level
from chipsim.flow.solvers import Linear, SolverError, krylov, require_converged

METHOD = "MINRES with multigrid"

# Two sweeps of Jacobi, damped for the upper end of the spectrum that Chebyshev's polynomials of degree 1 take: from 0.1 to 1.1
# times the largest eigenvalue.
_DAMPING = 2.0 / (0.1 + 1.1)
_EIGENVALUE_STEPS = 10


@dataclass(frozen=True)
class Saddle:
    """The Stokes system, with fixed velocities held at zero.

    Attributes:
        stiffness: The scalar operator of each velocity component.
        divergence: Minus the divergence of each component; its transpose is the pressure's gradient.
        held: Local numbers of what each component holds at zero.
    """

    stiffness: PETSc.Mat
    divergence: list[PETSc.Mat]
    held: list[NDArray[np.int64]]


@dataclass(frozen=True)
class Blocks:
    """What the preconditioner is made of.

    Attributes:
        level: The velocity's coarse level.
        mass: The pressure's mass matrix.
        laplacian: The pressure's Laplacian over the drag, or what a channel has for one; None without either.
    """

    level: Level
    mass: PETSc.Mat
    laplacian: PETSc.Mat | None = None


class Minres:
    """MINRES with its preconditioner set up, for any number of right-hand sides.

    Args:
        system: The system.
        blocks: Parts of the preconditioner.
        null: Null space; None: the matrix is regular.
        rtol: Relative tolerance of the preconditioned residual.

    Attributes:
        system: The system.
        blocks: Parts of the preconditioner.
    """

    def __init__(self, system: Saddle, blocks: Blocks, null: PETSc.NullSpace | None, rtol: float) -> None:
        self.system, self.blocks, self._null = system, blocks, null
        comm = system.stiffness.comm
        shared = Shared(system.stiffness, len(system.held))
        # Local and global numbers of velocities and pressures.
        parts = [B.getSizes()[1] for B in system.divergence] + [system.divergence[0].getSizes()[0]]
        size = tuple(sum(numbers) for numbers in zip(*parts, strict=True))
        matrix = PETSc.Mat().createPython((size, size), _Operator(system, shared), comm=comm)
        matrix.setUp()
        if null is not None:
            matrix.setNullSpace(null)
        self._ksp = krylov(comm, {"ksp_type": "minres", "ksp_rtol": rtol, "ksp_max_it": 1000})
        self._ksp.setOperators(matrix)
        self._ksp.setFromOptions()
        self._ksp.setConvergenceHistory()
        pc = self._ksp.getPC()
        pc.setType("python")
        pc.setPythonContext(_BlockDiagonal(system, shared, blocks))
        pc.setUp()

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
            return Linear(x, rhs, METHOD, 0, 0.0)
        self._ksp.setConvergenceHistory(reset=True)
        self._ksp.solve(rhs, x)
        require_converged(self._ksp, "MINRES")
        history = self._ksp.getConvergenceHistory()
        residual = float(history[-1] / history[0])
        if residual > self._ksp.getTolerances()[0]:
            # PETSc calls the least residual of an inconsistent system a solution.
            raise SolverError(
                f"MINRES ended at a relative residual of {residual:.1e}: the system is singular"
            )
        return Linear(x, rhs, METHOD, self._ksp.getIterationNumber(), residual)

    def close(self) -> None:
        """Give back the solver, whose Python contexts PETSc would keep beyond a clean-up over ranks."""
        self._ksp.destroy()

    def divergence(self, x: PETSc.Vec, component: int) -> PETSc.Vec:
        """What one velocity component of a nested vector adds to the discrete divergence."""
        return self.system.divergence[component] * x.getNestSubVecs()[component]


class Shared:
    """A scalar matrix for all components at once: fill ``x``, call, read ``y``.

    Args:
        matrix: The matrix.
        components: How many.

    Attributes:
        x: This rank's part of the factor, a column for each component.
        y: The same of the product.
    """

    def __init__(self, matrix: PETSc.Mat, components: int) -> None:
        self.matrix = matrix
        _, columns = matrix.getSizes()
        self._factor = PETSc.Mat().createDense((columns, (None, components)), comm=matrix.comm)
        self._factor.setUp()
        self._factor.assemble()
        self._product = matrix.matMult(self._factor)
        # Both in place, columns one after the other; they live as long as the matrices, which must not be replaced.
        self.x: NDArray[np.float64] = self._factor.getDenseArray()
        self.y: NDArray[np.float64] = self._product.getDenseArray()

    def __call__(self) -> None:
        """Multiply."""
        self.matrix.matMult(self._factor, result=self._product)


class _Operator:
    """The system as PETSc multiplies with it; both vectors are nested, a part for each component and the pressure.

    The factor must be zero where velocities are held, as right-hand sides and what the preconditioner returns are.
    """

    def __init__(self, system: Saddle, shared: Shared) -> None:
        self._system, self._shared = system, shared

    def mult(self, _: PETSc.Mat, x: PETSc.Vec, y: PETSc.Vec) -> None:
        (*velocity, pressure), (*momentum, continuity) = x.getNestSubVecs(), y.getNestSubVecs()
        for c, part in enumerate(velocity):
            self._shared.x[:, c] = part.array_r
        self._shared()
        continuity.set(0.0)
        for c, (B, part) in enumerate(zip(self._system.divergence, momentum, strict=True)):
            part.array[:] = self._shared.y[:, c]
            B.multTransposeAdd(pressure, part, part)
            part.array[self._system.held[c]] = 0.0
            B.multAdd(velocity[c], continuity, continuity)


class _BlockDiagonal:
    """The preconditioner, for vectors like the system's."""

    def __init__(self, system: Saddle, shared: Shared, blocks: Blocks) -> None:
        self._velocity = VCycle(shared, system.held, blocks.level)
        comm, dim = system.stiffness.comm, len(system.held)
        # Three Chebyshev steps between the ends of the spectrum that Jacobi leaves of the P1 mass matrix.
        ends = "0.5,2.5" if dim == 3 else "0.5,2.0"
        chebyshev = {"ksp_type": "chebyshev", "pc_type": "jacobi", "ksp_norm_type": "none", "ksp_max_it": 3,
                     "ksp_chebyshev_eigenvalues": ends}  # fmt: skip
        self._pressure = [_inner(comm, chebyshev, blocks.mass)]
        self._more = blocks.mass.createVecRight()
        if blocks.laplacian is not None:
            # Cahouet-Chabard: about the Schur complement's inverse is the mass matrix' plus drag times the Laplacian's.
            self._pressure.append(_inner(comm, _boomeramg(), blocks.laplacian))

    def apply(self, _: PETSc.PC, x: PETSc.Vec, y: PETSc.Vec) -> None:
        (*momentum, continuity), (*velocity, pressure) = x.getNestSubVecs(), y.getNestSubVecs()
        corrected = self._velocity([part.array_r for part in momentum])
        for c, part in enumerate(velocity):
            part.array[:] = corrected[:, c]
        first, *others = self._pressure
        first.solve(continuity, pressure)
        for other in others:
            other.solve(continuity, self._more)
            pressure.axpy(1.0, self._more)


class VCycle:
    """One V-cycle for all velocity components: Jacobi, the coarse level by algebraic multigrid, Jacobi.

    Args:
        shared: The matrix.
        held: Local numbers of what each component holds at zero.
        level: The coarse level.
    """

    def __init__(self, shared: Shared, held: Sequence[NDArray[np.int64]], level: Level) -> None:
        self._fine, self._held, self._level = shared, held, level
        dim = len(held)
        self._down = Shared(level.interpolation.transpose(PETSc.Mat()), dim)
        self._up = Shared(level.interpolation, dim)
        self._coarse = [_inner(level.interpolation.comm, _boomeramg(), matrix) for matrix in level.coarse]
        diagonal = shared.matrix.getDiagonal()
        weight = _DAMPING / (self._largest_eigenvalue() * diagonal.array)
        self._weights = np.asfortranarray(np.repeat(weight[:, None], dim, axis=1))
        for c, numbers in enumerate(held):
            self._weights[numbers, c] = 0.0
        self._residual = np.empty_like(shared.x)

    def _largest_eigenvalue(self) -> float:
        """Of the matrix after Jacobi's scaling, by a few steps of conjugate gradients; held unknowns only make it smaller."""
        ksp = krylov(
            self._fine.matrix.comm,
            {"ksp_type": "cg", "pc_type": "jacobi", "ksp_norm_type": "none", "ksp_max_it": _EIGENVALUE_STEPS},
        )
        ksp.setOperators(self._fine.matrix)
        ksp.setFromOptions()
        ksp.setComputeEigenvalues(True)
        x, noise = self._fine.matrix.createVecs()
        noise.array[:] = np.random.default_rng(0).uniform(-1.0, 1.0, len(noise.array))
        ksp.solve(noise, x)
        return float(ksp.computeEigenvalues().real.max())

    @cached_property
    def _columns(self) -> list[tuple[PETSc.Vec, PETSc.Vec]]:
        """Right-hand side and solution of each component's coarse problem, in place."""
        return [
            tuple(
                PETSc.Vec().createWithArray(side[:, c], comm=self._fine.matrix.comm)
                for side in (self._down.y, self._up.x)
            )
            for c in range(len(self._held))
        ]

    def __call__(self, rhs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """An approximate solution.

        Args:
            rhs: This rank's right-hand side of each component.

        Returns:
            A column for each component; overwritten by the next call.
        """
        fine, down, up, residual = self._fine, self._down, self._up, self._residual
        for c, part in enumerate(rhs):
            residual[:, c] = part
        np.multiply(self._weights, residual, out=fine.x)
        fine()
        np.subtract(residual, fine.y, out=down.x)
        self._hold(down.x, self._held)
        down()
        self._hold(down.y, self._level.held)
        for solver, (b, x) in zip(self._coarse, self._columns, strict=True):
            solver.solve(b, x)
        up()
        self._hold(up.y, self._held)
        fine.x += up.y
        fine()
        np.subtract(residual, fine.y, out=residual)
        residual *= self._weights
        residual += fine.x
        return residual

    @staticmethod
    def _hold(columns: NDArray[np.float64], held: Sequence[NDArray[np.int64]]) -> None:
        for c, numbers in enumerate(held):
            columns[numbers, c] = 0.0


def _inner(comm: Any, options: dict[str, Any], matrix: PETSc.Mat) -> PETSc.KSP:
    ksp = krylov(comm, options)
    ksp.setOperators(matrix)
    ksp.setFromOptions()
    ksp.setUp()
    return ksp


def _boomeramg() -> dict[str, Any]:
    """One V-cycle with a forward sweep down and a backward sweep up, at little more than half the work of symmetric sweeps.

    MINRES takes as many iterations with them on open cells (64 of 64 at 79,000 unknowns), more on the published chip's periodic
    cell (61 instead of 49, in the same time).

    The coarsest level gets a symmetric sweep: newer versions of hypre do not eliminate symmetrically, as MINRES needs.
    """
    h = "pc_hypre_boomeramg_"
    return {"ksp_type": "preonly", "pc_type": "hypre", "pc_hypre_type": "boomeramg", f"{h}coarsen_type": "PMIS",
            f"{h}interp_type": "ext+i", f"{h}P_max": 4, f"{h}strong_threshold": 0.25,
            f"{h}relax_type_down": "l1-Gauss-Seidel", f"{h}relax_type_up": "backward-l1-Gauss-Seidel",
            f"{h}relax_type_coarse": "symmetric-SOR/Jacobi"}  # fmt: skip
