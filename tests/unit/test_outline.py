"""Lines, arcs and splines, and the polygons derived from them."""

import math

import numpy as np
import pytest
from shapely import Point, box

from geometries.outline import Arc, Line, Loop, Outline, Spline, rectangle, smallest_gap

SIDES = ("bottom", "right", "top", "left")


def circle(x: float, y: float, radius: float) -> Loop:
    """Two half turns."""
    return Loop(
        (
            Arc((x + radius, y), (x - radius, y), (x, y), "pillars"),
            Arc((x - radius, y), (x + radius, y), (x, y), "pillars"),
        )
    )


def outline(*solids: Loop, frame: Loop | None = None) -> Outline:
    return Outline(frame or rectangle(0, 0, 10, 6, SIDES), solids, 1.0, (), 0.0, 1.0)


@pytest.mark.parametrize("tolerance", [1.0, 1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("ccw", [True, False])
def test_the_chords_of_an_arc_stay_within_the_tolerance_and_are_not_many_more_than_needed(tolerance, ccw):
    arc = Arc((5.0, 0.0), (0.0, 5.0), (0.0, 0.0), "a", ccw=ccw)
    points = np.array([*arc.points(tolerance), arc.end])
    assert np.hypot(*points.T) == pytest.approx(5.0, rel=1e-12)
    sagitta = 5.0 - np.hypot(*((points[1:] + points[:-1]) / 2).T)
    assert sagitta.max() <= tolerance * (1 + 1e-9)
    turn = math.pi / 2 if ccw else 3 * math.pi / 2
    assert len(points) - 2 <= turn / (2 * math.acos(1 - tolerance / 5.0))


def test_sweep_is_signed():
    assert Arc((1, 0), (0, 1), (0, 0), "a").sweep == pytest.approx(math.pi / 2)
    assert Arc((1, 0), (0, 1), (0, 0), "a", ccw=False).sweep == pytest.approx(-3 * math.pi / 2)


def test_the_area_of_lines_and_arcs_is_exact_and_polygons_converge_to_it_from_inside():
    disc = circle(3.0, -2.0, 2.5)
    assert disc.area == pytest.approx(math.pi * 2.5**2, rel=1e-14)
    errors = [disc.area - disc.polygon(tolerance).area for tolerance in (1e-1, 1e-3, 1e-5)]
    assert all(
        0 < error <= 2 * math.pi * 2.5 * t for error, t in zip(errors, (1e-1, 1e-3, 1e-5), strict=True)
    )


def test_a_clockwise_arc_takes_area_away():
    notch = Loop(
        (
            Line((0, 0), (4, 0), "n"),
            Line((4, 0), (4, 2), "n"),
            Arc((4, 2), (0, 2), (2, 2), "n", ccw=False),
            Line((0, 2), (0, 0), "n"),
        )
    )
    # From the right to the left end the arc runs clockwise, that is below its centre: it cuts into the rectangle.
    assert notch.area == pytest.approx(8 - math.pi * 2**2 / 2, rel=1e-12)
    assert notch.polygon(1e-6).area == pytest.approx(notch.area, rel=1e-5)


def test_a_spline_meets_its_knots_and_the_tolerance():
    t = np.linspace(0, 2 * np.pi, 25)
    knots = tuple(zip(20 * np.cos(t), 20 * np.sin(t), strict=True))
    spline = Spline(knots, "spiral")
    points = np.array([*spline.points(1e-4), spline.end])
    assert np.hypot(*points.T) == pytest.approx(20.0, abs=5e-3)
    for knot in knots:
        assert np.hypot(*(points - knot).T).min() < 1e-9
    middles = (points[1:] + points[:-1]) / 2
    assert len(points) > 100
    fine = np.array([*spline.points(1e-7), spline.end])
    assert max(np.hypot(*(fine - m).T).min() for m in middles) < 2e-2
    assert spline.start == knots[0]


def test_the_area_of_a_loop_with_a_spline():
    t = np.linspace(0, np.pi, 40)
    upper = Spline(tuple(zip(3 * np.cos(t), 3 * np.sin(t), strict=True)), "w")
    half_disc = Loop((upper, Line(upper.end, upper.start, "w")))
    assert half_disc.area == pytest.approx(math.pi * 9 / 2, rel=1e-4)


def test_moved_shifts_every_kind_of_segment():
    t = np.linspace(0, np.pi, 9)
    loop = Loop(
        (
            Arc((3, 0), (0, 3), (0, 0), "a"),
            Line((0, 3), (-3, 0), "b"),
            Spline(tuple((-3 + 6 * s / math.pi, -math.sin(s)) for s in t), "c"),
        )
    )
    moved = loop.moved(100.0, -50.0)
    assert moved.area == pytest.approx(loop.area, rel=1e-9)
    assert [s.name for s in moved.segments] == ["a", "b", "c"]
    centre, before = moved.polygon().centroid, loop.polygon().centroid
    assert (centre.x - before.x, centre.y - before.y) == pytest.approx((100, -50))


def test_fluid_is_the_frame_without_the_solids():
    inside, across, twin = circle(2, 3, 1), circle(10, 3, 1), rectangle(4, 2, 6, 4, SIDES)
    drawing = outline(inside, across, twin, rectangle(5, 3, 7, 5, SIDES))
    exact = 60 - math.pi - math.pi / 2 - (4 + 4 - 1)
    assert drawing.area() == pytest.approx(exact, rel=1e-7)
    assert drawing.fluid(1e-6).area == pytest.approx(exact, rel=1e-6)
    assert drawing.fluid(0.1).area > drawing.fluid(1e-3).area > exact


def test_a_solid_alone_counts_by_its_exact_area():
    assert outline(circle(5, 3, 2)).area() == pytest.approx(60 - 4 * math.pi, rel=1e-13)


def test_smallest_gap_of_three_shapes_and_of_touching_ones():
    shapes = [box(0, 0, 1, 1), box(3, 0, 4, 1), box(0, 1.25, 1, 2)]
    assert smallest_gap(shapes) == pytest.approx(0.25)
    assert smallest_gap([*shapes, box(0.5, 0.5, 2, 2)]) == 0.0
    assert smallest_gap([*shapes, box(4, 0, 5, 1)]) == 0.0
    assert smallest_gap([box(0, 0, 1, 1), box(0, 0, 1, 1)]) == 0.0
    assert smallest_gap([Point(0, 0).buffer(1)]) == math.inf
