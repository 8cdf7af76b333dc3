"""The page of verification as a table on the terminal, and as HTML, JSON and Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as Grid
from rich.text import Text

from chipsim.report.frame import Page, Section, Table, render
from chipsim.verification.check import Check
from geometries.files import all_or_nothing

_HEAD = ("case", "source", "quantity", "expected", "found", "error", "limit", "order", "")
_ALIGN = "lllrrrrrl"


def cells(check: Check) -> tuple[str, ...]:
    """A check as it is written in every table, under the heads of :data:`_HEAD`."""
    if check.note:
        return check.case, check.source, check.note, "", "", "", "", "", "fail"
    order = "" if check.order is None else f"{check.order:.2f} (at least {check.least_order:g})"
    return (
        check.case, check.source, check.quantity, f"{check.expected:.6g}", f"{check.found:.6g}", _share(check.error),
        _share(check.limit), order, "pass" if check.passed else "fail",
    )  # fmt: skip


def _share(value: float) -> str:
    """A relative error: per cent where that is legible."""
    if not math.isfinite(value):
        return ""
    return f"{100 * value:.2g} %" if value >= 1e-5 else f"{value:.0e}"


def terminal_table(checks: Sequence[Check]) -> Grid:
    """A table for the terminal."""
    grid = Grid(box=None, header_style="bold")
    for head, align in zip(_HEAD, _ALIGN, strict=True):
        grid.add_column(head, justify="left" if align == "l" else "right", overflow="fold")
    for check in checks:
        grid.add_row(*map(Text, cells(check)), style=None if check.passed else "red")
    return grid


def summary(checks: Sequence[Check]) -> str:
    """How many passed, in one sentence."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return f"{len(checks)} of {len(checks)} checks passed"
    return f"{len(failed)} of {len(checks)} checks failed: " + "; ".join(
        f"{check.case}, {check.quantity or check.note}" for check in failed
    )


def write(checks: Sequence[Check], versions: dict[str, str], folder: Path) -> list[Path]:
    """Write ``verification.json``, ``verification.html`` and ``verification.md``: all of them, or none.

    Args:
        checks: The checks.
        versions: What they were computed with.
        folder: Where to.

    Returns:
        The files.

    Raises:
        DesignError: The folder cannot be written.
    """
    content: dict[str, Any] = {
        "versions": versions,
        "passed": all(check.passed for check in checks),
        "checks": [check.to_dict() for check in checks],
    }
    with all_or_nothing(folder) as beside:
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        (beside / "verification.json").write_text(text, encoding="utf-8")
        (beside / "verification.html").write_text(render(_page(checks, versions)), encoding="utf-8")
        (beside / "verification.md").write_text(_markdown(checks, versions), encoding="utf-8")
    return [folder / f"verification.{kind}" for kind in ("json", "html", "md")]


def _page(checks: Sequence[Check], versions: dict[str, str]) -> Page:
    return Page(
        title="Verification",
        kind="flow solver",
        answer=summary(checks).capitalize() + ".",
        notice="",
        facts=(),
        sections=(Section("Checks", tables=(Table(_HEAD, tuple(map(cells, checks)), _ALIGN),)),),
        warnings=(),
        origin=Section("How this was made", (_made_with(versions), _READ)),
    )


_READ = (
    "Errors are relative; where zero is expected they are relative to the size of what should cancel or of the exact "
    "solution. Orders are fitted over meshes of three sizes, by their number of cells."
)


def _made_with(versions: dict[str, str]) -> str:
    return (
        "chipsim verify, with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    )


def _markdown(checks: Sequence[Check], versions: dict[str, str]) -> str:
    lines = ["# Verification", "", f"{summary(checks).capitalize()}. {_made_with(versions)}", "", _READ, ""]
    lines += ["| " + " | ".join(_HEAD) + " |"]
    lines += ["|" + "|".join("---" if a == "l" else "---:" for a in _ALIGN) + "|"]
    lines += ["| " + " | ".join(text.replace("|", "\\|") for text in cells(c)) + " |" for c in checks]
    return "\n".join(lines) + "\n"
