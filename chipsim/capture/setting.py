"""One run of the capture model: chip, operation, assumptions and random numbers together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from chipsim.capture.assumptions import WEAK_JUNCTION, Assumptions
from chipsim.capture.calibration import tension_for
from chipsim.capture.clusters import Bodies, Thresholds, bodies, draw
from chipsim.capture.singles import half_pressure_singles, retained_singles
from chipsim.capture.trap import Trap
from chipsim.cells import CellLine

SAMPLES = 20_000
RANGE_SAMPLES = 2_000


@dataclass(frozen=True)
class Setting:
    """What all entries of one run share.

    Attributes:
        trap: Hydraulics of the chip.
        flow_rate: Of the whole chip, m^3/s.
        viscosity: Pa s.
        seed: Of all random numbers.
        samples: Clusters behind each fraction.
        range_samples: Clusters behind each variation of an assumption.
        assumed: The assumptions.
        wall_shear: 95th percentile of the wall shear stress, Pa.
    """

    trap: Trap
    flow_rate: float
    viscosity: float
    seed: int = 0
    samples: int = SAMPLES
    range_samples: int = RANGE_SAMPLES
    assumed: Assumptions = Assumptions()
    wall_shear: float | None = None

    def pressure(self, assumed: Assumptions | None = None) -> float:
        """Across a plugged throat, Pa."""
        factor = (assumed or self.assumed).viscosity_factor
        return self.trap.pressure(self.flow_rate, self.viscosity * factor)

    def flow_for(self, pressure: float | None) -> float | None:
        """Flow rate of the chip that puts that pressure (Pa) across a plugged throat, m^3/s."""
        if pressure is None:
            return None
        return self.trap.flow_rate(pressure, self.viscosity * self.assumed.viscosity_factor)

    def singles(self, line: CellLine, assumed: Assumptions | None = None, factor: float = 1.0) -> float:
        """Retained fraction of single cells, at ``factor`` times the pressure."""
        assumed = assumed or self.assumed
        return retained_singles(
            line, self.trap.narrowest, self.pressure(assumed) * factor, **_spreads(line, assumed)
        )

    def half_pressure_singles(self, line: CellLine) -> float | None:
        """Pressure above which fewer than half of the single cells are retained, Pa; None if they never are."""
        return half_pressure_singles(line, self.trap.narrowest, **_spreads(line, self.assumed))

    def thresholds(
        self, line: CellLine, n: int, assumed: Assumptions | None = None, samples: int | None = None
    ) -> tuple[Thresholds, Thresholds]:
        """Thresholds of clusters of n cells under some assumptions: with the line's junctions, and with the weakest known."""
        assumed = assumed or self.assumed
        who = _Population.of(self, line, n, assumed, samples or self.samples)
        tension = tension_for(line, assumed)
        return _thresholds(who, tension, line.junction_strength), _thresholds(who, tension, WEAK_JUNCTION)


@dataclass(frozen=True)
class _Population:
    """All that determines the bodies of one entry, and nothing that does not: points of a sweep share them."""

    seed: int
    line: CellLine
    n: int
    trap: Trap
    assumed: Assumptions
    samples: int

    @classmethod
    def of(cls, setting: Setting, line: CellLine, n: int, assumed: Assumptions, samples: int) -> _Population:
        return cls(
            setting.seed,
            replace(line, tension=None, junction_strength=0.0, provenance=()),
            n,
            replace(setting.trap, depth=1.0, paths=1, row_resistance=1.0, plug_factor=1.0),
            replace(assumed, viscosity_factor=1.0),
            samples,
        )


# Enough for one suspension with all variations; at most some hundred MB where clusters are large.
@lru_cache(maxsize=128)
def _bodies(who: _Population) -> Bodies:
    draws = draw(who.seed, who.line.name, who.n, who.trap.rows, who.samples)
    return bodies(draws, who.line, who.trap, who.assumed)


@lru_cache(maxsize=512)
def _thresholds(who: _Population, tension: float, strength: float) -> Thresholds:
    return _bodies(who).thresholds(tension, strength)


def _spreads(line: CellLine, assumed: Assumptions) -> dict[str, float | None]:
    """What the assumptions say of a line's cells; a mixture's numbers are those of its parts."""
    own = not line.parts and line.kind != "red cell"
    return {
        "tension": tension_for(line, assumed) if own else None,
        "diameter_cv": assumed.diameter_cv if own else None,
        "tension_cv": assumed.tension_cv,
    }
