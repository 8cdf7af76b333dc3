"""The discrete equations of developed flow in the section of a bent duct, and Newton's method for them.

In the section x is r - R_c and y the height, both in half-heights X; h = 1 + eps x is r over R_c. The axial velocity w is over a
scale W, the velocity (u, v) in the section over eps (rho W X / mu) W, and with K = eps (rho W X / mu)^2 what is left of the
steady Navier-Stokes equations is::

    (h u)_x + (h v)_y = 0
    K (u u_x + v u_y) - w^2 / h     = -p_x + (viscosity of u) - eps^2 u / h^2
    K (u v_x + v v_y)               = -p_y + (viscosity of v)
    K (u w_x + v w_y + eps u w / h) = g / h + (viscosity of w) - eps^2 w / h^2

so that eps = 0 is Dean's limit of a wide bend, K = 0 creeping flow. Taylor-Hood elements; the convection is in its skew form,
which does no work whatever the mesh. As the forces of the bend do none either, the power balance holds as exactly as the
equations are solved (but for the divergence in the rate of strain of u and v, which weighs K eps times its square).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import ufl
from dolfinx import fem
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow import _compat
from chipsim.flow.assembly import _matrix, _vector
from chipsim.flow.boundary import Boundary
from chipsim.flow.constraints import on_regions
from chipsim.flow.field import Array, Field
from chipsim.flow.solvers import SolverError, krylov, require_converged
from chipsim.flow.stokes import Problem
from geometries.mesh import Mesh

_MOST_STEPS = 12
# Of the residual over the driving force.
_CONVERGED = 1e-12
# Exact for the convection on straight cells, where the duct is straight; h is linear, and 1 / h nearly.
_DEGREE = 7
# The ordering (7) is minimum degree, a quarter faster here than what MUMPS takes by itself.
_DIRECT = {
    "ksp_type": "preonly",
    "pc_type": "lu",
    "pc_factor_mat_solver_type": "mumps",
    "mat_mumps_icntl_7": 0,
    "mat_mumps_icntl_14": 60,
}


@dataclass(frozen=True)
class State:
    """What is solved for.

    Attributes:
        parts: u, v, w and p on all unknowns.
        gradient: g, over mu W / X^2.
    """

    parts: list[Array]
    gradient: float


class Bend:
    """The equations on one mesh, set up once for any curvature and strength of flow, on this process alone.

    Args:
        mesh: In um; regions ``wall`` and, of a half, ``symmetry``.
        half_height: X, um.

    Raises:
        SolverError: The mesh has no wall.
    """

    def __init__(self, mesh: Mesh, half_height: float) -> None:
        if "wall" not in mesh.regions:
            raise SolverError(f"a section has a region wall; this mesh has {', '.join(mesh.regions)}")
        self._mesh = mesh
        unit = replace(mesh, points=(mesh.points / half_height).astype(np.float64))
        domain, tags = _compat.distribute(unit, MPI.COMM_SELF, 2)
        self._V = fem.functionspace(domain, ("Lagrange", 2))
        self._Q = fem.functionspace(domain, ("Lagrange", 1))
        self._nodes = _compat.nodes_of_unknowns(self._V)
        self._constants = [fem.Constant(domain, PETSc.ScalarType(0.0)) for _ in range(3)]
        self._functions = [fem.Function(self._V) for _ in range(3)] + [fem.Function(self._Q)]
        self._write_forms(domain)
        self._kept = self._free(tags)
        self._offsets = np.concatenate([[0], np.cumsum([kept.getSize() for kept in self._kept])])
        self._measure(domain, tags)
        self._flat: PETSc.Mat | None = None
        self._ksp: PETSc.KSP | None = None
        #: Axial velocity of the straight duct at a unit gradient, on all unknowns.
        self.straight = self._solve_straight()

    @property
    def unknowns(self) -> int:
        """Free unknowns."""
        return int(self._offsets[-1])

    # -- the equations -----------------------------------------------------------------------------------------------------
    def _write_forms(self, domain: Any) -> None:
        eps, k, g = self._constants
        u, v, w, p = self._functions
        dx = ufl.Measure("dx", domain, metadata={"quadrature_degree": _DEGREE})
        h = 1 + eps * ufl.SpatialCoordinate(domain)[0]
        t, q = ufl.TestFunction(self._V), ufl.TestFunction(self._Q)

        def common(f: Any) -> Any:
            """Convection, in its skew form, and viscosity."""
            carried = (u * f.dx(0) + v * f.dx(1)) * t - (u * t.dx(0) + v * t.dx(1)) * f
            return k * h / 2 * carried + h * ufl.inner(ufl.grad(f), ufl.grad(t))

        residuals = [
            (common(u) - w**2 * t + eps**2 * u * t / h - p * (h * t.dx(0) + eps * t)) * dx,
            (common(v) - p * h * t.dx(1)) * dx,
            (common(w) + k * eps * u * w * t + eps**2 * w * t / h - g * t) * dx,
            -q * (h * u.dx(0) + h * v.dx(1) + eps * u) * dx,
        ]
        self._residuals = [fem.form(r) for r in residuals]
        trials = [ufl.TrialFunction(f.function_space) for f in self._functions]
        self._blocks: dict[tuple[int, int], Any] = {}
        for i, residual in enumerate(residuals):
            for j, (function, trial) in enumerate(zip(self._functions, trials, strict=True)):
                derivative = ufl.algorithms.expand_derivatives(ufl.derivative(residual, function, trial))
                if not derivative.empty():
                    self._blocks[i, j] = fem.form(derivative)
        self._one = fem.form(t * dx)
        # Twice the square of the rate of strain, all nine components; that of (u, v) weighs K eps as much.
        bent = eps * u / h
        axial = (w.dx(0) - eps * w / h) ** 2 + w.dx(1) ** 2
        within = 2 * (u.dx(0) ** 2 + v.dx(1) ** 2 + bent**2) + (u.dx(1) + v.dx(0)) ** 2
        self._dissipation = fem.form((axial + k * eps * within) * h * dx)

    def _free(self, tags: Any) -> list[PETSc.IS]:
        """Unknowns of u, v, w and p that are solved for; of p all but one, as it is known up to a constant."""
        boundary = Boundary(self._V, tags, self._mesh.regions, Problem(periodic=False))
        count = self._V.dofmap.index_map.size_local
        out = []
        for component in range(3):
            numbers = [n for name, n in self._mesh.regions.items() if boundary.fixed_in(name, component)]
            out.append(np.setdiff1d(np.arange(count), on_regions(self._V, tags, numbers)))
        out.append(np.arange(1, self._Q.dofmap.index_map.size_local))
        return [PETSc.IS().createGeneral(kept.astype(PETSc.IntType), MPI.COMM_SELF) for kept in out]

    def _measure(self, domain: Any, tags: Any) -> None:
        """Area, perimeter and the weights of the mean axial velocity."""
        self._weights = _vector(self._one).array.copy()
        self.area = float(self._weights.sum())
        wall = ufl.Measure("ds", domain, subdomain_data=tags)(self._mesh.regions["wall"])
        one = fem.Constant(domain, PETSc.ScalarType(1.0))
        self.perimeter = float(fem.assemble_scalar(fem.form(one * wall)))

    # -- straight duct -------------------------------------------------------------------------------------------------------
    def _solve_straight(self) -> NDArray[np.float64]:
        """Axial velocity of the straight duct at a unit gradient, on all unknowns."""
        self._set(State(self.rest(), 1.0), 0.0, 0.0)
        kept = self._kept[2]
        matrix = _matrix(self._blocks[2, 2]).createSubMatrix(kept, kept)
        ksp = krylov(MPI.COMM_SELF, _DIRECT)
        ksp.setOperators(matrix)
        ksp.setFromOptions()
        rhs = _vector(self._residuals[2]).getSubVector(kept)
        x = matrix.createVecRight()
        ksp.solve(-rhs, x)
        require_converged(ksp, "the factorisation")
        ksp.destroy()
        out = self.rest()[2]
        out[kept.getIndices()] = x.array
        return out

    def rest(self) -> list[Array]:
        """No flow, on all unknowns."""
        return [np.zeros(len(f.x.array)) for f in self._functions]

    # -- Newton's method -----------------------------------------------------------------------------------------------------
    def _set(self, state: State, eps: float, k: float) -> None:
        for constant, value in zip(self._constants, (eps, k, state.gradient), strict=True):
            constant.value = value
        for function, part in zip(self._functions, state.parts, strict=True):
            function.x.array[:] = part

    def _residual(self) -> NDArray[np.float64]:
        """Residuals of the free unknowns, one after the other."""
        vectors = [_vector(form) for form in self._residuals]
        return np.concatenate(
            [v.array[kept.getIndices()] for v, kept in zip(vectors, self._kept, strict=True)]
        )

    def _factorise(self) -> None:
        nest: list[list[PETSc.Mat | None]] = [[None] * 4 for _ in range(4)]
        for (i, j), form in self._blocks.items():
            nest[i][j] = _matrix(form).createSubMatrix(self._kept[i], self._kept[j])
        matrix = PETSc.Mat().createNest(nest, comm=MPI.COMM_SELF)
        matrix.assemble()
        if self._flat is None or self._ksp is None:
            self._flat, self._ksp = PETSc.Mat(), krylov(MPI.COMM_SELF, _DIRECT)
        matrix.convert("aij", self._flat)  # into the same matrix again, so that its analysis is kept
        self._ksp.setOperators(self._flat)
        self._ksp.setFromOptions()

    def _solve_linear(self, rhs: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self._ksp is not None and self._flat is not None
        b, x = self._flat.createVecLeft(), self._flat.createVecRight()
        b.array[:] = rhs
        self._ksp.solve(b, x)
        require_converged(self._ksp, "the factorisation of a Newton step")
        return np.array(x.array)

    def newton(self, state: State, eps: float, k: float, *, mean: float | None) -> tuple[State, int, float]:
        """Solve from a state; the mean axial velocity is held, with the gradient to be found, or the gradient.

        Returns:
            The state, the steps taken, and the residual over the driving force.
        """
        load = self._load()
        for step in range(_MOST_STEPS + 1):
            self._set(state, eps, k)
            residual = self._residual()
            found = self.mean(state.parts[2])
            size = float(np.linalg.norm(residual) / (abs(state.gradient) * np.linalg.norm(load)))
            off = 0.0 if mean is None else abs(found / mean - 1)
            if max(size, off) < _CONVERGED:
                return state, step, size
            if step == _MOST_STEPS or not size < 1e6:
                break
            self._factorise()
            change, grown = self._solve_linear(-residual), 0.0
            if mean is not None:
                # The gradient is one more unknown, and the mean one more equation.
                answer = self._solve_linear(load)
                grown = (mean - found - self._mean_of(change)) / self._mean_of(answer)
                change = change + grown * answer
            state = State(self._added(state.parts, change), state.gradient + grown)
        raise SolverError(
            f"the flow in the bend did not converge in {_MOST_STEPS} Newton steps at K = {k:.4g} and curvature {eps:.3g}: the "
            f"residual is {size:.1e} of the driving force, above {_CONVERGED:g}"
        )

    def _load(self) -> NDArray[np.float64]:
        """What a unit gradient drives, on the free unknowns."""
        out, at = np.zeros(self.unknowns), self._offsets
        out[at[2] : at[3]] = self._weights[self._kept[2].getIndices()]
        return out

    def _mean_of(self, change: NDArray[np.float64]) -> float:
        return float(self._load() @ change) / self.area

    def _added(
        self, parts: Sequence[NDArray[np.float64]], change: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        at, out = self._offsets, []
        for i, (part, kept) in enumerate(zip(parts, self._kept, strict=True)):
            new = part.copy()
            new[kept.getIndices()] += change[at[i] : at[i + 1]]
            out.append(new)
        return out

    # -- what is read off a state ------------------------------------------------------------------------------------------
    def mean(self, axial: Array) -> float:
        """Mean of an axial velocity over the section."""
        return float(self._weights @ axial) / self.area

    def power_balance(self, state: State, eps: float, k: float) -> float:
        """What is dissipated over what the pressure does."""
        self._set(state, eps, k)
        return float(fem.assemble_scalar(self._dissipation)) / (
            state.gradient * self.area * self.mean(state.parts[2])
        )

    def divergence(self, state: State, eps: float, k: float) -> float:
        """Norm of the discrete divergence over that of its terms."""
        terms = []
        for component in (0, 1):
            alone = [part if i == component else 0 * part for i, part in enumerate(state.parts)]
            self._set(State(alone, state.gradient), eps, k)
            terms.append(_vector(self._residuals[3]).array[self._kept[3].getIndices()])
        size = math.hypot(*(float(np.linalg.norm(term)) for term in terms))
        return float(np.linalg.norm(terms[0] + terms[1])) / size if size > 0 else 0.0

    def field(self, state: State, eps: float, k: float) -> Field:
        """A state on the nodes of the mesh, with the walls' reactions (weighted with h, as the equations are)."""
        self._set(state, eps, k)
        there = fem.Function(self._V)
        there.interpolate(self._functions[3])
        reactions = [_vector(form).array for form in self._residuals[:3]]
        out = np.empty((len(self._mesh.points), 7))
        out[self._nodes] = np.column_stack([*state.parts[:3], there.x.array, *reactions])
        out[np.setdiff1d(np.arange(len(out)), self._mesh.facets), 4:] = 0.0
        return Field(self._mesh, out[:, :3], out[:, 3], out[:, 4:])
