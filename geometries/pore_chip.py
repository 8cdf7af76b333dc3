"""A whole membrane for masks: every pore of its spot, each shape drawn once, with marks and labels.

Pores on a lattice are drawn with their nominal size, as array references; the tolerance is what the process adds. Etched pores
are drawn as they lie, each with its size.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from geometries.bores import Bore
from geometries.lattices import Copies, Lattice, lattices
from geometries.mesh import UNIT
from geometries.outline import Outline, Point
from geometries.part import Part, Shape
from geometries.pore_parts import opening_loop
from geometries.quantities import DesignError, show
from geometries.slide import circle, furniture

if TYPE_CHECKING:
    from geometries.device import Limits
    from geometries.pore_filter import PoreFilter

# Steps of half a pore's size, um: pores that are equal within them are one shape. Slanted ones differ in two ways.
_UPRIGHT, _SLANTED = 1e-3, 1e-2
_ONLY_MASKS = 'what = "chip" of a membrane is for masks only: all its pores are too many to mesh; take "array" and a --block'


def chip_part(membrane: PoreFilter, limits: Limits, title: str) -> Part:
    """All pores of the spot in the middle of the slide.

    Raises:
        DesignError: The spot does not fit the slide.
    """
    size, margin = (limits.slide_length / UNIT, limits.slide_width / UNIT), limits.slide_margin / UNIT
    middle, diameter = (size[0] / 2, size[1] / 2), membrane.spot_diameter / UNIT
    room = min(size) - 2 * margin
    if diameter > room:
        raise DesignError(
            f"the whole chip does not fit the slide: spot_diameter = {show(membrane.spot_diameter, 'mm')} is above "
            f"{show(room * UNIT, 'mm')} within its margins"
        )
    frame = circle(middle, diameter / 2, "spot")
    plan = Outline(
        frame,
        (),
        depth=membrane.thickness / UNIT,
        tips=(),
        tip_radius=0.0,
        throat=membrane.size / UNIT,
        plate=True,
    )
    words = (
        f"{title}   {membrane.pore} {show(membrane.size, 'um')}   {membrane.density * 1e-4:,.0f} pores/cm2"
    )
    details = furniture(size, margin, {}, limits.port_diameter / UNIT, words, frame.polygon(1.0))
    return Part("chip", plan, _only_masks, _pores(membrane, middle), details, in_space=False)


def _only_masks(of: str, thickness: float | None) -> Shape:
    raise DesignError(_ONLY_MASKS)


def _pores(membrane: PoreFilter, middle: Point) -> tuple[Copies, ...]:
    """Pores of one shape together. A mask shows what is asked for: on a lattice all pores have their nominal size."""
    pores, half = membrane.pores(), np.divide(membrane.opening, 2 * UNIT)
    at = np.column_stack([pores.x, pores.y]) / UNIT
    if membrane.placement != "poisson":
        # Half a pitch along a row, and a whole one across, in whole nanometres.
        exact = np.array(membrane.pitches) / UNIT * (0.5, 1.0)
        at = np.round(at / exact) * np.round(exact, 3) + middle
        shape = opening_loop(_bore(membrane, *half))
        return (Copies(shape, lattices((float(x), float(y)) for x, y in at)),)
    step = _SLANTED if membrane.tilt else _UPRIGHT
    across = np.round(pores.scale * half[1] / step).astype(int)
    along = np.round(pores.scale * half[0] / np.cos(pores.tilt) / step).astype(int)
    groups: dict[tuple[int, int], list[Lattice]] = defaultdict(list)
    for a, b, (x, y) in zip(along, across, np.round(at + middle, 3), strict=True):
        groups[int(a), int(b)].append(Lattice((float(x), float(y))))
    return tuple(
        Copies(opening_loop(_bore(membrane, a * step, b * step)), tuple(found))
        for (a, b), found in sorted(groups.items())
    )


def _bore(membrane: PoreFilter, along: float, across: float) -> Bore:
    """A bore at the origin whose opening has these halves along x and y."""
    if membrane.pore == "round":
        return Bore(0.0, 0.0, 2 * across, tilt=math.acos(min(across / along, 1.0)))
    return Bore(0.0, 0.0, 2 * along, 2 * across)
