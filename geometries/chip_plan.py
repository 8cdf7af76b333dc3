"""The whole Cluster-Chip on its slide: banks, manifolds, headers, ports, all of one depth.

Two banks, from above; x along the long side of the slide, y along the flow through the banks, the origin in its corner::

      +----------------------------------------------------------------+
      |             ________________________________________    ____   |   every manifold is a Taper, fed on the left and
      |            |_____________________ outlet manifold   |--|    |  |   drained on the right: all paths of a bank get the
      |   ____     |||||||||||||||||||| bank ||||||||||||||||  |    |  |   same flow (geometries.manifold)
      |  |    |    |                inlet manifold  ____-----  |    |  |
      |  |    |--neck    ____________-------  ___wall______-   |(o) |  |   headers and necks let the same flow into each
      |  |    |    -----       ______--------                --|    |  |   bank (geometries.feed)
      |  | (o)|  ____---------        outlet manifold       |  |    |  |
      |  |    |    |||||||||||||||||||| bank ||||||||||||||||  |____|  |   the outlet's side is the inlet's, turned by half
      |  |____|-- lead              inlet manifold  ____-----          |   a turn
      |             ________________________--------                   |
      +----------------------------------------------------------------+

The side walls of a bank stand half a gap beyond the axes of its outermost pillars: those of every other row are cut by the wall,
and in the rows between the gap to the wall is a whole one. No gap at the wall is wider or narrower than within the array.

Pitches are whole nanometres here (half the lateral one too), so that array references keep them: gaps differ by at most 1 nm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon, box, unary_union
from shapely.affinity import rotate

from geometries.feed import NECK, Feed, feed
from geometries.lattices import Copies, Lattice, lattices
from geometries.manifold import Posts, Taper
from geometries.outline import Outline, Point
from geometries.part import ENVELOPE, Part, channel_part
from geometries.quantities import DesignError, show
from geometries.slide import RIM, circle, furniture, on_grid, ring

if TYPE_CHECKING:
    from geometries.cluster_chip import ClusterChip
    from geometries.device import Limits

_UM = 1e-6
_WALL = 0.5e-3  # between an outlet manifold and the next inlet manifold, m: what bonds tightly (assumed)
_SHORTEST_LEAD = 0.25e-3
_WIDEST = 0.25  # of a manifold over its length: wider ones lose little less
_TO_HEADER = 0.6  # share of the room beside a port that the header takes, the rest is the leads'
_GRID = 1e-3  # of a mask, um


@dataclass(frozen=True)
class ChipPlan:
    """Where everything of a Cluster-Chip lies, um.

    Attributes:
        chip: The device.
        limits: The slide and what can be made.
        taper: Of all manifolds, m.
        header: Width of the headers, m.
        lead: Length of the leads, from the necks to the banks, m.
    """

    chip: ClusterChip
    limits: Limits
    taper: Taper
    header: float
    lead: float

    # -- along the slide ---------------------------------------------------------------------------------------------------
    @property
    def slide(self) -> Point:
        """Its sides."""
        return self.limits.slide_length / _UM, self.limits.slide_width / _UM

    @property
    def bank(self) -> Point:
        """Width and length of a bank between its walls and manifolds."""
        return bank_size(self.chip)

    @property
    def left(self) -> float:
        """Side wall of the banks."""
        return (self.slide[0] - self.bank[0]) / 2

    @property
    def mouth(self) -> float:
        """Width of the manifolds at their wide end."""
        return self.taper.mouth / _UM

    @cached_property
    def bottoms(self) -> list[float]:
        """Where the banks begin."""
        banks, step = self.chip.banks, self.bank[1] + strip(self.taper) / _UM
        height = (banks - 1) * step + self.bank[1] + 2 * self.mouth
        return [(self.slide[1] - height) / 2 + self.mouth + k * step for k in range(banks)]

    @property
    def taps(self) -> list[float]:
        """Middles of the leads at the inlet header."""
        return [y - self.mouth / 2 for y in self.bottoms]

    @property
    def header_span(self) -> Point:
        """The inlet header across the flow in it."""
        end = self.left - (self.lead + NECK) / _UM
        return end - self.header / _UM, end

    @property
    def rim(self) -> float:
        """Radius of the channel that a port needs."""
        return self.limits.port_diameter / _UM / 2 + RIM

    @cached_property
    def ports(self) -> dict[str, Point]:
        """Middles of the ports, on the grid that starts in the slide's corner."""
        (x0, x1), y, (length, width) = self.header_span, (self.taps[0] + self.taps[-1]) / 2, self.slide
        # The rim of a port may reach over its header, but neither to the banks nor to the marks.
        most = x1 + NECK / _UM / 2 - self.rim
        least = self.limits.slide_margin / _UM / 2 + self.rim
        middle = (x0 + x1) / 2
        return {
            "inlet": (on_grid(middle, least, most), on_grid(y)),
            "outlet": (on_grid(length - middle, length - most, length - least), on_grid(width - y)),
        }

    def _port_seen(self, which: int) -> Point:
        """A port seen from its own end of the slide."""
        (x, y), (length, width) = self.ports[("inlet", "outlet")[which]], self.slide
        return (x, y) if which == 0 else (length - x, width - y)

    @cached_property
    def feeds(self) -> tuple[Feed, Feed]:
        """Of the inlet and of the outlet, each seen from its own end of the slide."""
        taps, posts = [tap * _UM for tap in self.taps], self.taper.posts
        inlet, outlet = (
            feed(taps, self._port_seen(i)[1] * _UM, self.header, self.taper.mouth, posts) for i in (0, 1)
        )
        return inlet, outlet

    # -- shapes ------------------------------------------------------------------------------------------------------------
    def _side(self, which: int) -> list[Polygon]:
        """Header, necks, leads and manifolds of the inlet (0), or of the outlet (1) seen from its own end of the slide."""
        (x0, x1), left, necks = self.header_span, self.left, [n / _UM for n in self.feeds[which].necks]
        (x, y), start = self._port_seen(which), self.header_span[1] + NECK / _UM
        low = min(self.taps[0] - necks[0] / 2, y - self.rim)
        high = max(self.taps[-1] + necks[-1] / 2, y + self.rim)
        cut = min((x1 - x0) / 2, (high - low) / 4)  # no corner in which a bubble stays
        header = Polygon(
            [(x0, low + cut), (x0 + cut, low), (x1, low), (x1, high), (x0 + cut, high), (x0, high - cut)]
        )
        shapes = [header, box(x - self.rim, y - self.rim, x + self.rim, y + self.rim)]
        for bottom, tap, neck in zip(self.bottoms, self.taps, necks, strict=True):
            shapes.append(box(x1 - 1, tap - neck / 2, start + 1, tap + neck / 2))
            wall = [(left + s / _UM, bottom - w / _UM) for s, w in self.taper.corners]
            shapes.append(
                Polygon([(start, bottom - self.mouth), *wall, (left + self.bank[0], bottom), (start, bottom)])
            )
        return shapes

    def _turned(self, shape: Polygon) -> Polygon:
        return rotate(shape, 180, (self.slide[0] / 2, self.slide[1] / 2))

    @cached_property
    def channels(self) -> Polygon:
        """All channels with the banks, without pillars and posts."""
        banks = [box(self.left, y, self.left + self.bank[0], y + self.bank[1]) for y in self.bottoms]
        shapes = [*self._side(0), *banks, *(self._turned(s) for s in self._side(1))]
        return shapely.union_all(shapely.set_precision(shapes, _GRID), grid_size=_GRID)

    def envelope(self) -> Outline:
        """The channels as a drawing: its solids are the walls that channels go around."""
        shape = self.channels
        frame, *islands = (ring(list(r.coords)[:-1], "wall") for r in (shape.exterior, *shape.interiors))
        return Outline(
            frame,
            tuple(islands),
            depth=self.chip.depth / _UM,
            tips=(),
            tip_radius=0.0,
            throat=self.taper.end / _UM,
        )

    def pillars(self) -> Copies:
        """The pillars of all banks, those that the walls cut whole."""
        chip, (pitch, row), odd = self.chip, pitches(self.chip), self.chip.rows // 2
        paths, even = chip.paths // chip.banks, chip.rows - odd
        found = []
        for bottom in self.bottoms:
            x, y = self.left + chip.gap / _UM / 2, bottom + (self.bank[1] - array_length(chip)) / 2
            found.append(Lattice((x, y), (paths + 1, even), (pitch, 2 * row)))
            if odd:
                found.append(Lattice((x + pitch / 2, y + row), (paths, odd), (pitch, 2 * row)))
        return Copies(chip.pillar().turned(), tuple(found))

    def posts(self) -> Copies:
        """The posts in the manifolds and headers."""
        posts, x1 = self.taper.posts, self.header_span[1]
        pitch, reach = posts.pitch / _UM, (posts.diameter / 2 + posts.clear) / _UM
        start = x1 + NECK / _UM + pitch / 2
        columns = x1 - pitch * (1 + np.arange(posts.rows(self.header)))
        rows = np.subtract.outer(self.bottoms, pitch * (1 + np.arange(posts.rows(self.taper.mouth)))).ravel()
        along = np.arange(start, self.left + self.bank[0], pitch)
        places: list[Point] = []
        for which in (0, 1):
            up = np.arange(min(self.taps[0], self._port_seen(which)[1]) - self.mouth, self.slide[1], pitch)
            at = np.concatenate([_grid(along, rows), _grid(columns, up)])
            room = unary_union(self._side(which)).buffer(1e-3 - reach)
            hole = self.limits.port_diameter / _UM / 2 + reach
            x, y = self._port_seen(which)
            kept = shapely.contains_xy(room, *at.T) & (np.hypot(*(at - (x, y)).T) >= hole)
            at = at[kept] if which == 0 else np.array(self.slide) - at[kept]
            places += [(float(a), float(b)) for a, b in np.round(at, 3)]
        return Copies(circle((0.0, 0.0), posts.diameter / _UM / 2, "posts"), lattices(places))

    def part(self, title: str) -> Part:
        """The whole chip for masks: its plan is the channels without pillars and posts."""
        chip, posts = self.chip, self.posts()
        words = f"{title}   gap {show(chip.gap, 'um')}   depth {show(chip.depth, 'um')}   {chip.paths} paths x {chip.rows} rows"
        details = furniture(
            self.slide,
            self.limits.slide_margin / _UM,
            self.ports,
            self.limits.port_diameter / _UM,
            words,
            Polygon(self.channels.exterior),  # with the walls that hold the channels apart
        )
        flat = channel_part("chip", self.envelope(), ENVELOPE)
        copies = (self.pillars(), *([posts] if posts.count else []))
        clear = min(chip.gap, chip.daughter_gap) / _UM
        return replace(flat, copies=copies, details=details, clear=clear)


