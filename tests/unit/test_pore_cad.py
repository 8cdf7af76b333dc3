"""Exports of a membrane, read back: area, volume and smallest gap are those of its pores in every format."""

import math
from pathlib import Path
from xml.etree import ElementTree

import ezdxf.recover
import numpy as np
import pytest
from shapely import Polygon, box, unary_union

from geometries import DesignError
from geometries.bores import Bore, Plate
from geometries.cad import export
from geometries.membrane_mesh import unit_cell_plan
from geometries.outline import CHORD_TOLERANCE, smallest_gap
from geometries.patch import patch
from geometries.pore_filter import PoreFilter
from renderings import bulged_area, flattened, polygons_of, read, read_step, svg_area

MEMBRANES = {
    "etched": PoreFilter(),
    "slanted": PoreFilter(tilt="30 deg", seed=2),
    "lattice": PoreFilter(
        placement="square", diameter="5 um", density="5e5 /cm^2", thickness="1 um", tolerance="2 %"
    ),
    "slits": PoreFilter(pore="slit", width="5 um", length="15 um", placement="square", density="5e5 /cm^2"),
}
COUNT = 6
FORMATS_HERE = ("msh", "vtu", "step", "dxf", "gds", "svg")
SVG = "{http://www.w3.org/2000/svg}"
SIDES = {"symmetry_x", "symmetry_y"}


@pytest.fixture(scope="module", params=MEMBRANES)
def exported(request, tmp_path_factory) -> tuple[PoreFilter, Path]:
    directory = tmp_path_factory.mktemp(request.param)
    written = export(MEMBRANES[request.param], FORMATS_HERE, directory, what=("cell", "array"), block=COUNT)
    assert sorted(written) == sorted(directory.iterdir())
    return MEMBRANES[request.param], directory


def plate(membrane: PoreFilter, part: str) -> Plate:
    """The piece of plate that an export shows."""
    if part == "cell":
        bores, around = unit_cell_plan(membrane)
    else:
        found = patch(membrane, COUNT)
        bores, around = found.bores, found.box
    return Plate(tuple(bores), membrane.thickness * 1e6, around)


def own_area(bore: Bore) -> float:
    """Exact area of an opening, um2."""
    if bore.length is not None:
        return bore.width * bore.length
    return math.pi / 4 * bore.width**2 / math.cos(bore.tilt)


def gap(shapes: list[Polygon]) -> float:
    """Smallest clear distance between openings, overlapping ones being one."""
    whole = unary_union(shapes)
    return smallest_gap(list(whole.geoms))


PARTS = pytest.mark.parametrize("part", ["cell", f"array_{COUNT}"])


def test_the_names_of_the_files(exported):
    _, folder = exported
    meshes = {f"{part}_3d" for part in ("cell", f"array_{COUNT}")}
    meshes |= {"cell_2d"}
    names = {f"pore_filter_{m}.{ending}" for m in meshes for ending in ("msh", "vtu")}
    names |= {
        f"pore_filter_{part}.{ending}"
        for part in ("cell", f"array_{COUNT}")
        for ending in ("step", "dxf", "gds", "svg")
    }
    assert {p.name for p in folder.iterdir()} == names


@PARTS
@pytest.mark.parametrize("ending", ["msh", "vtu"])
def test_meshes_hold_bores_and_reservoirs(exported, part, ending):
    membrane, folder = exported
    expected = plate(membrane, part)
    x0, y0, x1, y1 = expected.box
    found = read(folder / f"pore_filter_{part}_3d.{ending}", ending)
    reservoirs = 2 * 10 * membrane.size / 2 * 1e6 * (x1 - x0) * (y1 - y0)
    assert found.volume == pytest.approx(reservoirs + expected.bored(), rel=1e-4)
    assert found.names == {"inlet", "outlet", "membrane", "pore", "fluid"} | SIDES


def test_the_plane_mesh_is_a_section_along_the_pore(exported):
    membrane, folder = exported
    found = read(folder / "pore_filter_cell_2d.vtu", "vtu")
    radius, cell = membrane.size / 2 * 1e6, membrane.pitches[0] / 2 * 1e6
    if membrane.pore == "round":
        cell = 1e6 / math.sqrt(math.pi * membrane.density)
    expected = 20 * radius * cell + radius * membrane.thickness * 1e6
    assert found.volume == pytest.approx(expected)
    names = {"inlet", "membrane", "pore", "outlet", "symmetry"} | (
        {"axis"} if membrane.pore == "round" else set()
    )
    assert found.names - {"fluid"} == names


@PARTS
def test_the_solid_is_the_fluid_in_bores_and_reservoirs(exported, part):
    membrane, folder = exported
    expected = plate(membrane, part)
    x0, y0, x1, y1 = expected.box
    tank = 10 * membrane.size / 2 * 1e6
    solid = read_step(folder / f"pore_filter_{part}.step")
    assert solid.volume == pytest.approx(2 * tank * (x1 - x0) * (y1 - y0) + expected.bored(), rel=1e-6)
    assert solid.size == pytest.approx([x1 - x0, y1 - y0, expected.thickness + 2 * tank], rel=1e-6)


