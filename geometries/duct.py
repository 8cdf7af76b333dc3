"""Meshes of half a duct around a sphere, straight or bent: for the lift on a body that a flow carries along.

The section lies in x (across) and z (along the height), the duct runs along y. The sphere's centre lies on the plane y = 0,
in which a flow along a duct reverses or is mirrored, so y >= 0 is meshed only::

    z                 wall
    |   ______________________________
    |  |                              |
    |  |            ( body_0 )        |     middle: y = 0, which cuts the sphere
    |  |______________________________|     end:    y = half_length
    +------------------------------------ x

A bent duct turns about an axis along z at x = -bend, so x points outward from the centre-line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Point
from shapely.ops import nearest_points

from geometries.cut_out import SAME, Block, Sphere, Triple, mesh_without
from geometries.mesh import Mesh, draw_fluid
from geometries.outline import Outline
from geometries.quantities import DesignError


@dataclass(frozen=True)
class DuctSizes:
    """How fine a mesh around a sphere in a duct is; sizes grow linearly away from sphere, films and the plane y = 0.

    Attributes:
        body: Cell size on the sphere over its radius.
        growth: Growth of the cell size with the distance from the sphere.
        section: Largest cell at y = 0 over the half-height.
        along: Growth of the largest cell along the duct.
        film: Cell size at the narrowest place between sphere and wall, over the gap there.
    """

    body: float = 0.25
    growth: float = 0.25
    section: float = 0.25
    along: float = 0.15
    film: float = 0.5


def films(section: Outline, centre: tuple[float, float], radius: float) -> list[tuple[Triple, float]]:
    """Nearest place on each wall of a section, as a point in space, and the gap between it and a sphere, um.

    Args:
        section: The whole section; its x and y are the mesh's x and z.
        centre: Of the sphere, in the section, um.
        radius: Of the sphere, um.

    Raises:
        DesignError: The sphere does not fit there.
    """
    here, out = Point(centre), []
    inside = section.frame.polygon().contains(here)
    for segment in section.frame.segments:
        place = nearest_points(LineString([*segment.points(1e-5), segment.end]), here)[0]
        out.append(((place.x, 0.0, place.y), place.distance(here) - radius))
    least = min(gap for _, gap in out)
    if not inside or least < SAME:
        raise DesignError(
            f"a sphere of {2 * radius:.4g} um at ({centre[0]:.4g}, {centre[1]:.4g}) um does not fit into the section: "
            f"{'its centre lies outside' if not inside else f'it leaves {least:.3g} um to the wall'}"
        )
    return out


def half_duct(
    section: Outline, sphere: Sphere, half_length: float, sizes: DuctSizes, bend: float = math.inf
) -> Mesh:
    """Mesh the half y >= 0 of a duct around a sphere.

    Regions: ``middle`` (y = 0), ``end`` (y = half_length; of a bent duct a part of the wall), ``wall``, ``body_0``.

    Args:
        section: The whole section, um; its x and y become x and z.
        sphere: The body, its centre at y = 0.
        half_length: From the body to the end along the centre-line, um.
        sizes: How fine.
        bend: Radius of the centre-line, um.

    Raises:
        DesignError: The sphere does not fit into the section, or the bend is too tight for the section or the length.
        MeshError: gmsh failed, or the mesh is not the duct without the sphere.
    """
    x, _, z = centre = sphere.centre
    radius = sphere.radius
    narrow = [(place, gap) for place, gap in films(section, (x, z), radius) if gap < 2 * radius]
    block = _block(section, half_length, bend)
    coarse = sizes.section * float(block.corners[1, 2] - block.corners[0, 2]) / 2

    def size(at: NDArray[np.float64]) -> float:
        here = [float(c) for c in at]
        away = max(math.dist(here, centre) - radius, 0.0)
        best = min(coarse + sizes.along * here[1], sizes.body * radius + sizes.growth * away)
        for place, gap in narrow:
            best = min(best, sizes.film * gap + sizes.growth * math.dist(here, place))
        return best

    return mesh_without(block, [sphere], size, coarse + sizes.along * half_length)


def _block(section: Outline, half_length: float, bend: float) -> Block:
    """Half the duct without the sphere: the section extruded, or swept around the bend's axis."""
    left, low, right, high = section.frame.polygon(1e-6).bounds
    # Beyond a quarter turn y would not grow along the duct any more.
    if bend <= max(-left, 2 * half_length / math.pi):
        raise DesignError(
            f"a bend of {bend:.4g} um is too tight: the inner wall lies {-left:.4g} um from the centre-line, the half-length is "
            f"{half_length:.4g} um"
        )
    angle, straight = half_length / bend, math.isinf(bend)

    def draw(gmsh: Any) -> list[tuple[int, int]]:
        # Drawn in x and y, extruded (swept) downward, and then turned: y becomes z, -z becomes y.
        occ, plane = gmsh.model.occ, draw_fluid(gmsh, section)
        if straight:
            made = occ.extrude(plane, 0, 0, -half_length)
        else:
            made = occ.revolve(plane, -bend, 0, 0, 0, 1, 0, angle)
        solid = [entity for entity in made if entity[0] == 3]
        occ.rotate(solid, 0, 0, 0, 1, 0, 0, math.pi / 2)
        return solid

    volume = section.area() * half_length
    if straight:
        corners = np.array([[left, 0.0, low], [right, half_length, high]])
    else:
        # Pappus: the area times the way of its centroid.
        volume *= 1 + section.fluid(1e-6).centroid.x / bend
        back, far = (left + bend) * math.cos(angle) - bend, (right + bend) * math.sin(angle)
        corners = np.array([[min(back, left), 0.0, low], [right, far, high]])
    sides = ("wall", "wall", "middle", "end" if straight else "wall", "wall", "wall")
    return Block(draw, corners, sides, "wall", volume, False)