def _grid(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """All places with these coordinates, shape (N, 2)."""
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def pitches(chip: ClusterChip) -> Point:
    """Lateral and row pitch, um, on the grid of a mask."""
    return 2 * round(chip.lateral_pitch / _UM / 2, 3), round(chip.row_pitch / _UM, 3)


def array_length(chip: ClusterChip) -> float:
    """From the first row's tips to the last row's bases, um."""
    return (chip.rows - 1) * pitches(chip)[1] + chip.pillar_length / _UM


def bank_size(chip: ClusterChip) -> Point:
    """Width of a bank between its walls, and its length with half a gap on either side, um."""
    width = chip.paths // chip.banks * pitches(chip)[0] + chip.gap / _UM
    return width, array_length(chip) + chip.daughter_gap / _UM


def strip(taper: Taper) -> float:
    """Distance of two banks, m: an outlet manifold, a wall, an inlet manifold."""
    share = np.arange(201) / 200
    return float((taper.width_at(share) + taper.width_at(1 - share)).max()) + _WALL


def plan(chip: ClusterChip, limits: Limits) -> ChipPlan:
    """The plan of a chip, its manifolds as wide as the slide has room for.

    Raises:
        DesignError: It does not fit the slide.
    """
    width, length = (v * _UM for v in bank_size(chip))
    posts = Posts(chip.depth, limits.max_roof_aspect_ratio * chip.depth)
    tall = limits.slide_width - 2 * limits.slide_margin
    beside = (limits.slide_length - width) / 2 - limits.slide_margin

    def taper(mouth: float) -> Taper:
        return Taper(width, mouth, min(chip.depth, mouth), posts)

    def height(mouth: float) -> float:
        return chip.banks * length + (chip.banks - 1) * strip(taper(mouth)) + 2 * mouth

    least = chip.manifold_width or 2 * chip.depth
    most = chip.manifold_width or max(_WIDEST * width, least)
    if height(least) > tall:
        raise DesignError(
            f"the whole chip does not fit the slide: {chip.banks} banks of {show(length, 'mm')} with manifolds of "
            f"{show(least, 'mm')} take {show(height(least), 'mm')}, above the {show(tall, 'mm')} within its margins; take fewer "
            "rows or banks, or a wider slide"
        )
    mouth = _largest(height, least, most, tall)
    port = limits.port_diameter + 2 * RIM * _UM
    rest = beside - port - NECK
    if rest < _SHORTEST_LEAD:
        raise DesignError(
            f"the whole chip does not fit the slide: banks {show(width, 'mm')} wide leave {show(beside, 'mm')} for a port and "
            f"its header beside them, below {show(port + NECK + _SHORTEST_LEAD, 'mm')}; take more banks, or a longer slide"
        )
    header = port + min(_TO_HEADER * rest, max(mouth, port))
    return ChipPlan(chip, limits, taper(mouth), header, min(beside - NECK - header, mouth))


def _largest(height: Callable[[float], float], low: float, high: float, room: float) -> float:
    """The largest width whose height has room."""
    if height(high) <= room:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if height(middle) > room else (middle, high)
    return low
