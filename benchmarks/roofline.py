"""The memory bandwidth of this machine, by 1 and 2 processes at once: ``python -m benchmarks.roofline``.

An iterative solve reads its matrices once a pass and does a few operations for every 12 bytes of them, so bandwidth is its limit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from benchmarks.run import ROOT

_COUNT = 10_000_000  # 80 MB an array: far beyond any cache
_SECONDS = 2.0


def triad() -> float:
    """Bytes per second of a = b + s c in numpy, two passes over the arrays; what a write reads first is not counted."""
    import numpy as np

    a, b, c = (np.full(_COUNT, value) for value in (0.0, 1.0, 2.0))
    moved, start = 0, time.perf_counter()
    while time.perf_counter() - start < _SECONDS:
        np.multiply(c, 3.0, out=a)
        np.add(a, b, out=a)
        moved += 5 * a.nbytes
    return moved / (time.perf_counter() - start)


def bandwidth(processes: int) -> float:
    """Bytes per second of so many triads at the same time, together; the best of three."""
    best = 0.0
    for _ in range(3):
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.roofline", "triad"],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for _ in range(processes)
        ]
        best = max(best, sum(float(process.communicate()[0]) for process in running))
    return best


def main() -> None:
    if sys.argv[1:] == ["triad"]:
        print(triad())
    else:
        print(json.dumps({f"{n} processes": f"{bandwidth(n) / 1e9:.1f} GB/s" for n in (1, 2)}))


if __name__ == "__main__":
    main()
