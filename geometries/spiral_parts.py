"""Pieces of a spiral for other tools: a quarter turn, and the whole channel with its ports.

A rectangular channel is extruded. Of a trapezoidal one the plane mesh is extruded, its nodes are then moved up or down to the
sloping ceiling, and the solid is swept.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from geometries.extrude import refuse_inverted
from geometries.mesh import Mesh, Resolution
from geometries.outline import Outline
from geometries.part import COARSE, Part
from geometries.part import channel_part as flat_part
from geometries.spiral_solid import ceiling, draw_channel, sweep

if TYPE_CHECKING:
    from geometries.spiral import Spiral

_QUARTER = Resolution(coarsest=0.2, layers=3)


def cell_part(spiral: Spiral) -> Part:
    """A quarter turn at the inner end."""
    first, last = spiral.quarter

    def solid(gmsh: Any) -> None:
        sweep(gmsh, spiral, first, last)

    return _part("quarter", spiral, spiral.block(), _QUARTER, solid)


def channel_part(spiral: Spiral) -> Part:
    """The whole channel with its ports."""
    return _part("channel", spiral, spiral.channel(), COARSE, lambda gmsh: draw_channel(gmsh, spiral))


def _part(name: str, spiral: Spiral, outline: Outline, own: Resolution, solid: Any) -> Part:
    flat = flat_part(name, outline, own)
    if spiral.height is not None:
        return flat

    def mesh(resolution: Resolution | None, most: int) -> dict[str, Mesh]:
        made = flat.mesh(resolution, most)
        return {**made, "3d": under_the_ceiling(spiral, made["3d"], outline.depth)}

    return dataclasses.replace(flat, mesh=mesh, solid=solid)


def under_the_ceiling(spiral: Spiral, mesh: Mesh, depth: float) -> Mesh:
    """An extruded mesh with its nodes moved along z, each in proportion, so that the uppermost lie on the ceiling.

    Raises:
        MeshError: A cell is turned inside out.
    """
    plane = mesh.points[: len(mesh.points) // mesh.node_levels, :2]
    points = mesh.points.copy()
    points[:, 2] *= np.tile(ceiling(spiral, plane), mesh.node_levels) / depth
    moved = dataclasses.replace(mesh, points=points)
    refuse_inverted(moved, "a cell under the sloping ceiling is turned inside out; refine the mesh")
    return moved
