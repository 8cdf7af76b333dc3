"""Processes of our own: they end with whoever started them, and keep to one thread."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def end_with(parent: int) -> None:
    """End this process when the one with that number has ended: it would go on with work that nobody waits for."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def environment() -> dict[str, str]:
    """Environment of a process that computes a point: one thread, this chipsim, and no part of an MPI run."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_", "PMIX_", "PMI_"))}
    here = str(Path(__file__).parents[2])
    path = [here, *(p for p in kept.get("PYTHONPATH", "").split(os.pathsep) if p and p != here)]
    return {**kept, **dict.fromkeys(_THREADS, "1"), "PYTHONPATH": os.pathsep.join(path)}


def python(module: str, *arguments: str) -> list[str]:
    """Command that runs a module of chipsim."""
    return [sys.executable, "-m", module, *arguments]


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1
