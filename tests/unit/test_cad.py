"""Every export is read back, where possible by another library than its writer's, and compared with the outline."""

import itertools
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import ezdxf.recover
import gdstk
import meshio
import numpy as np
import pytest
from shapely import Polygon, unary_union

from geometries import ClusterChip, DesignError
from geometries.cad import FORMATS, export
from geometries.masks import LAYERS
from geometries.mesh import gmsh_session
from geometries.outline import CHORD_TOLERANCE, smallest_gap

UM = 1e-6
BOUNDARY = {"inlet", "outlet", "symmetry", "pillars"}
CHIP = ClusterChip()
BLOCK = (3, 4)
PARTS = {"cell": (0.5, 2), "array_3x4": BLOCK}
PARTS_OF_CHIP = pytest.mark.parametrize("part", list(PARTS))


def fluid_area(part: str) -> float:
    """Exact area of the fluid of an exported block, um2."""
    paths, rows = PARTS[part]
    return paths * rows * (CHIP.lateral_pitch * CHIP.row_pitch / UM**2 - CHIP.pillar().area)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("export")
    written = export(CHIP, FORMATS, directory, what=("cell", "array"), block=BLOCK)
    assert sorted(written) == sorted(directory.iterdir())
    return directory


def test_the_names_of_the_files(folder):
    meshes = [f"_{dim}.{ending}" for dim in ("2d", "3d") for ending in ("msh", "vtu")]
    endings = [*meshes, ".step", ".dxf", ".gds", ".svg"]
    assert {p.name for p in folder.iterdir()} == {
        f"cluster_chip_{part}{ending}" for part in PARTS for ending in endings
    }


