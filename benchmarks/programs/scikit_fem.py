"""scikit-fem with MKL's PARDISO: scalar matrices assembled once and shared by the components, one factorisation.

Options: ``pardiso`` (unsymmetric), ``pardiso-symmetric`` (indefinite, upper triangle).
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

import numpy as np
import pypardiso
import skfem
from scipy import sparse
from skfem.helpers import dot, grad

from benchmarks.programs.common import Clock, Input, report, run_once


def make_mesh(case: Input) -> Any:
    """The second-order mesh, whose nodes keep their numbers within their kind (corners first)."""
    order = np.argsort(~case.corners, kind="stable")
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    # scikit-fem numbers the edges of a tetrahedron 01 12 02 03 13 23.
    columns = range(6) if case.dim == 2 else (0, 1, 2, 3, 4, 5, 6, 7, 9, 8)
    kind = skfem.MeshTri2 if case.dim == 2 else skfem.MeshTet2
    points = case.points[order, : case.dim].T
    return kind(np.ascontiguousarray(points), np.ascontiguousarray(new[case.cells][:, list(columns)].T))


@skfem.BilinearForm
def laplace(u, v, w):
    return dot(grad(u), grad(v))


def divergence(component: int) -> Any:
    return skfem.BilinearForm(lambda u, q, w: -grad(u)[component] * q)


def solve(case: Input, option: str) -> None:
    mesh = make_mesh(case)
    clock, dim = Clock(), case.dim
    two, one = (
        (skfem.ElementTriP2(), skfem.ElementTriP1())
        if dim == 2
        else (skfem.ElementTetP2(), skfem.ElementTetP1())
    )
    basis = skfem.Basis(mesh, two, intorder=4)
    pressure = basis.with_element(one)
    A = laplace.assemble(basis)
    B = [divergence(c).assemble(basis, pressure) for c in range(dim)]
    K = sparse.bmat(
        [[A if i == j else None for j in range(dim)] + [B[i].T] for i in range(dim)] + [[*B, None]], "csr"
    )
    n = len(case.points)
    load = np.zeros(K.shape[0])
    where = basis.doflocs  # the P2 dofs sit on the mesh's nodes
    inlet = flux_weights(mesh, two, case)
    if case.periodic:
        load[:n] = skfem.LinearForm(lambda v, w: v).assemble(basis)
    else:
        load[:n] = inlet
    fixed = np.concatenate([c * n + dofs_on(case, where, name) for c in range(dim) for name in case.fixed(c)])
    P = reduction(case, where, pressure.doflocs, np.unique(fixed), K.shape[0])
    K, f = (P.T @ K @ P).tocsr(), P.T @ load
    clock.lap("assembly")
    x = P @ factorised(K, f, option, clock)
    clock.lap("solve")
    flow = load @ x / case.length if case.periodic else load @ x
    area = float(np.sum(basis.dx))
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in ("scikit-fem", "pypardiso"))
    report(clock, flow=flow, unknowns=K.shape[0], measure=area, version=versions, solver=option)


def factorised(K: Any, f: Any, option: str, clock: Clock) -> Any:
    """Factorise and solve; ends within the part ``solve``."""
    solver = pypardiso.PyPardisoSolver(mtype=-2 if option == "pardiso-symmetric" else 11)
    if option == "pardiso-symmetric":
        # PARDISO wants the upper triangle with its whole diagonal; a sum of matrices would drop stored zeros.
        upper, diagonal = sparse.triu(K, k=1, format="coo"), np.arange(len(f))
        rows, columns = np.append(upper.row, diagonal), np.append(upper.col, diagonal)
        K = sparse.csr_matrix((np.append(upper.data, K.diagonal()), (rows, columns)), K.shape)
        K.sort_indices()
    solver.factorize(K)
    clock.lap("set-up")
    return solver.solve(K, f)


def flux_weights(mesh: Any, element: Any, case: Input) -> Any:
    """Integrals of the P2 functions over the inlet, by the basis' numbers."""
    ends = mesh.facets_satisfying(lambda x: np.isclose(x[0], case.points[:, 0].min()), boundaries_only=True)
    return skfem.LinearForm(lambda v, w: v).assemble(skfem.FacetBasis(mesh, element, facets=ends, intorder=4))


def dofs_on(case: Input, where: Any, name: str) -> Any:
    """Numbers of the P2 dofs on a region, recognised by their place."""
    return match(where.T, case.points[case.nodes_on(name), : case.dim])


def match(places: Any, wanted: Any) -> Any:
    from scipy.spatial import cKDTree

    distance, found = cKDTree(places).query(wanted)
    assert distance.max() < 1e-9, "a node of the mesh is no node of the basis"
    return found


def reduction(case: Input, where: Any, corners: Any, fixed: Any, size: int) -> Any:
    """The matrix from the free unknowns to all: fixed ones are left out, an outlet's follow its partner on the inlet."""
    master = np.arange(size)
    if case.periodic:
        a, b = case.pairs()
        d, n = case.dim, len(case.points)
        for c in range(d):
            master[c * n + match(where.T, case.points[b, :d])] = c * n + match(where.T, case.points[a, :d])
        vertex = case.corners[a]
        a, b = a[vertex], b[vertex]
        master[d * n + match(corners.T, case.points[b, :d])] = d * n + match(corners.T, case.points[a, :d])
        fixed = np.append(fixed, size - 1 if master[size - 1] == size - 1 else master[size - 1])
    free = np.setdiff1d(np.arange(size), fixed)
    free = free[master[free] == free]
    column = np.full(size, -1)
    column[free] = np.arange(len(free))
    column = column[master]
    rows = np.flatnonzero(column >= 0)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, column[rows])), (size, len(free)))


if __name__ == "__main__":
    run_once(solve)
