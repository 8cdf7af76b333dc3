"""A piece of a device for other tools: its plan, its meshes and its solid, made when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from geometries.extrude import extrude, layer_heights
from geometries.lattices import Copies
from geometries.mesh import Mesh, Resolution, TooManyCells, draw_fluid, mesh_outline
from geometries.outline import Loop, Outline
from geometries.quantities import DesignError

_MOST_TETRAHEDRA = 2_000_000

#: Meshes of large pieces are for looking at and for other solvers' first try: coarser than those of a unit cell.
COARSE = Resolution(tip=0.8, growth=0.6, coarsest=0.8, layers=2)


@dataclass(frozen=True)
class Part:
    """A piece of a device.

    Attributes:
        name: For file names, e.g. ``cell`` or ``array_8x8``.
        plan: Its drawing, um.
        mesh: Makes its meshes by what is added to the file name (``2d``, ``3d``), from a resolution (None: the part's own) and a
            number of tetrahedra above which it raises :class:`TooManyCells` instead.
        solid: Draws its solid in gmsh's OpenCASCADE model, um, not yet synchronised.
        copies: What stands in the plan many times over, for masks and pictures only: its pillars, posts or pores.
        details: What else is on a mask of it: loops whose names are their layers (ports, marks, labels, slide).
        clear: Narrowest passage between the copies, um.
    """

    name: str
    plan: Outline
    mesh: Callable[[Resolution | None, int], dict[str, Mesh]]
    solid: Callable[[Any], None]
    copies: tuple[Copies, ...] = ()
    details: tuple[Loop, ...] = ()
    clear: float = math.inf

    @property
    def narrowest(self) -> float:
        """Narrowest passage of all, um."""
        return min(self.plan.throat, self.clear)


def channel_part(name: str, outline: Outline, own: Resolution) -> Part:
    """A piece of a channel of one depth: plane mesh and mesh of the whole depth; its solid is the fluid."""

    def mesh(resolution: Resolution | None, most: int) -> dict[str, Mesh]:
        resolution = resolution or own
        plane, layers = mesh_outline(outline, resolution), resolution.layers
        refuse_too_many(6 * layers * len(plane.cells), most)
        heights = layer_heights(outline.depth, outline.throat / 10, layers, half=False)
        return {"2d": plane, "3d": extrude(plane, heights)}

    def solid(gmsh: Any) -> None:
        gmsh.model.occ.extrude(draw_fluid(gmsh, outline), 0, 0, outline.depth)

    return Part(name, outline, mesh, solid)


def refuse_too_many(tetrahedra: float, most: int) -> None:
    """Refuse a mesh that would be too large, before it is made.

    Raises:
        TooManyCells: It would have more than ``most`` tetrahedra.
    """
    if tetrahedra > most:
        raise TooManyCells(f"the mesh would have {tetrahedra:.1e} tetrahedra, above {most:.0e}")


@dataclass(frozen=True)
class Drawing:
    """One block under the name of its files; the meshes are made once for all formats."""

    stem: str
    part: Part
    resolution: Resolution | None
    chord_tolerance: float

    @property
    def outline(self) -> Outline:
        """Its plan."""
        return self.part.plan

    @cached_property
    def meshes(self) -> dict[str, Mesh]:
        """Its meshes, by what is added to the file name."""
        try:
            return self.part.mesh(self.resolution, _MOST_TETRAHEDRA)
        except TooManyCells as error:
            raise DesignError(
                f"block = {self.stem} is too large to mesh: {error}; export a smaller block"
            ) from None
