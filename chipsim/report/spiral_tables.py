"""The tables of a spiral's report, each from the result alone, in the units people use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipsim.capture.spiral import SpiralCapture, SpiralEntry
from chipsim.capture.spiral_published import SpiralComparison
from chipsim.capture.spiral_setting import VARIED
from chipsim.cells.cell_line import STATUS
from chipsim.flow.spiral_result import SpiralFlow
from chipsim.report.frame import Table, pairs
from chipsim.report.shared_tables import concentrations, fate, interval
from chipsim.report.units import (
    NONE,
    SCALES,
    duration,
    number,
    pascals,
    percent,
    percent_span,
    say,
    speed,
    volume,
)
from geometries.spiral import Spiral

if TYPE_CHECKING:
    from chipsim.study.result import Result


def solved_flow(result: Result) -> SpiralFlow:
    """The flow of a spiral's result."""
    assert isinstance(result.flow, SpiralFlow)
    return result.flow


def dimensions(spiral: Spiral) -> Table:
    """Dimensions as given, and what follows from them."""
    inner, outer = (say(height, "µm", 4) for height in spiral.heights)
    high = inner if spiral.height is not None else f"{inner} at the inner wall, {outer} at the outer one"
    rows = [
        ("section", f"{say(spiral.width, 'µm', 4)} wide, {high} high"),
        ("hydraulic diameter", say(spiral.hydraulic_diameter, "µm", 4)),
        ("radius", f"{say(spiral.inner_radius, 'mm', 4)} to {say(spiral.outer_radius, 'mm', 4)}"),
        ("length", f"{say(spiral.length, 'mm', 4)} in {number(spiral.turns, 4)} turns, the flow runs {spiral.direction}"),
        ("pitch", say(spiral.pitch, "mm", 4)),
    ]  # fmt: skip
    if (wall := spiral.derived()["spiral"]["wall_m"]) is not None:
        rows.append(("walls between the windings", say(wall, "µm", 4)))
    for what, names in (("inlet", spiral.inlets), ("outlet", spiral.outlets)):
        widths = [say(width, "µm", 4) for width in getattr(spiral, f"{what}_widths")]
        said = [
            f"{name.removeprefix(what).strip('_')} {width}" for name, width in zip(names, widths, strict=True)
        ]
        rows.append((what + "s" * (len(said) > 1), ", ".join(s.strip() for s in said)))
    x, y = (say(v, "mm", 4) for v in spiral.footprint)
    return pairs([*rows, ("footprint with the branches", f"{x} by {y}")], "Dimensions")


def drive(result: Result) -> str:
    """What is pumped in."""
    operation = result.design.operation
    unit = "µL/min" if operation.sample_flow_rate < SCALES["mL/min"] else "mL/min"
    sample = f"{say(operation.sample_flow_rate, unit)} of sample"
    if not operation.sheath_flow_rate:
        return sample
    return f"{sample} beside {say(operation.sheath_flow_rate, unit)} of sheath"


def flow(result: Result) -> Table:
    """Drive, numbers of the flow, what it costs in pressure and shear."""
    solved, operation = solved_flow(result), result.design.operation
    liquid, numbers = operation.liquid(), solved.to_dict(operation)
    stress = solved.wall_shear_stress(operation)
    dean = numbers["bends"]["dean"]
    peak = solved.middle.peak_speed * solved.mean_speed(operation)
    at = solved.spiral.width / 2 + solved.middle.axial_maximum * solved.half_height
    rows = [
        ("pumped in", drive(result)),
        ("viscosity", f"{say(operation.viscosity, 'mPa s', 4)} ({liquid.name}: {liquid.source})"),
        ("speed along the channel, mean, largest", f"{speed(solved.mean_speed(operation))}, {speed(peak)}"),
        ("place of the largest", f"{say(at, 'µm')} from the inner wall"),
        ("secondary flow, mean over the section", speed(solved.secondary_speed(operation))),
        ("Reynolds number", number(numbers["reynolds"])),
        ("Dean number", f"{number(numbers['dean'])}; along the channel {number(min(dean))} to {number(max(dean))}"),
        ("pressure drop over that of a straight channel", number(numbers["friction_ratio"], 6)),
        ("pressure drop", pascals(numbers["pressure_drop_pa"], 4)),
        ("wall shear stress, mean, largest", f"{pascals(stress['mean'])}, {pascals(stress['max'])}"),
        ("residence time", duration(numbers["residence_time_s"])),
    ]  # fmt: skip
    if error := solved.cell.discretisation_error:
        drop, shear = percent(error.pressure_drop), percent(error.mean_wall_shear)
        rows.append(
            (
                "discretisation error, estimated",
                f"{drop} of the pressure drop, {shear} of the mean wall shear",
            )
        )
    return pairs(rows, "Flow; where it changes along the channel, in the middle of the bends")


