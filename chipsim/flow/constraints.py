"""Fixed and paired unknowns: taken out of the system before it is solved, or held at zero.

The unknowns that are kept, y, give all unknowns as u = R y + g: a fixed one has an empty row in R and its value in g, one
on the outlet of a periodic cell has its partner's row. The reduced matrix R^T A R stays symmetric and needs nothing from a
particular DOLFINx version.

Which unknowns are fixed differs between the velocity's components. A factorisation takes them out of each component's own
matrix; for MINRES they stay in and are held at zero, so that all components share one matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from dolfinx import fem
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from chipsim.flow.solvers import SolverError

# Partners on a periodic pair of sides agree to rounding; um.
_PAIR_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Constraint:
    """The way from the unknowns that are kept to all unknowns of one scalar space.

    Attributes:
        space: The DOLFINx space.
        target: Column in R of each own unknown, -1 for one that is taken out; shape (own,).
        own: Column of each own unknown that is itself kept; -1 for those taken out and paired ones.
        full: R, all unknowns from those that are kept.
        is_held: Whether each own kept unknown is held at zero.
        trivial: Whether nothing is taken out and nothing paired on any rank, so that R is the identity.
    """

    space: Any
    target: NDArray[np.int64]
    own: NDArray[np.int64]
    full: PETSc.Mat
    is_held: NDArray[np.bool_]
    trivial: bool

    @cached_property
    def inject(self) -> PETSc.Mat:
        """R without the paired rows: its transpose picks the kept unknowns out of all (collective where first asked for)."""
        return sparse_rows(self.space.mesh.comm, self.own[:, None], int((self.own >= 0).sum()))

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """Local numbers of the kept unknowns that are held at zero."""
        return np.flatnonzero(self.is_held)

    @property
    def free(self) -> int:
        """How many unknowns of all ranks are to be solved for."""
        return int(self.space.mesh.comm.allreduce(int((~self.is_held).sum())))

    def holding(self, fixed: NDArray[np.int32]) -> Constraint:
        """The same with the fixed unknowns, by their local numbers, held at zero.

        Raises:
            SolverError: Of a pair only one is fixed.
        """
        comm, is_fixed = self.space.mesh.comm, np.zeros(len(self.own), dtype=bool)
        is_fixed[fixed[fixed < len(self.own)]] = True
        kept = self.own >= 0
        paired = ~kept & (self.target >= 0)
        if comm.allreduce(int(paired.sum())):
            held = np.concatenate(comm.allgather(is_fixed[kept]))
            if comm.allreduce(int(np.any(held[self.target[paired]] != is_fixed[paired]))):
                raise SolverError("a wall meets only one of inlet and outlet: the cell is not periodic")
        return replace(self, is_held=is_fixed[kept])

    def reduce(self, vector: PETSc.Vec) -> PETSc.Vec:
        """The right-hand side of the unknowns that are kept, from that of all."""
        out = self.full.createVecRight()
        self.full.multTranspose(vector, out)
        out.array[self.held] = 0.0
        return out


def constrain(
    space: Any,
    fixed: NDArray[np.int32],
    masters: NDArray[np.int32],
    slaves: NDArray[np.int32],
) -> Constraint:
    """Build the constraint of a scalar space.

    Args:
        space: A DOLFINx scalar function space.
        fixed: Local numbers of the unknowns to take out.
        masters: Local numbers of the unknowns on the inlet, where the cell is periodic along x; else empty.
        slaves: The same on the outlet.

    Raises:
        SolverError: Inlet and outlet do not match.
    """
    comm, count = space.mesh.comm, space.dofmap.index_map.size_local
    is_fixed, is_slave = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    is_fixed[fixed[fixed < count]] = True
    is_slave[slaves[slaves < count]] = True
    is_slave &= ~is_fixed
    own = numbered(comm, ~(is_fixed | is_slave))
    target = own.copy()
    if comm.allreduce(len(masters)):
        x = space.tabulate_dof_coordinates()[:count]
        target[is_slave] = _partners(comm, x, own, masters[masters < count], is_slave)
    kept = own >= 0
    full = sparse_rows(comm, target[:, None], int(kept.sum()))
    trivial = not comm.allreduce(int(count - kept.sum()))
    return Constraint(space, target, own, full, np.zeros(int(kept.sum()), dtype=bool), trivial)


def numbered(comm: Any, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Global numbers of the chosen entries, rank after rank; -1 elsewhere."""
    out = np.full(len(chosen), -1, dtype=np.int64)
    count = int(chosen.sum())
    out[chosen] = np.arange(count) + comm.scan(count) - count
    return out


def _partners(
    comm: Any, x: NDArray, column: NDArray, masters: NDArray, is_slave: NDArray
) -> NDArray[np.int64]:
    """Columns of the inlet's unknowns at the same place across the flow; -1 where that one is fixed."""
    from scipy.spatial import cKDTree

    gathered = comm.allgather((x[masters, 1:], column[masters]))
    places = np.concatenate([g[0] for g in gathered])
    columns = np.concatenate([g[1] for g in gathered])
    distance, nearest = cKDTree(places).query(x[is_slave, 1:])
    farthest = comm.allreduce(float(distance.max(initial=0.0)), op=MPI.MAX)
    if farthest > _PAIR_TOLERANCE:
        raise SolverError(f"inlet and outlet meshes differ by {farthest:.3g} um: the cell is not periodic")
    return columns[nearest]


def sparse_rows(
    comm: Any, columns: NDArray[np.int64], count: int, weights: NDArray[np.float64] | None = None
) -> PETSc.Mat:
    """A matrix with a few entries a row.

    Args:
        comm: MPI communicator.
        columns: Global columns of each own row, shape (rows, k), different ones in a row; -1 stands for none.
        count: Own columns.
        weights: The entries, same shape; None: ones.
    """
    weights = np.ones(columns.shape) if weights is None else weights
    order = np.argsort(columns, axis=1)
    columns, weights = np.take_along_axis(columns, order, 1), np.take_along_axis(weights, order, 1)
    kept = columns >= 0
    pointer = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(PETSc.IntType)
    matrix = PETSc.Mat().createAIJ(
        ((len(columns), None), (count, None)),
        csr=(pointer, columns[kept].astype(PETSc.IntType), weights[kept]),
        comm=comm,
    )
    matrix.assemble()
    return matrix


def on_regions(space: Any, tags: Any, numbers: Sequence[int]) -> NDArray[np.int32]:
    """Local numbers of the unknowns on boundary regions."""
    facet_dim = space.mesh.topology.dim - 1
    found = [fem.locate_dofs_topological(space, facet_dim, tags.find(n)) for n in numbers]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int32), *found]))
