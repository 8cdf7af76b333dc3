"""Pieces of a membrane for other tools: the plan of its openings, the fluid in pores and reservoirs, the bored plate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from geometries.bores import Bore, Box, Plate, draw_fluid, draw_plate
from geometries.membrane import meridian, slit_plane
from geometries.membrane_mesh import mesh_bores, mesh_plate, unit_cell_plan
from geometries.mesh import UNIT, Mesh, Resolution, mesh_outline
from geometries.outline import Arc, Loop, Outline, Segment, Spline, rectangle
from geometries.part import Part, Shape, refuse_too_many
from geometries.patch import patch
from geometries.quantities import DesignError
from geometries.stack import Layers
from geometries.surface import Surface, surface_of_layers, surface_of_mesh

if TYPE_CHECKING:
    from geometries.pore_filter import PoreFilter

# A circle in quarters: from the ends of a half its middle is badly found. Knots of a quarter ellipse: within 1e-5 of its width.
_PIECES, _KNOTS = 4, 16
_RESERVOIR = 10.0  # over the radius: its end does not show in the pore
# Cell sizes over the radius, and their growth; the tetrahedra of a rim's length of one cell at a growth of a half (measured).
_GROWTH, _COARSEST, _PER_RIM_CELL = 0.5, 3.0, 50


@dataclass(frozen=True)
class _Fineness:
    """Cells over the radius: at the rims of curved ones, at the rims and walls of straight ones."""

    curved: float
    straight: float


# Straight sides of a 22nd are shorter than the wall by less than 1e-4, of a fifth by 1.7e-3: many pores would be too many cells.
_CELL, _ARRAY = _Fineness(16, 22), _Fineness(4, 5)
_STRAIGHT = Resolution(tip=0.0)  # by which it is known: there are no tips
_MOST_OF_SURFACE = 2_000_000


def opening_loop(bore: Bore, name: str = "pore") -> Loop:
    """The opening of a bore on the upstream face: arcs, lines, or splines where a slanted bore opens as an ellipse."""
    half = bore.width / 2
    if bore.length is not None:
        low, high = (bore.x - half, bore.y - bore.length / 2), (bore.x + half, bore.y + bore.length / 2)
        return rectangle(*low, *high, (name,) * 4)
    a, turn = half / math.cos(bore.tilt), 2 * math.pi / _PIECES
    corners = [(bore.x + a * math.cos(i * turn), bore.y + half * math.sin(i * turn)) for i in range(_PIECES)]
    pieces: list[Segment] = []
    for i, start in enumerate(corners):
        end = corners[(i + 1) % _PIECES]
        if not bore.tilt:
            pieces.append(Arc(start, end, (bore.x, bore.y), name))
            continue
        inner = [(i + k / _KNOTS) * turn for k in range(1, _KNOTS)]
        knots = [(bore.x + a * math.cos(w), bore.y + half * math.sin(w)) for w in inner]
        pieces.append(Spline((start, *knots, end), name))
    return Loop(tuple(pieces))


def plan(bores: Sequence[Bore], thickness: float, box: Box) -> Outline:
    """The upstream face of a piece of membrane; its sides are named as in the meshes of :mod:`geometries.membrane_mesh`."""
    frame = rectangle(*box, ("symmetry_y", "symmetry_x", "symmetry_y", "symmetry_x"))
    return Outline(
        frame, tuple(opening_loop(b) for b in bores), depth=thickness, tips=(), tip_radius=0.0,
        throat=min(b.width for b in bores), plate=True,
    )  # fmt: skip


def cell_part(membrane: PoreFilter) -> Part:
    """A quarter of one nominal pore's cell; the plane mesh of its fluid is that of a section along the pore."""
    bores, box = unit_cell_plan(membrane)
    return _part("cell", membrane, bores, box, _CELL)


def _section(membrane: PoreFilter) -> Outline | None:
    """Along one pore: a round one's meridian plane, the plane across a slit; a square pore has none that stands for it."""
    size, thickness = membrane.size / UNIT, membrane.thickness / UNIT
    if membrane.pore == "round":
        around = math.sqrt(1 / (math.pi * membrane.density)) / UNIT
        return meridian(size / 2, thickness, around, _RESERVOIR * size / 2)
    if membrane.pore == "slit":
        return slit_plane(size, thickness, membrane.pitches[0] / UNIT, _RESERVOIR * size / 2)
    return None


def array_part(membrane: PoreFilter, count: int) -> Part:
    """A patch of the membrane's own pores."""
    found = patch(membrane, count)
    return _part(f"array_{count}", membrane, found.bores, found.box, _ARRAY)


def _part(name: str, membrane: PoreFilter, bores: Sequence[Bore], box: Box, fineness: _Fineness) -> Part:
    thickness, reservoir = membrane.thickness / UNIT, _RESERVOIR * membrane.size / UNIT / 2
    drawn = plan(bores, thickness, box)
    plate = Plate(tuple(bores), thickness, box, reservoir)
    ends = (-reservoir, 0.0, thickness, thickness + reservoir)
    layers = {
        "fluid": Layers(
            ends, ("inlet", "membrane", "membrane", "outlet"), ((True, True), (False, True), (True, True))
        ),
        "body": Layers(ends[1:3], ("membrane", "membrane"), ((True, False),)),
    }

    def made(of: str, _: float | None) -> Shape:
        if of == "mould":
            raise DesignError("a mould is not for a membrane, which is etched; choose fluid or body")
        space = partial(_space, membrane, plate, fineness, of)

        def mesh(resolution: Resolution, most: int) -> dict[str, Mesh]:
            section = _section(membrane) if (of, name) == ("fluid", "cell") else None
            plane = {"2d": mesh_outline(section, resolution)} if section else {}
            return {**plane, "3d": space(resolution, most)}

        def solid(gmsh: Any) -> None:
            (draw_fluid if of == "fluid" else draw_plate)(gmsh.model.occ, plate)

        def surface(tolerance: float) -> Surface:
            if any(b.tilt for b in bores):  # no layers: of what the straight cells bound
                return surface_of_mesh(space(_STRAIGHT, _MOST_OF_SURFACE))
            return surface_of_layers(drawn, layers[of], tolerance)

        return Shape(mesh, Resolution(), _STRAIGHT, solid, surface)

    return Part(name, drawn, made)


def _space(
    membrane: PoreFilter, plate: Plate, fineness: _Fineness, of: str, resolution: Resolution, most: int
) -> Mesh:
    """Mesh of fluid or plate; of a resolution it takes the refinement, and whether cells are straight."""
    radius = membrane.size / UNIT / 2
    refine, straight = resolution.refine, resolution.tip == _STRAIGHT.tip
    rim = radius / (fineness.straight if straight else fineness.curved) / refine
    rims = 2 * membrane.perimeter / UNIT * sum(_part_within(b, plate.box) for b in plate.bores)
    refuse_too_many(_PER_RIM_CELL * rims / rim, most)
    make: Callable[..., Mesh] = mesh_bores if of == "fluid" else mesh_plate
    return make(
        plate.bores, plate.thickness, plate.box, plate.reservoir,
        rim=rim, growth=_GROWTH, coarsest=_COARSEST * radius / refine, wall=rim if straight else None,
    )  # fmt: skip


def _part_within(bore: Bore, box: Box) -> float:
    """Share of a bore that a box does not cut off, roughly: a half on its border, a quarter in its corner."""
    inside = [
        (a < c) + (a <= c)
        for a, c in ((box[0], bore.x), (bore.x, box[2]), (box[1], bore.y), (bore.y, box[3]))
    ]
    return math.prod(i / 2 for i in inside)
