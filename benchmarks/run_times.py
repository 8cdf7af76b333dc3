"""Times and memory of the main job's parts: ``tools/env python3 benchmarks/run_times.py``.

Each part runs in a process of its own, so that the peak memory is its own; forms are compiled beforehand. The last column is
the time over that of the plane cell in the same run: quote ratios, absolute times are this machine's.
"""

import json
import subprocess
import sys

CELL = (
    "import chipsim.flow.array as a; from geometries import ClusterChip; a.plug_factor = lambda c: 2.0; "
    "run = lambda: a.solve_cell(ClusterChip(), {model!r})"
)
PARTS = {
    "plane cell: mesh, solve, numbers": CELL.format(model="2d"),
    "plug factor: two plane arrays": (
        "import chipsim.flow.array as a; from geometries import ClusterChip; run = lambda: a.plug_factor(ClusterChip())"
    ),
    "cell in space: mesh, solve, numbers": CELL.format(model="3d"),
    "whole run, flow stored": (
        "import chipsim, tempfile; d = chipsim.load_design(chipsim.published()['cluster_chip_2015']); "
        "chipsim.solve(d.device); run = lambda: chipsim.write(chipsim.run(d), tempfile.mkdtemp())"
    ),
}
MEASURE = """
import json, resource, time
{setup}
start = time.perf_counter(); run(); seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))
"""


def measure(setup: str) -> tuple[float, float]:
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE.format(setup=setup)], capture_output=True, text=True, check=True
    )
    seconds, gigabytes = json.loads(ran.stdout.splitlines()[-1])
    return seconds, gigabytes


def main() -> None:
    reference = None
    print(f"{'part':40s} {'s (min of 3)':>14s} {'GB':>6s} {'ratio':>7s}")
    for name, setup in PARTS.items():
        runs = [measure(setup) for _ in range(3)]
        seconds, gigabytes = min(r[0] for r in runs), max(r[1] for r in runs)
        reference = reference or seconds
        print(f"{name:40s} {seconds:14.2f} {gigabytes:6.2f} {seconds / reference:7.1f}", flush=True)


if __name__ == "__main__":
    main()
