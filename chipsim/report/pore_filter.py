"""The report of a pore filter: its answer, its membrane, the flow through a pore, and what stays for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipsim.capture.pore_cautions import CALIBRATED, PREDICTED
from chipsim.capture.pore_published import RECOVERY
from chipsim.cells import FIXED
from chipsim.report import figures, pore_tables, shared_tables
from chipsim.report.frame import Fact, Page, Picture, Section, provenance
from chipsim.report.pore_maps import PATCH, PorePlane
from chipsim.report.pore_tables import solved_flow
from chipsim.report.units import (
    brief,
    duration,
    flow_rate,
    number,
    pascals,
    percent,
    percent_span,
    say,
    speed,
    volume,
)
from geometries.drawing import PICTURES, draw

if TYPE_CHECKING:
    from chipsim.capture.pore_filter import PoreEntry
    from chipsim.study.result import Result

_NAMED_SIZES = 3
_BOUND_WORTH_SAYING = 0.01


def page(result: Result) -> Page:
    """The report of a pore filter."""
    shortfalls = result.comparison.shortfalls
    return Page(
        title=result.design.name,
        kind=f"Pore filter, flow model {solved_flow(result).cell.model}",
        answer=answer(result),
        notice="",
        facts=_facts(result),
        sections=(
            _membrane(result),
            _flow(result),
            _shares(result),
            _capture(result),
            _over_time(result),
            _comparison(result),
            _assumptions(result),
        ),
        warnings=tuple(w for w in result.warnings if w not in shortfalls),
        origin=_origin(result),
    )


# -- the answer -----------------------------------------------------------------------------------------------------------
def answer(result: Result) -> str:
    """What the membrane does, in one sentence made of numbers."""
    captured, history = result.capture, result.capture.history
    parts = [f"At {drive(result)} this membrane is predicted to hold {_held(result)}"]
    through, wanted = volume(float(history.volume[-1])), volume(result.design.operation.volume)
    if history.complete:
        parts.append(
            f"{wanted} take {duration(history.filtration_time)}, at whose end {_blocked(result)} of the membrane is blocked"
        )
    else:
        parts.append(f"it blocks after {through} of {wanted}")
    if captured.single_cell_carryover:
        parts.append(f"{number(captured.leukocyte_load)} leukocytes stay on the spot")
    if captured.purity is not None and captured.single_cell_carryover:
        parts[-1] += f", so that {percent(captured.purity)} of the nucleated cells kept are tumour cells"
    return "; ".join(parts) + "."


def drive(result: Result) -> str:
    """What pushes, with the other that follows over the clean membrane."""
    operation, flow = result.design.operation, solved_flow(result)
    pressure, rate = pascals(flow.pressure(operation)), flow_rate(flow.flow_rate(operation))
    return f"{pressure} (clean: {rate})" if operation.flow_rate is None else f"{rate} (clean: {pressure})"


def _held(result: Result) -> str:
    """What stays of each kind of tumour cells in each state: single cells, then clusters by size."""
    kinds: dict[tuple[str, str], list[PoreEntry]] = {}
    for e in result.capture.entries:
        if e.cells in result.capture.single_cell_carryover:
            kinds.setdefault((e.cells, e.state), []).append(e)
    if not kinds:
        return f"{number(result.capture.wbc_carryover_per_ml)} leukocytes of each mL of blood"
    return "; ".join(_held_of(f"{state} {cells}", entries) for (cells, state), entries in kinds.items())


def _held_of(name: str, entries: list[PoreEntry]) -> str:
    ordered = sorted(entries, key=lambda e: e.n)
    singles, clusters = [e for e in ordered if e.n == 1], [e for e in ordered if e.n > 1][:_NAMED_SIZES]
    said = [f"{percent(e.held.value)} of single {name}" for e in singles]
    if clusters:
        shares = _list(list(dict.fromkeys(percent(e.held.value) for e in clusters)))
        said.append(
            f"{shares} of {'their' if singles else name} clusters of {_list([str(e.n) for e in clusters])}"
        )
        bound = max((e.broken_upper_bound.value for e in clusters if e.broken_upper_bound), default=0.0)
        if bound > _BOUND_WORTH_SAYING:
            said[-1] += f" (of which up to {number(100 * bound)} % may break)"
    return " and ".join(said)


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _blocked(result: Result) -> str:
    history = result.capture.history
    return percent(float(history.blocked[history.filtered]))


def _facts(result: Result) -> tuple[Fact, ...]:
    operation, captured, flow = result.design.operation, result.capture, solved_flow(result)
    facts = [
        Fact(
            f"single {e.state} {e.cells} held" if e.n == 1 else f"{e.state} {e.n}-cell clusters held",
            percent(e.held.value),
            f"{percent_span(e.held.range)} over the assumptions",
        )
        for e in captured.entries[:1]
        if e.cells in captured.single_cell_carryover
    ]
    history = captured.history
    facts += [
        Fact(
            f"time for {volume(operation.volume)}",
            duration(history.filtration_time) if history.complete else "it blocks",
            pore_tables.filtration_times(captured),
        ),
        Fact("blocked at the end", _blocked(result), "of the spot's conductance"),
        Fact(
            "leukocytes on the spot",
            number(captured.leukocyte_load),
            pore_tables.span_of(captured.leukocyte_load_range),
        ),
        Fact("flow rate, clean", flow_rate(flow.flow_rate(operation)))
        if operation.flow_rate is None
        else Fact("pressure, clean", pascals(flow.pressure(operation))),
        Fact(
            "wall shear stress in the bore",
            pascals(flow.bore_wall_shear_stress(operation)),
            f"for {brief(flow.residence_time(operation))}, clean pore",
        ),
    ]
    if captured.purity is not None and captured.single_cell_carryover:
        facts.append(Fact("purity", percent(captured.purity), "tumour cells among the nucleated cells kept"))
    return tuple(facts)


# -- sections -------------------------------------------------------------------------------------------------------------
def _membrane(result: Result) -> Section:
    membrane = solved_flow(result).membrane
    pictures = []
    if membrane.kind in PICTURES:
        caption = "The membrane with its dimensions."
        pictures.append(Picture("drawing", draw(membrane), caption, wide=True, least=680))
    caption = "A piece of the upstream face, with the shares of all pores of the spot; pores that overlap are one opening."
    if membrane.tilt:
        caption += " Thin lines: where the slanted tracks come out below."
    pictures.append(Picture("membrane", figures.membrane_plan(membrane), caption))
    text = (
        "A cell that is wider than its pore must be pushed through, and a cluster must pass in single file. What stays is what "
        "the pressure cannot push, or has not yet pushed through when the filtration ends."
    )
    return Section(
        "The membrane",
        (text,),
        tuple(pictures),
        (pore_tables.dimensions(membrane), pore_tables.pores(membrane)),
    )


def _flow(result: Result) -> Section:
    flow, operation = solved_flow(result), result.design.operation
    solved, formula = (operation.viscosity * r for r in (flow.cell.resistance, flow.cell.formula))
    text = (
        f"Over the clean membrane {pascals(flow.pressure(operation))} push {flow_rate(flow.flow_rate(operation))} through "
        f"{len(flow.membrane.pores().x)} pores, {say(flow.pore_flow_rate(operation), 'nL/s')} through a nominal one at a mean "
        f"speed of {speed(flow.mean_speed(operation))}. What was solved resists {say(solved, 'Pa s/m³', 4)}, the "
        f"formula gives {say(formula, 'Pa s/m³', 4)}. In the Stokes flow solved here pressure and stresses are "
        f"proportional to viscosity times flow rate; at a Reynolds number of {number(flow.reynolds(operation), 2)} inertia "
        f"takes an estimated {percent(flow.inertial_loss(operation))} of the pressure."
    )
    return Section("How the liquid flows", (text,), _maps(result), (pore_tables.flow(result),))


def _maps(result: Result) -> tuple[Picture, ...]:
    flow, operation = solved_flow(result), result.design.operation
    if flow.cell.model == PATCH:
        caption = "Speed through the membrane in the middle of the bores of the solved patch, clean."
        return (Picture("patch", figures.patch_map(flow, operation), caption, wide=True),)
    plane = PorePlane(flow, operation)
    where = "in the plane through the middle of a nominal pore of the clean membrane"
    shares = "" if flow.cell.model == "3d" else " Between neighbouring streamlines flows an equal share."
    captions = (
        f"Speed {where}, at most {speed(pore_tables.peak_speed(result))}.{shares}",
        f"Pressure {where}: from {pascals(flow.pressure(operation))} to none.",
    )
    return tuple(
        Picture(quantity, figures.pore_map(plane, operation, quantity=quantity), caption)
        for quantity, caption in zip(("speed", "pressure"), captions, strict=True)
    )


def _shares(result: Result) -> Section:
    flow = solved_flow(result)
    shares = flow.flow_shares()
    text = (
        f"Resistance goes with the inverse fourth power of a long pore's size, so that sizes spread the flow: one pore in "
        f"twenty carries less than {number(shares['p5'])} of the mean, one in twenty more than {number(shares['p95'])}, and the "
        f"busiest tenth {percent(shares['busiest_tenth'])} of all. Pores that overlap carry more than each alone: no wall holds "
        "the liquid up amid their opening."
    )
    caption = "Flow of each pore of the clean spot over the mean: the solved resistance, scaled to each size by the formula."
    pictures = [Picture("flow-shares", figures.flow_shares(flow), caption)]
    if flow.cell.openings is not None:
        caption = "Share of each opening of the solved patch in its flow, beside the one by formula."
        pictures.append(Picture("openings", figures.opening_flows(flow), caption))
    return Section("Which pores carry how much", (text,), tuple(pictures))


def _capture(result: Result) -> Section:
    captured = result.capture
    setting, entries = captured.setting, captured.entries
    alone = max(e.threshold_alone for e in entries)
    rest = "; what stays beyond that does so for want of time" if alone < 1 else ""
    text = (
        f"Cells come uniformly with the volume, to pores in proportion to their flow. By its Laplace threshold alone the clean "
        f"membrane's {pascals(setting.pressure)} would hold at most {percent(alone)} of any kind{rest}. "
        f"Fractions come from {setting.samples} bodies of each kind; ranges are over the assumed "
        "parameters below, one changed at a time."
    )
    breaks = ""
    if any(e.broken_upper_bound for e in entries):
        breaks = (
            " Of live clusters the bar is what is retained whole if the junction carries all of the force on the plugged pore, "
            "the worst that can be; the dot if none breaks."
        )
    if any(e.state == FIXED and e.n > 1 for e in entries):
        breaks += " What breaks of fixed clusters is not known."
    rinse = "; after the dashed line the rinse" if result.design.operation.rinse_time else ""
    captions = (
        f"What stays on the membrane.{breaks}",
        f"Blocked share of the spot's conductance, pressure and flow rate over the filtration{rinse}.",
    )
    pictures = (
        Picture("retained", figures.retained_by_kind(captured), captions[0], wide=True, least=640),
        Picture("filtration", figures.filtration_history(captured), captions[1], wide=True),
    )
    tables = [pore_tables.entries(captured), pore_tables.plugs(captured), pore_tables.harvest(result)]
    if captured.margins:
        tables.append(shared_tables.margins(captured))
    return Section("What stays, what passes, what breaks", (text,), pictures, tuple(tables))


def _over_time(result: Result) -> Section:
    compared = result.comparison
    point = next(p for p in compared.points if p.key == "8 um")
    found = "the model never comes to that share"
    if point.predicted is not None:
        span = (
            f" ({' to '.join(duration(t) for t in point.range)} over the band of the apparent viscosity)"
            if point.range
            else ""
        )
        found = f"the model comes to that share after {duration(point.predicted)} at 10 mbar{span}"
    text = (
        f"A live cell slips through in time, so that recovery depends on how long it is filtered. Published is more than "
        f"{percent(RECOVERY)} on 8 µm track-etched pores, without the time; {found}."
    )
    time = result.capture.history.filtration_time
    figure = figures.recovery_over_time(compared, filtration_time=time)
    caption = (
        "Held single cells over the filtration time, by clean membranes at constant pressure; bands: the apparent viscosity "
        "halved and doubled. Red: the published recovery, and where the curve of the published membrane crosses it. As the "
        "run's own pores block, its filtration takes longer than a clean one would."
    )
    return Section(
        "Recovery over the filtration time",
        (text,),
        (Picture("recovery", figure, caption, wide=True, least=640),),
    )


def _comparison(result: Result) -> Section:
    text = (
        "These are the published membranes, whatever this run's is. The apparent viscosity and what fixation does are calibrated "
        "on one published value each; no other number is fitted."
    )
    compared = result.comparison
    return Section(
        "Beside the published measurements",
        (text,),
        tables=(pore_tables.comparison(compared),),
        points=compared.shortfalls,
    )


def _assumptions(result: Result) -> Section:
    text = (
        f"Calibrated: {'; '.join(CALIBRATED)}.",
        f"Predicted: {'; '.join(PREDICTED)}.",
        "How each number of the cells and of the model is known. Where a value is varied, the ranges on this page contain what "
        "the variation does.",
    )
    tables = pore_tables.model_assumptions(result), shared_tables.cell_assumptions(result)
    return Section("Assumptions", text, tables=tables)


def _origin(result: Result) -> Section:
    cell, setting = solved_flow(result).cell, result.capture.setting
    rows = [
        (
            "solver",
            f"{cell.method}, {cell.unknowns} unknowns, {cell.iterations} iterations, residual {number(cell.residual, 2)}",
        ),
        ("discrete divergence", number(cell.divergence_residual, 2)),
        ("flow in against flow out", f"differ by {number(cell.flux_error, 2)}"),
        ("bodies drawn", f"{setting.samples} for each fraction, {setting.range_samples} for each variation"),
        ("seed of the pores", str(solved_flow(result).membrane.seed)),
    ]
    if cell.field is not None:
        rows.insert(0, shared_tables.mesh_row(cell.field.mesh))
    return provenance(result, *rows)
