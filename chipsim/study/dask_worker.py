"""A worker of the local cluster: ``python -m chipsim.study.dask_worker ADDRESS NAME``.

Dask's own local cluster starts its workers by multiprocessing, which runs the user's script once more in each of them; a process
that is started afresh needs no ``if __name__ == "__main__":`` there, and may be killed without harm: it is started again.
"""

from __future__ import annotations

import asyncio
import os
import sys

from chipsim.study.processes import end_with


async def _serve(address: str, name: str) -> None:
    from distributed import Worker

    # Nothing is opened that another machine could reach; the memory is that of the process that it starts.
    worker = Worker(
        address, name=name, nthreads=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", memory_limit=0,
        death_timeout=60, silence_logs=50,
    )  # fmt: skip
    async with worker:
        await worker.finished()


def main() -> None:
    """Serve until whoever started it has ended."""
    end_with(os.getppid())
    asyncio.run(_serve(*sys.argv[1:3]))


if __name__ == "__main__":
    main()
