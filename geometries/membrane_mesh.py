"""Meshes in space of pores through a membrane, with a piece of the reservoirs on both sides, in um.

The flow runs along z: the upstream face of the membrane is at z = 0, the downstream one at its thickness::

                 z = -reservoir   +------ inlet ------+
                                  |                   | symmetry_x, symmetry_y: the sides of the box
                             0    +membrane+ +membrane+
                                         / pore/          each bore runs at its own tilt
                     thickness    +membr+ +--membrane-+
                                  |                   |
       thickness + reservoir      +----- outlet ------+
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from shapely import Polygon, box, unary_union
from shapely.geometry.base import BaseGeometry

from geometries.cut_out import SAME, straighten
from geometries.mesh import UNIT, Mesh, MeshError, collect, gmsh_session
from geometries.pore_filter import PoreFilter

Box: TypeAlias = tuple[float, float, float, float]

_SIDES = 256  # of a polygon that stands for a round opening
_DEPTHS = 16  # at which the volume of slanted bores is summed
_TOLERANCE = 5e-3  # of area and volume: curved cells keep them to 1e-4, a cut that failed does not
_WORST_SHAPE = 0.02


@dataclass(frozen=True)
class Bore:
    """A pore from one face of the membrane to the other.

    Attributes:
        x: Of its middle on the upstream face, um.
        y: The same across.
        width: Diameter, or the side along x of a rectangular one, um.
        length: Side along y, um; None for a round bore.
        tilt: Angle of its axis to the normal, rad: it runs toward higher x with depth. Round bores only.
    """

    x: float
    y: float
    width: float
    length: float | None = None
    tilt: float = 0.0

    def opening(self, depth: float = 0.0) -> Polygon:
        """Its section by a plane at a depth (um) below the upstream face; a many-sided polygon has the ellipse's area."""
        x, half = self.x + depth * math.tan(self.tilt), self.width / 2
        if self.length is not None:
            return box(x - half, self.y - self.length / 2, x + half, self.y + self.length / 2)
        step = 2 * math.pi / _SIDES
        angles, r = step * np.arange(_SIDES), half * math.sqrt(step / math.sin(step))
        return Polygon(
            np.column_stack([x + r / math.cos(self.tilt) * np.cos(angles), self.y + r * np.sin(angles)])
        )


@dataclass(frozen=True)
class _Plate:
    """Bores through a plate between two reservoirs (``half``: down to the middle of the bores)."""

    bores: tuple[Bore, ...]
    thickness: float
    box: Box
    reservoir: float
    half: bool

    @property
    def end(self) -> float:
        """Depth at which the bores end."""
        return self.thickness / 2 if self.half else self.thickness

    def open(self, depth: float) -> float:
        """Area of the openings at a depth, overlaps once, um2."""
        return self._open(depth).area

    def _open(self, depth: float) -> BaseGeometry:
        return unary_union([b.opening(depth) for b in self.bores]).intersection(box(*self.box))

    def bored(self) -> float:
        """Volume of the bores, um3."""
        if not any(b.tilt for b in self.bores):
            return self.open(0.0) * self.end
        at, weights = np.polynomial.legendre.leggauss(_DEPTHS)
        return float(
            sum(w * self.open((1 + z) / 2 * self.end) for z, w in zip(at, weights, strict=True))
            * self.end
            / 2
        )


