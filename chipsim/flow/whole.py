"""The whole of a flow that was solved on the half before its middle, in numpy.

A pore from one reservoir to another like it is the same seen from either end. Turned round, Stokes flow is itself with all signs
changed: where x along the flow becomes 2 c - x, the velocity along the flow stays, the one across and the pressure change sign.
"""

from __future__ import annotations

import numpy as np

from chipsim.flow.field import Array, Field
from geometries.mesh import EDGES, Mesh


def whole(field: Field, axis: int) -> Field:
    """Put the mirror image behind a half that ends in its ``outlet``, where its pressure is zero.

    Args:
        field: The half; ``outlet`` is perpendicular to ``axis`` and beyond all else.
        axis: 0 in the plane, 2 in space.
    """
    mesh = field.mesh
    middle = np.unique(mesh.facets[mesh.facet_regions == mesh.regions["outlet"]])
    count = len(mesh.points)
    behind = np.full(count, -1)  # number of each node's image
    behind[middle] = middle
    rest = np.flatnonzero(behind < 0)
    behind[rest] = count + np.arange(len(rest))
    points = mesh.points[rest].copy()
    points[:, axis] = 2 * mesh.points[middle, axis].mean() - points[:, axis]
    sides = mesh.facet_regions != mesh.regions["outlet"]
    numbers = mesh.facet_regions[sides]
    images = np.where(numbers == mesh.regions["inlet"], mesh.regions["outlet"], numbers)
    image = Mesh(
        np.concatenate([mesh.points, points]),
        np.concatenate([mesh.cells, _turned(behind[mesh.cells], mesh.dim)]),
        np.concatenate([mesh.facets[sides], behind[mesh.facets[sides]]]),
        np.concatenate([numbers, images]),
        mesh.regions,
        mesh.quality,
    )

    def turned(vectors: Array) -> Array:
        out = -vectors
        out[:, axis] *= -1
        return out

    velocity = np.concatenate([field.velocity, turned(field.velocity[rest])])
    pressure = np.concatenate([field.pressure, -field.pressure[rest]])
    pressure[middle] = 0.0  # where the half has it but weakly
    corners = mesh.dim + 1
    for edge, (a, b) in enumerate(EDGES[mesh.dim]):  # linear in each cell
        pressure[image.cells[:, corners + edge]] = pressure[image.cells[:, [a, b]]].mean(axis=1)
    reaction = None
    if field.reaction is not None:
        reaction = np.concatenate([field.reaction, turned(field.reaction[rest])])
        reaction[middle] += turned(field.reaction[middle])  # each half has its own part
    return Field(image, velocity, pressure, reaction, field.axisymmetric)


def _turned(cells: Array, dim: int) -> Array:
    """The nodes of mirrored cells in an order that makes their volume positive again: the first two corners change places."""
    corners = [1, 0, *range(2, dim + 1)]
    edges = [tuple(sorted((corners[a], corners[b]))) for a, b in EDGES[dim]]
    known = [tuple(sorted(edge)) for edge in EDGES[dim]]
    return cells[:, [*corners, *(dim + 1 + known.index(edge) for edge in edges)]]
