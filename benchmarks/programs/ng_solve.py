"""NGSolve on the same second-order cells: netgen takes six-node triangles and ten-node tetrahedra as curved elements.

Options: ``pardiso``, ``umfpack``, ``sparsecholesky`` (a factorisation of the whole symmetric matrix) or ``minres`` (BDDC with
a Cholesky coarse solver for each velocity component, the pressure mass matrix' diagonal; relative tolerance 1e-6).
"""

from __future__ import annotations

from typing import Any

import netgen.meshing as netgen
import ngsolve as ng
import numpy as np
from ngsolve import dx, grad

from benchmarks.programs.common import Clock, Input, report, run_once

# gmsh's nodes in netgen's order.
_NODES = {3: (0, 1, 2), 6: (0, 1, 2, 4, 5, 3), 10: (0, 1, 2, 3, 4, 6, 7, 5, 9, 8)}
_PERIODIC = 2


def make_mesh(case: Input) -> Any:
    """The NGSolve mesh with named boundaries."""
    mesh, dim = netgen.Mesh(dim=case.dim), case.dim
    # Corners first: netgen takes the highest-numbered corner for the number of its vertices.
    order = np.argsort(~case.corners, kind="stable")
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    mesh.AddPoints(np.ascontiguousarray(case.points[order]))
    for name, number in case.regions.items():
        mesh.Add(netgen.FaceDescriptor(surfnr=number, domin=1, bc=number))
        mesh.SetBCName(number - 1, name)
    mesh.SetMaterial(1, "fluid")
    numbers = [netgen.PointId(i) for i in range(1, len(case.points) + 1)]
    for number in case.regions.values():
        facets = new[case.facets[case.facet_regions == number]]
        if dim == 2:
            for line in facets:
                mesh.Add(netgen.Element1D([numbers[i] for i in line[:2]], index=number))
        else:
            mesh.AddElements(dim=2, index=number, data=_of(facets), base=0)
    mesh.AddElements(dim=dim, index=1, data=_of(new[case.cells]), base=0)
    if case.periodic:
        for a, b in zip(*case.pairs(), strict=True):
            if case.corners[a]:
                mesh.AddPointIdentification(numbers[new[a]], numbers[new[b]], identnr=1, type=_PERIODIC)
    return ng.Mesh(mesh)


def _of(nodes: Any) -> Any:
    return np.ascontiguousarray(nodes[:, list(_NODES[nodes.shape[1]])], dtype=np.int32)


def solve(case: Input, option: str) -> None:
    mesh = make_mesh(case)
    clock = Clock()
    if option == "minres":
        flow, unknowns, iterations = by_minres(case, mesh, clock)
    else:
        flow, unknowns, iterations = by_factors(case, mesh, option, clock)
    measure = ng.Integrate(ng.CF(1), mesh, order=6)
    report(clock, flow=flow, unknowns=unknowns, measure=measure, version=f"NGSolve {ng.__version__}", solver=option,
           iterations=iterations)  # fmt: skip


def spaces(case: Input, mesh: Any) -> tuple[list[Any], Any]:
    """One space for each velocity component and that of the pressure."""
    repeat = ng.Periodic if case.periodic else lambda space: space
    fixed = ["|".join(case.fixed(c)) for c in range(case.dim)]
    return [repeat(ng.H1(mesh, order=2, dirichlet=f)) for f in fixed], repeat(ng.H1(mesh, order=1))


def load(case: Input, test: Any) -> Any:
    return test * dx if case.periodic else test * ng.ds("inlet")


def flow_rate(case: Input, mesh: Any, u: Any) -> float:
    if case.periodic:
        return ng.Integrate(u, mesh) / case.length
    return ng.Integrate(u, mesh, definedon=mesh.Boundaries("inlet"))


def by_factors(case: Input, mesh: Any, inverse: str, clock: Clock) -> tuple[float, int, int]:
    velocity, pressure = spaces(case, mesh)
    whole = ng.FESpace([*velocity, pressure])
    (*u, p), (*v, q) = whole.TnT()
    a = ng.BilinearForm(whole, symmetric=True)
    a += (sum(grad(u[c]) * grad(v[c]) for c in range(case.dim)) - _divergence(u, q) - _divergence(v, p)) * dx
    a.Assemble()
    f = ng.LinearForm(load(case, v[0])).Assemble()
    free = whole.FreeDofs()
    if case.periodic:  # the pressure is known up to a constant
        free[next(i for i in range(whole.Range(case.dim).start, whole.ndof) if free[i])] = False
    clock.lap("assembly")
    factors = a.mat.Inverse(free, inverse=inverse)
    clock.lap("set-up")
    solution = ng.GridFunction(whole)
    solution.vec.data = factors * f.vec
    clock.lap("solve")
    return flow_rate(case, mesh, solution.components[0]), whole.ndof, 0


def by_minres(case: Input, mesh: Any, clock: Clock) -> tuple[float, int, int]:
    velocity, pressure = spaces(case, mesh)
    n, rows, blocks = case.dim, [], []
    p, q = pressure.TnT()
    for c, space in enumerate(velocity):
        u, v = space.TnT()
        stiffness = ng.BilinearForm(grad(u) * grad(v) * dx, symmetric=True)
        inner = ng.Preconditioner(stiffness, "bddc", inverse="sparsecholesky")
        stiffness.Assemble()
        B = ng.BilinearForm(-grad(u)[c] * q * dx).Assemble().mat
        rows.append([stiffness.mat if k == c else None for k in range(n)] + [B.T])
        blocks.append((inner.mat, B))
    rows.append([*(B for _, B in blocks), None])
    f = ng.LinearForm(load(case, velocity[0].TestFunction())).Assemble()
    mass = ng.BilinearForm(p * q * dx, diagonal=True, symmetric=True).Assemble()
    clock.lap("assembly")
    preconditioner = [[blocks[k][0] if k == i else None for k in range(n)] + [None] for i in range(n)] + [
        [*[None] * n, mass.mat.Inverse(pressure.FreeDofs())]
    ]
    zero = [ng.GridFunction(s).vec for s in (*velocity, pressure)]
    rhs = ng.BlockVector([f.vec, *(z.CreateVector() for z in zero[1:])])
    for i in range(1, n + 1):
        rhs[i][:] = 0.0
    x = ng.BlockVector(zero)
    clock.lap("set-up")
    solver = ng.solvers.MinResSolver(
        mat=ng.BlockMatrix(rows), pre=ng.BlockMatrix(preconditioner), maxiter=2000, tol=1e-6
    )
    solver.Solve(rhs=rhs, sol=x)
    clock.lap("solve")
    u = ng.GridFunction(velocity[0])
    u.vec.data = x[0]
    return flow_rate(case, mesh, u), sum(s.ndof for s in (*velocity, pressure)), solver.iterations


def _divergence(u: Any, q: Any) -> Any:
    return sum(grad(component)[c] for c, component in enumerate(u)) * q


if __name__ == "__main__":
    run_once(solve)
