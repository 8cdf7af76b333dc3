"""How far a study is, and how long it will take yet."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chipsim.study.points import DONE

# Between two words on how far it is, s: where something was done since, and where nothing was.
_PAUSE, _SILENCE = 1.0, 15.0


class Tally:
    """Counts points; those that solve and those that do not take different times, so each have their own mean."""

    def __init__(self, points: int) -> None:
        self._all, self._through, self._ill = points, 0, 0
        self._seconds, self._computed = Counter[bool](), Counter[bool]()
        self._left = Counter[bool]()
        self._told, self._said = -math.inf, -1
        self._times: Counter[str] = Counter()

    def begin(self, keys: Sequence[str], missing: set[str]) -> None:
        """What is kept counts as through; a point that is asked for twice is computed once."""
        self._times = Counter(key for key in keys if key in missing)
        self._through = len(keys) - sum(self._times.values())

    def plan(self, chunks: Iterable[Any]) -> None:
        """What is to be done."""
        for chunk in chunks:
            self._left[chunk.solves] += len(chunk.points)
            self.plan(chunk.followers)

    def take(self, chunk: Any, keys: Sequence[str], statuses: Sequence[str], seconds: float) -> None:
        """A chunk is through."""
        count = len(statuses)
        self._left[chunk.solves] -= count
        self._computed[chunk.solves] += count
        self._seconds[chunk.solves] += seconds  # type: ignore[assignment]
        self._through += sum(self._times[key] for key in keys)
        self._ill += sum(status != DONE for status in statuses)

    def text(self, workers: Callable[[], int]) -> str:
        """How far it is; empty if that was told a moment ago."""
        now, finished = time.monotonic(), self._through == self._all
        pause = _PAUSE if self._through > self._said else _SILENCE
        if now - self._told < pause and not finished:
            return ""
        self._told, self._said = now, self._through
        there = workers()
        words = [f"{self._through} of {self._all} points"]
        if self._ill:
            words.append(f"{self._ill} without a result")
        if not there:
            words.append("waiting for the scheduler's workers")
        elif (left := self._time_left(there)) is not None:
            words.append(f"about {_in_words(left)} left")
        return ", ".join(words)

    def _time_left(self, workers: int) -> float | None:
        """Seconds; None where nothing is known yet of what is left."""
        left = 0.0
        for solves, points in self._left.items():
            if points <= 0:
                continue
            if not self._computed[solves]:
                return None
            left += points * self._seconds[solves] / self._computed[solves]
        return left / min(workers, max(1, sum(self._left.values()))) if left else None

    def kept(self) -> str:
        """What is done, for the sentence of an error."""
        return f"{self._through} of {self._all} points are kept"


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
