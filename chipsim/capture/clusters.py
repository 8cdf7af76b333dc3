"""Monte Carlo over clusters: each is reduced to the two pressures at which its fate changes.

A cluster keeps its sizes, tension, junction strength and asymmetry through all rows; at each row its cells
take sides anew. Row by row: it stays if it straddles and neither parts nor slips; it parts if it straddles
and its junction is too weak; else it goes on to the next row. Because a cluster that stays at some pressure
also stays at any lower one, all of this is two numbers for each cluster, ``hold`` and ``parting``:

    retained   pressure <= hold
    broken     pressure > hold and pressure > parting
    passed     otherwise

So one Monte Carlo answers for all flow rates and viscosities. Fragments of broken clusters are not followed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from chipsim.capture.assumptions import Assumptions
from chipsim.capture.gates import break_threshold, planar_fraction, rearrangement_threshold, slip_threshold
from chipsim.capture.laplace import slit_threshold_per_tension
from chipsim.capture.statistics import Fraction, counted, lognormal_sigma
from chipsim.capture.trap import Trap
from chipsim.cells import CellLine

# That all of this many cells take the same side is never drawn: its chance is below 1e-9.
_MOST_PARTNERS = 32
# Of one population: sizes, tension and strength as assumed, and as varied.
_MOST_SPREADS = 8


@dataclass(frozen=True)
class Draws:
    """Random numbers of clusters before any parameter is applied: the same clusters serve for all variations.

    Attributes:
        sizes: Standard normals of the cells, largest first, shape (samples, n).
        tension: Standard normals, shape (samples,).
        strength: Standard normals, shape (samples,).
        asymmetry: Magnitudes of standard normals, shape (samples,).
        planarity: Uniform numbers, shape (samples,).
        visits: First, second, ... time that clusters straddle a tip with a pair of plugs not met before. Each
            holds the indices of the clusters; which cell (1 to n - 1, in order of size) is the largest on the
            side where the cluster's largest is not; and the row, from 0.
    """

    sizes: np.ndarray
    tension: np.ndarray
    strength: np.ndarray
    asymmetry: np.ndarray
    planarity: np.ndarray
    visits: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    _spread: dict[tuple[str, float], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def spread(self, what: str, sigma: float) -> np.ndarray:
        """Lognormal factors of unit median from the normals called ``what``; kept, as other cells have the same spreads."""
        found = self._spread.get((what, sigma))
        if found is None:
            if len(self._spread) >= _MOST_SPREADS:
                self._spread.pop(next(iter(self._spread)))
            found = self._spread[what, sigma] = np.exp(sigma * getattr(self, what))
        return found


def generator(seed: int, cells: str, n: int) -> np.random.Generator:
    """The random numbers of one entry; they do not depend on which other entries there are."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(cells.encode()), n]))


# Table, curve and figures of one run ask for the same clusters.
@lru_cache(maxsize=48)
def draw(seed: int, cells: str, n: int, rows: int, samples: int) -> Draws:
    """Draw clusters of n cells that meet ``rows`` tips.

    Args:
        seed: Of the whole run.
        cells: Name of the cell line.
        n: Cells in a cluster, at least 2.
        rows: Encounters.
        samples: Clusters.
    """
    rng = generator(seed, cells, n)
    sizes = np.sort(rng.standard_normal((samples, n)), axis=1)[:, ::-1]
    tension, strength = rng.standard_normal((2, samples))
    asymmetry = np.abs(rng.standard_normal(samples))
    planarity = rng.random(samples)
    return Draws(sizes, tension, strength, asymmetry, planarity, tuple(_visits(rng, n, rows, samples)))


