"""Exports of a spiral, read back: area and volume are those of its channel in every format, and its ports have their names."""

from pathlib import Path
from xml.etree import ElementTree

import ezdxf.recover
import gdstk
import meshio
import numpy as np
import pytest
from shapely import Point, Polygon, unary_union

from geometries import DesignError
from geometries.cad import export
from geometries.outline import CHORD_TOLERANCE
from geometries.spiral import Spiral
from renderings import bulged_area, polygons_of, read, read_step, svg_area
from test_spiral import ROOF, SMALL, channel_volume, pieces_area, trapezoid_volume

SPIRALS = {"rectangle": Spiral(**SMALL), "trapezoid": Spiral(**SMALL, **ROOF, inlet_widths=["220 um"])}
PARTS = pytest.mark.parametrize("part", ["quarter", "channel"])
FORMATS_HERE = ("msh", "vtu", "step", "dxf", "gds", "svg")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module", params=SPIRALS)
def exported(request, tmp_path_factory) -> tuple[Spiral, Path]:
    directory = tmp_path_factory.mktemp(request.param)
    written = export(SPIRALS[request.param], FORMATS_HERE, directory, what=("cell", "array"))
    assert sorted(written) == sorted(directory.iterdir())
    return SPIRALS[request.param], directory


def expected(spiral: Spiral, part: str) -> tuple[float, float, set[str]]:
    """Area, um2, volume, um3, and names of the sides."""
    if part == "channel":
        return pieces_area(spiral), channel_volume(spiral), {"wall", *spiral.inlets, *spiral.outlets}
    curve, angle = spiral.plan.curve, spiral.quarter[1]
    length, turned = float(curve.length_to(angle)), float(curve.heading(angle) - curve.heading(0.0))
    return spiral.width * 1e6 * length, trapezoid_volume(spiral, length, turned), {"wall", "inlet", "outlet"}


def test_the_names_of_the_files(exported):
    _, folder = exported
    endings = [f"_{dim}.{ending}" for dim in ("2d", "3d") for ending in ("msh", "vtu")]
    endings += [".step", ".dxf", ".gds", ".svg"]
    assert {p.name for p in folder.iterdir()} == {
        f"spiral_{part}{ending}" for part in ("quarter", "channel") for ending in endings
    }


@PARTS
@pytest.mark.parametrize("ending", ["msh", "vtu"])
def test_meshes_have_the_channels_measure_and_name_its_ports(exported, part, ending):
    spiral, folder = exported
    area, volume, names = expected(spiral, part)
    for dim, size in (("2d", area), ("3d", volume)):
        found = read(folder / f"spiral_{part}_{dim}.{ending}", ending)
        assert found.volume == pytest.approx(size, rel=5e-6)
        more = {"floor", "ceiling"} if dim == "3d" else set()
        assert found.names == names | more | {"fluid"}


@PARTS
def test_the_solid_has_the_channels_volume(exported, part):
    spiral, folder = exported
    solid = read_step(folder / f"spiral_{part}.step")
    assert solid.volume == pytest.approx(expected(spiral, part)[1], rel=5e-6)
    assert solid.size[2] == pytest.approx(max(spiral.heights) * 1e6, rel=1e-4)


@PARTS
def test_the_dxf_has_the_walls_and_ports_on_named_layers(exported, part):
    spiral, folder = exported
    area, _, names = expected(spiral, part)
    document, auditor = ezdxf.recover.readfile(folder / f"spiral_{part}.dxf")
    assert not auditor.has_errors
    entities = list(document.modelspace())
    assert {e.dxf.layer for e in entities} == names
    sides = [e.get_points("xyb") for e in entities]
    for before, after in zip(sides, [*sides[1:], sides[0]], strict=True):
        assert before[-1][:2] == pytest.approx(after[0][:2], abs=1e-6)
    # Splines are chords within a nanometre of them; the arcs of the lead are exact.
    ring = [vertex for side in sides for vertex in side[:-1]]
    assert bulged_area(ring) == pytest.approx(
        area, abs=CHORD_TOLERANCE * spiral.channel().frame.polygon().length
    )
    assert sum(bulge != 0 for *_, bulge in ring) == (2 if part == "channel" else 0)


@PARTS
def test_the_gds_agrees_within_chords_and_grid_and_labels_lie_on_the_border(exported, part):
    spiral, folder = exported
    area, _, names = expected(spiral, part)
    path = folder / f"spiral_{part}.gds"
    shape = unary_union([p.buffer(1e-3) for p in polygons_of(path, "frame")]).buffer(
        -1e-3
    )  # long ones come in pieces
    assert isinstance(shape, Polygon)
    assert polygons_of(path, "solids") == []
    assert shape.area == pytest.approx(area, abs=2e-3 * shape.length)
    labels = [label for cell in gdstk.read_gds(path).cells for label in cell.labels]
    assert {label.text for label in labels} == names
    assert max(shape.exterior.distance(Point(label.origin)) for label in labels) < 5e-3


@PARTS
def test_the_svg_is_to_scale_with_named_groups(exported, part):
    spiral, folder = exported
    area, _, names = expected(spiral, part)
    root = ElementTree.parse(folder / f"spiral_{part}.svg").getroot()
    groups = {g.get("id"): g.findall(f"{SVG}path") for g in root.iter(f"{SVG}g") if g.get("id")}
    assert set(groups) == names | {"fluid"}
    assert "from the inlet to the outlet" in root.find(f"{SVG}desc").text
    assert svg_area(groups["fluid"][0].get("d")) == pytest.approx(area, rel=1e-5)


def test_a_port_of_the_mesh_is_as_wide_as_asked(exported):
    spiral, folder = exported
    mesh = meshio.read(folder / "spiral_channel_2d.vtu")
    for ports, widths in ((spiral.inlets, spiral.inlet_widths), (spiral.outlets, spiral.outlet_widths)):
        for port, width in zip(ports, widths, strict=True):
            lines = next(
                b.data[f.astype(bool)]
                for b, f in zip(mesh.cells, mesh.cell_data[port], strict=True)
                if b.type == "line3"
            )
            ends = mesh.points[lines[:, :2]]
            assert np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).sum() == pytest.approx(width * 1e6)


def test_a_block_is_refused(tmp_path):
    with pytest.raises(DesignError, match="block 8x8 is not for a spiral"):
        export(SPIRALS["rectangle"], "svg", tmp_path, what="array", block="8x8")
