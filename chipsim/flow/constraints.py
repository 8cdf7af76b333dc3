"""Fixed and paired unknowns, taken out of the system before it is solved.

The free unknowns y give all unknowns as u = R y + g: a fixed one has an empty row in R and its value in g, one on the
outlet of a periodic cell has its partner's row. The reduced matrix R^T A R stays symmetric, is the same for the direct
and the multigrid solver, and needs nothing from a particular DOLFINx version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from dolfinx import fem
from numpy.typing import NDArray
from petsc4py import PETSc
from scipy.spatial import cKDTree

from chipsim.flow.solvers import SolverError

# Partners on a periodic pair of sides agree to rounding; um.
_PAIR_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Constraint:
    """The way from free unknowns to all unknowns of one scalar space.

    Attributes:
        full: R, all unknowns from the free ones.
        inject: R without the paired rows: its transpose picks the free unknowns out of all.
        lift: g, values of the fixed unknowns.
    """

    full: PETSc.Mat
    inject: PETSc.Mat
    lift: PETSc.Vec


def constrain(
    space: Any,
    fixed: NDArray[np.int32],
    value: Callable[[NDArray], NDArray] | None = None,
    masters: NDArray[np.int32] | None = None,
    slaves: NDArray[np.int32] | None = None,
) -> Constraint:
    """Build the constraint of a scalar space.

    Args:
        space: A DOLFINx scalar function space.
        fixed: Local numbers of the fixed unknowns.
        value: Their values from coordinates of shape (3, n); None: zero.
        masters: Local numbers of the unknowns on the inlet, where the cell is periodic along x.
        slaves: The same on the outlet.
    """
    comm, own = space.mesh.comm, space.dofmap.index_map.size_local
    x = space.tabulate_dof_coordinates()[:own]
    is_fixed, is_slave = np.zeros(own, dtype=bool), np.zeros(own, dtype=bool)
    is_fixed[fixed[fixed < own]] = True
    if slaves is not None:
        is_slave[slaves[slaves < own]] = True
    is_slave &= ~is_fixed
    free = ~(is_fixed | is_slave)
    count = int(free.sum())
    column = np.full(own, -1, dtype=np.int64)
    column[free] = np.arange(count) + comm.scan(count) - count
    target = column.copy()
    if masters is not None and slaves is not None:
        target[is_slave] = _partners(comm, x, column, masters[masters < own], is_slave)
    lift = PETSc.Vec().createMPI((own, None), comm=comm)
    if value is not None and is_fixed.any():
        lift.array[is_fixed] = value(x[is_fixed].T)
    return Constraint(_matrix(comm, target, count), _matrix(comm, column, count), lift)


def _partners(
    comm: Any, x: NDArray, column: NDArray, masters: NDArray, is_slave: NDArray
) -> NDArray[np.int64]:
    """Columns of the inlet's unknowns at the same place across the flow; -1 where that one is fixed."""
    gathered = comm.allgather((x[masters, 1:], column[masters]))
    places = np.concatenate([g[0] for g in gathered])
    columns = np.concatenate([g[1] for g in gathered])
    if not is_slave.any():
        return np.empty(0, dtype=np.int64)
    distance, nearest = cKDTree(places).query(x[is_slave, 1:])
    if distance.max() > _PAIR_TOLERANCE:
        raise SolverError(
            f"inlet and outlet meshes differ by {distance.max():.3g} um: the cell is not periodic"
        )
    return columns[nearest]


def _matrix(comm: Any, column: NDArray[np.int64], count: int) -> PETSc.Mat:
    """A matrix with a one in each row at ``column``; rows with -1 stay empty."""
    kept = column >= 0
    pointer = np.concatenate([[0], np.cumsum(kept)]).astype(PETSc.IntType)
    matrix = PETSc.Mat().createAIJ(
        ((len(column), None), (count, None)),
        csr=(pointer, column[kept].astype(PETSc.IntType), np.ones(int(kept.sum()))),
        comm=comm,
    )
    matrix.assemble()
    return matrix


def on_region(space: Any, tags: Any, number: int) -> NDArray[np.int32]:
    """Local numbers of the unknowns on a boundary region."""
    facet_dim = space.mesh.topology.dim - 1
    return fem.locate_dofs_topological(space, facet_dim, tags.find(number))
