"""Flow through a whole spiral channel in space beside what its sections sum up to."""

from __future__ import annotations

from collections.abc import Iterator

from chipsim.flow.spiral_channel import solve_channel
from chipsim.verification.check import Check, compare
from geometries.spiral import Spiral

SECTIONS = "creeping flow in the sections, summed over the bends"
DRAWING = "area of the section times the length of the centre-line"


def channel() -> Iterator[Check]:
    """The spiral of Hou et al. 2013, 10 cm, without its branches."""
    spiral = Spiral()
    flow = solve_channel(spiral)
    name = "spiral of Hou et al. 2013, Stokes flow in space"
    yield compare(name, DRAWING, "volume", spiral.area * spiral.length, flow.volume, 1e-6)
    yield compare(
        name, SECTIONS, "resistance over viscosity, 1/m3", flow.sections_resistance, flow.resistance, 2e-3
    )
    # What the pressure does is what the walls hold: of a developed flow, its area times the drop.
    perimeter = 4 * spiral.area / spiral.hydraulic_diameter
    held = flow.sections_resistance * spiral.area / perimeter / spiral.length
    yield compare(name, SECTIONS, "mean wall shear rate over flow rate, 1/m3", held, flow.wall_shear, 2e-3)
