"""Flow in the section of a bent duct: what is refused, what must agree with what."""

import math
from dataclasses import replace

import numpy as np
import pytest

from chipsim.flow.dean import Section, section_mesh, solve_section
from chipsim.flow.section_result import MOST_DEAN, SectionFlow, highest
from chipsim.flow.solvers import SolverError
from chipsim.study import store
from chipsim.verification.domains import plane_mesh
from geometries import DesignError
from geometries.mesh import mesh_outline
from geometries.outline import Outline, rectangle
from geometries.section import circle_section, rectangle_section, trapezoid_section

HOU = 500.0, 160.0
X, EPS = 80.0, 0.008


def section(outline, half_height=X, refine=0.7):
    return Section(section_mesh(outline, half_height, refine), half_height, refine)


@pytest.fixture(scope="module")
def half():
    return section(rectangle_section(*HOU))


@pytest.fixture(scope="module")
def whole():
    return section(rectangle_section(*HOU, half=False))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"dean_k": -1.0}, r"dean_k = -1 must be at least 0"),
        ({"dean_k": math.inf}, r"dean_k = inf must be at least 0 and finite"),
        ({"dean": -1.0}, r"dean = -1 must be at least 0"),
        ({"dean": 80.0}, r"dean = 80 must be at most 75 .* second pair of vortices or an unsteady flow"),
        ({"dean_k": 1e5}, r"dean_k = 1e\+05 \(dean = .* on the way\) must be at most 75"),
        ({}, "one of dean_k and dean must be given, not both"),
        ({"dean_k": 1.0, "dean": 1.0}, "one of dean_k and dean must be given, not both"),
    ],
)
def test_mistakes_are_one_sentence(half, given, sentence):
    with pytest.raises(DesignError, match=sentence) as caught:
        half.solve(EPS, **given)
    assert "\n" not in str(caught.value)


def test_the_largest_dean_number_is_answered():
    flow = section(rectangle_section(2.0, 2.0), 1.0).solve(0.0, dean=MOST_DEAN)
    assert flow.dean == pytest.approx(MOST_DEAN, rel=1e-12)
    assert flow.friction_ratio > 1.3


def test_a_bend_has_an_inner_wall(half):
    with pytest.raises(DesignError, match=r"curvature eps = -0.1 must be at least 0"):
        half.solve(-0.1, dean_k=1.0)
    # The half-width is 3.125 half-heights.
    with pytest.raises(DesignError, match=r"curvature eps = 0.31 must be at most 0.304"):
        half.solve(0.31, dean_k=1.0)


def test_newton_that_does_not_converge_is_one_sentence(half, monkeypatch):
    monkeypatch.setattr("chipsim.flow.bend._MOST_STEPS", 1)
    with pytest.raises(
        SolverError, match=r"did not converge in 1 Newton steps at K = 20 and curvature 0.008: "
    ):
        half.solve(EPS, dean_k=20.0)


def test_a_mesh_without_walls_is_refused():
    sides = ("inlet", "outlet", "inlet", "outlet")
    mesh = plane_mesh(Outline(rectangle(-1, 0, 1, 1, sides), (), 1.0, (), 0.0, 1.0), 0.5)
    with pytest.raises(SolverError, match="a section has a region wall; this mesh has inlet, outlet"):
        Section(mesh, 1.0)


def test_sections_are_drawn_as_asked():
    assert rectangle_section(*HOU).area() == pytest.approx(500 * 80)
    assert rectangle_section(*HOU, half=False).area() == pytest.approx(500 * 160)
    assert circle_section(50.0).area() == pytest.approx(math.pi * 50**2 / 2)
    assert circle_section(50.0, half=False).area() == pytest.approx(math.pi * 50**2)
    for level, half, area in ((False, True, 31500), (False, False, 63000), (True, True, 63000)):
        drawn = trapezoid_section(600.0, 80.0, 130.0, level=level, half=half)
        assert drawn.area() == pytest.approx(area)
        x, y = drawn.frame.polygon().exterior.xy
        assert max(np.array(y)[np.array(x) < 0]) - min(np.array(y)[np.array(x) < 0]) == pytest.approx(
            40.0 if half and not level else 80.0
        )
        mesh = mesh_outline(drawn)
        assert ("symmetry" in mesh.regions) == (half and not level)
    with pytest.raises(DesignError, match="inner_height = 0 um must be above 0 um"):
        trapezoid_section(600.0, 0.0, 130.0)


def test_the_half_is_half_of_the_whole(half, whole):
    a, b = half.solve(EPS, dean_k=100.0), whole.solve(EPS, dean_k=100.0)
    for name in ("friction_ratio", "gradient", "peak_speed", "dean", "wall_shear_mean", "hydraulic_diameter"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=2e-5), name
    assert a.axial_maximum == pytest.approx(b.axial_maximum, abs=2e-3)
    for name in ("secondary_mean", "secondary_max", "secondary_mid_plane"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-3), name
    points = np.array([[1.0, 0.5], [1.0, -0.5], [-2.0, -0.3], [0.0, 0.99]])
    (u, slope), (v, other) = a.at(points), b.at(points)
    np.testing.assert_allclose(u, v, atol=2e-4)
    np.testing.assert_allclose(slope, other, atol=0.03)
    # Images of each other: across the mirror plane the velocity along y turns round, and so does the slope.
    np.testing.assert_allclose(u[0] * [1, -1, 1], u[1])
    np.testing.assert_allclose(slope[0] * [1, -1], slope[1])
    assert np.isnan(a.at(np.array([[4.0, 0.0]]))[0]).all()


