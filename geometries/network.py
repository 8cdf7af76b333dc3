"""Networks of channels: pressures and flows from the resistances between nodes, and the flow of each path of an array.

All per unit viscosity: a resistance is a pressure drop over viscosity and flow rate, 1/m3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
class Spread:
    """How a network shares the flow out.

    Attributes:
        flows: Of the paths over their mean, shape (banks, places along a bank).
        resistance: From port to port, 1/m3.
    """

    flows: Array
    resistance: float

    @property
    def spread(self) -> float:
        """Largest less smallest flow of a path over the mean."""
        return float(self.flows.max() - self.flows.min())


def solve(
    inlet: Array, outlet: Array, paths: Array, feed_in: Array, feed_out: Array, port_in: float, port_out: float
) -> Spread:
    """Banks between two manifolds each, joined by a header on either side.

    Args:
        inlet: Resistances of the inlet manifolds, shape (n + 1,), from the header to the first place, from place to place, and
            to the closed end (which does not count): the first n do.
        outlet: The same of the outlet manifolds, in the same direction: from the closed end on, the last to the header.
        paths: Resistance of all the paths at a place, shape (n,).
        feed_in: Of the inlet header between the banks, shape (banks - 1,).
        feed_out: The same of the outlet header.
        port_in: From the port to the first bank.
        port_out: From the last bank to the port.
    """
    banks, n = len(feed_in) + 1, len(paths)
    source, sink, taps = 0, 1, 2 + np.arange(2 * banks).reshape(2, banks)
    first = 2 + 2 * banks
    high = first + np.arange(banks * n).reshape(banks, n)
    low = high + banks * n
    ends, values = [[source, taps[0, 0]], [taps[1, -1], sink]], [port_in, port_out]
    for k in range(banks - 1):
        ends += [[taps[0, k], taps[0, k + 1]], [taps[1, k], taps[1, k + 1]]]
        values += [feed_in[k], feed_out[k]]
    pairs, sizes = [np.array(ends)], [np.array(values)]
    for k in range(banks):
        along_in, along_out = np.r_[taps[0, k], high[k]], np.r_[low[k], taps[1, k]]
        pairs += [np.column_stack([c[:-1], c[1:]]) for c in (along_in, along_out)]
        pairs.append(np.column_stack([high[k], low[k]]))
        sizes += [inlet[:n], outlet[1:], paths]
    found = pressures(np.concatenate(pairs), np.concatenate(sizes), source, sink)
    flows = (found[high] - found[low]) / paths
    return Spread(flows / flows.mean(), float(found[source]))
