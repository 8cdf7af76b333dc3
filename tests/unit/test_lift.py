"""Lift on spheres in ducts: the undisturbed flow, meshes, symmetry of a coarse solve, tables and how they are made."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from chipsim.flow import duct_profile
from chipsim.flow.field import _in_a_tetrahedron, nodal
from chipsim.flow.lift import Section, _around_the_bend, _Carried, rectangular, solve_position
from chipsim.verification.domains import circle
from geometries import DesignError
from geometries.cut_out import Sphere
from geometries.duct import DuctSizes, half_duct
from geometries.outline import Line, Loop, Outline

COARSE = DuctSizes(0.5, 0.5, 0.5)


def polygon(*corners):
    sides = zip(corners, [*corners[1:], corners[0]], strict=True)
    return Outline(Loop(tuple(Line(a, b, "wall") for a, b in sides)), (), 1.0, (), 0.0, 1.0)


SLANTED = polygon((-3.0, -1.0), (3.0, -1.0), (3.0, 1.0), (-3.0, 0.2))


# -- the undisturbed flow --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("aspect", "ratio"), [(1, 2.09626), (2, 1.99180), (3.125, 1.85027), (4, 1.77368), (0.5, 1.99180)]
)
def test_largest_over_mean_speed(aspect, ratio):
    assert 1 / duct_profile.mean(aspect) == pytest.approx(ratio, abs=1e-5)


def test_the_profile_turns_with_the_duct_and_ends_at_the_walls():
    x, z = np.random.default_rng(0).uniform(-1, 1, (2, 50))
    turned = duct_profile.speed(0.5, z / 2, x)
    np.testing.assert_allclose(duct_profile.speed(2.0, 2 * x, z), turned, atol=1e-7)
    on_walls = duct_profile.speed(2.0, np.r_[2 * x, 0 * z + 2, 0 * z - 2], np.r_[0 * x - 1, z, z])
    assert np.abs(on_walls).max() < 1e-5
    assert duct_profile.speed(2.0, [0.0], [0.0])[0] == 1


def test_the_profile_solves_its_equation():
    h, x, z = 1e-3, 0.7, -0.3
    at = duct_profile.speed(2.0, [x, x + h, x - h, x, x], [z, z, z, z + h, z - h])
    assert (at[1:].sum() - 4 * at[0]) / h**2 == pytest.approx(-1 / duct_profile.largest(2.0), rel=1e-4)


def test_the_profile_in_a_bend():
    """Its equation, its walls, the straight duct as its limit; the place of the maximum is that of finite differences."""
    h, bend, driven = 1e-3, 5.0, []
    for x, z in ((0.7, -0.3), (-1.2, 0.5), (1.9, 0.1)):
        at = duct_profile.bent_speed(2.0, bend, [x, x + h, x - h, x, x], [z, z, z, z + h, z - h])
        r = bend + x
        left = (at[1:].sum() - 4 * at[0]) / h**2 + (at[1] - at[2]) / (2 * h * r) - at[0] / r**2
        driven.append(left * r)  # the pressure falls evenly with the angle
    assert driven == pytest.approx([driven[0]] * 3, rel=1e-4) and driven[0] < 0
    walls = duct_profile.bent_speed(2.0, bend, [-2.0, 2.0, 0.3], [0.2, 0.2, 1.0])
    assert np.abs(walls).max() < 1e-6
    x = np.linspace(-2, 2, 41)
    np.testing.assert_allclose(
        duct_profile.bent_speed(2.0, 1e5, x, 0.1 + 0 * x), duct_profile.speed(2.0, x, 0.1 + 0 * x), atol=2e-5
    )
    x = np.linspace(-0.3, 0, 601)
    assert x[duct_profile.bent_speed(3.125, 125.0, x, 0 * x).argmax()] == pytest.approx(-0.1999, abs=2e-3)


# -- meshes ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("centre", [(0.5, -0.4), (-2.2, -0.4), (2.7, 0.7)])
def test_half_a_slanted_duct(centre):
    sphere = Sphere((centre[0], 0.0, centre[1]), 0.25)
    mesh = half_duct(SLANTED, sphere, 6.0, COARSE)
    assert set(mesh.regions) == {"middle", "end", "wall", "body_0"}
    assert mesh.points[:, 1].min() == pytest.approx(0, abs=1e-9)
    volume = 6 * (1.2 + 2.0) / 2 * 6.0 - 2 / 3 * math.pi * 0.25**3
    assert mesh.measure() == pytest.approx(volume, rel=1e-4)


def test_half_a_bent_duct():
    sphere = Sphere((0.5, 0.0, -0.4), 0.25)
    mesh = half_duct(SLANTED, sphere, 6.0, COARSE, bend=8.0)
    assert set(mesh.regions) == {"middle", "wall", "body_0"}
    # The centroid of the triangle's part that is cut off above the left end lies at x = -1.
    area, lost = 12.0, 2.4
    moved = 6.0 * (area - lost * (1 - 1 / 8.0))
    assert mesh.measure() == pytest.approx(moved - 2 / 3 * math.pi * 0.25**3, rel=2e-4)
    radius = np.hypot(mesh.points[:, 0] + 8.0, mesh.points[:, 1])
    assert radius.min() == pytest.approx(5.0, abs=5e-3) and radius.max() == pytest.approx(11.0, abs=5e-3)
    with pytest.raises(DesignError, match="a bend of 3 um is too tight: the inner wall lies 3 um"):
        half_duct(SLANTED, sphere, 4.0, COARSE, bend=3.0)


def test_a_narrow_gap_is_meshed_finer():
    far, near = (
        half_duct(rectangular(2.0).outline, Sphere((0.0, 0.0, z), 0.3), 4.0, COARSE) for z in (0.0, 0.65)
    )
    at_wall = [np.linalg.norm(m.points - (0.0, 0.0, 1.0), axis=1) for m in (far, near)]
    assert np.sum(at_wall[1] < 0.1) > 10 * max(np.sum(at_wall[0] < 0.1), 1)


@pytest.mark.parametrize(
    ("centre", "said"),
    [
        ((1.9, 0.0), "a sphere of 0.4 um at (1.9, 0) um does not fit into the section: it leaves -0.1 um"),
        ((0.0, 1.5), "its centre lies outside"),
    ],
)
def test_a_sphere_that_does_not_fit_is_refused_in_one_sentence(centre, said):
    with pytest.raises(DesignError) as error:
        half_duct(rectangular(2.0).outline, Sphere((centre[0], 0.0, centre[1]), 0.2), 4.0, COARSE)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_place_without_room_is_refused_in_half_heights():
    for at, gap in (((1.9, 0.0), "-0.1"), ((0.0, 1.5), "-0.7")):
        with pytest.raises(DesignError, match="does not fit into the section") as error:
            solve_position(rectangular(2.0), 0.2, at)
        assert f"half-heights does not fit into the section: its gap to the wall would be {gap}," in str(
            error.value
        )


def test_integrals_of_nodal_fields():
    mesh = half_duct(SLANTED, Sphere((0.5, 0.0, -0.4), 0.25), 6.0, COARSE)
    x, y, z = mesh.points.T
    linear, square = np.column_stack([2 * x - y + 3 * z, x]), (y**2)[:, None]
    total = np.zeros(4)
    for weights, (values, _), (slopes, steep) in nodal(mesh, linear, square):
        np.testing.assert_allclose(slopes[:, 0], np.tile([2.0, -1.0, 3.0], (len(weights), 1)), atol=1e-9)
        total += [weights.sum(), weights @ values[:, 1], weights @ slopes[:, 1, 0], weights @ steep[:, 0, 1]]
    ball = 2 / 3 * math.pi * 0.25**3
    # Of y^2 the slope 2 y, whose integral leaves out the half ball's, centred at 3/8 of its radius.
    assert total[0] == pytest.approx(mesh.measure(), rel=1e-9) == total[2]
    assert total[3] == pytest.approx(SLANTED.area() * 36 - ball * 2 * 3 / 8 * 0.25, rel=1e-3)


def test_the_rule_of_those_integrals_is_exact_to_degree_five():
    points, weights = _in_a_tetrahedron()
    for i, j, k in itertools.product(range(6), repeat=3):
        if i + j + k <= 5:
            exact = math.prod(math.factorial(n) for n in (i, j, k)) / math.factorial(i + j + k + 3)
            assert weights @ np.prod(points ** (i, j, k), axis=1) == pytest.approx(exact, rel=1e-13)


# -- a coarse solve --------------------------------------------------------------------------------------------------------
def test_on_the_diagonal_of_a_square_duct_both_directions_are_alike():
    found = solve_position(rectangular(1.0), 0.2, (0.4, 0.4), cell=0.4)
    # Over the root mean square of the section, 5.1: toward the middle of the sides it would be some 3.
    assert found.lift[0] == pytest.approx(found.lift[1], abs=0.05) and abs(found.lift[0]) > 0.5
    assert found.drag[0] == pytest.approx(found.drag[1], rel=3e-3)
    assert found.spin[0] == pytest.approx(-found.spin[1], rel=3e-3) and abs(found.spin[0]) > 0.1
    assert found.iterations > 10 and set(found.seconds) == {"mesh", "along", "across", "integral"}


def test_in_a_pipe_the_lift_is_radial_and_the_same_all_around():
    """A section with curved walls and its own profile."""
    pipe = Section(
        Outline(circle(0.0, 0.0, 1.0, "wall"), (), 1.0, (), 0.0, 1.0), lambda x, z: 1 - x**2 - z**2
    )
    lifts = []
    for angle in (0.0, 0.7):
        out = np.array([math.cos(angle), math.sin(angle)])
        found = solve_position(pipe, 0.2, tuple(0.3 * out), cell=0.4)
        lifts.append(out @ found.lift)
        assert found.lift == pytest.approx(tuple(lifts[-1] * out), abs=0.05 * lifts[-1])
    assert lifts[0] == pytest.approx(lifts[1], rel=0.03) and lifts[0] > 1


def test_a_sphere_rolls_with_the_shear():
    """Small and off the middle: half the vorticity of the undisturbed flow, and its speed."""
    found = solve_position(rectangular(2.0), 0.05, (0.0, 0.5), cell=0.5)
    h = 1e-4
    low, middle, high = duct_profile.speed(2.0, [0.0] * 3, [0.5 - h, 0.5, 0.5 + h])
    # Along y the speed falls with z: the vorticity is about x, -du/dz.
    assert found.spin[0] == pytest.approx(-(high - low) / (2 * h) / 2, rel=0.02)
    assert abs(found.spin[1]) < 1e-3
    assert found.speed == pytest.approx(middle, rel=2e-3)


def test_a_wide_bend_is_a_straight_duct():
    straight, bent = (
        solve_position(rectangular(2.0, bend), 0.2, (0.8, 0.3), cell=0.35) for bend in (math.inf, 1e4)
    )
    # 1 % of the section's root mean square, 4.2, for the difference of the meshes.
    assert bent.lift == pytest.approx(straight.lift, abs=0.04)
    assert bent.drag == pytest.approx(straight.drag, rel=2e-3)
    assert bent.speed == pytest.approx(straight.speed, rel=2e-3)


def test_fluid_that_turns_like_a_solid_does_not_lift():
    """Of the undisturbed flow's push on the sphere's volume and the sphere's own way around nothing is left."""
    bend, turn = 7.0, 0.11
    section = Section(rectangular(2.0).outline, lambda x, z: turn * (bend + x), bend)
    nothing = np.empty((0, 3))
    carried = _Carried(nothing, nothing, nothing, turn * (bend + 0.6), (0.0, turn), turn, 0, 0)
    pushed = _around_the_bend(section, Sphere((0.6, 0.0, 0.2), 0.3), carried)
    assert np.abs(pushed).max() < 1e-12
    # Twice as slow a sphere is pushed inward by what is missing.
    slow = _around_the_bend(section, Sphere((0.6, 0.0, 0.2), 0.3), replace(carried, turn=turn / 2))
    assert slow[0] == pytest.approx(-0.75 * turn**2 * (bend + 0.6) * 4 / 3 * math.pi * 0.3**3)


def test_a_rigidly_moving_flow_takes_the_sphere_along():
    """Force and torque of another flow, by reciprocity, and the sphere's resistance come from the same reactions."""
    at = (1.2, 0.55)

    def entrained(flow):
        return solve_position(rectangular(2.0), 0.3, at, cell=0.6, rtol=1e-10, secondary=flow).entrained

    uniform = entrained(lambda x, z: np.column_stack([np.full_like(x, 2.0), np.full_like(x, -1.0)]))
    assert uniform == pytest.approx((2.0, -1.0), abs=1e-6)
    # A turning one spins it where it is: without the torque it would move, as near a wall its turning drags it along.
    turning = entrained(lambda x, z: np.column_stack([at[1] - z, x - at[0]]))
    assert turning == pytest.approx((0.0, 0.0), abs=1e-5)


def test_another_flow_takes_a_small_sphere_along_as_faxen_has_it():
    flow = solve_position(
        rectangular(2.0), 0.1, (0.0, 0.0), cell=0.5,
        secondary=lambda x, z: np.column_stack([(1 - 3 * z**2), 0 * x]),
    ).entrained  # fmt: skip
    assert flow == pytest.approx((1 - 0.1**2, 0.0), abs=3e-4)
