"""Plain domains with known flows: a channel, with a round hole if wanted, and an annulus; in the plane and in space."""

from __future__ import annotations

import math

from geometries.extrude import extrude, layer_heights
from geometries.mesh import Mesh, Resolution, mesh_outline
from geometries.outline import Arc, Loop, Outline, rectangle


def channel(length: float = 1.0, width: float = 1.0, *, hole: float = 0.0, periodic: bool = False) -> Outline:
    """A channel along x with walls at y = 0 and ``width``; a round hole of radius ``hole`` in the middle."""
    frame = rectangle(0.0, 0.0, length, width, ("wall", "outlet", "wall", "inlet"))
    loop = circle(length / 2, width / 2, hole, "wall")
    return Outline(frame, (loop,) if hole else (), 1.0, (), 0.0, 1.0, periodic)


def circle(x: float, y: float, radius: float, name: str) -> Loop:
    """A circle of four arcs."""
    angles = (0, math.pi / 2, math.pi, 3 * math.pi / 2)
    quarters = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
    return Loop(tuple(Arc(quarters[i], quarters[(i + 1) % 4], (x, y), name) for i in range(4)))


def plane_mesh(outline: Outline, size: float) -> Mesh:
    """A mesh of cells as wide as ``size``."""
    return mesh_outline(outline, Resolution(coarsest=size))


def space_mesh(outline: Outline, size: float, layers: int, depth: float = 1.0, *, half: bool = False) -> Mesh:
    """Layers of tetrahedra, as thick on the floor as elsewhere; half the depth ends at a mirror plane."""
    heights = layer_heights(depth, depth, layers, half=half)
    return extrude(plane_mesh(outline, size), heights, top="midplane" if half else "ceiling")
