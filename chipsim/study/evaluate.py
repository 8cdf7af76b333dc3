"""Outcomes of many points: those kept are read, the others are computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipsim.study.claims import mark
from chipsim.study.job import Job, Report, work
from chipsim.study.plan import Chunk, Plan, plan
from chipsim.study.points import (
    DONE,
    FAILED,
    Outcome,
    Point,
    Truncated,
    clear_partial,
    code,
    keep,
    kept,
)
from chipsim.study.supervise import CannotKeep, CannotStart
from chipsim.study.workforce import Lost, Workforce
from geometries import DesignError
from geometries.mesh import MeshError

# So many points wait at the workers; the rest waits here, as numbers.
_AHEAD = 2000
# How often a chunk whose worker was ended is given to another one.
_DISPATCHES = 5


def evaluate(
    points: Sequence[Point],
    folder: Path,
    *,
    time_limit: float,
    workers: int | None = None,
    scheduler: str | None = None,
    workforce: Workforce | None = None,
    retry: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """The outcome of each point, in their order.

    Args:
        points: What to compute; what is kept in the folder is taken from there.
        folder: Of the study.
        time_limit: Longest that one may take, s; one that was stopped by a shorter limit is tried again.
        workers: Processes; None: one for each core.
        scheduler: Address of a Dask scheduler to take in place of processes of this machine.
        workforce: One that is there already, in place of both.
        retry: Whether points that failed or took too long are computed again.
        progress: Told how far it is.

    Raises:
        DesignError: Outcomes cannot be written, or a scheduler does not answer.
        MeshError: Nothing can be computed at all.
    """
    keys = compute(
        points, folder, time_limit=time_limit, workers=workers, scheduler=scheduler, workforce=workforce, retry=retry,
        progress=progress,
    )  # fmt: skip
    return [outcome_of(folder, key) for key in keys]


def outcome_of(folder: Path, key: str) -> Outcome:
    """An outcome that was computed.

    Raises:
        DesignError: It is gone, or not whole, since.
    """
    try:
        found = kept(folder, key)
    except Truncated:
        found = None
    if found is None:
        raise DesignError(f"{folder / 'points' / key} was taken away meanwhile; start it again")
    return found


def compute(
    points: Sequence[Point],
    folder: Path,
    *,
    time_limit: float,
    workers: int | None = None,
    scheduler: str | None = None,
    workforce: Workforce | None = None,
    retry: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    first: Callable[[Outcome], None] = lambda _: None,
) -> list[str]:
    """Compute what is missing, and give the key of each point; the outcomes stay on disk.

    Args:
        points: They may be made when they are asked for; none is kept in memory.
        folder: As :func:`evaluate`, with the others.
        time_limit: Of a point, s.
        workers: Processes.
        scheduler: Of Dask.
        workforce: In place of both.
        retry: Whether failed points are computed again.
        progress: Told how far it is.
        first: Called with the first outcome that has a result; what it raises ends the computation.

    Raises:
        DesignError: Outcomes cannot be written, or a scheduler does not answer, or ``first`` does not like what it gets.
        MeshError: Nothing can be computed at all.
    """
    try:
        word = mark(folder)
    except OSError as error:
        raise DesignError(f"{folder} cannot be written: {error.strerror or error}") from None
    clear_partial(folder)
    keys, todo = plan(points, folder, time_limit, retry, progress, first)
    if todo.waiting:
        shared = Job(str(folder.absolute()), word, code(), "", (), (), points[0].options, time_limit, retry)
        if workforce is not None:
            _Run(points, keys, todo, shared, workforce, progress, first).go()
        else:
            progress("starting" if scheduler is None else f"asking the scheduler at {scheduler}")
            with Workforce(scheduler, workers) as mine:
                _Run(points, keys, todo, shared, mine, progress, first).go()
    return keys


class _Run:
    """Chunks on their way through a workforce."""

    def __init__(
        self, points: Sequence[Point], keys: Sequence[str], plan: Plan, shared: Job, workforce: Workforce,
        progress: Callable[[str], None], first: Callable[[Outcome], None],
    ) -> None:  # fmt: skip
        self._points, self._keys, self._plan, self._shared = points, keys, plan, shared
        self._force, self._progress, self._first = workforce, progress, first
        self._checked = plan.checked
        self._active: dict[Any, Chunk] = {}
        self._later: list[tuple[float, Chunk]] = []

    def go(self) -> None:
        """Until there is nothing left."""
        tally = self._plan.tally
        tally.plan(self._plan.waiting)
        try:
            while self._plan.waiting or self._active or self._later:
                self._force.tend()
                self._dispatch()
                done = [future for future in self._active if future.done()]
                for future in done:
                    self._take(future, self._active.pop(future))
                if not done:
                    time.sleep(0.02)
                if text := tally.text(self._force.size):
                    self._progress(text)
        except Lost as error:
            raise MeshError(f"{error}; {tally.kept()}, start it again to go on") from None
        except CannotKeep as error:
            raise DesignError(f"{error.strerror}; {tally.kept()}, make room and start it again") from None
        finally:
            for future in self._active:
                future.cancel()

    def _dispatch(self) -> None:
        now = time.monotonic()
        self._plan.waiting.extend(chunk for when, chunk in self._later if when <= now)
        self._later = [(when, chunk) for when, chunk in self._later if when > now]
        ahead = sum(len(chunk.points) for chunk in self._active.values())
        while self._plan.waiting and ahead < _AHEAD:
            chunk = self._plan.waiting.popleft()
            ahead += len(chunk.points)
            chunk.dispatched += 1
            self._active[self._force.client.submit(work, self._job(chunk), pure=False, retries=0)] = chunk

    def _job(self, chunk: Chunk) -> Job:
        return replace(
            self._shared,
            name=chunk.name,
            keys=tuple(self._keys[i] for i in chunk.points),
            tables=tuple(self._points[i].tables for i in chunk.points),
        )

    def _take(self, future: Any, chunk: Chunk) -> None:
        error = future.exception() if future.status == "error" else None
        if future.status == "cancelled":
            raise Lost("the scheduler is gone")
        if error is not None:
            self._trouble(error, chunk)
            return
        report: Report = future.result()
        if report.statuses is None:
            chunk.dispatched -= 1
            self._later.append((time.monotonic() + 0.5, chunk))
            return
        self._force.works()
        self._told(chunk, report.statuses, report.seconds)

    def _told(self, chunk: Chunk, statuses: Sequence[str], seconds: float) -> None:
        self._plan.waiting.extendleft(reversed(chunk.followers))
        keys = [self._keys[i] for i in chunk.points]
        self._plan.tally.take(chunk, keys, statuses, seconds)
        if not self._checked and DONE in statuses:
            self._checked = True
            self._first(outcome_of(Path(self._shared.folder), keys[list(statuses).index(DONE)]))

    def _trouble(self, error: BaseException, chunk: Chunk) -> None:
        """A chunk that could not be done."""
        if isinstance(error, CannotStart):
            raise Lost(str(error)) from None
        if isinstance(error, DesignError | CannotKeep):
            raise error
        if type(error).__name__ != "KilledWorker":
            if isinstance(error, ImportError):
                raise DesignError(
                    f"a worker cannot import chipsim ({error}); install it on all machines"
                ) from None
            raise Lost(
                f"a worker cannot work ({type(error).__name__}: {' '.join(str(error).split())})"
            ) from None
        if chunk.dispatched < _DISPATCHES:
            self._later.append((time.monotonic() + 1.0, chunk))
            return
        if len(chunk.points) > 1:  # one of them does it: each on its own
            self._plan.waiting.extend(Chunk(f"{chunk.name}-{i}", [i], chunk.solves) for i in chunk.points)
            self._plan.waiting.extend(chunk.followers)
            return
        folder = Path(self._shared.folder)
        outcome = Outcome(FAILED, f"its worker was ended {chunk.dispatched} times")
        keep(folder, self._points[chunk.points[0]], outcome)
        self._told(chunk, [FAILED], 0.0)
