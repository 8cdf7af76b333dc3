"""Plain test domains: a rectangle, with a round hole if wanted, in the plane and in space."""

import math

from geometries.extrude import extrude, layer_heights
from geometries.mesh import Resolution, mesh_outline
from geometries.outline import Arc, Loop, Outline, rectangle


def channel(length=1.0, width=1.0, *, hole=0.0, periodic=False):
    """A channel along x with walls at y = 0 and ``width``; a round hole of radius ``hole`` in the middle."""
    frame = rectangle(0.0, 0.0, length, width, ("wall", "outlet", "wall", "inlet"))
    x, y = length / 2, width / 2
    quarters = [
        (x + hole * math.cos(a), y + hole * math.sin(a)) for a in (0, math.pi / 2, math.pi, 3 * math.pi / 2)
    ]
    loop = Loop(tuple(Arc(quarters[i], quarters[(i + 1) % 4], (x, y), "wall") for i in range(4)))
    return Outline(frame, (loop,) if hole else (), 1.0, (), 0.0, 1.0, periodic)


def plane_mesh(outline, size):
    return mesh_outline(outline, Resolution(coarsest=size))


def space_mesh(outline, size, layers, depth=1.0, *, half=False):
    heights = layer_heights(depth, depth, layers, half=half)  # as thick on the floor as elsewhere
    return extrude(plane_mesh(outline, size), heights, top="midplane" if half else "ceiling")
