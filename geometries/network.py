"""Networks of channels: pressures and flows from the resistances between nodes, and the flow of each path of an array.

All per unit viscosity: a resistance is a pressure drop over viscosity and flow rate, 1/m3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometries.feed import Feed
from geometries.manifold import Taper

Array = NDArray[np.float64]

_SAMPLES = 8  # of the width in a cell of a manifold


def pressures(ends: NDArray[np.int64], resistances: Array, source: int, sink: int) -> Array:
    """Pressures over viscosity at the nodes for a unit flow rate from ``source`` to ``sink``, where it is zero.

    Args:
        ends: Nodes that each channel joins, shape (n, 2), numbered from 0 on; all of them are joined to the sink.
        resistances: Of the channels, 1/m3, shape (n,).
        source: Node where the liquid comes in.
        sink: Node where it leaves.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import spsolve

    a, b = ends.T
    count, g = int(ends.max()) + 1, 1 / resistances
    rows, columns = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    matrix = coo_matrix((np.concatenate([g, g, -g, -g]), (rows, columns)), shape=(count, count)).tocsr()
    kept = np.flatnonzero(np.arange(count) != sink)
    load = np.zeros(count)
    load[source] = 1.0
    found = np.zeros(count)
    found[kept] = spsolve(matrix[kept][:, kept].tocsc(), load[kept])
    return found


@dataclass(frozen=True)
class Manifold:
    """A manifold cut into cells of equal length: the paths of each stand in its middle.

    Attributes:
        resistances: From the header to the middle of the first cell, then from middle to middle, 1/m3, shape (n,).
    """

    resistances: Array


def manifold(taper: Taper, lead: float, cells: int) -> Manifold:
    """A taper behind its lead.

    Args:
        taper: The manifold.
        lead: Length of the channel before it, as wide as its mouth, m.
        cells: How many it is cut into.
    """
    edges = np.r_[0.0, (np.arange(cells) + 0.5) / cells]
    at = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    share = (edges[:-1, None] + np.diff(edges)[:, None] * at).ravel()
    squares = (1 / taper.effective_at(share)).reshape(cells, _SAMPLES).mean(axis=1)
    along = squares * np.diff(edges) * taper.length
    along[0] += lead / taper.posts.effective(taper.mouth)
    return Manifold(along * square(taper.posts.depth))


def square(depth: float) -> float:
    """Resistance of a plane channel as long as it is wide, 1/m3."""
    return 12 / depth**3


@dataclass(frozen=True)
class Sharing:
    """How a chip shares its flow out.

    Attributes:
        flows: Of the paths over their mean, shape (banks, cells along a bank).
        resistance: From port to port, 1/m3.
    """

    flows: Array
    resistance: float

    @property
    def spread(self) -> float:
        """Largest less smallest flow of a path over the mean."""
        return float(self.flows.max() - self.flows.min())


def share_out(inlet: Feed, outlet: Feed, along: Manifold, paths: float, depth: float) -> Sharing:
    """Flow through banks that stand between tapers fed at one end and drained at the other.

    Args:
        inlet: From the inlet port to the banks.
        outlet: From the banks to the outlet port, seen from its own end of the slide: its first bank is the inlet's last.
        along: Each of the manifolds, from its mouth on.
        paths: Resistance of all paths of a bank in parallel, 1/m3.
        depth: Of the channels, m.
    """
    banks, n = len(inlet.necks), len(along.resistances)
    numbers = iter(range(2 + 4 * banks + 2 * banks * n))
    ports, ends, sizes, places = [], [], [], []
    for feed in (inlet, outlet):
        port, taps = next(numbers), [next(numbers) for _ in range(banks)]
        chain = [*taps[: feed.below], port, *taps[feed.below :]]
        leads = [next(numbers) for _ in range(banks)]
        ends += [*zip(chain[:-1], chain[1:], strict=True), *zip(taps, leads, strict=True)]
        sizes += [square(depth) * s for s in (*feed.legs, *feed.branches)]
        cells = [[next(numbers) for _ in range(n)] for _ in range(banks)]
        for lead, nodes in zip(leads, cells, strict=True):
            ends += zip([lead, *nodes[:-1]], nodes, strict=True)
            sizes += list(along.resistances)
        ports.append(port)
        places.append(np.array(cells))
    high, low = places[0], places[1][::-1, ::-1]
    ends += zip(high.ravel().tolist(), low.ravel().tolist(), strict=True)
    sizes += [paths * n] * (banks * n)
    found = pressures(np.array(ends), np.array(sizes), *ports)
    flows = found[high] - found[low]
    return Sharing(flows / flows.mean(), float(found[ports[0]]))
