"""The tables of a pore filter's report, each from the result alone, in the units people use."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from chipsim.capture.plugs import variations
from chipsim.capture.pore_filter import PoreCapture, PoreEntry
from chipsim.capture.pore_published import Point, PoreComparison
from chipsim.cells import FIXED
from chipsim.cells.cell_line import STATUS
from chipsim.flow.pore_result import PoreFlow
from chipsim.report.frame import Table, pairs
from chipsim.report.shared_tables import concentrations, fate, interval
from chipsim.report.units import (
    NONE,
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
from geometries.pore_filter import PoreFilter

if TYPE_CHECKING:
    from chipsim.study.result import Result


def solved_flow(result: Result) -> PoreFlow:
    """The flow of a pore filter's result."""
    assert isinstance(result.flow, PoreFlow)
    return result.flow


def dimensions(membrane: PoreFilter) -> Table:
    """Dimensions as given, and what follows from them."""
    along, across = (say(side, "µm", 4) for side in membrane.opening)
    size = f"{along} in diameter" if membrane.pore == "round" else f"{along} by {across}"
    x, y = membrane.pitches
    places = (
        "at random"
        if membrane.placement == "poisson"
        else f"{membrane.placement} lattice, pitches {say(x, 'µm')}, {say(y, 'µm')}"
    )
    rows = [
        ("pores", f"{membrane.pore}, {size}"),
        ("spread of their size", spread(membrane)),
        ("density", say(membrane.density, "/cm²")),
        ("placement", places),
        ("thickness", say(membrane.thickness, "µm", 4)),
        ("tilt of the tracks", f"up to {say(membrane.tilt, '°')}" if membrane.tilt else "none"),
        (
            "spot",
            f"{say(membrane.spot_diameter, 'mm', 4)} in diameter, {number(membrane.spot_area * 1e4)} cm²",
        ),
    ]
    return pairs(rows, "Dimensions")


def spread(membrane: PoreFilter) -> str:
    """The tolerance in words."""
    if isinstance(membrane.tolerance, tuple):
        low, high = (f"{'+' * (limit > 0)}{number(100 * limit)} %" for limit in membrane.tolerance)
        return f"{low} to {high}, all alike likely"
    return f"CV {number(100 * membrane.tolerance)} %" if membrane.tolerance else "none"


def pores(membrane: PoreFilter) -> Table:
    """How the pores of the spot lie."""
    found = membrane.statistics()
    rows = [
        ("pores in the spot", str(found.count)),
        ("alone", percent(found.isolated)),
        ("in doublets", percent(found.in_doublets)),
        ("in triplets", percent(found.in_triplets)),
        ("in larger groups", percent(found.in_larger)),
        ("in pairs that overlap on both faces", percent(found.through_doublets)),
        ("openings for each pore", number(found.groups_per_pore)),
        ("open area, upstream face", percent(found.coverage)),
    ]
    return pairs(rows, "The pores of the spot, by its seed; shares of all pores")


def flow(result: Result) -> Table:
    """Drive, resistances and what the liquid does in a nominal pore of the clean membrane."""
    solved, operation = solved_flow(result), result.design.operation
    liquid, viscosity = operation.liquid(), operation.viscosity
    cell, pore = solved.cell, solved.pore_resistance(viscosity)
    off = 100 * (cell.formula / cell.resistance - 1)
    shares = solved.flow_shares()
    rows = [
        ("pressure over the membrane", pascals(solved.pressure(operation), 4)),
        ("flow rate of the clean spot", flow_rate(solved.flow_rate(operation), 4)),
        ("viscosity", f"{say(viscosity, 'mPa s', 4)} ({liquid.name}: {liquid.source})"),
        ("resistance of a nominal pore alone", say(pore, "Pa s/m³", 5)),
        (f"resistance of what was solved ({cell.model})", say(viscosity * cell.resistance, "Pa s/m³", 5)),
        ("the same by formula", f"{say(viscosity * cell.formula, 'Pa s/m³', 5)} ({number(off, 2)} % off)"),
        ("resistance of the spot", say(solved.spot_resistance(viscosity), "Pa s/m³", 4)),
        ("flow through a nominal pore", say(solved.pore_flow_rate(operation), "nL/s")),
        ("mean speed in its bore, largest", f"{speed(solved.mean_speed(operation))}, {speed(peak_speed(result))}"),
        ("residence time in its bore", brief(solved.residence_time(operation))),
        ("Reynolds number", number(solved.reynolds(operation), 3)),
        ("wall shear stress in its bore", pascals(solved.bore_wall_shear_stress(operation))),
        (
            "pressure that inertia takes, estimated",
            f"{percent(solved.inertial_loss(operation))}, which leaves {number(solved.flow_with_inertia(operation))} of the flow",
        ),
        (
            "flow of a pore over the mean: 5 %, half, 95 % are below",
            ", ".join(number(shares[key]) for key in ("p5", "p50", "p95")),
        ),
        ("flow of the busiest tenth of the pores", percent(shares["busiest_tenth"])),
    ]  # fmt: skip
    if error := solved.cell.discretisation_error:
        drop, stress = percent(error.pressure_drop), percent(error.mean_wall_shear)
        estimated = f"{drop} of the pressure drop, {stress} of the mean wall shear"
        rows.append(("discretisation error, estimated", estimated))
    return pairs(rows, "Flow over the clean membrane")


def peak_speed(result: Result) -> float:
    """Largest speed in a nominal pore, m/s."""
    return float(solved_flow(result).to_dict(result.design.operation)["peak_speed_m_per_s"])


