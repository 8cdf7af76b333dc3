"""Pieces of a spiral for other tools: a quarter turn and the whole channel with its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geometries.part import COARSE, Part
from geometries.part import channel_part as flat_part

if TYPE_CHECKING:
    from geometries.spiral import Spiral


def cell_part(spiral: Spiral) -> Part:
    """A quarter turn at the inner end."""
    return flat_part("quarter", spiral.block(), COARSE)


def channel_part(spiral: Spiral) -> Part:
    """The whole channel with its ports."""
    return flat_part("channel", spiral.channel(), COARSE)
