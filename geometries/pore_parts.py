"""Pieces of a membrane for other tools: the plan of its openings, meshes of pores and reservoirs, the bored plate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from geometries.bores import Bore, Box, Plate, draw_plate
from geometries.membrane import meridian
from geometries.membrane_mesh import mesh_bores, unit_cell_plan
from geometries.mesh import UNIT, Mesh, Resolution, mesh_outline
from geometries.outline import Arc, Loop, Outline, Segment, Spline, rectangle
from geometries.part import Part, refuse_too_many
from geometries.patch import patch

if TYPE_CHECKING:
    from geometries.pore_filter import PoreFilter

_KNOTS = 32  # of the spline that is half an ellipse: within 1e-5 of its width
_RESERVOIR = 10.0  # over the radius: its end does not show in the pore
# Cell sizes over the radius, and their growth; the tetrahedra of a rim's length of one cell at a growth of a half (measured).
_CELL, _ARRAY, _GROWTH, _COARSEST, _PER_RIM_CELL = 16, 4, 0.5, 3.0, 50


def opening_loop(bore: Bore, name: str = "pore") -> Loop:
    """The opening of a bore on the upstream face: arcs, lines, or splines where a slanted bore opens as an ellipse."""
    half = bore.width / 2
    if bore.length is not None:
        low, high = (bore.x - half, bore.y - bore.length / 2), (bore.x + half, bore.y + bore.length / 2)
        return rectangle(*low, *high, (name,) * 4)
    halves: list[Segment] = []
    for start in (0.0, math.pi):
        angles = np.linspace(start, start + math.pi, _KNOTS + 1)
        x, y = bore.x + half / math.cos(bore.tilt) * np.cos(angles), bore.y + half * np.sin(angles)
        knots = tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))
        if halves:  # closed exactly
            knots = (halves[0].end, *knots[1:-1], halves[0].start)
        halves.append(Spline(knots, name) if bore.tilt else Arc(knots[0], knots[-1], (bore.x, bore.y), name))
    return Loop(tuple(halves))


def plan(bores: Sequence[Bore], thickness: float, box: Box) -> Outline:
    """The upstream face of a piece of membrane; its sides are named as in the meshes of :mod:`geometries.membrane_mesh`."""
    frame = rectangle(*box, ("symmetry_y", "symmetry_x", "symmetry_y", "symmetry_x"))
    return Outline(
        frame, tuple(opening_loop(b) for b in bores), depth=thickness, tips=(), tip_radius=0.0,
        throat=min(b.width for b in bores), plate=True,
    )  # fmt: skip


def cell_part(membrane: PoreFilter) -> Part:
    """A quarter of one nominal pore's cell; its plane mesh is that of a round pore's meridian."""
    bores, box = unit_cell_plan(membrane)
    space = _space(membrane, bores, box, _CELL)

    def mesh(resolution: Resolution | None, most: int) -> dict[str, Mesh]:
        meshes = {}
        if membrane.pore == "round":
            radius = membrane.size / UNIT / 2
            around = math.sqrt(1 / (math.pi * membrane.density)) / UNIT
            plane = meridian(radius, membrane.thickness / UNIT, around, _RESERVOIR * radius)
            meshes["2d"] = mesh_outline(plane, resolution)
        return {**meshes, **space(resolution, most)}

    return _part("cell", membrane, bores, box, mesh)


def array_part(membrane: PoreFilter, count: int) -> Part:
    """A patch of the membrane's own pores."""
    found = patch(membrane, count)
    return _part(
        f"array_{count}", membrane, found.bores, found.box, _space(membrane, found.bores, found.box, _ARRAY)
    )


def _part(name: str, membrane: PoreFilter, bores: Sequence[Bore], box: Box, mesh: Any) -> Part:
    thickness = membrane.thickness / UNIT

    def solid(gmsh: Any) -> None:
        draw_plate(gmsh.model.occ, Plate(tuple(bores), thickness, box))

    return Part(name, plan(bores, thickness, box), mesh, solid)


def _space(membrane: PoreFilter, bores: Sequence[Bore], box: Box, fineness: int) -> Any:
    """Mesher of bores and reservoirs; of a resolution it takes the growth and the refinement."""
    radius = membrane.size / UNIT / 2

    def space(resolution: Resolution | None, most: int) -> dict[str, Mesh]:
        growth, refine = (resolution.growth, resolution.refine) if resolution else (_GROWTH, 1.0)
        rim = radius / fineness / refine
        rims = 2 * membrane.perimeter / UNIT * sum(_part_within(b, box) for b in bores)
        refuse_too_many(_PER_RIM_CELL * rims / rim * (0.5 / growth) ** 2, most)
        mesh = mesh_bores(
            bores, membrane.thickness / UNIT, box, _RESERVOIR * radius,
            rim=rim, growth=growth, coarsest=_COARSEST * radius / refine,
        )  # fmt: skip
        return {"3d": mesh}

    return space


def _part_within(bore: Bore, box: Box) -> float:
    """Share of a bore that a box does not cut off, roughly: a half on its border, a quarter in its corner."""
    inside = [
        (a < c) + (a <= c)
        for a, c in ((box[0], bore.x), (bore.x, box[2]), (box[1], bore.y), (bore.y, box[3]))
    ]
    return math.prod(i / 2 for i in inside)
