"""From a plane mesh to a mesh in space: layers of second-order tetrahedra between floor and ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometries.mesh import EDGES, TETRAHEDRON, Mesh, MeshError, gmsh_session


def layer_heights(depth: float, finest: float, count: int, *, half: bool) -> NDArray[np.float64]:
    """Heights of the layer borders from the floor up, thinner toward floor and ceiling.

    Args:
        depth: Height of the channel.
        finest: Thickness wished for the layer on the floor (only met when ``count`` layers allow it).
        count: Layers from the floor to mid-depth.
        half: Whether to stop at mid-depth, a mirror plane.
    """
    from scipy.optimize import brentq

    def total(ratio: float) -> float:
        return finest * sum(ratio**i for i in range(count)) - depth / 2

    ratio = 1.0 if count == 1 or total(1.0) >= 0 else brentq(total, 1.0, 100.0)
    lower = np.concatenate([[0.0], np.cumsum(ratio ** np.arange(count))])
    lower *= depth / 2 / lower[-1]
    return lower if half else np.concatenate([lower, depth - lower[-2::-1]])


def extrude(plane: Mesh, heights: NDArray[np.float64], *, top: str = "ceiling") -> Mesh:
    """Stack layers of tetrahedra on a plane mesh; the sides keep their names, and ``floor`` and ``top`` are added.

    Each prism is cut into three tetrahedra by the order of its corners' keys, so that neighbours agree on every
    diagonal; a node on the outlet has the key of its partner on the inlet, so that periodic sides agree too. All nodes
    of the second-order tetrahedra lie on the plane's nodes, at the layer borders and half-way between them.

    Args:
        plane: A mesh of triangles.
        heights: Layer borders, shape (L + 1,), um, from 0 up.
        top: Name of the upper side: ``ceiling``, or ``midplane`` where the depth is cut in half.

    Raises:
        MeshError: A cell is turned inside out.
    """
    levels = np.empty(2 * len(heights) - 1)
    levels[::2], levels[1::2] = heights, (heights[1:] + heights[:-1]) / 2
    n = len(plane.points)
    points = np.concatenate([np.column_stack([plane.points[:, :2], np.full(n, z)]) for z in levels])
    key = _vertex_keys(plane)
    corners = np.sort(key[plane.cells[:, :3]], axis=1)
    if np.any(corners[:, 1:] == corners[:, :-1]):
        raise MeshError(
            "a cell reaches from the inlet to the outlet, which are meshed alike; refine the mesh"
        )
    cells = _prism_tetrahedra(plane.cells, key, n, len(heights) - 1)
    sides = _side_triangles(plane.facets, key, n, len(heights) - 1)
    regions = {**plane.regions, "floor": len(plane.regions) + 1, top: len(plane.regions) + 2}
    facets = np.concatenate([sides, plane.cells, plane.cells + n * (len(levels) - 1)])
    numbers = np.concatenate([
        np.repeat(plane.facet_regions, 2 * (len(heights) - 1)),
        np.full(len(plane.cells), regions["floor"], dtype=np.int32),
        np.full(len(plane.cells), regions[top], dtype=np.int32),
    ])  # fmt: skip
    mesh = Mesh(points, cells, facets, numbers.astype(np.int32), regions, plane.quality, len(levels))
    refuse_inverted(mesh, "a curved cell is turned inside out; refine the mesh or change the fillet")
    return mesh


def refuse_inverted(mesh: Mesh, said: str) -> None:
    """Refuse a mesh of tetrahedra with a cell turned inside out; layers may be much flatter than wide, which solvers bear.

    Raises:
        MeshError: With the words ``said``.
    """
    with gmsh_session() as gmsh:
        mesh.load(gmsh)
        tags, _ = gmsh.model.mesh.getElementsByType(TETRAHEDRON)
        if gmsh.model.mesh.getElementQualities(tags, "minDetJac").min() <= 0:
            raise MeshError(said)


def _vertex_keys(plane: Mesh) -> NDArray[np.int64]:
    key = np.arange(len(plane.points))
    if "inlet" in plane.regions and "outlet" in plane.regions:
        inlet = np.unique(plane.facets[plane.facet_regions == plane.regions["inlet"], :2])
        outlet = np.unique(plane.facets[plane.facet_regions == plane.regions["outlet"], :2])
        if len(inlet) == len(outlet):
            key[outlet[np.argsort(plane.points[outlet, 1])]] = inlet[np.argsort(plane.points[inlet, 1])]
    return key


def _prism_tetrahedra(triangles: NDArray, key: NDArray, n: int, layers: int) -> NDArray[np.int64]:
    """Ten-node tetrahedra of all prisms, shape (3 * layers * triangles, 10)."""
    order = np.argsort(key[triangles[:, :3]], axis=1)
    corner = np.take_along_axis(triangles[:, :3], order, axis=1)  # by rising key
    middle: dict[tuple[int, int], NDArray[np.int64]] = {}  # mid-edge node between sorted corners i and j
    for edge, (a, b) in enumerate(EDGES[2]):
        rank = np.argsort(order, axis=1)
        i, j = np.minimum(rank[:, a], rank[:, b]), np.maximum(rank[:, a], rank[:, b])
        for pair in ((0, 1), (0, 2), (1, 2)):
            hit = (i == pair[0]) & (j == pair[1])
            middle.setdefault(pair, np.empty(len(triangles), dtype=np.int64))[hit] = triangles[hit, 3 + edge]
    # Corners as (sorted corner, level 0 below or 2 above); the order makes the volume positive for an even permutation.
    tets = (
        ((0, 0), (1, 0), (2, 0), (2, 2)),
        ((0, 0), (1, 0), (2, 2), (1, 2)),
        ((0, 0), (1, 2), (2, 2), (0, 2)),
    )
    odd = np.linalg.det(np.eye(3)[order]) < 0
    blocks = []
    for tet in tets:
        nodes = [corner[:, c] + n * z for c, z in tet]
        for a, b in EDGES[3]:
            (ca, za), (cb, zb) = tet[a], tet[b]
            base = corner[:, ca] if ca == cb else middle[(min(ca, cb), max(ca, cb))]
            nodes.append(base + n * ((za + zb) // 2))
        block = np.column_stack(nodes)
        # Swapping the first two corners turns a tetrahedron of negative volume round.
        block[odd] = block[odd][:, [1, 0, 2, 3, 4, 6, 5, 9, 8, 7]]
        blocks.append(block)
    prism = np.stack(blocks, axis=1).reshape(-1, 10)
    return np.concatenate([prism + 2 * n * layer for layer in range(layers)])


def _side_triangles(lines: NDArray, key: NDArray, n: int, layers: int) -> NDArray[np.int64]:
    """Six-node triangles over every boundary line, two a layer, cut like the prisms behind them."""
    swap = key[lines[:, 0]] > key[lines[:, 1]]
    a, b, m = np.where(swap, lines[:, 1], lines[:, 0]), np.where(swap, lines[:, 0], lines[:, 1]), lines[:, 2]
    lower = np.column_stack([a, b, b + 2 * n, m, b + n, m + n])
    upper = np.column_stack([a, b + 2 * n, a + 2 * n, m + n, m + 2 * n, a + n])
    pair = np.stack([lower, upper], axis=1)
    return np.concatenate([pair + 2 * n * layer for layer in range(layers)], axis=1).reshape(-1, 6)