def mesh_bores(
    bores: Sequence[Bore],
    thickness: float,
    box: Box,
    reservoir: float,
    *,
    rim: float,
    growth: float,
    coarsest: float,
    half: bool = False,
) -> Mesh:
    """Mesh the fluid in bores and reservoirs by second-order tetrahedra, each wholly in a reservoir or in a bore.

    Overlapping bores are one opening. A bore that reaches over the border of the box is cut by it: with its middle on a side or
    in a corner it is the half or quarter of a pore between mirror planes.

    Args:
        bores: The pores.
        thickness: Of the membrane, um.
        box: Low x, low y, high x, high y of the fluid, um.
        reservoir: Length of the piece of reservoir on either side, um.
        rim: Cell size at the rims of the bores, um.
        growth: Growth of the cell size with the distance to the nearest rim.
        coarsest: Largest cell, um.
        half: Whether the fluid ends in the middle of upright bores, whose sections there are ``outlet``; without thickness these
            are openings in a wall.

    Returns:
        Mesh with the regions ``inlet``, ``outlet``, ``membrane``, ``pore``, ``symmetry_x`` and ``symmetry_y``.

    Raises:
        MeshError: gmsh failed, the mesh has not the area or volume of the bores, or a cell is too badly shaped to compute on.
        ValueError: Slanted bores that are rectangular or halved, or no thickness without ``half``.
    """
    if any(b.tilt and (half or b.length is not None) for b in bores):
        raise ValueError("slanted bores are round and whole")
    if thickness <= 0 and not half:
        raise ValueError("a wall without thickness is meshed on one side only: half=True")
    plate = _Plate(tuple(bores), thickness, box, reservoir, half)
    with gmsh_session() as gmsh:
        gmsh.model.add("bores")
        for option in (
            "MeshSizeExtendFromBoundary",
            "MeshSizeFromPoints",
            "HighOrderOptimize",
            "MeshSizeMin",
        ):
            gmsh.option.setNumber(f"Mesh.{option}", 0)
        try:
            openings = _draw(gmsh, plate)
            surfaces, rims = _named_surfaces(gmsh, plate, openings)
            _grade(gmsh, rims, rim, growth, coarsest)
            gmsh.model.mesh.generate(3)
            gmsh.model.mesh.setOrder(2)
            straighten(gmsh)
        except Exception as error:  # gmsh raises bare Exception
            raise MeshError(f"gmsh could not mesh the bores: {error}") from error
        mesh = collect(gmsh, surfaces, 3)
    if mesh.quality < _WORST_SHAPE:
        raise MeshError(
            f"the worst cell has shape quality {mesh.quality:.3f}, below {_WORST_SHAPE}; refine the rims or choose other bores"
        )
    _check_sizes(mesh, plate)
    return mesh


def _draw(gmsh: Any, plate: _Plate) -> set[int]:
    """Build the fluid; returns the flat faces in which bores meet reservoirs."""
    occ = gmsh.model.occ
    x0, y0, x1, y1 = plate.box
    size = (x1 - x0, y1 - y0)
    tanks = [(3, occ.addBox(x0, y0, -plate.reservoir, *size, plate.reservoir))]
    if not plate.half:
        tanks.append((3, occ.addBox(x0, y0, plate.thickness, *size, plate.reservoir)))
    if any(b.tilt for b in plate.bores):
        shapes = [(3, _cylinder(occ, b, plate)) for b in plate.bores]
        shapes = occ.intersect(_union(occ, shapes), [(3, occ.addBox(x0, y0, 0, *size, plate.end))])[0]
    else:
        shapes = [(2, _face(occ, b, plate)) for b in plate.bores]
        shapes = occ.intersect(_union(occ, shapes), [(2, occ.addRectangle(x0, y0, 0, *size))])[0]
        if plate.end > 0:
            shapes = [s for s in occ.extrude(shapes, 0, 0, plate.end) if s[0] == 3]
    # Fragments, not their union: the faces between bores and reservoirs stay, and cells keep to their side of them.
    _, pieces = occ.fragment(tanks, shapes)
    occ.synchronize()
    if plate.end == 0:
        return {tag for piece in pieces[len(tanks) :] for _, tag in piece}
    return {tag for _, tag in gmsh.model.getEntities(2) if len(gmsh.model.getAdjacencies(2, tag)[0]) == 2}


