"""Stokes flow by Taylor-Hood elements (P2-P1) on curved second-order cells, at unit viscosity.

Stokes is linear: a geometry is solved once, driven by a unit pressure gradient, and scaled afterwards to any viscosity and
flow rate. Lengths are micrometres inside; what leaves :mod:`chipsim.flow` is SI.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow import _compat
from chipsim.flow.constraints import Constraint, constrain, on_region
from chipsim.flow.field import Field
from chipsim.flow.solvers import Level, LinearResult, solve_direct, solve_minres
from geometries.mesh import Mesh

Vector = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: Mirror planes by name, with the velocity component that vanishes there.
MIRRORS = {"symmetry": 1, "midplane": 2}


@dataclass(frozen=True)
class Problem:
    """A Stokes problem at unit viscosity on a mesh with named regions.

    Mirror planes are recognised by name (``symmetry``, ``midplane``); ``inlet`` and ``outlet`` are paired when
    ``periodic``; every other region is a wall.

    Attributes:
        periodic: Whether the velocity and the pressure about its mean slope repeat from inlet to outlet.
        drag: Brinkman drag over viscosity, 1/um2 (12 / depth^2 for the depth-averaged model).
        body_force: Force on the fluid; from coordinates (3, n) to (dim, n). None: one along x (a unit pressure
            gradient).
        wall_velocity: Velocity on the walls, from coordinates (3, n) to (dim, n). None: no slip.
        method: ``"direct"``, ``"minres"``, or None for direct in the plane and MINRES in space.
        rtol: Relative tolerance of MINRES.
    """

    periodic: bool = True
    drag: float = 0.0
    body_force: Vector | None = None
    wall_velocity: Vector | None = None
    method: str | None = None
    rtol: float = 1e-6


@dataclass(frozen=True)
class Solution:
    """The solved fields (on rank 0; elsewhere None) and what is known of the solve."""

    field: Field | None
    method: str
    unknowns: int
    iterations: int
    residual: float
    divergence_residual: float


def solve(mesh: Mesh | None, dim: int, problem: Problem, comm: Any = None) -> Solution:
    """Solve a Stokes problem.

    Args:
        mesh: The mesh on rank 0, None on the others.
        dim: 2 or 3, known to all ranks.
        problem: What is asked.
        comm: MPI communicator; None: the world.

    Raises:
        SolverError: No converged solution.
    """
    if comm is None:
        from mpi4py import MPI

        comm = MPI.COMM_WORLD
    domain, tags = _compat.distribute(mesh, comm, dim)
    regions = comm.bcast(mesh.regions if mesh is not None else None, root=0)
    system = _System(domain, tags, regions, problem)
    method = problem.method or ("direct" if dim == 2 else "minres")
    matrix, rhs = system.assemble(pin_pressure=method == "direct")
    if method == "direct":
        result = solve_direct(matrix, rhs)
    else:
        matrix.setNullSpace(system.constant_pressure(rhs))
        mass, levels = system.preconditioner()
        result = solve_minres(matrix, rhs, mass, levels, problem.rtol)
    unknowns = matrix.getSize()[0]
    return Solution(
        field=system.gather(result, mesh),
        method=result.method,
        unknowns=unknowns,
        iterations=result.iterations,
        residual=result.residual,
        divergence_residual=system.divergence_residual(matrix, result),
    )


class _System:
    """The discrete problem: scalar spaces, forms, and the constraints of each velocity component and the pressure."""

    def __init__(self, domain: Any, tags: Any, regions: dict[str, int], problem: Problem) -> None:
        self.domain, self.tags, self.regions, self.problem = domain, tags, regions, problem
        self.dim = domain.geometry.dim
        self.V = fem.functionspace(domain, ("Lagrange", 2))
        self.Q = fem.functionspace(domain, ("Lagrange", 1))
        self.velocity = [self._component(self.V, c) for c in range(self.dim)]

    def _component(self, space: Any, component: int) -> Constraint:
        """The constraint of one velocity component on ``space`` (P2, or P1 for multigrid's coarse level)."""
        problem = self.problem
        fixed = []
        for name, number in self.regions.items():
            paired = problem.periodic and name in ("inlet", "outlet")
            if not paired and MIRRORS.get(name, component) == component:
                fixed.append(on_region(space, self.tags, number))
        given = problem.wall_velocity
        value = None if given is None else lambda x: given(x)[component]
        return constrain(space, np.concatenate(fixed), value, *self._pairs(space))

    def _pairs(self, space: Any) -> tuple[NDArray | None, NDArray | None]:
        if not self.problem.periodic:
            return None, None
        return on_region(space, self.tags, self.regions["inlet"]), on_region(
            space, self.tags, self.regions["outlet"]
        )

    def _pressure(self, pinned: bool) -> Constraint:
        # Pressure is known up to a constant: a factorisation needs one value fixed (rank 0's first own unknown),
        # MINRES leaves the constant to the null space.
        masters, slaves = self._pairs(self.Q)
        fixed: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        if pinned and self.domain.comm.rank == 0:
            candidates = np.setdiff1d(
                np.arange(self.Q.dofmap.index_map.size_local), [] if slaves is None else slaves
            )
            candidates = np.setdiff1d(candidates, [] if masters is None else masters)
            fixed = candidates[:1].astype(np.int32)
        return constrain(self.Q, fixed, None, masters, slaves)

    def _stiffness(self, space: Any) -> PETSc.Mat:
        u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
        drag = fem.Constant(self.domain, PETSc.ScalarType(self.problem.drag))
        return _assembled((ufl.inner(ufl.grad(u), ufl.grad(v)) + drag * u * v) * ufl.dx)

    def assemble(self, pin_pressure: bool) -> tuple[PETSc.Mat, PETSc.Vec]:
        """The reduced nested matrix and right-hand side."""
        self.pressure = self._pressure(pin_pressure)
        v, q, p_test = ufl.TrialFunction(self.V), ufl.TestFunction(self.Q), self.pressure.full
        stiffness = self._stiffness(self.V)
        diagonal, divergence, loads = [], [], []
        p_load = self._zero(self.Q)
        for c, constraint in enumerate(self.velocity):
            B = _assembled(-q * v.dx(c) * ufl.dx)
            diagonal.append(stiffness.ptap(constraint.full))
            divergence.append(p_test.transposeMatMult(B).matMult(constraint.full))
            load = self._load(c)
            load.axpy(-1.0, stiffness * constraint.lift)
            loads.append(_restrict(constraint.full, load))
            p_load.axpy(-1.0, B * constraint.lift)
        loads.append(_restrict(p_test, p_load))
        rows: list[list[PETSc.Mat | None]] = []
        for i in range(self.dim):
            row: list[PETSc.Mat | None] = [None] * self.dim
            row[i] = diagonal[i]
            rows.append([*row, divergence[i].transpose(PETSc.Mat())])
        rows.append([*divergence, _zero_block(divergence[0])])
        matrix = PETSc.Mat().createNest(rows, comm=self.domain.comm)
        matrix.assemble()
        return matrix, PETSc.Vec().createNest(loads, comm=self.domain.comm)

    def _zero(self, space: Any) -> PETSc.Vec:
        return PETSc.Vec().createMPI((space.dofmap.index_map.size_local, None), comm=self.domain.comm)

    def _load(self, component: int) -> PETSc.Vec:
        force = fem.Function(self.V)
        given = self.problem.body_force
        if given is None:
            force.x.array[:] = 1.0 if component == 0 else 0.0
        else:
            force.interpolate(lambda x: given(x)[component])
        vector = fem_petsc.assemble_vector(fem.form(force * ufl.TestFunction(self.V) * ufl.dx))
        vector.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
        own = self._zero(self.V)
        own.array[:] = vector.array
        return own

    def constant_pressure(self, like: PETSc.Vec) -> PETSc.NullSpace:
        """The constant pressure, which the reduced matrix maps to zero."""
        constant = like.copy()
        constant.set(0.0)
        constant.getNestSubVecs()[-1].set(1.0)
        constant.normalize()
        return PETSc.NullSpace().create(vectors=[constant], comm=self.domain.comm)

    def preconditioner(self) -> tuple[PETSc.Mat, list[Level]]:
        """Reduced pressure mass matrix, and for each velocity component the P1 level."""
        p, q = ufl.TrialFunction(self.Q), ufl.TestFunction(self.Q)
        mass = _assembled(p * q * ufl.dx).ptap(self.pressure.full)
        stiffness = self._stiffness(self.Q)
        prolongation = fem_petsc.interpolation_matrix(self.Q, self.V)
        prolongation.assemble()
        levels = []
        for c, fine in enumerate(self.velocity):
            coarse = self._component(self.Q, c).full
            levels.append(
                Level(stiffness.ptap(coarse), fine.inject.transposeMatMult(prolongation).matMult(coarse))
            )
        return mass, levels

    def divergence_residual(self, matrix: PETSc.Mat, result: LinearResult) -> float:
        """Norm of the discrete divergence over that of its separate terms, which cancel in it."""
        parts = result.x.getNestSubVecs()
        terms = [matrix.getNestSubMatrix(self.dim, c) * parts[c] for c in range(self.dim)]
        total = terms[0].copy()
        for term in terms[1:]:
            total.axpy(1.0, term)
        size = np.sqrt(sum(term.norm() ** 2 for term in terms))
        return float(total.norm() / size) if size > 0 else 0.0

    def gather(self, result: LinearResult, mesh: Mesh | None) -> Field | None:
        """Velocity at the nodes and pressure at the corners of the input mesh, on rank 0."""
        parts = result.x.getNestSubVecs()
        columns = [self._function(self.V, c, part) for c, part in zip(self.velocity, parts, strict=False)]
        pressure = fem.Function(self.V)
        pressure.interpolate(self._function(self.Q, self.pressure, parts[-1]))
        cells = self.domain.topology.index_map(self.dim).size_local
        nodes = np.asarray(self.domain.geometry.input_global_indices)[
            _compat.node_dofmap(self.domain)[:cells]
        ].ravel()
        dofs = self.V.dofmap.list[:cells].ravel()
        nodes, first = np.unique(nodes, return_index=True)
        dofs = dofs[first]
        values = np.column_stack([f.x.array[dofs] for f in (*columns, pressure)])
        gathered = self.domain.comm.gather((nodes, values), root=0)
        if mesh is None or gathered is None:
            return None
        whole = np.empty((len(mesh.points), self.dim + 1))
        for where, what in gathered:
            whole[where] = what
        return Field(mesh, whole[:, : self.dim], whole[:, self.dim])

    @staticmethod
    def _function(space: Any, constraint: Constraint, reduced: PETSc.Vec) -> Any:
        own = constraint.lift.copy()
        constraint.full.multAdd(reduced, own, own)
        function = fem.Function(space)
        function.x.array[: len(own.array)] = own.array
        function.x.scatter_forward()
        return function


def _assembled(form: Any) -> PETSc.Mat:
    matrix = fem_petsc.assemble_matrix(fem.form(form))
    matrix.assemble()
    return matrix


def _restrict(full: PETSc.Mat, vector: PETSc.Vec) -> PETSc.Vec:
    out = full.createVecRight()
    full.multTranspose(vector, out)
    return out


def _zero_block(divergence: PETSc.Mat) -> PETSc.Mat:
    """A pressure block of stored zeros: the factorisation wants every diagonal entry to exist."""
    (rows, _), _ = divergence.getSizes()
    start, _ = divergence.getOwnershipRange()
    block = PETSc.Mat().createAIJ(
        ((rows, None), (rows, None)),
        csr=(
            np.arange(rows + 1, dtype=PETSc.IntType),
            np.arange(start, start + rows, dtype=PETSc.IntType),
            np.zeros(rows),
        ),
        comm=divergence.comm,
    )
    block.assemble()
    return block