@PARTS
def test_the_body_is_the_plate_with_its_bores(exported, part, tmp_path):
    membrane, _ = exported
    expected = plate(membrane, part)
    what = "cell" if part == "cell" else "array"
    (file,) = export(membrane, "step", tmp_path, what=what, of="body", block=COUNT)
    solid = read_step(file)
    x0, y0, x1, y1 = expected.box
    assert solid.volume == pytest.approx(
        (x1 - x0) * (y1 - y0) * expected.thickness - expected.bored(), rel=1e-5
    )
    assert solid.size == pytest.approx([x1 - x0, y1 - y0, expected.thickness], rel=1e-6)
    if membrane.pore == "round" and not membrane.tilt:
        assert set(solid.curves) == {"Line", "Circle"}


def test_a_membrane_has_no_mould(tmp_path):
    with pytest.raises(DesignError, match="a mould is not for a membrane"):
        export(MEMBRANES["lattice"], "stl", tmp_path, of="mould")


@PARTS
def test_masks_and_picture_show_the_openings(exported, part):
    membrane, folder = exported
    expected = plate(membrane, part)
    frame = box(*expected.box)
    openings = [b.opening() for b in expected.bores]
    document, auditor = ezdxf.recover.readfile(folder / f"pore_filter_{part}.dxf")
    assert not auditor.has_errors
    drawn = [e for e in document.modelspace() if e.dxf.layer == "pore"]
    assert {e.dxf.layer for e in document.modelspace()} == {"pore"} | SIDES
    exact = not membrane.tilt or part == "cell"
    areas = [bulged_area(e.get_points("xyb")) for e in drawn]
    assert areas == pytest.approx([own_area(b) for b in expected.bores], rel=1e-8 if exact else 1e-3)
    masks = {
        "dxf": [flattened(e) for e in drawn],
        "gds": polygons_of(folder / f"pore_filter_{part}.gds", "solids"),
    }
    for shapes in masks.values():
        open_ = unary_union(shapes).intersection(frame)
        border = unary_union(openings).intersection(frame)
        assert open_.area == pytest.approx(border.area, abs=3e-3 * border.length)
        if part != "cell":
            assert gap(shapes) == pytest.approx(gap(openings), abs=4 * CHORD_TOLERANCE + 2e-3)
    root = ElementTree.parse(folder / f"pore_filter_{part}.svg").getroot()
    groups = {g.get("id"): g.findall(f"{SVG}path") for g in root.iter(f"{SVG}g") if g.get("id")}
    assert set(groups) == {"membrane", "pore"} | SIDES
    assert "into the page" in root.find(f"{SVG}desc").text
    assert svg_area(groups["membrane"][0].get("d")) == pytest.approx(frame.area, rel=1e-7)
    areas = [svg_area(p.get("d")) for p in groups["pore"]]
    assert areas == pytest.approx([own_area(b) for b in expected.bores], rel=1e-6 if exact else 1e-3)


def test_the_smallest_gap_in_the_mesh_is_that_of_the_membrane():
    membrane = MEMBRANES["lattice"]
    found = patch(membrane, COUNT)
    mesh = found.mesh(rim=found.radius / 8)
    walls = mesh.facets[mesh.facet_regions == mesh.regions["pore"]]
    rims = mesh.points[np.unique(walls)]
    rims = rims[np.abs(rims[:, 2]) < 1e-6, :2]
    owner = np.array([[math.dist((b.x, b.y), p) for b in found.bores] for p in rims]).argmin(axis=1)
    nearest = min(
        np.linalg.norm(rims[owner == i][:, None] - rims[owner == j], axis=2).min()
        for i in range(len(found.bores))
        for j in range(i)
    )
    expected = gap([b.opening() for b in found.bores])
    assert expected - 1e-3 <= nearest < expected + 0.02


@pytest.mark.parametrize(
    ("name", "count", "sentence"),
    [
        ("lattice", 4000, "is too large to mesh: the mesh would have"),
        ("etched", 1000, "rims nearly touch in all windows of 1000 pores that were tried; ask for fewer"),
        ("etched", 100_000, "spot_diameter = 6 mm is too small for a window of 100000 pores; ask for fewer"),
    ],
)
def test_a_patch_too_large_is_one_sentence(tmp_path, name, count, sentence):
    with pytest.raises(DesignError) as caught:
        export(MEMBRANES[name], "msh", tmp_path, what="array", block=count)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["8x8", "0", "-3", "many"])
def test_a_block_of_pores_is_a_number(text):
    assert PoreFilter().block_size("24") == 24
    with pytest.raises(DesignError, match='is not a number of pores; write for instance "24"'):
        PoreFilter().block_size(text)
