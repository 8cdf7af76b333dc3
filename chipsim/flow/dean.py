"""Developed flow in the section of a bent duct: three velocity components, steady Navier-Stokes, by Newton's method.

In the section x is r - R_c and y the height, both in half-heights X; h = 1 + eps x is r over R_c. The axial velocity w is over a
scale W, the velocity (u, v) in the section over eps (rho W X / mu) W, and with K = eps (rho W X / mu)^2 what is left is::

    (h u)_x + (h v)_y = 0
    K (u u_x + v u_y) - w^2 / h   = -p_x + (viscosity of u) - eps^2 u / h^2
    K (u v_x + v v_y)             = -p_y + (viscosity of v)
    K (u w_x + v w_y + eps u w / h) = g / h + (viscosity of w) - eps^2 w / h^2

so that eps = 0 is Dean's limit of a wide bend, K = 0 creeping flow. Taylor-Hood elements; the convection is in its skew form, which
does no work whatever the mesh: together with the forces of the bend, which do none either, the power balance then holds as
exactly as the equations are solved. Each process solves sections of its own.
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
from chipsim.flow.accuracy import ORDER, discretisation_error, second_mesh
from chipsim.flow.assembly import _matrix, _vector
from chipsim.flow.boundary import Boundary
from chipsim.flow.constraints import on_regions
from chipsim.flow.field import Field
from chipsim.flow.memory import one_sentence
from chipsim.flow.section_result import SectionFlow, highest
from chipsim.flow.solvers import SolverError, krylov, require_converged
from chipsim.flow.stokes import Problem
from chipsim.flow.timing import Clock
from geometries import DesignError
from geometries.mesh import Mesh, Resolution, mesh_outline
from geometries.outline import Outline

#: Cell size in half-heights.
CELL = 0.07
#: Dean number Re (D_h / 2 R_c)^1/2 up to which one steady pair of vortices can be counted on: in a square duct a second pair
#: comes in at 80 to 90 (Winters, J. Fluid Mech. 180, 343, 1987).
MOST_DEAN = 75.0
#: Largest half-width of a section over the radius of its bend.
_SHARPEST = 0.95
# K up to which Newton's method starts from the straight duct's flow, and by how much it grows from one solve to the next.
_FIRST_K, _GROWTH = 200.0, 3.0
_MOST_STEPS = 12
# Of the residual over the driving force.
_CONVERGED = 1e-12
# Exact for the convection on straight cells of a straight duct; h is linear, and 1 / h nearly.
_DEGREE = 7
_DIRECT = {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps", "mat_mumps_icntl_14": 60}


@dataclass
class _State:
    """What is solved for, on all unknowns: u, v, w, p, and the gradient g over mu W / X^2."""

    parts: list[NDArray[np.float64]]
    gradient: float


class Section:
    """A section on one mesh, set up once for any curvature and strength of flow.

    Args:
        mesh: In um; regions ``wall`` and, of a half, ``symmetry``.
        half_height: X, um.
        refine: Of the mesh, for the record.
    """

    def __init__(self, mesh: Mesh, half_height: float, refine: float = 1.0) -> None:
        self.mesh, self.half_height, self.refine = mesh, half_height, refine
        unit = replace(mesh, points=mesh.points / half_height)
        self._widest = float(np.abs(unit.points[:, 0]).max())
        domain, tags = _compat.distribute(unit, MPI.COMM_SELF, 2)
        self._V = fem.functionspace(domain, ("Lagrange", 2))
        self._Q = fem.functionspace(domain, ("Lagrange", 1))
        self._constants = [fem.Constant(domain, PETSc.ScalarType(0.0)) for _ in range(3)]
        self._functions = [fem.Function(self._V) for _ in range(3)] + [fem.Function(self._Q)]
        self._write_forms(domain)
        self._kept = self._free(tags)
        self._flat: PETSc.Mat | None = None
        self._ksp: PETSc.KSP | None = None
        self._measure(domain, tags)
        with one_sentence():
            self._straight = self._solve_straight()

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
        boundary = Boundary(self._V, tags, self.mesh.regions, Problem(periodic=False))
        count = self._V.dofmap.index_map.size_local
        out = []
        for component in range(3):
            numbers = [
                n for name, n in self.mesh.regions.items() if boundary.fixed_in(name, component)
            ]
            out.append(np.setdiff1d(np.arange(count), on_regions(self._V, tags, numbers)))
        out.append(np.arange(1, self._Q.dofmap.index_map.size_local))
        return [PETSc.IS().createGeneral(kept.astype(PETSc.IntType), MPI.COMM_SELF) for kept in out]

    def _measure(self, domain: Any, tags: Any) -> None:
        """Area, perimeter and the weights of the mean axial velocity."""
        self._weights = _vector(self._one).array.copy()
        self._area = float(self._weights.sum())
        wall = ufl.Measure("ds", domain, subdomain_data=tags)(self.mesh.regions["wall"])
        one = fem.Constant(domain, PETSc.ScalarType(1.0))
        self._perimeter = float(fem.assemble_scalar(fem.form(one * wall)))
        self.hydraulic_diameter = 4 * self._area / self._perimeter

    @property
    def unknowns(self) -> int:
        """Free unknowns."""
        return sum(kept.getSize() for kept in self._kept)

    # -- straight duct -------------------------------------------------------------------------------------------------------
    def _solve_straight(self) -> NDArray[np.float64]:
        """Axial velocity of the straight duct at a unit gradient, on all unknowns."""
        self._set(_State(self._rest(), 1.0), 0.0, 0.0)
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
        out = self._rest()[2]
        out[kept.getIndices()] = x.array
        return out

    def _rest(self) -> list[NDArray[np.float64]]:
        return [np.zeros(len(f.x.array)) for f in self._functions]

    # -- Newton's method -----------------------------------------------------------------------------------------------------
    def _set(self, state: _State, eps: float, k: float) -> None:
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

    def _newton(self, state: _State, eps: float, k: float, *, mean: float | None) -> tuple[_State, int, float]:
        """Solve from a state; the mean axial velocity is held, with the gradient to be found, or the gradient.

        Returns:
            The state, the steps taken, and the residual over the driving force.
        """
        load = self._load()
        for step in range(_MOST_STEPS + 1):
            self._set(state, eps, k)
            residual = self._residual()
            found = float(self._weights @ state.parts[2]) / self._area
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
            state = _State(self._added(state.parts, change), state.gradient + grown)
        raise SolverError(
            f"the flow in the bend did not converge in {_MOST_STEPS} Newton steps at K = {k:.4g} and curvature {eps:.3g}: the "
            f"residual is {size:.1e} of the driving force, above {_CONVERGED:g}"
        )

    def _offsets(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum([kept.getSize() for kept in self._kept])])

    def _load(self) -> NDArray[np.float64]:
        """What a unit gradient drives, on the free unknowns."""
        out, at = np.zeros(self.unknowns), self._offsets()
        out[at[2] : at[3]] = self._weights[self._kept[2].getIndices()]
        return out

    def _mean_of(self, change: NDArray[np.float64]) -> float:
        return float(self._load() @ change) / self._area

    def _added(self, parts: Sequence[NDArray[np.float64]], change: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        at, out = self._offsets(), []
        for i, (part, kept) in enumerate(zip(parts, self._kept, strict=True)):
            new = part.copy()
            new[kept.getIndices()] += change[at[i] : at[i + 1]]
            out.append(new)
        return out

    # -- a flow ---------------------------------------------------------------------------------------------------------------
    def solve(self, curvature: float, *, dean_k: float | None = None, dean: float | None = None) -> SectionFlow:
        """The flow at a pressure gradient or at a flow rate; just one of the two is given.

        Args:
            curvature: eps = X / R_c, from 0 (the limit of a wide bend).
            dean_k: K = eps (rho V X / mu)^2, V the largest speed in the straight duct at the same pressure gradient.
            dean: Re (D_h / 2 R_c)^1/2, with the mean speed: what a flow rate is.

        Raises:
            DesignError: A number is outside what can be answered.
            SolverError: No converged solution.
        """
        self._refuse(curvature, dean_k, dean)
        clock = Clock()
        unit = self._numpy([*self._rest()[:2], self._straight, self._rest()[3]])
        peak, mean = highest(unit, 2)[0], float(self._weights @ self._straight) / self._area
        # The axial scale W: of a given gradient the straight duct's largest speed, of a given flow rate the mean speed.
        scale, held = (peak, None) if dean_k is not None else (mean, 1.0)
        k = dean_k if dean_k is not None else 2 * (dean or 0.0) ** 2 / self.hydraulic_diameter**3
        state = _State([*self._rest()[:2], self._straight / scale, self._rest()[3]], 1 / scale)
        steps, size = 0, 0.0
        with one_sentence(self.unknowns):
            for stage in _stages(k, _FIRST_K * (scale / peak) ** 2):
                state, steps, size = self._newton(state, curvature, stage, mean=held)
                self._refuse_fast(self._dean(state, stage), dean_k)
            balance = fem.assemble_scalar(self._dissipation) / (
                state.gradient * float(self._weights @ state.parts[2])
            )
        clock.read("flow")
        found = float(self._weights @ state.parts[2]) / self._area
        field = self._scaled(state, found)
        at, place = highest(field, 2)
        secondary = np.hypot(*self._mid_plane(field)[:, :2].T)
        return SectionFlow(
            model="dean",
            refine=self.refine,
            divergence_residual=self._divergence(state),
            method="MUMPS LU, Newton",
            unknowns=self.unknowns,
            iterations=steps,
            residual=size,
            seconds=clock.seconds,
            field=field,
            half_height=self.half_height,
            curvature=curvature,
            dean_k=k * (state.gradient * peak) ** 2,
            dean=self._dean(state, k),
            reynolds=found * math.sqrt(k / curvature) * self.hydraulic_diameter if curvature > 0 else None,
            gradient=state.gradient / found,
            hydraulic_diameter=self.hydraulic_diameter,
            friction_ratio=state.gradient * mean / found,
            peak_speed=at,
            axial_maximum=(float(place[0]) / self.half_height, float(place[1]) / self.half_height),
            secondary_mean=self._mean_speed(field),
            secondary_max=float(np.hypot(*field.velocity[:, :2].T).max()),
            secondary_mid_plane=float(secondary.max()),
            **self._wall_shear(field, curvature),
            power_balance=float(balance) - 1,
            newton_steps=steps,
        )

    def _dean(self, state: _State, k: float) -> float:
        found = float(self._weights @ state.parts[2]) / self._area
        return found * math.sqrt(k / 2) * self.hydraulic_diameter**1.5

    def _refuse(self, curvature: float, dean_k: float | None, dean: float | None) -> None:
        if (dean_k is None) == (dean is None):
            raise DesignError("one of dean_k and dean must be given, not both")
        for name, value in (("curvature", curvature), ("dean_k", dean_k), ("dean", dean)):
            if value is not None and not 0 <= value < math.inf:
                raise DesignError(f"{name} = {value:g} must be at least 0 and finite")
        most = _SHARPEST / self._widest
        if curvature > most:
            raise DesignError(
                f"curvature = {curvature:g} must be at most {most:.3g}, where the inner wall comes to {1 - _SHARPEST:.0%} of the "
                "radius of the bend"
            )
        if dean is not None:
            self._refuse_fast(dean, None)

    def _refuse_fast(self, dean: float, dean_k: float | None) -> None:
        if dean <= MOST_DEAN:
            return
        what = f"dean = {dean:.4g}" if dean_k is None else f"dean_k = {dean_k:.4g} (dean = {dean:.3g} on the way)"
        raise DesignError(
            f"{what} must be at most {MOST_DEAN:g} in the Dean number: above it a second pair of vortices or an unsteady flow can set in"
        )

    # -- numbers --------------------------------------------------------------------------------------------------------------
    def _numpy(self, parts: Sequence[NDArray[np.float64]]) -> Field:
        """Parts on all unknowns as a field on the nodes of the mesh."""
        nodes, count = _compat.nodes_of_unknowns(self._V), len(self.mesh.points)
        pressure = fem.Function(self._Q)
        pressure.x.array[:] = parts[3]
        there = fem.Function(self._V)
        there.interpolate(pressure)
        out = np.empty((count, 4))
        out[nodes] = np.column_stack([*parts[:3], there.x.array])
        return Field(self.mesh, out[:, :3], out[:, 3])

    def _scaled(self, state: _State, mean: float) -> Field:
        """The solved field with its reactions, the axial velocity over its mean, the rest over the square of that."""
        field = self._numpy(state.parts)
        scales = np.array([mean**2, mean**2, mean])
        nodes = _compat.nodes_of_unknowns(self._V)
        reaction = np.zeros_like(field.velocity)
        reaction[nodes] = np.column_stack([_vector(form).array for form in self._residuals[:3]])
        inside = np.setdiff1d(np.arange(len(reaction)), self.mesh.facets)
        reaction[inside] = 0.0
        return replace(
            field, velocity=field.velocity / scales, pressure=field.pressure / mean**2, reaction=reaction / scales
        )

    def _mean_speed(self, field: Field) -> float:
        total = field.integrate(lambda x, u, p: np.hypot(u[:, 0], u[:, 1]))
        return float(total) / (self._area * self.half_height**2)

    def _mid_plane(self, field: Field) -> NDArray[np.float64]:
        """Velocity along y = 0, shape (n, 3)."""
        low, high = self.mesh.points[:, 0].min(), self.mesh.points[:, 0].max()
        x = np.linspace(low, high, 1001)[1:-1]
        return field.at(np.column_stack([x, np.zeros_like(x)]))[:, :3]

    def _wall_shear(self, field: Field, curvature: float) -> dict[str, float]:
        """Mean axial shear from the reactions, the largest from the gradient."""
        assert field.reaction is not None
        on_wall = np.unique(self.mesh.facets[field.facets("wall")])
        # A reaction is the shear times h, integrated with the node's function: over h at the node it is the shear's part.
        h = 1 + curvature * self.mesh.points[on_wall, 0] / self.half_height
        mean = float(np.sum(field.reaction[on_wall, 2] / h)) / self._perimeter
        wall = field.on("wall")
        largest = np.abs(np.einsum("nj,nj->n", wall.gradient[:, 2], wall.normals)).max() * self.half_height
        return {"wall_shear_mean": abs(mean), "wall_shear_max": float(largest)}

    def _divergence(self, state: _State) -> float:
        """Norm of the discrete divergence over that of its terms."""
        kept = self._kept[3].getIndices()
        terms = []
        for component in (0, 1):
            alone = [part if i == component else np.zeros_like(part) for i, part in enumerate(state.parts)]
            for function, part in zip(self._functions, alone, strict=True):
                function.x.array[:] = part
            terms.append(_vector(self._residuals[3]).array[kept])
        for function, part in zip(self._functions, state.parts, strict=True):
            function.x.array[:] = part
        size = math.sqrt(sum(float(term @ term) for term in terms))
        return float(np.linalg.norm(terms[0] + terms[1])) / size if size > 0 else 0.0


def _stages(k: float, first: float) -> list[float]:
    """The values of K on the way to the one that is asked for."""
    out = []
    while first < k:
        out.append(first)
        first *= _GROWTH
    return [*out, k]


def section_mesh(outline: Outline, half_height: float, refine: float = 1.0) -> Mesh:
    """The mesh of a section.

    Args:
        outline: From :mod:`geometries.section`.
        half_height: X, um.
        refine: Divides the cell size.

    Raises:
        MeshError: No usable mesh.
    """
    return mesh_outline(outline, Resolution(coarsest=CELL * half_height / outline.throat, refine=refine))


def solve_section(
    outline: Outline,
    half_height: float,
    curvature: float,
    *,
    dean_k: float | None = None,
    dean: float | None = None,
    refine: float = 1.0,
) -> SectionFlow:
    """Solve the flow in a section, and on a second, coarser mesh for the discretisation error.

    Args:
        outline: From :mod:`geometries.section`.
        half_height: X, um: half the height, of a trapezoid half its mean, of a circle the radius.
        curvature: X over the radius of the bend, from 0.
        dean_k: As in :meth:`Section.solve`.
        dean: The same.
        refine: Divides the cell size.

    Raises:
        DesignError: A number is outside what can be answered.
        SolverError: No converged solution.
        MeshError: No usable mesh.
    """
    flow = Section(section_mesh(outline, half_height, refine), half_height, refine).solve(
        curvature, dean_k=dean_k, dean=dean
    )
    other, mesh = second_mesh(lambda r: section_mesh(outline, half_height, r), refine)
    second = Section(mesh, half_height, other).solve(curvature, dean_k=dean_k, dean=dean)
    error = discretisation_error(
        (flow.gradient, flow.wall_shear_mean),
        (second.gradient, second.wall_shear_mean),
        refine / other,
        (ORDER, ORDER),
    )
    return replace(flow, discretisation_error=error)
