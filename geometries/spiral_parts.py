"""Pieces of a spiral for other tools: a quarter turn, and the whole channel with its ports.

A rectangular channel is extruded. Of a trapezoidal one the plane mesh is extruded, its nodes are then moved up or down to the
sloping ceiling, and the solid is swept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geometries.extrude import refuse_inverted
from geometries.mesh import UNIT, Mesh, Resolution
from geometries.outline import Outline
from geometries.part import COARSE, Channel, Part
from geometries.spiral_solid import ceiling, draw_channel, sweep

if TYPE_CHECKING:
    from geometries.spiral import Spiral

_QUARTER = Resolution(coarsest=0.2, layers=3)
# Of a straight cell's side over the radius of a bend: it is then shorter than the bend by less than 1e-4.
_CHORD = 0.04
_NEAR = 1e-3  # um


def cell_part(spiral: Spiral) -> Part:
    """A quarter turn at the inner end."""
    first, last = spiral.quarter

    def fluid(gmsh: Any) -> list[tuple[int, int]]:
        return [(3, sweep(gmsh, spiral, first, last))]

    return _part("quarter", spiral, spiral.block(), _QUARTER, fluid)


def channel_part(spiral: Spiral) -> Part:
    """The whole channel with its ports."""

    def fluid(gmsh: Any) -> list[tuple[int, int]]:
        draw_channel(gmsh, spiral)
        return [pair for pair in gmsh.model.occ.getEntities(3)]

    return _part("channel", spiral, spiral.channel(), COARSE, fluid)


def _part(
    name: str,
    spiral: Spiral,
    outline: Outline,
    own: Resolution,
    fluid: Callable[[Any], list[tuple[int, int]]],
) -> Part:
    inner_wall = (spiral.inner_radius - spiral.width / 2) / UNIT
    straight = dataclasses.replace(own, coarsest=min(own.coarsest, _CHORD * inner_wall / outline.throat))
    if spiral.height is not None:
        return Part(name, outline, Channel(outline, own, straight).made)
    return Part(name, outline, Channel(outline, own, straight, _everywhere(spiral, outline), fluid).made)


def _everywhere(spiral: Spiral, outline: Outline) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Height of the ceiling, um; beside the channel that of the nearest place in it."""
    shape = outline.frame.polygon()

    def height(places: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = shapely.contains_xy(shape.buffer(_NEAR), *places.T)
        moved = places.copy()
        if not inside.all():
            border = shape.exterior
            along = shapely.line_locate_point(border, shapely.points(places[~inside]))
            moved[~inside] = shapely.get_coordinates(shapely.line_interpolate_point(border, along))
        return ceiling(spiral, moved)

    return height


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
