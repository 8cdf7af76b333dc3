"""Stokes flow by Taylor-Hood elements (P2-P1) on curved second-order cells, at unit viscosity.

Stokes is linear: a geometry is set up once, solved for as many loads as wanted, and scaled afterwards to any viscosity and
flow rate. Lengths are micrometres inside; what leaves :mod:`chipsim.flow` is SI.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from dolfinx import fem
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow import _compat
from chipsim.flow.assembly import Assembly, reduced
from chipsim.flow.boundary import Boundary
from chipsim.flow.constraints import Constraint
from chipsim.flow.field import Field
from chipsim.flow.memory import fits, one_sentence, require
from chipsim.flow.minres import Blocks, Minres, Saddle
from chipsim.flow.multigrid import in_plane_level, linear_level, plane_parents
from chipsim.flow.solvers import Direct, Linear, SolverError, choose, give_back
from geometries.mesh import Mesh

Vector = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# Below rounding of the residual, and above any use.
_LEAST_RTOL, _MOST_RTOL = 1e-13, 0.1
# Net inflow of prescribed velocities over what goes in and out: interpolation on a coarse mesh leaves some.
_LARGEST_IMBALANCE = 0.01


@dataclass(frozen=True)
class Problem:
    """What determines the matrix of a Stokes problem on a mesh with named regions.

    Mirror planes are recognised by name (``symmetry``, ``midplane``); ``inlet`` and ``outlet`` are paired when
    ``periodic``; every other region that is not open is a wall, at rest or with the velocity that a load gives it.

    Attributes:
        periodic: Whether the velocity and the pressure about its mean slope repeat from inlet to outlet.
        open: Regions where the pressure is prescribed and the velocity along the region is zero; each flat and
            perpendicular to an axis.
        axisymmetric: Whether a plane mesh is the meridian plane of a flow without swirl: x along the axis, y the radius.
        drag: Drag over viscosity, 1/um2 (of the depth-averaged model: :mod:`chipsim.flow.depth`).
        method: ``"direct"``, ``"minres"``, or None for what :func:`chipsim.flow.solvers.choose` takes.
        rtol: Relative tolerance of MINRES.
        channel: Of a channel much longer than it is wide: what its pressure gradient is about, over viscosity and mean speed,
            1/um2. It is for MINRES alone, which without it takes the more iterations the longer the channel is.
    """

    periodic: bool = True
    open: tuple[str, ...] = ()
    drag: float = 0.0
    method: str | None = None
    rtol: float = 1e-6
    axisymmetric: bool = False
    channel: float = 0.0


@dataclass(frozen=True)
class Load:
    """What drives the flow: one right-hand side.

    Attributes:
        body_force: Force on the fluid; from coordinates (3, n) to (dim, n). None: one along x (a unit pressure gradient)
            where the problem is periodic, else none.
        velocity: Velocity on walls by region name, from coordinates (3, n) to (dim, n); elsewhere zero. Where two walls meet
            the one named last holds.
        pressure: Pressure over viscosity on open regions by name; elsewhere zero.
    """

    body_force: Vector | None = None
    velocity: Mapping[str, Vector] = field(default_factory=dict)
    pressure: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Solution:
    """The solved fields (on rank 0; elsewhere None) and what is known of the solve.

    Attributes:
        field: Velocity, pressure and wall reactions on the mesh.
        method: Linear solver.
        unknowns: Free unknowns.
        iterations: Iterations of the linear solver.
        residual: Its relative residual.
        divergence_residual: Norm of the discrete divergence over that of its terms.
        seconds: Wall time of ``assembly``, ``setup`` and ``solve``; the first two are zero once they are there.
    """

    field: Field | None
    method: str
    unknowns: int
    iterations: int
    residual: float
    divergence_residual: float
    seconds: dict[str, float]


def solve(
    mesh: Mesh | None, dim: int, problem: Problem, load: Load | None = None, comm: Any = None
) -> Solution:
    """Solve one Stokes problem.

    Args:
        mesh: The mesh on rank 0, None on the others.
        dim: 2 or 3, known to all ranks.
        problem: What is asked.
        load: What drives it.
        comm: MPI communicator; None: the world.

    Raises:
        SolverError: No converged solution.
    """
    system = Stokes(mesh, dim, problem, comm)
    solution = system.solve(load)
    system.close()
    return solution


class Stokes:
    """A Stokes problem that is assembled and set up once, for any number of loads.

    Args:
        mesh: The mesh on rank 0, None on the others.
        dim: 2 or 3, known to all ranks.
        problem: What determines the matrix.
        comm: MPI communicator; None: the world.

    Raises:
        SolverError: Inlet and outlet do not match, an open region is not flat, the factorisation failed.
    """

    def __init__(self, mesh: Mesh | None, dim: int, problem: Problem, comm: Any = None) -> None:
        comm = MPI.COMM_WORLD if comm is None else comm
        mesh = mesh if comm.rank == 0 else None  # a script may mesh on every rank
        self.problem, self._mesh, self._dim = problem, mesh, dim
        self._domain, self._tags = _compat.distribute(mesh, comm, dim)
        self._regions: dict[str, int] = comm.bcast(mesh.regions if mesh is not None else None, root=0)
        self._refuse_problem()
        with one_sentence():
            self._prepare()

    def _refuse_problem(self) -> None:
        problem = self.problem
        if problem.method not in (None, "direct", "minres"):
            raise SolverError(f'method = "{problem.method}" is unknown; known are direct and minres')
        for name in ("drag", "channel"):
            value = getattr(problem, name)
            if not 0 <= value < np.inf:
                raise SolverError(f"{name} = {value:g} is outside 0 to infinity")
        if not _LEAST_RTOL <= problem.rtol <= _MOST_RTOL:
            raise SolverError(f"rtol = {problem.rtol:g} is outside {_LEAST_RTOL:g} to {_MOST_RTOL:g}")
        if problem.axisymmetric:
            self._refuse_no_meridian_plane()

    def _refuse_no_meridian_plane(self) -> None:
        if self._dim != 2 or self.problem.method == "minres":
            raise SolverError("an axisymmetric flow is solved on a plane mesh, by a factorisation")
        radius = self._domain.geometry.x[:, 1]
        least = self._domain.comm.allreduce(float(radius.min(initial=np.inf)), op=MPI.MIN)
        most = self._domain.comm.allreduce(float(radius.max(initial=0.0)), op=MPI.MAX)
        if least < -1e-9 * most:
            raise SolverError(
                f"an axisymmetric mesh lies at y >= 0, the radius; this one begins at y = {least:.3g} um"
            )

    def _prepare(self) -> None:
        start = time.perf_counter()
        self._fem = Assembly(self._domain, self._tags, self.problem.drag, self.problem.axisymmetric)
        self._boundary = Boundary(self._fem.V, self._tags, self._regions, self.problem)
        # All unknowns, as how they are constrained depends on the choice.
        unknowns = (
            self._dim * self._fem.V.dofmap.index_map.size_global + self._fem.Q.dofmap.index_map.size_global
        )
        comm = self._domain.comm
        self.method = self._choose(unknowns, comm)
        require(self._dim, self.method, unknowns, comm)
        direct = self.method == "direct"
        self._velocity = self._boundary.velocity(self._fem.V, hold=not direct)
        self._pressure = self._boundary.pressure(self._fem.Q, pinned=direct and self._closed)
        self._unknowns = sum(c.free for c in (*self._velocity, self._pressure))
        system = self._fem.nested(self._velocity, self._pressure) if direct else self._saddle()
        assembled = time.perf_counter()
        self._solver: Direct | Minres
        if direct:
            self._solver = Direct(system, lambda: require(self._dim, "direct", unknowns, comm, double=True))
        else:
            self._solver = self._minres(system)
        # Over MPI what was taken apart on the way is kept until then.
        PETSc.garbage_cleanup(comm)
        give_back()
        done = time.perf_counter()
        self._seconds = {"assembly": assembled - start, "setup": done - assembled}

    def _choose(self, unknowns: int, comm: Any) -> str:
        """The method: as asked, the fastest, or the one that takes less memory where that does not fit."""
        if self.problem.method is not None:
            return self.problem.method
        if self.problem.axisymmetric:  # its components have matrices of their own, which MINRES does not know
            return "direct"
        fastest = choose(self._dim, unknowns)
        return fastest if fits(self._dim, fastest, unknowns, comm) else "minres"

    @property
    def _closed(self) -> bool:
        """Whether the pressure is known up to a constant only."""
        return not self.problem.open

    # -- linear solver -------------------------------------------------------------------------------------------------
    def _saddle(self) -> Saddle:
        velocity = self._velocity[0]
        stiffness = reduced(self._fem.stiffness(self._fem.V), velocity)
        divergence = [self._fem.divergence(c, velocity, self._pressure) for c in range(self._dim)]
        return Saddle(stiffness, divergence, [c.held for c in self._velocity])

    def _minres(self, system: Saddle) -> Minres:
        null = None
        if self._closed:
            constant = self._zero()
            constant.getNestSubVecs()[-1].set(1.0)
            constant.normalize()
            null = PETSc.NullSpace().create(vectors=[constant], comm=self._domain.comm)
        parents = plane_parents(self._mesh, self._domain.comm)
        if parents is not None:
            level = in_plane_level(self._velocity, parents, system.stiffness)
        else:
            coarse = self._boundary.velocity(self._fem.Q, hold=True)
            level = linear_level(self._velocity[0], coarse, self._fem.stiffness(self._fem.Q))
        mass = reduced(self._fem.mass(), self._pressure)
        laplacian = None
        drag = self.problem.drag + self.problem.channel
        if drag > 0:
            laplacian = self._fem.pressure_laplacian(self._regions, self._boundary.axes, self._pressure, drag)
        return Minres(system, Blocks(level, mass, laplacian), null, self.problem.rtol)

    def _zero(self) -> PETSc.Vec:
        parts = [c.full.createVecRight() for c in (*self._velocity, self._pressure)]
        return PETSc.Vec().createNest(parts, comm=self._domain.comm)

    # -- loads ---------------------------------------------------------------------------------------------------------
    def solve(self, load: Load | None = None) -> Solution:
        """Solve for a load, with what was set up before.

        Raises:
            SolverError: No converged solution, a load on a region that cannot bear it, or more fluid let in than out.
        """
        load = load or Load()
        self._boundary.refuse(load)
        with one_sentence(self._unknowns):
            return self._solve(load)

    def _solve(self, load: Load) -> Solution:
        start = time.perf_counter()
        force = self._forces(load)
        lift = [self._boundary.lift(self._fem.V, load, c) for c in range(self._dim)]
        rhs = self._right_hand_side(load, force, lift)
        result = self._solver.solve(rhs)
        seconds = {**self._seconds, "solve": time.perf_counter() - start}
        self._seconds = dict.fromkeys(self._seconds, 0.0)
        return Solution(
            field=self._gather(result.x, force, lift),
            method=result.method,
            unknowns=self._unknowns,
            iterations=result.iterations,
            residual=result.residual,
            divergence_residual=self._divergence_residual(result),
            seconds=seconds,
        )

    def _forces(self, load: Load) -> list[fem.Function]:
        """Each component of the body force."""
        out = []
        for c in range(self._dim):
            force = fem.Function(self._fem.V)
            given = load.body_force
            if given is not None:
                force.interpolate(lambda x, c=c, given=given: given(x)[c])
            elif self.problem.periodic and c == 0:
                force.x.array[:] = 1.0
            out.append(force)
        return out

    def _right_hand_side(
        self, load: Load, force: list[fem.Function], lift: list[fem.Function | None]
    ) -> PETSc.Vec:
        parts = []
        for c, constraint in enumerate(self._velocity):
            ends = [
                (self._regions[n], p)
                for n, p in load.pressure.items()
                if self._boundary.axes[n] == c and p != 0.0
            ]
            parts.append(constraint.reduce(self._fem.load(c, force[c], lift[c], ends)))
        if self._closed and load.velocity:
            net, gross = self._fem.through(lift)
            if abs(net) > _LARGEST_IMBALANCE * gross:
                raise SolverError(
                    f"the prescribed velocities let out {net:.3g} um{self._dim}/s more than in: there is no such flow"
                )
        parts.append(self._pressure.reduce(self._fem.source(lift, spread=self._closed)))
        return PETSc.Vec().createNest(parts, comm=self._domain.comm)

    def close(self) -> None:
        """Give back the memory of matrices and factors (collective): over MPI Python's garbage collector cannot."""
        comm = self._domain.comm
        self._solver.close()
        del self._solver, self._velocity, self._pressure
        gc.collect()
        PETSc.garbage_cleanup(comm)

    # -- results -------------------------------------------------------------------------------------------------------
    def _divergence_residual(self, result: Linear) -> float:
        """Norm of the discrete divergence over that of its separate terms, which cancel in it."""
        terms = [self._solver.divergence(result.x, c) for c in range(self._dim)]
        total = -1.0 * result.rhs.getNestSubVecs()[-1]
        for term in terms:
            total.axpy(1.0, term)
        size = np.sqrt(sum(term.norm() ** 2 for term in terms))
        return float(total.norm() / size) if size > 0 else 0.0

    def _gather(
        self, x: PETSc.Vec, force: list[fem.Function], lift: list[fem.Function | None]
    ) -> Field | None:
        """Velocity, pressure and wall reactions at the nodes of the input mesh, on rank 0."""
        parts = x.getNestSubVecs()
        velocity = [
            _function(c, part, g) for c, part, g in zip(self._velocity, parts[:-1], lift, strict=True)
        ]
        pressure = _function(self._pressure, parts[-1])
        if self._closed:  # known up to a constant: its mean is zero, whatever the method and the ranks
            pressure.x.array[:] -= self._fem.mean(pressure)
        reaction = [self._fem.reaction(c, velocity[c], pressure, force[c]) for c in range(self._dim)]
        at_nodes = fem.Function(self._fem.V)
        at_nodes.interpolate(pressure)
        d, own, comm = self._dim, self._fem.V.dofmap.index_map.size_local, self._domain.comm
        columns = [f.x.array[:own] for f in (*velocity, at_nodes)] + [r.array for r in reaction]
        nodes = comm.gather(_compat.nodes_of_unknowns(self._fem.V)[:own], root=0)
        whole = None if self._mesh is None else np.empty((len(self._mesh.points), 2 * d + 1))
        for i, column in enumerate(columns):  # all at once they would be the peak of a solve's memory
            gathered = comm.gather(column, root=0)
            if whole is not None and nodes is not None and gathered is not None:
                for where, what in zip(nodes, gathered, strict=True):
                    whole[where, i] = what
        if self._mesh is None or whole is None:
            return None
        around = self.problem.axisymmetric
        if around:  # of the whole turn, not of a radian
            whole[:, d + 1 :] *= 2 * np.pi
        return Field(self._mesh, whole[:, :d], whole[:, d], whole[:, d + 1 :], around)


def _function(constraint: Constraint, kept: PETSc.Vec, lift: fem.Function | None = None) -> fem.Function:
    own = constraint.full.createVecLeft()
    constraint.full.mult(kept, own)
    function = fem.Function(constraint.space)
    function.x.array[: len(own.array)] = own.array
    function.x.scatter_forward()
    if lift is not None:  # zero wherever the solution is not, and the other way round
        function.x.array[:] += lift.x.array
    return function
