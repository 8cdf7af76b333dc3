"""Tables, and parts of tables, that the reports of all devices have."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from chipsim.capture import Capture, Fraction
from chipsim.cells import FIXED, CellLine, line
from chipsim.cells.cell_line import STATUS
from chipsim.report.frame import Table
from chipsim.report.units import NONE, number, percent, percent_span, say
from geometries.mesh import Mesh

if TYPE_CHECKING:
    from chipsim.study.result import Result


def interval(ci95: tuple[float, float] | None) -> str:
    """The 95 % interval; a dash where the fraction was integrated, not sampled."""
    return percent_span(ci95) if ci95 and ci95[0] < ci95[1] else NONE


def fate(fate: Fraction) -> str:
    """A fraction; where none was drawn that broke, what it is below with 95 % confidence."""
    return f"< {percent(fate.ci95[1])}" if fate.value == 0 < fate.ci95[1] else percent(fate.value)


def margins(captured: Capture) -> Table:
    """Loads beside the strengths known."""
    rows = []
    for margin in captured.margins:
        unit = "nN" if margin.what == "junction load" else "Pa"
        scale = 1e9 if unit == "nN" else 1.0
        rows.append(
            (
                margin.what,
                f"{number(margin.here * scale)} {unit}",
                f"{number(margin.known * scale)} {unit}",
                f"1/{number(1 / margin.ratio, 2)}" if margin.ratio < 1 else number(margin.ratio, 2),
                margin.meaning,
            )
        )
    head = ("largest", "here", "known", "here over known", "what is known")
    return Table(head, tuple(rows), "lrrrl", "How gentle: loads beside what is known to part or harm cells")


def concentrations(result: Result) -> list[tuple[str, str]]:
    """Rows: how many bodies of each entry of the suspension there are."""
    return [
        (
            f"concentration of {carried.cells.name}{', fixed' if carried.state == FIXED else ''}, all its sizes together",
            say(carried.concentration, "/mL"),
        )
        for carried in result.design.suspension
    ]


def mesh_row(mesh: Mesh) -> tuple[str, str]:
    """What was solved on."""
    size = f"{len(mesh.cells)} second-order cells, {len(mesh.points)} nodes"
    return "mesh", f"{size}, worst shape {number(mesh.quality, 2)}"


_OF_RED_CELLS = ("diameter", "volume", "apparent_viscosity", "concentration")
_CELL_FIELDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "diameter": ("diameter", lambda v: say(v, "µm")),
    "diameter_cv": ("CV of diameter", number),
    "tension": ("cortical tension", lambda v: say(v, "pN/µm")),
    "tension_cv": ("CV of tension", number),
    "junction_strength": ("junction strength", lambda v: say(v, "nN")),
    "junction_cv": ("CV of junction strength", number),
    "apparent_viscosity": ("apparent viscosity, alive", lambda v: say(v, "Pa s")),
    "volume": ("volume", lambda v: say(v, "fL")),
    "concentration": ("concentration in blood", lambda v: say(v, "/mL")),
    "parts": ("mixture of", lambda v: ", ".join(f"{part.name} {percent(share)}" for share, part in v)),
}


def cell_assumptions(result: Result, unused: Collection[str] = ()) -> Table:
    """Every number of the cells with its status and source, but for those that the device's model does not use."""
    rows = []
    for cells in all_lines(result):
        for part in [cells, *(p for _, p in cells.parts)]:
            for origin in part.provenance:
                if origin.field not in unused and _matters(part, origin.field):
                    name, write = _CELL_FIELDS[origin.field]
                    value = getattr(part, origin.field, None)
                    rows.append(
                        (
                            part.name,
                            name,
                            NONE if value is None else write(value),
                            STATUS[origin.status],
                            origin.source,
                        )
                    )
    return Table(
        ("cells", "number", "value", "status", "source"), tuple(dict.fromkeys(rows)), "lllll", "The cells"
    )


def _matters(cells: CellLine, name: str) -> bool:
    """Blood's own cells come one by one; red cells have no threshold."""
    if cells.kind != "tumour" and name.startswith("junction"):
        return False
    return not (cells.kind == "red cell" and name not in _OF_RED_CELLS)


def all_lines(result: Result) -> list[CellLine]:
    """The lines of the suspension, then those of blood."""
    own = {carried.cells.name: carried.cells for carried in result.design.suspension}
    return [
        *own.values(),
        *(line(name) for name in dict.fromkeys(e.cells for e in result.capture.entries) if name not in own),
    ]
