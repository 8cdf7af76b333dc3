"""Meshes in space of what stands on a plan in layers: a chip's body with the channel left out, the mould that it is cast from.

The plan is meshed once, the fluid and what is around it; each layer then takes the one, the other, or both::

      top      +---------------+               body: around the fluid from the floor to the ceiling, both above
      ceiling  +---+       +---+    +-----+
      floor    +---+       +---+   -+     +-   mould: both below the floor, the fluid up to the ceiling
      base                          +-----+
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geometries.bores import Box
from geometries.extrude import extrude, refuse_inverted
from geometries.mesh import (
    EDGES,
    Mesh,
    MeshError,
    Resolution,
    collect,
    draw_fluid,
    gmsh_session,
    grade,
    names_of_curves,
    sizes_by_field_only,
)
from geometries.outline import Outline, rectangle

#: Heights of a ceiling that slopes, um, at places in the plan, shape (N, 2).
Ceiling: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_TRIANGLE = 9
_WORST_SHAPE = 0.02


@dataclass(frozen=True)
class Layers:
    """What is filled, from below to above.

    Attributes:
        borders: Heights between which the layers lie, um, rising.
        faces: Name of a face that lies on each border.
        filled: Of each layer, whether the fluid's plan and what is around it are filled.
    """

    borders: tuple[float, ...]
    faces: tuple[str, ...]
    filled: tuple[tuple[bool, bool], ...]


def around(outline: Outline) -> Box:
    """The block around a fluid, um: its frame, or where that is a wall, as much more as the channel is deep or wide."""
    x0, y0, x1, y1 = outline.frame.polygon().bounds
    walled = any(s.name == "wall" for s in outline.frame.segments)
    margin = max(outline.throat, outline.depth) if walled else 0.0
    return x0 - margin, y0 - margin, x1 + margin, y1 + margin


def named(outline: Outline) -> Outline:
    """The same drawing with the sides of the block around it among its lines, under the name ``side``."""
    box = around(outline)
    if box == outline.frame.polygon().bounds:
        return outline
    return replace(outline, solids=(*outline.solids, rectangle(*box, ("side",) * 4)))


def mesh_plan(outline: Outline, resolution: Resolution) -> tuple[Mesh, NDArray[np.bool_]]:
    """Mesh the fluid and what is around it, with common nodes on the border.

    Returns:
        The mesh, whose regions are lines of the drawing and ``side``, and which of its cells are fluid.

    Raises:
        MeshError: gmsh failed, or a cell is too badly shaped.
    """
    x0, y0, x1, y1 = around(outline)
    with gmsh_session() as gmsh:
        gmsh.model.add("plan")
        sizes_by_field_only(gmsh)
        gmsh.option.setNumber("Mesh.Algorithm", 6)
        try:
            block = [(2, gmsh.model.occ.addRectangle(x0, y0, 0, x1 - x0, y1 - y0))]
            _, pieces = gmsh.model.occ.fragment(block, draw_fluid(gmsh, outline))
            gmsh.model.occ.synchronize()
            curves = names_of_curves(gmsh, named(outline), gmsh.model.getEntities(1))
            grade(gmsh, outline, curves, resolution)
            gmsh.model.mesh.generate(2)
            gmsh.model.mesh.setOrder(2)
        except Exception as error:  # gmsh raises bare Exception
            raise MeshError(f"gmsh could not mesh the plan: {error}") from error
        mesh = collect(gmsh, curves)
        fluid = {tag for piece in pieces[1:] for _, tag in piece}
        own = np.concatenate([gmsh.model.mesh.getElementsByType(_TRIANGLE, tag)[0] for tag in fluid])
        inside = np.isin(gmsh.model.mesh.getElementsByType(_TRIANGLE)[0], own)
    if mesh.quality < _WORST_SHAPE:
        raise MeshError(
            f"the worst cell has shape quality {mesh.quality:.3f}, below {_WORST_SHAPE}; refine the mesh"
        )
    return mesh, inside


def stack(
    plane: Mesh,
    inside: NDArray[np.bool_],
    layers: Layers,
    heights: NDArray[np.float64],
    ceiling: Ceiling | None = None,
) -> Mesh:
    """Tetrahedra in the layers that are filled.

    Args:
        plane: Mesh of the plan.
        inside: Which of its cells are fluid.
        layers: What is filled.
        heights: Borders of the layers of cells, um, rising; those of ``layers`` are among them.
        ceiling: Of a fluid under a sloping ceiling; its highest point is the border ``ceiling``.

    Returns:
        Mesh with a region for each name of a face or line that bounds what is filled.

    Raises:
        MeshError: A cell is turned inside out.
    """
    n, count = len(plane.points), len(heights) - 1
    whole = extrude(plane, heights)
    points = whole.points
    if ceiling is not None:
        points = slope(points, np.tile(ceiling(plane.points[:, :2]), whole.node_levels), layers)
    at = np.searchsorted(np.array(layers.borders), (heights[1:] + heights[:-1]) / 2) - 1
    filled = np.array(layers.filled)[at]
    there = np.where(inside, filled[:, :1], filled[:, 1:])  # of each layer and triangle
    cells = whole.cells[np.repeat(there.ravel(), 3)]

    names: list[str] = []
    facets: list[NDArray[np.int64]] = []
    sides = whole.facets[: 2 * count * len(plane.facets)].reshape(len(plane.facets), count, 2, 6)
    bounding = np.not_equal(*_beside(plane, there))
    for name, number in plane.regions.items():
        chosen = bounding & (plane.facet_regions == number)[:, None]
        names.append(name)
        facets.append(sides[chosen].reshape(-1, 6))
    empty = np.zeros((1, len(inside)), dtype=bool)
    change = np.concatenate([empty, there]) != np.concatenate([there, empty])
    for level in np.flatnonzero(change.any(axis=1)):
        names.append(layers.faces[int(np.argmin(np.abs(np.array(layers.borders) - heights[level])))])
        facets.append(plane.cells[change[level]] + 2 * n * level)
    mesh = _gathered(points, cells, facets, names, plane.quality)
    if ceiling is not None:
        refuse_inverted(mesh, "a cell under the sloping ceiling is turned inside out; refine the mesh")
    return mesh


def slope(points: NDArray[np.float64], height: NDArray[np.float64], layers: Layers) -> NDArray[np.float64]:
    """Points moved up or down, so that those on the border ``ceiling`` get the height; the floor and the outer faces stay."""
    z, depth, top = points[:, 2], layers.borders[layers.faces.index("ceiling")], layers.borders[-1]
    moved = np.where(z <= 0, z, z * height / depth)
    if top > depth:
        moved = np.where(z <= depth, moved, height + (z - depth) * (top - height) / (top - depth))
    return np.column_stack([points[:, :2], moved])


def _beside(plane: Mesh, there: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the cells on both sides of each line are filled, shape (lines, layers); beyond the border nothing is."""
    edges = np.sort(np.concatenate([plane.cells[:, list(pair)] for pair in EDGES[2]]), axis=1)
    owner = np.tile(np.arange(len(plane.cells)), 3)
    size = len(plane.points)
    key = edges[:, 0] * size + edges[:, 1]
    order = np.argsort(key, kind="stable")
    lines = np.sort(plane.facets[:, :2], axis=1)
    first = np.searchsorted(key[order], lines[:, 0] * size + lines[:, 1])
    second = np.minimum(first + 1, len(key) - 1)
    shared = (key[order[first]] == key[order[second]]) & (second > first)
    one = there[:, owner[order[first]]].T
    return one, there[:, owner[order[second]]].T & shared[:, None]


