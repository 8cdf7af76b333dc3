"""Points computed in a process of their own, that is watched: too long a point is stopped, a process that dies starts anew."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chipsim.study.points import FAILED, TOO_LONG, Outcome, Point, keep
from chipsim.study.processes import environment, python

# A process that is ended from outside (for want of memory, or by someone) is no fault of its point at first.
_TRIES = 3
# Before it has begun with a point it is none at all.
_STARTS, _START_LIMIT = 10, 600.0


class CannotKeep(OSError):
    """Outcomes cannot be written: the disk is full, or the folder is gone."""


class CannotStart(RuntimeError):
    """No process that computes can be started."""


def compute_all(child: Child, points: Iterable[Point], time_limit: float) -> list[str]:
    """Compute points one after the other, keep their outcomes, and say how each ended.

    Args:
        child: The process that does it.
        points: They share what they can when their flow is the same.
        time_limit: Longest that one may take, s.

    Raises:
        CannotKeep: An outcome cannot be written.
        CannotStart: The process ends before it has begun.
    """
    return [_compute(child, point, time_limit) for point in points]


def _compute(child: Child, point: Point, time_limit: float) -> str:
    for _ in range(_TRIES):
        try:
            return child.compute(point, time_limit)
        except TimeoutError:
            sentence = f"stopped after {time_limit:g} s, the time limit of a point"
            return _keep(child.folder, point, Outcome(TOO_LONG, sentence, time_limit=time_limit))
        except ChildProcessError as error:
            ended = str(error)
    return _keep(child.folder, point, Outcome(FAILED, f"its process was ended {_TRIES} times, last {ended}"))


def _keep(folder: Path, point: Point, outcome: Outcome) -> str:
    try:
        keep(folder, point, outcome)
    except OSError as error:
        raise CannotKeep(error.errno, f"{folder} cannot be written: {error.strerror or error}") from None
    return outcome.status


class Child:
    """The process that computes; started when it is needed, and again after it was ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def compute(self, point: Point, time_limit: float) -> str:
        """Status of the point, which is kept.

        Raises:
            TimeoutError: It took too long; the process is gone.
            ChildProcessError: The process ended on its own.
            CannotKeep: It could not write.
            CannotStart: It ends before it has begun.
        """
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"tables": point.tables, "options": asdict(point.options)}) + "\n")
            process.stdin.flush()
            if not _readable(process.stdout, time_limit):
                self.end()
                raise TimeoutError
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ChildProcessError(self._how_it_ended())
        answer = json.loads(line)
        if "stopped" in answer:
            self.end()
            raise CannotKeep(None, answer["stopped"])
        return str(answer["status"])

    def _started(self) -> subprocess.Popen[str]:
        """The process, which has said that it is ready: what its start takes is no time of its point."""
        ended = ""
        for _ in range(_STARTS):
            if self._process is not None and self._process.poll() is None:
                return self._process
            self.end()
            self._process = subprocess.Popen(
                python("chipsim.study.worker", str(self.folder)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, env=environment(), start_new_session=True,
            )  # fmt: skip
            if _readable(self._process.stdout, _START_LIMIT) and self._process.stdout.readline():  # type: ignore[union-attr]
                return self._process
            ended = self._how_it_ended()
        raise CannotStart(f"a process that computes points ends at its start, {ended}; run chipsim doctor")

    def _how_it_ended(self) -> str:
        process = self._process
        assert process is not None
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it hangs
            code = -signal.SIGKILL
        self.end()
        return f"by signal {-code}" if code < 0 else f"with status {code}"

    def end(self) -> None:
        """End the process and what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
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
