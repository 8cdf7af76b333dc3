"""The main job: a design in, flow and capture out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from chipsim.capture import capture, check, comparison
from chipsim.design import Design
from chipsim.study.lift_tables import user_table
from chipsim.study.recipes import model_of
from chipsim.study.result import Result
from chipsim.study.solve import check_accuracy, rank, solve


def run(
    design: Design,
    *,
    model: str | None = None,
    seed: int = 0,
    refine: float | None = None,
    accuracy: float | str | None = None,
    fresh: bool = False,
    lift_table: Path | str | None = None,
    compare: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Result | None:
    """Flow and capture of a design.

    Args:
        design: The parameter set.
        model: Of the flow; None: the device's own (see :func:`chipsim.study.solve.solve`).
        seed: Same seed, same bytes.
        refine: Divides all cell sizes of the mesh; None: 1.
        accuracy: Largest estimated relative error of pressure drop and mean wall shear, a fraction or ``"0.1%"``: the mesh is
            refined until it is met.
        fresh: Whether to solve anew what the store has.
        lift_table: Of a spiral, a file of lift of one's own or of ILFHC (:mod:`chipsim.flow.ilfhc`); None: that of its section.
        compare: Whether what was published is computed beside it; in a sweep it would be the same at each point.
        progress: Told in a sentence what is being done.

    Returns:
        The result; None on MPI ranks other than the first, which only help to solve.

    Raises:
        DesignError: The design cannot be made or computed, or the accuracy cannot be met.
        SolverError, MeshError: No flow.
    """
    device, operation = design.device, design.operation
    device.check(design.limits)
    own = {} if lift_table is None else {"table": user_table(device, lift_table)}
    check(device, design.suspension, operation, **own)
    check_accuracy(accuracy, refine)
    model = model_of(device, model)
    times, start = {}, time.perf_counter()
    flow = solve(
        device, model, operation=operation, refine=refine, accuracy=accuracy, fresh=fresh, progress=progress
    )
    times["flow_s"] = time.perf_counter() - start
    if rank() > 0:
        return None
    start = time.perf_counter()
    captured = capture(
        device,
        flow,
        operation,
        design.suspension,
        seed=seed,
        progress=lambda text: progress(f"capture: {text}"),
        **own,
    )
    times["capture_s"] = time.perf_counter() - start
    if not compare:
        return Result(design, flow, captured, None, seed, times)
    start = time.perf_counter()
    progress("comparing with what was published")
    beside = comparison(device, flow, operation, seed=seed, **own)
    times["comparison_s"] = time.perf_counter() - start
    return Result(design, flow, captured, beside, seed, times)
