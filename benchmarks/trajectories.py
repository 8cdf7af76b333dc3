"""How long many bodies take through the published spiral: ``tools/env python3 -m benchmarks.trajectories``.

131,072 bodies of one size in one run, flow and lift known before. The unit of the ratio is one value interpolated between the
points of a grid by plain numpy in the same run: a step of the Runge-Kutta method needs eight (each between two bends as well),
and one for the shear. Writes trajectories.json and trajectories.md into the results folder.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import machine, memory, say
from benchmarks.run import run
from benchmarks.table import where
from benchmarks.targets import Target, at_most

PATHS = 2**17
DIAMETER = 20e-6
_REPEATS = 3
_GRID = (251, 81)


def follow() -> dict[str, float]:
    """Seconds for all bodies, how many steps, for one of them a step, and for one value by numpy."""
    from chipsim.capture.spiral_paths import follow, ways
    from chipsim.capture.spiral_setting import Setting
    from chipsim.design import Operation
    from chipsim.study.solve import solve
    from geometries.spiral import Spiral

    operation = Operation(
        sample_flow_rate="100 uL/min", sheath_flow_rate="750 uL/min", viscosity="1.002 mPa s"
    )
    device = Spiral()
    setting = Setting.of(device, solve(device, operation=operation), operation, seed=0)
    (way,) = ways(DIAMETER / device.height, setting, (1.0,))
    shear, bend, steps = np.zeros(PATHS), setting.bends[2].shear, -1

    def watch(at: Any) -> None:
        nonlocal steps
        np.maximum(shear, bend.at(at)[:, 0], out=shear)
        steps += 1

    start = time.perf_counter()
    end = follow(way, setting, PATHS, watch)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "steps": steps,
        "per_step": seconds / PATHS / steps,
        "per_value": interpolation(),
        "inner_share": float((end[:, 0] < setting.outlet_line).mean()),
    }


def interpolation() -> float:
    """Seconds for one value, linear between the points of a grid: the best of ten times as many as there are bodies."""
    random = np.random.default_rng(0)
    values = random.random(_GRID)
    x, z = (random.random(PATHS) * (n - 1) for n in _GRID)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        i, j = x.astype(int), z.astype(int)
        a, b = x - i, z - j
        low = (1 - b) * values[i, j] + b * values[i, j + 1]
        high = (1 - b) * values[i + 1, j] + b * values[i + 1, j + 1]
        out = (1 - a) * low + a * high
        best = min(best, time.perf_counter() - start)
    assert out.shape == (PATHS,)
    return best / PATHS


def targets(found: dict[str, Any]) -> list[Target]:
    """Whether what was to be reached was."""
    ran = "failed" not in found
    return [
        at_most(f"{PATHS:,} bodies through 10 cm: time", found["seconds"] if ran else None, 60.0, " s"),
        at_most("the same: memory", found["peak_bytes"] / 1e9 if ran else None, 1.0, " GB"),
    ]


def markdown(results: dict[str, Any]) -> str:
    """The whole page."""
    found = results["found"]
    lines = ["# Bodies through the published spiral", "", f"{where(results)}. Median of {_REPEATS} runs.", ""]
    if "failed" not in found:
        lines += [
            f"{PATHS:,} bodies of {1e6 * DIAMETER:g} um in {found['steps']} steps: {found['seconds']:.1f} s and "
            f"{found['peak_bytes'] / 1e9:.2f} GB, "
            f"{1e9 * found['per_step']:.0f} ns for a step of one, {found['per_step'] / found['per_value']:.1f} times what numpy "
            f"takes to interpolate one value ({1e9 * found['per_value']:.0f} ns); a step needs nine.",
            "",
        ]  # fmt: skip
    lines += ["| target | found | |", "|---|---|---|"]
    lines += [f"| {t.text} | {t.found} | {t.verdict} |" for t in targets(found)]
    return "\n".join(lines) + "\n"


def main() -> None:
    if sys.argv[1:] == ["follow"]:
        print(json.dumps(follow()))
        return
    results: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d %H:%M"), "command": "python -m benchmarks.trajectories", "machine": machine(),
    }  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.trajectories", "follow"]
    runs = [run(command, {}, seconds=600.0, gigabytes=0.8 * memory()) for _ in range(_REPEATS)]
    good = sorted((r for r in runs if "failed" not in r), key=lambda r: r["seconds"])
    results["found"] = good[len(good) // 2] if good else runs[-1]
    say(str(results["found"]))
    stem = Path(__file__).with_name("results") / "trajectories"
    stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    stem.with_suffix(".md").write_text(markdown(results))
    print(stem.with_suffix(".md").read_text())


if __name__ == "__main__":
    main()
