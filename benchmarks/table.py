"""From the runs of a benchmark to medians, ratios and the tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers import FACTORISATIONS, PEERS

#: Largest relative difference of flow rates on one mesh: the solvers' tolerance of 1e-6, in whatever norm, allows some 5e-6.
AGREEMENT = 1e-5
#: A run with less processor time over elapsed time than this shared its core with other work.
DISTURBED = 0.85
#: The error of the pressure drop that a family of meshes is refined to.
WANTED_ERROR = 1e-3


@dataclass(frozen=True)
class Row:
    """One program with one linear solver on one case: medians over its runs.

    Attributes:
        case: Name of the case.
        peer: Name of the program.
        solver: Its linear solver.
        unknowns: Of its linear system.
        seconds: Assembly, set-up and solve together.
        parts: Each of them.
        gigabytes: Peak memory of its process.
        flow: Q.
        error: Relative error of Q; None without a reference.
        iterations: 0 for a factorisation.
        runs: How many went well.
        busy: Least processor time over elapsed time of the runs.
        failed: Why there is nothing, if there is nothing.
    """

    case: str
    peer: str
    solver: str
    unknowns: int = 0
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    gigabytes: float = 0.0
    flow: float = 0.0
    error: float | None = None
    iterations: int = 0
    runs: int = 0
    busy: float = 0.0
    failed: str = ""


def row(case: str, peer: str, solver: str, runs: list[dict[str, Any]], reference: float | None) -> Row:
    """Medians of the runs that went well."""
    # A factorisation that does not pivot may end in no number, and says nothing.
    runs = [r if math.isfinite(r.get("flow", 0.0)) else {"failed": "its answer is no number"} for r in runs]
    good = [r for r in runs if "failed" not in r]
    if not good:
        return Row(case, peer, solver, failed=runs[-1]["failed"] if runs else "not run")

    def median(of: str) -> float:
        return statistics.median(r[of] for r in good)

    return Row(
        case, peer, good[0]["solver"], good[0]["unknowns"], median("seconds"),
        {name: statistics.median(r["parts"][name] for r in good) for name in good[0]["parts"]},
        median("peak_bytes") / 1e9, median("flow"),
        abs(median("flow") / reference - 1) if reference else None,
        round(median("iterations")) if good[0].get("iterations") and solver not in FACTORISATIONS else 0,
        len(good), min(r["busy"] for r in good),
    )  # fmt: skip


def rows(results: dict[str, Any]) -> list[Row]:
    """All rows of a results file, case by case."""
    out = []
    for name, case in results["cases"].items():
        reference = (case["reference"] or {}).get("flow")
        for key, runs in case["runs"].items():
            peer, solver = key.split("/", 1)
            out.append(row(name, peer, solver, runs, reference))
    return out


def fastest(all_rows: list[Row], case: str, peer: str) -> Row | None:
    """A program's fastest solver on a case, or None."""
    there = [r for r in all_rows if (r.case, r.peer) == (case, peer) and not r.failed]
    return min(there, key=lambda r: r.seconds, default=None)


def disagreements(all_rows: list[Row]) -> Iterator[str]:
    """Programs whose flow rate is not that of the others with the same element on the same curved mesh; sentences."""
    for case in dict.fromkeys(r.case for r in all_rows):
        of_case = [r for r in all_rows if r.case == case and not r.failed]
        same = [r for r in of_case if not (_straightened(r) or _of_other_element(r))]
        if not same:
            continue
        middle = statistics.median(r.flow for r in same)
        for r in same:
            if abs(r.flow / middle - 1) > AGREEMENT:
                yield f"{case}: {r.peer} ({r.solver}) finds Q = {r.flow:.8g}, the median is {middle:.8g}"


def _straightened(r: Row) -> bool:
    """Whether a program solved on straight-sided cells where the others had curved ones."""
    return r.peer in PEERS and PEERS[r.peer].straight and "sharp" not in r.case


def _of_other_element(r: Row) -> bool:
    """Whether a program's unknowns are not those of P2-P1."""
    return r.peer in PEERS and PEERS[r.peer].other_element