def outlets(captured: SpiralCapture) -> Table:
    """By which outlet each kind leaves, and where across."""
    head = (
        "cells", "n", "diameter", "inner outlet", "95 % interval", "range over assumptions", "outer outlet",
        "from inner wall: median, 5–95 %",
    )  # fmt: skip
    rows = tuple(
        (
            e.cells, str(e.n), size(e), fate(e.outlets["inner"]), interval(e.outlets["inner"].ci95),
            percent_span(e.outlets["inner"].range), fate(e.outlets["outer"]), _place(e),
        )
        for e in captured.entries
    )  # fmt: skip
    caption = "Outlets by kind and number of cells; the diameter is the median of the largest one"
    if any(e.extrapolated for e in captured.entries):
        caption += "; *: so much of them is beyond the table of lift, and their range is what the room in the section allows"
    return Table(head, rows, "lrrrrrrr", caption)


def size(entry: SpiralEntry) -> str:
    """Its diameter; with a mark where the table of lift does not reach."""
    beyond = f" * {percent(entry.extrapolated)}" if entry.extrapolated else ""
    return say(entry.diameter, "µm") + beyond


def _place(entry: SpiralEntry) -> str:
    p5, p50, p95 = (number(entry.position[key] * 1e6) for key in ("p5", "p50", "p95"))
    return f"{p50}, {p5}–{p95} µm"


def fates(captured: SpiralCapture) -> Table:
    """What is retained, passes and breaks, and the shear that decides it."""
    head = (
        "cells", "n", "retained", "95 % interval", "range over assumptions", "passed", "broken", "intact", "peak shear",
        "junction load",
    )  # fmt: skip
    rows = tuple(
        (
            e.cells, str(e.n), fate(e.retained), interval(e.retained.ci95), percent_span(e.retained.range), fate(e.passed),
            "unknown" if e.broken is None else fate(e.broken), "unknown" if e.intact is None else percent(e.intact.value),
            pascals(e.peak_shear), say(e.junction_load, "nN"),
        )
        for e in captured.entries
    )  # fmt: skip
    caption = (
        f"Fate: retained leave whole by the {captured.setting.collect} outlet, passed whole by the other; peak shear is the "
        "median of the largest on the way"
    )
    return Table(head, rows, "lrrrrrrrrr", caption)


def harvest(result: Result) -> Table:
    """Time, carry-over, enrichment, purity."""
    captured, operation = result.capture, result.design.operation
    low, high = (number(x) for x in captured.wbc_carryover_per_ml_range)
    of = "blood" if operation.liquid().blood_fraction else "sample"
    rows = [
        (
            f"leukocytes kept of a mL of {of}",
            f"{number(captured.wbc_carryover_per_ml)} ({low} to {high} over the assumptions)",
        )
    ]
    if captured.processing_time is not None:
        rows.insert(
            0, ("processing time", f"{duration(captured.processing_time)} for {volume(operation.volume)}")
        )
    rows += [
        (f"enrichment of single {name} over leukocytes", NONE if times is None else f"{number(times)}-fold")
        for name, times in captured.enrichment.items()
    ]  # fmt: skip
    if captured.purity is not None and captured.single_cell_carryover:
        text = f"{percent(captured.purity)} of the nucleated cells retained are tumour cells (a cluster of n counts as n)"
        rows.append(("purity", text))
    lines = (("sample enters", captured.sample_line), ("outlets part", captured.outlet_line))
    rows += [(name, f"{say(line, 'µm')} from the inner wall") for name, line in lines]
    rows.append(("flow that leaves by the inner outlet", percent(captured.setting.inner_share)))
    return pairs([*rows, *concentrations(result)], "Harvest")


def comparison(compared: SpiralComparison) -> Table:
    """The model beside what was published."""
    rows = tuple((p.name, percent(p.predicted), p.published, p.source) for p in compared.points)
    return Table(("", "by the model", "published", "source"), rows, "lrll")


#: What the model's own assumptions are, and the unit in which they are written.
_MODEL = {
    "lift_factor": ("multiple of the computed lift", 1.0),
    "diameter_cv": ("CV of diameter, where that of the line is assumed", 1.0),
    "junction_strength": ("strength of junctions, where that of the line is assumed, nN", 1e9),
}
_FIXED = (
    "a body is a sphere of its largest diameter",
    "it starts where the flow of the sample carries it in",
    "outlets of one length and height, at one pressure",
    "sample and sheath have one viscosity and density",
    "a junction carries the pull of the strongest free shear on the way",
)


def model_assumptions(result: Result) -> Table:
    """Assumptions of the capture model with what they are varied over."""
    assumed = result.capture.setting.assumed
    rows = []
    for name, (text, unit) in _MODEL.items():
        own = getattr(assumed, name)
        varied = ", ".join(number(value * unit) for value in VARIED[name])
        rows.append((text, "of each line" if own is None else number(own * unit), STATUS["assumed"], varied))
    rows += [(text, NONE, STATUS["assumed"], NONE) for text in _FIXED]
    return Table(("of the model", "value", "status", "varied to"), tuple(rows), "lrll", "The capture model")
