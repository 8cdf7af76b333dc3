"""Outcomes of many points: those kept are read, the others are computed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from chipsim.study.points import TOO_LONG, Outcome, Point, Truncated, kept
from chipsim.study.supervise import compute_all

# Points with the same flow that one process takes: enough to be worth its start, few enough to be shared out.
_CHUNK = 25


def evaluate(
    points: Sequence[Point],
    folder: Path,
    *,
    time_limit: float,
    workers: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """The outcome of each point, in their order.

    Args:
        points: What to compute; what is kept in the folder is taken from there.
        folder: Of the study.
        time_limit: Longest that one may take, s; one that was stopped by a shorter limit is tried again.
        workers: Processes; None: one for each core.
        progress: Told how far it is.

    Raises:
        CannotKeep: Outcomes cannot be written.
    """
    missing = {p.key: p for p in points if _wanted(folder, p, time_limit, progress)}
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        jobs = [pool.submit(compute_all, chunk, folder, time_limit) for chunk in chunks([*missing.values()])]
        for job in as_completed(jobs):
            job.result()
    found = [kept(folder, point.key) for point in points]
    assert all(outcome is not None for outcome in found)
    return [outcome for outcome in found if outcome is not None]


def chunks(points: Sequence[Point]) -> list[list[Point]]:
    """Points shared out so that those with the same flow are together."""
    groups: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        groups[point.flow_key].append(point)
    return [group[i : i + _CHUNK] for group in groups.values() for i in range(0, len(group), _CHUNK)]


def _wanted(folder: Path, point: Point, time_limit: float, progress: Callable[[str], None]) -> bool:
    """Whether a point has yet to be computed."""
    try:
        outcome = kept(folder, point.key)
    except Truncated as error:
        progress(f"{error} is not whole; its point is computed again")
        return True
    return outcome is None or (outcome.status == TOO_LONG and (outcome.time_limit or 0.0) < time_limit)
