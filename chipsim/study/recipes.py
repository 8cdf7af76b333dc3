"""How the flow through each kind of device is solved and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chipsim.flow import array_result, pore_result, spiral_result
from chipsim.flow.accuracy import ORDER
from chipsim.flow.result import Flow, Solved
from geometries import DesignError, Device
from geometries.cluster_chip import ClusterChip
from geometries.pore_filter import PoreFilter
from geometries.spiral import Spiral


@dataclass(frozen=True)
class Recipe:
    """From a device to its flow.

    Attributes:
        models: Of a device, the default first.
        determines: What of a device determines the flow through its cell by a model, by name; all else only scales it.
        solver: Module whose ``solve_cell(device, model, refine=, progress=)`` makes the cell; it needs DOLFINx.
        cell: Class of the cell.
        flow: From device and cell (and ``versions``, ``stored``) to the flow.
        orders: Of convergence of the resistance and of the mean wall shear, by device and model.
        driven: What else determines it, from device and operation, where the flow does not scale with its rate; the solver then
            takes the operation too. None for Stokes flow.
    """

    models: Callable[[Any], tuple[str, ...]]
    determines: Callable[[Any, str], dict[str, Any]]
    solver: str
    cell: type[Solved]
    flow: Callable[..., Flow]
    orders: Callable[[Any, str], tuple[float, float]]
    driven: Callable[[Any, Any], dict[str, Any]] | None = None


def _of_a_chip(chip: ClusterChip, model: str) -> dict[str, Any]:
    names = ("gap", "side", "apex_angle", "daughter_gap", "fillet", "depth")
    return {name: getattr(chip, name) for name in names}


def _of_a_membrane(membrane: PoreFilter, model: str) -> dict[str, Any]:
    one = {"pore": membrane.pore, "opening": membrane.opening, "thickness": membrane.thickness}
    if model == "patch":
        return {**membrane.to_dict(), **one}
    # A pore alone is all there is to the plane models; in space it stands in its lattice.
    lattice = model == "3d" and membrane.placement != "poisson"
    return one | ({"placement": membrane.placement, "density": membrane.density} if lattice else {})


def _of_a_spiral(spiral: Spiral, model: str) -> dict[str, Any]:
    names = ("width", "heights", "inner_radius", "outer_radius")
    return {name: getattr(spiral, name) for name in names}


def _models_of_pores(membrane: PoreFilter) -> tuple[str, ...]:
    plane = {"round": ("axisymmetric",), "slit": ("2d",), "square": ()}[membrane.pore]
    # Only a round pore is whole in a plane.
    return (*plane, "3d", "patch") if membrane.pore == "round" else ("3d", *plane, "patch")


RECIPES = {
    ClusterChip.kind: Recipe(
        models=lambda chip: ("3d", "depth", "2d"),
        determines=_of_a_chip,
        solver="chipsim.flow.array",
        cell=array_result.CellFlow,
        flow=lambda chip, cell, **made: array_result.ArrayFlow(chip=chip, cell=cell, **made),
        orders=lambda chip, model: array_result.orders(chip),
    ),
    PoreFilter.kind: Recipe(
        models=_models_of_pores,
        determines=_of_a_membrane,
        solver="chipsim.flow.pore",
        cell=pore_result.PoreCell,
        flow=lambda membrane, cell, **made: pore_result.PoreFlow(membrane=membrane, cell=cell, **made),
        orders=lambda membrane, model: pore_result.orders(model),
    ),
    Spiral.kind: Recipe(
        models=lambda spiral: ("section",),
        determines=_of_a_spiral,
        solver="chipsim.flow.spiral",
        cell=spiral_result.SpiralCell,
        flow=lambda spiral, cell, **made: spiral_result.SpiralFlow(spiral=spiral, cell=cell, **made),
        orders=lambda spiral, model: (ORDER, ORDER),
        # Twelve digits: the same number by other flow rates and viscosities is the same flow.
        driven=lambda spiral, operation: {
            "reynolds": f"{spiral_result.reynolds_number(spiral, operation):.12g}"
        },
    ),
}


def recipe(device: Device) -> Recipe:
    """The recipe of a device.

    Raises:
        DesignError: It has none.
    """
    if device.kind not in RECIPES:
        raise DesignError(f'device.kind = "{device.kind}" has no flow model')
    return RECIPES[device.kind]


def model_of(device: Device, model: str | None) -> str:
    """The model asked for, or the device's own.

    Raises:
        DesignError: The device does not have it.
    """
    known = recipe(device).models(device)
    if model is not None and model not in known:
        raise DesignError(
            f'model = "{model}" is unknown for this {device.kind}; known models are {", ".join(known)}'
        )
    return known[0] if model is None else model
