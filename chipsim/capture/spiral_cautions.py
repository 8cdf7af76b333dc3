"""The warnings that a spiral's result carries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chipsim.capture.assumptions import STRONG_JUNCTION, WEAK_JUNCTION
from chipsim.capture.body_sizes import median_diameter
from chipsim.capture.entries import BLOOD_UNKNOWN, Carried

if TYPE_CHECKING:
    from chipsim.capture.spiral import Setting, SpiralEntry

# Radius of the bend over half the height below which lift of the straight duct and drag of the bend do not just add up.
_LEAST_RADIUS, _LARGEST_BODY = 80.0, 0.15
# Half the width over the radius of the bend up to which a lift linear in the curvature was checked: of the largest bodies near
# the inner wall, where it errs most, it was off by 2.1 % of its rms there and by 3.2 % at 0.075.
_MOST_CURVED = 0.06
# Up to which the lift's leading order holds: of a particle, and of the channel (Hood, Lee and Roper 2015; recalled).
_MOST_PARTICLE_REYNOLDS, _MOST_REYNOLDS = 1.0, 80.0
_BROKEN_WORTH_SAYING = 0.01
# Share of the sample's volume above which cells are taken to meet (assumed).
_DILUTE = 0.01


def cautions(
    setting: Setting, bodies: Sequence[Carried], entries: Sequence[SpiralEntry], liquid: Any
) -> Iterator[str]:
    """Yield the warnings, one sentence each.

    Args:
        setting: Spiral, operation and assumptions.
        bodies: What is carried, for each entry.
        entries: Their fates.
        liquid: What carries them.
    """
    yield (
        "for dilute samples only: not modelled are crowding (at many cells focusing moves, even to the other wall), deformation, "
        "tumbling of clusters, gravity, and how the branches of the ports divide a body's size"
    )
    yield from about_bend(float(np.max(setting.along)), setting.half_width, setting.table.curvature > 0)
    reynolds = setting.bends[0].flow.reynolds or 0.0
    if reynolds > _MOST_REYNOLDS:
        yield f"the channel's Reynolds number of {reynolds:.3g} is above {_MOST_REYNOLDS:g}, where the lift is no longer known"
    if liquid.blood_fraction is None:
        yield BLOOD_UNKNOWN
    elif liquid.blood_fraction > 0:
        yield "sample and sheath are given one viscosity and density, that of the fluid"
    yield from _about_sizes(setting, entries)
    yield from _about_junctions(bodies, entries)
    crowded = sum(body.concentration * body.n * _volume(body) for body in bodies)
    if crowded > _DILUTE:
        yield (
            f"cells take up {crowded:.2g} of the sample's volume, which is not dilute: what they do to each other is left out, "
            "and in such samples bodies are known to focus elsewhere (arXiv 2409.12488)"
        )
    if any(e.broken is None for e in entries):
        yield "no junction strength of fixed cells is known: their clusters count as whole, and what breaks of them is not said"


def about_bend(curvature: float, half_width: float, bent: bool) -> Iterator[str]:
    """What the lift is, and whether it was checked in a bend.

    Args:
        curvature: Half-height over the radius of the tightest bend.
        half_width: Of the section, half-heights.
        bent: Whether the lift is that of the bend, or that of the straight duct.
    """
    if bent:
        yield "the lift is that of the bend, to leading order in its curvature and in the particle's Reynolds number"
        if curvature * half_width > _MOST_CURVED:
            yield (
                f"in the tightest bend half the width is {curvature * half_width:.2g} of the radius, above {_MOST_CURVED:g}, up "
                "to which a lift linear in the curvature was checked"
            )
        return
    yield (
        "the lift is that of the straight duct, to leading order in the particle's Reynolds number; the drag of the bend's "
        "secondary flow is added to it"
    )
    if 1 / curvature < _LEAST_RADIUS:
        yield (
            f"the tightest bend is {1 / curvature:.3g} half-heights, below {_LEAST_RADIUS:g}: there lift of the straight duct "
            "and drag of the bend do not just add up, and places may be off by more than a tenth of the height"
        )


def _about_junctions(bodies: Sequence[Carried], entries: Sequence[SpiralEntry]) -> Iterator[str]:
    """For each line of whose clusters some break."""
    found: dict[str, list[SpiralEntry]] = {}
    for e in entries:
        if e.broken is not None and e.junction_load and e.broken.value > _BROKEN_WORTH_SAYING:
            found.setdefault(e.cells, []).append(e)
    for name, broken in found.items():
        line = next(body.line for body in bodies if body.line.name == name)
        shares = _span([e.broken.value for e in broken if e.broken], "{:.0%}")
        loads = _span([e.junction_load * 1e9 for e in broken if e.junction_load], "{:.2g}")
        strength = f"{line.junction_strength * 1e9:.2g} nN"
        if line.status("junction_strength") == "assumed":
            strength += f", which are assumed (from {WEAK_JUNCTION * 1e9:g} to {STRONG_JUNCTION * 1e9:g} nN are known)"
        yield (
            f"{shares} of the clusters of {name} break if their junctions carry the strongest pull of free shear, {loads} nN, "
            f"and hold {strength}"
        )


def _span(values: Sequence[float], form: str) -> str:
    """The least and the largest, or one where they are written alike."""
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


def _about_sizes(setting: Setting, entries: Sequence[SpiralEntry]) -> Iterator[str]:
    last = setting.table.sizes[-1].alpha
    for e in entries:
        alpha = e.diameter / (2 * setting.half_height)
        if e.extrapolated > 0:
            yield (
                f"{e.extrapolated:.0%} of {e.cells}, {e.n} cells, are larger than {last:g} of the height, beyond the table of "
                "lift: they take that of its last size, and their range is what their room in the section allows"
            )
        elif alpha > _LARGEST_BODY and not setting.table.curvature:
            yield (
                f"{e.cells}, {e.n} cells: at {alpha:.2g} of the height adding lift and drag may misplace them by more than a "
                "tenth of the height"
            )
        particle = setting.bends[0].reynolds * alpha**2 / 2
        if particle > _MOST_PARTICLE_REYNOLDS:
            yield f"{e.cells}, {e.n} cells: their Reynolds number of {particle:.2g} is above 1, where the lift is no longer known"


def _volume(body: Carried) -> float:
    """Of one of its cells, m3."""
    return body.line.volume or math.pi / 6 * median_diameter(body.line) ** 3
