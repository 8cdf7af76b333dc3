"""Masks of whole chips, read back by other libraries than their writers': GDS and DXF by KLayout, SVG by an XML parser."""

import functools
import math
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import klayout.db as kdb
import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree
from shapely import Polygon, box

from geometries import ClusterChip, DesignError, PoreFilter, Spiral
from geometries.cad import export
from geometries.device import Limits
from geometries.masks import LAYERS
from geometries.slide import PORT_GRID

UM = 1e-6
FORMATS = ("gds", "dxf", "svg")
EACH = pytest.mark.parametrize("ending", FORMATS)
CHIP = ClusterChip()
SVG = "{http://www.w3.org/2000/svg}"
DETAILS = {"slide", "ports", "marks", "labels"}
CHORDS = 1024  # of a full circle, into which the reader of DXF cuts arcs


@dataclass(frozen=True)
class Mask:
    """What a file has: polygons by what they are, and copies as a shape and its places."""

    polygons: dict[str, list[Polygon]]
    copies: dict[str, list[tuple[Polygon, np.ndarray]]]
    arrays: int

    def count(self, name: str) -> int:
        return sum(len(places) for _, places in self.copies.get(name, []))

    def area(self) -> float:
        """Of the channels, um2: of copies that the frame cuts only what is within counts."""
        (frame, *islands) = sorted(self.polygons["channel"], key=lambda p: -p.area)
        channel = frame.difference(shapely.union_all(islands))
        total = channel.area
        for shape, places in (one for found in self.copies.values() for one in found):
            reach = max(np.hypot(*np.array(shape.exterior.coords).T))
            near = places[shapely.distance(shapely.points(places), channel.boundary) < reach]
            total -= (len(places) - len(near)) * shape.area
            moved = [shapely.transform(shape, lambda p, at=at: p + at) for at in near]
            total -= sum(m.intersection(channel).area for m in moved)
        return total

    def smallest_gap(self, name: str) -> float:
        """Between copies of one kind: over all the ways in which near ones lie to each other."""
        shapes, places = zip(*self.copies[name], strict=True)
        every = np.concatenate(places)
        which = np.repeat(np.arange(len(shapes)), [len(p) for p in places])
        sizes = [max(np.hypot(*np.array(s.exterior.coords).T)) for s in shapes]
        pairs = cKDTree(every).query_pairs(2 * max(sizes) + 20.0, output_type="ndarray")
        apart = np.round(every[pairs[:, 1]] - every[pairs[:, 0]], 4)
        seen = np.unique(np.column_stack([which[pairs], apart]), axis=0)
        return min(
            shapes[int(a)].distance(shapely.transform(shapes[int(b)], lambda p, at=at: p + at))
            for a, b, *at in seen
        )


# -- readers ---------------------------------------------------------------------------------------------------------------
def klayout_polygon(polygon, unit: float) -> Polygon:
    hull = [(p.x * unit, p.y * unit) for p in polygon.each_point_hull()]
    return Polygon(hull)


def read_klayout(path: Path, names: dict[str, str]) -> Mask:
    """GDS or DXF; ``names``: what is on a layer."""
    options, layout = kdb.LoadLayoutOptions(), kdb.Layout()
    options.dxf_dbu = 0.001
    options.dxf_polyline_mode = 2
    options.dxf_circle_points = CHORDS
    layout.read(str(path), options)
    (top,) = layout.top_cells()
    polygons, copies, arrays = {}, {}, 0
    for index in layout.layer_indexes():
        info = layout.get_info(index)
        name = names.get(info.name or f"{info.layer}/{info.datatype}", info.name)
        for shape in top.shapes(index).each():
            if shape.is_polygon() or shape.is_box() or shape.is_path():
                polygons.setdefault(name, []).append(klayout_polygon(shape.polygon, layout.dbu))
    for instance in top.each_inst():
        (polygon, label), trans = cell_shape(layout, instance.cell), instance.trans
        assert trans.angle == 0 and not trans.is_mirror()
        origin, a, b = (np.array([v.x, v.y]) * layout.dbu for v in (trans.disp, instance.a, instance.b))
        i, j = (np.arange(max(n, 1)) for n in (instance.na, instance.nb))
        places = origin + i[:, None, None] * a + j[None, :, None] * b
        arrays += instance.is_regular_array()
        if label == "wall":
            assert places.size == 2
            polygons.setdefault("channel", []).append(
                shapely.transform(polygon, lambda p, at=places[0, 0]: p + at)
            )
            continue
        copies.setdefault(label, {}).setdefault(instance.cell.name, []).append(
            (polygon, places.reshape(-1, 2))
        )
    merged = {
        label: [
            (shapes[0][0], np.concatenate([places for _, places in shapes])) for shapes in by_cell.values()
        ]
        for label, by_cell in copies.items()
    }
    return Mask(polygons, merged, arrays)


