"""The pore filter (ISET, microsieves, slit filters): a membrane with pores, filtered through from above.

Flow runs across the membrane. From the side, and the membrane from above::

         inlet        tilt             o    o      spot: a disc of spot_diameter
      ____    ______ / /____  ^          o   8 o   density: pores per area
     |####|  |#####| / /####| | thick-  o  o       poisson: as etched; pores that overlap stay
     |####|  |####/ / |#####| | ness       o    o  the doublets (8) and triplets that they are
     |####|  |####| | |#####| v         o  o  o
           <->
        diameter (round), width (slit, square; a slit's length lies along y)

Defaults: a track-etched membrane of ISET. Diameter 8 um: read, Hong 2016 (review, section 3); density 1e5 /cm2 and tolerance
+0/-20 %: read, Sterlitech's sheet of its 8 um grade (which is 7 um thick); thickness 10 um and spot of 6 mm: recalled.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from geometries.device import Device
from geometries.quantities import DesignError, count_type, field_type, quantity, show

SHAPES = ("round", "slit", "square")
PLACEMENTS = ("poisson", "square", "hexagonal")

_PUBLISHED_DIAMETER = 8e-6
_MOST_PORES = 5_000_000
# Discs at random cover so much that the membrane falls apart at 1.13 (percolation); well before that it has no strength.
_MOST_COVERAGE = 0.5
_LARGEST_RUN = 0.1  # of a slanted track along the membrane, over the spot's diameter
_CUT = 3.0  # standard deviations at which a spread of sizes is cut


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
        share: Area that each opens over its own area: below 1 where pores overlap (pairs' common area is halved between them).
        through: Whether a pore is one of exactly two that overlap on both faces.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    scale: NDArray[np.float64]
    tilt: NDArray[np.float64]
    group: NDArray[np.int64]
    group_size: NDArray[np.int64]
    share: NDArray[np.float64]
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
        coverage: Open area of the upstream face over its area, overlaps once (chance to be covered, from the pores' areas).
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


class PoreFilter(Device):
    """A pore filter. With no arguments the 8 um track-etched membrane of ISET.

    Attributes:
        pore: ``"round"``, ``"slit"`` or ``"square"``.
        diameter: Of round pores, m; left out: 8 um.
        width: Short side of a slit, side of a square pore, m.
        length: Long side of a slit, m.
        tolerance: Spread of the pores' size about the nominal one: a coefficient of variation (normal, cut at three), or a pair
            of limits between which all sizes are alike likely (track-etched grades are sold as +0/-20 %: Sterlitech, read).
        density: Pores per area of membrane, 1/m2.
        thickness: Of the membrane, m.
        tilt: Largest angle of the tracks to the normal, rad: all angles up to it, in one plane, are alike likely.
        placement: ``"poisson"`` (as etched), ``"square"`` or ``"hexagonal"`` (by lithography).
        spot_diameter: Of the disc that is filtered through, m.
        seed: Of the places, sizes and angles of the pores.
    """

    kind: ClassVar[str] = "pore_filter"

    pore: str = "round"
    diameter: field_type("m", "0.1 um", "1 mm", optional=True) = None
    width: field_type("m", "0.1 um", "1 mm", optional=True) = None
    length: field_type("m", "0.1 um", "5 mm", optional=True) = None
    tolerance: float | tuple[float, float] = (-0.2, 0.0)
    density: field_type("1/m^2", "1 /cm^2", "1e10 /cm^2") = 1e9
    thickness: field_type("m", "0.1 um", "1 mm") = 10e-6
    tilt: field_type("rad", 0.0, "80 deg") = 0.0
    placement: str = "poisson"
    spot_diameter: field_type("m", "10 um", "1 m") = 6e-3
    seed: count_type(0, 2**32 - 1) = 0

    @field_validator("tolerance", mode="before")
    @classmethod
    def _tolerance_is_read(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise DesignError(f'tolerance = {list(value)} is not a pair of limits like ["-20 %", "0 %"]')
            low, high = (quantity(v, "", "tolerance", "-90 %", "100 %") for v in value)
            if low > high:
                raise DesignError(f"tolerance = {list(value)} has its lower limit above its upper one")
            return low, high
        return quantity(value, "", "tolerance", "0 %", "30 %")

    @model_validator(mode="after")
    def _membrane_exists(self) -> PoreFilter:
        self._known("pore", SHAPES)
        self._known("placement", PLACEMENTS)
        self._sizes_fit_the_shape()
        run = self.thickness * math.tan(self.tilt)
        if run > _LARGEST_RUN * self.spot_diameter:
            raise DesignError(
                f"tilt = {show(self.tilt, 'deg')} lets a track leave the membrane: it runs {show(run, 'um')} sideways, "
                f"above a tenth of the spot of {show(self.spot_diameter, 'um')}"
            )
        if self.tilt > 0 and (self.placement != "poisson" or self.pore != "round"):
            raise DesignError(
                f'tilt = {show(self.tilt, "deg")} is for the round tracks of an etched membrane (placement = "poisson"); pores '
                "made by lithography stand upright"
            )
        self._membrane_holds_the_pores()
        return self

    def _known(self, name: str, known: tuple[str, ...]) -> None:
        if getattr(self, name) not in known:
            raise DesignError(f'{name} = "{getattr(self, name)}" is unknown; known are {", ".join(known)}')

    def _sizes_fit_the_shape(self) -> None:
        wrong = ("width", "length") if self.pore == "round" else ("diameter",)
        for name in wrong:
            if getattr(self, name) is not None:
                raise DesignError(f"{name} does not fit a {self.pore} pore; give its {_asked(self.pore)}")
        if self.pore == "round":
            if self.diameter is None:
                object.__setattr__(self, "diameter", _PUBLISHED_DIAMETER)
            return
        if self.width is None or (self.pore == "slit" and self.length is None):
            raise DesignError(f"a {self.pore} pore needs its {_asked(self.pore)}")
        if self.pore == "square" and self.length not in (None, self.width):
            raise DesignError(
                f'length = {show(self.length or 0, "um")} of a square pore is not its width; leave it out or write pore = "slit"'
            )
        if self.pore == "slit" and (self.length or 0) < self.width:
            raise DesignError(
                f"length = {show(self.length or 0, 'um')} of a slit is below its width of {show(self.width, 'um')}"
            )
        if self.pore == "slit" and self.placement != "square":
            raise DesignError(
                f'placement = "{self.placement}" is for pores without direction; slits stand on placement = "square"'
            )

    def _membrane_holds_the_pores(self) -> None:
        if self.placement == "poisson":
            if self.nominal_coverage > _MOST_COVERAGE:
                raise DesignError(
                    f"density = {show(self.density, '1/cm^2')} of pores of {show(self.size, 'um')} takes "
                    f"{self.nominal_coverage:.0%} of the membrane, above {_MOST_COVERAGE:.0%}: at random they leave none"
                )
        elif min(self.walls) <= 0:
            raise DesignError(
                f"density = {show(self.density, '1/cm^2')} leaves no wall between pores of {show(self.size, 'um')} on a "
                f"{self.placement} lattice; lower it"
            )
        expected = self.density * self.spot_area
        if not 1 <= expected <= _MOST_PORES:
            raise DesignError(
                f"spot_diameter = {show(self.spot_diameter, 'mm')} holds {expected:.3g} pores, outside 1 to {_MOST_PORES}"
            )

    # -- dimensions that follow --------------------------------------------------------------------------------------------
    @property
    def opening(self) -> tuple[float, float]:
        """Extent of an opening along x and y, m."""
        if self.pore == "round":
            return self.size, self.size
        return self.size, self.size if self.length is None else self.length

    @property
    def size(self) -> float:
        """Narrowest clear width of an opening, m."""
        found = self.diameter if self.pore == "round" else self.width
        assert found is not None  # since the validation
        return found

    @property
    def area(self) -> float:
        """Of one nominal opening, m2."""
        x, y = self.opening
        return x * y * (math.pi / 4 if self.pore == "round" else 1.0)

    @property
    def perimeter(self) -> float:
        """Of one nominal opening, m."""
        return math.pi * self.size if self.pore == "round" else 2 * sum(self.opening)

    @property
    def nominal_coverage(self) -> float:
        """Area of the nominal openings over that of the membrane, overlaps counted twice."""
        return self.density * self.area

    @property
    def spot_area(self) -> float:
        """m2."""
        return math.pi / 4 * self.spot_diameter**2

    @property
    def pitches(self) -> tuple[float, float]:
        """Distances of neighbours in a row along x, and of the rows along y, m; of random pores those of a square lattice.

        Slits have walls of one thickness on all sides; the rows of a hexagonal lattice are half a pitch aside of each other.
        """
        if self.placement == "hexagonal":
            pitch = math.sqrt(2 / (math.sqrt(3) * self.density))
            return pitch, pitch * math.sqrt(3) / 2
        x, y = self.opening
        # (x + wall) (y + wall) = 1 / density; for equal sides the square lattice.
        wall = (math.sqrt((x - y) ** 2 + 4 / self.density) - x - y) / 2
        return x + wall, y + wall

    @property
    def walls(self) -> tuple[float, float]:
        """Clear widths of membrane between neighbours of a lattice, along and across, m."""
        x, y = self.opening
        across = self.pitches[0] - y if self.placement == "hexagonal" else self.pitches[1] - y
        return self.pitches[0] - x, across

    # -- the pores of a spot -----------------------------------------------------------------------------------------------
    def pores(self) -> Pores:
        """All pores of the spot, by the seed; the same object for the same membrane."""
        return _pores(self)

    def statistics(self) -> PoreStatistics:
        """How they lie. Pores at the spot's border have their neighbours beyond it, where the membrane goes on."""
        pores = self.pores()
        size = pores.group_size
        area = float(np.sum(pores.scale**2 / np.cos(pores.tilt))) * self.area / self.spot_area
        covered = 1 - math.exp(-area) if self.placement == "poisson" else area
        return PoreStatistics(
            count=len(size),
            isolated=float(np.mean(size == 1)),
            in_doublets=float(np.mean(size == 2)),
            in_triplets=float(np.mean(size == 3)),
            in_larger=float(np.mean(size > 3)),
            coverage=covered,
            groups_per_pore=float(np.mean(1 / size)),
            through_doublets=float(np.mean(pores.through)),
        )

    def derived(self) -> dict[str, Any]:
        """The table ``pores``: how they lie."""
        return {"pores": self.statistics().to_dict()}