def markdown(results: dict[str, Any], targets: list[Any]) -> str:
    """The whole page."""
    found = rows(results)
    lines = [
        "# chipsim beside other programs", "",
        f"{where(results)}. Medians of up to {results['repeats']} runs, programs alternating, one thread, each run a process of",
        "its own.", "",
        "Time is assembly, set-up and solve of the linear system (of OpenFOAM: its iterations), without reading the mesh and",
        "compiling forms. chipsim's factors are in single precision, refined; the others' in double. Memory is the peak of the",
        "process. Error is that of the flow rate at a given pressure drop against a converged value. Ratio is",
        "chipsim's number over the other's: below 1 chipsim is faster or smaller. Compare ratios, not seconds.", "",
        *_programs(results), "",
    ]  # fmt: skip
    problems = list(disagreements(found))
    agreed = (
        "All programs agree on Q to 1e-5 on each mesh (straight-sided versions and finite volumes apart)."
    )
    said = ["**Not all programs agree:**", "", *(f"- {p}" for p in problems)] if problems else [agreed]
    lines += [*said, ""]
    disturbed = sum(r.busy < DISTURBED for r in found if not r.failed)
    if disturbed:
        lines += [
            f"**{disturbed} of {len(found)} rows were disturbed** (processor time below {DISTURBED:g} of the elapsed time): the",
            "machine had other work, and the times are not to be quoted.", "",
        ]  # fmt: skip
    for case in results["cases"]:
        if not results["cases"][case]["family"]:
            lines += [f"## {case}", "", results["cases"][case]["about"], "", *_case(found, case), ""]
    lines += _families(results, found)
    lines += ["## Targets", "", "| target | found | |", "|---|---|---|"]
    lines += [f"| {t.text} | {t.found} | {t.verdict} |" for t in targets]
    return "\n".join(lines) + "\n"


def where(results: dict[str, Any]) -> str:
    """When, on what and by which command the numbers were made."""
    machine = results["machine"]
    size = f"{machine['cores']} cores, {machine['gigabytes']:.0f} GB, load {machine['load_at_start']:.1f} at the start"
    return f"{results['date']}, {machine['processor']}, {size}; by `{results['command'].strip()}`"


def _programs(results: dict[str, Any]) -> Iterator[str]:
    yield "| program | |"
    yield "|---|---|"
    for name, state in results["peers"].items():
        yield f"| {name} | {state} |"


def _case(found: list[Row], case: str) -> Iterator[str]:
    yield (
        "| program | solver | unknowns | time, s | assembly + set-up + solve | its | GB | error "
        "| time ratio | memory ratio | runs |"
    )
    yield "|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|"
    own = fastest(found, case, "chipsim")
    for r in (r for r in found if r.case == case):
        if r.failed:
            yield f"| {r.peer} | {r.solver} | | {r.failed} | | | | | | | |"
            continue
        parts = " + ".join(_part(name, seconds, r.parts) for name, seconds in r.parts.items())
        error = "" if r.error is None else f"{100 * r.error:.3f} %"
        ratios = (
            "| |" if own is None else f"{own.seconds / r.seconds:.2f} | {own.gigabytes / r.gigabytes:.2f} |"
        )
        apart = ["straight sides"] * _straightened(r) + ["finite volumes"] * _of_other_element(r)
        note = f" ({', '.join(apart)})" if apart else ""
        yield (
            f"| {r.peer} | {r.solver}{note} | {r.unknowns} | {r.seconds:.2f} | {parts} | {r.iterations or ''} "
            f"| {r.gigabytes:.2f} | {error} | {ratios} {r.runs} |"
        )


def _part(name: str, seconds: float, parts: dict[str, float]) -> str:
    """The time of a part of a run, named where a program does not tell all three apart."""
    return f"{seconds:.2f}" if len(parts) == 3 else f"{seconds:.2f} ({name})"


@dataclass(frozen=True)
class Reached:
    """The first mesh of a family on which a program is within the wanted error."""

    peer: str
    row: Row | None
    best_error: float


def reached(results: dict[str, Any], found: list[Row], family: str) -> list[Reached]:
    """For each program the first mesh of a family that is good enough."""
    cases = [name for name, case in results["cases"].items() if case["family"] == family]
    out = []
    for peer in dict.fromkeys(r.peer for r in found):
        of_peer = [r for case in cases if (r := fastest(found, case, peer)) and r.error is not None]
        if of_peer:
            first = next((r for r in of_peer if r.error is not None and r.error <= WANTED_ERROR), None)
            out.append(Reached(peer, first, min(r.error for r in of_peer if r.error is not None)))
    return out


def _families(results: dict[str, Any], found: list[Row]) -> Iterator[str]:
    families = dict.fromkeys(case["family"] for case in results["cases"].values() if case["family"])
    for family in families:
        yield from (f"## Time to an error of 0.1 %: {family}", "")
        yield from (
            "| program | first mesh | unknowns | error | time, s | time ratio | GB |",
            "|---|---|--:|--:|--:|--:|--:|",
        )
        there = reached(results, found, family)
        own = next((r.row for r in there if r.peer == "chipsim"), None)
        for r in there:
            if r.row is None:
                yield f"| {r.peer} | none: at best {100 * r.best_error:.3f} % | | | | | |"
                continue
            ratio = f"{own.seconds / r.row.seconds:.2f}" if own else ""
            yield (
                f"| {r.peer} | {r.row.case} | {r.row.unknowns} | {100 * (r.row.error or 0):.3f} % "
                f"| {r.row.seconds:.2f} | {ratio} | {r.row.gigabytes:.2f} |"
            )
        yield ""
