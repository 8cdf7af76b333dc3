"""The Cluster-Chip's dimensions, drawing and design rules."""

import itertools
import math
import tomllib
from pathlib import Path

import pytest
from shapely import box

import geometries
from geometries import ClusterChip, DesignError, Limits
from geometries.outline import Arc, Line, smallest_gap

PUBLISHED = Path(geometries.__file__).parent / "published" / "cluster_chip_2015.toml"
UM = 1e-6


def distances(chip: ClusterChip, tolerance: float = 1e-5) -> tuple[float, float]:
    """Measured clear distances in um: between neighbours of a row, and from a row to the next."""
    pillar, pitch, row = chip.pillar(), chip.lateral_pitch / UM, chip.row_pitch / UM
    first, neighbour, following = (
        pillar.moved(x, y).polygon(tolerance) for x, y in ((0, 0), (0, pitch), (row, pitch / 2))
    )
    return first.distance(neighbour), first.distance(following)


# -- dimensions ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fillet", "lateral", "row"), [("1 um", 58.536, 50.694), ("0 um", 60.0, 51.962)])
def test_pitches_of_the_published_chip(fillet, lateral, row):
    chip = ClusterChip(fillet=fillet)
    assert chip.lateral_pitch / UM == pytest.approx(lateral, abs=5e-4)
    assert chip.row_pitch / UM == pytest.approx(row, abs=5e-4)


def test_banks_of_the_published_chip_fit_the_slide():
    chip = ClusterChip()
    assert chip.bank_width == pytest.approx(1024 * 58.536e-6, rel=1e-5)
    assert chip.array_length == pytest.approx(50 * 50.694e-6, rel=1e-5)
    assert chip.problems() == []
    chip.check()


@pytest.mark.parametrize(
    ("fillet", "apex", "gap", "daughter"),
    [
        *itertools.product((0, 0.25, 1, 2, 4, 6), (40, 60, 90), (8, 12, 20), (None, 18)),
        # Blunt tips: the flank beside the tip comes nearest.
        *itertools.product((0, 1, 3), (100, 110, 120), (20, 30), (None, 24)),
    ],
)
def test_both_gaps_are_clear_distances_whatever_the_fillet(fillet, apex, gap, daughter):
    chip = ClusterChip(
        gap=gap * UM,
        daughter_gap=daughter and daughter * UM,
        apex_angle=math.radians(apex),
        fillet=fillet * UM,
        side="60 um",
    )
    across, along = distances(chip)
    assert across == pytest.approx(gap, abs=3e-5)
    assert along == pytest.approx(daughter or gap, abs=3e-5)


def test_a_blunt_tip_has_its_flank_nearest():
    chip = ClusterChip(apex_angle="120 deg", gap="30 um", daughter_gap="20 um", side="80 um")
    (_, _), (corner, tip) = chip.throat_centres()
    assert math.dist(corner, tip) - 2 * chip.fillet / UM > 20.1
    assert distances(chip)[1] == pytest.approx(20, abs=1e-4)


def test_the_pillar_has_the_size_that_is_said():
    chip = ClusterChip(fillet="3 um", apex_angle="50 deg")
    x0, y0, x1, y1 = chip.pillar().polygon(1e-7).bounds
    assert (x0, x1) == pytest.approx((0, chip.pillar_length / UM), abs=1e-6)
    assert y1 - y0 == pytest.approx(chip.pillar_width / UM, abs=1e-6)
    assert [s.radius for s in chip.pillar().segments if isinstance(s, Arc)] == pytest.approx([3.0] * 3)


@pytest.mark.parametrize(("fillet", "apex"), [(0, 60), (1, 60), (5, 60), (2, 35), (2, 110)])
def test_area_of_a_pillar(fillet, apex):
    chip = ClusterChip(fillet=fillet * UM, apex_angle=math.radians(apex))
    half, base = math.radians(apex) / 2, (math.pi - math.radians(apex)) / 2
    # Each corner loses two right triangles, r by r cot(half angle), and keeps a sector.
    lost = sum(fillet**2 * (1 / math.tan(a) - (math.pi / 2 - a)) for a in (half, base / 2, base / 2))
    assert chip.pillar().area == pytest.approx(24**2 / math.tan(half) - lost, rel=1e-12)


# -- blocks --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("paths", "rows"), [(0.5, 1), (0.5, 2), (1, 2), (2.5, 3), (4, 4)])
@pytest.mark.parametrize("fillet", [0, 1, 6])
def test_every_block_has_its_share_of_the_fluid(paths, rows, fillet):
    chip = ClusterChip(fillet=fillet * UM)
    drawing, pitch, row = chip.block(paths, rows), chip.lateral_pitch / UM, chip.row_pitch / UM
    x0, y0, x1, y1 = drawing.frame.polygon().bounds
    assert (y0, x1 - x0, y1) == pytest.approx((0, rows * row, paths * pitch))
    assert drawing.area() == pytest.approx(paths * rows * (pitch * row - chip.pillar().area), rel=1e-7)
    assert drawing.depth == pytest.approx(100)
    assert drawing.periodic == (rows % 2 == 0)


