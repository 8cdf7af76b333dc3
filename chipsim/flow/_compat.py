"""All that differs between DOLFINx 0.9 and 0.11, by what is there, not by version number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometries.mesh import Mesh, gmsh_session

try:
    from dolfinx.io import gmsh as _gmshio  # 0.10 and later
except ImportError:
    from dolfinx.io import gmshio as _gmshio


def distribute(mesh: Mesh | None, comm: Any, dim: int) -> tuple[Any, Any]:
    """Spread a mesh that rank 0 holds over the ranks; returns the DOLFINx mesh and its facet tags.

    Node i of ``mesh`` keeps i as its input index (``geometry.input_global_indices``).
    """
    if comm.rank == 0:
        assert mesh is not None
        with gmsh_session() as gmsh:
            mesh.load(gmsh)
            data = _gmshio.model_to_mesh(gmsh.model, comm, 0, gdim=dim)
    else:
        data = _gmshio.model_to_mesh(None, comm, 0, gdim=dim)
    return data[0], data[2]


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
