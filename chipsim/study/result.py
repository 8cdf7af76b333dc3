"""A finished run: design, flow, capture and the comparison with what was published."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from chipsim.design import Design
from chipsim.flow.chip_result import NoChip, WholeChip


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        design: What was asked.
        flow: The flow through it, a :class:`chipsim.flow.result.Flow` with what its device adds.
        capture: What it retains, lets pass and breaks: a :class:`chipsim.capture.Capture` with what its device adds.
        comparison: Prediction beside the published measurements, with ``to_dict()`` and ``shortfalls``.
        seed: Of the Monte Carlo.
        times: Seconds that each step took; not part of what is compared between runs.
    """

    design: Design
    flow: Any
    capture: Any
    comparison: Any
    seed: int
    times: dict[str, float] = field(default_factory=dict, compare=False)

    @cached_property
    def whole(self) -> WholeChip | NoChip | None:
        """The flow through the whole chip with its manifolds; None where the device has none."""
        found: WholeChip | NoChip | None = self.flow.whole(self.design.limits)
        return found

    @property
    def warnings(self) -> list[str]:
        """Everything a reader must know, once each."""
        operation = self.design.operation
        flow = self.flow.warnings(operation)
        said = [
            *operation.liquid().warnings,
            *flow,
            *(self.whole.warnings() if self.whole else ()),
            *self.capture.warnings,
            *self.comparison.shortfalls,
        ]
        return list(dict.fromkeys(said))

    def to_dict(self) -> dict[str, Any]:
        """The content of ``result.json``: deterministic, SI, units in the names."""
        operation = self.design.operation
        flow = self.flow.to_dict(operation)
        captured = self.capture.to_dict()
        return {
            "design": self.design.to_dict(),
            "seed": self.seed,
            "versions": {**self.flow.versions, "numpy": np.__version__, "scipy": scipy.__version__},
            "model": self.flow.cell.model,
            "flow": flow,
            **({"chip": self.whole.to_dict(operation)} if self.whole else {}),
            **self.design.device.derived(),
            **captured,
            "published": self.comparison.to_dict(),
            "warnings": self.warnings,
        }
