"""How far the load on junctions and membranes is from what is known to part or harm them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chipsim.cells.junctions import EVIDENCE, MEMBRANE_SHEAR_LIMITS

# Radius at which the forces of the shear experiments are worked out, m: the 15 um of MDA-MB-231 in suspension.
_RADIUS = 7.5e-6


@dataclass(frozen=True)
class Margin:
    """A load beside one that is known.

    Attributes:
        what: ``"junction load"`` (N) or ``"membrane shear"`` (Pa).
        here: The load in this run, SI.
        known: The load that is known, SI.
        meaning: What is known of it, with its source.
    """

    what: str
    here: float
    known: float
    meaning: str

    @property
    def ratio(self) -> float:
        """The load here over the known one."""
        return self.here / self.known

    def to_dict(self) -> dict[str, Any]:
        """For result.json."""
        unit = "n" if self.what == "junction load" else "pa"
        return {
            "what": self.what,
            f"here_{unit}": self.here,
            f"known_{unit}": self.known,
            "ratio": self.ratio,
            "meaning": self.meaning,
        }


def margins(junction_loads: Iterable[float | None], membrane_shear: float | None) -> tuple[Margin, ...]:
    """The largest junction load, and the membrane shear, beside all strengths known.

    Args:
        junction_loads: Median load of each kind of body, N; None for single cells.
        membrane_shear: Pa.
    """
    loads = [load for load in junction_loads if load is not None]
    found = []
    for evidence in EVIDENCE if loads else ():
        verb = "hold at least this" if evidence.holds else "part below this"
        found.append(
            Margin(
                "junction load",
                max(loads),
                evidence.force(_RADIUS),
                f"{evidence.population} junctions {verb}: {evidence.shear_stress:g} Pa of shear, {evidence.source}",
            )
        )
    if membrane_shear is not None:
        found += [
            Margin("membrane shear", membrane_shear, limit, meaning)
            for limit, meaning in MEMBRANE_SHEAR_LIMITS
        ]
    return tuple(found)
