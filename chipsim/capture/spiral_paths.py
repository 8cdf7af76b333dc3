"""The ways of a few bodies along a spiral, for pictures: where each is in the section, from its start to the outlets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.spiral_setting import Setting
from chipsim.capture.trajectories import Room, Way, carried_along, starts
from geometries.quantities import DesignError

Array = NDArray[np.float64]

#: Bodies that are followed.
COUNT = 8


@dataclass(frozen=True)
class Paths:
    """The ways of bodies of one size.

    Attributes:
        diameter: M.
        along: Length along the channel, m, shape (k,).
        across: From the inner wall, m, shape (k, bodies).
        height: From half-way between floor and ceiling, m, shape (k, bodies).
    """

    diameter: float
    along: Array
    across: Array
    height: Array


def paths(diameter: float, setting: Setting, *, count: int = COUNT) -> Paths:
    """Follow bodies of one size from where the sample's stream carries them in.

    Args:
        diameter: M; of a size beyond the table of lift they take that of its last.
        setting: Spiral, operation and assumptions.
        count: Of bodies, a power of 2.

    Raises:
        DesignError: They do not fit the channel.
    """
    way = _way(setting, diameter / (2 * setting.half_height))
    if not way.room.fits:
        raise DesignError(
            f"a body of {diameter * 1e6:.3g} um does not fit the channel of {2e6 * setting.half_height:g} um"
        )
    entry = setting.bends[0] if setting.along[0] <= setting.along[-1] else setting.bends[-1]
    places = starts(
        entry.speed, way.room, setting.sample_line, count, setting.seed, outer=setting.outer_sample
    )
    seen: list[Array] = []
    carried_along(places, way, setting.length, setting.along, lambda at, bend: seen.append(at.copy()))
    x, z = np.moveaxis(np.array(seen), -1, 0)
    return Paths(
        diameter=diameter,
        along=np.linspace(0.0, setting.length, len(seen)) * setting.half_height,
        across=(x + setting.half_width) * setting.half_height,
        height=z * setting.half_height,
    )


def _way(setting: Setting, alpha: float) -> Way:
    """How bodies of one size migrate, as :func:`chipsim.capture.spiral.fate` has it."""
    sizes = setting.table.sizes
    size = setting.table.at(float(np.clip(alpha, sizes[0].alpha, sizes[-1].alpha)))
    lift = setting.bends[0].drift(size)
    rates = [bend.rates(lift, setting.assumed.lift_factor, alpha) for bend in setting.bends]
    room = Room(setting.half_width, 1.0, 1.0, alpha)
    return Way(np.array([bend.flow.curvature for bend in setting.bends]), rates, room)
