"""Runs one program on one case in a process of its own, within limits of time and memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

_ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NGS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    )
}


def run(
    command: list[str], environment: Mapping[str, str], *, seconds: float, gigabytes: float
) -> dict[str, Any]:
    """Run a program that prints JSON, and watch it.

    Args:
        command: The program and its arguments.
        environment: What it needs besides ours; one thread is seen to.
        seconds: Wall time after which it is stopped.
        gigabytes: Resident memory, summed over its processes, at which it is stopped.

    Returns:
        What the last line of its output says, with ``peak_bytes`` (of its largest process, unless it counts its own) and
        ``busy``, processor time over elapsed time: below 0.9 it was disturbed, above 1.1 it had more than one thread.
        ``failed`` with a reason instead if it did not end well.
    """
    env = {**os.environ, **_ONE_THREAD, **environment, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=ROOT,
                                   start_new_session=True)  # fmt: skip
        try:
            status, usage, reason = _watch(process.pid, start + seconds, gigabytes)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.returncode = status
        elapsed = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        lines = [line for line in out.read().splitlines() if line.startswith("{")]
        said = [line.strip() for line in err.read().splitlines() if line.strip()]
    if reason:
        return {"failed": reason}
    if status or not lines:
        return {"failed": (said or [f"status {status}"])[-1][:300]}
    result = json.loads(lines[-1])
    result.setdefault("peak_bytes", usage.ru_maxrss * 1024)
    result["busy"] = (usage.ru_utime + usage.ru_stime) / elapsed
    return result


def _watch(pid: int, deadline: float, gigabytes: float) -> tuple[int, Any, str]:
    """Wait for a process; returns its status, what it used, and why it was stopped, if it was."""
    reason, pause = "", 0.005
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            # SIGKILL that is not ours is the kernel's, out of memory.
            return code, usage, reason or ("out of memory" if code == -signal.SIGKILL else "")
        if not reason:
            if time.perf_counter() > deadline:
                reason = "time limit"
            elif resident(pid) > gigabytes * 1e9:
                reason = f"memory limit of {gigabytes:g} GB"
            if reason:
                os.killpg(pid, signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def resident(session: int) -> int:
    """Resident memory of all processes of a session, bytes."""
    total = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # After the name, which may hold spaces: state, parent, group, session, ..., resident pages.
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == session:
                    total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total