def _visits(
    rng: np.random.Generator, n: int, rows: int, samples: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of cells that plug the two throats, row by row, grouped by how many a cluster has met before.

    The cluster's largest cell plugs its own side. The other side is plugged by the largest cell there: going
    down in size it is the first that took the other side, so its rank is geometric with 1/2. The lowest set
    bit of a random integer is just that. A pair met before meets the same thresholds again and is left out.
    """
    ranks = np.uint32((1 << min(n - 1, _MOST_PARTNERS)) - 1)
    met = np.zeros(samples, np.uint32)
    found = []
    for row in range(rows):
        bits = rng.integers(0, 1 << 32, samples, dtype=np.uint32)
        fresh = bits & (~bits + np.uint32(1)) & ranks & ~met
        met |= fresh
        who = np.flatnonzero(fresh)
        found.append((who, 1 + np.log2(fresh[who]).astype(np.intp), np.full(len(who), row)))
    whos, ranks_met, rows_met = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(whos, kind="stable")
    whos = whos[order]
    before = np.arange(len(whos)) - np.searchsorted(whos, whos)
    for time in range(int(before.max(initial=-1)) + 1):
        now = order[before == time]
        yield whos[before == time], ranks_met[now], rows_met[now]


@dataclass(frozen=True)
class Thresholds:
    """Pressures at which the fate of each cluster changes, Pa, shape (samples,)."""

    hold: np.ndarray
    parting: np.ndarray
    load_area: np.ndarray  # largest area that pulls on a junction, m^2; 0 for a cluster that never straddles

    def fractions(self, pressure: float) -> tuple[Fraction, Fraction, Fraction]:
        """Retained, passed and broken at that pressure (Pa), with 95 % intervals."""
        kept = self.hold >= pressure
        parted = ~kept & (self.parting < pressure)
        samples = len(self.hold)
        counts = int(kept.sum()), int(parted.sum())
        return (
            counted(counts[0], samples),
            counted(samples - sum(counts), samples),
            counted(counts[1], samples),
        )

    def retained(self, pressure: float) -> float:
        """Retained fraction at that pressure, Pa."""
        return float((self.hold >= pressure).mean())

    def half_pressure(self) -> float | None:
        """Pressure above which fewer than half are retained, Pa; None if they never are."""
        half = self._median_hold
        return half if half > 0 else None

    def junction_load(self, pressure: float) -> float:
        """Median over the clusters that straddle of the largest force on a junction at that pressure (Pa), N."""
        return pressure * self._median_load_area

    @cached_property
    def _median_hold(self) -> float:
        return float(np.median(self.hold))

    @cached_property
    def _median_load_area(self) -> float:
        straddling = self.load_area[self.load_area > 0]
        return float(np.median(straddling)) if len(straddling) else 0.0


@dataclass(frozen=True)
class Bodies:
    """Clusters with sizes and spreads applied; tension and junction strength are still at unit median.

    Attributes:
        sieve: Laplace threshold of the largest cell in the narrowest throat, Pa / (N/m), shape (samples,).
        stay_out: Re-arrangement threshold, Pa / N; 0 for clusters one cell thick, shape (samples,).
        encounters: For each time of :attr:`Draws.visits`: the indices of the clusters; their slip thresholds,
            Pa / (N/m); their lowest break thresholds up to here, Pa / N; the lesser of the plugged areas,
            m^2.
    """

    sieve: np.ndarray
    stay_out: np.ndarray
    encounters: tuple[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], ...]

    def thresholds(self, tension: float, strength: float) -> Thresholds:
        """The pressures at which the fate of each cluster changes.

        Args:
            tension: Median cortical tension, N/m.
            strength: Median junction strength, N.
        """
        hold = np.maximum(tension * self.sieve, strength * self.stay_out)
        parting = np.full(len(hold), np.inf)
        load_area = np.zeros(len(hold))
        for who, slip, part, lesser in self.encounters:
            # Held here, if no row up to here has parted it.
            hold[who] = np.maximum(hold[who], np.minimum(tension * slip, strength * part))
            parting[who] = strength * part
            load_area[who] = np.maximum(load_area[who], lesser)
        return Thresholds(hold, parting, load_area)

    def tension_to_hold(self, pressure: float, strength: float) -> np.ndarray:
        """For each cluster the least median tension at which it is retained, N/m; shape (samples,), inf if none.

        All Laplace thresholds are proportional to the tension, the others do not depend on it, so this is exact.

        Args:
            pressure: Across a plugged throat, Pa.
            strength: Median junction strength, N.
        """
        best = self.sieve.copy()
        for who, slip, part, _ in self.encounters:
            whole = strength * part >= pressure
            best[who[whole]] = np.maximum(best[who[whole]], slip[whole])
        with np.errstate(divide="ignore"):
            return np.where(strength * self.stay_out >= pressure, 0.0, pressure / best)


def bodies(draws: Draws, line: CellLine, trap: Trap, assumed: Assumptions) -> Bodies:
    """Apply sizes, spreads and assumptions to drawn clusters, and send them through the gates.

    Args:
        draws: Clusters.
        line: Their cells; its medians of tension and strength are not used.
        trap: What they meet.
        assumed: The assumptions.
    """
    spread = lognormal_sigma(line.diameter_cv if assumed.diameter_cv is None else assumed.diameter_cv)
    stiff = lognormal_sigma(line.tension_cv if assumed.tension_cv is None else assumed.tension_cv)
    d = line.require("diameter")[0] * draws.spread("sizes", spread)
    first = d[:, 0]
    tension = draws.spread("tension", stiff)
    force = draws.spread("strength", lognormal_sigma(line.junction_cv))
    planar = draws.planarity < planar_fraction(d.shape[1], assumed.planar_base)
    stay_out = np.where(planar, 0.0, rearrangement_threshold(force, d.mean(axis=1), trap.gap))
    squeeze = tension * slit_threshold_per_tension(first, trap.daughter_gap)
    parting = np.full(len(first), np.inf)
    encounters = []
    for who, rank, row in draws.visits:
        if assumed.encounters is not None:
            reached = row < assumed.encounters
            who, rank = who[reached], rank[reached]
        plugs = trap.daughter_gap * first[who], trap.daughter_gap * d[who, rank]
        # One tension for the whole cluster, so the larger cell also has the higher Laplace threshold.
        slip = slip_threshold(*plugs, squeeze[who], 0.0, assumed.asymmetry * draws.asymmetry[who])
        parting[who] = np.minimum(parting[who], break_threshold(force[who], *plugs))
        encounters.append((who, slip, parting[who], plugs[1]))
    sieve = tension * slit_threshold_per_tension(first, trap.narrowest)
    return Bodies(sieve, stay_out, tuple(encounters))
