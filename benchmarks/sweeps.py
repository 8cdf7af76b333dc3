"""How long sweeps of the published Cluster-Chip take: ``tools/env python3 -m benchmarks.sweeps``.

Each begins with an empty cache and an empty folder: the start of all processes, the solves, the Dataset and the page are in the
times. Processor time is that of all processes together. Writes sweeps.json and sweeps.md into the results folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.__main__ import machine, say
from benchmarks.table import where
from benchmarks.targets import Target, at_most

_HEAD = '[study]\ndesign = "DESIGN"\nmodel = "2d"\n[parameters]\n'
_RATE = 'operation.flow_rate = { from = "0.5 mL/h", to = "8 mL/h", points = 100, scale = "log" }\n'
_OWN = '[cells."MDA-MB-231"]\ndiameter = "15 um"\ntension = "13.4 pN/um"\n'

#: What is swept: the study, what it is in words, and the seconds that it may take.
CASES = {
    "stiffness": (
        f'{_HEAD}{_RATE}cells.MDA-MB-231.tension = {{ from = "5 pN/um", to = "500 pN/um", points = 10, scale = "log" }}\n',
        "1,000 points, 100 flow rates by 10 tensions of the cells",
        60.0,
    ),
    "sizes": (
        f'{_HEAD}{_RATE}cells.MDA-MB-231.diameter = {{ from = "12 um", to = "20 um" }}\n'
        '[sample]\nmethod = "latin hypercube"\npoints = 1000\n',
        "1,000 points, each with another flow rate and another diameter of the cells",
        60.0,
    ),
    "geometries": (
        f'{_HEAD}device.gap = {{ from = "9 um", to = "15 um" }}\ndevice.side = {{ from = "40 um", to = "60 um" }}\n'
        'device.fillet = { from = "0.5 um", to = "2 um" }\n[sample]\nmethod = "latin hypercube"\npoints = 100\n',
        "100 geometries",
        480.0,
    ),
}  # fmt: skip


def measure(name: str, base: Path) -> dict[str, Any]:
    """Seconds and processor seconds of a sweep and of its repetition."""
    from chipsim.design import published

    design = base / "design.toml"
    design.write_text(published()["cluster_chip_2015"].read_text() + _OWN)
    study = base / f"{name}.toml"
    study.write_text(CASES[name][0].replace("DESIGN", str(design)))
    command = [sys.executable, "-m", "chipsim.cli", "sweep", str(study), "-o", str(base / "out")]
    env = {**os.environ, "CHIPSIM_CACHE": str(base / "cache")}
    found = timed(command, env)
    if "failed" in found:
        return found
    again = timed(command, env)
    kept = [path for path in (base / "out" / "points").glob("[0-9a-f]*/*")]
    return {**found, "again": again["seconds"], "bytes": sum(path.stat().st_size for path in kept)}


def timed(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """Run a command and count what its processes use."""
    used: dict[int, float] = {}
    memory = 0
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = psutil.Popen(command, env=env, stdout=said, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            resident = 0
            for one in [process, *_children(process)]:
                try:
                    times = one.cpu_times()
                    used[one.pid] = times.user + times.system
                    resident += one.memory_info().rss
                except psutil.Error:
                    continue
            memory = max(memory, resident)
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        said.seek(0)
        words = said.read()
    if process.returncode:
        return {"failed": f"status {process.returncode}: {words[-300:]}"}
    return {
        "seconds": seconds,
        "cpu": sum(used.values()),
        "peak_bytes": memory,
        "points": words.splitlines()[0],
    }


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def targets(found: dict[str, Any]) -> list[Target]:
    """Whether what was to be reached was."""
    return [
        at_most(f"{words}: time", found.get(name, {}).get("seconds"), limit, " s")
        for name, (_, words, limit) in CASES.items()
    ]


def markdown(results: dict[str, Any]) -> str:
    """The whole page."""
    found = results["found"]
    lines = [
        "# Sweeps of the published Cluster-Chip, 2-D", "",
        f"{where(results)}. Cache and folder are empty before each; Dataset and page are in the time.",
        "Processor time and memory are of all processes together.", "",
        "| sweep | ended | load before | time | processor time | memory | in the folder | repeated |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, (_, words, _) in CASES.items():
        got = found.get(name, {"failed": "not run"})
        if "failed" in got:
            lines.append(f"| {words} | {got['failed']} | | | | | | |")
            continue
        lines.append(
            f"| {words} | {got['points']} | {got['load']:.1f} | {got['seconds']:.0f} s | {got['cpu']:.0f} s | "
            f"{got['peak_bytes'] / 1e9:.2f} GB | {got['bytes'] / 1e6:.0f} MB | {got['again']:.0f} s |"
        )
    lines += ["", "| target | found | |", "|---|---|---|"]
    lines += [f"| {t.text} | {t.found} | {t.verdict} |" for t in targets(found)]
    return "\n".join(lines) + "\n"


def main() -> None:
    results: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d %H:%M"), "command": "python -m benchmarks.sweeps", "machine": machine(), "found": {},
    }  # fmt: skip
    stem = Path(__file__).with_name("results") / "sweeps"
    if sys.argv[1:] and stem.with_suffix(".json").exists():  # some of them anew
        results["found"] = json.loads(stem.with_suffix(".json").read_text())["found"]
    for name in sys.argv[1:] or CASES:
        load = os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as base:
            results["found"][name] = {"load": load, **measure(name, Path(base))}
        say(f"{name}: {results['found'][name]}")
        stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        stem.with_suffix(".md").write_text(markdown(results))
    print(markdown(results))


if __name__ == "__main__":
    main()