def _union(occ: Any, shapes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return occ.fuse(shapes[:1], shapes[1:])[0] if len(shapes) > 1 else shapes


def _face(occ: Any, bore: Bore, plate: _Plate) -> int:
    """Opening of an upright bore."""
    if bore.length is not None:
        return int(
            occ.addRectangle(bore.x - bore.width / 2, bore.y - bore.length / 2, 0, bore.width, bore.length)
        )
    disc = occ.addDisk(bore.x, bore.y, 0, bore.width / 2, bore.width / 2)
    occ.rotate([(2, disc)], bore.x, bore.y, 0, 0, 0, 1, _seam(bore, plate))
    return int(disc)


def _cylinder(occ: Any, bore: Bore, plate: _Plate) -> int:
    """A round bore that reaches beyond both faces."""
    over = bore.width * (abs(math.tan(bore.tilt)) + 0.1)
    tag = occ.addCylinder(0, 0, -over, 0, 0, plate.thickness / math.cos(bore.tilt) + 2 * over, bore.width / 2)
    occ.rotate([(3, tag)], 0, 0, 0, 0, 0, 1, _seam(bore, plate))
    occ.rotate([(3, tag)], 0, 0, 0, 0, 1, 0, bore.tilt)
    occ.translate([(3, tag)], bore.x, bore.y, 0)
    return int(tag)


def _seam(bore: Bore, plate: _Plate) -> float:
    """Angle of the place where a circle is closed: in what is cut away, or in the nearest bore if that overlaps.

    Cuts along a seam fail silently, and a seam beside a cut makes a side of no length.
    """
    x0, y0, x1, y1 = plate.box
    out = [
        (bore.x <= x0 + SAME) * -1 + (bore.x >= x1 - SAME),
        (bore.y <= y0 + SAME) * -1 + (bore.y >= y1 - SAME),
    ]
    if any(out):
        return math.atan2(out[1], out[0])
    others = [b for b in plate.bores if b is not bore]
    nearest = min(others, key=lambda b: math.hypot(b.x - bore.x, b.y - bore.y), default=None)
    return math.atan2(nearest.y - bore.y, nearest.x - bore.x) if nearest else 0.0


def _named_surfaces(gmsh: Any, plate: _Plate, openings: set[int]) -> tuple[dict[str, list[int]], list[int]]:
    """Boundary surfaces by the name of their region, and the curves that are rims of the bores."""
    model = gmsh.model
    surfaces: dict[str, list[int]] = {}
    sides: set[int] = set()
    for _, tag in model.getEntities(2):
        if plate.end > 0 and tag in openings:
            continue
        name = "outlet" if tag in openings else _region(np.array(model.getBoundingBox(2, tag)), plate)
        surfaces.setdefault(name, []).append(tag)
        if name.startswith("symmetry"):
            sides.update(map(int, model.getAdjacencies(2, tag)[1]))
    rims = {int(curve) for tag in openings for curve in model.getAdjacencies(2, tag)[1]}
    return surfaces, sorted(rims - sides)


def _region(around: np.ndarray, plate: _Plate) -> str:
    """Region of a boundary surface by the box around it."""
    x0, y0, x1, y1 = plate.box
    flat: list[tuple[int, float, str]] = [
        (0, x0, "symmetry_x"), (0, x1, "symmetry_x"), (1, y0, "symmetry_y"), (1, y1, "symmetry_y"),
        (2, -plate.reservoir, "inlet"), (2, 0.0, "membrane"),
    ]  # fmt: skip
    flat += (
        [(2, plate.end, "outlet")]
        if plate.half
        else [(2, plate.thickness, "membrane"), (2, plate.thickness + plate.reservoir, "outlet")]
    )
    for axis, place, name in flat:
        if np.abs(around[[axis, axis + 3]] - place).max() < SAME:
            return name
    return "pore"


def _grade(gmsh: Any, rims: list[int], rim: float, growth: float, coarsest: float) -> None:
    """Sizes grow linearly with the distance to the nearest rim."""
    field = gmsh.model.mesh.field
    longest = max(gmsh.model.occ.getMass(1, tag) for tag in rims)
    distance, size = field.add("Distance"), field.add("Threshold")
    field.setNumbers(distance, "CurvesList", rims)
    field.setNumber(distance, "Sampling", math.ceil(max(20, 3 * longest / rim)))
    for name, value in (
        ("InField", distance),
        ("SizeMin", rim),
        ("SizeMax", coarsest),
        ("DistMin", 0.0),
        ("DistMax", max(coarsest - rim, 1e-9) / growth),
    ):
        field.setNumber(size, name, value)
    field.setAsBackgroundMesh(size)
    gmsh.option.setNumber("Mesh.MeshSizeMax", coarsest)


def _check_sizes(mesh: Mesh, plate: _Plate) -> None:
    """OpenCASCADE's cuts can leave a bore out, or half of it, without a word."""
    x0, y0, x1, y1 = plate.box
    face = (x1 - x0) * (y1 - y0)
    on_membrane = mesh.facets[mesh.facet_regions == mesh.regions["membrane"]]
    upstream = on_membrane[np.abs(mesh.points[on_membrane, 2]).max(axis=1) < SAME]
    bored = mesh.cells[mesh.points[mesh.cells, 2].min(axis=1) > -SAME]
    bored = bored[mesh.points[bored, 2].max(axis=1) < plate.end + SAME]
    tanks = face * plate.reservoir * (1 if plate.half else 2)
    checks = [("the openings have", "um2", plate.open(0.0), face - _measure(mesh, upstream))]
    if plate.end > 0:
        checks.append(("the bores have", "um3", plate.bored(), _measure(mesh, bored)))
    checks.append(("the fluid has", "um3", tanks + plate.bored(), mesh.measure()))
    for what, unit, wanted, found in checks:
        if abs(found - wanted) > _TOLERANCE * wanted:
            raise MeshError(
                f"{what} {found:.6g} {unit} in the mesh, not {wanted:.6g}; refine the rims, or move the bores a little"
            )


def _measure(mesh: Mesh, cells: np.ndarray) -> float:
    """Area of facets (um2) or volume of cells (um3) of a mesh."""
    if not len(cells):
        return 0.0
    bare = replace(
        mesh, cells=cells, facets=mesh.facets[:0], facet_regions=mesh.facet_regions[:0], regions={}
    )
    return bare.measure()


def unit_cell(
    membrane: PoreFilter,
    reservoir: float,
    *,
    rim: float,
    growth: float,
    coarsest: float,
    half: bool = False,
    window: float | None = None,
) -> Mesh:
    """A quarter, between mirror planes, of one nominal upright pore's cell of a membrane.

    A lattice repeats by its mirror planes; a hexagonal one has a second quarter pore in the opposite corner. A pore of a random
    membrane stands alone in a square window.

    Args:
        membrane: The membrane.
        reservoir: Length of the piece of reservoir on either side, um.
        rim: Cell size at the rims, um.
        growth: Growth of the cell size with the distance to the nearest rim.
        coarsest: Largest cell, um.
        half: Whether it ends in the middle of the pore.
        window: Half the side of the window of a pore of a random membrane, um; left out: of the area that each pore has.

    Raises:
        MeshError: As :func:`mesh_bores`.
    """
    bores, box = unit_cell_plan(membrane, window)
    return mesh_bores(
        bores, membrane.thickness / UNIT, box, reservoir, rim=rim, growth=growth, coarsest=coarsest, half=half
    )


def unit_cell_plan(membrane: PoreFilter, window: float | None = None) -> tuple[tuple[Bore, ...], Box]:
    """Bores and box (um) of the quarter that :func:`unit_cell` meshes."""
    along, across = (pitch / UNIT for pitch in membrane.pitches)
    width, length = (extent / UNIT for extent in membrane.opening)
    bore = Bore(0.0, 0.0, width, None if membrane.pore == "round" else length)
    if membrane.placement == "hexagonal":
        return (bore, replace(bore, x=along / 2, y=across)), (0.0, 0.0, along / 2, across)
    if membrane.placement == "poisson" and window is not None:
        return (bore,), (0.0, 0.0, window, window)
    return (bore,), (0.0, 0.0, along / 2, across / 2)