def entries(captured: PoreCapture) -> Table:
    """The fate of every kind of body."""
    head = (
        "cells", "state", "n", "retained", "95 % interval", "range over assumptions", "passed", "broken", "held",
        "broken at most",
    )  # fmt: skip
    rows = tuple(
        (
            e.cells, e.state, str(e.n), percent(e.retained.value), interval(e.retained.ci95), percent_span(e.retained.range),
            percent(e.passed.value), fate(e.broken) if e.broken else "unknown", percent(e.held.value),
            percent(e.broken_upper_bound.value) if e.broken_upper_bound else NONE,
        )
        for e in captured.entries
    )  # fmt: skip
    caption = (
        "Fate by kind and number of cells; blood's own cells are always in the list. Held: stays, whole or not; retained: stays "
        "whole, where all of the force on the plugged pore pulls at a live junction"
    )
    return Table(head, rows, "llrrrrrrrr", caption)


def plugs(captured: PoreCapture) -> Table:
    """What holds a body at its pore, and for how long."""
    head = (
        "cells",
        "state",
        "n",
        "threshold",
        "held by threshold alone",
        "transit",
        "covers two pores",
        "junction load",
    )
    rows = tuple(
        (
            e.cells, e.state, str(e.n), pascals(e.threshold) if e.threshold else NONE, percent(e.threshold_alone), transit(e),
            percent(e.spanning) if e.n > 1 else NONE, say(e.junction_load, "nN"),
        )
        for e in captured.entries
    )  # fmt: skip
    return Table(
        head,
        rows,
        "llrrrrrr",
        "At the pores of the clean membrane, at its pressure; threshold, transit and load are medians",
    )


def transit(entry: PoreEntry) -> str:
    """The median transit; of bodies that mostly pass freely, that they do."""
    return brief(entry.transit_time) if entry.transit_time > 0 else "passes freely"


def harvest(result: Result) -> Table:
    """Time, blocked share, leukocytes, purity."""
    captured, operation = result.capture, result.design.operation
    history = captured.history
    carried_over = span_of(captured.wbc_carryover_per_ml_range)
    time = duration(history.filtration_time) if history.complete else "it blocks"
    rows = [
        ("filtration time", f"{time}, for {volume(operation.volume)} ({filtration_times(captured)})"),
        ("filtered", volume(float(history.volume[-1]))),
        ("rinse", duration(operation.rinse_time) if operation.rinse_time else "none"),
        ("blocked when the sample is through", f"{percent(float(history.blocked[history.filtered]))} of the conductance"),
        ("leukocytes on the spot", f"{number(captured.leukocyte_load)} ({span_of(captured.leukocyte_load_range)})"),
        ("leukocytes kept of a mL of blood", f"{number(captured.wbc_carryover_per_ml)} ({carried_over})"),
    ]  # fmt: skip
    if captured.purity is not None:
        text = f"{percent(captured.purity)} of the nucleated cells retained are tumour cells (a cluster of n counts as n)"
        rows.append(("purity", text))
    return pairs([*rows, *concentrations(result)], "Harvest")


def filtration_times(captured: PoreCapture) -> str:
    """The range of the filtration time; it has no end where the membrane blocks under an assumption."""
    low, high = captured.filtration_time_range
    if low is None:
        return "whatever is assumed"
    return f"{duration(low)} to {'never' if high is None else duration(high)} over the assumptions"


def span_of(span: tuple[float, float]) -> str:
    """A range over the assumptions."""
    low, high = map(number, span)
    return "whatever is assumed" if low == high else f"{low} to {high} over the assumptions"


_VERDICTS = {True: "agrees", False: "does not agree"}


def comparison(compared: PoreComparison) -> Table:
    """The model beside what was published."""
    rows = tuple(
        (p.name, value(p, p.predicted), f"{value(p, p.range[0])} to {value(p, p.range[1])}" if p.range else NONE,
         p.published, _verdict(p), p.source)
        for p in compared.points
    )  # fmt: skip
    head = ("", "by the model", "viscosity ×½ to ×2", "published", "verdict", "source")
    return Table(head, rows, "lrrlll")


def _verdict(point: Point) -> str:
    if point.within is None:
        return "calibrated on it" if point.role == "calibrated" else "cannot be said"
    return _VERDICTS[point.within]


def value(point: Point, number_of_it: float | None) -> str:
    """One of its numbers: a time, or a ratio."""
    if point.unit == "s" and number_of_it is not None:
        return brief(number_of_it)
    return number(number_of_it)


#: What the model's own assumptions are, and how they are written.
_MODEL = {
    "viscosity_factor": "apparent viscosity of all cells, over the calibrated one",
    "fixation": "threshold and apparent viscosity of fixed cells, over those of live ones",
    "diameter_cv": "CV of diameter, where it is not the cell line's own",
    "tension_cv": "CV of tension, where it is not the cell line's own",
}
_KNOWN = {"viscosity_factor": "calibrated", "fixation": "calibrated"}


def model_assumptions(result: Result) -> Table:
    """Assumptions of the capture model with what they are varied over."""
    assumed = result.capture.setting.assumed
    others = [asdict(a) for a in variations(assumed, any(e.state == FIXED for e in result.capture.entries))]
    rows = []
    for name, text in _MODEL.items():
        own = getattr(assumed, name)
        varied = ", ".join(number(other[name]) for other in others if other[name] != own)
        rows.append(
            (
                text,
                "of each line" if own is None else number(own),
                STATUS[_KNOWN.get(name, "assumed")],
                varied or NONE,
            )
        )
    return Table(("of the model", "value", "status", "varied to"), tuple(rows), "lrll", "The capture model")
