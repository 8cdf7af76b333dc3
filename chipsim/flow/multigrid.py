"""The coarse space of the velocity's two-level multigrid: what the smoother on P2 leaves behind.

Where cells are about as high as wide, it is P1 on the same mesh. An extruded mesh that is graded to the tips has cells
much flatter across than high: unknowns hang together within a plane, hardly along the depth. There P1 would lose what
varies along the depth within a layer, which point smoothing cannot damp (MINRES then takes three times as many
iterations), so only the plane is coarsened: all node levels stay, and each keeps the corners of the plane's triangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dolfinx.fem import petsc as fem_petsc
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow import _compat
from chipsim.flow.assembly import plain, product, reduced
from chipsim.flow.constraints import Constraint, numbered, sparse_rows
from geometries.mesh import EDGES, Mesh


@dataclass(frozen=True)
class Level:
    """The coarse level of all velocity components.

    Attributes:
        coarse: Its operator for each component: rows and columns of what is held at zero are those of the identity.
        interpolation: The way from it to P2, the same for all components.
        held: Local numbers of the coarse unknowns that each component holds at zero.
    """

    coarse: list[PETSc.Mat]
    interpolation: PETSc.Mat
    held: list[NDArray[np.int64]]


def linear_level(fine: Constraint, coarse: Sequence[Constraint], stiffness: PETSc.Mat) -> Level:
    """P1 on the same mesh.

    Args:
        fine: A constraint of the P2 space.
        coarse: Each component's constraint of the P1 space.
        stiffness: The scalar operator on all P1 unknowns.
    """
    first = coarse[0]
    interpolation = fem_petsc.interpolation_matrix(first.space, fine.space)
    interpolation.assemble()
    interpolation = _without_zeros(interpolation)
    if not fine.trivial:
        interpolation = plain(fine.inject.transposeMatMult(interpolation).matMult(first.full))
    held = [c.held for c in coarse]
    return Level(_each(reduced(stiffness, first), held), interpolation, held)


def plane_parents(mesh: Mesh | None, comm: Any) -> NDArray[np.int64] | None:
    """For each node of an extruded mesh's plane the corners that it lies between, a corner itself twice.

    Args:
        mesh: The mesh on rank 0.
        comm: MPI communicator.

    Returns:
        Shape (n, 2), on all ranks; None where the mesh is not extruded.
    """
    parents = None
    if mesh is not None and mesh.node_levels > 1:
        n = len(mesh.points) // mesh.node_levels
        parents = np.repeat(np.arange(n)[:, None], 2, axis=1)
        for middle, (a, b) in enumerate(EDGES[3], start=4):
            ends = mesh.cells[:, [a, b]]
            floor = np.all(ends < n, axis=1)
            parents[mesh.cells[floor, middle]] = ends[floor]
    return comm.bcast(parents, root=0)


def in_plane_level(fine: Sequence[Constraint], parents: NDArray[np.int64], matrix: PETSc.Mat) -> Level:
    """All levels of nodes, on each only the corners of the plane's triangles.

    Args:
        fine: Each component's constraint of the P2 space; nothing taken out but paired unknowns.
        parents: Corners of each plane node, shape (n, 2), as of :func:`plane_parents`.
        matrix: The scalar operator on P2, common to all components.
    """
    first = fine[0]
    domain, n = first.space.mesh, len(parents)
    comm, own = domain.comm, first.space.dofmap.index_map.size_local
    node = _compat.nodes_of_unknowns(first.space)[:own]
    corner = parents[node % n, 0] == node % n
    chosen = corner & (first.own >= 0)
    coarse = numbered(comm, chosen)
    # A paired corner has its partner's column: look it up by the partner's number in the fine space.
    free_columns, counts = _table(comm, first.own, coarse)
    column = np.full(own, -1, dtype=np.int64)
    column[corner] = free_columns[first.target[corner]]
    by_node = np.full(domain.geometry.index_map().size_global, -1, dtype=np.int64)
    by_node[node] = column
    comm.Allreduce(MPI.IN_PLACE, by_node, op=MPI.MAX)
    rows = first.own >= 0
    pair = parents[node[rows] % n] + (node[rows] // n * n)[:, None]
    single = pair[:, 0] == pair[:, 1]
    columns, weights = by_node[pair], np.full(pair.shape, 0.5)
    columns[single, 1], weights[single, 0] = -1, 1.0
    interpolation = sparse_rows(comm, columns, counts, weights)
    chosen = chosen[rows]
    held = [np.flatnonzero(constraint.is_held[chosen]) for constraint in fine]
    return Level(_each(product(matrix, interpolation), held), interpolation, held)


def _each(matrix: PETSc.Mat, held: Sequence[NDArray[np.int64]]) -> list[PETSc.Mat]:
    """The matrix of each component, in the multigrid library's own format, which it would copy it to."""
    out = []
    start, _ = matrix.getOwnershipRange()
    for numbers in held:
        own = matrix.duplicate(copy=True)
        own.zeroRowsColumns((numbers + start).astype(PETSc.IntType), diag=1.0)
        out.append(own.convert("hypre"))
    return out


def _without_zeros(matrix: PETSc.Mat) -> PETSc.Mat:
    """The matrix with its true entries only: DOLFINx stores whole blocks of a cell, a third of which are not zero."""
    pointer, columns, values = matrix.getValuesCSR()
    kept = np.abs(values) > 1e-12
    pointer = np.concatenate([[0], np.cumsum(kept)])[pointer].astype(PETSc.IntType)
    out = PETSc.Mat().createAIJ(
        matrix.getSizes(), csr=(pointer, columns[kept], values[kept]), comm=matrix.comm
    )
    out.assemble()
    return out


def _table(comm: Any, fine: NDArray[np.int64], coarse: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The coarse number of every free unknown of all ranks, -1 where it has none; and how many are this rank's."""
    free = fine >= 0
    table = np.concatenate(comm.allgather(coarse[free]))
    return table, int((coarse >= 0).sum())
