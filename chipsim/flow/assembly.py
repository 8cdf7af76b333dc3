"""From forms to matrices and vectors: the discrete Stokes operators on one mesh, one scalar space for all components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import ufl
from dolfinx import fem, la
from dolfinx import mesh as dmesh
from dolfinx.fem import petsc as fem_petsc
from mpi4py import MPI
from petsc4py import PETSc

from chipsim.flow.constraints import Constraint, on_regions

#: Exact on straight cells; on curved ones the error is far below that of the elements.
_DEGREE = 4
#: With cylindrical weights: the radius and its inverse come in.
_DEGREE_AROUND = 7


class Assembly:
    """Scalar spaces of velocity components (P2) and pressure (P1) and the forms on them, at unit viscosity.

    Args:
        domain: The DOLFINx mesh.
        tags: Its facet tags.
        drag: Brinkman drag over viscosity, 1/um2.
        axisymmetric: Whether the plane is the meridian plane (x along the axis, y the radius); integrals are then those over a
            radian.
    """

    def __init__(self, domain: Any, tags: Any, drag: float, axisymmetric: bool = False) -> None:
        self.domain, self.tags, self.drag, self.axisymmetric = domain, tags, drag, axisymmetric
        self.dim = domain.geometry.dim
        self._radius = ufl.SpatialCoordinate(domain)[1] if axisymmetric else None
        self._degree = {"quadrature_degree": _DEGREE_AROUND if axisymmetric else _DEGREE}
        self.V = fem.functionspace(domain, ("Lagrange", 2))
        self.Q = fem.functionspace(domain, ("Lagrange", 1))
        self._dx = ufl.Measure("dx", domain, metadata=self._degree)
        self._ds = ufl.Measure("ds", domain, subdomain_data=tags, metadata=self._degree)

    # -- coordinates: all that an axisymmetric flow changes --------------------------------------------------------------
    def _over(self, integrand: Any, measure: Any = None) -> Any:
        """The integral over the fluid, or over another measure."""
        weighted = integrand if self._radius is None else integrand * self._radius
        return weighted * (self._dx if measure is None else measure)

    def _divergence(self, v: Any, component: int) -> Any:
        """What one component of a velocity has in its divergence."""
        around = self._radius is not None and component == 1
        return v.dx(component) + v / self._radius if around else v.dx(component)

    def _momentum(self, u: Any, v: Any, component: int | None) -> Any:
        """What viscosity and drag do to one component of a velocity; None: to a scalar."""
        form = ufl.inner(ufl.grad(u), ufl.grad(v))
        if self.drag > 0:
            form += fem.Constant(self.domain, PETSc.ScalarType(self.drag)) * u * v
        if self._radius is not None and component == 1:
            form += u * v / self._radius**2
        return form

    # -- matrices ------------------------------------------------------------------------------------------------------
    def stiffness(self, space: Any, component: int | None = None) -> PETSc.Mat:
        """The scalar operator of one velocity component, all unknowns; None: of any, in Cartesian coordinates."""
        u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
        return _matrix(self._over(self._momentum(u, v, component)))

    def mass(self) -> PETSc.Mat:
        """The pressure's mass matrix."""
        p, q = ufl.TrialFunction(self.Q), ufl.TestFunction(self.Q)
        return _matrix(self._over(p * q))

    def pressure_laplacian(
        self, regions: dict[str, int], open_regions: Iterable[str], pressure: Constraint, drag: float
    ) -> PETSc.Mat:
        """Laplacian of the pressure over a drag, for the Schur complement of a flow with drag, or along a channel.

        The pressure is given on open regions and free elsewhere; where it is free everywhere a millionth of its mass matrix
        over the domain's squared length keeps the matrix regular.
        """
        p, q = ufl.TrialFunction(self.Q), ufl.TestFunction(self.Q)
        low, high = self.domain.geometry.x.min(axis=0), self.domain.geometry.x.max(axis=0)
        self.domain.comm.Allreduce(MPI.IN_PLACE, low, op=MPI.MIN)
        self.domain.comm.Allreduce(MPI.IN_PLACE, high, op=MPI.MAX)
        shift = fem.Constant(self.domain, PETSc.ScalarType(1e-6 / ((high - low) ** 2).max()))
        matrix = _matrix(self._over(ufl.inner(ufl.grad(p), ufl.grad(q)) + shift * p * q))
        kept = reduced(matrix, pressure)
        given = on_regions(self.Q, self.tags, [regions[name] for name in open_regions])
        given = given[given < len(pressure.own)]
        rows = pressure.own[given]
        kept.zeroRowsColumns(rows[rows >= 0].astype(PETSc.IntType), diag=1.0 / shift.value)
        kept.scale(1.0 / drag)
        return kept

    def nested(self, velocity: Sequence[Constraint], pressure: Constraint) -> PETSc.Mat:
        """The nested matrix of the free unknowns for a factorisation: components of the velocity, then pressure.

        Args:
            velocity: Constraints of the components.
            pressure: Constraint of the pressure.
        """
        shared = None if self.axisymmetric else self.stiffness(self.V)
        rows: list[list[PETSc.Mat | None]] = []
        divergence = []
        for c, constraint in enumerate(velocity):
            row: list[PETSc.Mat | None] = [None] * len(velocity)
            row[c] = product(self.stiffness(self.V, c) if shared is None else shared, constraint.full)
            B = self.divergence(c, constraint, pressure)
            divergence.append(B)
            rows.append([*row, B.transpose(PETSc.Mat())])
        rows.append([*divergence, _zero_block(divergence[0])])
        matrix = PETSc.Mat().createNest(rows, comm=self.domain.comm)
        matrix.assemble()
        return matrix

    def divergence(self, component: int, velocity: Constraint, pressure: Constraint) -> PETSc.Mat:
        """Minus the divergence of one velocity component: kept pressures by kept velocities."""
        v, q = ufl.TrialFunction(self.V), ufl.TestFunction(self.Q)
        B = _matrix(self._over(-q * self._divergence(v, component)))
        if velocity.trivial and pressure.trivial:
            return B
        return plain(pressure.full.transposeMatMult(B).matMult(velocity.full))

    # -- vectors -------------------------------------------------------------------------------------------------------
    def load(
        self, component: int, force: Any, lift: Any | None, pressures: Sequence[tuple[int, float]]
    ) -> PETSc.Vec:
        """Right-hand side of one velocity component, all unknowns.

        Args:
            component: Its number.
            force: The body force's component.
            lift: The prescribed part of the velocity's component.
            pressures: Number of an open region perpendicular to this component's axis, and its pressure.
        """
        v = ufl.TestFunction(self.V)
        form = self._over(force * v)
        if lift is not None:
            form -= self._over(self._momentum(lift, v, component))
        normal = ufl.FacetNormal(self.domain)
        for number, pressure in pressures:
            given = fem.Constant(self.domain, PETSc.ScalarType(pressure))
            form -= self._over(given * normal[component] * v, self._ds(number))
        return _vector(form)

    def source(self, lift: Sequence[Any | None], *, spread: bool) -> PETSc.Vec:
        """What the prescribed part of the velocity leaves to the continuity equation, all pressure unknowns.

        Args:
            lift: The prescribed part of each component.
            spread: Whether what it lets in beyond what it lets out is taken from all of the fluid alike, as it must be where
                there is no open end (by interpolation a little is left).
        """
        q = ufl.TestFunction(self.Q)
        if lift[0] is None:
            own = self.Q.dofmap.index_map.size_local
            return PETSc.Vec().createMPI((own, None), comm=self.domain.comm)
        divergence = sum(self._divergence(g, c) for c, g in enumerate(lift) if g is not None)
        out = _vector(self._over(divergence * q))
        if spread:
            one = _vector(self._over(q))
            out.axpy(-out.sum() / one.sum(), one)
        return out

    def mean(self, function: Any) -> float:
        """Mean of a function over the fluid."""
        one = fem.Constant(self.domain, PETSc.ScalarType(1.0))
        parts = [fem.assemble_scalar(fem.form(self._over(f))) for f in (function, one)]
        total, volume = (self.domain.comm.allreduce(part) for part in parts)
        return float(total / volume)

    def through(self, lift: Sequence[Any | None]) -> tuple[float, float]:
        """Net outflow of the prescribed part of the velocity, and what goes in and out."""
        normal = ufl.FacetNormal(self.domain)
        speed = sum(g * normal[c] for c, g in enumerate(lift) if g is not None)
        parts = [fem.assemble_scalar(fem.form(self._over(f, self._ds))) for f in (speed, abs(speed))]
        net, gross = (self.domain.comm.allreduce(part) for part in parts)
        return float(net), float(gross)

    def reaction(self, component: int, velocity: Any, pressure: Any, force: Any) -> PETSc.Vec:
        """Residual of the momentum equation at the boundary's nodes, zero at all others, own unknowns."""
        cells, nodes = self._at_boundary
        v = ufl.TestFunction(self.V)
        dx = ufl.Measure("dx", self.domain, subdomain_data=[(1, cells)], metadata=self._degree)
        residual = (
            self._momentum(velocity, v, component) - pressure * self._divergence(v, component) - force * v
        )
        out = _vector(self._over(residual, dx(1)))
        inside = np.ones(len(out.array), dtype=bool)
        inside[nodes] = False
        out.array[inside] = 0.0
        return out

    @cached_property
    def _at_boundary(self) -> tuple[Any, Any]:
        """Cells that touch the boundary (this rank's, sorted), and own P2 unknowns on it."""
        topology, d = self.domain.topology, self.dim
        topology.create_connectivity(d - 1, d)
        facets = dmesh.exterior_facet_indices(topology)
        nodes = fem.locate_dofs_topological(self.V, d - 1, facets)
        # Facets of other ranks may meet this rank's cells in a corner or an edge only.
        flag = fem.Function(self.V)
        flag.x.array[nodes] = 1.0
        flag.x.scatter_reverse(la.InsertMode.add)
        flag.x.scatter_forward()
        cells = topology.index_map(d).size_local
        touching = np.any(flag.x.array[self.V.dofmap.list[:cells]] > 0, axis=1)
        own = self.V.dofmap.index_map.size_local
        return np.flatnonzero(touching).astype(np.int32), np.flatnonzero(flag.x.array[:own] > 0)


def product(matrix: PETSc.Mat, right: PETSc.Mat) -> PETSc.Mat:
    """The triple product R^T A R."""
    return plain(matrix.ptap(right))


def reduced(matrix: PETSc.Mat, constraint: Constraint) -> PETSc.Mat:
    """A matrix of all unknowns of a scalar space for those that are kept."""
    return matrix if constraint.trivial else product(matrix, constraint.full)


def plain(matrix: PETSc.Mat) -> PETSc.Mat:
    """A product's values without what PETSc keeps to compute it again, which is as large as the matrix."""
    out = matrix.duplicate(copy=True)
    matrix.destroy()
    return out


def _matrix(form: Any) -> PETSc.Mat:
    matrix = fem_petsc.assemble_matrix(fem.form(form))
    matrix.assemble()
    return matrix


def _vector(form: Any) -> PETSc.Vec:
    """An assembled vector, own entries only (without ghosts, as PETSc's products want it)."""
    vector = fem_petsc.assemble_vector(fem.form(form))
    vector.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
    own = PETSc.Vec().createMPI((vector.getLocalSize(), None), comm=vector.comm)
    own.array[:] = vector.array
    return own


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