def test_a_flow_rate_is_the_gradient_that_drives_it(half):
    for k in (5.0, 400.0):
        by_gradient = half.solve(EPS, dean_k=k)
        by_flow = half.solve(EPS, dean=by_gradient.dean)
        assert by_flow.dean_k == pytest.approx(k, rel=1e-10)
        assert by_flow.dean == pytest.approx(by_gradient.dean, rel=1e-12)
        assert by_flow.friction_ratio == pytest.approx(by_gradient.friction_ratio, rel=1e-12)
        np.testing.assert_allclose(by_flow.field.velocity, by_gradient.field.velocity, atol=1e-9)


def test_weak_flow_is_linear_in_k(half):
    creeping, one, two = (half.solve(EPS, dean_k=k) for k in (0.0, 0.5, 1.0))
    # Beside what it is a fraction of, all that inertia changes is proportional to K.
    assert one.axial_maximum - creeping.axial_maximum == pytest.approx(
        (two.axial_maximum - creeping.axial_maximum) / 2, rel=0.02
    )
    change, twice = (f.field.velocity - creeping.field.velocity for f in (one, two))
    assert np.abs(twice - 2 * change).max() < 0.02 * np.abs(twice).max()
    assert np.abs(twice[:, 2]).max() > 1e-5
    # The secondary flow is not over K: it is there, in its unit, without inertia in the section.
    assert creeping.secondary_mean == pytest.approx(two.secondary_mean, rel=1e-3)
    assert creeping.dean == creeping.reynolds == 0.0


def test_a_straight_duct_has_no_secondary_force(half):
    straight = half.solve(0.0, dean_k=0.0)
    assert straight.friction_ratio == pytest.approx(1.0, abs=1e-12)
    assert straight.axial_maximum == pytest.approx(0.0, abs=1e-4)
    assert straight.reynolds is None
    assert straight.wall_shear_mean == pytest.approx(straight.gradient * straight.hydraulic_diameter / 4)


def test_the_power_balance_closes(half):
    # In the limit of a wide bend nothing of it is left to the mesh, but for the equations' residual.
    coarse = section(rectangle_section(2.0, 2.0), 1.0, 0.25).solve(0.0, dean_k=3000.0)
    assert abs(coarse.power_balance) < 1e-11
    # In a tighter one the rate of strain has what is left of the divergence, in the square.
    fine = section(rectangle_section(*HOU), refine=1.4)
    left, less = (abs(s.solve(EPS, dean_k=100.0).power_balance) for s in (half, fine))
    assert left < 1e-7
    assert less < left / 8


def test_in_units(half):
    flow = half.solve(EPS, dean=4.73)
    speed, viscosity = 0.177, 1.002e-6
    scale = flow.secondary_scale(speed, 10e-3, viscosity)
    assert scale == pytest.approx(EPS * (speed * 80e-6 / viscosity) * speed)
    # The Hou spiral at 850 uL/min in water.
    assert flow.secondary_mean * scale == pytest.approx(0.64e-3, rel=0.01)
    assert flow.secondary_mid_plane * scale == pytest.approx(1.62e-3, rel=0.01)
    # What the pressure does in a straight duct is what the walls hold: G A = tau P.
    straight = half.solve(0.0, dean_k=0.0)
    mean, largest = straight.wall_shear_stress(speed, 1e-3)
    diameter = 2 * 500e-6 * 160e-6 / 660e-6
    assert straight.pressure_gradient(speed, 1e-3) == pytest.approx(4 * mean / diameter)
    # Between plates it would be 6 mu U / H.
    assert 1.0 < largest / (6 * 1e-3 * speed / 160e-6) < 1.3
    assert flow.reynolds == pytest.approx(speed * 242.4e-6 / viscosity, rel=5e-3)


def test_the_error_estimate_is_of_the_error():
    outline = rectangle_section(2.0, 2.0)
    flow = solve_section(outline, 1.0, 0.0, dean_k=400.0, refine=0.7)
    fine = section(outline, 1.0, 3.0).solve(0.0, dean_k=400.0)
    true = abs(flow.gradient / fine.gradient - 1)
    assert flow.discretisation_error is not None
    assert true / 3 < flow.discretisation_error.pressure_drop < 5 * true


def test_it_can_be_kept(half, tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path))
    flow = solve_section(rectangle_section(*HOU), X, EPS, dean_k=5.0, refine=0.5)
    store.save("one", flow, {"dolfinx": "0"})
    found = store.load("one", SectionFlow)
    assert found is not None
    again, _ = found
    assert replace(again, field=None) == replace(flow, field=None)
    points = np.array([[0.5, 0.2], [-1.0, -0.4]])
    np.testing.assert_array_equal(again.at(points)[0], flow.at(points)[0])


def test_the_highest_point_is_of_the_elements(half):
    field = half.solve(0.0, dean_k=0.0).field
    x, y = field.mesh.points[:, 0] / X, field.mesh.points[:, 1] / X
    inside = replace(field, velocity=np.column_stack([1 - (x - 0.123) ** 2 - 2 * (y - 0.456) ** 2, x, -y]))
    value, place = highest(inside, 0)
    assert value == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(place / X, [0.123, 0.456], atol=1e-9)
    assert highest(inside, 1)[0] == pytest.approx(3.125)
    assert highest(inside, 2)[0] == pytest.approx(0.0, abs=1e-12)
