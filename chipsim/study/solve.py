"""From a device to its flow: out of the store where it was solved before, else by finite elements."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from collections.abc import Callable
from typing import Any

from chipsim.flow.accuracy import Attempt, accuracy_of, refine_until
from chipsim.flow.result import Flow, Solved
from chipsim.study import store
from chipsim.study.recipes import model_of, recipe
from geometries import DesignError, Device


def solve(
    device: Device,
    model: str | None = None,
    *,
    operation: Any = None,
    refine: float | None = None,
    accuracy: float | str | None = None,
    fresh: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Flow:
    """Solve Stokes flow through a device, once for each geometry, model and mesh.

    Args:
        device: The device.
        model: None for the device's own, the first of: of a Cluster-Chip ``"3d"``, ``"depth"`` (depth-averaged), ``"2d"``; of
            round pores ``"axisymmetric"``, ``"3d"``, ``"patch"``; of slits ``"3d"``, ``"2d"``, ``"patch"``; of square pores
            ``"3d"``, ``"patch"``; of spirals ``"section"``.
        operation: How it is run: for a spiral, whose flow does not scale with its rate.
        refine: Divides all cell sizes of the mesh; None: 1.
        accuracy: Largest estimated relative error of the pressure drop and of the mean wall shear, as a fraction or in
            percent (``"0.1%"``): the default mesh is refined until it is met. None: whatever the mesh gives.
        fresh: Whether to solve even if the store has it.
        progress: Told in a sentence what is being done.

    Returns:
        The flow: a :class:`chipsim.flow.array_result.ArrayFlow` or a :class:`chipsim.flow.pore_result.PoreFlow`, valid for every
        flow rate and viscosity, or a :class:`chipsim.flow.spiral_result.SpiralFlow` of this operation.

    Raises:
        DesignError: Unknown model, an accuracy that cannot be met, or an accuracy and a refinement.
        SolverError, MeshError: No solution.
    """
    model = model_of(device, model)
    if recipe(device).driven is not None and operation is None:
        raise DesignError(
            f"the flow through a {device.kind} does not scale with its rate: solve needs the operation"
        )
    if accuracy is None:
        return _solve(device, model, operation, 1.0 if refine is None else refine, fresh, progress)
    wanted = check_accuracy(accuracy, refine)
    assert wanted is not None
    found: list[Flow] = []

    def attempt(finer: float) -> Attempt:
        found[:] = [_solve(device, model, operation, finer, fresh, progress)]
        cell = found[0].cell
        assert cell.discretisation_error is not None
        dim = 3 if model in ("3d", "patch") else 2
        return Attempt(dim, cell.unknowns, cell.discretisation_error, recipe(device).orders(device, model))

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
    device: Device,
    model: str,
    operation: Any,
    refine: float,
    fresh: bool,
    progress: Callable[[str], None],
) -> Flow:
    """The flow on one mesh, out of the store where it has it."""
    how = recipe(device)
    driven = () if how.driven is None else (operation,)
    key = flow_key(device, model, operation, refine)
    stored = None if fresh else _from_store(key, how.cell)
    if stored is not None:
        progress("taking the flow from the store")
        return how.flow(device, stored[0], versions=stored[1], stored=True)
    solver: Any = importlib.import_module(how.solver)
    cell = solver.solve_cell(device, model, *driven, refine=refine, progress=progress)
    made_with = versions()
    if cell.field is not None:
        store.save(key, cell, made_with)
    return how.flow(device, cell, versions=made_with)


def flow_key(device: Device, model: str | None, operation: Any = None, refine: float | None = None) -> str:
    """Under which a flow is stored: designs with the same one cost one solve.

    Args:
        device: The device.
        model: None for the device's own.
        operation: How it is run; of a flow that scales with its rate not looked at.
        refine: Divides all cell sizes; None: 1.

    Raises:
        DesignError: Unknown model.
    """
    how, model = recipe(device), model_of(device, model)
    geometry = {"kind": device.kind, **how.determines(device, model)}
    if how.driven is not None:
        geometry |= how.driven(device, operation)
    return store.key(geometry, {"model": model, "refine": 1.0 if refine is None else float(refine)})


def _from_store(key: str, kind: type[Solved]) -> tuple[Solved, dict[str, str]] | None:
    """A stored flow; over MPI as the first rank finds it, so that all ranks solve or none does."""
    if "OMPI_COMM_WORLD_SIZE" not in os.environ and "PMI_SIZE" not in os.environ:
        return store.load(key, kind)
    from mpi4py import MPI

    return MPI.COMM_WORLD.bcast(store.load(key, kind) if rank() == 0 else None, root=0)


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
