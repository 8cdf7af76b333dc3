"""Points computed in a process of their own, that is watched: too long a point is stopped, a process that dies starts anew."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chipsim.study.points import FAILED, TOO_LONG, Outcome, Point, keep
from chipsim.study.processes import environment, python

# A process that is ended from outside (for want of memory, or by someone) is no fault of its point at first.
_TRIES = 3


class CannotKeep(OSError):
    """Outcomes cannot be written: the disk is full, or the folder is gone."""


def compute_all(
    points: Sequence[Point],
    folder: Path,
    time_limit: float,
    told: Callable[[Point, str], None] = lambda point, status: None,
) -> None:
    """Compute points one after the other and keep their outcomes.

    Args:
        points: They share what they can when their flow is the same.
        folder: Of the study.
        time_limit: Longest that one may take, s.
        told: Called with each point that is through, and its status.

    Raises:
        CannotKeep: An outcome cannot be written.
    """
    with _Child(folder) as child:
        for point in points:
            told(point, _compute(child, point, folder, time_limit))


def _compute(child: _Child, point: Point, folder: Path, time_limit: float) -> str:
    for _ in range(_TRIES):
        try:
            return child.compute(point, time_limit)
        except TimeoutError:
            sentence = f"stopped after {time_limit:g} s, the time limit of a point"
            return _keep(folder, point, Outcome(TOO_LONG, sentence, time_limit=time_limit))
        except ChildProcessError as error:
            ended = str(error)
    return _keep(folder, point, Outcome(FAILED, f"its process was ended {_TRIES} times, last {ended}"))


def _keep(folder: Path, point: Point, outcome: Outcome) -> str:
    try:
        keep(folder, point, outcome)
    except OSError as error:
        raise CannotKeep(error.errno, f"{folder} cannot be written: {error.strerror or error}") from None
    return outcome.status


class _Child:
    """The process that computes; started when it is needed, and again after it was ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: Any) -> None:
        self._end()

    def compute(self, point: Point, time_limit: float) -> str:
        """Status of the point, which is kept.

        Raises:
            TimeoutError: It took too long; the process is gone.
            ChildProcessError: The process ended on its own.
            CannotKeep: It could not write.
        """
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"tables": point.tables, "options": asdict(point.options)}) + "\n")
            process.stdin.flush()
            if not _readable(process.stdout, time_limit):
                self._end()
                raise TimeoutError
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = process.wait()
            self._end()
            raise ChildProcessError(f"by signal {-code}" if code < 0 else f"with status {code}")
        answer = json.loads(line)
        if "stopped" in answer:
            raise CannotKeep(None, answer["stopped"])
        return str(answer["status"])

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                python("chipsim.study.worker", str(self._folder)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, env=environment(), start_new_session=True,
            )  # fmt: skip
        return self._process

    def _end(self) -> None:
        """End the process and what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:
                pass


def _readable(stream: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    return bool(select.select([stream], [], [], max(0.0, end - time.monotonic()))[0])
