"""Closed surfaces of plane triangles, by name: for STL. Chords lie within a stated distance of the curves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from shapely import (
    LineString,
    Polygon,
    STRtree,
    box,
    constrained_delaunay_triangles,
    get_coordinates,
    get_exterior_ring,
    get_parts,
    points,
)

from geometries.mesh import Mesh, MeshError
from geometries.outline import Outline
from geometries.stack import Ceiling, Layers, around, named, slope

#: Triangles of each named part of a surface, corners in um, counter-clockwise seen from outside, shape (N, 3, 3).
Surface: TypeAlias = dict[str, NDArray[np.float64]]

_ROUND = 9  # decimals of um at which two corners are one


def surface_of_layers(
    outline: Outline, layers: Layers, tolerance: float, ceiling: Ceiling | None = None
) -> Surface:
    """The surface of what a plan fills in layers.

    Args:
        outline: The plan; the fluid is its frame without its solids.
        layers: What is filled.
        tolerance: Largest distance between a curve and its chords, um.
        ceiling: Of a fluid under a sloping ceiling.

    Raises:
        MeshError: The surface is not closed.
    """
    fluid = outline.fluid(tolerance)
    shapes: list[tuple[bool, Polygon]] = [(True, p) for p in get_parts(fluid)]
    if any(other for _, other in layers.filled):
        rest = box(*around(outline)).difference(fluid)
        shapes += [(False, p) for p in get_parts(rest) if isinstance(p, Polygon)]
    corners, triangles, inside = _triangulated(shapes)
    filled = np.array([[f if within else other for within in inside] for f, other in layers.filled])
    empty = np.zeros((1, len(inside)), dtype=bool)
    height = None if ceiling is None else ceiling(corners)

    def place(index: NDArray[np.int64], z: float) -> NDArray[np.float64]:
        flat = index.ravel()
        at = np.column_stack([corners[flat], np.full(len(flat), z)])
        moved = at if height is None else slope(at, height[flat], layers)
        return moved.reshape(*index.shape, 3)

    parts: dict[str, list[NDArray[np.float64]]] = {}
    below, above = np.concatenate([empty, filled]), np.concatenate([filled, empty])
    for z, name, low, high in zip(layers.borders, layers.faces, below, above, strict=True):
        parts.setdefault(name, []).append(place(triangles[low & ~high], z))
        parts[name].append(place(triangles[high & ~low][:, ::-1], z))
    for layer, (z0, z1) in enumerate(zip(layers.borders[:-1], layers.borders[1:], strict=True)):
        for name, a, b in _sides(outline, corners, triangles[filled[layer]]):
            low = place(np.stack([a, b, b], axis=1), z0)
            low[:, 2] = place(b, z1)
            up = place(np.stack([a, a, a], axis=1), z0)
            up[:, 1:] = np.stack([place(b, z1), place(a, z1)], axis=1)
            parts.setdefault(name, []).append(np.concatenate([low, up]))
    joined = {name: np.concatenate(found) for name, found in parts.items()}
    return refuse_open({name: found for name, found in joined.items() if len(found)})


def _triangulated(
    shapes: Iterable[tuple[bool, Polygon]],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Triangles between the corners of polygons and no others, counter-clockwise; with whether each is fluid."""
    found, inside = [], []
    for within, shape in shapes:
        rings = get_coordinates(get_exterior_ring(get_parts(constrained_delaunay_triangles(shape))))
        found.append(rings.reshape(-1, 4, 2)[:, :3])
        inside.append(np.full(len(found[-1]), within))
    places = np.concatenate(found)
    corners, number = np.unique(np.round(places.reshape(-1, 2), _ROUND), axis=0, return_inverse=True)
    triangles, within_fluid = number.reshape(-1, 3), np.concatenate(inside)
    # Where two corners have become one there is nothing left between them.
    real = (np.diff(np.sort(triangles, axis=1), axis=1) > 0).all(axis=1)
    triangles, within_fluid = triangles[real], within_fluid[real]
    a, b, c = (corners[triangles[:, i]] for i in range(3))
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    triangles[turned] = triangles[turned][:, ::-1]
    return corners, triangles, within_fluid


def _sides(
    outline: Outline, corners: NDArray[np.float64], triangles: NDArray[np.int64]
) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Lines that bound triangles, with what is filled on their left, by the name of the drawing's line they lie on."""
    if not len(triangles):
        return []
    ends = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    key, back = ends @ [len(corners), 1], ends @ [1, len(corners)]
    ends = ends[~np.isin(key, back)]
    drawn = named(outline)
    segments = [s for loop in (drawn.frame, *drawn.solids) for s in loop.segments]
    tree = STRtree([LineString([*s.points(1e-3), s.end]) for s in segments])
    middles = points(corners[ends].mean(axis=1))
    names = np.array([s.name for s in segments])[tree.nearest(middles)]
    return [(str(name), *ends[names == name].T) for name in np.unique(names)]


def surface_of_mesh(mesh: Mesh) -> Surface:
    """The plane triangles between the corners of a mesh's boundary facets.

    Raises:
        MeshError: The surface is not closed.
    """
    faces = {}
    for face, opposite in (((1, 2, 3), 0), ((0, 2, 3), 1), ((0, 1, 3), 2), ((0, 1, 2), 3)):
        for nodes, inner in zip(mesh.cells[:, face], mesh.cells[:, opposite], strict=True):
            faces[tuple(sorted(nodes))] = inner
    inner = mesh.points[[faces[tuple(sorted(nodes))] for nodes in mesh.facets[:, :3]]]
    corners = mesh.points[mesh.facets[:, :3]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", normal, inner - corners[:, 0]) > 0
    corners[inward] = corners[inward][:, ::-1]
    return refuse_open({name: corners[mesh.facet_regions == n] for name, n in mesh.regions.items()})


def refuse_open(surface: Surface) -> Surface:
    """The surface itself, if each side of a triangle is that of one other, run through the other way.

    Raises:
        MeshError: It has a hole, or a triangle that is turned round.
    """
    corners = np.concatenate(list(surface.values())).reshape(-1, 3)
    _, number = np.unique(np.round(corners, 6), axis=0, return_inverse=True)
    triangles = number.reshape(-1, 3)
    ends = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)]).astype(np.int64)
    size = int(number.max()) + 1
    there, back = np.sort(ends @ [size, 1]), np.sort(ends @ [1, size])
    if not np.array_equal(there, back):
        raise MeshError("the surface is not closed; choose another chord tolerance")
    return surface