def test_where_rows_stand_close_the_border_runs_through_the_pillars_and_the_block_stays_right():
    chip = ClusterChip(gap="20 um", daughter_gap="10.5 um", fillet="1 um")
    between = (chip.row_pitch - chip.pillar_length) / UM
    assert between < 5
    drawing = chip.block(1, 4)
    x0, _, x1, _ = drawing.frame.polygon().bounds
    # Where a flank is straight, well away from both of its arcs.
    flank = next(s for s in chip.pillar().segments if isinstance(s, Line) and abs(s.end[0] - s.start[0]) > 1)
    assert x0 == pytest.approx((flank.start[0] + flank.end[0]) / 2)
    share = chip.lateral_pitch * chip.row_pitch / UM**2 - chip.pillar().area
    assert drawing.area() == pytest.approx(4 * share, rel=1e-7)


def test_the_tips_are_arc_centres_within_the_block():
    drawing = ClusterChip().block(2, 2)
    frame = box(*drawing.frame.polygon().bounds).buffer(1.0)
    centres = {
        (round(s.centre[0], 6), round(s.centre[1], 6))
        for loop in drawing.solids
        for s in loop.segments
        if isinstance(s, Arc)
    }
    assert {(round(x, 6), round(y, 6)) for x, y in drawing.tips} <= centres
    assert all(frame.covers(box(*t, *t)) for t in drawing.tips)
    # Per path and row one tip and two base corners; pillars on the two borders show theirs too.
    assert len(set(drawing.tips)) >= 3 * 4


def test_a_large_block_keeps_the_gap_and_has_every_pillar():
    drawing = ClusterChip().block(6, 6)
    shapes = [s.polygon() for s in drawing.solids]
    assert smallest_gap(shapes) == pytest.approx(12.0, abs=2e-3)
    # Even rows: on both borders and five between; odd rows: six.
    assert len(shapes) == 3 * 7 + 3 * 6


def test_a_plug_closes_its_throat_and_no_other():
    chip = ClusterChip()
    open_, plugged = chip.block(2, 4), chip.block(2, 4, plug=(0.5, 0))
    frame = open_.frame.polygon()
    (x, y), _ = chip.throat_centres(0)
    throat = box(x - 5, y - 6.5, x + 5, y + 6.5)
    assert len(plugged.solids) == len(open_.solids) + 1
    assert open_.fluid().intersection(throat).geom_type == "Polygon"
    pieces = plugged.fluid().intersection(throat)
    assert len(pieces.geoms) == 2
    assert pieces.geoms[0].distance(pieces.geoms[1]) == pytest.approx(1.0, abs=1e-3)
    assert open_.area() - plugged.area() == pytest.approx(12, rel=0.15)
    assert frame.area == plugged.frame.polygon().area
    names = {s.name for loop in plugged.solids for s in loop.segments}
    assert names == {"pillars", "plug_side", "plug_upstream", "plug_downstream"}


@pytest.mark.parametrize("fillet", ["0.96 um", "0.99 um", "1 um", "1.01 um", "1.035 um"])
def test_a_plug_ends_where_the_corner_does_or_well_beside_it(fillet):
    """At 1 um both are the same place; a little more or less must leave no sliver, which cannot be meshed."""
    from geometries.mesh import Resolution, mesh_outline

    block = ClusterChip(fillet=fillet).block(1, 2, plug=(0.0, 1))
    assert mesh_outline(block, Resolution(tip=0.4, coarsest=0.8, growth=0.5)).quality > 0.25


@pytest.mark.parametrize(
    ("plug", "thickness"), [((0.5, 1), 1e-6), ((0.25, 0), 1e-6), ((0.5, 9), 1e-6), ((9.5, 0), 1e-6)]
)
def test_a_plug_that_is_nowhere_is_refused(plug, thickness):
    with pytest.raises(DesignError, match=r"plug = .* is not the middle of an entrance gap"):
        ClusterChip().block(2, 4, plug=plug, plug_thickness=thickness)


def test_a_plug_of_no_thickness_is_refused():
    with pytest.raises(DesignError, match=r"plug_thickness = 0.5 um is below 1 um"):
        ClusterChip().block(2, 4, plug=(0.5, 0), plug_thickness=0.5e-6)


