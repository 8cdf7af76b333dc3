"""Migration in a bent duct, with made-up sections and lift whose rates are known."""

import numpy as np
import pytest

from chipsim.capture.migration import Bend, rates_in
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import Layer, SizeTable

SHAPE, TAPERED, ALPHA, CURVATURE = Shape(2.0), Shape(2.0, 0.2), 0.1, 0.01
UNIT = CURVATURE * (30 / 2) / 2  # eps Re_U U / U_m
PLACES = np.array([[0.0, 0.0], [0.5, 0.25], [-1.5, -0.5], [1.2, 0.6]])


class Section:
    """A secondary flow that is a quadratic, as SectionFlow has it: over eps Re U."""

    def __init__(self, curvature=CURVATURE):
        self.curvature = curvature

    def at(self, points):
        x, z = points.T
        return np.column_stack([1 - z**2, 0.5 * x * z, 1.5 * (1 - z**2)]), None


def layer(shape, change=False, drift=(0.0, 0.0), slip=0.0, speed=1.0):
    across, along = shape.nodes(ALPHA)
    grid = np.stack(np.meshgrid(across, along, indexing="ij"), axis=-1)
    x, z = shape.places(grid.reshape(-1, 2), ALPHA).T.reshape(2, *grid.shape[:2])
    one = 1 + 0 * x
    push = [drift[0] * x, drift[1] * z]
    values = np.stack([*push, *push, one, one, slip * one, 0 * one, speed * one], axis=-1)
    return Layer(shape, ALPHA, across, along, values, change)


def size(shape=SHAPE, **values):
    return SizeTable(layer(shape, **values))


def bend(shape=SHAPE, curvature=CURVATURE):
    return Bend(flow=Section(curvature), shape=shape, straight_peak=2.0, reynolds=30.0)


def rates(table, factor=1.0):
    ((grid,),) = rates_in([bend(table.shape)], table, factors=(factor,))
    return grid.at(PLACES)


def carried(x, z, slip=0.0):
    return UNIT * np.column_stack([1 - z**2 + slip, 0.5 * x * z]) * (1 + CURVATURE * x)[:, None]


def test_without_lift_a_body_goes_with_the_flow_as_its_size_feels_it():
    x, z = PLACES.T
    faxen = ALPHA**2 / 6 * -2.0  # of 1 - z^2
    assert rates(size(speed=0.8, slip=-2 / 6)) == pytest.approx(carried(x, z, faxen) / 0.8, abs=5e-6)


def test_a_table_of_the_whole_velocity_leaves_the_solved_flow_out():
    whole = SizeTable(layer(SHAPE, slip=1.0), whole=True)
    expected = UNIT * np.column_stack([np.ones(4), np.zeros(4)])
    assert rates(whole) == pytest.approx(expected * (1 + CURVATURE * PLACES[:, :1]), abs=1e-9)


def test_lift_is_added_with_its_scale():
    pushed = rates(size(drift=(2.0, 2.0)), factor=1.5) - rates(size())
    expected = 1.5 * 2.0 * PLACES * 30 * ALPHA**3 / (24 * np.pi) * (1 + CURVATURE * PLACES[:, :1])
    assert pushed == pytest.approx(expected, rel=1e-3, abs=1e-9)


def test_each_bend_has_its_own_lift():
    """What a unit of curvature adds is even in x where the straight duct's is odd."""
    change = layer(SHAPE, change=True, speed=0.0)
    change.values[..., 0] = 7.0
    table = SizeTable(layer(SHAPE), change)
    bends = [bend(curvature=c) for c in (0.0, 0.02)]
    straight, bent = (grid.at(PLACES) for grid in rates_in(bends, table)[0])
    pushed = bent - rates_in(bends, size())[0][1].at(PLACES)
    scale = 30 * ALPHA**3 / (24 * np.pi) * (1 + 0.02 * PLACES[:, 0])
    assert pushed[:, 0] == pytest.approx(0.02 * 7.0 * scale) and not pushed[:, 1].any()
    assert not straight.any()


def test_a_trapezoid_is_straightened():
    """With a level floor: its middle line rises outward, and so does a flow along it in nothing but x."""
    x, z = PLACES.T
    level = z + 0.1 * x
    u, v = 1 - level**2, 0.5 * x * level
    expected = UNIT * np.column_stack([u, v - 0.1 * u]) * (1 + CURVATURE * x)[:, None]
    inside = np.abs(z) < TAPERED.half_height(x)
    assert rates(size(TAPERED))[inside] == pytest.approx(expected[inside], abs=2e-5)
    # Lift along the slanted walls' middle goes up in the level section, so nowhere when straightened; lift across them is turned.
    along, across = (rates(size(TAPERED, drift=d)) - rates(size(TAPERED)) for d in ((1.0, 0.0), (0.0, 1.0)))
    assert np.abs(along[:, 1]).max() < 1e-12
    assert across[1, 0] / across[1, 1] == pytest.approx(-0.1 / (1 + 0.1**2), rel=1e-3)


def test_the_speed_is_zero_nowhere_but_on_the_walls():
    assert bend().speed.at(np.array([[0.3, 0.5]]))[0, 0] == pytest.approx(1.5 * 0.75, rel=1e-3)
    assert bend().shear.at(np.array([[0.3, 0.5]]))[0, 0] == pytest.approx(1.5, rel=1e-2)
    assert not rates_in([bend(curvature=0.0)], size())[0][0].values.any()
