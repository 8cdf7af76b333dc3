"""The ways of bodies along a spiral: where each is in the section, from its start to the outlets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.migration import rates_in
from chipsim.capture.spiral_setting import Setting
from chipsim.capture.trajectories import Way, carried_along, starts
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
    alpha = diameter / (2 * setting.half_height)
    if not setting.room(alpha).fits:
        raise DesignError(
            f"a body of {diameter * 1e6:.3g} um does not fit the channel of {2e6 * setting.half_height:g} um"
        )
    (way,) = ways(alpha, setting, (setting.assumed.lift_factor,))
    seen: list[Array] = []
    follow(way, setting, count, lambda at: seen.append(at.copy()))
    x, z = np.moveaxis(np.array(seen), -1, 0)
    return Paths(
        diameter=diameter,
        along=np.linspace(0.0, setting.length, len(seen)) * setting.half_height,
        across=(x + setting.half_width) * setting.half_height,
        height=z * setting.half_height,
    )


def ways(alpha: float, setting: Setting, factors: Sequence[float]) -> list[Way]:
    """How bodies of one size migrate, for each factor.

    Args:
        alpha: Their diameter over the height; beyond the table of lift they take that of its last size.
        setting: Spiral and operation.
        factors: Multiples of the lift.
    """
    sizes = setting.table.sizes
    size = setting.table.at(float(np.clip(alpha, sizes[0].alpha, sizes[-1].alpha)))
    bends = np.array([bend.flow.curvature for bend in setting.bends])
    room = setting.room(min(alpha, 1.0))
    return [Way(bends, rates, room) for rates in rates_in(setting.bends, size, alpha, factors)]


def follow(way: Way, setting: Setting, count: int, watch: Callable[[Array], None]) -> Array:
    """Where bodies end in the section, half-heights, shape (count, 2).

    Args:
        way: How they migrate.
        setting: Spiral and operation.
        count: How many, a power of 2.
        watch: Told their places at the beginning and after every step.
    """
    entry = setting.bends[0] if setting.along[0] <= setting.along[-1] else setting.bends[-1]
    places = starts(
        entry.speed, way.room, setting.sample_line, count, setting.seed, outer=setting.outer_sample
    )
    return carried_along(places, way, setting.length, setting.along, watch)