@pytest.mark.parametrize(("paths", "rows"), [(0.3, 2), (0, 2), (-1, 2), (1, 0), (1, -3)])
def test_a_block_of_broken_pieces_is_refused(paths, rows):
    with pytest.raises(DesignError, match="is not made of half pitches and whole rows"):
        ClusterChip().block(paths, rows)


# -- what does not exist, and what cannot be made --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"fillet": "13 um"}, ("fillet = 13 um", "side 48 um", "limit is 12.47 um")),
        ({"fillet": "0.0001 um"}, ("fillet = 0.0001 um", "0.001 um", '"0 um"')),
        ({"gap": "40 um", "daughter_gap": "15 um"}, ("daughter_gap = 15 um", "overlap", "19 um")),
        (
            {"gap": "100 um", "side": "10 um", "fillet": 0, "daughter_gap": "51 um"},
            ("gap = 100 um", "side 10 um", "daughter_gap"),
        ),
        (
            {
                "gap": "31.5 um",
                "side": "17.6 um",
                "apex_angle": "70 deg",
                "fillet": "2.4 um",
                "daughter_gap": "13.4 um",
            },
            ("daughter_gap = 13.4 um", "two rows on", "side"),
        ),
        ({"paths": 4097}, ("paths = 4097", "banks = 4")),
        ({"rows": -1}, ("rows = -1", "1 to 10000")),
        ({"banks": 0}, ("banks = 0", "1 to 1000")),
    ],
)
def test_a_geometry_that_does_not_exist_is_refused_with_parameter_value_and_limit(values, names):
    with pytest.raises(DesignError) as caught:
        ClusterChip(**values)
    assert all(name in str(caught.value) for name in names), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "limits", "parameter", "value", "limit"),
    [
        ({"gap": "2.5 um", "depth": "10 um"}, {}, "gap", "2.5 um", "3 um"),
        ({"gap": "4 um", "daughter_gap": "2.5 um", "depth": "10 um"}, {}, "daughter_gap", "2.5 um", "3 um"),
        ({"side": "6 um", "gap": "5 um", "fillet": "1 um", "depth": "20 um"}, {}, "side", "6 um", "5 um"),
        ({"depth": "150 um"}, {}, "depth", "150 um", "12 um"),
        ({"depth": "500 um", "gap": "60 um"}, {}, "depth", "500 um", "8 times the pillar"),
        ({"banks": 2}, {}, "paths", "4096", "75 mm"),
        ({"rows": 200}, {}, "rows", "200", "37.5 mm"),
        ({}, {"min_gap": "15 um"}, "gap", "12 um", "15 um"),
        ({}, {"min_feature": "45 um"}, "side", "48 um", "45 um"),
        ({}, {"max_aspect_ratio": 2}, "depth", "100 um", "2 times the pillar"),
        ({}, {"slide_length": "50 mm"}, "paths", "4096", "50 mm"),
        ({}, {"slide_width": "10 mm"}, "rows", "50", "10 mm"),
    ],
)
def test_each_design_rule_names_parameter_value_and_limit(values, limits, parameter, value, limit):
    chip, rules = ClusterChip(**values), Limits(**limits)
    found = [p for p in chip.problems(rules) if p.parameter == parameter]
    assert found, [str(p) for p in chip.problems(rules)]
    assert found[0].value == value
    assert limit in found[0].limit
    assert all(word in str(found[0]) for word in (parameter, value, limit))
    with pytest.raises(DesignError):
        chip.check(rules)


def test_check_says_how_many_more_rules_are_broken():
    with pytest.raises(DesignError, match=r"^gap = 2.5 um is below .* \(and \d more\)"):
        ClusterChip(gap="2.5 um").check()


# -- values --------------------------------------------------------------------------------------------------------------
def test_devices_are_frozen_values():
    chip = ClusterChip()
    with pytest.raises(Exception, match="frozen"):
        chip.gap = 1.0
    assert chip.replace(gap="10 um").gap == pytest.approx(10e-6)
    assert chip.gap == 12e-6
    assert ClusterChip() == ClusterChip(gap="12 um")


def test_the_published_design_is_the_default():
    with PUBLISHED.open("rb") as file:
        design = tomllib.load(file)
    values = design["device"]
    assert values.pop("kind") == ClusterChip.kind
    chip = ClusterChip(**values)
    for name in ClusterChip.model_fields:
        read, default = getattr(chip, name), getattr(ClusterChip(), name)
        assert read == (default if default is None else pytest.approx(default, rel=1e-12)), name
    # Every parameter stands in the file (daughter_gap as a remark), each with its status.
    assert set(ClusterChip.model_fields) - set(values) == {"daughter_gap"}
    lines = [line for line in PUBLISHED.read_text().splitlines() if " = " in line]
    assert len(lines) >= 16
    for line in lines:
        assert any(status in line.split("#", 1)[1] for status in ("published", "unconfirmed", "derived")), (
            line
        )
