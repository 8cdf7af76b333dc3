"""Making a lift table: one solve for each place, size and curvature, shared by processes, each kept in a file as it comes.

A run that was stopped goes on where it was: what is kept is found by all that determines it, the solver's sources included.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chipsim.capture.spiral_setting import section_shape
from chipsim.flow.lift_point import LiftPoint
from chipsim.flow.lift_shape import STEP, Shape
from chipsim.flow.lift_table import ALPHAS, CURVED, LiftTable, is_same, kept_tables, read_table, table_of
from chipsim.study import store
from chipsim.study.processes import end_with
from chipsim.study.solve import versions
from geometries import DesignError
from geometries.mesh import MeshError
from geometries.spiral import Spiral

#: Cell size of the solves, as in :mod:`chipsim.flow.lift`, which a table is made without loading.
CELL = 0.25

# Sometimes gmsh cannot cut a sphere at one cell size and can at the next.
_TRIES = (1.0, 0.96, 0.92, 0.88, 0.8)


@dataclass(frozen=True)
class _Job:
    shape: Shape
    alpha: float
    curvature: float
    at: tuple[float, float]
    cell: float

    def file(self, folder: Path) -> Path:
        return folder / f"{store.key({'device': 'lift', **asdict(self)}, {})}.json"


def kept_table_path(shape: Shape) -> Path:
    """The file in which a section's table is kept, and where :func:`chipsim.flow.lift_table.table_for` finds it."""
    return kept_tables() / f"{shape.name}.npz"


def user_table(device: Any, path: Path | str) -> LiftTable:
    """A lift table of one's own, or a file of ILFHC, for a spiral.

    Args:
        device: The spiral.
        path: Of the file.

    Raises:
        DesignError: The device is no spiral, the file is no lift table, or is that of another section.
    """
    if not isinstance(device, Spiral):
        raise DesignError(f"a {device.kind} takes no table of lift: that is for a {Spiral.kind}")
    table, shape = read_table(Path(path)), section_shape(device)
    if not is_same(table.shape, shape):
        there, here = (
            f"{s.aspect:.4g} times as wide as high, taper {s.taper:.3g}" for s in (table.shape, shape)
        )
        raise DesignError(f"{path} is the lift table of a section {there}; this design's is {here}")
    return table


def make_table(
    shape: Shape,
    alphas: Sequence[float] = ALPHAS,
    *,
    curvature: float | None = None,
    step: float = STEP,
    cell: float = CELL,
    folder: Path | None = None,
    processes: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LiftTable:
    """The lift table of a duct.

    Processes are started afresh, so a script must ask for it under ``if __name__ == "__main__":``.

    Args:
        shape: Its section.
        alphas: Sizes, diameters over the height.
        curvature: Of the bent places; None: such that the half-width is 0.05 of the bend's radius; 0: none are solved.
        step: Largest distance of places, as in :mod:`chipsim.flow.lift_shape`.
        cell: Cell size of the solves.
        folder: Where places are kept as they are solved; None: in the cache.
        processes: How many solve at once; None: one for each core.
        progress: Told how far it is.

    Raises:
        DesignError: A size does not fit into the duct.
        MeshError: No usable mesh at some place.
        SolverError: No converged solution at some place.
    """
    folder = folder or kept_tables() / "places"
    folder.mkdir(parents=True, exist_ok=True)
    if curvature is None:
        curvature = CURVED / shape.aspect
    jobs = [_Job(shape, a, 0.0, at, cell) for a in alphas for at in shape.grid(a, step)]
    if curvature:
        jobs += [_Job(shape, a, curvature, at, cell) for a in alphas for at in shape.grid(a, step, every=2)]
    found = {job: point for job in jobs if (point := _kept(job.file(folder))) is not None}
    # Those near the walls take longest.
    missing = sorted((job for job in jobs if job not in found), key=lambda job: -abs(job.at[0]) - job.at[1])
    start = time.perf_counter()
    for done, (job, point) in enumerate(_solved(missing, processes or os.cpu_count() or 1), start=1):
        found[job] = point
        _keep(job.file(folder), point)
        left = (time.perf_counter() - start) / done * (len(missing) - done)
        progress(f"{len(found)} of {len(jobs)} places, about {left / 60:.0f} min left")
    inputs = {"shape": asdict(shape), "alphas": [*alphas], "curvature": curvature, "step": step, "cell": cell}
    made = {**inputs, "versions": versions(), "inputs": store.key({"device": "lift table", **inputs}, {})}
    return table_of(shape, [found[job] for job in jobs], made)


def _solved(jobs: Sequence[_Job], processes: int) -> Iterator[tuple[_Job, LiftPoint]]:
    if not jobs:
        return
    # Started afresh: a fork would share what MPI and PETSc hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(processes, len(jobs)), mp_context=context, initializer=end_with, initargs=(os.getpid(),)
    ) as pool:
        try:
            waiting = {pool.submit(_solve, job): job for job in jobs}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenProcessPool:
            from chipsim.flow.solvers import SolverError

            raise SolverError(
                "a process of the lift table was ended, perhaps for want of memory; what is solved is kept: start it again, "
                "with fewer --processes"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _solve(job: _Job) -> LiftPoint:
    """One place; in a process of its own."""
    from chipsim.flow.lift import solve_position, tabulated

    section, secondary = tabulated(job.shape, job.curvature)
    for finer in _TRIES[:-1]:
        try:
            cell = finer * job.cell
            return solve_position(section, job.alpha, job.at, secondary=secondary, cell=cell)
        except MeshError:
            continue
    return solve_position(section, job.alpha, job.at, secondary=secondary, cell=_TRIES[-1] * job.cell)


def _kept(file: Path) -> LiftPoint | None:
    try:
        given = json.loads(file.read_text())
        pairs: dict[str, Any] = {k: tuple(v) for k, v in given.items() if isinstance(v, list)}
        return LiftPoint(**{**given, **pairs})
    except (OSError, ValueError, TypeError):
        return None


def _keep(file: Path, point: LiftPoint) -> None:
    """Written beside and moved in: a run that is stopped leaves no half of a file."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".partial", delete=False) as handle:
        json.dump(asdict(point), handle)
    Path(handle.name).replace(file)
