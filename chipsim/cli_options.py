"""What the commands share: arguments, options, how progress is shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from chipsim.study.solve import rank

DesignArgument = Annotated[
    str, typer.Argument(metavar="DESIGN", help="A TOML file, or the name of a published design.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help='Replace a value, e.g. --set device.gap="10 um".'),
]
RefineOption = Annotated[
    float | None, typer.Option(min=0.25, max=8.0, help="Divide all cell sizes of the mesh by this.")
]
LiftTableOption = Annotated[
    Path | None,
    typer.Option(
        "--lift-table", help="Of a spiral: a file of lift of your own, or of ILFHC, for its section."
    ),
]


class progress_shown:  # noqa: N801 (used like a function)
    """Progress on standard error: a spinner with the running step on a terminal, else a line a step with its time."""

    def __enter__(self) -> Callable[[str], None]:
        from rich.console import Console

        self._start, self._console = time.perf_counter(), Console(stderr=True)
        self._told = rank() == 0
        self._status = self._console.status("starting") if self._console.is_terminal and self._told else None
        if self._status:
            self._status.start()
        return self._tell

    def _tell(self, text: str) -> None:
        stamp = f"{time.perf_counter() - self._start:6.1f} s  {text}"
        if self._status:
            self._status.update(stamp)
        elif self._told:
            print(stamp, file=sys.stderr, flush=True)

    def __exit__(self, *_: Any) -> None:
        if self._status:
            self._status.stop()