def cell_shape(layout, cell) -> tuple[Polygon, str]:
    """The only polygon of a cell, and what it is."""
    found = [s for index in layout.layer_indexes() for s in cell.shapes(index).each() if not s.is_text()]
    assert len(found) == 1
    return klayout_polygon(found[0].polygon, layout.dbu), cell.name.rsplit("_", 1)[0].split("$")[0].lower()


def read_gds(path: Path) -> Mask:
    names = {f"{number}/{kind}": name for name, (number, kind) in LAYERS.items()} | {"10/0": "channel"}
    return read_klayout(path, names)


def read_dxf(path: Path) -> Mask:
    return read_klayout(path, {"wall": "channel", "spot": "channel"})


def path_polygon(d: str) -> Polygon:
    """A closed path of lines and arcs, arcs cut into fine chords."""
    points: list[tuple[float, float]] = []
    for word, rest in re.findall(r"([MLAZ])([^MLAZ]*)", d):
        numbers = [float(n) for n in rest.split()]
        if word in "ML":
            points.append((numbers[0], numbers[1]))
        elif word == "A":
            points += arc(points[-1], numbers)
    return Polygon(points)


def arc(start, numbers) -> list[tuple[float, float]]:
    radius, _, _, large, rising, x, y = numbers
    a, b = complex(*start), complex(x, y)
    half = math.asin(min(abs(b - a) / (2 * radius), 1.0))
    sweep = (2 * math.pi - 2 * half if large else 2 * half) * (1 if rising else -1)
    centre = (a + b) / 2 + (b - a) / 2 * 1j / math.tan(sweep / 2)
    count = max(int(abs(sweep) / 0.01), 8)
    turned = [centre + (a - centre) * np.exp(1j * sweep * k / count) for k in range(1, count)]
    return [*((p.real, p.imag) for p in turned), (x, y)]


def read_svg(path: Path) -> Mask:
    root = ElementTree.parse(path).getroot()
    assert "1 um" in root.find(f"{SVG}desc").text
    shapes = {p.get("id"): path_polygon(p.get("d")) for p in root.iter(f"{SVG}path") if p.get("id")}
    patterns = {p.get("id"): p for p in root.iter(f"{SVG}pattern")}
    polygons, copies, arrays = {}, {}, 0
    ids = Counter(e.get("id") for e in root.iter() if e.get("id"))
    assert max(ids.values()) == 1
    for group in root.findall(f"{SVG}g/{SVG}g"):
        name = {"fluid": "channel", "membrane": "channel", "wall": "channel"}.get(
            group.get("id"), group.get("id")
        )
        for element in group:
            if element.tag == f"{SVG}path" and name != "border":
                polygons.setdefault(name, []).append(path_polygon(element.get("d")))
            elif element.tag == f"{SVG}use":
                shape = element.get("href")[1:]
                copies.setdefault(name, {}).setdefault(shape, []).append(moved_by(element)[None])
            elif element.tag == f"{SVG}rect":
                pattern = patterns[re.fullmatch(r"url\(#(.*)\)", element.get("fill"))[1]]
                (used,) = pattern
                tile = np.array(
                    [[float(e.get(k)) for k in ("x", "y", "width", "height")] for e in (pattern, element)]
                )
                # The tile about the shape at the origin lies in the corner of the rectangle.
                assert tile[0, :2] == pytest.approx(tile[1, :2]) and moved_by(used) == pytest.approx(
                    -tile[0, :2]
                )
                bounds = shapes[used.get("href")[1:]].bounds
                assert np.all(tile[0, :2] <= np.add(bounds[:2], 1e-6))
                assert np.all(tile[0, :2] + tile[0, 2:] >= np.subtract(bounds[2:], 1e-6))
                columns, rows = np.round(tile[1, 2:] / tile[0, 2:]).astype(int)
                assert tile[1, 2:] / tile[0, 2:] == pytest.approx([columns, rows], rel=1e-7)
                i, j = (v.ravel() for v in np.meshgrid(np.arange(columns), np.arange(rows)))
                places = moved_by(element) + np.column_stack([i, j]) * tile[0, 2:]
                copies.setdefault(name, {}).setdefault(used.get("href")[1:], []).append(places)
                arrays += 1
    merged = {
        name: [(shapes[shape], np.concatenate(places)) for shape, places in found.items()]
        for name, found in copies.items()
    }
    return Mask(polygons, merged, arrays)


