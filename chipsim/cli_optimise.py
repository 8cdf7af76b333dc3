"""The command that looks for the best designs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chipsim.cli_options import progress_shown
from chipsim.cli_study import SchedulerOption, StudyArgument, WorkersOption

if TYPE_CHECKING:
    from xarray import Dataset

# So many designs of a front are read in a terminal.
_SHOWN = 20


def optimise(
    study: StudyArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the study; default out/NAME.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="How many designs are tried, those of earlier runs counted.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where trials are kept, for several machines: a database that optuna knows; default: a SQLite file.",
        ),
    ] = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
) -> None:
    """Look for the designs that serve some goals best; stopped, it goes on where it was."""
    from chipsim.study.optimisation import load_optimisation, whole
    from chipsim.study.optimise import carry_out

    plan = load_optimisation(study)
    if trials is not None:
        plan = replace(plan, trials=whole("trials", trials, 1))
    folder = output or Path("out") / plan.study.name
    with progress_shown() as progress:
        found = carry_out(
            plan, folder, storage=storage, scheduler=scheduler, workers=workers, progress=progress
        )
    _print(found, folder)
    if not (found["status"] == "done").any():
        raise typer.Exit(1)


def _print(found: Dataset, folder: Path) -> None:
    """The front as a table, or what comes nearest to one; what was written."""
    from rich.console import Console
    from rich.table import Table

    from chipsim.report.optimum import answer
    from chipsim.report.optimum_columns import trials_of
    from chipsim.study.optimum import FRONT, OPTIMUM, PAGE

    trials = trials_of(found)
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(answer(trials))
    front = [int(i) for i in trials.front]
    shown = front[:_SHOWN] or [int(i) for i in trials.least_violated()]
    columns = [*trials.objectives, *(c.column for c in trials.constraints), *trials.points.parameters]
    columns = [*{c.name: c for c in columns}.values()]
    table = Table(box=None)
    for name in ("design" if front else "trial", *(c.axis for c in columns)):
        table.add_column(name, justify="right")
    for rank, i in enumerate(shown, 1):
        number = f"{FRONT}/{rank:02d}.toml" if front else str(int(found["trial"][i]))
        table.add_row(number, *(c.write(c.values[i], unit=False) for c in columns))
    if shown:
        console.print(table)
    if len(front) > _SHOWN:
        console.print(f"and {len(front) - _SHOWN} more")
    names = [OPTIMUM, PAGE, *([f"{FRONT}/"] if front else [])]
    console.print("wrote " + ", ".join(f"{folder}/{name}" for name in names))
