"""A port and the header that leads from it to the banks of a chip, through necks that let the same flow into each.

Seen from the port, banks that lie farther away have the larger drop in the header; their necks are the wider::

      header   neck  lead
      |    |________|        tap 1
      |     ________  wide
      |    |        |
      | (o)|________|        tap 0
      |     ________  narrow
      |    |        |

What a neck takes is its length over its effective width, and what the plane flow loses on the way in and out of it: at an opening
of width w in the side of a header of width H ln(e H / 2 w) / pi, at the step to a lead the formula of a step in a strip (Hall,
Thin Solid Films 1, 277 (1968), recalled; both from conformal maps, the first for narrow openings).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from geometries.manifold import Posts

#: Length of a neck, m.
NECK = 1e-3
_WIDEST = 0.5  # neck over the header: a wider one is no branch of it any more
_STEPS = 50


@dataclass(frozen=True)
class Feed:
    """How the liquid gets from a port to the banks, or back. "Squares" are lengths over effective widths.

    Attributes:
        below: How many taps lie below the port.
        legs: Squares of the header between port and taps in the order of their places.
        necks: Widths of the necks, m.
        branches: Squares from the header through each neck into its lead.
    """

    below: int
    legs: tuple[float, ...]
    necks: tuple[float, ...]
    branches: tuple[float, ...]


def feed(taps: Sequence[float], port: float, header: float, lead: float, posts: Posts) -> Feed:
    """Necks that let the same flow into each lead.

    Args:
        taps: Places of the leads along the header, rising, m.
        port: Its place, m.
        header: Width, m.
        lead: Width of the leads, m.
        posts: In all of them.
    """
    below = sum(tap < port for tap in taps)
    places, wide = [*taps[:below], port, *taps[below:]], posts.effective(header)
    legs = tuple((b - a) / wide for a, b in zip(places[:-1], places[1:], strict=True))
    drops = _drops(legs, below)
    widest = min(_WIDEST * header, lead, posts.span)

    def branch(neck: float) -> float:
        return NECK / posts.effective(neck) + opening(neck, header) + step(neck, lead)

    most = max(drops) + branch(widest)
    necks = tuple(_falling(branch, most - drop, posts.depth, widest) for drop in drops)
    return Feed(below, legs, necks, tuple(branch(neck) for neck in necks))


def _drops(legs: Sequence[float], below: int) -> list[float]:
    """From the port to each tap where each takes a unit flow, squares."""
    down, up = list(legs[:below]), list(legs[below:])
    out: list[list[float]] = []
    for side in (down[::-1], up):
        drops, drop = [], 0.0
        for k, leg in enumerate(side):
            drop += (len(side) - k) * leg
            drops.append(drop)
        out.append(drops)
    return [*out[0][::-1], *out[1]]


def opening(width: float, header: float) -> float:
    """Squares that an opening in the side of a header adds, on its own side."""
    return math.log(math.e * header / (2 * width)) / math.pi


def step(narrow: float, wide: float) -> float:
    """Squares that a step of width in the middle of a strip adds."""
    a = wide / narrow
    if a < 1 + 1e-9:
        return 0.0
    return ((a * a + 1) / a * math.log((a + 1) / (a - 1)) - 2 * math.log(4 * a / (a * a - 1))) / (2 * math.pi)


def _falling(function: Callable[[float], float], value: float, low: float, high: float) -> float:
    """Where a falling function has a value, or the nearer end."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > value else (low, middle)
    return high
