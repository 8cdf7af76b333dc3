"""What of a study is to be computed: chunks of points that share what they can."""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from chipsim.study.points import DONE, Outcome, Point, Truncated, kept, wanted
from chipsim.study.progress import Tally
from chipsim.study.solve import flow_key
from chipsim.study.store import is_stored
from geometries import DesignError

# Points with the same flow that one process takes: enough to be worth its start, few enough to be shared out.
_CHUNK = 25


@dataclass
class Chunk:
    """Points by their numbers; a first one solves a flow that its followers wait for."""

    name: str
    points: list[int]
    solves: bool
    followers: list[Chunk] = field(default_factory=list)
    dispatched: int = 0


@dataclass
class Plan:
    """What is to be done, and what is."""

    waiting: deque[Chunk]
    tally: Tally
    checked: bool


def plan(
    points: Sequence[Point],
    folder: Path,
    time_limit: float,
    retry: bool,
    progress: Callable[[str], None],
    first: Callable[[Outcome], None],
) -> tuple[list[str], Plan]:
    """Keys of all points, and chunks of those that are missing."""
    keys: list[str] = []
    alike = _Alike()
    groups: dict[str, list[int]] = defaultdict(list)
    stored: dict[str, bool] = {}
    missing: set[str] = set()
    tally, checked = Tally(len(points)), False
    last = time.monotonic()
    for i, point in enumerate(points):
        keys.append(point.key)
        alike.add(point)
        if point.key in missing:
            continue
        outcome = _kept(folder, point.key, progress)
        if wanted(outcome, time_limit, retry):
            missing.add(point.key)
            group = point.flow_key
            groups[group].append(i)
            if group not in stored:
                stored[group] = is_solved(point)
        elif outcome is not None and outcome.status == DONE and not checked:
            first(outcome)
            checked = True
        if time.monotonic() - last > 2:
            progress(f"looked at {i + 1} of {len(points)} points")
            last = time.monotonic()
    tally.begin(keys, missing)
    return keys, Plan(deque(_chunks(groups, stored, alike.places())), tally, checked)


def is_solved(point: Point) -> bool:
    """Whether the flow of a point is stored, or there is none to solve."""
    try:
        design, options = point.design, point.options
        if options.accuracy is not None:
            return False
        return is_stored(flow_key(design.device, options.model, design.operation, options.refine))
    except DesignError:
        return True


class _Alike:
    """Points that differ in their operation alone stand together: they share their bodies too, not the flow only."""

    def __init__(self) -> None:
        self._ranks: dict[bytes, int] = {}
        self._of: list[int] = []

    def add(self, point: Point) -> None:
        """The next point."""
        what = {name: table for name, table in point.tables.items() if name != "operation"}
        digest = sha256(json.dumps(what, sort_keys=True, default=str).encode()).digest()[:16]
        self._of.append(self._ranks.setdefault(digest, len(self._ranks)))

    def places(self) -> list[int]:
        """Of each point, where it stands."""
        places = [0] * len(self._of)
        for place, i in enumerate(sorted(range(len(self._of)), key=lambda i: (self._of[i], i))):
            places[i] = place
        return places


def _chunks(groups: dict[str, list[int]], stored: dict[str, bool], places: Sequence[int]) -> Iterator[Chunk]:
    """Those that solve come first, as they take longest."""
    for solves in (True, False):
        for group, found in groups.items():
            if stored[group] == solves:
                continue
            members = sorted(found, key=lambda i: places[i])
            name = sha256(group.encode()).hexdigest()[:24]
            # By place in the study, not among those missing: two at once name the same chunks alike.
            by_place: dict[int, list[int]] = defaultdict(list)
            for i in members[1:] if solves else members:
                by_place[places[i] // _CHUNK].append(i)
            parts = [Chunk(f"{name}-{place}", part, False) for place, part in _merged(by_place)]
            if solves:
                yield Chunk(f"{name}-first", members[:1], True, parts)
            else:
                yield from parts


def _merged(places: dict[int, list[int]]) -> Iterator[tuple[int, list[int]]]:
    """Neighbouring places with few points each are one chunk."""
    begun, part = 0, list[int]()
    for place, members in places.items():
        if part and len(part) + len(members) > _CHUNK:
            yield begun, part
            part = []
        if not part:
            begun = place
        part = part + members
    if part:
        yield begun, part


def _kept(folder: Path, key: str, progress: Callable[[str], None]) -> Outcome | None:
    try:
        return kept(folder, key)
    except Truncated as error:
        progress(f"{error} is not whole; its point is computed again")
        return None
