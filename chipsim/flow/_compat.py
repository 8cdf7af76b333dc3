"""All that differs between DOLFINx 0.9 and 0.11, by what is there, not by version number; and the way into DOLFINx."""

from __future__ import annotations

from typing import Any

import basix.ufl
import numpy as np
import ufl
from dolfinx import cpp, graph, io
from dolfinx import mesh as dmesh
from numpy.typing import NDArray

from geometries.mesh import Mesh

# Second-order cells and facets by the dimension of the mesh: DOLFINx's name and number of nodes.
_CELL = {2: ("triangle", 6), 3: ("tetrahedron", 10)}
_FACET = {2: ("interval", 3), 3: ("triangle", 6)}


def distribute(mesh: Mesh | None, comm: Any, dim: int) -> tuple[Any, Any]:
    """Spread a mesh that rank 0 holds over the ranks; returns the DOLFINx mesh and its facet tags.

    Node i of ``mesh`` keeps i as its input index (``geometry.input_global_indices``).
    """
    name, nodes = _CELL[dim]
    _, facet_nodes = _FACET[dim]
    points: NDArray[np.float64] = np.empty((0, dim))
    cells: NDArray[np.int64] = np.empty((0, nodes), dtype=np.int64)
    facets: NDArray[np.int64] = np.empty((0, facet_nodes), dtype=np.int64)
    numbers: NDArray[np.int32] = np.empty(0, dtype=np.int32)
    if mesh is not None:
        # Arrays of DOLFINx's own: views of a slice are refused or copied, depending on its version.
        points = np.ascontiguousarray(mesh.points[:, :dim])
        cells = np.ascontiguousarray(mesh.cells[:, _order(*_CELL[dim])], dtype=np.int64)
        facets = np.ascontiguousarray(mesh.facets[:, _order(*_FACET[dim])], dtype=np.int64)
        numbers = np.asarray(mesh.facet_regions, dtype=np.int32)
    element = ufl.Mesh(basix.ufl.element("Lagrange", name, 2, shape=(dim,)))
    domain = dmesh.create_mesh(comm, cells=cells, x=points, e=element)
    local, values = io.distribute_entity_data(domain, dim - 1, facets, numbers)
    for to in (0, dim):
        domain.topology.create_connectivity(dim - 1, to)
    entities = graph.adjacencylist(local)
    return domain, dmesh.meshtags_from_entities(domain, dim - 1, entities, values.astype(np.int32))


def _order(name: str, nodes: int) -> NDArray[np.int64]:
    """DOLFINx's order of a cell's nodes, by gmsh's numbers."""
    return np.array(cpp.io.perm_gmsh(dmesh.to_type(name), nodes))


def node_dofmap(domain: Any) -> Any:
    """Geometry nodes of each cell, shape (cells, nodes)."""
    geometry = domain.geometry
    return (
        geometry.dofmaps[0]
        if hasattr(geometry, "dofmaps") and not callable(geometry.dofmaps)
        else geometry.dofmap
    )


def nodes_of_unknowns(space: Any) -> NDArray[np.int64]:
    """The input mesh's node of each local unknown of a scalar P2 space on second-order cells."""
    domain = space.mesh
    nodes = np.asarray(domain.geometry.input_global_indices)[node_dofmap(domain)].ravel()
    out = np.empty(space.dofmap.index_map.size_local + space.dofmap.index_map.num_ghosts, dtype=np.int64)
    out[space.dofmap.list.ravel()] = nodes
    return out
