"""Cells and clusters at the pores of a membrane: what each sampled body needs to pass the pore that it meets.

A cell that is wider than its pore must be pushed: it stays for ever below its threshold (``laplace.py``) and else needs
an impulse (``transit.py``). A cluster passes in single file, so the impulses of its cells add and its largest cell sets
its threshold. A slit longer than the cell, flattened in it, is filled in part only: that part's resistance holds the
cell, and the rest stays open.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from chipsim.capture.assumptions import SPREADS
from chipsim.capture.clusters import generator
from chipsim.capture.entries import Carried
from chipsim.capture.laplace import opening_threshold_per_tension, pancake_radius
from chipsim.capture.network import Arrivals
from chipsim.capture.spot import Spot
from chipsim.capture.statistics import lognormal_sigma
from chipsim.capture.transit import VISCOSITY_BAND, impulse
from chipsim.cells import FIXED, CellLine
from chipsim.cells.state import FIXATION_BAND, FIXATION_FACTOR


@dataclass(frozen=True)
class Membrane:
    """What the model of a membrane assumes; the defaults were fixed before any comparison with capture data.

    Attributes:
        viscosity_factor: Apparent viscosity of all cells, as a multiple of the calibrated one.
        fixation: Threshold and apparent viscosity of fixed cells over those of live ones.
        diameter_cv: Overrides a CV of diameter that is assumed.
        tension_cv: Overrides a CV of tension that is assumed.
    """

    viscosity_factor: float = 1.0
    fixation: float = FIXATION_FACTOR
    diameter_cv: float | None = None
    tension_cv: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)

    def spread(self, line: CellLine, name: str) -> float:
        """Standard deviation of the logarithm of a line's numbers: ``"diameter_cv"`` or ``"tension_cv"``."""
        other = getattr(self, name)
        return lognormal_sigma(
            other if other is not None and line.status(name) == "assumed" else getattr(line, name)
        )


def variations(base: Membrane, fixed: bool) -> list[Membrane]:
    """One assumption changed at a time, over the span in which it could as well lie.

    Args:
        base: The assumptions to start from.
        fixed: Whether any cells are fixed.
    """
    spans: list[dict[str, float]] = [
        {"viscosity_factor": base.viscosity_factor * factor}
        for factor in (1 / VISCOSITY_BAND, VISCOSITY_BAND)
    ]
    if fixed:
        spans += [{"fixation": base.fixation * factor} for factor in (1 / FIXATION_BAND, FIXATION_BAND)]
    return [replace(base, **span) for span in (*spans, *SPREADS)]


@dataclass(frozen=True)
class Draws:
    """Random numbers of bodies before any parameter is applied: the same bodies serve for all variations.

    Attributes:
        sizes: Standard normals of the cells, shape (samples, n).
        tension: Standard normals, shape (samples,).
        strength: Standard normals, shape (samples,).
        pore: Uniform numbers that pick the pore, shape (samples,).
        arrival: Share of the volume that passes before the body comes, shape (samples,).
        part: Uniform numbers that pick the cells of a mixture, shape (samples,).
    """

    sizes: np.ndarray
    tension: np.ndarray
    strength: np.ndarray
    pore: np.ndarray
    arrival: np.ndarray
    part: np.ndarray

    def first(self, samples: int) -> Draws:
        """The first of them, which are spread as evenly."""
        return Draws(*(getattr(self, name)[:samples] for name in self.__dataclass_fields__))


