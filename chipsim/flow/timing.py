"""Seconds of the steps of a solve."""

from __future__ import annotations

import time


class Clock:
    """Seconds between its readings, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def read(self, name: str) -> None:
        """Note the seconds since the last reading."""
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now