def moved_by(element) -> np.ndarray:
    x, y = re.fullmatch(r"translate\(([^ ]+) ([^ ]+)\)", element.get("transform")).groups()
    return np.array([float(x), float(y)])


READERS = {"gds": read_gds, "dxf": read_dxf, "svg": read_svg}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("masks")


DEVICES = {
    "cluster_chip": (CHIP, Limits()),
    "spiral": (Spiral(), Limits()),
    "pore_filter": (PoreFilter(), Limits()),
}


@functools.cache
def written(folder: Path, kind: str, ending: str) -> tuple[Path, Mask]:
    device, limits = DEVICES[kind]
    (path,) = export(device, ending, folder, what="chip", limits=limits, title="my chip")
    return path, READERS[ending](path)


# -- the Cluster-Chip ------------------------------------------------------------------------------------------------------
def fluid_area() -> float:
    """Of the channels without pillars and posts, um2, from the exact shapes."""
    plan = CHIP.plan()
    pillar, area = CHIP.pillar().turned(), 0.0
    beyond = pillar.polygon(1e-6).intersection(box(-100, -100, -CHIP.gap / UM / 2, 100)).area
    cut = 2 * CHIP.banks * (CHIP.rows - CHIP.rows // 2)
    area = plan.channels.area - plan.pillars().count * pillar.area + cut * beyond
    return area - plan.posts().count * math.pi * (plan.taper.posts.diameter / UM / 2) ** 2


@EACH
def test_the_whole_mask_is_small_and_quick(tmp_path, ending):
    assert (CHIP.paths, CHIP.rows) == (4096, 50)
    start = time.process_time()
    (path,) = export(CHIP, ending, tmp_path, what="chip")
    assert time.process_time() - start < 10
    assert path.name == f"cluster_chip_chip.{ending}"
    assert path.stat().st_size < 100_000


@EACH
def test_every_pillar_and_post_is_there_by_array_references(folder, ending):
    _, mask = written(folder, "cluster_chip", ending)
    paths = CHIP.paths // CHIP.banks
    assert mask.count("pillars") == CHIP.banks * (25 * (paths + 1) + 25 * paths)
    assert mask.count("posts") == CHIP.plan().posts().count > 1000
    assert 8 <= mask.arrays < 150
    assert set(mask.polygons) == DETAILS | {"channel"}
    assert len(mask.polygons["channel"]) == CHIP.banks  # the frame, and a wall between every two banks


@EACH
def test_the_fluid_has_the_same_area_in_every_format(folder, ending):
    _, mask = written(folder, "cluster_chip", ending)
    # Chords and grid move the border of each of 200,000 pillars by a nanometre at most.
    assert mask.area() == pytest.approx(fluid_area(), rel=1e-5)


@EACH
def test_the_smallest_gap_is_kept(folder, ending):
    _, mask = written(folder, "cluster_chip", ending)
    # Chords, the grid of 1 nm, and pitches in whole nanometres.
    assert mask.smallest_gap("pillars") == pytest.approx(12, abs=5e-3)
    frame = max(mask.polygons["channel"], key=lambda p: p.area)
    (pillar, places), *_ = mask.copies["pillars"]
    walls = shapely.distance(
        shapely.points(places), shapely.union_all([p.exterior for p in mask.polygons["channel"]])
    )
    half = pillar.bounds[2]
    assert walls[walls > half - 1].min() == pytest.approx(half + 12, abs=5e-3)  # of a whole pillar's axis
    assert walls.min() < 6.01 and frame.is_valid


@EACH
@pytest.mark.parametrize("kind", list(DEVICES))
def test_ports_marks_and_labels_are_on_their_layers(folder, ending, kind):
    device, limits = DEVICES[kind]
    _, mask = written(folder, kind, ending)
    slide = box(0, 0, limits.slide_length / UM, limits.slide_width / UM)
    (drawn,) = mask.polygons["slide"]
    assert drawn.equals(slide)
    for name, polygons in mask.polygons.items():
        assert all(slide.contains(p) for p in polygons), name
    ports = mask.polygons.get("ports", [])
    assert len(ports) == {"cluster_chip": 2, "spiral": 4, "pore_filter": 0}[kind]
    for port in ports:
        assert math.sqrt(port.area / math.pi) == pytest.approx(500, abs=1)
        on = np.array(port.centroid.coords[0]) / PORT_GRID
        assert on == pytest.approx(np.round(on), abs=1e-5)
        assert shapely.union_all(mask.polygons["channel"]).buffer(2e-3).contains(port)
    assert len(mask.polygons["marks"]) == 4
    labels = shapely.union_all(mask.polygons["labels"])
    channel = shapely.union_all(mask.polygons["channel"])
    assert len(mask.polygons["labels"]) > 10 and labels.distance(channel) > 50
    others = shapely.union_all([*ports, *mask.polygons["marks"]])
    assert labels.distance(others) > 50


@EACH
def test_the_same_chip_gives_the_same_bytes(tmp_path, ending):
    first, second = (
        export(ClusterChip(paths=512), ending, tmp_path / name, what="chip")[0].read_bytes() for name in "ab"
    )
    assert first == second


# -- the others ------------------------------------------------------------------------------------------------------------
SPIRALS = {
    "two by two": (Spiral(), Limits()),
    "one inlet, outward": (Spiral(direction="outward", inlet_widths=["500 um"]), Limits()),
    "trapezoid": (
        Spiral(
            width="600 um", inner_height="80 um", outer_height="130 um", inner_radius="8 mm", turns=4, length="32 cm"
        ),
        Limits(slide_width="60 mm"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=SPIRALS)
def spiral_chip(request, tmp_path_factory):
    """A spiral, its chip in all formats, and what all of them are compared with, which takes long for its many corners."""
    spiral, limits = SPIRALS[request.param]
    folder = tmp_path_factory.mktemp("spiral")
    files = {path.suffix[1:]: path for path in export(spiral, READERS, folder, what="chip", limits=limits)}
    bare = spiral.channel()
    around = bare.frame.polygon(0.01).buffer(0.5)
    return spiral, files, bare.area(), around, spiral.part("chip", limits=limits).plan.area(), limits


@EACH
def test_a_spiral_is_led_to_ports_on_the_grid(spiral_chip, ending):
    spiral, files, bare, around, area, limits = spiral_chip
    mask = READERS[ending](files[ending])
    # GDS cuts what has more than 8190 corners.
    channel = shapely.union_all(mask.polygons["channel"], grid_size=1e-3)
    assert channel.geom_type == "Polygon"
    assert channel.is_valid and channel.area > bare
    ports = mask.polygons["ports"]
    assert len(ports) == len(spiral.inlets) + 2
    legs = shapely.get_parts(channel.difference(moved_to(around, limits)))
    legs = [leg for leg in legs if leg.area > 1e4]
    assert len(legs) == len(ports)  # each port has its own, and none runs over the channel
    assert sorted(sum(leg.contains(port) for leg in legs) for port in ports) == [1] * len(ports)
    assert channel.area == pytest.approx(area, rel=1e-5)


def moved_to(shape: Polygon, limits: Limits) -> Polygon:
    """To the middle of the slide."""
    x0, y0, x1, y1 = shape.bounds
    to = np.array([limits.slide_length / UM - x0 - x1, limits.slide_width / UM - y0 - y1]) / 2
    return shapely.transform(shape, lambda p: p + to)


@EACH
@pytest.mark.parametrize(
    "membrane",
    [
        PoreFilter(spot_diameter="2 mm"),
        PoreFilter(spot_diameter="1 mm", tilt="20 deg", thickness="12 um"),
        PoreFilter(
            placement="hexagonal", diameter="5 um", tolerance="2 %", density="4e5 /cm^2", spot_diameter="3 mm"
        ),
        PoreFilter(
            pore="slit",
            width="6 um",
            length="40 um",
            placement="square",
            density="3e4 /cm^2",
            tolerance="0 %",
        ),
    ],
    ids=["etched", "slanted", "hexagonal", "slits"],
)
def test_every_pore_of_a_spot_is_there(tmp_path, ending, membrane):
    (path,) = export(membrane, ending, tmp_path, what="chip")
    mask, pores = READERS[ending](path), membrane.pores()
    assert mask.count("pore") == len(pores.x)
    found = np.concatenate([places for _, places in mask.copies["pore"]])
    middle = np.array([37_500.0, 18_750.0])
    expected = np.column_stack([pores.x, pores.y]) / UM + middle
    apart, nearest = cKDTree(found).query(expected)
    # Pitches in whole nanometres: at the rim of a spot of some hundred pores that adds up.
    assert len(set(nearest.tolist())) == len(found)
    assert apart.max() < (2e-3 if membrane.placement == "poisson" else 0.15)
    scale = pores.scale**2 / np.cos(pores.tilt) if membrane.placement == "poisson" else np.ones(len(pores.x))
    drawn = sum(shape.area * len(places) for shape, places in mask.copies["pore"])
    assert drawn == pytest.approx(float(scale.sum()) * membrane.area / UM**2, rel=5e-4)
    (spot,) = mask.polygons["channel"]
    assert spot.area == pytest.approx(membrane.spot_area / UM**2, rel=1e-4)
    if membrane.placement != "poisson":
        assert len(mask.copies["pore"]) == 1 and mask.arrays > 10


@EACH
def test_a_spot_of_a_hundred_thousand_pores_on_a_lattice_is_small(tmp_path, ending):
    membrane = PoreFilter(
        diameter="5 um", density="4e5 /cm^2", tolerance="2 %", placement="square", spot_diameter="6 mm"
    )
    (path,) = export(membrane, ending, tmp_path, what="chip")
    assert len(membrane.pores().x) > 100_000
    assert path.stat().st_size < 200_000


# -- what is asked for -----------------------------------------------------------------------------------------------------
def test_a_whole_chip_comes_with_masks_and_pictures_but_not_with_meshes(tmp_path):
    names = {p.name for p in export(CHIP, ("gds", "vtu"), tmp_path / "a", block=(1, 1))}
    assert {n for n in names if n.endswith(".gds")} == {
        f"cluster_chip_{part}.gds" for part in ("cell", "array_1x1", "chip")
    }
    assert not any("chip_chip" in n for n in names if n.endswith(".vtu"))


def test_what_does_not_fit_and_was_not_asked_for_is_left_out_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="the whole chip does not fit the slide"):
        files = export(ClusterChip(rows=180), "svg", tmp_path, block=(1, 1))
    assert [f.name for f in files] == ["cluster_chip_cell.svg", "cluster_chip_array_1x1.svg"]


@pytest.mark.parametrize(
    ("device", "formats", "sentence"),
    [
        (
            PoreFilter(spot_diameter="35 mm", density="2 /cm^2"),
            "svg",
            "35 mm is above 33.5 mm within its margins",
        ),
        (PoreFilter(), "msh", 'what = "chip" of a membrane is for masks only'),
        (PoreFilter(), "step", 'what = "chip" of a membrane is for masks only'),
        (Spiral(inner_radius="16 mm", outer_radius="19 mm"), "gds", "within its margins"),
        (
            Spiral(inner_height="80 um", outer_height="130 um"),
            "step",
            "with a sloping ceiling is for masks only",
        ),
        (ClusterChip(rows=180), "dxf", "the whole chip does not fit the slide"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_leaves_nothing(tmp_path, device, formats, sentence):
    with pytest.raises(DesignError) as caught:
        export(device, formats, tmp_path / "out", what="chip")
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
