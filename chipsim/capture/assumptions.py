"""What the capture model assumes without having measured it, and how far each assumption is varied."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from chipsim.cells import CellLine

# The weakest estimate for E-cadherin-negative cells (Byers 1995: they fall apart below 0.35 Pa), N.
WEAK_JUNCTION = 0.6e-9
# What holds doublets of E-cadherin cells an hour after they met, about (Chu 2004), N.
STRONG_JUNCTION = 200e-9

#: How far the spreads between cells could as well lie, where they are assumed.
SPREADS: tuple[dict[str, float], ...] = (
    {"diameter_cv": 0.08},
    {"diameter_cv": 0.2},
    {"tension_cv": 0.2},
    {"tension_cv": 0.6},
)


@dataclass(frozen=True)
class Assumptions:
    """Assumed parameters; the defaults were fixed before any comparison with capture data.

    Attributes:
        asymmetry: Standard deviation of the part of the force on a straddling cluster that does not cancel.
        planar_base: Share of one-cell-thick clusters is this to the power n - 3.
        diameter_cv: Overrides the cell line's CV of diameter.
        tension_cv: Overrides the cell line's CV of tension.
        encounters: Overrides the number of rows as the number of times a cluster meets a tip.
        viscosity_factor: The viscosity in the calibration and in the operation, as a multiple of the nominal
            one.
    """

    asymmetry: float = 0.15
    planar_base: float = 0.15
    diameter_cv: float | None = None
    tension_cv: float | None = None
    encounters: int | None = None
    viscosity_factor: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)


def variations(line: CellLine, base: Assumptions, rows: int) -> list[Assumptions]:
    """One assumption changed at a time, over the span in which it could as well lie.

    A spread that was measured or given for this line is not varied.

    Args:
        line: The cells.
        base: The assumptions to start from.
        rows: Rows of the chip.
    """
    spans: list[dict[str, Any]] = [{"asymmetry": 0.05}, {"asymmetry": 0.3}]
    spans += [{"planar_base": 0.3}, {"planar_base": 0.5}]
    spans += [span for span in SPREADS if line.status(*span) == "assumed"]
    if rows > 1:
        spans.append({"encounters": 1})
    spans.append({"viscosity_factor": 1.5})  # 6 instead of 4 mPa s
    return [replace(base, **span) for span in spans]
