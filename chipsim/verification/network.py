"""The network of a whole chip: ladders of manifolds and paths beside their continuous solutions, and the tapers beside none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chipsim.verification.check import Check, compare, converging
from geometries.feed import Feed
from geometries.manifold import Posts, Taper, open_width
from geometries.network import Manifold, Sharing, manifold, pressures, share_out, square

DEPTH, LENGTH = 1e-4, 0.06
CONTINUOUS = "continuous solution: the difference of the manifolds' pressures d has d'' = m^2 d"
UNIFORM = "widths in proportion to the flow: the same pressure gradient in both manifolds"
DUCT = "White, Viscous Fluid Flow, 3rd ed., section 3-3.3"
_ALONE = Feed(0, (1e-9,), (1e-3,), (1e-9,))
_UNIT = 1e13  # resistance of all paths, 1/m3
_NO_POSTS = Posts(DEPTH, 1.0)


def even(drop: float, cells: int) -> Manifold:
    """A manifold of constant width that a constant flow over all of its length would take ``drop`` in."""
    cell = drop / cells
    return Manifold(np.r_[cell / 2, np.full(cells - 1, cell)])


def opposite(drop: float, paths: float, cells: int) -> Sharing:
    """Fed at one end, drained at the other (Z), with manifolds of constant width."""
    return share_out(_ALONE, _ALONE, even(drop, cells), paths, DEPTH)


def same_end(drop: float, paths: float, cells: int) -> NDArray[np.float64]:
    """Flows over their mean where the outlet is at the inlet's end (U)."""
    along = even(drop, cells).resistances
    high, low = np.arange(cells) + 2, np.arange(cells) + 2 + cells
    ends = [np.column_stack([np.r_[0, high[:-1]], high]), np.column_stack([np.r_[1, low[:-1]], low])]
    ends.append(np.column_stack([high, low]))
    sizes = np.concatenate([along, along, np.full(cells, paths * cells)])
    found = pressures(np.concatenate(ends), sizes, 0, 1)
    flows = found[high] - found[low]
    return flows / flows.mean()


def _cosh(m: float, at: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    """Flow over its mean, hyperbolic about a place; lengths over that of the manifold."""
    mean = (np.sinh(m * (1 - middle)) + np.sinh(m * middle)) / m
    return np.cosh(m * (at - middle)) / mean


def ladders() -> Iterator[Check]:
    """Manifolds that take three times as much as the array, as those of an end-fed chip do."""
    for name, drop in (("a third of the array's drop", 1 / 3), ("three times the array's drop", 3.0)):
        m, sizes = np.sqrt(2 * drop), np.array([50, 100, 200, 400])
        for kind, solve, middle in (
            ("opposite ends", lambda n, drop=drop: opposite(drop * _UNIT, _UNIT, n).flows[0], 0.5),
            ("the same end", lambda n, drop=drop: same_end(drop * _UNIT, _UNIT, n), 1.0),
        ):
            errors = []
            for cells in sizes:
                exact = _cosh(m, (np.arange(cells) + 0.5) / cells, middle)
                errors.append(float(np.abs(solve(int(cells)) - exact).max()))
            case = f"even manifolds, ports at {kind}, {name}"
            yield converging(
                case,
                CONTINUOUS,
                "flow of each path",
                1 / sizes,
                np.array(errors),
                limit=1e-4,
                least_order=1.9,
            )


def tapers() -> Iterator[Check]:
    """A manifold without posts, 4 mm wide, that takes three times as much as the array, to ends that are thinner and thinner."""
    mouth, cells = 4e-3, 1000
    drop = LENGTH / open_width(mouth, DEPTH) * square(DEPTH)
    found = []
    ends = np.array([1e-4, 5e-5, 2.5e-5])
    for end in ends:
        shared = share_out(
            _ALONE, _ALONE, manifold(Taper(LENGTH, mouth, end, _NO_POSTS), 0.0, cells), drop / 3, DEPTH
        )
        found.append(shared)
    name = "tapers of 4 mm, ports at opposite ends"
    spreads = np.array([shared.spread for shared in found])
    yield converging(
        name,
        UNIFORM,
        "spread of the flow by the width of the ends",
        ends,
        spreads,
        limit=2e-3,
        least_order=1.0,
    )
    yield compare(name, UNIFORM, "resistance, 1/m3", drop + drop / 3, found[-1].resistance, 1e-3)
    whole = opposite(drop, drop / 3, cells).spread
    bent = _cosh(np.sqrt(6.0), (np.arange(cells) + 0.5) / cells, 0.5)
    yield compare("the same of constant width", CONTINUOUS, "spread of the flow", np.ptp(bent), whole, 1e-3)
    for ratio, expected in ((1.0, 0.421731), (2.0, 0.686045), (10.0, 0.936975)):
        got = open_width(ratio * DEPTH, DEPTH) / (ratio * DEPTH)
        yield compare(
            f"duct {ratio:g} times as wide as deep", DUCT, "flow over that of plates", expected, got, 1e-5
        )


def network() -> Iterator[Check]:
    """Ladders and tapers."""
    yield from ladders()
    yield from tapers()
