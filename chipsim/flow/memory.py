"""What memory a solve needs and what there is, so that a solve too large is refused before the system kills it."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from petsc4py import PETSc

from chipsim.flow import single
from chipsim.flow.solvers import SolverError

# Bytes for each free unknown beyond the program and the mesh, over all ranks: at most what was found on cells in space (1,010 of
# 940,000 unknowns on one rank, 1,190 of 1.06 and of 1.88 million on two) and on plane arrays: with factors in single precision
# 790 of 114,000, 930 of 455,000, 990 of 1.83 million; in double precision 1,380 of 455,000 on one rank, 1,740 on two; by MINRES
# 590 of 455,000 with open ends, 650 of 457,000 periodic.
_MINRES, _MINRES_IN_THE_PLANE = 1200.0, 650.0
_DIRECT_IN_THE_PLANE, _SINGLE_IN_THE_PLANE = 1750.0, 1000.0
# A factorisation in space grows faster: bytes for each unknown at 100,000 unknowns and the exponent of the growth, as a
# prototype with the same elements had them (1.02 GB at 108,000, 2.57 GB at 207,000); not measured here.
_DIRECT_IN_SPACE, _GROWTH = 10_000.0, 0.43
_PETSC_OUT_OF_MEMORY = 55


def needed(dim: int, method: str, unknowns: int, *, double: bool) -> float:
    """Bytes that a solve takes at its peak, over all ranks.

    Args:
        dim: 2 or 3.
        method: As of :func:`chipsim.flow.solvers.choose`.
        unknowns: All of them, constrained ones too.
        double: Whether a factorisation is in double precision.
    """
    if method == "minres":
        return (_MINRES if dim == 3 else _MINRES_IN_THE_PLANE) * unknowns
    if dim == 2:
        return (_DIRECT_IN_THE_PLANE if double else _SINGLE_IN_THE_PLANE) * unknowns
    return _DIRECT_IN_SPACE * unknowns * (unknowns / 1e5) ** _GROWTH


def available() -> float:
    """Bytes that this process and its like may still take: the machine's, the control group's, the process's limit."""
    found = [float("inf")]
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(
            1024.0 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
        )
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit, used = (
            (group / name).read_text(encoding="ascii") for name in ("memory.max", "memory.current")
        )
        found.append(float(limit) - float(used))  # "max" is no number: no limit
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            found.append(float(most - pages * resource.getpagesize()))
    return min(found)


def fits(dim: int, method: str, unknowns: int, comm: Any, *, double: bool = False) -> bool:
    """Whether a solve fits into what is free on rank 0's machine; all ranks come to the same answer."""
    return _need(dim, method, unknowns, comm, double) <= comm.bcast(available(), root=0)


def require(dim: int, method: str, unknowns: int, comm: Any, *, double: bool = False) -> None:
    """Refuse a solve that would not fit.

    Raises:
        SolverError: With what it needs and what there is.
    """
    if not fits(dim, method, unknowns, comm, double=double):
        need, there = _need(dim, method, unknowns, comm, double), comm.bcast(available(), root=0)
        raise SolverError(
            f"out of memory: {unknowns} unknowns need about {need / 1e6:.0f} MB and {there / 1e6:.0f} MB are free; "
            "coarsen the mesh"
        )


def _need(dim: int, method: str, unknowns: int, comm: Any, double: bool) -> float:
    return needed(dim, method, unknowns, double=double or not single.possible(comm))


@contextlib.contextmanager
def one_sentence(unknowns: int | None = None) -> Iterator[None]:
    """Turn what PETSc and Python raise in the middle of a solve into a :class:`SolverError`."""
    of = f" for {unknowns} unknowns" if unknowns else ""
    try:
        yield
    except MemoryError:
        raise SolverError(f"out of memory{of}; coarsen the mesh") from None
    except PETSc.Error as error:
        if error.ierr == _PETSC_OUT_OF_MEMORY:
            raise SolverError(f"out of memory{of}; coarsen the mesh") from None
        raise SolverError(f"the solve failed: PETSc error {error.ierr}") from None
