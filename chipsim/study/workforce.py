"""Who computes the points of a study: processes of this machine, or the workers of a Dask scheduler.

Dask only dispatches. Each worker has a process of its own that computes (``supervise.py``), which can be stopped.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
import warnings
from typing import Any

from chipsim.study.processes import cores, environment, python
from geometries import DesignError

# How long a scheduler may take to answer, s.
_PATIENCE = 10
# So many workers that ended one after the other, without a chunk that was done between, are no accident any more.
_ENDED = 20


class Lost(Exception):
    """The scheduler, or all workers, are gone; the text is a sentence."""


class Workforce:
    """Workers of Dask, for as long as the ``with`` block lasts.

    Args:
        scheduler: Address of a scheduler that is there, ``"tcp://host:8786"``; None: a cluster on this machine, that ends with
            the block.
        workers: Processes of the local cluster; None: one for each core.

    Raises:
        DesignError: The scheduler does not answer, or there are to be no workers.
    """

    def __init__(self, scheduler: str | None = None, workers: int | None = None) -> None:
        if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
            raise DesignError(f"workers = {workers!r} must be a whole number of at least 1")
        if scheduler is not None and workers is not None:
            raise DesignError(
                f"workers = {workers} and scheduler = {scheduler} are both given; a scheduler has its own workers"
            )
        self._scheduler, self._wanted = scheduler, workers or cores()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ended = 0
        self._cluster: Any = None

    def __enter__(self) -> Workforce:
        self._quiet = _Quiet()
        self._quiet.__enter__()
        try:
            self.client: Any = self._connected() if self._scheduler else self._local()
        except BaseException:
            self._quiet.__exit__()
            raise
        return self

    def _connected(self) -> Any:
        from distributed import Client

        try:
            return Client(self._scheduler, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:  # TimeoutError is an OSError
            why = "" if isinstance(error, OSError) else f" ({' '.join(str(error).split())})"
            raise DesignError(
                f"no scheduler answers at {self._scheduler} within {_PATIENCE} s{why}; start one with dask scheduler, or leave "
                "--scheduler out"
            ) from None

    def _local(self) -> Any:
        """The scheduler is a thread of this process, so it ends with it; the workers are processes that may die."""
        import dask
        from distributed import Client, LocalCluster

        # A worker that was ended is never held against its chunk: what a point does to its process is seen to in supervise.py.
        with dask.config.set({"distributed.scheduler.allowed-failures": 10**9}):
            self._cluster = LocalCluster(
                n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=False,
            )  # fmt: skip
        client = Client(self._cluster, set_as_default=False)
        self._log = tempfile.TemporaryFile()
        self._processes = [self._start(i) for i in range(self._wanted)]
        return client

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        command = python(
            "chipsim.study.dask_worker", self._cluster.scheduler_address, f"{number}-{self._ended}"
        )
        # A session of its own: Ctrl-C is for us, not for it.
        return subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log,
            start_new_session=True,
        )  # fmt: skip

    def tend(self) -> None:
        """Start workers anew that have ended.

        Raises:
            Lost: The scheduler is gone, or the workers end again and again.
        """
        if self.client.status not in ("running", "connecting", "newly-created"):
            raise Lost(f"the scheduler at {self._scheduler or 'this machine'} is gone")
        for i, process in enumerate(self._processes):
            if process.poll() is not None:
                self._ended += 1
                if self._ended > _ENDED:
                    raise Lost(f"the workers end again and again, last {self._last_words()}")
                self._processes[i] = self._start(i)

    def works(self) -> None:
        """To be told when something was done: workers that ended before are forgotten."""
        self._ended = 0

    def size(self) -> int:
        """How many workers there are, or are to be."""
        if self._cluster is not None:
            return self._wanted
        try:
            about = self.client.scheduler_info(n_workers=-1)
        except TypeError:  # an older Dask tells of all
            about = self.client.scheduler_info()
        return len(about.get("workers", {}))

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f'with "{lines[-1][:200]}"' if lines else "without a word; run chipsim doctor"

    def __exit__(self, *_: Any) -> None:
        # They hold nothing that is not kept, and what they started ends with them.
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        try:
            self.client.close(timeout=5)
            if self._cluster is not None:
                self._cluster.close(timeout=5)
                self._log.close()
        except (OSError, TimeoutError):
            pass
        self._quiet.__exit__()


class _Quiet:
    """Dask tells of each worker that comes and goes; what matters is told in a sentence."""

    def __enter__(self) -> None:
        import distributed  # noqa: F401  (it makes its loggers when it is imported)

        handlers: list[Any] = [h for name in ("distributed",) for h in logging.getLogger(name).handlers]
        self._handlers = [(handler, handler.level) for handler in handlers]
        self._others = [
            (log, log.level) for log in map(logging.getLogger, ("tornado.application", "asyncio"))
        ]
        for one, _ in (*self._handlers, *self._others):
            one.setLevel(logging.CRITICAL + 1)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.filterwarnings("ignore", module=r"distributed(\.|$)")

    def __exit__(self, *_: Any) -> None:
        self._warnings.__exit__(None, None, None)
        for one, level in (*self._handlers, *self._others):
            one.setLevel(level)
