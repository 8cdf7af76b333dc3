"""The report of a spiral: its answer, its channel, the flow and its vortices, which way bodies go, and by which outlet."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from chipsim.capture.body_sizes import CLASSES
from chipsim.capture.spiral import PATHS, SpiralEntry
from chipsim.capture.spiral_paths import COUNT, paths
from chipsim.flow.spiral_result import SURE_DEAN
from chipsim.report import figures, shared_tables, spiral_tables
from chipsim.report.frame import Fact, Page, Picture, Section, provenance
from chipsim.report.spiral_maps import SectionView
from chipsim.report.spiral_tables import drive, solved_flow
from chipsim.report.units import duration, number, pascals, percent, percent_span, say, speed, volume
from geometries.drawing import draw

if TYPE_CHECKING:
    from chipsim.study.result import Result

_NAMED_SIZES = 3
_SHOWN = 6  # kinds whose ways are drawn
_BREAKAGE_WORTH_SAYING = 0.01


def page(result: Result) -> Page:
    """The report of a spiral."""
    shortfalls = result.comparison.shortfalls
    return Page(
        title=result.design.name,
        kind=f"Spiral, flow model {solved_flow(result).cell.model}",
        answer=answer(result),
        notice="",
        facts=_facts(result),
        sections=(
            _channel(result),
            _flow(result),
            _ways(result),
            _outlets(result),
            _comparison(result),
            _assumptions(result),
        ),
        warnings=tuple(w for w in result.warnings if w not in shortfalls),
        origin=_origin(result),
    )


# -- the answer -----------------------------------------------------------------------------------------------------------
def answer(result: Result) -> str:
    """What the spiral does, in one sentence made of numbers."""
    captured, operation = result.capture, result.design.operation
    parts = [f"At {drive(result)}, {_leave(result)} are predicted to leave by the {_kept(result)} outlet"]
    others = [
        f"{shared_tables.fate(e.outlets[_kept(result)])} of {_plural(e.cells)}"
        for e in captured.entries
        if e.cells not in captured.single_cell_carryover
    ]
    if captured.single_cell_carryover and others:
        parts[0] += f", and with them {_list(others)}"
    if clusters := _breaking(result):
        low, high = (f([e.intact.value for e in clusters if e.intact]) for f in (min, max))
        whole = percent(low) if percent(low) == percent(high) else f"{percent(low)} to {percent(high)}"
        ends = [e.intact.range for e in clusters if e.intact]
        span = percent_span((min(low for low, _ in ends), max(high for _, high in ends)))
        parts.append(f"{whole} of the clusters stay whole ({span} over what is known of junctions)")
    if captured.processing_time is not None:
        parts.append(f"{volume(operation.volume)} take {duration(captured.processing_time)}")
    return "; ".join(parts) + "."


def _kept(result: Result) -> str:
    return str(result.capture.setting.collect)


def _plural(cells: str) -> str:
    return cells + "s" * cells.endswith(("cell", "cyte"))


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _leave(result: Result) -> str:
    """Shares of each line of tumour cells, single and by size, that leave by the outlet that is kept; else of all that come."""
    captured, kept = result.capture, _kept(result)
    said = []
    for name in captured.single_cell_carryover:
        entries = sorted((e for e in captured.entries if e.cells == name), key=lambda e: e.n)
        clusters = [e for e in entries if e.n > 1][:_NAMED_SIZES]
        said += [
            f"{shared_tables.fate(e.outlets[kept])} of single cells of {name}" for e in entries if e.n == 1
        ]
        if clusters:
            shares = [shared_tables.fate(e.outlets[kept]) for e in clusters]
            shares = shares[:1] if len(set(shares)) == 1 else shares
            of = "its clusters" if len(clusters) < len(entries) else f"clusters of {name},"
            said.append(f"{_list(shares)} of {of} of {_list([str(e.n) for e in clusters])}")
    return _list(said) if said else _list(
        [f"{shared_tables.fate(e.outlets[kept])} of {_plural(e.cells)}" for e in captured.entries]
    )  # fmt: skip


def _breaking(result: Result) -> list[SpiralEntry]:
    """The clusters, where some are broken."""
    clusters = [e for e in result.capture.entries if e.n > 1 and e.broken is not None]
    broken = max((e.broken.value for e in clusters if e.broken), default=0.0)
    return clusters if broken > _BREAKAGE_WORTH_SAYING else []


def _facts(result: Result) -> tuple[Fact, ...]:
    operation, captured, flow = result.design.operation, result.capture, solved_flow(result)
    kept = _kept(result)
    facts = [
        Fact(
            f"{'single cells' if e.n == 1 else f'{e.n}-cell clusters'} by the {kept} outlet",
            percent(e.outlets[kept].value),
            f"{percent_span(e.outlets[kept].range)} over the assumptions",
        )
        for e in [e for e in captured.entries if e.cells in captured.single_cell_carryover][:2]
    ]
    facts += [
        Fact(
            "leukocytes by the same",
            shared_tables.fate(e.outlets[kept]),
            f"{percent_span(e.outlets[kept].range)} over the assumptions",
        )
        for e in captured.entries
        if e.cells == "leukocyte"
    ]
    facts += [
        Fact("enrichment over leukocytes", f"{number(times)}-fold", f"single {name}")
        for name, times in list(captured.enrichment.items())[:1]
        if times is not None
    ]
    numbers = flow.to_dict(operation)
    facts += [
        Fact("Dean number", number(numbers["dean"]), f"Reynolds number {number(numbers['reynolds'])}"),
        Fact("pressure drop", pascals(numbers["pressure_drop_pa"])),
        Fact(
            "wall shear stress, mean",
            pascals(flow.wall_shear_stress(operation)["mean"]),
            f"for {duration(numbers['residence_time_s'])}",
        ),
    ]
    if captured.processing_time is not None:
        facts.append(Fact(f"time for {volume(operation.volume)}", duration(captured.processing_time)))
    return tuple(facts)


# -- sections -------------------------------------------------------------------------------------------------------------
def _channel(result: Result) -> Section:
    spiral = solved_flow(result).spiral
    text = (
        "In a bend the liquid turns round across the channel: outward in the middle, back along floor and ceiling. Small bodies "
        "go round with it; large ones are held near the inner wall by inertial lift, and the outlets part the two."
    )
    caption = "The channel with its ports and dimensions."
    picture = Picture("drawing", draw(spiral), caption, wide=True, least=680)
    return Section("The spiral", (text,), (picture,), (spiral_tables.dimensions(spiral),))


def _flow(result: Result) -> Section:
    flow, operation = solved_flow(result), result.design.operation
    numbers = flow.to_dict(operation)
    dean = numbers["bends"]["dean"]
    text = (
        f"The liquid runs at {speed(flow.mean_speed(operation))} on average and turns round across the channel at "
        f"{speed(flow.secondary_speed(operation))}. Reynolds number {number(numbers['reynolds'])} and Dean number "
        f"{number(min(dean))} to {number(max(dean))} are far from Stokes flow, which would separate nothing; Navier-Stokes flow "
        f"is solved in the section at {len(dean)} bends. One steady pair of vortices is sure up to a Dean number of about "
        f"{SURE_DEAN:g}. The bend changes the pressure drop by {percent(abs(numbers['friction_ratio'] - 1))}."
    )
    view = SectionView(flow, operation)
    radius = flow.half_height / flow.middle.curvature
    captions = (
        f"The section to scale at a radius of {say(radius, 'mm')}, inner wall on the left. Above: speed along the channel; "
        "neighbouring streamlines of the vortices have an equal share between them. Below: speed and way of the secondary flow.",
        "How it changes from the entrance to the outlets.",
    )
    pictures = (
        Picture("section", figures.section_map(view, operation), captions[0], wide=True, least=560),
        Picture("along", figures.along_the_way(flow, operation), captions[1], wide=True, least=560),
    )
    return Section("How the liquid flows", (text,), pictures, (spiral_tables.flow(result),))


def _ways(result: Result) -> Section:
    captured, spiral = result.capture, solved_flow(result).spiral
    shown = [(e, paths(e.diameter, captured.setting)) for e in _some(captured.entries)]
    text = (
        "The secondary flow carries bodies across the channel, and inertial lift, which grows steeply with their size, pushes "
        "them to places of their own. They enter where the sample does, as often as the flow carries them there."
    )
    caption = (
        f"{COUNT} bodies of the median size of each kind, drawn to scale where they start (open) and arrive (filled). Left: in "
        "the section, inner wall on the left. Right: from the inner wall (0) to the outer one, along the channel. Dotted: where "
        "the sample's stream ends at the entrance; dashed: where the outlets part."
    )
    picture = Picture("ways", figures.ways(spiral, captured, shown), caption, wide=True, least=760)
    return Section("Which way bodies go", (text,), (picture,))


def _some(entries: tuple[SpiralEntry, ...]) -> list[SpiralEntry]:
    """From the smallest to the largest; where they are more than a figure bears, without those that are nearly as large."""
    ordered = sorted(entries, key=lambda e: e.diameter)
    while len(ordered) > _SHOWN:
        larger = [b.diameter / a.diameter for a, b in itertools.pairwise(ordered)]
        del ordered[1 + min(range(len(larger)), key=larger.__getitem__)]
    return ordered


def _outlets(result: Result) -> Section:
    captured, spiral = result.capture, solved_flow(result).spiral
    share = captured.setting.inner_share
    text = (
        f"The inner outlet takes {percent(share)} of the flow, which is what runs within "
        f"{number(captured.outlet_line * 1e6)} µm of the inner wall: bodies that arrive there leave by it. Shares come from "
        f"{PATHS} paths for each of {CLASSES} sizes; ranges are over the assumed parameters below, one changed at a time."
    )
    if any(e.n > 1 for e in captured.entries):
        text += (
            " A cluster breaks if the strongest shear on its way pulls two touching cells apart: the strength of junctions is "
            "hardly known, and so is what breaks."
        )
    caption = "Where bodies arrive across the channel, each kind up to the same height; dashed: where the outlets part."
    picture = Picture("arrivals", figures.arrivals(spiral, captured), caption, wide=True, least=600)
    tables = [
        spiral_tables.outlets(captured),
        spiral_tables.fates(captured),
        spiral_tables.harvest(result),
        shared_tables.margins(captured),
    ]
    return Section("What leaves by which outlet, what breaks", (text,), (picture,), tuple(tables))


def _comparison(result: Result) -> Section:
    compared = result.comparison
    text = (
        f"What {compared.beside.name} reports, beside what this design is predicted to do. Not all of the published device is "
        "confirmed, so this is no validation, and nothing is fitted to it."
    )
    return Section(
        "Beside the published measurements",
        (text,),
        tables=(spiral_tables.comparison(compared),),
        points=compared.shortfalls,
    )


def _assumptions(result: Result) -> Section:
    text = (
        "How each number of the cells and of the model is known. Where a value is varied, the ranges on this page contain what "
        "the variation does."
    )
    unused = ("tension", "tension_cv", "apparent_viscosity")
    return Section(
        "Assumptions",
        (text,),
        tables=(
            spiral_tables.model_assumptions(result),
            shared_tables.cell_assumptions(result, unused=unused),
        ),
    )


def _origin(result: Result) -> Section:
    cell, table = solved_flow(result).cell, result.capture.setting.table
    sizes = ", ".join(number(size.alpha) for size in table.sizes)
    balance = max(abs(n["power_balance"]) for n in cell.numbers)
    rows = [
        (
            "solver",
            f"{cell.method}, {cell.unknowns} unknowns, {cell.iterations} iterations, residual {number(cell.residual, 2)}",
        ),
        ("discrete divergence", number(cell.divergence_residual, 2)),
        ("power of the pressure against what is dissipated", f"differ by {number(balance, 2)}"),
        ("lift", f"table of the section, diameters over the height {sizes}"),
        ("paths", f"{PATHS} for each of {CLASSES} sizes of a kind"),
    ]
    if cell.field is not None:
        rows.insert(0, shared_tables.mesh_row(cell.field.mesh))
    return provenance(result, *rows)
