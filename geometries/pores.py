"""Where the pores of a membrane lie, which of them overlap, and how much they then open."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from geometries.pore_filter import PoreFilter

#: Standard deviations at which a spread of sizes is cut.
CUT = 3.0

_SIDES = 64  # of a polygon that stands for a round opening, and has its area


@dataclass(frozen=True)
class Pores:
    """The pores of a spot.

    Attributes:
        x: Of their middles on the upstream face, m, shape (N,).
        y: The same across.
        scale: Their size over the nominal one.
        tilt: Angle of their track to the normal, in the plane of x, rad, signed.
        group: Number of the group of pores overlapping on the upstream face that each belongs to.
        group_size: Pores in that group.
        share: Open area of the group on the upstream face over the sum of its pores' areas: below 1 where pores overlap.
        rim_share: The same of the perimeters.
        through: Whether a pore is one of exactly two that overlap on both faces.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    scale: NDArray[np.float64]
    tilt: NDArray[np.float64]
    group: NDArray[np.int64]
    group_size: NDArray[np.int64]
    share: NDArray[np.float64]
    rim_share: NDArray[np.float64]
    through: NDArray[np.bool_]


@dataclass(frozen=True)
class PoreStatistics:
    """How the pores of a spot lie; shares of all pores.

    Attributes:
        count: Pores.
        isolated: Overlapping no other on the upstream face.
        in_doublets: In groups of two.
        in_triplets: In groups of three.
        in_larger: In larger groups.
        coverage: Open area of the upstream face over its area, overlaps once.
        groups_per_pore: Openings (groups) for each pore.
        through_doublets: In pairs that overlap on both faces.
    """

    count: int
    isolated: float
    in_doublets: float
    in_triplets: float
    in_larger: float
    coverage: float
    groups_per_pore: float
    through_doublets: float

    def to_dict(self) -> dict[str, Any]:
        """For result.json."""
        return asdict(self)


@lru_cache(maxsize=8)
def place_pores(membrane: PoreFilter) -> Pores:
    """The pores of a membrane's spot, by its seed."""
    rng = np.random.default_rng(membrane.seed)
    radius = membrane.spot_diameter / 2
    if membrane.placement == "poisson":
        # A rim of membrane around the spot gives its outermost pores their neighbours.
        reach = 20 * membrane.size + membrane.thickness * math.tan(membrane.tilt)
        outer = radius + reach
        count = round(membrane.density * math.pi * outer**2)
        r, angle = outer * np.sqrt(rng.random(count)), 2 * math.pi * rng.random(count)
        places = np.column_stack([r * np.cos(angle), r * np.sin(angle)])
    else:
        places = _lattice(membrane, radius)
    inside = np.hypot(*places.T) <= radius
    scale = _scales(membrane.tolerance, rng, len(places))
    tilt = membrane.tilt * (2 * rng.random(len(places)) - 1)
    halves = np.column_stack([scale / np.cos(tilt), scale]) * np.divide(membrane.opening, 2)
    round_ = membrane.pore == "round"
    pairs = _overlapping(places, halves, round_)
    group, size = _groups(len(places), pairs)
    shift = np.column_stack([membrane.thickness * np.tan(tilt), np.zeros(len(tilt))])
    beneath = _overlapping(places + shift, halves, round_) if len(pairs) else pairs
    both = set(map(tuple, pairs)) & set(map(tuple, beneath))
    through = np.zeros(len(places), dtype=bool)
    for a, b in both:
        through[[a, b]] = size[a] == 2
    share, rim_share = _shares(places, halves, group, size, round_)
    _, group = np.unique(group[inside], return_inverse=True)
    return Pores(
        places[inside, 0],
        places[inside, 1],
        scale[inside],
        tilt[inside],
        group,
        size[inside],
        share[inside],
        rim_share[inside],
        through[inside],
    )


