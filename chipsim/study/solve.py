"""From a device to its flow: out of the store where it was solved before, else by finite elements."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from typing import Any

from chipsim.flow.accuracy import Attempt, accuracy_of, refine_until
from chipsim.flow.array_result import ArrayFlow, CellFlow
from chipsim.study import store
from geometries import ClusterChip, DesignError, Device

MODELS = ("2d", "depth", "3d")
#: What of a Cluster-Chip determines the flow through its cell; paths, rows and banks only scale it.
_CELL = ("gap", "side", "apex_angle", "daughter_gap", "fillet", "depth")


def solve(
    chip: Device,
    model: str = "3d",
    *,
    refine: float | None = None,
    accuracy: float | str | None = None,
    fresh: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> ArrayFlow:
    """Solve Stokes flow through a chip, once for each geometry, model and mesh.

    Args:
        chip: The device.
        model: ``"2d"``, ``"depth"`` (depth-averaged) or ``"3d"``.
        refine: Divides all cell sizes of the mesh; None: 1.
        accuracy: Largest estimated relative error of the pressure drop and of the mean wall shear, as a fraction or in
            percent (``"0.1%"``): the default mesh is refined until it is met. None: whatever the mesh gives.
        fresh: Whether to solve even if the store has it.
        progress: Told in a sentence what is being done.

    Returns:
        The flow, valid for every flow rate and viscosity.

    Raises:
        DesignError: Unknown model, an accuracy that cannot be met, or an accuracy and a refinement.
        SolverError, MeshError: No solution.
    """
    if model not in MODELS:
        raise DesignError(f'model = "{model}" is unknown; known models are {", ".join(MODELS)}')
    if not isinstance(chip, ClusterChip):
        raise DesignError(f'device.kind = "{chip.kind}" has no flow model')
    if accuracy is None:
        return _solve(chip, model, 1.0 if refine is None else refine, fresh, progress)
    wanted = check_accuracy(accuracy, refine)
    assert wanted is not None
    found: list[ArrayFlow] = []

    def attempt(finer: float) -> Attempt:
        found[:] = [_solve(chip, model, finer, fresh, progress)]
        cell = found[0].cell
        assert cell.discretisation_error is not None
        return Attempt(
            3 if model == "3d" else 2, cell.unknowns, cell.discretisation_error, round_corners=chip.fillet > 0
        )

    refine_until(wanted, attempt, progress)
    return found[0]


def check_accuracy(accuracy: float | str | None, refine: float | None) -> float | None:
    """The accuracy asked for as a fraction.

    Raises:
        DesignError: It is none, or a refinement was asked for beside it.
    """
    if accuracy is None:
        return None
    fraction = accuracy_of(accuracy)
    if refine is not None:
        raise DesignError(
            f"refine = {refine:g} and accuracy = {accuracy} both choose the mesh: give one of them, as an accuracy refines by "
            "itself"
        )
    return fraction


def _solve(
    chip: ClusterChip, model: str, refine: float, fresh: bool, progress: Callable[[str], None]
) -> ArrayFlow:
    """The flow on one mesh, out of the store where it has it."""
    geometry = {name: getattr(chip, name) for name in _CELL}
    key = store.key({"kind": chip.kind, **geometry}, {"model": model, "refine": float(refine)})
    stored = None if fresh else _from_store(key)
    if stored is not None:
        progress("taking the flow from the store")
        return ArrayFlow(chip=chip, cell=stored[0], versions=stored[1], stored=True)
    from chipsim.flow.array import solve_cell  # needs DOLFINx

    cell = solve_cell(chip, model, refine=refine, progress=progress)
    made_with = versions()
    if cell.field is not None:
        store.save(key, cell, made_with)
    return ArrayFlow(chip=chip, cell=cell, versions=made_with)


def _from_store(key: str) -> tuple[CellFlow, dict[str, str]] | None:
    """A stored flow; over MPI as the first rank finds it, so that all ranks solve or none does."""
    if "OMPI_COMM_WORLD_SIZE" not in os.environ and "PMI_SIZE" not in os.environ:
        return store.load(key, CellFlow)
    from mpi4py import MPI

    return MPI.COMM_WORLD.bcast(store.load(key, CellFlow) if rank() == 0 else None, root=0)


def rank() -> int:
    """This process's MPI rank, as the launcher tells it; 0 where there is no launcher."""
    return int(os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ.get("PMI_RANK") or 0)


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    found: dict[str, Any] = {"chipsim": package_version()}
    for name in ("dolfinx", "petsc4py", "gmsh", "numpy", "scipy"):
        try:
            found[name] = str(__import__(name).__version__)
        except ImportError:
            continue
    return found


def package_version() -> str:
    """Chipsim's own version: of the installed package, or as its checkout states it."""
    try:
        return importlib.metadata.version("chipsim")
    except importlib.metadata.PackageNotFoundError:
        import tomllib
        from pathlib import Path

        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
