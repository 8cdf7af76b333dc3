"""How chipsim alone grows with size and MPI ranks, beside the memory bandwidth: ``tools/env python3 -m benchmarks.growth``.

In space from 100,000 to 2 million unknowns on 1 and 2 ranks, on smooth and on tip-graded meshes, and arrays in the plane. Writes
growth.json and growth.md into the results folder. ``--quick`` takes the two smallest sizes only.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine, memory, say
from benchmarks.cases import CASES, GROWTH, WARM_UP
from benchmarks.meshes import mesh_file
from benchmarks.roofline import bandwidth
from benchmarks.run import run
from benchmarks.table import where
from benchmarks.targets import Target, at_least, at_most

#: Names of the meshes of each series, small to large, and the ranks it is run on.
SERIES = {
    "3d": (("3d-100k", "3d-200k", "3d-500k", "3d-1000k", "3d-2000k"), (1, 2)),
    "3d-sharp": (("3d-sharp", "3d-sharp-300k", "3d-sharp-500k", "3d-sharp-1000k"), (2,)),
    "2d": (("2d-16", "2d-64", "2d-256"), (1,)),
}
_TWO_MILLION = "3d-2000k"
#: The size at which 1 and 2 ranks are compared, with repeats.
_SPEED_UP = "3d-500k"


def exponent(sizes: list[float], values: list[float]) -> float:
    """Slope of the values over the sizes, both logarithmic, by least squares."""
    x, y = [math.log(s) for s in sizes], [math.log(v) for v in values]
    return statistics.linear_regression(x, y).slope


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes of each series")
    parser.add_argument(
        "-o", "--output", default=str(Path(__file__).with_name("results")), help="folder of the results"
    )
    options = parser.parse_args()
    results: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d %H:%M"), "command": "python -m benchmarks.growth " + " ".join(sys.argv[1:]),
        "machine": machine(), "bandwidth": {str(n): bandwidth(n) for n in (1, 2)}, "runs": {},
    }  # fmt: skip
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    stem = output / ("growth-quick" if options.quick else "growth")
    for series, (names, ranks) in SERIES.items():
        for name in names[: 2 if options.quick else None]:
            for count in ranks:
                results["runs"][f"{series}/{name}/{count}"] = measure(name, count)
                stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
                stem.with_suffix(".md").write_text(markdown(results))
    print(stem.with_suffix(".md").read_text())


def measure(name: str, ranks: int) -> dict[str, Any]:
    """One size on so many ranks: the run of median time, of three where 1 and 2 ranks are compared."""
    case = {**CASES, **GROWTH}[name]
    option = "count" if case.dim == 3 else "default"
    program = [
        "-m",
        "benchmarks.programs.chipsim_",
        str(mesh_file(case)),
        option,
        str(mesh_file(WARM_UP[case.dim])),
    ]
    command = (
        ["mpirun", "-n", str(ranks), sys.executable, *program] if ranks > 1 else [sys.executable, *program]
    )
    runs = [
        run(command, {}, seconds=900.0, gigabytes=0.8 * memory())
        for _ in range(3 if name == _SPEED_UP else 1)
    ]
    good = sorted((r for r in runs if "failed" not in r), key=lambda r: r["seconds"])
    found = good[len(good) // 2] if good else runs[-1]
    say(f"{name}, {ranks} ranks: {found.get('failed') or '{seconds:.2f} s'.format(**found)}")
    return found


def series(results: dict[str, Any], name: str, ranks: int) -> list[dict[str, Any]]:
    """The runs of a series that went well, small to large."""
    keys = [f"{name}/{size}/{ranks}" for size in SERIES[name][0]]
    found = [results["runs"].get(key, {"failed": ""}) for key in keys]
    return [r for r in found if "failed" not in r]


def targets(results: dict[str, Any]) -> Iterator[Target]:
    """The targets of growth, and whether they are met."""
    for name in ("3d", "3d-sharp"):
        counts = [r["iterations"] for r in series(results, name, 2)]
        yield at_most(
            f"{name}: most over least iterations", max(counts) / min(counts) if len(counts) > 1 else None, 1.2
        )
    for ranks in (1, 2):
        runs = series(results, "3d", ranks)
        for what, key, limit in (("time", "seconds", 1.15), ("memory", "peak_bytes", 1.0)):
            value = exponent([r["unknowns"] for r in runs], [r[key] for r in runs]) if len(runs) > 1 else None
            yield at_most(f"3d, {ranks} rank{'s' * (ranks > 1)}: exponent of {what}", value, limit)
    large = results["runs"].get(f"3d/{_TWO_MILLION}/2", {"failed": "not run"})
    ran = "failed" not in large
    yield at_most("2 million unknowns on 2 ranks: time", large["seconds"] if ran else None, 60.0, " s")
    yield at_most(
        "2 million unknowns on 2 ranks: memory", large["peak_bytes"] / 1e9 if ran else None, 3.0, " GB"
    )
    pair = [results["runs"].get(f"3d/{_SPEED_UP}/{n}", {"failed": "not run"}) for n in (1, 2)]
    both = all("failed" not in r for r in pair)
    yield at_least(
        "500,000 unknowns: time on 1 rank over 2",
        pair[0]["seconds"] / pair[1]["seconds"] if both else None,
        1.7,
    )


def markdown(results: dict[str, Any]) -> str:
    """The whole page."""
    wide = ", ".join(
        f"{n} process{'es' * (n != '1')} {b / 1e9:.1f} GB/s" for n, b in results["bandwidth"].items()
    )
    lines = [
        "# How chipsim grows", "",
        f"{where(results)}. Memory bandwidth (numpy triad): {wide}.", "",
        "Unknowns are free ones. Bound is the time in which the solve's counted traffic (12 bytes for each nonzero that a",
        "product reads; hypre's share estimated) passes at that bandwidth; the last column is how far the solve is from it.", "",
        "| case | ranks | unknowns | time, s | assembly + set-up + solve | its | GB | us/unknown | kB/unknown/it | bound, s "
        "| solve/bound |",
        "|---|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    lines += [_line(key, r, results["bandwidth"]) for key, r in results["runs"].items()]
    lines += ["", "| target | found | |", "|---|---|---|"]
    lines += [f"| {t.text} | {t.found} | {t.verdict} |" for t in targets(results)]
    plane = series(results, "2d", 1)
    if len(plane) > 1:
        sizes = [r["unknowns"] for r in plane]
        time_, space = (exponent(sizes, [r[key] for r in plane]) for key in ("seconds", "peak_bytes"))
        lines += ["", f"Arrays in the plane, 1 rank: exponent of time {time_:.2f}, of memory {space:.2f}."]
    return "\n".join(lines) + "\n"


def _line(key: str, r: dict[str, Any], widths: dict[str, float]) -> str:
    _, name, ranks = key.split("/")
    if "failed" in r:
        return f"| {name} | {ranks} | | {r['failed']} | | | | | | | |"
    parts, n = " + ".join(f"{s:.2f}" for s in r["parts"].values()), r["unknowns"]
    line = f"| {name} | {ranks} | {n} | {r['seconds']:.2f} | {parts} | {r['iterations'] or ''} | {r['peak_bytes'] / 1e9:.2f} "
    line += f"| {1e6 * r['seconds'] / n:.1f} "
    if "moved_bytes" not in r:
        return line + "| | | |"
    bound = r["moved_bytes"] / widths[ranks]
    return (
        line
        + f"| {r['moved_bytes'] / n / r['iterations'] / 1e3:.2f} | {bound:.2f} | {r['parts']['solve'] / bound:.1f} |"
    )


if __name__ == "__main__":
    main()
