"""What chipsim is to reach, as ratios of medians in one run, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import FACTORISATIONS
from benchmarks.table import AGREEMENT, Row, fastest, rows

MET, MISSED, UNKNOWN = "met", "**not met**", "not measured"


@dataclass(frozen=True)
class Target:
    """A target in words, what was found, and the verdict."""

    text: str
    found: str
    verdict: str


def at_most(text: str, value: float | None, limit: float, unit: str = "") -> Target:
    """A target that is an upper limit."""
    if value is None:
        return Target(f"{text} at most {limit:g}{unit}", "", UNKNOWN)
    return Target(f"{text} at most {limit:g}{unit}", f"{value:.3g}{unit}", MET if value <= limit else MISSED)


def at_least(text: str, value: float | None, limit: float) -> Target:
    """A target that is a lower limit."""
    if value is None:
        return Target(f"{text} at least {limit:g}", "", UNKNOWN)
    return Target(f"{text} at least {limit:g}", f"{value:.3g}", MET if value >= limit else MISSED)


def of_benchmark(results: dict[str, Any]) -> list[Target]:
    """The targets that compare with other programs."""
    return list(_targets(rows(results)))


def _targets(found: list[Row]) -> Iterator[Target]:
    own = fastest(found, "3d-100k", "chipsim")
    for peer, limit in (("ngsolve", 0.25), ("scikit-fem", 0.35), ("dolfinx-demo", 0.35)):
        other = fastest(found, "3d-100k", peer)
        yield at_most(f"3d-100k: time over {peer}'s", _ratio("seconds", own, other), limit)
    direct = [
        r
        for r in found
        if r.case == "3d-100k" and r.solver in FACTORISATIONS and not r.failed and r.peer != "chipsim"
    ]
    for peer in dict.fromkeys(r.peer for r in direct):
        least = min((r for r in direct if r.peer == peer), key=lambda r: r.gigabytes)
        of = f"3d-100k: memory over that of {peer}'s {least.solver}"
        yield at_most(of, _ratio("gigabytes", own, least), 0.2)
    if not direct:
        yield at_most("3d-100k: memory over the direct solvers'", None, 0.2)
    for case in ("2d-64", "2d-64-sharp", "2d-periodic-64"):
        # Time and memory of one method, not the best of each.
        for own in [r for r in found if (r.case, r.peer) == (case, "chipsim") and not r.failed] or [None]:
            what = f"{case}, {own.solver}" if own else case
            for peer, limit in (("ngsolve", 0.9), ("scikit-fem", 0.65)):
                other = fastest(found, case, peer)
                yield at_most(f"{what}: time over {peer}'s", _ratio("seconds", own, other), limit)
                yield at_most(f"{what}: memory over {peer}'s", _ratio("gigabytes", own, other), 0.55)
    yield _error(found)


def _ratio(of: str, own: Row | None, other: Row | None) -> float | None:
    return getattr(own, of) / getattr(other, of) if own and other else None


def _error(found: list[Row]) -> Target:
    """Ratios count only at equal or smaller error; what the programs may differ by is no error of one of them."""
    text = "error of the flow rate at most that of every other program on the same mesh"
    compared, worse = 0, []
    for r in found:
        own = fastest(found, r.case, "chipsim")
        if own is None or own.error is None or r.failed or r.error is None or r.peer == "chipsim":
            continue
        compared += 1
        if own.error > r.error + AGREEMENT:
            worse.append(f"{r.case}, {r.peer}")
    if not compared:
        return Target(text, "", UNKNOWN)
    return Target(
        text,
        f"in {compared - len(worse)} of {compared}" + ("" if not worse else ": not " + "; ".join(worse)),
        MET if not worse else MISSED,
    )
