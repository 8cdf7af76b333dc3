"""What the capture model needs to know of a membrane and its flow: the pores of one spot, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipsim.flow.pore_formulas import placed_resistances, unit_resistance


@dataclass(frozen=True)
class Spot:
    """The pores of a spot, narrowest first; arrays of shape (pores,).

    Attributes:
        scale: Size over the nominal one.
        unit_resistance: Of each alone, over viscosity, 1/m3: what a cell in it meets.
        share: Of the spot's conductance, as placed.
        rim: Perimeter over area of the opening that each is part of, over that of a pore alone: below 1 where pores overlap.
        resistance: Of the clean spot, over viscosity, 1/m3.
        width: Smallest clear width of a nominal opening, m.
        length: Long side of a nominal slit, m; None for openings that a cell fills.
        area: Of a nominal opening, m2.
        perimeter: Of it, m.
        density: Pores by area of the membrane, 1/m2.
        random: Whether they lie at random, or on a lattice.
    """

    scale: np.ndarray
    unit_resistance: np.ndarray
    share: np.ndarray
    rim: np.ndarray
    resistance: float
    width: float
    length: float | None
    area: float
    perimeter: float
    density: float
    random: bool

    @classmethod
    def of(cls, device: Any, flow: Any = None) -> Spot:
        """From a membrane and its flow.

        Args:
            device: A :class:`geometries.PoreFilter`.
            flow: A :class:`chipsim.flow.pore_result.PoreFlow`; None: resistances by formula.
        """
        pores = device.pores()
        slant = 1 / np.cos(pores.tilt)
        alone = np.asarray(unit_resistance(device, pores.scale, slant))
        if flow is None:
            placed = placed_resistances(device)
        else:
            alone = alone * flow.pore_resistance(1.0) / float(unit_resistance(device))
            placed = flow.pore_resistances(1.0)
        order = np.argsort(pores.scale, kind="stable")
        conductance = 1 / placed[order]
        return cls(
            scale=pores.scale[order],
            unit_resistance=alone[order],
            share=conductance / conductance.sum(),
            rim=(pores.rim_share / pores.share)[order],
            resistance=float(1 / conductance.sum()),
            width=device.size,
            length=device.opening[1] if device.pore == "slit" else None,
            area=device.area,
            perimeter=device.perimeter,
            density=device.density,
            random=device.placement == "poisson",
        )

    def pick(self, uniform: np.ndarray) -> np.ndarray:
        """Indices of pores, each taken as often as its share of the flow, for numbers uniform in 0 to 1."""
        return np.minimum(np.searchsorted(np.cumsum(self.share), uniform), len(self.share) - 1)
