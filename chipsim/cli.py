"""The command line: list, show, run, sweep, optimise, section, equilibria, lift, export, verify, doctor.

A user's mistake is one sentence on standard error and exit status 2; a computation that fails is one sentence and exit
status 1. Progress goes to standard error, results to files or standard output.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from chipsim.cli_optimise import optimise
from chipsim.cli_options import DesignArgument, LiftTableOption, RefineOption, SetOption, progress_shown
from chipsim.cli_spiral import equilibria, lift, section
from chipsim.cli_study import sweep
from chipsim.design import Design, find_design, load_design, published
from chipsim.study.solve import rank
from geometries import DesignError, Device

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=(
    "Chips that catch clusters of circulating tumour cells: drawing, flow and capture from one parameter set."
))  # fmt: skip

# typer carries its own copy of click or uses the installed one, depending on its version.
_UserError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


@app.command("list")
def list_designs() -> None:
    """List the published designs that come with chipsim."""
    rows = [("name", "device", "opening", "driven by", "file")]
    for name, path in published().items():
        design = load_design(path)
        rows.append((name, design.device.kind, *_short(design), str(path)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        typer.echo(
            "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]])
        )


@app.command()
def show(
    design: DesignArgument,
    set_: SetOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also write the dimensioned drawing (PNG, SVG or PDF).")
    ] = None,
) -> None:
    """Show a design: a drawing, a table of its dimensions, and the design rules it breaks."""
    from chipsim.show import print_design, write_drawing

    loaded = load_design(find_design(design), set_ or ())
    if picture:  # first, as it may be refused
        write_drawing(loaded.device, picture)
    print_design(loaded)
    if picture:
        typer.echo(f"wrote {picture}")


@app.command()
def run(
    design: DesignArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the results; default out/NAME.")
    ] = None,
    set_: SetOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Of the flow; chips: 3d, depth (depth-averaged), 2d; pores: axisymmetric, 3d, 2d (slits), patch; "
            "spirals: section."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    refine: RefineOption = None,
    accuracy: Annotated[
        str | None,
        typer.Option(
            help="Refine until pressure drop and mean wall shear are estimated to err by less, e.g. 0.1%."
        ),
    ] = None,
    lift_table: LiftTableOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Solve anew even if this flow is stored.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print result.json to standard output.")] = False,
) -> None:
    """Draw, mesh and solve a design, estimate what it captures, and write a report."""
    from chipsim.study.run import run as compute
    from chipsim.study.write import write
    from geometries.files import require_writable

    path = find_design(design)
    loaded = load_design(path, set_ or ())
    folder = output or Path("out") / loaded.name
    require_writable(folder)
    with progress_shown() as progress:
        result = compute(
            loaded,
            model=model,
            seed=seed,
            refine=refine,
            accuracy=accuracy,
            fresh=fresh,
            lift_table=lift_table,
            progress=progress,
        )
        if result is None:  # an MPI rank that only helped to solve
            return
        files = write(result, folder, progress)
    if json_:
        typer.echo((folder / "result.json").read_text(encoding="utf-8"), nl=False)
    else:
        from chipsim.show import print_result

        print_result(result)
        typer.echo("wrote " + ", ".join(str(f) for f in files))


for command in (sweep, optimise, section, equilibria, lift):
    app.command()(command)


@app.command()
def export(
    design: DesignArgument,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMATS",
            help="Comma-separated: msh, msh22 (first order), nas, vtu, xdmf, stl, step, dxf, gds, svg.",
        ),
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder; default out/NAME.")] = None,
    set_: SetOption = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="PARTS",
            help="Comma-separated: cell, array, chip (all of it on its slide); default all, the chip without its mesh.",
        ),
    ] = None,
    of: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="Comma-separated: fluid, body (the chip around it), mould (what a body is cast from).",
        ),
    ] = "fluid",
    block: Annotated[
        str | None,
        typer.Option(
            help="Array block: of a chip PATHSxROWS (8x8), of a filter a number of pores (24); a spiral has none."
        ),
    ] = None,
    thickness: Annotated[
        str | None, typer.Option(help='Of a body with its channel, e.g. "5 mm"; default twice the depth.')
    ] = None,
    refine: RefineOption = None,
) -> None:
    """Write unit cell, array block (a spiral: a quarter turn and all of it) and chip as mesh, solid, mask and drawing."""
    from geometries.cad import FORMATS, PARTS
    from geometries.cad import export as write_files
    from geometries.files import require_writable
    from geometries.part import MADE
    from geometries.quantities import quantity

    loaded = load_design(find_design(design), set_ or ())
    loaded.device.check(loaded.limits)
    folder = output or Path("out") / loaded.name
    require_writable(folder)
    options: dict[str, Any] = {
        "formats": _chosen("--to", to, FORMATS, "formats"),
        "what": None if part is None else _chosen("--part", part, PARTS, "parts"),
        "of": _chosen("--of", of, MADE, "kinds"),
        "block": _block(loaded.device, block),
        "thickness": None
        if thickness is None
        else quantity(thickness, "m", "--thickness", "0 um", "1 m", open_low=True),
    }
    with progress_shown() as progress, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        files = write_files(
            loaded.device, directory=folder, refine=refine or 1.0,
            limits=loaded.limits, title=loaded.name, progress=progress, **options,
        )  # fmt: skip
    for sentence in dict.fromkeys(str(w.message) for w in said if w.category is UserWarning):
        typer.echo(f"note: {sentence}", err=True)
    for file in files:
        typer.echo(str(file))


@app.command()
def verify(
    slow: Annotated[bool, typer.Option("--slow", help="Run the slow cases too.")] = False,
    only: Annotated[str | None, typer.Option("--only", metavar="CASE", help="Run one case.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for verification.json, .html and .md.")
    ] = None,
) -> None:
    """Compare the flow solver with exact solutions, convergence rates, conservation and reference numbers."""
    from rich.console import Console

    from chipsim.study.solve import versions
    from chipsim.verification import verify as compute
    from chipsim.verification.write import summary, terminal_table, write
    from geometries.files import require_writable

    if output:
        require_writable(output)
    with progress_shown() as progress:
        checks = list(compute(slow=slow, only=only, progress=progress))
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(terminal_table(checks))
    if output:
        files = write(checks, versions(), output)
        typer.echo("wrote " + ", ".join(str(file) for file in files))
    typer.echo(summary(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Say what is installed, which versions, and what to do about what is missing."""
    from chipsim.doctor import doctor as examine
    from chipsim.doctor import render

    checks = examine()
    render(checks)
    if not all(check.ok for check in checks if check.vital):
        raise typer.Exit(1)


