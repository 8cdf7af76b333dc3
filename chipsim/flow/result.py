"""What every solved flow is to the rest of chipsim: plain numbers and arrays, no solver."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from chipsim.flow.accuracy import DiscretisationError
from chipsim.flow.chip_result import NoChip, WholeChip
from chipsim.flow.field import Field
from geometries.device import Limits


@dataclass(frozen=True, kw_only=True)
class Solved:
    """What is known of every solved cell, whatever the device.

    Attributes:
        model: The model of the flow, a key of the device's models.
        refine: What the default mesh's cell sizes were divided by.
        divergence_residual: Norm of the discrete divergence over that of its terms.
        method: Linear solver.
        unknowns: Free unknowns of the system.
        iterations: Iterations of the linear solver.
        residual: Its relative residual (of MINRES: preconditioned).
        discretisation_error: Estimated from a second mesh; None before it is.
        seconds: Wall time of the steps of the solve, by name; ``flow_assembly``, ``flow_setup`` and ``flow_solve`` are parts
            of ``flow``. Like the memory no part of what is compared.
        peak_memory: Of the process when it had solved, bytes; over MPI the sum.
        field: The solved field on its mesh, in the cell's unit; on rank 0 only.
    """

    #: What of it is a value of its own kind, by name: how a stored cell is put together again.
    parts: ClassVar[dict[str, type]] = {"discretisation_error": DiscretisationError}

    model: str
    refine: float
    divergence_residual: float
    method: str
    unknowns: int
    iterations: int
    residual: float
    discretisation_error: DiscretisationError | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict, compare=False)
    peak_memory: int = dataclasses.field(default=0, compare=False)
    field: Field | None = None

    def solver(self) -> dict[str, Any]:
        """The table ``flow.solver`` of ``result.json``."""
        names = ("refine", "method", "unknowns", "iterations", "residual", "divergence_residual")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Flow(ABC):
    """The flow through a device: its cell's numbers, scaled to any operation (Stokes flow is linear).

    Attributes:
        cell: The solved cell.
        versions: What solved it.
        stored: Whether it was taken from the store; no part of what is compared.
    """

    cell: Solved
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    stored: bool = dataclasses.field(default=False, compare=False)

    @abstractmethod
    def warnings(self, operation: Any) -> list[str]:
        """What whoever reads the numbers must know about how they were made."""

    @abstractmethod
    def to_dict(self, operation: Any) -> dict[str, Any]:
        """The table ``flow`` of ``result.json``."""

    def whole(self, limits: Limits) -> WholeChip | NoChip | None:
        """The flow through the whole chip with its manifolds; None where the device has none."""
        return None

    @abstractmethod
    def fields(self, operation: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Velocity (m/s, shape (N, 2 or 3)) and pressure (Pa, shape (N,)) at the nodes of the cell's mesh.

        A section, along which nothing but the pressure changes, has none.
        """