# -- meshes ----------------------------------------------------------------------------------------------------------------
def measure(points: np.ndarray, cells: np.ndarray) -> float:
    """Area of six-node triangles or volume of ten-node tetrahedra in VTK's order, by their shape functions."""
    nodes = points[cells]
    if cells.shape[1] == 6:
        total = 0.0
        for u, v in ((0.5, 0), (0.5, 0.5), (0, 0.5)):  # exact for the determinant, which is of degree two
            w = 1 - u - v
            du = np.array([1 - 4 * w, 4 * u - 1, 0, 4 * (w - u), 4 * v, -4 * v])
            dv = np.array([1 - 4 * w, 0, 4 * v - 1, -4 * u, 4 * u, 4 * (w - v)])
            a, b = (np.einsum("i,kij->kj", d, nodes) for d in (du, dv))
            total += float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / 6
        return total
    edges = ((0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3))
    total = 0.0
    for point, weight in _tetrahedron_rule():
        bary = np.array([1 - sum(point), *point])
        slopes = np.array([[-1, -1, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        gradients = [(4 * bary[i] - 1) * slopes[i] for i in range(4)]
        gradients += [4 * (bary[i] * slopes[j] + bary[j] * slopes[i]) for i, j in edges]
        total += weight * float(np.linalg.det(np.einsum("id,kij->kdj", np.array(gradients), nodes)).sum())
    return total


def _tetrahedron_rule() -> list[tuple[tuple[float, float, float], float]]:
    """Degree 3 on the unit tetrahedron (Keast): exact for the determinant of quadratic cells."""
    sixth, half = 1 / 6, 1 / 2
    corners = [tuple(half if i == k else sixth for i in range(3)) for k in range(3)] + [(sixth, sixth, sixth)]
    return [((0.25, 0.25, 0.25), -4 / 5 / 6), *((c, 9 / 20 / 6) for c in corners)]


@PARTS_OF_CHIP
@pytest.mark.parametrize("dim", ["2d", "3d"])
@pytest.mark.parametrize("ending", ["msh", "vtu"])
def test_meshes_have_the_outlines_measure_in_um(folder, part, dim, ending):
    mesh = meshio.read(folder / f"cluster_chip_{part}_{dim}.{ending}")
    kind, facet = ("triangle6", "line3") if dim == "2d" else ("tetra10", "triangle6")
    cells = {block.type for block in mesh.cells}
    assert cells == {kind, facet}
    expected = fluid_area(part) * (1 if dim == "2d" else CHIP.depth / UM)
    # Curved sides: second-order cells of 0.8 um on arcs of 1 um (array) differ from them by 1e-6 of the area.
    assert measure(mesh.points, mesh.cells_dict[kind]) == pytest.approx(expected, rel=2e-6)
    size = mesh.points.max(axis=0) - mesh.points.min(axis=0)
    paths, rows = PARTS[part]
    assert size[:2] == pytest.approx([rows * CHIP.row_pitch / UM, paths * CHIP.lateral_pitch / UM])
    assert size[2] == pytest.approx(0 if dim == "2d" else 100)


@PARTS_OF_CHIP
@pytest.mark.parametrize("dim", ["2d", "3d"])
def test_the_mesh_file_names_every_region_once(folder, part, dim):
    mesh = meshio.read(folder / f"cluster_chip_{part}_{dim}.msh")
    names = BOUNDARY | ({"floor", "ceiling"} if dim == "3d" else set())
    assert set(mesh.field_data) == names | {"fluid"}
    numbers = {name: int(number) for name, (number, _) in mesh.field_data.items()}
    found = {}
    for block, tags in zip(mesh.cells, mesh.cell_data["gmsh:physical"], strict=True):
        for tag in np.unique(tags):
            found.setdefault((block.type, int(tag)), 0)
            found[block.type, int(tag)] += int((tags == tag).sum())
    kind, facet = ("triangle6", "line3") if dim == "2d" else ("tetra10", "triangle6")
    assert set(found) == {(kind, numbers["fluid"])} | {(facet, numbers[name]) for name in names}
    assert min(found.values()) >= 4


@PARTS_OF_CHIP
@pytest.mark.parametrize("dim", ["2d", "3d"])
def test_the_vtu_has_an_array_for_every_region(folder, part, dim):
    mesh = meshio.read(folder / f"cluster_chip_{part}_{dim}.vtu")
    names = BOUNDARY | {"fluid"} | ({"floor", "ceiling"} if dim == "3d" else set())
    assert set(mesh.cell_data) == names | {"region"}
    total = sum(np.concatenate(mesh.cell_data[name]).astype(int) for name in names)
    assert np.all(total == 1)
    inside = {block.type: flags for block, flags in zip(mesh.cells, mesh.cell_data["fluid"], strict=True)}
    assert inside["triangle6" if dim == "2d" else "tetra10"].all()
    if dim == "3d":
        sides = np.concatenate(
            [b.data for b, f in zip(mesh.cells, mesh.cell_data["ceiling"], strict=True) if f.any()]
        )
        chosen = sides[np.concatenate([f for f in mesh.cell_data["ceiling"] if f.any()]).astype(bool)]
        assert mesh.points[chosen, 2] == pytest.approx(100)


def test_smallest_gap_in_the_mesh(folder):
    mesh = meshio.read(folder / "cluster_chip_array_3x4_2d.vtu")
    facets = next(
        b.data[f.astype(bool)]
        for b, f in zip(mesh.cells, mesh.cell_data["pillars"], strict=True)
        if b.type == "line3"
    )
    # Neighbouring facets share nodes: follow them from pillar to pillar.
    group = np.arange(len(mesh.points))
    for _ in range(200):
        least = group[facets].min(axis=1)
        np.minimum.at(group, facets.ravel(), np.repeat(least, 3))
    rings = [
        mesh.points[np.unique(facets[group[facets[:, 0]] == g]), :2] for g in np.unique(group[facets[:, 0]])
    ]
    assert len(rings) == len(CHIP.block(*BLOCK).solids)
    nearest = min(np.linalg.norm(a[:, None] - b, axis=2).min() for a, b in itertools.combinations(rings, 2))
    # Nodes lie on the arcs, so they are never nearer; the nearest are at most a cell away from the closest approach.
    assert 12.0 - 1e-6 <= nearest < 12.2


# -- solid -----------------------------------------------------------------------------------------------------------------
def read_step(path: Path, unit: str) -> tuple[float, np.ndarray, list[str]]:
    """Volume, bounding box and kinds of curves of a STEP file, in powers of a unit."""
    with gmsh_session() as gmsh:
        gmsh.option.setString("Geometry.OCCTargetUnit", unit)
        gmsh.model.add("back")
        shapes = gmsh.model.occ.importShapes(str(path))
        gmsh.model.occ.synchronize()
        solids = [tag for dim, tag in shapes if dim == 3]
        assert len(solids) == len(shapes) == 1
        kinds = [gmsh.model.getType(1, tag) for _, tag in gmsh.model.getEntities(1)]
        limits = np.array(gmsh.model.occ.getBoundingBox(3, solids[0])).reshape(2, 3)
        volume = gmsh.model.occ.getMass(3, solids[0])
        gmsh.option.setString("Geometry.OCCTargetUnit", "")
    return volume, limits[1] - limits[0], kinds


@PARTS_OF_CHIP
def test_the_solid_has_the_exact_volume_and_arcs(folder, part):
    volume, size, kinds = read_step(folder / f"cluster_chip_{part}.step", "UM")
    assert volume == pytest.approx(fluid_area(part) * 100, rel=1e-9)
    paths, rows = PARTS[part]
    assert size == pytest.approx([rows * CHIP.row_pitch / UM, paths * CHIP.lateral_pitch / UM, 100], rel=1e-6)
    assert set(kinds) == {"Line", "Circle"}
    assert kinds.count("Circle") >= 2 * 3 * (1 if part == "cell" else 12)


def test_a_reader_that_thinks_in_millimetres_gets_the_right_size(folder):
    volume, size, _ = read_step(folder / "cluster_chip_cell.step", "MM")
    assert size[2] == pytest.approx(0.1, rel=1e-5)
    assert size[1] == pytest.approx(58.536e-3 / 2, rel=1e-4)
    assert volume == pytest.approx(fluid_area("cell") * 100 * 1e-9, rel=1e-6)


def test_writing_a_solid_prints_nothing(tmp_path, capfd):
    export(CHIP, "step", tmp_path, what="cell")
    assert capfd.readouterr() == ("", "")


# -- masks -----------------------------------------------------------------------------------------------------------------
@PARTS_OF_CHIP
def test_the_dxf_has_exact_arcs_on_named_layers_in_um(folder, part):
    document, auditor = ezdxf.recover.readfile(folder / f"cluster_chip_{part}.dxf")
    assert not auditor.has_errors
    assert document.header["$INSUNITS"] == 13
    assert set(BOUNDARY) <= {layer.dxf.name for layer in document.layers}
    entities = list(document.modelspace())
    assert {e.dxf.layer for e in entities} == BOUNDARY
    pillars = [e for e in entities if e.dxf.layer == "pillars"]
    assert all(e.closed for e in pillars)
    assert len(pillars) == len(CHIP.block(*PARTS[part]).solids)
    for entity in pillars:
        assert bulged_area(entity.get_points("xyb")) == pytest.approx(CHIP.pillar().area, rel=1e-9)
        assert sum(abs(b) > 0 for *_, b in entity.get_points("xyb")) == 3
    assert smallest_gap([flattened(e) for e in pillars]) == pytest.approx(12, abs=2 * CHORD_TOLERANCE)
    frame = unary_union([Polygon(frame_ring(entities))])
    area = frame.area - unary_union([flattened(e) for e in pillars]).intersection(frame).area
    assert area == pytest.approx(fluid_area(part), rel=1e-5)


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
    path = ezdxf.path.make_path(entity)
    return Polygon([(p.x, p.y) for p in path.flattening(CHORD_TOLERANCE / 4)])


def frame_ring(entities) -> list[tuple[float, float]]:
    sides = [e.get_points("xy") for e in entities if e.dxf.layer != "pillars"]
    assert len(sides) == 4
    assert all(a[-1] == pytest.approx(b[0]) for a, b in zip(sides, [*sides[1:], sides[0]], strict=True))
    return [side[0] for side in sides]


def polygons_of(path: Path, layer: str) -> list[Polygon]:
    library = gdstk.read_gds(path)
    assert (library.unit, library.precision) == pytest.approx((1e-6, 1e-9))
    (top,) = library.top_level()
    number, datatype = LAYERS[layer]
    return [Polygon(p.points) for p in top.get_polygons(layer=number, datatype=datatype)]


@PARTS_OF_CHIP
def test_the_gds_agrees_within_chords_and_grid(folder, part):
    path = folder / f"cluster_chip_{part}.gds"
    solids, (frame,) = polygons_of(path, "solids"), polygons_of(path, "frame")
    assert len(solids) == len(CHIP.block(*PARTS[part]).solids)
    assert smallest_gap(solids) == pytest.approx(12, abs=2 * CHORD_TOLERANCE + 2e-3)
    area = frame.area - unary_union(solids).intersection(frame).area
    # Both the chords and the grid move the border by at most a nanometre or two.
    border = sum(s.intersection(frame).length for s in solids) + frame.length
    assert area == pytest.approx(fluid_area(part), abs=2e-3 * border)
    labels = {label.text for cell in gdstk.read_gds(path).cells for label in cell.labels}
    assert labels == BOUNDARY


def test_the_mask_of_a_whole_bank_is_a_small_file_of_array_references(tmp_path):
    paths, rows = CHIP.paths // CHIP.banks, CHIP.rows
    (path,) = export(CHIP, "gds", tmp_path, what="array", block=(paths, rows))
    assert path.name == "cluster_chip_array_1024x50.gds"
    assert path.stat().st_size < 10_000
    (top,) = gdstk.read_gds(path).top_level()
    number, datatype = LAYERS["solids"]
    solids = top.get_polygons(layer=number, datatype=datatype)
    # On both borders stand the pillars of the even rows: one more than paths.
    assert len(solids) == rows * paths + rows // 2
    x0, y0, x1, y1 = np.array([p.bounding_box() for p in solids]).reshape(-1, 4).T
    last = [(rows - 1) * CHIP.row_pitch / UM, 1024 * CHIP.lateral_pitch / UM]
    assert x0.max() == pytest.approx(last[0], abs=2e-3)
    assert ((y0 + y1) / 2).max() == pytest.approx(last[1], abs=2e-3)
    corner = [Polygon(solids[i].points) for i in np.flatnonzero((x1 > last[0] - 60) & (y1 > last[1] - 200))]
    assert len(corner) >= 4
    assert smallest_gap(corner) == pytest.approx(12, abs=2 * CHORD_TOLERANCE + 2e-3)


@pytest.mark.parametrize("tolerance", [0.01, 0.1])
def test_the_chord_tolerance_is_kept_and_used(tmp_path, tolerance):
    chip = ClusterChip(fillet="6 um")
    (path,) = export(chip, "gds", tmp_path, what="cell", chord_tolerance=tolerance)
    coarse = polygons_of(path, "solids")[0]
    x, y = coarse.bounds[0], (coarse.bounds[1] + coarse.bounds[3]) / 2
    exact = chip.pillar().moved(x, y).polygon(1e-5)
    # The tip's arc need not have a vertex at its middle: the polygon may start a sagitta late.
    assert 0.2 * tolerance < coarse.hausdorff_distance(exact) < 2 * tolerance + 2e-3
    assert 0 < exact.area - coarse.area < tolerance * exact.length


# -- picture ---------------------------------------------------------------------------------------------------------------
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


@PARTS_OF_CHIP
def test_the_svg_is_to_scale_with_named_groups(folder, part):
    root = ElementTree.parse(folder / f"cluster_chip_{part}.svg").getroot()
    space = {"svg": "http://www.w3.org/2000/svg"}
    groups = {
        g.get("id"): g.findall("svg:path", space)
        for g in root.iter("{http://www.w3.org/2000/svg}g")
        if g.get("id")
    }
    assert set(groups) == BOUNDARY | {"fluid"}
    assert "1 um" in root.find("svg:desc", space).text
    paths, rows = PARTS[part]
    frame = [rows * CHIP.row_pitch / UM, paths * CHIP.lateral_pitch / UM]
    *_, width, height = map(float, root.get("viewBox").split())
    assert [width - 12, height - 12] == pytest.approx(frame, rel=1e-4)  # half a throat of margin all around
    assert svg_area(groups["fluid"][0].get("d")) == pytest.approx(frame[0] * frame[1], rel=1e-7)
    areas = [svg_area(p.get("d")) for p in groups["pillars"]]
    assert len(areas) == len(CHIP.block(*PARTS[part]).solids)
    assert areas == pytest.approx([CHIP.pillar().area] * len(areas), rel=1e-6)


# -- bad input -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"formats": "stl"}, 'format = "stl" is not known; choose from msh, step, dxf, gds, svg, vtu'),
        ({"formats": ["gds", ""]}, 'format = "" is not known'),
        ({"what": "bank"}, 'what = "bank" is not known; choose from cell, array'),
        ({"block": (0.3, 2)}, "a block of 0.3 paths x 2 rows"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, values, sentence):
    target = tmp_path / "out"
    with pytest.raises(DesignError) as caught:
        export(CHIP, **{"formats": "svg", "directory": target, **values})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not target.exists() or not list(target.iterdir())


def test_a_block_too_large_to_mesh_is_refused_before_it_is_meshed(tmp_path, monkeypatch):
    monkeypatch.setattr("geometries.mesh._MOST_CELLS", 1000)
    with pytest.raises(
        DesignError, match=r"cells, above 1e\+03: the throat of 12 um.*export a smaller block"
    ):
        export(CHIP, "msh", tmp_path, what="array", block=(6, 6))
    assert list(tmp_path.iterdir()) == []


def test_a_mesh_of_too_many_tetrahedra_is_refused_before_it_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("geometries.part._MOST_TETRAHEDRA", 1000)
    with pytest.raises(DesignError, match=r"block = .* tetrahedra, above 1e\+03; export a smaller block"):
        export(CHIP, "vtu", tmp_path, block=(1, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DesignError, match=r"the output folder .*file cannot be written: File exists"):
        export(CHIP, "svg", tmp_path / "file")


def test_a_failure_half_way_leaves_nothing_behind(tmp_path, monkeypatch):
    def fails(drawing, folder):
        (folder / "half.svg").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, "svg", fails)
    with pytest.raises(DesignError, match="No space left on device"):
        export(CHIP, ("dxf", "svg"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_older_export_is_replaced(tmp_path):
    (before,) = export(CHIP, "svg", tmp_path, what="cell")
    (after,) = export(ClusterChip(gap="15 um"), "svg", tmp_path, what="cell")
    assert before == after
    box_ = ElementTree.parse(after).getroot().get("viewBox").split()
    assert float(box_[3]) == pytest.approx(ClusterChip(gap="15 um").lateral_pitch / UM / 2 + 15, rel=1e-4)
    assert list(tmp_path.iterdir()) == [after]
