"""What holds on each named region: which unknowns are fixed, which are paired, and the values that a load gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from dolfinx import fem
from mpi4py import MPI
from numpy.typing import NDArray

from chipsim.flow.constraints import Constraint, constrain, on_regions
from chipsim.flow.field import MIRRORS
from chipsim.flow.solvers import SolverError

if TYPE_CHECKING:
    from chipsim.flow.stokes import Load, Problem


class Boundary:
    """The named regions of a mesh under a problem.

    Args:
        space: The P2 space of a velocity component.
        tags: Facet tags of its mesh.
        regions: Numbers of the regions by name.
        problem: What is asked.

    Raises:
        SolverError: An open region is not there or not flat, an end of a periodic problem is missing or open too.
    """

    def __init__(self, space: Any, tags: Any, regions: dict[str, int], problem: Problem) -> None:
        self.regions, self._tags, self._periodic = regions, tags, problem.periodic
        self._dim = space.mesh.geometry.dim
        if problem.periodic:
            missing = [name for name in ("inlet", "outlet") if name not in regions]
            if missing:
                raise SolverError(
                    f"a periodic problem needs an inlet and an outlet; the mesh has no {missing[0]}"
                )
            if set(problem.open) & {"inlet", "outlet"}:
                raise SolverError("inlet and outlet cannot be paired and open; set periodic=False")
        #: The axis that each open region is perpendicular to.
        self.axes = {name: self._axis(space, name) for name in problem.open}

    def _axis(self, space: Any, name: str) -> int:
        """The axis that a flat open region is perpendicular to."""
        if name not in self.regions:
            raise SolverError(f'open region "{name}" is not in the mesh; it has {", ".join(self.regions)}')
        where = on_regions(space, self._tags, [self.regions[name]])
        x = space.tabulate_dof_coordinates()[where, : self._dim]
        low, high = x.min(axis=0, initial=np.inf), x.max(axis=0, initial=-np.inf)
        space.mesh.comm.Allreduce(MPI.IN_PLACE, low, op=MPI.MIN)
        space.mesh.comm.Allreduce(MPI.IN_PLACE, high, op=MPI.MAX)
        extent = high - low
        axis = int(np.argmin(extent))
        if extent[axis] > 1e-9 * extent.max():
            raise SolverError(f'open region "{name}" is not flat and perpendicular to an axis')
        return axis

    def fixed_in(self, name: str, component: int) -> bool:
        """Whether a velocity component is prescribed on a region."""
        if name in self.axes:
            return self.axes[name] != component
        if self._periodic and name in ("inlet", "outlet"):
            return False
        return MIRRORS.get(name, component) == component

    def velocity(self, space: Any, *, hold: bool) -> list[Constraint]:
        """The constraint of each velocity component.

        Args:
            space: P2, or P1 for multigrid's coarse level.
            hold: Whether fixed unknowns are held at zero, which leaves all components the same unknowns, or taken out.
        """
        numbers = [
            [number for name, number in self.regions.items() if self.fixed_in(name, component)]
            for component in range(self._dim)
        ]
        fixed = [on_regions(space, self._tags, n) for n in numbers]
        pairs = self._pairs(space)
        if not hold:
            return [constrain(space, f, *pairs) for f in fixed]
        common = constrain(space, np.empty(0, dtype=np.int32), *pairs)
        return [common.holding(f) for f in fixed]

    def _pairs(self, space: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if not self._periodic:
            none = np.empty(0, dtype=np.int32)
            return none, none
        inlet, outlet = (on_regions(space, self._tags, [self.regions[name]]) for name in ("inlet", "outlet"))
        return inlet, outlet

    def pressure(self, space: Any, *, pinned: bool) -> Constraint:
        """The constraint of the pressure; ``pinned`` fixes one value (rank 0's first unknown that is in no pair).

        Where pressure is known up to a constant a factorisation needs that; MINRES leaves the constant to the null space.
        """
        masters, slaves = self._pairs(space)
        fixed: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        if pinned and space.mesh.comm.rank == 0:
            unpaired = np.setdiff1d(
                np.arange(space.dofmap.index_map.size_local), np.concatenate([masters, slaves])
            )
            fixed = unpaired[:1].astype(np.int32)
        return constrain(space, fixed, masters, slaves)

    def refuse(self, load: Load) -> None:
        """Refuse a load on a region that cannot bear it."""
        for name in load.velocity:
            wall = name in self.regions and all(self.fixed_in(name, c) for c in range(self._dim))
            if not wall:
                raise SolverError(f'no velocity can be prescribed on "{name}": it is no wall of this problem')
        for name in load.pressure:
            if name not in self.axes:
                raise SolverError(f'no pressure can be prescribed on "{name}": it is not open')

    def lift(self, space: Any, load: Load, component: int) -> fem.Function | None:
        """A velocity component that has the prescribed values on the walls and is zero elsewhere."""
        if not load.velocity:
            return None
        lift = fem.Function(space)
        x = space.tabulate_dof_coordinates()
        for name, velocity in load.velocity.items():
            where = on_regions(space, self._tags, [self.regions[name]])
            if len(where):
                lift.x.array[where] = velocity(x[where].T)[component]
        # A mirror plane's own component stays zero, whatever wall meets it.
        mirrors = [n for name, n in self.regions.items() if MIRRORS.get(name) == component]
        lift.x.array[on_regions(space, self._tags, mirrors)] = 0.0
        lift.x.scatter_forward()
        return lift
