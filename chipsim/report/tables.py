"""The tables of a Cluster-Chip's report, each from the result alone, in the units people use."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from chipsim.capture import Comparison
from chipsim.capture.assumptions import WEAK_JUNCTION, variations
from chipsim.capture.cluster_chip import TrapCapture, TrapEntry
from chipsim.capture.entries import BACKGROUND
from chipsim.capture.published import Point
from chipsim.cells.cell_line import STATUS
from chipsim.flow.chip_result import WholeChip
from chipsim.report.frame import Table, pairs
from chipsim.report.shared_tables import all_lines, concentrations, fate, interval
from chipsim.report.units import NONE, duration, number, pascals, percent, percent_span, say
from geometries.cluster_chip import ClusterChip
from geometries.mesh import UNIT

if TYPE_CHECKING:
    from chipsim.study.result import Result

#: Has no cortical tension in the model: it passes.
RED_CELL = BACKGROUND[1]


def dimensions(chip: ClusterChip) -> Table:
    """Dimensions that the drawing has no room for, given and derived."""
    rows = [
        ("gap, daughter gap", f"{say(chip.gap, 'µm', 4)}, {say(chip.daughter_gap, 'µm', 4)}"),
        ("pillar: side before rounding, apex angle, fillet",
         f"{say(chip.side, 'µm', 4)}, {say(chip.apex_angle, '°', 4)}, {say(chip.fillet, 'µm')}"),
        ("pillar: width, length", f"{say(chip.pillar_width, 'µm', 4)}, {say(chip.pillar_length, 'µm', 4)}"),
        ("pitch across, along", f"{say(chip.lateral_pitch, 'µm', 5)}, {say(chip.row_pitch, 'µm', 5)}"),
        ("depth", say(chip.depth, "µm", 4)),
        ("paths, rows, banks", f"{chip.paths}, {chip.rows}, {chip.banks} ({chip.paths * chip.rows} traps)"),
        ("bank: width, length", f"{say(chip.bank_width, 'mm')}, {say(chip.array_length, 'mm')}"),
    ]  # fmt: skip
    return pairs(rows, "Dimensions")


def flow(result: Result) -> Table:
    """Flow rate, viscosity, pressures and speeds."""
    solved, operation, setting = result.flow, result.design.operation, result.capture.setting
    at = operation.flow_rate, setting.viscosity
    liquid = operation.liquid()
    rows = [
        ("flow rate", say(operation.flow_rate, "mL/h", 4)),
        ("viscosity", f"{say(setting.viscosity, 'mPa s', 4)} ({liquid.name}: {liquid.source})"),
        ("pressure drop of a row", pascals(solved.row_pressure_drop(*at))),
        ("pressure drop over the array", pascals(solved.array_pressure_drop(*at))),
        (
            "pressure across a plugged throat",
            f"{pascals(setting.pressure())}, {number(solved.plug_factor, 4)} times that of a row",
        ),
        ("mean speed in the daughter gaps", say(solved.mean_throat_speed(operation.flow_rate), "µm/s")),
        ("peak speed", say(solved.peak_speed(operation.flow_rate), "µm/s")),
        (
            "resistance of a row, over viscosity and flow per path and depth",
            say(solved.row_resistance, "1/µm²", 4),
        ),
        (
            "hydraulic resistance of the array",
            say(solved.hydraulic_resistance(setting.viscosity), "Pa/(mL/h)"),
        ),
    ]
    if error := solved.cell.discretisation_error:
        drop, stress = percent(error.pressure_drop), percent(error.mean_wall_shear)
        estimated = f"{drop} of the pressure drop, {stress} of the mean wall shear"
        rows.append(("discretisation error, estimated", estimated))
    return pairs(rows, "Flow")


def whole_chip(result: Result, whole: WholeChip) -> Table:
    """Pressures and dimensions of the whole chip."""
    at, plan = (result.design.operation.flow_rate, result.capture.setting.viscosity), whole.plan
    feeds = [neck for feed in plan.feeds for neck in feed.necks]
    ports = ", ".join(
        f"{name} at {number(x * UNIT / 1e-3, 5)}, {number(y * UNIT / 1e-3, 5)} mm"
        for name, (x, y) in plan.ports.items()
    )
    rows = [
        ("largest less smallest flow of a path, over the mean", percent(whole.flow_spread)),
        ("pressure drop from port to port", pascals(whole.pressure_drop(*at))),
        ("of which manifolds, headers and necks", pascals(whole.manifold_pressure_drop(*at))),
        ("wall shear in the narrowest neck", pascals(whole.neck_shear_stress(*at))),
        ("manifolds", f"{say(plan.taper.mouth, 'mm')} to {say(plan.taper.end, 'mm')} wide"),
        (
            "headers, necks",
            f"{say(plan.header, 'mm')}, {say(min(feeds), 'mm')} to {say(max(feeds), 'mm')} wide",
        ),
        ("posts", f"{plan.posts().count} of {say(plan.taper.posts.diameter, 'mm')}"),
        ("channels", " x ".join(say(v, "mm") for v in whole.footprint)),
        ("ports, from the lower left corner", ports),
    ]
    return pairs(rows, "The whole chip")


def shear(result: Result) -> Table:
    """Wall shear on the pillars."""
    at = result.design.operation.flow_rate, result.capture.setting.viscosity
    stress, rate = result.flow.wall_shear_stress(*at), result.flow.wall_shear_rate(at[0])
    names = {
        "p50": "median",
        "p95": "95th percentile",
        "mean": "mean",
        "max": "largest",
        "patch_max": "largest mean over a patch of a cell's size",
    }
    rows = tuple(
        (name, pascals(stress[key]), say(stress[key], "dyn/cm²"), say(rate[key], "1/s"))
        for key, name in names.items()
    )
    head = ("on the pillars' walls", "shear stress", "the same", "shear rate")
    return Table(head, rows, "lrrr", "Wall shear")


def entries(captured: TrapCapture) -> Table:
    """The fate of every kind of body."""
    weak = say(WEAK_JUNCTION, "nN")
    head = (
        "cells", "n", "retained", "95 % interval", "range over assumptions", "passed", "broken", f"broken, junctions of {weak}",
        "half pushed through at", "junction load", "tension",
    )  # fmt: skip
    rows = tuple(
        (
            e.cells, str(e.n), percent(e.retained.value), interval(e.retained.ci95), percent_span(e.retained.range),
            percent(e.passed.value), fate(e.broken), fate(e.weak.broken) if e.weak else NONE,
            say(e.half_push_through_flow_rate, "mL/h"), say(e.junction_load, "nN"), _tension(e),
        )
        for e in captured.entries
    )  # fmt: skip
    return Table(
        head,
        rows,
        "lrrrrrrrrrl",
        "Fate by kind and number of cells; blood's own cells are always in the list",
    )


def _tension(entry: TrapEntry) -> str:
    if entry.cells == RED_CELL:
        return NONE
    return "calibrated" if entry.calibrated else "uncalibrated"


def harvest(result: Result) -> Table:
    """Time, carry-over, purity."""
    captured, operation = result.capture, result.design.operation
    low, high = (number(x) for x in captured.wbc_carryover_per_ml_range)
    leukocytes = f"{number(captured.wbc_carryover_per_ml)} /mL ({low} to {high} over the assumptions)"
    shear = pascals(captured.setting.wall_shear)
    rows = [("leukocytes carried over", leukocytes)]
    if operation.volume:
        time = f"{duration(captured.processing_time)} for {say(operation.volume, 'mL')}"
        rows.insert(0, ("processing time", time))
    if captured.purity is not None:
        purity = f"{percent(captured.purity)} of the nucleated cells kept are tumour cells (a cluster of n counts as n)"
        rows.append(("purity", purity))
    rows += [
        (f"single cells kept, {name}", percent(kept)) for name, kept in captured.single_cell_carryover.items()
    ]
    rows.append(
        (
            "membrane shear",
            f"{shear}, the wall's 95th percentile: held bodies are not yet resolved in the flow",
        )
    )
    return pairs([*rows, *concentrations(result)], "Harvest")


_VERDICTS = {"qualitative": "as published", "predicted": "met"}


def comparison(compared: Comparison) -> Table:
    """Prediction beside publication, with the verdict."""
    names = list(compared.baselines)
    head = (
        "",
        "predicted",
        "95 % interval",
        "range",
        "published",
        "accepted",
        *(f"baseline: {n}" for n in names),
        "verdict",
    )
    rows = tuple(
        (
            p.name, percent(p.predicted), interval(p.ci95), percent_span(p.range), percent(p.published),
            NONE if p.role == "beside" or not compared.is_published_chip else percent_span(p.accepted),
            *(percent(p.baselines[n]) if n in p.baselines else NONE for n in names), _verdict(p, compared),
        )
        for p in compared.points
    )  # fmt: skip
    return Table(head, rows, "lrrrrr" + "r" * len(names) + "l")


def sources(compared: Comparison) -> Table:
    """Where the published values come from."""
    by_source: dict[str, list[str]] = {}
    for point in compared.points:
        by_source.setdefault(point.source, []).append(point.name)
    return pairs(
        [("; ".join(names), source) for source, names in by_source.items()], "Sources of the published values"
    )


def _verdict(point: Point, compared: Comparison) -> str:
    if not compared.is_published_chip:
        return "another chip or operation"
    if point.role == "beside":
        return "no value of its own published"
    if point.role == "calibrated":
        return "calibrated on it" if point.within else "calibrated on it, not met"
    return _VERDICTS[point.role] if point.within else "not met"


#: What the model's own assumptions are, and how they are written.
_MODEL = {
    "asymmetry": "spread of the force on a straddling cluster that does not cancel",
    "planar_base": "share of clusters of n cells that are one cell thick is this to the power n - 3",
    "diameter_cv": "CV of diameter, where it is not the cell line's own",
    "tension_cv": "CV of tension, where it is not the cell line's own",
    "encounters": "tips that a cluster meets",
    "viscosity_factor": "viscosity here and in the calibration, over the nominal one",
}


def encounters(captured: TrapCapture) -> int:
    """How many tips a cluster meets: one a row, unless assumed otherwise."""
    return captured.setting.assumed.encounters or captured.setting.trap.rows


def model_assumptions(result: Result) -> Table:
    """Assumptions of the capture model with what they are varied over."""
    setting = result.capture.setting
    varied = _varied(result)
    values = asdict(setting.assumed) | {"encounters": encounters(result.capture)}
    rows = []
    for name, text in _MODEL.items():
        value = values[name]
        status = (
            "given: one for each row"
            if name == "encounters" and setting.assumed.encounters is None
            else STATUS["assumed"]
        )
        if value is not None or varied.get(name):
            rows.append(
                (text, "of each line" if value is None else number(value), status, varied.get(name, NONE))
            )
    return Table(("of the model", "value", "status", "varied to"), tuple(rows), "lrll", "The capture model")


def _varied(result: Result) -> dict[str, str]:
    """The values that each assumption is changed to, for the lines of the suspension."""
    setting = result.capture.setting
    found: dict[str, list[float]] = {}
    for cells in all_lines(result):
        for other in variations(cells, setting.assumed, setting.trap.rows):
            for name, value in asdict(other).items():
                if value != getattr(setting.assumed, name) and value not in found.setdefault(name, []):
                    found[name].append(value)
    return {name: ", ".join(number(v) for v in values) for name, values in found.items()}
