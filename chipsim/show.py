"""A design and a result on the terminal: drawing, tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from chipsim.design import Design
from chipsim.report.units import percent
from chipsim.study.result import Result
from geometries import ClusterChip, DesignError, Device
from geometries.quantities import show


def print_design(design: Design) -> None:
    """Print a piece of the array from above, the dimensions, the operation, and broken design rules."""
    console, device = Console(highlight=False), design.device
    assert isinstance(device, ClusterChip)
    console.print(f"[bold]{design.name}[/bold] ({device.kind}); flow from left to right, apex upstream")
    for row in terminal_drawing(device):
        console.print(f"  {row}", markup=False)
    table = Table(show_header=False, box=None)
    for name, value in dimensions(device).items():
        table.add_row(name, value)
    liquid, operation = design.operation.liquid(), design.operation
    table.add_row("flow rate", show(operation.flow_rate, "mL/h"))
    table.add_row("fluid", f"{liquid.name}, {show(liquid.viscosity, 'mPa s')}")
    if operation.volume:
        table.add_row("volume", show(operation.volume, "mL"))
    for carried in design.suspension:
        table.add_row(
            "carried",
            f"{carried.cells.name}, {', '.join(map(str, carried.sizes))} cells, {show(carried.concentration, '1/mL')}",
        )
    console.print(table)
    problems = device.problems(design.limits)
    for problem in problems:
        console.print(f"[red]breaks a design rule:[/red] {problem}")
    if not problems:
        console.print("breaks no design rule")


def dimensions(chip: ClusterChip) -> dict[str, str]:
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


def terminal_drawing(chip: ClusterChip, columns: int = 76) -> list[str]:
    """A piece of the array in half-block characters, pillars filled."""
    import shapely

    outline = chip.block(2, 4)
    x0, y0, x1, y1 = outline.frame.polygon().bounds
    step = (x1 - x0) / columns
    lines = 2 * round((y1 - y0) / step / 2)
    fluid = outline.fluid()
    x, y = np.meshgrid(
        x0 + (np.arange(columns) + 0.5) * step, y1 - (np.arange(lines) + 0.5) * (y1 - y0) / lines
    )
    solid = ~shapely.contains_xy(fluid, x, y)
    glyphs = np.array([[" ", "▄"], ["▀", "█"]])
    return [
        "".join(glyphs[a, b] for a, b in zip(top, low, strict=True))
        for top, low in zip(solid[::2].astype(int), solid[1::2].astype(int), strict=True)
    ]


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


def print_result(result: Result) -> None:
    """Print the main numbers of a run; the report has the rest."""
    console, operation, flow = Console(highlight=False), result.design.operation, result.flow
    viscosity = operation.viscosity
    stress = flow.wall_shear_stress(operation.flow_rate, viscosity)
    console.print(
        f"{show(flow.row_pressure_drop(operation.flow_rate, viscosity), 'Pa', 3)} a row, "
        f"{show(flow.mean_throat_speed(operation.flow_rate), 'um/s', 3)} in the daughter gaps, "
        f"wall shear stress {show(stress['p95'] or 0.0, 'Pa', 2)} (95th percentile)"
    )
    if error := flow.cell.discretisation_error:
        console.print(
            f"estimated discretisation error: {percent(error.pressure_drop)} of the pressure drop, "
            f"{percent(error.mean_wall_shear)} of the mean wall shear"
        )
    table = Table("cells", "n", "retained", "passed", "broken", "half pushed through at", box=None)
    for entry in result.capture.entries:
        half = entry.half_push_through_flow_rate
        table.add_row(
            entry.cells, str(entry.n), f"{entry.retained.value:.3f}", f"{entry.passed.value:.3f}", f"{entry.broken.value:.3f}",
            show(half, "mL/h", 3) if half else "-",
        )  # fmt: skip
    console.print(table)
    for warning in result.warnings:
        console.print(f"[yellow]note:[/yellow] {warning}")
