"""The commands that are for spirals alone."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from chipsim.cli_options import DesignArgument, RefineOption, SetOption, progress_shown
from chipsim.design import find_design, load_design


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