def _chosen(option: str, text: str, known: Iterable[str], what: str) -> list[str]:
    asked = [name.strip().lower() for name in text.split(",")]
    for name in asked:
        if name not in known:
            raise DesignError(f'{option} "{name}" is unknown; known {what} are {", ".join(known)}')
    return asked


def _block(device: Device, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return device.block_size(text)
    except DesignError as error:
        raise DesignError(f"--{error}") from None


def _short(design: Design) -> tuple[str, str]:
    from chipsim.show import driven_by, opening

    return opening(design.device), driven_by(design)[1]


def main() -> None:
    """Entry point: turns every foreseeable failure into one sentence and an exit status."""
    from geometries.mesh import MeshError

    try:
        status = typer.main.get_command(app)(standalone_mode=False) or 0
    except _UserError as error:
        status = _fail(error.format_message(), 2)
    except DesignError as error:
        status = _fail(str(error), 2)
    except MeshError as error:
        status = _fail(str(error), 1)
    except MemoryError:
        status = _fail("out of memory; coarsen the mesh", 1)
    except KeyboardInterrupt:
        status = 130
    except (typer.Abort, BrokenPipeError):
        status = 1
    except ModuleNotFoundError as error:
        status = _fail(
            f"the module {error.name} is missing; run chipsim by tools/env, or see chipsim doctor", 1
        )
    except Exception as error:
        # The solver's own error lives in a module that needs PETSc, so it is known here by name only.
        if type(error).__name__ != "SolverError":
            traceback.print_exc()
            status = 1
        else:
            status = _fail(str(error), 1)
    if status == 130:  # typer turns Ctrl-C into this status
        _fail(
            "interrupted; nothing half-written was left, and what was computed is kept for the next time",
            status,
        )
    if status not in (0, 2) and "OMPI_COMM_WORLD_SIZE" in os.environ:
        from mpi4py import MPI

        MPI.COMM_WORLD.Abort(status)  # the other ranks would wait for this one for ever
    sys.exit(status)


def _fail(sentence: str, status: int) -> int:
    if rank() > 0 and status == 2:
        return 0  # every rank meets a user's mistake: the first one tells it
    if rank() > 0:
        time.sleep(2)  # where all ranks fail, rank 0 tells it and ends the others
    sys.stderr.write(f"chipsim: {' '.join(sentence.split())}\n")
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    main()
