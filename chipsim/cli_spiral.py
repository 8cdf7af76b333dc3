"""The commands that are for spirals alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from chipsim.cli_options import DesignArgument, LiftTableOption, RefineOption, SetOption, progress_shown
from chipsim.design import find_design, load_design
from geometries import DesignError

if TYPE_CHECKING:
    from chipsim.flow.focusing import FocusingPoint
    from geometries.spiral import Spiral


def section(
    design: DesignArgument,
    dean_k: Annotated[
        float | None,
        typer.Option(
            "--dean-k",
            help="K = eps (rho V X / mu)^2 of the pressure gradient, V the straight duct's peak speed.",
        ),
    ] = None,
    dean: Annotated[
        float | None,
        typer.Option("--dean", help="Instead of K: the Dean number Re (D_h / 2 R)^1/2 of the flow rate."),
    ] = None,
    eps: Annotated[
        float | None,
        typer.Option(
            "--eps", help="Half the height over the radius of the bend; default: the design's middle bend."
        ),
    ] = None,
    set_: SetOption = None,
    refine: RefineOption = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Solve the flow in one section of a spiral, without units: friction, axial maximum, secondary flow."""
    from chipsim.study.section import section_flow

    device = load_design(find_design(design), set_ or ()).device
    with progress_shown() as progress:
        flow = section_flow(
            device,
            dean_k=dean_k,
            dean=dean,
            eps=eps,
            refine=1.0 if refine is None else refine,
            progress=progress,
        )
    if json_:
        typer.echo(json.dumps(flow.to_dict(), indent=2, allow_nan=False))
    else:
        Console(highlight=False).print(_table(flow))


def _table(flow: Any) -> Table:
    """The numbers in the terms of the field; U is the mean speed, X half the height."""
    rows: dict[str, float | None] = {
        "K": flow.dean_k,
        "eps, half-height over radius of the bend": flow.curvature,
        "Dean number, Re (D_h / 2 R)^1/2": flow.dean,
        "Reynolds number": flow.reynolds,
        "friction over that of the straight duct": flow.friction_ratio,
        "axial maximum over mean speed": flow.peak_speed,
        "its place, half-heights outward": flow.axial_maximum,
        "secondary flow, mean over eps (rho U X / mu) U": flow.secondary_mean,
        "secondary flow, largest over the same": flow.secondary_max,
        "power balance, dissipated over put in less 1": flow.power_balance,
    }
    if flow.discretisation_error:
        rows["estimated discretisation error of the pressure gradient"] = (
            flow.discretisation_error.pressure_drop
        )
    table = Table(show_header=False, box=None)
    for name, value in rows.items():
        table.add_row(name, "-" if value is None else f"{value:.5g}")
    return table


def lift(
    design: DesignArgument,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated diameters over the (mean) height; default: 0.03,0.075,0.14,0.28,0.4."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File; default: where chipsim run finds it.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many solve at once; default: one for each core.")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Make the table of lift of a spiral's section; a run that was stopped goes on where it was."""
    from chipsim.capture.spiral_setting import section_shape
    from chipsim.flow.lift_table import ALPHAS, found_table
    from chipsim.study.lift_tables import kept_table_path, make_table
    from geometries.files import require_writable

    shape = section_shape(_spiral(design, set_))
    there = found_table(shape.aspect, shape.taper)
    if there and output is None and sizes is None:
        typer.echo(f"there is a table of this section: {there}")
        return
    file = output or kept_table_path(shape)
    require_writable(file.parent)
    with progress_shown() as progress:
        table = make_table(
            shape, ALPHAS if sizes is None else _sizes(sizes), processes=processes, progress=progress
        )
        table.write(file)
    typer.echo(f"wrote {file}")


def _sizes(text: str) -> list[float]:
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise DesignError(
            f'--sizes "{text}" are not numbers; write them as in --sizes 0.05,0.1,0.2,0.4'
        ) from None
    if len(found) < 2 or not 0.01 <= found[0] <= found[-1] < 1:
        raise DesignError(
            f'--sizes "{text}": a table has at least two different sizes, diameters over the height from 0.01 to below 1'
        )
    return found


def equilibria(
    design: DesignArgument,
    alpha: Annotated[float, typer.Option("--alpha", help="Diameter of the sphere over the (mean) height.")],
    rbar: Annotated[
        float | None,
        typer.Option("--rbar", help="Twice the bend's radius over the height; default: the middle bend's."),
    ] = None,
    superposed: Annotated[
        bool,
        typer.Option("--superposed", help="Lift of the straight duct, as if the bend did not change it."),
    ] = False,
    lift_table: LiftTableOption = None,
    set_: SetOption = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Say where in the section of a bend a sphere stays, and whether it comes back there."""
    from chipsim.study.equilibria import equilibria as compute

    device = _spiral(design, set_)
    with progress_shown() as progress:
        found = compute(device, alpha, rbar, superposed=superposed, table=lift_table, progress=progress)
    if json_:
        typer.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    console = Console(highlight=False)
    console.print(
        f"alpha = {found.alpha:g}, Rbar = {found.rbar:.4g}, lift of the {'bent' if found.bent else 'straight'} duct"
    )
    console.print(_places(found.points, device))
    for warning in found.warnings:
        console.print(f"note: {warning}")
    if not any(point.stable for point in found.points):
        console.print("a sphere of this size stays nowhere: it goes round with the secondary flow")


def _places(points: tuple[FocusingPoint, ...], device: Spiral) -> Table:
    """The places, in half-heights from the middle and in um from the inner wall."""
    table = Table(box=None)
    for name in ("", "across", "height", "from the inner wall", "off mid-height"):
        table.add_column(name, justify="right" if name else "left")
    for p in points:
        inner = (p.x * device.half_height + device.width / 2) * 1e6
        off = f"{'±' if p.z > 1e-9 else ''}{p.z * device.half_height * 1e6:.1f} um"
        table.add_row(p.kind, f"{p.x:.3f}", f"{p.z:.3f}", f"{inner:.1f} um", off)
    return table


def _spiral(design: str, set_: list[str] | None) -> Spiral:
    from geometries.spiral import Spiral

    device = load_design(find_design(design), set_ or ()).device
    if not isinstance(device, Spiral):
        raise DesignError(f"a {device.kind} has no table of lift: this is for a {Spiral.kind}")
    return device
