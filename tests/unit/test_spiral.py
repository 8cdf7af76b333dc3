"""The spiral: its length, walls, area and volume against independent integrals, its ports, and each mistake in one sentence."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from shapely import LineString, Polygon

from geometries import DesignError, Limits
from geometries.archimedes import Archimedean
from geometries.drawing import draw
from geometries.mesh import gmsh_session
from geometries.spiral import Spiral
from geometries.spiral_plan import LEAD, LEAD_RADIUS
from geometries.spiral_solid import ceiling
from test_drawing import labels_apart
from test_membrane_mesh import watertight
from test_random_devices import one_clear_sentence

UM = 1e-6
SLANTED = {
    "width": "600 um",
    "inner_height": "80 um",
    "outer_height": "130 um",
    "inner_radius": "8 mm",
    "outer_radius": "24 mm",
    "turns": 8,
    "inlet_widths": ["600 um"],
}
SMALL = {"width": "200 um", "inner_radius": "1.2 mm", "outer_radius": "1.7 mm", "turns": 1.3}
# An arc so short that the branches of its two ends cross.
MEETING = {
    "width": "137 um",
    "inner_radius": "383 um",
    "outer_radius": "482 um",
    "turns": 0.357,
    "direction": "outward",
    "inlet_widths": ["130 um", "200 um"],
    "outlet_widths": ["35 um", "130 um"],
}
ROOF = {"inner_height": "60 um", "outer_height": "100 um"}
SPIRALS = {
    "published": {},
    "outward": {"direction": "outward", "outlet_widths": ("300 um", "600 um")},
    "slanted": SLANTED,
    "arc": {"inner_radius": "10 mm", "outer_radius": "10 mm", "turns": 0.6, "sample_inlet": "inner"},
    "small": SMALL,
}
ALL = pytest.mark.parametrize("name", list(SPIRALS))


@cache
def made(name: str) -> Spiral:
    return Spiral(**SPIRALS[name])


# -- centre-line -----------------------------------------------------------------------------------------------------------
@ALL
def test_the_length_is_the_integral_along_the_centre_line(name):
    spiral = made(name)
    angle = 2 * math.pi * spiral.turns
    rise = (spiral.outer_radius - spiral.inner_radius) / angle
    along = quad(lambda t: math.hypot(spiral.inner_radius + rise * t, rise), 0, angle, epsabs=0, epsrel=1e-13)
    assert spiral.length == pytest.approx(along[0], rel=1e-12)


@pytest.mark.parametrize("rise", [0.0, 1e-12, 1e-9, 1e-7, 2e-6, 1e-3, 0.1, 10.0])
def test_the_closed_form_holds_from_a_circle_to_a_straight_line(rise):
    curve = Archimedean(1.0, 1.0 + 5 * rise, 5.0)
    along, _ = quad(lambda t: math.hypot(1 + rise * t, rise), 0, 5, epsabs=0, epsrel=1e-13)
    assert curve.length == pytest.approx(along, rel=1e-9)
    at = np.linspace(0, curve.length, 7)
    assert curve.length_to(curve.angle_at(at)) == pytest.approx(at, rel=1e-9, abs=1e-12)


@ALL
def test_the_centre_line_runs_at_unit_speed_along_its_heading(name):
    spiral = made(name)
    s = np.linspace(0.01, 0.99, 50) * spiral.length
    step = 1e-5 * spiral.length
    x, y, heading = spiral.centre_line(s)
    before, after = (np.array(spiral.centre_line(s + d)[:2]) for d in (-step, step))
    along = (after - before) / (2 * step)
    assert along[0] == pytest.approx(np.cos(heading), abs=1e-6)
    assert along[1] == pytest.approx(np.sin(heading), abs=1e-6)
    assert np.hypot(x, y) == pytest.approx(spiral.radius_at(s), rel=1e-12)
    turned = spiral.centre_line(s + step)[2] - spiral.centre_line(s - step)[2]
    sense = 1 if spiral.direction == "outward" else -1
    assert turned / (2 * step) * sense == pytest.approx(spiral.curvature_at(s), rel=1e-6)
    ends = spiral.radius_at([0, spiral.length])
    radii = [spiral.outer_radius, spiral.inner_radius]
    assert ends == pytest.approx(radii if spiral.direction == "inward" else radii[::-1], rel=1e-9)


def test_beyond_the_channel_there_is_no_radius():
    with pytest.raises(DesignError, match="s is outside 0 m to the length of 100 mm"):
        Spiral().radius_at(0.11)


@pytest.mark.parametrize("given_", list(itertools.combinations(("outer_radius", "turns", "length"), 2)))
def test_any_two_of_radius_turns_and_length_give_the_third(given_):
    whole = Spiral(inner_radius="4 mm", outer_radius="7 mm", turns=4)
    other = Spiral(inner_radius="4 mm", **{name: getattr(whole, name) for name in given_})
    for name in ("outer_radius", "turns", "length"):
        assert getattr(other, name) == pytest.approx(getattr(whole, name), rel=1e-9)


def test_a_copy_keeps_what_was_written_and_works_out_the_rest():
    longer = Spiral(turns=3, inner_radius="4 mm").replace(length="150 mm")
    assert longer.turns == 3 and longer.length == 0.15
    assert longer.curve().length == pytest.approx(0.15) and longer.inner_radius == 4e-3
    far = Spiral().replace(inner_radius="8.5 mm", outer_radius="11.5 mm")
    assert far.length == 0.1 and far.turns == pytest.approx(0.1 / (2 * math.pi * 0.01), rel=2e-3)
    one = Spiral()
    assert one.plan and one == Spiral()


# -- plan ------------------------------------------------------------------------------------------------------------------
def walls(spiral: Spiral, count: int = 12_000) -> tuple[LineString, LineString]:
    """Inner and outer wall by points at right angles to the centre-line, um, from the inner end on."""
    s = np.linspace(0, spiral.length, count)
    x, y, heading = (v if spiral.direction == "outward" else v[::-1] for v in spiral.centre_line(s))
    turn = 1 if spiral.direction == "outward" else -1
    across = np.stack([np.sin(heading), -np.cos(heading)]) * turn * spiral.width / 2
    return tuple(LineString(((np.stack([x, y]) + side * across) / UM).T) for side in (-1, 1))


@pytest.mark.parametrize("name", ["published", "outward", "slanted", "small"])
def test_windings_are_as_far_apart_as_said(name):
    spiral = made(name)
    inner, outer = (np.array(wall.coords) for wall in walls(spiral))
    angle = np.unwrap(np.arctan2(outer[:, 1], outer[:, 0]))
    clear = min(
        LineString(outer[angle <= a]).distance(LineString(inner[angle >= a + math.pi]))
        for a in np.arange(1.0, angle[-1] - math.pi, 3.0)  # two neighbours have one of these between them
    )
    assert spiral.wall / UM == pytest.approx(clear, rel=1e-4)


def pieces_area(spiral: Spiral) -> float:
    """Of the winding and the lead, which are as wide all along, and of the branches, um2."""
    width, lead = spiral.width / UM, LEAD * LEAD_RADIUS * spiral.inner_radius / UM
    ends = (spiral.plan.inner, spiral.plan.outer)
    return width * (spiral.length / UM + lead) + sum(end.polygon.area for end in ends)


@ALL
def test_the_plan_has_the_area_of_its_pieces_and_crosses_itself_nowhere(name):
    spiral = made(name)
    shape = spiral.channel().frame.polygon()
    assert shape.is_valid and shape.exterior.is_ccw
    assert shape.area == pytest.approx(pieces_area(spiral), rel=1e-6)
    for wall in walls(spiral, 500):
        far = shapely.distance(shape.exterior, shapely.points(wall.coords))
        assert far.max() < 0.01  # splines through their knots, and chords within 1 nm


@ALL
def test_ports_are_named_and_as_wide_as_asked(name):
    spiral = made(name)
    sides = {}
    for s in spiral.channel().frame.segments:
        sides.setdefault(s.name, []).append(math.dist(s.start, s.end))
    inlets = {"inlet"} if len(spiral.inlet_widths) == 1 else {"inlet_sample", "inlet_sheath"}
    assert set(sides) == {"wall", "outlet_inner", "outlet_outer"} | inlets
    for ports, widths in ((spiral.inlets, spiral.inlet_widths), (spiral.outlets, spiral.outlet_widths)):
        for port, width in zip(ports, widths, strict=True):
            assert sides[port] == pytest.approx([width / UM], rel=1e-9)


@pytest.mark.parametrize("direction", ["inward", "outward"])
@pytest.mark.parametrize("side", ["inner", "outer"])
def test_the_sample_enters_on_the_side_asked_for_and_branches_are_as_wide_all_along(direction, side):
    spiral = Spiral(
        direction=direction,
        sample_inlet=side,
        inlet_widths=["200 um", "400 um"],
        outlet_widths=["350 um", "150 um"],
    )
    ports = {s.name: np.add(s.start, s.end) / 2 for s in spiral.channel().frame.segments if s.name != "wall"}
    x, y, heading = (float(v) for v in spiral.centre_line(0.0))
    left = np.array([-math.sin(heading), math.cos(heading)])
    inward = left * (1 if direction == "outward" else -1)
    if direction == "inward":  # at the outer end the branches lie along the tangent
        far = {name: (port - np.array([x, y]) / UM) @ inward for name, port in ports.items()}
        assert (far["inlet_sample"] > far["inlet_sheath"]) == (side == "inner")
    for end in ("inner", "outer"):
        fork = getattr(spiral.plan, end)
        widths = getattr(spiral, spiral.branches_at[end])
        names = spiral.inlets if "inlet" in spiral.branches_at[end] else spiral.outlets
        for name, width in zip(names, widths, strict=True):
            k = fork.names.index(name)
            before, a, b, after = (np.array(fork.corners[i]) for i in (k - 1, k, k + 1, k + 2))
            for p, q in ((before, a), (after, b)):  # both walls stand upright on the port
                assert (p - q) @ (a - b) == pytest.approx(0, abs=1e-3)
            assert np.linalg.norm(a - b) == pytest.approx(width / UM)


# -- meshes and solids -----------------------------------------------------------------------------------------------------
def trapezoid_volume(spiral: Spiral, length: float, turned: float) -> float:
    """Of the section carried along a curve: the mean height, and its first moment times the angle turned through."""
    inner, outer = (h / UM for h in spiral.heights)
    width = spiral.width / UM
    return (inner + outer) / 2 * width * length - (inner - outer) * width**2 / 12 * turned


def channel_volume(spiral: Spiral) -> float:
    inner, outer = (h / UM for h in spiral.heights)
    curve = spiral.plan.curve
    turned = curve.angle + math.atan(curve.outer / curve.rise) - math.atan(curve.inner / curve.rise)
    lead = LEAD_RADIUS * curve.inner * LEAD
    total = trapezoid_volume(spiral, curve.length, turned) + trapezoid_volume(spiral, lead, LEAD)
    for end in (spiral.plan.inner, spiral.plan.outer):
        for piece in end.pieces:
            shape = Polygon([c for c, _ in piece])
            # Plane ceilings: the height above the centroid. One that widens is, by halves, as high as the channel on the mean.
            (middle,) = ceiling(spiral, np.array(shape.centroid.coords))
            widens = [share for _, share in piece] == [0.0, 0.0, 1.0, 1.0]
            total += shape.area * ((inner + outer) / 2 if widens else middle)
    return total


def solid_volume(part) -> float:
    with gmsh_session() as gmsh:
        gmsh.model.add("solid")
        part.made("fluid", None).solid(gmsh)
        gmsh.model.occ.synchronize()
        ((dim, tag),) = gmsh.model.getEntities(3)
        return gmsh.model.occ.getMass(dim, tag)


SOLIDS = {
    "rectangle": SMALL,
    "slanted": {**SMALL, **ROOF},
    "wider": {**SMALL, **ROOF, "outlet_widths": ["150 um", "200 um"], "direction": "outward"},
    "single inlet": {**SMALL, **ROOF, "inlet_widths": ["300 um"]},
}


@pytest.mark.parametrize("name", list(SOLIDS))
def test_meshes_and_solids_of_the_whole_channel_have_its_volume(name):
    spiral = Spiral(**SOLIDS[name])
    part = spiral.part("array")
    shape, volume = part.made("fluid", None), channel_volume(spiral)
    meshes = shape.mesh(shape.curved, 2_000_000)
    watertight(meshes["3d"])
    ports = {*spiral.inlets, *spiral.outlets}
    assert set(meshes["2d"].regions) == ports | {"wall"}
    assert set(meshes["3d"].regions) == ports | {"wall", "floor", "ceiling"}
    assert meshes["2d"].measure() == pytest.approx(pieces_area(spiral), rel=2e-6)
    assert meshes["3d"].measure() == pytest.approx(volume, rel=5e-6)
    assert solid_volume(part) == pytest.approx(volume, rel=5e-6)


@pytest.mark.parametrize("values", [SMALL, {**SMALL, **ROOF}, {**SMALL, "turns": 0.2}])
def test_meshes_and_solids_of_a_quarter_turn_have_its_volume(values):
    spiral = Spiral(**values)
    part, curve = spiral.part("cell"), spiral.plan.curve
    angle = min(math.pi / 2, curve.angle)
    turned = float(curve.heading(angle) - curve.heading(0.0))
    volume = trapezoid_volume(spiral, float(curve.length_to(angle)), turned)
    shape = part.made("fluid", None)
    mesh = shape.mesh(shape.curved, 2_000_000)["3d"]
    watertight(mesh)
    assert set(mesh.regions) == {"inlet", "outlet", "wall", "floor", "ceiling"}
    assert mesh.measure() == pytest.approx(volume, rel=2e-6)
    assert solid_volume(part) == pytest.approx(volume, rel=5e-6)


def test_the_ceiling_slopes_from_the_inner_to_the_outer_wall():
    spiral = Spiral(**{**SMALL, **ROOF})
    shape = spiral.channel().frame.polygon(0.1)
    curve = spiral.plan.curve
    for angle in np.linspace(0, curve.angle, 9):
        across = np.array([curve.points(angle, aside) for aside in (-100, -50, 0, 50, 100)])
        assert ceiling(spiral, across) == pytest.approx([60, 70, 80, 90, 100], abs=1e-6)
    corners = np.array([*spiral.plan.inner.corners, *spiral.plan.outer.corners])
    heights = ceiling(spiral, corners)
    assert heights.min() == pytest.approx(60) and heights.max() == pytest.approx(100)
    # It is continuous: near places have near heights, across the borders of the pieces too.
    rng = np.random.default_rng(0)
    x0, y0, x1, y1 = shape.bounds
    places = rng.uniform((x0, y0), (x1, y1), (4000, 2))
    inside = shapely.contains_xy(shape.buffer(-1), *places.T)
    moved = places + rng.normal(0, 0.05, places.shape)
    assert np.abs(ceiling(spiral, places) - ceiling(spiral, moved))[inside].max() < 0.1
    assert inside.sum() > 500


# -- what can be made ------------------------------------------------------------------------------------------------------
def test_the_published_spirals_can_be_made():
    Spiral().check()
    wide = Limits(slide_width="60 mm")
    made("slanted").check(wide)
    assert [p.parameter for p in made("slanted").problems()] == ["outer_radius"]
    (x, y) = made("slanted").footprint
    assert 0.046 < min(x, y) and max(x, y) < 0.049


@pytest.mark.parametrize(
    ("values", "limits", "parameter"),
    [
        ({"outer_radius": "5.34 mm"}, {}, "turns"),
        (
            {"height": "1.5 mm", "width": "1 mm", "turns": 2, "outer_radius": "6 mm"},
            {"max_aspect_ratio": 2},
            "turns",
        ),
        ({"outlet_widths": ["2 um", "498 um"]}, {}, "outlet_widths"),
        ({}, {"min_feature": "442.4 um"}, "turns"),
        ({}, {"min_feature": "0.6 mm"}, "inlet_widths"),
        ({"outlet_widths": ["750 um", "750 um"]}, {"min_feature": "430 um"}, "outlet_widths"),
        ({"inlet_widths": ["20 um", "480 um"], "height": "300 um"}, {}, "height"),
        ({"width": "20 um", "inlet_widths": ["10 um", "10 um"]}, {"min_gap": "30 um"}, "width"),
        ({"inner_radius": "15 mm", "outer_radius": "20 mm", "turns": 4}, {}, "outer_radius"),
    ],
)
def test_a_broken_rule_names_what_breaks_it(values, limits, parameter):
    found = Spiral(**values).problems(Limits(**limits))
    assert parameter in {p.parameter for p in found}
    for problem in found:
        assert one_clear_sentence(DesignError(str(problem)), f"{problem.parameter} = "), str(problem)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"outer_radius": "4.8 mm"}, "width = 500 um makes the windings overlap: turns = 3.8"),
        ({"outer_radius": "5 mm", "turns": 4, "length": "12 cm"}, "length = 120 mm is not what inner_radius, outer_radius"),
        ({"length": "2.9 mm"}, "outer_radius = 6.5 mm is outside 4.36 mm to 3142 mm"),
        ({"turns": 6, "length": "100 mm"}, "length = 100 mm is too short for turns = 6 around inner_radius = 3.5 mm; it must"),
        ({"outer_radius": "3 mm"}, "outer_radius = 3 mm is below inner_radius = 3.5 mm"),
        ({"inner_radius": "8 mm"}, "inner_radius = 8 mm is above the outer radius assumed of the published spiral, 6.5 mm"),
        ({"inner_radius": "0.9 mm"}, "inner_radius = 0.9 mm is below twice the width of 500 um"),
        ({"height": "100 um", "inner_height": "80 um"}, "height = 100 um and inner_height = 80 um exclude each other"),
        ({"outer_height": "80 um"}, "outer_height = 80 um is one side of a trapezoid; give its inner_height too"),
        ({"outlet_widths": ["100 um", "200 um"]}, "outlet_widths = 100 um and 200 um are 300 um together, below the channel's"),
        ({"outlet_widths": ["1 mm", "2 mm"]}, "outlet_widths = 1000 um and 2000 um are 3000 um together, above 4 times"),
        ({"outlet_widths": ["500 um"]}, "outlet_widths = ['500 um'] has 1 widths; write two, the inner one first"),
        ({"inlet_widths": ["1 um", "2 um", "3 um"]}, "has 3 widths; write two, the inner one first, or one width"),
        ({"inlet_widths": ["500 um"], "sample_inlet": "outer"}, 'sample_inlet = "outer" is for two inlets'),
        ({"outlet_widths": ["1 mm", "900 um"], "inner_radius": "2 mm"}, "outlet_widths = 1000 um and 900 um do not fit at"),
        (MEETING, "inlet_widths = 130 um and 200 um do not fit at the inner end: the branches run into what is beside them"),
        ({"direction": "left"}, 'direction = "left" is unknown; known are inward, outward'),
        ({"sample_inlet": "left"}, 'sample_inlet = "left" is unknown; known are outer, inner'),
        ({"width": "500"}, 'width = "500" has no unit'),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(values, sentence):
    with pytest.raises(DesignError) as caught:
        Spiral(**values)
    assert sentence in str(caught.value)
    assert one_clear_sentence(caught.value, *values)


def test_a_spiral_has_no_blocks():
    with pytest.raises(DesignError, match='block 8x8 is not for a spiral: its "array" is the whole channel'):
        Spiral().block_size("8x8")


# -- drawing ---------------------------------------------------------------------------------------------------------------
@ALL
def test_the_drawing_has_its_dimensions_in_words_that_do_not_overlap(name):
    spiral = made(name)
    figure = draw(spiral)
    labels_apart(figure)
    said = "\n".join(t.get_text() for t in (*(t for axes in figure.axes for t in axes.texts), *figure.texts))
    words = [
        f"inner radius {spiral.inner_radius * 1e3:g} mm",
        f"outer radius {spiral.outer_radius * 1e3:g} mm",
    ]
    words += [
        f"width {spiral.width / UM:g} µm",
        "inner wall",
        "outer wall",
        f"{spiral.turns:.4g}, the flow runs",
    ]
    words += ["inner height\n80 µm", "outer height\n130 µm"] if spiral.height is None else ["height\n160 µm"]
    for word in words:
        assert word in said


# -- random spirals --------------------------------------------------------------------------------------------------------
@st.composite
def random_values(draw) -> dict:
    """Parameters in SI; many of them are no spiral and have to be refused."""

    def uniform(low: float, high: float) -> float:
        return draw(st.floats(low, high))

    width = math.exp(uniform(math.log(50e-6), math.log(1e-3)))
    values = {"width": width, "inner_radius": width * math.exp(uniform(math.log(1.8), math.log(40)))}
    values["direction"] = draw(st.sampled_from(["inward", "outward"]))
    turns, pitch = math.exp(uniform(math.log(0.12), math.log(9))), width * uniform(0.8, 4)
    values["outer_radius"] = values["inner_radius"] + turns * pitch
    values["turns"] = turns
    if draw(st.booleans()):
        values |= {"inner_height": uniform(0.1, 1) * width, "outer_height": uniform(0.1, 1) * width}
    for name in ("inlet_widths", "outlet_widths"):
        if draw(st.booleans()):
            values[name] = (uniform(0.2, 1) * width, uniform(0.2, 1.5) * width)
    return values


@settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(random_values())
def test_a_random_spiral_is_refused_clearly_or_crosses_itself_nowhere(values):
    try:
        spiral = Spiral(**values)
    except DesignError as error:
        event("refused")
        assert one_clear_sentence(error, "width", "inner_radius", "inlet_widths", "outlet_widths"), str(error)
        return
    event("made")
    shape = spiral.channel().frame.polygon(0.01)
    assert shape.is_valid
    # Where it lay over itself the union of its pieces would be smaller than their sum.
    assert shape.area == pytest.approx(pieces_area(spiral), rel=1e-4)
    assert spiral.wall > 0 and min(spiral.plan.clearances()) > 0
    for problem in spiral.problems():
        assert one_clear_sentence(DesignError(str(problem)), f"{problem.parameter} = "), str(problem)
