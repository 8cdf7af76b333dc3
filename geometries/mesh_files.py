"""Mesh, solid and surface of a piece of a device as files, as :mod:`geometries.cad` says what is in them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometries.mesh import Mesh, gmsh_session
from geometries.part import Drawing

# Of the narrowest channel: on a pore's wall chords are then shorter than the arc by less than 1e-4.
_STL_CHORD = 1e-4


# -- meshes ----------------------------------------------------------------------------------------------------------------
def write_msh(drawing: Drawing, folder: Path) -> list[str]:
    """Write gmsh's MSH 4.1."""
    return [
        _by_gmsh(mesh, drawing, folder, f"_{dim}.msh", version=4.1).name
        for dim, mesh in drawing.meshes.items()
    ]


def write_msh22(drawing: Drawing, folder: Path) -> list[str]:
    """Write gmsh's MSH 2.2 with first-order cells."""
    return [
        _by_gmsh(mesh, drawing, folder, f"_{dim}_msh22.msh", version=2.2, order=1).name
        for dim, mesh in drawing.straight_meshes.items()
    ]


def _by_gmsh(
    mesh: Mesh, drawing: Drawing, folder: Path, ending: str, *, version: float, order: int = 2
) -> Path:
    path = drawing.file(folder, ending)
    with gmsh_session() as gmsh:
        mesh.load(gmsh, drawing.inside)
        if order == 1:
            gmsh.model.mesh.setOrder(1)
        gmsh.option.setNumber("Mesh.MshFileVersion", version)
        gmsh.write(str(path))
    return path


def write_nastran(drawing: Drawing, folder: Path) -> list[str]:
    """Write NASTRAN bulk data; the names of the properties stand in comments."""
    names = []
    for dim, mesh in drawing.meshes.items():
        path = drawing.file(folder, f"_{dim}.nas")
        with gmsh_session() as gmsh:
            mesh.load(gmsh, drawing.inside)
            gmsh.option.setNumber("Mesh.SaveElementTagType", 2)  # property: number of the region
            gmsh.option.setNumber("Mesh.BdfFieldFormat", 2)  # wide fields: ten digits
            bulk = path.with_suffix(".bdf")  # the only ending by which gmsh knows it
            gmsh.write(str(bulk))
        numbers = {drawing.inside: mesh.inside, **mesh.regions}
        head = ["lengths in um", *(f"property {number} is {name}" for name, number in numbers.items())]
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"$ {line}\n" for line in head)
            file.write("BEGIN BULK\n")
            # A continued line begins with a plus: without it, which is allowed too, meshio does not know it.
            file.write(re.sub(r"^ {8}", "+       ", bulk.read_text(encoding="ascii"), flags=re.MULTILINE))
        bulk.unlink()
        names.append(path.name)
    return names


def _flags(drawing: Drawing, mesh: Mesh, numbers: list[NDArray[np.int32]]) -> dict[str, list[NDArray]]:
    """Cell data: the number of the region, 0 inside, and for each name 1 where it is."""
    data: dict[str, list[NDArray]] = {"region": list(numbers)}
    for name, number in {drawing.inside: 0, **mesh.regions}.items():
        found = [(part == number).astype(np.int8) for part in numbers]
        if any(part.any() for part in found):
            data[name] = found
    return data


def write_vtu(drawing: Drawing, folder: Path) -> list[str]:
    """Write VTU, cells and facets in one file, with the regions as cell data."""
    import meshio

    names = []
    for dim, mesh in drawing.meshes.items():
        path = drawing.file(folder, f"_{dim}.vtu")
        kind, cells = mesh.vtk_cells
        blocks = [(kind, cells), (_facet(mesh), mesh.facets)]
        data = _flags(drawing, mesh, [np.zeros(len(cells), dtype=np.int32), mesh.facet_regions])
        meshio.Mesh(mesh.points, blocks, cell_data=data).write(path)
        names.append(path.name)
    return names


def write_xdmf(drawing: Drawing, folder: Path) -> list[str]:
    """Write XDMF with HDF5: cells and facets in two files, as DOLFINx and others that take one kind of cell want them."""
    import meshio

    names = []
    for dim, mesh in drawing.meshes.items():
        kind, cells = mesh.vtk_cells
        zeros = np.zeros(len(cells), dtype=np.int32)
        for ending, block, numbers in (
            ("", (kind, cells), zeros),
            ("_boundary", (_facet(mesh), mesh.facets), mesh.facet_regions),
        ):
            path = drawing.file(folder, f"_{dim}{ending}.xdmf")
            data = _flags(drawing, mesh, [numbers])
            # A plane mesh has two coordinates, or readers take it for a surface in space.
            meshio.Mesh(mesh.points[:, : mesh.dim], [block], cell_data=data).write(path)
            names += [path.name, path.with_suffix(".h5").name]
    return names


def _facet(mesh: Mesh) -> str:
    return "triangle6" if mesh.dim == 3 else "line3"


# -- surface ---------------------------------------------------------------------------------------------------------------
def write_stl(drawing: Drawing, folder: Path) -> list[str]:
    """Write STL as text, a named solid for each part of the border."""
    assert drawing.shape is not None
    surface = drawing.shape.surface(min(drawing.chord_tolerance, _STL_CHORD * drawing.outline.throat))
    path = drawing.file(folder, ".stl")
    with open(path, "w", encoding="ascii") as file:
        for name, triangles in surface.items():
            normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
            lengths = np.linalg.norm(normals, axis=1, keepdims=True)
            normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
            file.write(f"solid {name}\n")
            for numbers in np.column_stack([normals, triangles.reshape(-1, 9)]):
                file.write(_FACET % tuple(numbers))
            file.write(f"endsolid {name}\n")
    return [path.name]


_FACET = (
    "facet normal %.6g %.6g %.6g\nouter loop\n"
    + 3 * "vertex %.10g %.10g %.10g\n"
    + "endloop\nendfacet\n"
)  # fmt: skip


# -- solid -----------------------------------------------------------------------------------------------------------------
def write_step(drawing: Drawing, folder: Path) -> list[str]:
    """Write STEP, um kept."""
    assert drawing.shape is not None
    path = drawing.file(folder, ".step")
    with gmsh_session() as gmsh, _silent():
        unit = gmsh.option.getString("Geometry.OCCTargetUnit")
        gmsh.model.add(drawing.stem)
        drawing.shape.solid(gmsh)
        gmsh.model.occ.synchronize()
        _remove_loose(gmsh)
        # The model is in um; OpenCASCADE then writes the millimetres that the file speaks of.
        gmsh.option.setString("Geometry.OCCTargetUnit", "UM")
        try:
            gmsh.write(str(path))
        finally:
            gmsh.option.setString("Geometry.OCCTargetUnit", unit)
    return [path.name]


def _remove_loose(gmsh: Any) -> None:
    """Middles of arcs and what else is left of drawing would be points and lines beside the solid."""
    for dim in (2, 1, 0):
        loose = [pair for pair in gmsh.model.getEntities(dim) if not len(gmsh.model.getAdjacencies(*pair)[0])]
        gmsh.model.occ.remove(loose)
        gmsh.model.occ.synchronize()


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
