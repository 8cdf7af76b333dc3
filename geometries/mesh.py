"""From an outline to a second-order mesh of triangles with named regions, by gmsh.

Meshes are in micrometres, like the outlines. Curved sides are curved cells (P2 geometry): straight facets on 1 um
fillets would cost up to 0.5 % in resistance and 30 % in the largest shear.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometries.outline import Arc, Line, Loop, Outline, Segment

#: Unit of the coordinates of every mesh and outline, m.
UNIT = 1e-6

# gmsh's numbers for second-order lines, triangles and tetrahedra.
_FACET = {2: 8, 3: 9}
TETRAHEDRON = 11
_CELL = {2: 9, 3: TETRAHEDRON}
_NODES = {8: 3, 9: 6, TETRAHEDRON: 10}
#: Mid-edge nodes in gmsh's order after the corners, by the corners they lie between; by the dimension of the cell.
EDGES = {1: ((0, 1),), 2: ((0, 1), (1, 2), (2, 0)), 3: ((0, 1), (1, 2), (2, 0), (3, 0), (3, 2), (3, 1))}
_WORST_SHAPE = 0.1
_MOST_CELLS = 1_000_000


class MeshError(RuntimeError):
    """gmsh made no mesh, or one too bad to compute on."""


class TooManyCells(MeshError):
    """A drawing that is too wide for its throat to be meshed."""


@dataclass(frozen=True)
class Resolution:
    """How fine a mesh is. Sizes grow linearly away from the tips, where speed and shear change fastest.

    Attributes:
        tip: Cell size at a rounded tip over its radius.
        sharp_tip: Cell size at a sharp tip over the throat; the error is linear in it (corner singularity).
        growth: Growth of the cell size with the distance to the nearest tip.
        coarsest: Largest cell over the throat.
        layers: Layers of tetrahedra from the floor to mid-depth, thinner toward the floor.
        refine: Divides every size and multiplies the layers: 2 halves all cells.
        local: Whether cells are no longer than the lines of the drawing they are near, for drawings much wider than their throat.
    """

    tip: float = 0.4
    sharp_tip: float = 0.0015
    growth: float = 0.35
    coarsest: float = 0.5
    layers: int = 8
    refine: float = 1.0
    local: bool = False


@dataclass(frozen=True)
class Mesh:
    """A second-order mesh with named boundaries.

    Attributes:
        points: Nodes, shape (N, 3), um.
        cells: Nodes of each cell in gmsh's order, shape (M, 6) triangles or (M, 10) tetrahedra.
        facets: Nodes of each boundary facet, shape (K, 3) or (K, 6).
        facet_regions: Number of each facet's region, shape (K,).
        regions: Names of the boundary regions to their numbers.
        quality: Smallest signed inverse condition number over the cells (of an extruded mesh: its plane's), 1 for equal sides.
        node_levels: Levels of nodes over one another in an extruded mesh (level k of node i is node k N / levels + i);
            1 for any other mesh.
    """

    points: NDArray[np.float64]
    cells: NDArray[np.int64]
    facets: NDArray[np.int64]
    facet_regions: NDArray[np.int32]
    regions: dict[str, int]
    quality: float = field(default=1.0)
    node_levels: int = 1

    @property
    def dim(self) -> int:
        """2 or 3."""
        return 2 if self.cells.shape[1] == 6 else 3

    @property
    def inside(self) -> int:
        """Number of the cells in files, where the regions have theirs."""
        return max(self.regions.values(), default=0) + 1

    @property
    def vtk_cells(self) -> tuple[str, NDArray[np.int64]]:
        """Cells as meshio and VTK name and number them: the last two edges of a tetrahedron are swapped."""
        if self.dim == 2:
            return "triangle6", self.cells
        return "tetra10", self.cells[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]]

    def measure(self) -> float:
        """Area (um2) or volume (um3) of the curved cells."""
        with gmsh_session() as gmsh:
            self.load(gmsh)
            # Degree 4 integrates the Jacobian of second-order cells exactly; gmsh's own "volume" does not in 3-D.
            where, weights = gmsh.model.mesh.getIntegrationPoints(_CELL[self.dim], "Gauss4")
            _, determinants, _ = gmsh.model.mesh.getJacobians(_CELL[self.dim], where)
            return float(np.sum(determinants.reshape(-1, len(weights)) @ weights))

    def load(self, gmsh: Any, inside: str = "fluid") -> None:
        """Put the mesh into the current gmsh session as a discrete model with physical names.

        Args:
            gmsh: The session.
            inside: Name of the cells; no region has their number, as some readers do not tell cells' numbers from facets'.
        """
        gmsh.model.add("chipsim")
        model, dim = gmsh.model, self.dim
        model.addDiscreteEntity(dim, 1)
        tags = np.arange(1, len(self.points) + 1)
        model.mesh.addNodes(dim, 1, tags, self.points.ravel())
        model.mesh.addElementsByType(1, _CELL[dim], [], (self.cells + 1).ravel())
        model.addPhysicalGroup(dim, [1], self.inside, name=inside)
        for name, number in self.regions.items():
            model.addDiscreteEntity(dim - 1, number)
            model.mesh.addElementsByType(
                number, _FACET[dim], [], (self.facets[self.facet_regions == number] + 1).ravel()
            )
            model.addPhysicalGroup(dim - 1, [number], number, name=name)

    def write_msh(self, path: Path) -> None:
        """Write gmsh's own format, MSH 4.1, coordinates in um, regions by name."""
        with gmsh_session() as gmsh:
            self.load(gmsh)
            gmsh.option.setNumber("Mesh.MshFileVersion", 4.1)
            gmsh.write(str(path))


@contextlib.contextmanager
def gmsh_session() -> Iterator[Any]:
    """A quiet gmsh session of its own; gmsh is imported here and nowhere else, when it is needed."""
    import gmsh

    started_here = not gmsh.isInitialized()
    if started_here:
        # interruptible=False leaves Ctrl-C to Python, and works outside the main thread.
        gmsh.initialize(interruptible=False)
    gmsh.option.setNumber("General.Terminal", 0)
    try:
        yield gmsh
    finally:
        gmsh.clear()
        if started_here:
            gmsh.finalize()


def sizes_by_field_only(gmsh: Any) -> None:
    """Cell sizes come from a size field or callback and from nothing else; bent cells stay as they are."""
    for option in ("MeshSizeExtendFromBoundary", "MeshSizeFromPoints", "HighOrderOptimize", "MeshSizeMin"):
        gmsh.option.setNumber(f"Mesh.{option}", 0)


def mesh_outline(outline: Outline, resolution: Resolution | None = None) -> Mesh:
    """Mesh the fluid of an outline with curved second-order triangles.

    Raises:
        MeshError: gmsh failed, a region is missing, or a cell is too badly shaped to compute on.
    """
    resolution = resolution or Resolution()
    _refuse_too_many_cells(outline, resolution)
    with gmsh_session() as gmsh:
        gmsh.model.add("outline")
        sizes_by_field_only(gmsh)
        gmsh.option.setNumber("Mesh.Algorithm", 6)  # frontal-Delaunay: smooth gradings
        try:
            curves = _draw(gmsh, outline)
            grade(gmsh, outline, curves, resolution)
            if outline.periodic:
                _make_periodic(gmsh, outline, curves)
            gmsh.model.mesh.generate(2)
            gmsh.model.mesh.setOrder(2)
        except Exception as error:  # gmsh raises bare Exception
            raise MeshError(f"gmsh could not mesh the outline: {error}") from error
        mesh = collect(gmsh, curves)
    if mesh.quality < _WORST_SHAPE:
        raise MeshError(
            f"the worst cell has shape quality {mesh.quality:.3f}, below {_WORST_SHAPE}; refine the mesh or change the fillet"
        )
    return mesh


def _refuse_too_many_cells(outline: Outline, resolution: Resolution) -> None:
    """A wide drawing with a narrow throat would fill the memory before gmsh says anything."""
    coarsest = resolution.coarsest * outline.throat / resolution.refine
    cell = coarsest**2 * 3**0.5 / 4
    if outline.frame.area < _MOST_CELLS * cell:
        return
    cells = outline.fluid(outline.throat / 10).area / cell
    if cells > _MOST_CELLS:
        raise TooManyCells(
            f"the mesh would have some {cells:.0e} cells, above {_MOST_CELLS:.0e}: the throat of {outline.throat:g} um is "
            "too narrow beside the size of the drawing"
        )


def _draw(gmsh: Any, outline: Outline) -> dict[str, list[int]]:
    """Build the fluid in OpenCASCADE; returns its boundary curves by the name of the segment they lie on."""
    fluid = draw_fluid(gmsh, outline)
    gmsh.model.occ.synchronize()
    return names_of_curves(gmsh, outline, gmsh.model.getBoundary(fluid, combined=True, oriented=False))


def draw_fluid(gmsh: Any, outline: Outline) -> list[tuple[int, int]]:
    """Draw the fluid with exact arcs in gmsh's OpenCASCADE model, not yet synchronised; returns its surfaces."""
    occ = gmsh.model.occ
    frame = _surface(occ, outline.frame)
    solids = [(2, _surface(occ, loop)) for loop in outline.solids]
    return occ.cut([(2, frame)], solids)[0] if solids else [(2, frame)]


def _surface(occ: Any, loop: Loop) -> int:
    corners = [occ.addPoint(*s.start, 0.0) for s in loop.segments]
    lines = []
    for i, s in enumerate(loop.segments):
        start, end = corners[i], corners[(i + 1) % len(corners)]
        if isinstance(s, Line):
            lines.append(occ.addLine(start, end))
        elif isinstance(s, Arc):
            centre = occ.addPoint(*s.centre, 0.0)
            # OpenCASCADE takes the shorter way between two points: a longer arc goes in two.
            on = [start, *(occ.addPoint(*p, 0.0) for p in s.points(0.9 * s.radius)[1:]), end]
            lines += [occ.addCircleArc(a, centre, b) for a, b in itertools.pairwise(on)]
        else:
            inner = [occ.addPoint(*k, 0.0) for k in s.knots[1:-1]]
            lines.append(occ.addSpline([start, *inner, end]))
    return occ.addPlaneSurface([occ.addCurveLoop(lines)])


def names_of_curves(gmsh: Any, outline: Outline, boundary: list[tuple[int, int]]) -> dict[str, list[int]]:
    """Curves by the name of the segment that their middle lies on: the boolean operation renumbers them."""
    from shapely import LineString, Point, STRtree

    segments: list[Segment] = [s for loop in (outline.frame, *outline.solids) for s in loop.segments]
    tree = STRtree([LineString([*s.points(1e-4), s.end]) for s in segments])
    curves: dict[str, list[int]] = {}
    for _, tag in boundary:
        low, high = gmsh.model.getParametrizationBounds(1, tag)
        middle = gmsh.model.getValue(1, tag, [(low[0] + high[0]) / 2])
        curves.setdefault(segments[tree.nearest(Point(middle[:2]))].name, []).append(tag)
    return curves


def grade(gmsh: Any, outline: Outline, curves: dict[str, list[int]], resolution: Resolution) -> None:
    """Sizes grow linearly with the distance to the nearest tip."""
    from scipy.spatial import cKDTree

    mesh, radius = gmsh.model.mesh, outline.tip_radius
    coarsest = resolution.coarsest * outline.throat / resolution.refine
    finest = (
        resolution.tip * radius if radius > 0 else resolution.sharp_tip * outline.throat
    ) / resolution.refine
    tags = [
        tag for name, list_ in curves.items() if name not in ("symmetry", "inlet", "outlet") for tag in list_
    ]
    tips = cKDTree(outline.tips) if outline.tips else None
    points, arcs = set(), []
    for tag in tags:
        ends = [p for _, p in gmsh.model.getBoundary([(1, tag)], oriented=False)]
        near = [
            p
            for p in ends
            if tips and tips.query(gmsh.model.getValue(0, p, [])[:2])[0] < radius * 1.001 + 1e-6
        ]
        points.update(near)
        if len(near) == len(ends) and gmsh.model.getType(1, tag) == "Circle":
            arcs.append(tag)
    gmsh.option.setNumber("Mesh.MeshSizeMax", coarsest)
    if resolution.local:
        gmsh.option.setNumber("Mesh.MeshSizeFromPoints", 1)
        gmsh.option.setNumber("Mesh.MeshSizeExtendFromBoundary", 1)
        for _, point in gmsh.model.getEntities(0):
            lengths = [gmsh.model.occ.getMass(1, tag) for tag in gmsh.model.getAdjacencies(0, point)[0]]
            mesh.setSize([(0, point)], min([coarsest, *lengths]))
    if not points and not arcs:
        return
    distance = mesh.field.add("Distance")
    mesh.field.setNumbers(distance, "PointsList", sorted(points))
    mesh.field.setNumbers(distance, "CurvesList", arcs)
    mesh.field.setNumber(distance, "Sampling", 20)
    size = mesh.field.add("Threshold")
    mesh.field.setNumber(size, "InField", distance)
    mesh.field.setNumber(size, "SizeMin", finest)
    mesh.field.setNumber(size, "SizeMax", coarsest)
    mesh.field.setNumber(size, "DistMin", 0.0)
    mesh.field.setNumber(
        size, "DistMax", max(coarsest - finest, 1e-9) * resolution.refine / resolution.growth
    )
    mesh.field.setAsBackgroundMesh(size)
    gmsh.option.setNumber("Mesh.MeshSizeMin", min(finest, coarsest))


def _make_periodic(gmsh: Any, outline: Outline, curves: dict[str, list[int]]) -> None:
    """Mesh the outlet as a copy of the inlet, curve by curve from one side to the other."""

    def ordered(name: str) -> list[int]:
        return sorted(curves[name], key=lambda tag: gmsh.model.getBoundingBox(1, tag)[1])

    x0, _, x1, _ = outline.frame.polygon().bounds
    shift = [1, 0, 0, x1 - x0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    gmsh.model.mesh.setPeriodic(1, ordered("outlet"), ordered("inlet"), shift)


def collect(gmsh: Any, boundary: dict[str, list[int]], dim: int = 2) -> Mesh:
    """Read nodes, cells and named facets out of a gmsh session.

    Args:
        gmsh: The session, with a second-order mesh.
        boundary: Curves (2-D) or surfaces (3-D) of each named region.
        dim: 2 or 3.

    Raises:
        MeshError: There are no cells.
    """
    mesh = gmsh.model.mesh
    tags, xyz, _ = mesh.getNodes()
    cell_tags, cell_nodes = mesh.getElementsByType(_CELL[dim])
    if not len(cell_tags):
        raise MeshError("gmsh made no cells")
    used = np.unique(cell_nodes)
    order = np.argsort(tags)
    points = xyz.reshape(-1, 3)[order[np.searchsorted(tags[order], used)]]
    facets, numbers, regions = [], [], {}
    for number, (name, list_) in enumerate(sorted(boundary.items()), start=1):
        nodes = np.concatenate([mesh.getElementsByType(_FACET[dim], tag)[1] for tag in list_])
        facets.append(np.searchsorted(used, nodes).reshape(-1, _NODES[_FACET[dim]]))
        numbers.append(np.full(len(facets[-1]), number, dtype=np.int32))
        regions[name] = number
    quality = float(np.min(mesh.getElementQualities(cell_tags, "minSICN")))
    cells = np.searchsorted(used, cell_nodes).reshape(-1, _NODES[_CELL[dim]])
    return Mesh(points, cells, np.concatenate(facets), np.concatenate(numbers), regions, quality)