# Table, curve and figures of one run ask for the same bodies.
@lru_cache(maxsize=32)
def draw(seed: int, cells: str, n: int, samples: int) -> Draws:
    """Draw bodies of n cells, quasi-random (scrambled Sobol), so that few of them cover cells, pores and arrivals evenly.

    Args:
        seed: Of the whole run.
        cells: Name of the cell line.
        n: Cells in a cluster.
        samples: Bodies, a power of 2.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = qmc.Sobol(n + 5, seed=generator(seed, cells, n)).random(samples)
    points = np.clip(points, 1e-12, 1 - 1e-12)
    pore, arrival, part, tension, strength = points[:, :5].T
    return Draws(ndtri(points[:, 5:]), ndtri(tension), ndtri(strength), pore, arrival, part)


@dataclass(frozen=True)
class Plugs:
    """Sampled bodies at their pores; arrays of shape (samples,).

    Attributes:
        impulse: Integral of the pressure over time that it needs to pass, Pa s; 0 passes freely.
        threshold: Pressure below which it stays for ever, Pa.
        share: Of the spot's conductance that it blocks.
        area: Of the pore that it plugs, m2; 0 if it passes freely.
        strength: Force that parts two of its cells, N.
        arrival: Share of the volume that passes before it comes.
        spanning: Whether its footprint is likely to cover more than one pore: probability, 0 to 1.
    """

    impulse: np.ndarray
    threshold: np.ndarray
    share: np.ndarray
    area: np.ndarray
    strength: np.ndarray
    arrival: np.ndarray
    spanning: np.ndarray

    def arrivals(self, concentration: float) -> Arrivals:
        """What the network of pores needs to know of them."""
        return Arrivals(concentration, self.impulse, self.threshold, self.share)


def plugs(draws: Draws, body: Carried, spot: Spot, assumed: Membrane) -> Plugs:
    """Send drawn bodies to the pores.

    Args:
        draws: Random numbers.
        body: The cells, and their state.
        spot: The pores.
        assumed: The assumptions.
    """
    median, spread, tension, stiffness, viscosity = _cells(draws, body.line, assumed)
    factor = assumed.fixation if body.state == FIXED else 1.0
    pore = spot.pick(draws.pore)
    scale, unit = spot.scale[pore], spot.unit_resistance[pore]
    width = spot.width * scale
    diameter = median[:, None] * np.exp(spread[:, None] * draws.sizes)
    filled = _filled(diameter, width[:, None], spot, scale[:, None])
    needed = impulse(diameter, (factor * viscosity)[:, None], unit[:, None] / filled)
    needed = np.where(diameter > width[:, None], needed, 0.0).sum(axis=1)
    largest = diameter.max(axis=1)
    curvature = spot.perimeter / spot.area / scale * spot.rim[pore]
    per_tension = opening_threshold_per_tension(largest, curvature, width)
    widest = np.where(needed > 0, filled.max(axis=1), 0.0)
    return Plugs(
        impulse=needed,
        threshold=factor * tension * np.exp(stiffness * draws.tension) * per_tension,
        share=spot.share[pore] * widest,
        area=spot.area * scale**2 * widest,
        strength=body.line.junction_strength
        * np.exp(lognormal_sigma(body.line.junction_cv) * draws.strength),
        arrival=draws.arrival,
        spanning=_spanning(diameter, spot),
    )


def _cells(draws: Draws, line: CellLine, assumed: Membrane) -> tuple[np.ndarray, ...]:
    """Median diameter (m), its spread, median tension (N/m), its spread, viscosity (Pa s); of each body's cells."""
    parts = line.parts or ((1.0, line),)
    which = np.minimum(np.searchsorted(np.cumsum([share for share, _ in parts]), draws.part), len(parts) - 1)
    table = np.array(
        [
            (
                part.sphere_diameter,
                assumed.spread(part, "diameter_cv"),
                part.tension or 0.0,  # a red cell's area is what resists, not its tension
                assumed.spread(part, "tension_cv"),
                assumed.viscosity_factor * part.require("apparent_viscosity")[0],
            )
            for _, part in parts
        ]
    )
    return tuple(table[which].T)


def _filled(diameter: np.ndarray, width: np.ndarray, spot: Spot, scale: np.ndarray) -> np.ndarray:
    """Share of its opening that a cell fills: all of it, but in a long slit only as far as the flattened drop reaches."""
    if spot.length is None:
        return np.ones_like(diameter)
    return np.minimum(1.0, 2 * pancake_radius(diameter, width) / (spot.length * scale))


def _spanning(diameter: np.ndarray, spot: Spot) -> np.ndarray:
    """Chance that a cluster covers a second pore beside the one that it plugs.

    An estimate: its cells lie flat and close, so that its footprint is the sum of their cross-sections. Pores at random:
    the chance of at least one more of them in that area. On a lattice: whether a disc of that area is wider than the pitch.
    """
    if diameter.shape[1] == 1:
        return np.zeros(len(diameter))
    footprint = (np.pi / 4 * diameter**2).sum(axis=1)
    if spot.random:
        return -np.expm1(-spot.density * footprint)
    return (2 * np.sqrt(footprint / np.pi) > spot.density**-0.5).astype(float)