def _gathered(
    points: NDArray[np.float64], cells: NDArray, facets: list[NDArray], names: list[str], quality: float
) -> Mesh:
    """A mesh of the nodes that are used, with the facets of one name under one number."""
    used = np.unique(cells)
    regions: dict[str, int] = {}
    for name, found in zip(names, facets, strict=True):
        if len(found):
            regions.setdefault(name, len(regions) + 1)
    chosen = [(regions[name], found) for name, found in zip(names, facets, strict=True) if len(found)]
    return Mesh(
        points[used],
        np.searchsorted(used, cells),
        np.searchsorted(used, np.concatenate([found for _, found in chosen])),
        np.concatenate([np.full(len(found), number, dtype=np.int32) for number, found in chosen]),
        regions,
        quality,
    )


def draw_body(gmsh: Any, fluid: list[tuple[int, int]], box: Box, top: float) -> None:
    """Draw the block around a fluid, from the floor to the top, without the fluid."""
    x0, y0, x1, y1 = box
    gmsh.model.occ.cut([(3, gmsh.model.occ.addBox(x0, y0, 0, x1 - x0, y1 - y0, top))], fluid)


def draw_mould(gmsh: Any, fluid: list[tuple[int, int]], box: Box, base: float) -> None:
    """Draw a plate below the floor with the fluid's relief on it."""
    x0, y0, x1, y1 = box
    gmsh.model.occ.fuse([(3, gmsh.model.occ.addBox(x0, y0, -base, x1 - x0, y1 - y0, base))], fluid)
