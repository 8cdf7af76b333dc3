"""What a worker of Dask does: a chunk of points, by a process of its own that stays for the next chunk."""

from __future__ import annotations

import atexit
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipsim.study.claims import claim, marked
from chipsim.study.points import Options, Outcome, Point, Truncated, code, kept, wanted
from chipsim.study.supervise import Child, compute_all
from geometries import DesignError


@dataclass(frozen=True)
class Job:
    """A chunk of points, most often with the same flow.

    Attributes:
        folder: Of the study, as all machines know it.
        mark: By which the folder is known.
        code: Of chipsim and its libraries, which name the points' folders.
        name: By which others at work on the same chunk are known.
        keys: Of the points.
        tables: Of their designs.
        options: How they are run.
        time_limit: Of a point, s.
        retry: Whether points that failed are computed again.
    """

    folder: str
    mark: str
    code: str
    name: str
    keys: tuple[str, ...]
    tables: tuple[Mapping[str, Any], ...]
    options: Options
    time_limit: float
    retry: bool


@dataclass(frozen=True)
class Report:
    """What became of a chunk.

    Attributes:
        statuses: How each point ended; None: someone else is at work on the chunk.
        seconds: What it took.
    """

    statuses: tuple[str, ...] | None
    seconds: float = 0.0


_child: Child | None = None


def work(job: Job) -> Report:
    """Compute a chunk.

    Raises:
        DesignError: This machine does not see the folder, or has another chipsim.
        CannotKeep: Outcomes cannot be written.
        CannotStart: No process that computes can be started.
    """
    folder, start = Path(job.folder), time.perf_counter()
    if marked(folder) != job.mark:
        raise DesignError(
            f"a worker does not see the folder {folder}; it must lie on a disk that all machines of the scheduler share"
        )
    if code() != job.code:
        raise DesignError(
            "a worker has another version of chipsim, numpy, scipy or DOLFINx than this process; install the same on all machines"
        )
    with claim(folder, job.name) as ours:
        if not ours:
            return Report(None)
        statuses = []
        for key, tables in zip(job.keys, job.tables, strict=True):
            there = _there(folder, key)
            if there is None or wanted(there, job.time_limit, job.retry):
                statuses += compute_all(_ours(folder), [Point(tables, job.options)], job.time_limit)
            else:  # someone else was faster
                statuses.append(there.status)
        return Report(tuple(statuses), time.perf_counter() - start)


def _there(folder: Path, key: str) -> Outcome | None:
    try:
        return kept(folder, key)
    except Truncated:
        return None


def _ours(folder: Path) -> Child:
    """The process of this worker."""
    global _child
    if _child is None or _child.folder != folder:
        if _child is None:
            atexit.register(_end)
        else:
            _child.end()
        _child = Child(folder)
    return _child


def _end() -> None:
    if _child is not None:
        _child.end()
