"""The undisturbed flow of lift tables: beside the series of a rectangle, and what a trapezoid's symmetry asks for."""

import numpy as np
import pytest

from chipsim.flow import duct_profile
from chipsim.flow.lift import solve_position, tabulated
from chipsim.flow.lift_shape import Shape
from chipsim.flow.weak_flow import weak_flow

RECTANGLE, SLANTED = Shape(2.0), Shape(2.0, 0.2)


@pytest.fixture(scope="module")
def places():
    part = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    x = 2 * part[:, 0]
    return x, part[:, 1]


def test_a_rectangle_has_the_flow_of_its_series(places):
    x, z = places
    np.testing.assert_allclose(weak_flow(RECTANGLE).speed(x, z), duct_profile.speed(2.0, x, z), atol=5e-5)
    bent, series = weak_flow(RECTANGLE, 0.025).speed(x, z), duct_profile.bent_speed(2.0, 40.0, x, z)
    # At the same flow rate instead of at the same largest speed: another unit, by the square of the curvature.
    unit = np.median(bent / series)
    assert 0 < abs(unit - 1) < 2 * (0.025 * 2) ** 2
    np.testing.assert_allclose(bent, unit * series, atol=5e-5)
    assert weak_flow(RECTANGLE).straight_peak == pytest.approx(1 / duct_profile.mean(2.0), rel=1e-5)


@pytest.mark.parametrize("shape", [RECTANGLE, SLANTED])
def test_within_the_section_it_turns_up_and_down_alike_and_rests_on_walls(shape, places):
    x, part = places
    z, flow = part * shape.half_height(x), weak_flow(shape, 0.025)
    above, below = flow.secondary(x, z), flow.secondary(x, -z)
    np.testing.assert_allclose(above, below * (1, -1), atol=1e-12)
    assert np.abs(above).max() > 0.05
    on_walls = flow.secondary(np.r_[x, 2 + 0 * x, -2 + 0 * x], np.r_[shape.half_height(x), part, part])
    assert np.abs(on_walls).max() < 1e-4
    # Outward where the flow is fast.
    assert flow.secondary(np.zeros(1), np.zeros(1))[0, 0] > 0.05


def test_a_level_floor_hardly_changes_the_flow(places):
    """To the second order in its slope: sheared, its speed is that of the trapezoid with both walls slanted."""
    x, part = places
    z = part * SLANTED.half_height(x)
    alike, level = weak_flow(SLANTED), weak_flow(SLANTED, level=True)
    here = level.speed(x, z + SLANTED.slope * x)
    assert np.abs(here - alike.speed(x, z)).max() < 5 * SLANTED.slope**2
    assert np.abs(here - alike.speed(x, z + SLANTED.slope * x)).max() > 0.1


def test_a_sphere_on_mid_height_of_a_trapezoid_stays_there():
    section, secondary = tabulated(SLANTED, 0.025)
    found = solve_position(section, 0.2, (0.5, 0.0), secondary=secondary, cell=0.5)
    flow = weak_flow(SLANTED, 0.025)
    here = secondary(np.array([0.5]), np.zeros(1))[0]
    assert found.curvature == pytest.approx(0.025) and found.entrained is not None
    assert np.array(found.entrained) - here == pytest.approx(np.array(found.slip))
    # Of the drift's root mean square, some 4, and of the secondary flow's velocity.
    assert abs(found.drift[1]) < 0.02 and abs(found.entrained[1]) < 1e-3 * here[0]
    # It lags behind either flow by what Faxen's law says of a curved profile, about.
    assert -0.1 < found.slip[0] / here[0] < 0
    assert found.speed < flow.speed(np.array([0.5]), np.zeros(1))[0] < 1.05 * found.speed
