"""A design and a result on the terminal: drawing, tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rich.console import Console
from rich.table import Table

from chipsim.capture.pore_filter import PoreEntry
from chipsim.cells import FIXED
from chipsim.design import Design
from chipsim.flow.chip_result import WholeChip
from chipsim.report.openings import openings
from chipsim.report.units import brief, duration, flow_rate, number, pascals, percent, say, speed
from chipsim.study.result import Result
from geometries import ClusterChip, DesignError, Device
from geometries.mesh import UNIT
from geometries.pore_filter import PoreFilter
from geometries.quantities import show
from geometries.spiral import Spiral

_GLYPHS = np.array([[" ", "▄"], ["▀", "█"]])
_COLUMNS = 76
_PIXELS_OF_A_PORE = 4


def print_design(design: Design) -> None:
    """Print a piece of the device from above, its dimensions, the operation, and broken design rules."""
    console, device = Console(highlight=False), design.device
    view = VIEWS[device.kind]
    console.print(f"[bold]{design.name}[/bold] ({device.kind}); {view.seen}")
    for row in view.drawing(device):
        console.print(f"  {row}", markup=False)
    table = Table(show_header=False, box=None)
    for name, value in [*view.dimensions(device).items(), *_operation(design)]:
        table.add_row(name, value)
    console.print(table)
    problems = device.problems(design.limits)
    for problem in problems:
        console.print(f"[red]breaks a design rule:[/red] {problem}")
    if not problems:
        console.print("breaks no design rule")


def _operation(design: Design) -> list[tuple[str, str]]:
    """Rows: what drives the liquid, the liquid, the sample and what it carries."""
    liquid, operation = design.operation.liquid(), design.operation
    rows = [driven_by(design), ("fluid", f"{liquid.name}, {show(liquid.viscosity, 'mPa s')}")]
    if operation.sample_flow_rate is not None:
        rows.append(("kept", f"what leaves by the {operation.collect or 'inner'} outlet"))
    if operation.volume:
        rows.append(("volume", show(operation.volume, "mL")))
    if operation.rinse_time:
        rows.append(("rinse", duration(operation.rinse_time)))
    for carried in design.suspension:
        # Live is what cells are where nothing is said.
        state = (
            f", {carried.state}" if carried.state == FIXED or design.device.kind == PoreFilter.kind else ""
        )
        sizes = ", ".join(map(str, carried.sizes))
        text = f"{carried.cells.name}{state}, {sizes} cells, {show(carried.concentration, '1/mL')}"
        rows.append(("carried", text))
    return rows


def driven_by(design: Design) -> tuple[str, str]:
    """What drives the liquid, and how much of it."""
    operation = design.operation
    if operation.sample_flow_rate is not None:
        unit = VIEWS[design.device.kind].rate
        sheath = operation.sheath_flow_rate
        beside = f", sheath {show(sheath, unit)}" if sheath else ""
        return "sample", show(operation.sample_flow_rate, unit) + beside
    if operation.flow_rate is None:
        return "pressure", show(operation.pressure, "Pa" if operation.pressure < 1000.0 else "kPa")
    return "flow rate", show(operation.flow_rate, VIEWS[design.device.kind].rate)


def opening(device: Device) -> str:
    """What a body must pass, in a few words."""
    return VIEWS[device.kind].opening(device)


# -- Cluster-Chip ---------------------------------------------------------------------------------------------------------
def chip_dimensions(chip: ClusterChip) -> dict[str, str]:
    """Dimensions of a chip in the units people use, given and derived."""
    return {
        "gap": show(chip.gap, "um"),
        "daughter gap": show(chip.daughter_gap, "um"),
        "side before rounding": show(chip.side, "um"),
        "pillar, width x length": f"{show(chip.pillar_width, 'um')} x {show(chip.pillar_length, 'um')}",
        "apex angle": show(chip.apex_angle, "deg"),
        "fillet": show(chip.fillet, "um"),
        "depth": show(chip.depth, "um"),
        "lateral pitch": show(chip.lateral_pitch, "um", 5),
        "row pitch": show(chip.row_pitch, "um", 5),
        "paths x rows": f"{chip.paths} x {chip.rows}, in {chip.banks} banks",
        "bank, width x length": f"{show(chip.bank_width, 'mm')} x {show(chip.array_length, 'mm')}",
        "traps in all": f"{chip.paths * chip.rows}",
    }


def chip_drawing(chip: ClusterChip) -> list[str]:
    """A piece of the array in half-block characters, pillars filled."""
    outline = chip.block(2, 4)
    return _blocks(outline.fluid(), outline.frame.polygon().bounds)


def _blocks(fluid: Any, window: tuple[float, float, float, float]) -> list[str]:
    """A window (x0, y0, x1, y1) in half-block characters, filled where no fluid is."""
    x0, y0, x1, y1 = window
    step = (x1 - x0) / _COLUMNS
    lines = 2 * round((y1 - y0) / step / 2)
    x, y = np.meshgrid(
        x0 + (np.arange(_COLUMNS) + 0.5) * step, y1 - (np.arange(lines) + 0.5) * (y1 - y0) / lines
    )
    solid = ~shapely.contains_xy(fluid, x, y)
    return [
        "".join(_GLYPHS[a, b] for a, b in zip(top, low, strict=True))
        for top, low in zip(solid[::2].astype(int), solid[1::2].astype(int), strict=True)
    ]


def _chip_numbers(result: Result) -> list[str]:
    operation, flow = result.design.operation, result.flow
    viscosity = operation.viscosity
    stress = flow.wall_shear_stress(operation.flow_rate, viscosity)
    return [
        f"{show(flow.row_pressure_drop(operation.flow_rate, viscosity), 'Pa', 3)} a row, "
        f"{show(flow.mean_throat_speed(operation.flow_rate), 'um/s', 3)} in the daughter gaps, "
        f"wall shear stress {show(stress['p95'] or 0.0, 'Pa', 2)} (95th percentile)",
        *_whole_chip(result),
    ]


def _whole_chip(result: Result) -> list[str]:
    if not isinstance(result.whole, WholeChip):
        return []
    at, whole = (result.design.operation.flow_rate, result.design.operation.viscosity), result.whole
    return [
        f"whole chip: {show(whole.pressure_drop(*at), 'Pa', 3)} from port to port, of which manifolds and headers take "
        f"{show(whole.manifold_pressure_drop(*at), 'Pa', 3)}; the flow of the paths differs by {percent(whole.flow_spread)}"
    ]


def _chip_fates(result: Result) -> Table:
    table = Table("cells", "n", "retained", "passed", "broken", "half pushed through at", box=None)
    for entry in result.capture.entries:
        half = entry.half_push_through_flow_rate
        table.add_row(
            entry.cells, str(entry.n), f"{entry.retained.value:.3f}", f"{entry.passed.value:.3f}", f"{entry.broken.value:.3f}",
            show(half, "mL/h", 3) if half else "-",
        )  # fmt: skip
    return table


# -- pore filter ----------------------------------------------------------------------------------------------------------
def filter_dimensions(membrane: PoreFilter) -> dict[str, str]:
    """Dimensions of a membrane, and how the pores of its spot lie."""
    pores, tolerance = membrane.statistics(), membrane.tolerance
    spread = (
        f"CV {tolerance:.3g}" if isinstance(tolerance, float) else "{:+.0%} to {:+.0%}".format(*tolerance)
    )
    x, y = membrane.pitches
    lattice = "" if membrane.placement == "poisson" else f", pitches {show(x, 'um')} and {show(y, 'um')}"
    return {
        "pores": filter_opening(membrane),
        "spread of their size": spread,
        "density": show(membrane.density, "1/cm^2", 6),
        "placement": membrane.placement + lattice,
        "thickness": show(membrane.thickness, "um"),
        "tilt": f"up to {show(membrane.tilt, 'deg')}" if membrane.tilt else "none",
        "spot": show(membrane.spot_diameter, "mm"),
        "pores in the spot": str(pores.count),
        "alone, in doublets, in larger groups": ", ".join(
            percent(share)
            for share in (pores.isolated, pores.in_doublets, pores.in_triplets + pores.in_larger)
        ),
        "open area": percent(pores.coverage),
    }


def filter_opening(membrane: PoreFilter) -> str:
    """Size and shape of the pores."""
    x, y = membrane.opening
    size = show(x, "um") if x == y else f"{x / UNIT:.4g} x {show(y, 'um')}"
    return f"{size}, {membrane.pore}"


def filter_drawing(membrane: PoreFilter) -> list[str]:
    """A piece of the membrane in half-block characters, pores left out."""
    half = _COLUMNS / _PIXELS_OF_A_PORE * membrane.size / UNIT / 2
    shown = openings(membrane, half)
    return _blocks(
        shapely.union_all(shown.shapes), (-shown.half, -shown.half / 2, shown.half, shown.half / 2)
    )


def _filter_numbers(result: Result) -> list[str]:
    operation, flow, captured = result.design.operation, result.flow, result.capture
    history, low_high = captured.history, captured.leukocyte_load_range
    time = duration(history.filtration_time) if history.complete else "never: it blocks"
    through = f"{show(operation.volume, 'mL')} through in {time}"
    lines = [
        f"clean: {say(flow.pressure(operation), 'Pa', 4)}, {flow_rate(flow.flow_rate(operation))}, Reynolds number "
        f"{flow.reynolds(operation):.2g}, wall shear stress in the bores {say(flow.bore_wall_shear_stress(operation), 'Pa')} "
        f"for {brief(flow.residence_time(operation))}",
        f"{through}; {percent(float(history.blocked[history.filtered]))} blocked at the end, "
        f"{captured.leukocyte_load:.3g} leukocytes on the spot ({low_high[0]:.3g} to {low_high[1]:.3g})",
    ]
    if captured.purity is not None and captured.single_cell_carryover:
        lines.append(f"purity {percent(captured.purity)}")
    return lines


def _filter_fates(result: Result) -> Table:
    table = Table(
        "cells",
        "n",
        "held",
        "retained",
        "range",
        "passed",
        "broken ≤",
        "transit",
        box=None,
        padding=(0, 1, 0, 0),
    )
    for entry in result.capture.entries:
        table.add_row(*_filter_fate(entry))
    return table


def _filter_fate(entry: PoreEntry) -> list[str]:
    low, high = entry.retained.range
    bound = entry.broken_upper_bound
    return [
        f"{entry.cells}, {entry.state}", str(entry.n), f"{entry.held.value:.3f}", f"{entry.retained.value:.3f}",
        f"{low:.3f} to {high:.3f}", f"{entry.passed.value:.3f}", f"{bound.value:.3f}" if bound else "-",
        brief(entry.transit_time) if entry.transit_time else "free",
    ]  # fmt: skip


# -- spiral ---------------------------------------------------------------------------------------------------------------
def spiral_dimensions(spiral: Spiral) -> dict[str, str]:
    """Dimensions of a spiral, given and derived."""
    pitch, wall = show(spiral.pitch, "um"), show(spiral.wall, "um")
    walls = f", walls of {wall} between the windings" if np.isfinite(spiral.wall) else ""
    found = {
        "section, width x height": spiral_opening(spiral),
        "hydraulic diameter": show(spiral.hydraulic_diameter, "um"),
        "radius": f"{show(spiral.inner_radius, 'mm')} to {show(spiral.outer_radius, 'mm')}",
        "length": show(spiral.length, "mm"),
        "turns": f"{spiral.turns:.4g}, the flow runs {spiral.direction}",
        "pitch": pitch + walls,
    }
    for what, names in (("inlet", spiral.inlets), ("outlet", spiral.outlets)):
        widths = getattr(spiral, f"{what}_widths")
        for name, width in zip(names, widths, strict=True):
            found[name.replace("_", ", ")] = show(width, "um")
    x, y = (show(v, "mm") for v in spiral.footprint)
    return found | {"footprint with the branches": f"{x} x {y}"}


def spiral_opening(spiral: Spiral) -> str:
    """Width and height of the channel."""
    low, high = (height / UNIT for height in spiral.heights)
    height = show(spiral.heights[0], "um") if low == high else f"{low:.4g} to {show(spiral.heights[1], 'um')}"
    return f"{spiral.width / UNIT:.4g} x {height}"


def spiral_drawing(spiral: Spiral) -> list[str]:
    """The whole channel in half-block characters, filled."""
    channel = spiral.channel().frame.polygon(1.0)
    x0, y0, x1, y1 = channel.bounds
    # A winding must be as wide as a character, or it breaks up.
    step = (x1 - x0) / _COLUMNS
    seen = channel.buffer(max(0.0, (1.2 * step - spiral.width / UNIT) / 2))
    return _blocks(shapely.box(x0 - step, y0 - step, x1 + step, y1 + step) - seen, channel.bounds)


def _spiral_numbers(result: Result) -> list[str]:
    operation, flow, captured = result.design.operation, result.flow, result.capture
    numbers, stress = flow.to_dict(operation), flow.wall_shear_stress(operation)
    lines = [
        f"{speed(flow.mean_speed(operation))} along the channel, {speed(flow.secondary_speed(operation))} across it (means), "
        f"Reynolds number {numbers['reynolds']:.3g}, Dean number {numbers['dean']:.3g}, pressure drop "
        f"{pascals(flow.pressure_drop(operation))}, wall shear stress {pascals(stress['mean'])} (mean)",
        f"the outlets part {show(captured.outlet_line, 'um', 3)} from the inner wall; by the {captured.setting.collect} one "
        f"leave {captured.wbc_carryover_per_ml:.3g} leukocytes of each mL",
    ]
    if captured.processing_time:
        lines[-1] += f"; {show(operation.volume, 'mL')} take {duration(captured.processing_time)}"
    lines += [
        f"single cells of {name} are enriched {number(times)}-fold over leukocytes"
        for name, times in captured.enrichment.items()
        if times is not None
    ]
    return lines


def _spiral_fates(result: Result) -> Table:
    table = Table(
        "cells", "n", "diameter", "inner", "outer", "from inner wall", "retained", "passed", "broken", "shear",
        box=None, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for e in result.capture.entries:
        known = "" if e.extrapolated == 0 else " *"
        table.add_row(
            e.cells, str(e.n), show(e.diameter, "um", 3) + known, f"{e.outlets['inner'].value:.3f}",
            f"{e.outlets['outer'].value:.3f}", show(e.position["p50"], "um", 3), f"{e.retained.value:.3f}",
            f"{e.passed.value:.3f}", f"{e.broken.value:.3f}" if e.broken else "-", show(e.peak_shear, "Pa", 2),
        )  # fmt: skip
    if any(e.extrapolated for e in result.capture.entries):
        table.caption = "* beyond the table of lift"
    return table


# -- all ------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class View:
    """How a kind of device is shown on the terminal.

    Attributes:
        seen: How the drawing is seen, in words.
        rate: The unit that people give its flow rate in.
        opening: What a body must pass, in a few words.
        drawing: A piece of it in characters.
        dimensions: Dimensions, given and derived, by name.
        numbers: The main numbers of a result, a line each.
        fates: What becomes of each kind of bodies.
    """

    seen: str
    rate: str
    opening: Callable[[Any], str]
    drawing: Callable[[Any], list[str]]
    dimensions: Callable[[Any], dict[str, str]]
    numbers: Callable[[Result], list[str]]
    fates: Callable[[Result], Table]


VIEWS = {
    ClusterChip.kind: View(
        "flow from left to right, apex upstream",
        "mL/h",
        lambda chip: f"{show(chip.gap, 'um')} gap",
        chip_drawing,
        chip_dimensions,
        _chip_numbers,
        _chip_fates,
    ),
    PoreFilter.kind: View(
        "a piece of the membrane from above",
        "mL/min",
        filter_opening,
        filter_drawing,
        filter_dimensions,
        _filter_numbers,
        _filter_fates,
    ),
    Spiral.kind: View(
        "the channel from above, filled",
        "uL/min",
        lambda spiral: f"{spiral_opening(spiral)} channel",
        spiral_drawing,
        spiral_dimensions,
        _spiral_numbers,
        _spiral_fates,
    ),
}


def print_result(result: Result) -> None:
    """Print the main numbers of a run; the report has the rest."""
    console, view = Console(highlight=False), VIEWS[result.design.device.kind]
    for line in view.numbers(result):
        console.print(line)
    if error := result.flow.cell.discretisation_error:
        console.print(
            f"estimated discretisation error: {percent(error.pressure_drop)} of the pressure drop, "
            f"{percent(error.mean_wall_shear)} of the mean wall shear"
        )
    console.print(view.fates(result))
    for warning in result.warnings:
        console.print(f"[yellow]note:[/yellow] {warning}")


def write_drawing(device: Device, path: Path) -> None:
    """Write the dimensioned drawing to a picture file.

    Raises:
        DesignError: The format is unknown or the file cannot be written.
    """
    from geometries.drawing import draw

    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise DesignError(f"--picture {path} must end in .png, .svg or .pdf")
    try:
        draw(device).savefig(path, dpi=200)
    except OSError as error:
        raise DesignError(f"{path} cannot be written: {error.strerror}") from None