def _lattice(membrane: PoreFilter, radius: float) -> NDArray[np.float64]:
    along, across = membrane.pitches
    rows = np.arange(-math.ceil(radius / across), math.ceil(radius / across) + 1)
    columns = np.arange(-math.ceil(radius / along) - 1, math.ceil(radius / along) + 2)
    x, y = np.meshgrid(columns * along, rows * across)
    if membrane.placement == "hexagonal":
        x = x + along / 2 * (rows % 2)[:, None]
    places = np.column_stack([x.ravel(), y.ravel()])
    return places[np.hypot(*places.T) <= radius]


def _scales(
    tolerance: float | tuple[float, float], rng: np.random.Generator, count: int
) -> NDArray[np.float64]:
    if isinstance(tolerance, tuple):
        return 1 + rng.uniform(*tolerance, count)
    spread = rng.standard_normal(count)
    while np.any(far := np.abs(spread) > CUT):
        spread[far] = rng.standard_normal(int(far.sum()))
    return 1 + tolerance * spread


def _overlapping(places: NDArray, halves: NDArray, round_: bool) -> NDArray[np.intp]:
    """Pairs of pores whose openings overlap on a face, by half their extents along x and y (a slanted track: an ellipse)."""
    from scipy.spatial import cKDTree

    reach = 2 * float(halves[:, 0].max() if round_ else np.hypot(*halves.T).max())
    pairs = cKDTree(places).query_pairs(reach, output_type="ndarray")
    a, b = pairs.T
    apart, meet = np.abs(places[a] - places[b]), halves[a] + halves[b]
    if not round_:
        return pairs[np.all(apart < meet, axis=1)]
    # Two ellipses of nearly one stretch: circles again where x is divided by it.
    stretch = (halves[a, 0] / halves[a, 1] + halves[b, 0] / halves[b, 1]) / 2
    return pairs[np.hypot(apart[:, 0] / stretch, apart[:, 1]) < meet[:, 1]]


def _groups(count: int, pairs: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    return group.astype(np.int64), np.bincount(group)[group]


def _shares(
    places: NDArray, halves: NDArray, group: NDArray, size: NDArray, round_: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area and perimeter of each pore's group, over the sums of its pores' ones."""
    import shapely

    shares = np.ones((2, len(places)))
    grouped = np.flatnonzero(size > 1)
    grouped = grouped[np.lexsort([group[grouped], size[grouped]])]
    if not len(grouped):
        return shares[0], shares[1]
    # In units of the largest opening, as shapely does not like areas of 1e-11.
    unit = float(halves.max())
    starts = np.flatnonzero(np.r_[True, np.diff(group[grouped]) != 0])
    members = size[grouped[starts]]
    for n in np.unique(members):  # groups of one size at once
        whole, sums = None, [0.0, 0.0]
        for k in range(n):
            pores = grouped[starts[members == n] + k]
            shapes = _openings(places[pores] / unit, halves[pores] / unit, round_)
            whole = shapes if whole is None else shapely.union(whole, shapes)
            sums = [sums[0] + shapely.area(shapes), sums[1] + shapely.length(shapes)]
        of_size = grouped[(starts[members == n][:, None] + np.arange(n)).ravel()]
        for kept, own, of in zip(shares, sums, (shapely.area, shapely.length), strict=True):
            kept[of_size] = np.repeat(of(whole) / own, n)
    return np.minimum(shares[0], 1.0), np.minimum(shares[1], 1.0)


def _openings(places: NDArray, halves: NDArray, round_: bool) -> NDArray[np.object_]:
    """Openings as polygons."""
    import shapely

    if not round_:
        return np.asarray(shapely.box(*(places - halves).T, *(places + halves).T))
    step = 2 * math.pi / _SIDES
    angles = step * np.arange(_SIDES)
    ring = np.column_stack([np.cos(angles), np.sin(angles)]) * math.sqrt(step / math.sin(step))
    return np.asarray(shapely.polygons(places[:, None] + halves[:, None] * ring))
