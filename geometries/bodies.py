"""Meshes of the fluid around rigid spheres: a box with spheres in it, and the cells of a cluster at the tip of a trap.

Coordinates are micrometres, as in every mesh. A sphere is whole, or its centre lies on a flat side of the mesh: a mirror
plane, which cuts it in half (two such sides leave a quarter). The boundary of sphere ``i`` is the region ``body_i``.

Spheres never touch anything: the mesh needs a film of stated thickness between a sphere and its neighbour. What is held
does not move relative to what it leans on, so no force grows without limit as the film thins; and only bodies that are
apart have forces of their own, whose difference is what a junction carries.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geometries.cluster_chip import ClusterChip
from geometries.cut_out import SAME, Block, Sphere, Triple, mesh_without
from geometries.mesh import UNIT, Mesh, draw_fluid
from geometries.outline import Outline
from geometries.quantities import DesignError, show

Clearance: TypeAlias = Callable[[NDArray[Any], float], NDArray[np.float64]]

#: What can be held at a tip, and how many cells it has.
CLUSTERS = {"sphere": 1, "doublet": 2, "trimer": 3}

# Cells further apart than this, over their diameter, are no cluster.
_WIDEST_NECK = 0.15


@dataclass(frozen=True)
class BodySizes:
    """How fine a mesh around bodies is; sizes grow linearly away from bodies, films and tips.

    Attributes:
        coarsest: Largest cell, um.
        body: Cell size on a sphere over its radius.
        growth: Growth of the cell size with the distance.
        film: Cell size at the narrowest place between a sphere and its neighbour, over the film's thickness.
        tip: Cell size on the edges of the pillars, um; twice as large from two row pitches away from the bodies.
        floor: Cell size on the floor of a chip, um.
    """

    coarsest: float
    body: float = 0.25
    growth: float = 0.3
    film: float = 1.0
    tip: float = 1.2
    floor: float = 6.0


#: Mesh of a trap with cells in it: the force on a cell within 1 %.
TRAP = BodySizes(coarsest=8.0)


def box_with_bodies(
    low: Triple,
    high: Triple,
    sides: Sequence[str],
    spheres: Sequence[Sphere],
    sizes: BodySizes,
    *,
    periodic: bool = False,
) -> Mesh:
    """Mesh a box with spheres cut out of it.

    Args:
        low: Lower corner, um.
        high: Upper corner, um.
        sides: Names of the sides at low x, high x, low y, high y, low z, high z; the same name may come twice.
        spheres: The bodies.
        sizes: How fine.
        periodic: Whether ``outlet``, at high x, is meshed like ``inlet``, at low x.

    Raises:
        DesignError: Spheres overlap each other or a side.
        MeshError: gmsh failed, or the mesh is not the box without the spheres.
    """
    corners = np.array([low, high])
    _refuse_overlaps(spheres, corners)
    films = list(_films(spheres, corners))

    def size(x: NDArray[np.float64]) -> float:
        return _size(x, spheres, films, sizes)

    def draw(gmsh: Any) -> list[tuple[int, int]]:
        return [(3, gmsh.model.occ.addBox(*low, *(corners[1] - corners[0])))]

    block = Block(draw, corners, sides, "wall", float(np.prod(corners[1] - corners[0])), periodic)
    return mesh_without(block, spheres, size, sizes.coarsest)


def trap_with_bodies(
    chip: ClusterChip,
    spheres: Sequence[Sphere],
    *,
    paths: float = 0.5,
    rows: int = 2,
    half: bool = True,
    sizes: BodySizes = TRAP,
) -> Mesh:
    """Mesh the fluid of a block of traps in space with spheres held in it.

    Regions: ``inlet``, ``outlet`` (meshed alike when the block is periodic), ``symmetry`` (the sides), ``floor``,
    ``midplane`` or ``ceiling``, ``pillars``, ``body_0``, ``body_1`` and so on.

    Args:
        chip: The device.
        spheres: The bodies, in the coordinates of ``chip.block``; z from the floor up.
        paths: Width in lateral pitches, a multiple of 0.5.
        rows: Rows along the flow.
        half: Whether to end at mid-depth, a mirror plane.
        sizes: How fine.

    Raises:
        DesignError: A sphere overlaps a pillar, another sphere or a border.
        MeshError: gmsh failed, or the mesh is not the block without the spheres.
    """
    outline = chip.block(paths, rows)
    x0, y0, x1, y1 = outline.frame.polygon().bounds
    depth = outline.depth / (2 if half else 1)
    corners = np.array([[x0, y0, 0.0], [x1, y1, depth]])
    _refuse_overlaps(spheres, corners)
    films = [*_films(spheres, corners), *_pillar_films(spheres, outline)]
    tips, radius, row = np.array(outline.tips).reshape(-1, 2), outline.tip_radius, chip.row_pitch / UNIT

    def size(x: NDArray[np.float64]) -> float:
        away = np.hypot(*(tips - x[:2]).T).min() - radius
        walls = min(x[2], math.inf if half else depth - x[2])
        far = min((math.dist(x[:2], s.centre[:2]) for s in spheres), default=0.0)
        # Other traps only have to carry their share of the flow.
        tip = sizes.tip * min(max(far / row, 1.0), 2.0)
        coarse = min(tip + sizes.growth * max(away, 0.0), sizes.floor + sizes.growth * walls)
        return min(coarse, _size(x, spheres, films, sizes))

    def draw(gmsh: Any) -> list[tuple[int, int]]:
        made = gmsh.model.occ.extrude(draw_fluid(gmsh, outline), 0, 0, depth)
        return [entity for entity in made if entity[0] == 3]

    sides = ("inlet", "outlet", "symmetry", "symmetry", "floor", "midplane" if half else "ceiling")
    block = Block(draw, corners, sides, "pillars", outline.area() * depth, outline.periodic)
    return mesh_without(block, spheres, size, sizes.coarsest)


def cluster_at_tip(
    chip: ClusterChip,
    cluster: str,
    diameter: float,
    *,
    film: float = 0.2e-6,
    paths: float = 0.5,
    rows: int = 2,
) -> tuple[Sphere, ...]:
    """Where the cells of a cluster come to rest at a tip, at mid-depth, if they keep their shape.

    A sphere lies as near the tip as it finds room. The two cells of a doublet stand on both sides of the tip, as near each
    other as the pillars let them; in a trimer the third follows them down the gap::

        #####|            .
        #### o            .          o  base corners of the row
             (1)   <|###  .        (2), (1) straddle the tip, (3) behind them
         (3)     <|#####  .
             (2)   <|###  .
        #### o            .

    On a mirror plane only what is within the block is given: one cell of the doublet where its border runs through the
    tip.

    Args:
        chip: The device.
        cluster: ``"sphere"``, ``"doublet"`` or ``"trimer"``.
        diameter: Of a cell, m.
        film: Clear distance to pillars and between cells, m.
        paths: Width of the block, as in ``chip.block``.
        rows: Its rows. The tip is that of row ``rows / 2``, in the middle of the block.

    Raises:
        DesignError: The cluster is unknown or does not fit.
    """
    if cluster not in CLUSTERS:
        raise DesignError(f'cluster = "{cluster}" is unknown; known are {", ".join(CLUSTERS)}')
    outline = chip.block(paths, rows)
    tip, radius, gap = _tip(chip, paths, rows), diameter / UNIT / 2, film / UNIT
    clear = _clearance(outline, tip, 4 * (chip.row_pitch + diameter) / UNIT)
    places = [(0.0, 0.0)]
    if cluster == "sphere":
        x = _last(clear, radius + gap)
        places = [(x, 0.0)]
    else:
        x, y = _pair(chip, clear, radius, gap)
        places = [(x, y), (x, -y)]
        if cluster == "trimer":
            behind = x - math.sqrt(max((2 * radius + gap) ** 2 - y**2, 0.0))
            places.append((_last(clear, radius + gap, behind), 0.0))
    z, (_, low, _, high) = outline.depth / 2, outline.frame.polygon().bounds
    spheres = [Sphere((tip[0] + x, tip[1] + y, z), radius) for x, y in places]
    return tuple(s for s in spheres if low - SAME <= s.centre[1] <= high + SAME)


def _tip(chip: ClusterChip, paths: float, rows: int) -> tuple[float, float]:
    """The tip in the middle of the block; on its border where there is one, so that a mirror plane halves the work."""
    row, pitch = rows // 2, chip.lateral_pitch / UNIT
    across = 0.0 if row % 2 == 0 else math.floor(paths - 0.5) + 0.5
    return row * chip.row_pitch / UNIT, across * pitch


def _clearance(outline: Outline, tip: tuple[float, float], reach: float) -> Clearance:
    """Distance from places, given relative to the tip, to the nearest pillar, those behind the mirrors included."""
    import shapely

    near = shapely.Point(tip).buffer(reach)
    solids = [loop.polygon(1e-4) for loop in outline.solids]
    mirrored = [shapely.affinity.scale(s, 1, -1, origin=(0, tip[1])) for s in solids]
    pillars = shapely.unary_union([s for s in (*solids, *mirrored) if s.intersects(near)])

    def distance(x: NDArray[Any], y: float) -> NDArray[np.float64]:
        return np.asarray(shapely.distance(pillars, shapely.points(tip[0] + x, tip[1] + y)))

    return distance


def _last(clear: Clearance, needed: float, before: float = 0.0) -> float:
    """Largest x up to ``before`` at which a place on the axis keeps the distance; the way there may be narrower."""
    along = before - np.linspace(0, 10 * needed, 10_001)
    room = np.flatnonzero(clear(along, 0.0) >= needed)
    if not len(room):
        raise DesignError(f"a body {2 * needed:.4g} um wide fits nowhere in front of the tip")
    return float(along[room[0]])


def _pair(chip: ClusterChip, clear: Clearance, radius: float, film: float) -> tuple[float, float]:
    """Place of one cell of a straddling pair: at the least distance from the axis at which it clears the pillars."""
    along = np.linspace(-(chip.row_pitch - chip.pillar_length) / UNIT, radius, 801)

    def room(y: float) -> NDArray[np.float64]:
        return clear(along, y) - radius - film

    wide, narrow = radius * (1 + _WIDEST_NECK), radius + film / 2
    if room(wide).max() < 0:
        raise DesignError(
            f"a cluster of {2 * radius:g} um cells does not fit at the tip: between the pillars its cells would be more than "
            f"{_WIDEST_NECK:.0%} of their diameter apart; the daughter gap is {show(chip.daughter_gap, 'um')}"
        )
    if room(narrow).max() < 0:
        for _ in range(20):
            middle = (wide + narrow) / 2
            wide, narrow = (middle, narrow) if room(middle).max() >= 0 else (wide, middle)
        narrow = wide
    # The flow leans it on the tip's pillar.
    return float(along[np.flatnonzero(room(narrow) >= 0)[-1]]), narrow


# -- sizes -----------------------------------------------------------------------------------------------------------------
Film: TypeAlias = tuple[NDArray[np.float64], float]  # the place of a narrow passage and its thickness


def _films(spheres: Sequence[Sphere], corners: NDArray[np.float64]) -> Iterator[Film]:
    """Narrow places between two spheres, and between a sphere and a side that does not cut it."""
    for a, b in itertools.combinations(spheres, 2):
        between = np.subtract(b.centre, a.centre)
        apart = float(np.linalg.norm(between))
        gap = apart - a.radius - b.radius
        yield np.add(a.centre, between / apart * (a.radius + gap / 2)), gap
    for s in spheres:
        for axis, end in itertools.product(range(3), range(2)):
            away = abs(s.centre[axis] - corners[end, axis])
            if away > SAME:
                place = np.array(s.centre)
                place[axis] = corners[end, axis]
                yield place, away - s.radius


def _pillar_films(spheres: Sequence[Sphere], outline: Outline) -> Iterator[Film]:
    from shapely import Point
    from shapely.ops import nearest_points

    for s in spheres:
        centre = Point(s.centre[:2])
        for loop in outline.solids:
            place = nearest_points(loop.polygon(1e-5), centre)[0]
            gap = place.distance(centre) - s.radius
            if gap < SAME:
                raise DesignError(
                    f"a sphere of {2 * s.radius:g} um at ({s.centre[0]:.4g}, {s.centre[1]:.4g}) um cuts a pillar "
                    f"({-gap:.3g} um deep); leave a film"
                )
            yield np.array([place.x, place.y, s.centre[2]]), gap


def _refuse_overlaps(spheres: Sequence[Sphere], corners: NDArray[np.float64]) -> None:
    for i, s in enumerate(spheres):
        centre = np.array(s.centre)
        if np.any(centre < corners[0] - SAME) or np.any(centre > corners[1] + SAME):
            raise DesignError(f"body {i} at {_place(s)} um is outside the block")
        away = np.abs(corners - centre)
        if np.any((away > SAME) & (away < s.radius + SAME)):
            raise DesignError(
                f"body {i} at {_place(s)} um, {2 * s.radius:g} um wide, is cut by a side off its centre; move it onto the "
                "side or clear of it"
            )
    for (i, a), (j, b) in itertools.combinations(enumerate(spheres), 2):
        gap = math.dist(a.centre, b.centre) - a.radius - b.radius
        if gap < SAME:
            raise DesignError(f"bodies {i} and {j} overlap by {-gap:.3g} um; leave a film between them")


def _place(s: Sphere) -> str:
    return "(" + ", ".join(f"{c:.4g}" for c in s.centre) + ")"


def _size(
    x: NDArray[np.float64], spheres: Sequence[Sphere], films: Sequence[Film], sizes: BodySizes
) -> float:
    """Wished cell size at a place."""
    best = sizes.coarsest
    for s in spheres:
        best = min(best, sizes.body * s.radius + sizes.growth * max(math.dist(x, s.centre) - s.radius, 0.0))
    for place, gap in films:
        best = min(best, sizes.film * gap + sizes.growth * math.dist(x, place))
    return best
