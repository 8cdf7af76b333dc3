"""Reading exports back, where possible by another library than the one that wrote them, and measuring what was read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import ezdxf
import gdstk
import meshio
import numpy as np
import shapely
from shapely import LineString, Polygon

from geometries.masks import LAYERS
from geometries.outline import CHORD_TOLERANCE, Outline, smallest_gap

#: Formats of meshes, solids and surfaces.
IN_SPACE = ("msh", "msh22", "nas", "vtu", "xdmf", "stl", "step")


# -- measures of cells -----------------------------------------------------------------------------------------------------
_CORNERS = {"line": 2, "triangle": 3, "tetra": 4}
# Mid-edge nodes by the corners they lie between, as VTK and meshio order them.
_EDGES = {
    "line": ((0, 1),),
    "triangle": ((0, 1), (1, 2), (2, 0)),
    "tetra": ((0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)),
}


def sizes(points: np.ndarray, kind: str, cells: np.ndarray) -> np.ndarray:
    """Length, area or volume of each cell, straight or of second order, in two or three dimensions."""
    family = kind.rstrip("0123456789")
    simplex = _CORNERS[family] - 1
    nodes = np.zeros((*cells.shape, 3))
    nodes[..., : points.shape[1]] = points[cells]
    total = np.zeros(len(cells))
    for bary, weight in _rule(simplex):
        slopes = np.vstack([-np.ones(simplex), np.eye(simplex)])
        if cells.shape[1] == simplex + 1:
            gradients = slopes
        else:
            corners = [(4 * bary[i] - 1) * slopes[i] for i in range(simplex + 1)]
            edges = [4 * (bary[i] * slopes[j] + bary[j] * slopes[i]) for i, j in _EDGES[family]]
            gradients = np.array(corners + edges)
        jacobian = np.einsum("id,kij->kdj", gradients, nodes)
        if simplex == 3:
            total += weight * np.linalg.det(jacobian)  # signed: a cell turned inside out must not count
        else:
            gram = np.einsum("kdj,kej->kde", jacobian, jacobian)
            total += weight * np.sqrt(np.maximum(np.linalg.det(gram), 0))
    return total


def _rule(simplex: int) -> list[tuple[np.ndarray, float]]:
    """Gauss points of a cube folded onto the simplex: barycentric coordinates and weights."""
    count = 3 if simplex == 3 else 5  # volumes are polynomials, areas of curved sides are not
    at, weights = np.polynomial.legendre.leggauss(count)
    at, weights = (at + 1) / 2, weights / 2
    found = []
    for index in np.ndindex(*(count,) * simplex):
        weight, left, place = 1.0, 1.0, []
        for i in index:
            place.append(left * at[i])
            weight *= weights[i] * left
            left *= 1 - at[i]
        found.append((np.array([1 - sum(place), *place]), weight))
    return found


# -- meshes, surfaces, solids ------------------------------------------------------------------------------------------------
@dataclass
class Read:
    """What a file holds.

    Attributes:
        volume: Of all cells (of a plane mesh: their area), or enclosed.
        areas: Of each named part of the border (of a plane mesh: its length).
        names: All names in the file, that of the inside too.
        corners: Low and high corner of the box around it.
        facets: Nodes, and cells of each kind and name that bound it.
    """

    volume: float
    areas: dict[str, float]
    names: set[str]
    corners: np.ndarray
    facets: list[tuple[np.ndarray, np.ndarray, str, str]] = field(default_factory=list)

    def gap(self, name: str) -> float:
        """Smallest clear distance, on the floor, between parts of that name."""
        found = [_on_floor(*facets) for *facets, of in self.facets if of == name]
        merged = shapely.line_merge(shapely.MultiLineString([line for lines in found for line in lines]))
        return smallest_gap(list(shapely.get_parts(merged)))


def read(path: Path, kind: str, inside: str = "fluid") -> Read:
    """Read a mesh, surface or solid that was written as a format."""
    reader = {"vtu": _read_vtu, "xdmf": _read_xdmf, "stl": _read_stl, "nas": _read_nastran}.get(
        kind, _read_msh
    )
    return reader(path, inside)


def _of_blocks(points: np.ndarray, blocks: list[tuple[str, np.ndarray, str]]) -> Read:
    """From cells of one kind and one name each; those of the highest dimension are the inside."""
    families = [kind.rstrip("0123456789") for kind, _, _ in blocks]
    top = max(families, key=lambda f: _CORNERS[f])
    volume, areas, facets, used = 0.0, {}, [], []
    for (kind, cells, name), family in zip(blocks, families, strict=True):
        size = sizes(points, kind, cells)
        assert size.min() > 0, name
        if family == top:
            volume += float(size.sum())
            used.append(points[cells].reshape(-1, points.shape[1]))
        else:
            areas[name] = areas.get(name, 0.0) + float(size.sum())
            facets.append((points, cells, family, name))
    reach = np.concatenate(used)
    names = {name for _, _, name in blocks}
    return Read(volume, areas, names, np.array([reach.min(axis=0), reach.max(axis=0)]), facets)


def _on_floor(points: np.ndarray, cells: np.ndarray, family: str) -> list[LineString]:
    found = []
    corners = _CORNERS[family]
    for k, (i, j) in enumerate(_EDGES[family]):
        ends = points[cells[:, [i, j]]]
        flat = np.ones(len(cells), bool) if points.shape[1] == 2 else np.abs(ends[..., 2]).max(axis=1) < 1e-6
        for (a, b), cell in zip(ends[flat][..., :2], cells[flat], strict=True):
            if len(cell) == corners:
                found.append(LineString([a, b]))
                continue
            m = points[cell[corners + k], :2]
            s = np.linspace(0, 1, 9)[:, None]
            inner = (1 - s) * (1 - 2 * s) * a + 4 * s * (1 - s) * m + s * (2 * s - 1) * b
            found.append(LineString(np.vstack([a, inner[1:-1], b])))
    return found


def _tagged(mesh: meshio.Mesh, key: str, names: dict[int, str]) -> Read:
    blocks = []
    for block, tags in zip(mesh.cells, mesh.cell_data[key], strict=True):
        blocks += [(block.type, block.data[tags == tag], names[int(tag)]) for tag in np.unique(tags)]
    return _of_blocks(mesh.points, blocks)


def _read_msh(path: Path, inside: str) -> Read:
    mesh = meshio.read(path)
    names = {int(number): name for name, (number, _) in mesh.field_data.items()}
    assert len(names) == len(mesh.field_data), "numbers of cells and facets are all different"
    return _tagged(mesh, "gmsh:physical", names)


def _read_nastran(path: Path, inside: str) -> Read:
    mesh = meshio.read(path)
    found = re.findall(r"^\$ property (\d+) is (\w+)$", path.read_text(), re.MULTILINE)
    # meshio keeps the ends of CBAR only, the nodes of CTETRA in VTK's order.
    return _tagged(mesh, "nastran:ref", {int(number): name for number, name in found})


_VTK = {3: "line", 21: "line3", 5: "triangle", 22: "triangle6", 10: "tetra", 24: "tetra10"}


def _read_vtu(path: Path, inside: str) -> Read:
    import pyvista

    grid = pyvista.read(path)
    return _of_blocks(np.asarray(grid.points), _blocks_of(grid))


def _read_xdmf(path: Path, inside: str) -> Read:
    cells, facets = meshio.read(path), meshio.read(path.with_name(f"{path.stem}_boundary.xdmf"))
    assert np.array_equal(cells.points, facets.points)
    blocks = []
    for mesh in (cells, facets):
        (block,) = mesh.cells
        for name, (flags,) in mesh.cell_data.items():
            if name != "region":
                blocks.append((block.type, block.data[flags.astype(bool)], name))
    return _of_blocks(cells.points, blocks)


def _blocks_of(grid) -> list[tuple[str, np.ndarray, str]]:
    blocks = []
    for number, cells in grid.cells_dict.items():
        rows = np.flatnonzero(grid.celltypes == number)
        for name in set(grid.cell_data) - {"region"}:
            chosen = np.asarray(grid.cell_data[name])[rows].astype(bool)
            if chosen.any():
                blocks.append((_VTK[int(number)], cells[chosen], name))
    return blocks


def _read_stl(path: Path, inside: str) -> Read:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOGeometry import vtkSTLReader

    reader = vtkSTLReader()
    reader.SetFileName(str(path))
    reader.ScalarTagsOn()
    reader.Update()
    data = reader.GetOutput()
    points = vtk_to_numpy(data.GetPoints().GetData()).astype(float)
    triangles = vtk_to_numpy(data.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    labels = vtk_to_numpy(data.GetCellData().GetScalars()).astype(int)
    ends = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    key = ends @ [len(points), 1]
    assert np.array_equal(np.sort(key), np.sort(ends @ [1, len(points)])), (
        "each side is that of one other triangle"
    )
    names = re.findall(r"^solid (\w+)$", path.read_text(), re.MULTILINE)
    a, b, c = (points[triangles[:, i]] for i in range(3))
    areas = sizes(points, "triangle", triangles)
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
    of_name = {name: float(areas[labels == i].sum()) for i, name in enumerate(names)}
    facets = [(points, triangles[labels == i], "triangle", name) for i, name in enumerate(names)]
    return Read(volume, of_name, set(names), np.array([points.min(axis=0), points.max(axis=0)]), facets)


@dataclass
class Solid:
    """What OpenCASCADE's own reader finds in a STEP file, in a unit of choice.

    Attributes:
        volume: Of its one solid.
        size: Of the box around it.
        curves: Kinds of its curves and how many there are of each.
        faces: Area and centre of each face.
    """

    volume: float
    size: np.ndarray
    curves: dict[str, int]
    faces: list[tuple[float, np.ndarray]]


def read_step(path: Path, unit: str = "UM") -> Solid:
    """Read a STEP file by OCP."""
    from OCP.Bnd import Bnd_Box
    from OCP.BRepAdaptor import BRepAdaptor_Curve
    from OCP.BRepBndLib import BRepBndLib
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps
    from OCP.Interface import Interface_Static
    from OCP.STEPControl import STEPControl_Reader
    from OCP.TopAbs import TopAbs_EDGE, TopAbs_FACE, TopAbs_SOLID
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopoDS import TopoDS

    reader = STEPControl_Reader()
    Interface_Static.SetCVal_s("xstep.cascade.unit", unit)
    assert reader.ReadFile(str(path)).name == "IFSelect_RetDone"
    reader.TransferRoots()
    shape = reader.OneShape()

    def all_of(kind):
        """Shapes of one kind; those met twice, as a side of two faces is, once."""
        found, explorer = [], TopExp_Explorer(shape, kind)
        while explorer.More():
            if not any(explorer.Current().IsSame(other) for other in found):
                found.append(explorer.Current())
            explorer.Next()
        return found

    assert len(all_of(TopAbs_SOLID)) == 1
    whole, box = GProp_GProps(), Bnd_Box()
    BRepGProp.VolumeProperties_s(shape, whole, 1e-9)
    BRepBndLib.AddOptimal_s(shape, box, False, False)
    limits = np.array([[p.X(), p.Y(), p.Z()] for p in (box.CornerMin(), box.CornerMax())])
    edge = getattr(TopoDS, "Edge_s", None) or TopoDS.Edge  # by its version
    kinds = [BRepAdaptor_Curve(edge(e)).GetType().name.removeprefix("GeomAbs_") for e in all_of(TopAbs_EDGE)]
    faces = []
    for face in all_of(TopAbs_FACE):
        own = GProp_GProps()
        BRepGProp.SurfaceProperties_s(face, own, 1e-9)
        faces.append((own.Mass(), np.array(own.CentreOfMass().Coord())))
    return Solid(whole.Mass(), limits[1] - limits[0], {k: kinds.count(k) for k in set(kinds)}, faces)


# -- what is expected ------------------------------------------------------------------------------------------------------
def lengths(outline: Outline) -> dict[str, float]:
    """Length, um, of the border of the fluid of a drawing by name: of its frame outside the solids, of the solids within it."""
    frame = outline.frame.polygon(1e-6)
    solids = shapely.union_all([s.polygon(1e-6) for s in outline.solids])
    found: dict[str, float] = {}
    for s in outline.frame.segments:
        line = LineString([*s.points(1e-5), s.end])
        found[s.name] = found.get(s.name, 0.0) + line.difference(solids).length
    for loop in outline.solids:
        ring = shapely.LinearRing(loop.polygon(1e-6).exterior)
        # Solids that overlap bound the fluid where they bound their union.
        inside = ring.intersection(frame).intersection(solids.boundary.buffer(1e-5)).length
        found[loop.segments[0].name] = found.get(loop.segments[0].name, 0.0) + inside
    return found


# -- plans -----------------------------------------------------------------------------------------------------------------
def bulged_area(vertices: list) -> float:
    """Area of a closed polyline whose bulges are tan(sweep / 4)."""
    total = 0.0
    for (x0, y0, bulge), (x1, y1, _) in zip(vertices, [*vertices[1:], vertices[0]], strict=True):
        total += (x0 * y1 - x1 * y0) / 2
        if bulge:
            sweep = 4 * math.atan(bulge)
            radius = math.dist((x0, y0), (x1, y1)) / (2 * math.sin(sweep / 2))
            total += radius**2 * (sweep - math.sin(sweep)) / 2
    return total


def flattened(entity) -> Polygon:
    """A closed polyline of a DXF as a polygon."""
    path = ezdxf.path.make_path(entity)
    return Polygon([(p.x, p.y) for p in path.flattening(CHORD_TOLERANCE / 4)])


def frame_ring(entities) -> list[tuple[float, float]]:
    """Corners of the frame of a chip's DXF."""
    sides = [e.get_points("xy") for e in entities if e.dxf.layer != "pillars"]
    assert len(sides) == 4
    assert all(
        math.dist(a[-1], b[0]) < 1e-6 * (1 + abs(a[-1][0]))
        for a, b in zip(sides, [*sides[1:], sides[0]], strict=True)
    )
    return [side[0] for side in sides]


def polygons_of(path: Path, layer: str) -> list[Polygon]:
    """Polygons of one layer of a GDS."""
    library = gdstk.read_gds(path)
    assert math.isclose(library.unit, 1e-6) and math.isclose(library.precision, 1e-9)
    (top,) = library.top_level()
    number, datatype = LAYERS[layer]
    return [Polygon(p.points) for p in top.get_polygons(layer=number, datatype=datatype)]


def svg_area(d: str) -> float:
    """Area of a closed path of lines and circular arcs."""
    total, here, start = 0.0, None, None
    for word, rest in re.findall(r"([MLAZ])([^MLAZ]*)", d):
        numbers = [float(n) for n in rest.split()]
        if word == "M":
            here = start = tuple(numbers)
            continue
        there = start if word == "Z" else tuple(numbers[-2:])
        total += (here[0] * there[1] - there[0] * here[1]) / 2
        if word == "A":
            radius, (large, rising) = numbers[0], numbers[3:5]
            sweep = 2 * math.asin(min(math.dist(here, there) / (2 * radius), 1.0))
            sweep = (2 * math.pi - sweep if large else sweep) * (1 if rising else -1)
            total += radius**2 * (sweep - math.sin(sweep)) / 2
        here = there
    return total