def _asked(shape: str) -> str:
    return {"round": "diameter", "square": "width", "slit": "width and length"}[shape]


@lru_cache(maxsize=8)
def _pores(membrane: PoreFilter) -> Pores:
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
    pairs: NDArray[np.intp] = np.empty((0, 2), dtype=np.intp)
    if membrane.placement == "poisson":  # on a lattice no two overlap
        pairs = _overlapping(places, membrane.size * scale, tilt)
    group, size = _groups(len(places), pairs)
    shift = np.column_stack([membrane.thickness * np.tan(tilt), np.zeros(len(tilt))])
    beneath = _overlapping(places + shift, membrane.size * scale, tilt) if len(pairs) else pairs
    both = set(map(tuple, pairs)) & set(map(tuple, beneath))
    through = np.zeros(len(places), dtype=bool)
    for a, b in both:
        through[[a, b]] = size[a] == 2
    share = _shares(places, membrane.size * scale / 2, pairs)
    _, group = np.unique(group[inside], return_inverse=True)
    return Pores(
        places[inside, 0],
        places[inside, 1],
        scale[inside],
        tilt[inside],
        group,
        size[inside],
        share[inside],
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
    while np.any(far := np.abs(spread) > _CUT):
        spread[far] = rng.standard_normal(int(far.sum()))
    return 1 + tolerance * spread


def _overlapping(places: NDArray, diameters: NDArray, tilt: NDArray) -> NDArray[np.intp]:
    """Pairs of pores whose openings overlap on a face; a slanted track opens as an ellipse, wider along x by 1 / cos."""
    from scipy.spatial import cKDTree

    stretch = 1 / np.cos(tilt)
    pairs = cKDTree(places).query_pairs(float((diameters * stretch).max()), output_type="ndarray")
    a, b = pairs.T
    dx, dy = (places[a] - places[b]).T
    # Two ellipses of nearly one stretch: circles again where x is divided by it.
    apart = np.hypot(dx / ((stretch[a] + stretch[b]) / 2), dy)
    return pairs[apart < (diameters[a] + diameters[b]) / 2]


def _groups(count: int, pairs: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    return group.astype(np.int64), np.bincount(group)[group]


def _shares(places: NDArray, radii: NDArray, pairs: NDArray) -> NDArray[np.float64]:
    """Half of what each pair has in common is taken from either; what three have in common is not given back.

    Slanted tracks count as circles here, so what they share is taken a little wrong.
    """
    a, b = pairs.T
    d, r, s = np.hypot(*(places[a] - places[b]).T), radii[a], radii[b]
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = np.arccos(np.clip((d**2 + r**2 - s**2) / (2 * d * r), -1, 1))
        beta = np.arccos(np.clip((d**2 + s**2 - r**2) / (2 * d * s), -1, 1))
    lens = r**2 * (alpha - np.sin(2 * alpha) / 2) + s**2 * (beta - np.sin(2 * beta) / 2)
    lost = np.bincount(a, lens / 2, len(radii)) + np.bincount(b, lens / 2, len(radii))
    return np.maximum(1 - lost / (math.pi * radii**2), 0.1)
