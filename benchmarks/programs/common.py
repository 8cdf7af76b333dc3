"""What every program of the benchmark does alike: read its case, keep time, say what came out.

Only the standard library and numpy: most programs run in a Python of their own, without chipsim. A program is called as
``python -m benchmarks.programs.NAME CASE.npz OPTION WARM_UP.npz`` and prints a line of JSON; the last line counts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Component of the velocity that vanishes on a mirror plane, by name.
MIRRORS = {"symmetry": 1, "midplane": 2}
#: gmsh's mid-edge nodes by the corners they lie between.
EDGES = {2: ((0, 1), (1, 2), (2, 0)), 3: ((0, 1), (1, 2), (2, 0), (3, 0), (3, 2), (3, 1))}


@dataclass(frozen=True)
class Input:
    """A case as the programs get it.

    Attributes:
        points: Nodes, shape (N, 3), um.
        cells: Second-order cells in gmsh's order, shape (M, 6) or (M, 10).
        facets: Second-order boundary facets, shape (K, 3) or (K, 6).
        facet_regions: Region of each facet, shape (K,).
        regions: Region numbers by name.
        periodic: Whether inlet and outlet are paired.
        nodes: Of each cell.
        node_levels: Of :class:`geometries.mesh.Mesh`; for chipsim.
    """

    points: NDArray[np.float64]
    cells: NDArray[np.int64]
    facets: NDArray[np.int64]
    facet_regions: NDArray[np.int32]
    regions: dict[str, int]
    periodic: bool
    nodes: int
    node_levels: int = 1

    @property
    def dim(self) -> int:
        return 2 if self.nodes == 6 else 3

    @property
    def length(self) -> float:
        """Distance from inlet to outlet, um."""
        return float(np.ptp(self.points[:, 0]))

    def fixed(self, component: int) -> list[str]:
        """Regions on which a velocity component is zero."""
        ends = {"inlet", "outlet"}
        return [
            name
            for name in self.regions
            if (name in ends and component > 0 and not self.periodic)
            or (name not in ends and MIRRORS.get(name, component) == component)
        ]

    def nodes_on(self, name: str) -> NDArray[np.int64]:
        return np.unique(self.facets[self.facet_regions == self.regions[name]])

    @property
    def corners(self) -> NDArray[np.bool_]:
        """Which nodes are corners of cells, shape (N,): where the pressure lives."""
        out = np.zeros(len(self.points), dtype=bool)
        out[self.cells[:, : self.dim + 1]] = True
        return out

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Nodes on the inlet and their partners on the outlet."""
        sides = []
        for name in ("inlet", "outlet"):
            nodes = self.nodes_on(name)
            across = np.round(self.points[nodes][:, 1:], 6)
            sides.append(nodes[np.lexsort(across.T)])
        return sides[0], sides[1]


def write_input(path: str, mesh: Any, periodic: bool) -> None:
    """Write a :class:`geometries.mesh.Mesh` for the programs."""
    head = json.dumps({
        "regions": mesh.regions, "periodic": periodic, "nodes": mesh.cells.shape[1], "node_levels": mesh.node_levels
    })  # fmt: skip
    # The name must end with .npz, or numpy appends it.
    np.savez(
        path,
        points=mesh.points,
        cells=mesh.cells,
        facets=mesh.facets,
        facet_regions=mesh.facet_regions,
        head=head,
    )


def read_input(path: str, rank: int = 0) -> Input:
    """Read a case; ranks other than 0 get its head and no cells."""
    names = ("points", "cells", "facets", "facet_regions")
    with np.load(path) as data:
        head = json.loads(str(data["head"]))
        if rank > 0:
            empty = np.empty((0, head["nodes"]), dtype=np.int64)
            return Input(np.empty((0, 3)), empty, empty, np.empty(0, dtype=np.int32), **head)
        return Input(**{name: data[name] for name in names}, **head)


class Clock:
    """Wall time of the named parts of a run."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, part: str | None = None) -> None:
        """Ascribe the time since the last call to a part; None: to nothing (reading a mesh, compiling forms)."""
        now = time.perf_counter()
        if part is not None:
            self.parts[part] = self.parts.get(part, 0.0) + now - self._last
        self._last = now


def report(clock: Clock, *, flow: float, unknowns: int, measure: float, version: str, **more: Any) -> None:
    """Print what a program found, as the last line of its output.

    Args:
        clock: The times.
        flow: Q.
        unknowns: Unknowns of the linear system as the program stores it.
        measure: Area or volume of the cells as the program sees them: curved cells that it takes for straight show here.
        version: Of the program.
        more: Anything else: solver, iterations.
    """
    print(json.dumps({
        "seconds": sum(clock.parts.values()), "parts": clock.parts, "flow": float(flow), "unknowns": int(unknowns),
        "measure": float(measure), "version": version, **more,
    }))  # fmt: skip


def run_once(solve: Callable[[Input, str], None], rank: int = 0) -> None:
    """The main function of a program: solve a tiny case, so that forms are compiled and libraries loaded, then the case."""
    option = sys.argv[2]
    case, warm_up = (read_input(path, rank) for path in (sys.argv[1], sys.argv[3]))
    solve(replace(warm_up, periodic=case.periodic), option)
    solve(case, option)
