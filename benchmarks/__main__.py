"""chipsim beside other programs: ``tools/env python3 -m benchmarks --cases quick``.

Writes NAME.json and NAME.md into the results folder, after each case anew, so that an interrupted run leaves what it has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import peers, targets
from benchmarks.cases import CASES, SELECTIONS, WARM_UP, Case, select
from benchmarks.meshes import mesh_file
from benchmarks.references import known
from benchmarks.run import ROOT, run
from benchmarks.table import WANTED_ERROR, markdown, row

Ready = dict[str, tuple[peers.Peer, tuple[str, dict[str, str]]]]


def main() -> None:
    options = arguments()
    try:
        cases = select(options.cases.split(","))
        chosen = peers.choose([p for p in options.peers.split(",") if p])
        if options.repeats < 1:
            raise ValueError(f"--repeats {options.repeats}: it is below 1.")
    except ValueError as mistake:
        print(f"benchmarks: {mistake}", file=sys.stderr)
        raise SystemExit(2) from None
    ready: Ready = {}
    results: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d %H:%M"), "command": "python -m benchmarks " + " ".join(sys.argv[1:]),
        "machine": machine(), "repeats": options.repeats, "peers": {}, "cases": {},
    }  # fmt: skip
    for peer, state in peers.set_up(chosen):
        if isinstance(state, str):
            results["peers"][peer.name] = f"absent: {state}"
            say(f"{peer.name} is absent: {state}")
        else:
            ready[peer.name] = (peer, state)
            results["peers"][peer.name] = "no run went well"
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    stem = output / ("-".join(w for w in options.cases.split(",") if w in SELECTIONS) or "chosen")
    for case in cases:
        results["cases"][case.name] = one_case(case, ready, results, options)
        stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        stem.with_suffix(".md").write_text(markdown(results, targets.of_benchmark(results)))
    print(stem.with_suffix(".md").read_text())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--cases",
        default="quick",
        help=f"{', '.join([*SELECTIONS, *CASES])}, a family of meshes; several by commas",
    )
    parser.add_argument(
        "--peers", default="", help=f"some of {', '.join(peers.PEERS)}, by commas (default: all)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program on each case")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds after which a run is stopped")
    parser.add_argument(
        "--patience", type=float, default=30.0, help="a program that took longer is not repeated, s"
    )
    parser.add_argument("--memory", type=float, default=0.8 * memory(), help="GB at which a run is stopped")
    parser.add_argument(
        "-o", "--output", default=str(Path(__file__).with_name("results")), help="folder of the results"
    )
    return parser.parse_args()


def one_case(
    case: Case, ready: Ready, results: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """All programs on one case, alternating."""
    out: dict[str, Any] = {"about": about(case), "family": case.family, "reference": known(case), "runs": {}}
    files = str(mesh_file(case)), str(mesh_file(WARM_UP[case.dim]))
    entries = [
        (peer, state, solver)
        for peer, state in ready.values()
        for solver in peer.solvers(case)
        if not good_enough(case, f"{peer.name}/{solver}", results)
    ]
    for repeat in range(1 if case.family else options.repeats):
        for peer, (python, environment), solver in entries:
            runs = out["runs"].setdefault(f"{peer.name}/{solver}", [])
            if any("failed" in r or r["seconds"] > options.patience for r in runs):
                continue
            if case.periodic and peer.no_pairs:
                runs.append({"failed": f"cannot pair inlet and outlet: {peer.no_pairs}"})
                continue
            command = [python, "-m", f"benchmarks.programs.{peer.module}", files[0], solver, files[1]]
            runs.append(run(command, environment, seconds=options.limit, gigabytes=options.memory))
            results["peers"][peer.name] = runs[-1].get("version", results["peers"][peer.name])
            done = row(case.name, peer.name, solver, runs[-1:], None)
            outcome = done.failed or f"{done.seconds:.2f} s, {done.gigabytes:.2f} GB"
            say(f"{case.name} {repeat + 1}: {peer.name} {done.solver} {outcome}")
    return out


def good_enough(case: Case, entry: str, results: dict[str, Any]) -> bool:
    """Whether a program was within the wanted error on a coarser mesh of the same family: then it is done with it."""
    for name, coarser in results["cases"].items():
        if case.family and coarser["family"] == case.family and coarser["reference"]:
            peer, solver = entry.split("/")
            before = row(name, peer, solver, coarser["runs"].get(entry, []), coarser["reference"]["flow"])
            if before.error is not None and before.error <= WANTED_ERROR:
                return True
    return False


def about(case: Case) -> str:
    corners = "sharp corners, the mesh graded to them" if case.sharp else "rounded corners, curved cells"
    if case.shape == "pore":
        radius, length, pitch, _ = case.numbers
        size = f"radius {radius:g} um and length {length:g} um, pitch {pitch:g} um"
        return f"A round pore of {size}: a quarter of its cell, curved cells."
    paths, rows_ = case.numbers
    traps = paths * rows_
    what = f"{traps:g} trap{'s' * (traps > 1)}, {paths:g} paths by {rows_:g} rows"
    ends = "periodic along the flow" if case.periodic else "pressure given at the ends"
    return f"{what}{', half the depth' * (case.dim == 3)}; {ends}; {corners}."


def machine() -> dict[str, Any]:
    names = [
        line.split(":", 1)[1].strip()
        for line in read("/proc/cpuinfo").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor(), "cores": os.cpu_count(), "gigabytes": memory(),
        "system": platform.platform(), "load_at_start": os.getloadavg()[0], "commit": commit(),
    }  # fmt: skip


def memory() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def commit() -> str:
    head = read(ROOT / ".git/HEAD").strip()
    return read(ROOT / ".git" / head[5:]).strip()[:12] if head.startswith("ref: ") else head[:12]


def read(path: str | Path) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
