"""The command that looks for the best designs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chipsim.cli_options import progress_shown

if TYPE_CHECKING:
    from xarray import Dataset

    from chipsim.study.optimisation import Optimisation

# So many lines of a front are read in a terminal.
_SHOWN = 20


def optimise(
    study: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="A TOML file with [parameters], [objectives], [constraints]."),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the results; default out/NAME.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="How many designs are tried, those of earlier runs counted.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Of a storage that several machines share; default: a SQLite file in the folder.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many are computed at once; default: one for each core.")
    ] = None,
) -> None:
    """Look for the designs that serve some goals best; a run that was stopped goes on where it was."""
    from dataclasses import replace

    from chipsim.study.optimisation import load_optimisation, whole
    from chipsim.study.optimise import carry_out

    plan = load_optimisation(study)
    if trials is not None:
        plan = replace(plan, trials=whole("trials", trials, 1))
    folder = output or Path("out") / plan.study.name
    with progress_shown() as progress:
        found = carry_out(plan, folder, storage=storage, workers=workers, progress=progress)
    _print(found, plan, folder)


def _print(found: Dataset, plan: Optimisation, folder: Path) -> None:
    """The front as a table, and what was written."""
    from rich.console import Console
    from rich.table import Table

    from chipsim.study.optimum import FRONT, OPTIMUM, least_violated, ranked, short_names, shown

    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    places = ranked(found, plan)
    feasible = int(found["feasible"].sum())
    console.print(f"{found.sizes['trial']} trials, {feasible} feasible, {len(places)} on the front")
    if not places:
        nearest = least_violated(plan, found)
        console.print("no trial meets all constraints" + ("" if nearest is None else "; the nearest is"))
        places = [] if nearest is None else [nearest]
    columns = [
        *(asked.name for asked in (*plan.objectives, *plan.constraints)), *short_names(plan).values()
    ]  # fmt: skip
    table = Table(box=None)
    for name in ("", *columns):
        table.add_column(name, justify="right")
    for rank, place in enumerate(places[:_SHOWN], 1):
        table.add_row(f"{rank:02d}" if feasible else "", *(shown(found, name, place) for name in columns))
    console.print(table)
    if len(places) > _SHOWN:
        console.print(f"and {len(places) - _SHOWN} more")
    console.print(f"wrote {folder / OPTIMUM}" + (f", {folder / FRONT}/" if feasible else ""))
