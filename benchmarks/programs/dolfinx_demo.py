"""DOLFINx as its Stokes demo does it: a vector P2 space and P1, no use made of the components being separate.

Options: ``lu`` (mixed space, MUMPS LU) or ``minres`` (nested, GAMG on the velocity, Jacobi on the pressure mass matrix; relative
tolerance 1e-6). Pairing inlet and outlet needs dolfinx_mpc, which the demo does not have.
"""

from __future__ import annotations

from typing import Any

import basix.ufl
import dolfinx
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from mpi4py import MPI
from petsc4py import PETSc

from benchmarks.programs.common import Clock, Input, report, run_once
from chipsim.flow import _compat
from geometries.mesh import Mesh


def solve(case: Input, option: str) -> None:
    run = by_lu if option == "lu" else by_minres
    domain, tags = domain_of(case)
    clock = Clock()
    u, unknowns, iterations = run(domain, tags, case, clock)
    normal, ds = ufl.FacetNormal(domain), ufl.Measure("ds", domain, subdomain_data=tags)
    flow = -fem.assemble_scalar(fem.form(ufl.inner(u, normal) * ds(case.regions["inlet"])))
    measure = fem.assemble_scalar(
        fem.form(fem.Constant(domain, 1.0) * ufl.dx(metadata={"quadrature_degree": 6}))
    )
    report(clock, flow=flow, unknowns=unknowns, measure=measure, version=f"DOLFINx {dolfinx.__version__}", solver=option,
           iterations=iterations)  # fmt: skip


def domain_of(case: Input) -> tuple[Any, Any]:
    mesh = Mesh(case.points, case.cells, case.facets, case.facet_regions, case.regions)
    return _compat.distribute(mesh, MPI.COMM_SELF, case.dim)


def elements(domain: Any) -> tuple[Any, Any]:
    cell, dim = domain.basix_cell(), domain.geometry.dim
    return basix.ufl.element("Lagrange", cell, 2, shape=(dim,)), basix.ufl.element("Lagrange", cell, 1)


def conditions(case: Input, tags: Any, velocity: Any) -> list[Any]:
    """Zero velocity components; ``velocity`` is the velocity space, perhaps within a mixed one."""
    out = []
    for component in range(case.dim):
        space = velocity.sub(component)
        for name in case.fixed(component):
            dofs = fem.locate_dofs_topological(space, case.dim - 1, tags.find(case.regions[name]))
            out.append(fem.dirichletbc(PETSc.ScalarType(0.0), dofs, space))
    return out


def load(domain: Any, tags: Any, case: Input, v: Any) -> Any:
    """The pressure 1 on the inlet."""
    ds = ufl.Measure("ds", domain, subdomain_data=tags)
    return -ufl.inner(ufl.FacetNormal(domain), v) * ds(case.regions["inlet"])


def by_lu(domain: Any, tags: Any, case: Input, clock: Clock) -> tuple[Any, int, int]:
    W = fem.functionspace(domain, basix.ufl.mixed_element(list(elements(domain))))
    (u, p), (v, q) = ufl.TrialFunctions(W), ufl.TestFunctions(W)
    a = fem.form((ufl.inner(ufl.grad(u), ufl.grad(v)) - p * ufl.div(v) - q * ufl.div(u)) * ufl.dx)
    bcs = conditions(case, tags, W.sub(0))
    clock.lap()
    matrix = fem_petsc.assemble_matrix(a, bcs=bcs)
    matrix.assemble()
    rhs = right_hand_side(load(domain, tags, case, v), bcs)
    clock.lap("assembly")
    ksp = PETSc.KSP().create(domain.comm)
    ksp.setOperators(matrix)
    ksp.setType("preonly")
    pc = ksp.getPC()
    pc.setType("lu")
    pc.setFactorSolverType("mumps")
    ksp.setUp()
    clock.lap("set-up")
    solution = fem.Function(W)
    ksp.solve(rhs, solution.x.petsc_vec)
    solution.x.scatter_forward()
    clock.lap("solve")
    return solution.sub(0), matrix.getSize()[0], 0


def by_minres(domain: Any, tags: Any, case: Input, clock: Clock) -> tuple[Any, int, int]:
    V, Q = (fem.functionspace(domain, e) for e in elements(domain))
    u, v, p, q = ufl.TrialFunction(V), ufl.TestFunction(V), ufl.TrialFunction(Q), ufl.TestFunction(Q)
    forms = [
        fem.form(form * ufl.dx)
        for form in (ufl.inner(ufl.grad(u), ufl.grad(v)), -p * ufl.div(v), -q * ufl.div(u), p * q)
    ]
    bcs = conditions(case, tags, V)
    clock.lap()
    A, BT, B, mass = (fem_petsc.assemble_matrix(form, bcs=bcs) for form in forms)
    for matrix in (A, BT, B, mass):
        matrix.assemble()
    K = PETSc.Mat().createNest([[A, BT], [B, None]])
    M = PETSc.Mat().createNest([[A, None], [None, mass]])
    for matrix in (K, M):
        matrix.assemble()
    rhs = PETSc.Vec().createNest([right_hand_side(load(domain, tags, case, v), bcs), mass.createVecRight()])
    clock.lap("assembly")
    ksp = PETSc.KSP().create(domain.comm)
    ksp.setOperators(K, M)
    ksp.setType("minres")
    ksp.setTolerances(rtol=1e-6, max_it=2000)
    pc = ksp.getPC()
    pc.setType("fieldsplit")
    pc.setFieldSplitType(PETSc.PC.CompositeType.ADDITIVE)
    rows = M.getNestISs()[0]
    pc.setFieldSplitIS(("u", rows[0]), ("p", rows[1]))
    for inner, kind in zip(pc.getFieldSplitSubKSP(), ("gamg", "jacobi"), strict=True):
        inner.setType("preonly")
        inner.getPC().setType(kind)
    clock.lap("set-up")
    x = rhs.copy()
    ksp.solve(rhs, x)
    clock.lap("solve")
    velocity = fem.Function(V)
    x.getNestSubVecs()[0].copy(velocity.x.petsc_vec)
    return velocity, K.getSize()[0], ksp.getIterationNumber()


def right_hand_side(form: Any, bcs: list[Any]) -> Any:
    vector = fem_petsc.assemble_vector(fem.form(form))
    for bc in bcs:
        bc.set(vector.array_w)
    return vector


if __name__ == "__main__":
    run_once(solve)
