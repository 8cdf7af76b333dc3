"""Every export is read back, where possible by another library than its writer's, and compared with the outline."""

from pathlib import Path
from xml.etree import ElementTree

import ezdxf.recover
import gdstk
import meshio
import numpy as np
import pytest
from shapely import Polygon, unary_union

from geometries import ClusterChip, DesignError
from geometries.cad import FORMATS, PLANS, export
from geometries.masks import LAYERS
from geometries.outline import CHORD_TOLERANCE, smallest_gap
from renderings import bulged_area, flattened, frame_ring, polygons_of, read_step, svg_area

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
    written = export(CHIP, PLANS, directory, what=("cell", "array"), block=BLOCK)
    assert sorted(written) == sorted(directory.iterdir())
    return directory


def test_the_names_of_the_files(folder):
    assert {p.name for p in folder.iterdir()} == {
        f"cluster_chip_{part}.{ending}" for part in PARTS for ending in PLANS
    }


# -- meshes and solids (test_renderings.py measures them) --------------------------------------------------------------------
@PARTS_OF_CHIP
def test_the_vtu_has_an_array_for_every_region(tmp_path, part):
    export(CHIP, "vtu", tmp_path, what="cell" if part == "cell" else "array", block=BLOCK)
    for dim, kind in (("2d", "triangle6"), ("3d", "tetra10")):
        mesh = meshio.read(tmp_path / f"cluster_chip_{part}_{dim}.vtu")
        names = BOUNDARY | {"fluid"} | ({"floor", "ceiling"} if dim == "3d" else set())
        assert set(mesh.cell_data) == names | {"region"}
        total = sum(np.concatenate(mesh.cell_data[name]).astype(int) for name in names)
        assert np.all(total == 1)
        inside = {block.type: flags for block, flags in zip(mesh.cells, mesh.cell_data["fluid"], strict=True)}
        assert inside[kind].all()


def test_files_for_openfoam_are_of_first_order_with_numbers_that_are_all_different(tmp_path):
    files = export(CHIP, "msh22", tmp_path, what="cell")
    assert [f.name for f in files] == ["cluster_chip_cell_2d_msh22.msh", "cluster_chip_cell_3d_msh22.msh"]
    text = files[1].read_text()
    assert text.startswith("$MeshFormat\n2.2 0 8")
    mesh = meshio.read(files[1])
    assert {block.type for block in mesh.cells} == {"tetra", "triangle"}
    assert {name: int(dim) for name, (_, dim) in mesh.field_data.items()} == {
        **dict.fromkeys(BOUNDARY | {"floor", "ceiling"}, 2),
        "fluid": 3,
    }
    assert len({int(number) for number, _ in mesh.field_data.values()}) == len(mesh.field_data)


def test_a_reader_that_thinks_in_millimetres_gets_the_right_size(tmp_path):
    (file,) = export(CHIP, "step", tmp_path, what="cell")
    solid = read_step(file, "MM")
    assert solid.size[2] == pytest.approx(0.1, rel=1e-5)
    assert solid.size[1] == pytest.approx(58.536e-3 / 2, rel=1e-4)
    assert solid.volume == pytest.approx(fluid_area("cell") * 100 * 1e-9, rel=1e-6)


def test_writing_a_solid_prints_nothing(tmp_path, capfd):
    export(CHIP, "step", tmp_path, what="cell")
    assert capfd.readouterr() == ("", "")


def test_each_file_is_told_before_it_is_written(tmp_path):
    told = []
    files = export(CHIP, ("msh", "svg"), tmp_path, what="cell", progress=told.append)
    assert [t.removeprefix("writing ") for t in told if t.startswith("writing ")] == [f.name for f in files]


def test_refining_halves_cells(tmp_path):
    counts = []
    for refine in (1.0, 2.0):
        export(CHIP, "vtu", tmp_path, what="cell", refine=refine)
        counts.append(len(meshio.read(tmp_path / "cluster_chip_cell_2d.vtu").cells_dict["triangle6"]))
    assert 2.5 < counts[1] / counts[0] < 5


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
        (
            {"formats": "inp"},
            'format = "inp" is not known; choose from msh, msh22, nas, vtu, xdmf, stl, step, dxf',
        ),
        ({"formats": "stl", "of": "master"}, 'of = "master" is not known; choose from fluid, body, mould'),
        (
            {"formats": "stl", "of": "body", "thickness": 1e-4},
            "thickness = 100 um is not above the depth of the channel",
        ),
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
    for of in ("fluid", "body"):
        with pytest.raises(DesignError, match=r"block = .* tetrahedra, above 1e\+03; export a smaller block"):
            export(CHIP, "vtu", tmp_path, block=(1, 1), of=of)
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
