"""Sizes of what a spiral sorts: diameters of the cells of a line, and the spheres around clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.capture.entries import Carried
from chipsim.capture.statistics import lognormal_sigma
from chipsim.cells import CellLine

#: Evenly likely diameters that stand for each kind of bodies.
CLASSES = 16

#: Radius of the smallest sphere around n touching equal ones over theirs (recalled: Gensane, Electron. J. Combin. 11, R33, 2004).
_AROUND = (
    1.0, 2.0, 2.1547, 2.2247, 2.4142, 2.4142, 2.5912, 2.6453, 2.7321, 2.8325, 2.9021, 2.9021, 3.0, 3.0911, 3.1416, 3.2157,
    3.2719, 3.3190, 3.3861, 3.4735,
)  # fmt: skip
_PACKED = 0.48  # share of a larger cluster's sphere that its cells fill, as 20 cells do


def largest_diameter(diameter: float, n: int) -> float:
    """Of a compact cluster of n cells, in the unit of their diameter."""
    if n <= len(_AROUND):
        return diameter * _AROUND[n - 1]
    return float(diameter * (n / _PACKED) ** (1 / 3))


def diameters(body: Carried, cv: float | None) -> list[float]:
    """Largest diameters of evenly likely classes, m; of a mixture its parts by their shares."""
    from scipy.special import ndtri

    levels = (np.arange(CLASSES) + 0.5) / CLASSES
    parts = body.line.parts or ((1.0, body.line),)
    if len(parts) > 1:
        # Of the mixture's distribution the same levels.
        grid = np.geomspace(1e-6, 1e-4, 4000)
        below = sum(share * _cdf(line, grid, cv) for share, line in parts)
        found = np.interp(levels, below, grid)
    else:
        line = parts[0][1]
        spread = line.diameter_cv if cv is None else cv
        found = median_diameter(line) * np.exp(lognormal_sigma(spread) * ndtri(levels))
    return [largest_diameter(float(d), body.n) for d in found]


def median_diameter(line: CellLine) -> float:
    """Median of single cells, m; a mixture's is that of its most frequent part."""
    if line.parts:
        return median_diameter(max(line.parts, key=lambda part: part[0])[1])
    return line.sphere_diameter or line.require("diameter")[0]


def _cdf(line: Any, grid: NDArray[Any], cv: float | None) -> NDArray[Any]:
    from scipy.special import ndtr

    spread = line.diameter_cv if cv is None else cv
    return np.asarray(ndtr(np.log(grid / median_diameter(line)) / lognormal_sigma(spread)))
