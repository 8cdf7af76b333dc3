"""A piece of a device for other tools: its plan, and what is made of it: fluid, body or mould, as mesh, solid and surface."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometries.extrude import extrude, layer_heights
from geometries.lattices import Copies
from geometries.mesh import Mesh, Resolution, TooManyCells, draw_fluid, mesh_outline
from geometries.outline import Loop, Outline
from geometries.quantities import DesignError
from geometries.stack import Ceiling, Layers, around, draw_body, draw_mould, mesh_plan, stack
from geometries.surface import Surface, surface_of_layers

_MOST_TETRAHEDRA = 2_000_000

#: What can be made of a part: what the liquid fills, the chip without it, and what the chip is cast from.
MADE = ("fluid", "body", "mould")

#: Meshes of large pieces are for looking at and for other solvers' first try: coarser than those of a unit cell.
COARSE = Resolution(tip=0.8, growth=0.6, coarsest=0.8, layers=2)
#: Of a whole chip's envelope, which is thousands of times as wide as its narrowest passage.
ENVELOPE = Resolution(coarsest=6.0, layers=2, local=True)
#: Of a tip in a first-order mesh: its straight sides are then shorter than the arc by less than 1e-4 of a pillar's border.
_STRAIGHT_TIP = 0.2


@dataclass(frozen=True)
class Shape:
    """What is made of a part, by mesh, solid and surface.

    Attributes:
        mesh: Makes its meshes by what is added to the file name (``2d``, ``3d``), from a resolution and a number of tetrahedra
            above which it raises :class:`TooManyCells` instead.
        curved: Resolution of its meshes.
        straight: The same for meshes whose cells are straight: they need finer ones on curves.
        solid: Draws its solid in gmsh's OpenCASCADE model, um, not yet synchronised.
        surface: Its closed surface, from a chord tolerance, um.
    """

    mesh: Callable[[Resolution, int], dict[str, Mesh]]
    curved: Resolution
    straight: Resolution
    solid: Callable[[Any], None]
    surface: Callable[[float], Surface]


@dataclass(frozen=True)
class Part:
    """A piece of a device.

    Attributes:
        name: For file names, e.g. ``cell`` or ``array_8x8``.
        plan: Its drawing, um.
        made: One of :data:`MADE` as a shape; of body and mould also how thick they are, um (None: twice the channel's depth).
        copies: What stands in the plan many times over, for masks and pictures only: its pillars, posts or pores.
        details: What else is on a mask of it: loops whose names are their layers (ports, marks, labels, slide).
        clear: Narrowest passage between the copies, um.
        in_space: Whether it is more than masks and pictures.
    """

    name: str
    plan: Outline
    made: Callable[[str, float | None], Shape]
    copies: tuple[Copies, ...] = ()
    details: tuple[Loop, ...] = ()
    clear: float = math.inf
    in_space: bool = True

    @property
    def narrowest(self) -> float:
        """Narrowest passage of all, um."""
        return min(self.plan.throat, self.clear)


@dataclass(frozen=True)
class Channel:
    """What is made of a channel: under a flat ceiling, unless another and the solid of its fluid are given.

    Attributes:
        outline: Its plan, um.
        curved: Resolution of its meshes.
        straight: The same for straight cells.
        ceiling: One that slopes.
        fluid: Draws the fluid under it, as :attr:`Shape.solid`, and returns its volumes.
    """

    outline: Outline
    curved: Resolution
    straight: Resolution
    ceiling: Ceiling | None = None
    fluid: Callable[[Any], list[tuple[int, int]]] | None = None

    def made(self, of: str, thickness: float | None) -> Shape:
        """Fluid, body or mould.

        Raises:
            DesignError: It is not thicker than the channel is deep.
        """
        depth = self.outline.depth
        whole = 2 * depth if thickness is None else thickness
        if not whole > depth:
            raise DesignError(
                f"thickness = {whole:g} um is not above the depth of the channel, {depth:g} um: nothing would hold it together"
            )
        layers = {
            "fluid": Layers((0.0, depth), ("floor", "ceiling"), ((True, False),)),
            "body": Layers((0.0, depth, whole), ("floor", "ceiling", "top"), ((False, True), (True, True))),
            "mould": Layers(
                (depth - whole, 0.0, depth), ("base", "floor", "ceiling"), ((True, True), (True, False))
            ),
        }[of]

        def mesh(resolution: Resolution, most: int) -> dict[str, Mesh]:
            return self._mesh(of, layers, resolution, most)

        def solid(gmsh: Any) -> None:
            fluid, box = self._draw(gmsh), around(self.outline)
            if of == "body":
                draw_body(gmsh, fluid, box, whole)
            elif of == "mould":
                draw_mould(gmsh, fluid, box, whole - depth)

        def surface(tolerance: float) -> Surface:
            return surface_of_layers(self.outline, layers, tolerance, self.ceiling)

        return Shape(mesh, self.curved, self.straight, solid, surface)

    def _draw(self, gmsh: Any) -> list[tuple[int, int]]:
        if self.fluid is not None:
            return self.fluid(gmsh)
        drawn = gmsh.model.occ.extrude(draw_fluid(gmsh, self.outline), 0, 0, self.outline.depth)
        return [pair for pair in drawn if pair[0] == 3]

    def _mesh(self, of: str, layers: Layers, resolution: Resolution, most: int) -> dict[str, Mesh]:
        count, outline = max(round(resolution.layers * resolution.refine), 1), self.outline
        inner = layer_heights(outline.depth, outline.throat / 10, count, half=False)
        inside: NDArray[np.bool_]
        if of == "fluid":
            plane = mesh_outline(outline, resolution)
            inside, heights = np.full(len(plane.cells), fill_value=True), inner
        else:
            plane, inside = mesh_plan(outline, resolution)
            heights = _with_plate(inner, layers, count)
        refuse_too_many(3 * (len(heights) - 1) * len(plane.cells), most)
        if of == "fluid" and self.ceiling is None:
            return {"2d": plane, "3d": extrude(plane, heights)}
        space = stack(plane, inside, layers, heights, self.ceiling)
        return {"2d": plane, "3d": space} if of == "fluid" else {"3d": space}


def _with_plate(inner: NDArray[np.float64], layers: Layers, count: int) -> NDArray[np.float64]:
    """Heights of the channel's layers, and of as many again in the plate above or below."""
    low, high = layers.borders[0], layers.borders[-1]
    if low < 0:
        return np.concatenate([np.linspace(low, 0.0, count + 1), inner[1:]])
    return np.concatenate([inner, np.linspace(inner[-1], high, count + 1)[1:]])


def channel_part(name: str, outline: Outline, own: Resolution, straight: Resolution | None = None) -> Part:
    """A piece of a channel of one depth.

    Args:
        name: For file names.
        outline: Its plan, um.
        own: Resolution of its meshes.
        straight: The same for straight cells; left out: finer at the tips.
    """
    straight = straight or dataclasses.replace(own, tip=min(own.tip, _STRAIGHT_TIP))
    return Part(name, outline, Channel(outline, own, straight).made)


def refuse_too_many(tetrahedra: float, most: int) -> None:
    """Refuse a mesh that would be too large, before it is made.

    Raises:
        TooManyCells: It would have more than ``most`` tetrahedra.
    """
    if tetrahedra > most:
        raise TooManyCells(f"the mesh would have {tetrahedra:.1e} tetrahedra, above {most:.0e}")


@dataclass(frozen=True)
class Drawing:
    """One piece under the name of its files; what is made of it is made once for all formats."""

    stem: str
    part: Part
    chord_tolerance: float
    shape: Shape | None = None
    inside: str = "fluid"
    refine: float = 1.0
    tell: Callable[[str], None] = lambda text: None

    @property
    def outline(self) -> Outline:
        """Its plan."""
        return self.part.plan

    def file(self, folder: Path, ending: str) -> Path:
        """Path of a file that is about to be written."""
        path = folder / f"{self.stem}{ending}"
        self.tell(f"writing {path.name}")
        return path

    @cached_property
    def meshes(self) -> dict[str, Mesh]:
        """Its meshes, by what is added to the file name."""
        assert self.shape is not None
        return self._meshed(self.shape.curved)

    @cached_property
    def straight_meshes(self) -> dict[str, Mesh]:
        """Its meshes for files whose cells are straight: of these only the corners count."""
        assert self.shape is not None
        return self._meshed(self.shape.straight)

    def _meshed(self, resolution: Resolution) -> dict[str, Mesh]:
        assert self.shape is not None
        self.tell(f"meshing {self.stem}")
        try:
            return self.shape.mesh(dataclasses.replace(resolution, refine=self.refine), _MOST_TETRAHEDRA)
        except TooManyCells as error:
            raise DesignError(
                f"block = {self.stem} is too large to mesh: {error}; export a smaller block"
            ) from None
