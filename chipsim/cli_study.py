"""The commands that run a design at many points."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chipsim.cli_options import progress_shown

if TYPE_CHECKING:
    import xarray as xr

StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY", help="A TOML file that says what varies.")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler, tcp://host:8786; default: one process a core on this machine."
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes on this machine; default: one for each core.")
]
RetryOption = Annotated[
    bool, typer.Option("--retry", help="Compute points again that failed or took too long.")
]


def sweep(
    study: StudyArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the study; default out/NAME.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORMATS", help="Beside NetCDF: csv, parquet.")
    ] = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="More than 10,000 points are meant.")] = False,
    retry: RetryOption = False,
) -> None:
    """Run a design at many values of its parameters; stopped, it goes on where it was."""
    from chipsim.study.sweep import load_sweep, sweep_study

    given, sample = load_sweep(study)
    folder = output or Path("out") / given.name
    formats = [part for part in to.split(",")] if to else []
    with progress_shown() as progress:
        dataset = sweep_study(
            given, sample, folder, scheduler=scheduler, workers=workers, yes=yes, retry=retry, formats=formats,
            progress=progress,
        )  # fmt: skip
    _summary(dataset)
    names = ["sweep.nc", *(f"sweep.{name.strip().lower()}" for name in formats), "report.html"]
    typer.echo("wrote " + ", ".join(str(folder / name) for name in names if (folder / name).exists()))
    if not (dataset["status"] == "done").any():
        raise typer.Exit(1)


def _summary(dataset: xr.Dataset) -> None:
    """How many points ended how, and what is said most often of those without a result."""
    statuses = dataset["status"].values.ravel()
    count = Counter(statuses)
    typer.echo(f"{len(statuses)} points: " + ", ".join(f"{n} {status}" for status, n in count.most_common()))
    said = Counter(text for text in dataset["message"].values.ravel() if text)
    for sentence, n in said.most_common(5):
        typer.echo(f"  {n} of them: {sentence}")
    if len(said) > 5:
        typer.echo(f"  and {len(said) - 5} other sentences, in the variable message")
