"""Mesh and solid of a piece of a device as files, as :mod:`geometries.cad` says what is in them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from geometries.mesh import gmsh_session
from geometries.part import Drawing


def write_msh(drawing: Drawing, folder: Path) -> list[str]:
    """Write gmsh's MSH 4.1."""
    names = []
    for dim, mesh in drawing.meshes.items():
        names.append(f"{drawing.stem}_{dim}.msh")
        mesh.write_msh(folder / names[-1])
    return names


def write_vtu(drawing: Drawing, folder: Path) -> list[str]:
    """Write VTU, with the regions as cell data."""
    import meshio

    names = []
    for dim, mesh in drawing.meshes.items():
        names.append(f"{drawing.stem}_{dim}.vtu")
        kind, cells = mesh.vtk_cells
        kinds = (kind, "triangle6" if mesh.dim == 3 else "line3")
        inside = np.zeros(len(cells), dtype=np.int32)
        data = {"region": [inside, mesh.facet_regions]}
        for name, number in {"fluid": 0, **mesh.regions}.items():
            data[name] = [(part == number).astype(np.int8) for part in data["region"]]
        meshio.Mesh(mesh.points, [(kinds[0], cells), (kinds[1], mesh.facets)], cell_data=data).write(
            folder / names[-1]
        )
    return names


def write_step(drawing: Drawing, folder: Path) -> list[str]:
    """Write STEP, um kept."""
    name = f"{drawing.stem}.step"
    with gmsh_session() as gmsh, _silent():
        unit = gmsh.option.getString("Geometry.OCCTargetUnit")
        gmsh.model.add(drawing.stem)
        drawing.part.solid(gmsh)
        gmsh.model.occ.synchronize()
        # The model is in um; OpenCASCADE then writes the millimetres that the file speaks of.
        gmsh.option.setString("Geometry.OCCTargetUnit", "UM")
        try:
            gmsh.write(str(folder / name))
        finally:
            gmsh.option.setString("Geometry.OCCTargetUnit", unit)
    return [name]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """OpenCASCADE's STEP writer prints statistics to the terminal past gmsh's own switch."""
    kept = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
