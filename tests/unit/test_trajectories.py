"""Bodies on their way along a duct: flows whose tracks are known."""

import numpy as np
import pytest

from chipsim.capture.trajectories import Grid, Room, Way, carried_along, dividing_line, starts

WIDE, HIGH = 3.0, 1.0
ROOM = Room(WIDE, HIGH, HIGH)


def grid(values, nx=301, nz=101):
    x, z = np.meshgrid(np.linspace(-WIDE, WIDE, nx), np.linspace(-HIGH, HIGH, nz), indexing="ij")
    return Grid(WIDE, HIGH, np.stack(np.broadcast_arrays(*values(x, z))))


PARABOLA = grid(lambda x, z: (1 - z**2,))
CORNERED = grid(lambda x, z: ((1 - z**2) * (1 - (x / WIDE) ** 2),))
TURN = grid(lambda x, z: (0.01 * z, -0.01 * x))


def straight(length, bend=0.0):
    return length, np.full(2, bend)


def test_a_turn_of_the_section_ends_where_it_began():
    way, circle = Way(np.zeros(1), [TURN], ROOM), np.array([[0.8, 0.0], [0.0, 0.5], [-0.3, 0.4]])
    assert carried_along(circle, way, *straight(2 * np.pi / 0.01), steps=400) == pytest.approx(
        circle, abs=1e-7
    )
    quarter = carried_along(circle, way, *straight(np.pi / 2 / 0.01))
    assert quarter == pytest.approx(np.array([[0.0, -0.8], [0.5, 0.0], [0.4, 0.3]]), abs=1e-7)


def test_the_method_is_of_fourth_order():
    way, start = Way(np.zeros(1), [TURN], ROOM), np.array([[0.8, 0.0]])
    errors = [
        np.abs(carried_along(start, way, *straight(2 * np.pi / 0.01), steps=steps) - start).max()
        for steps in (10, 20, 40)
    ]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders > 3.8).all()


def test_bodies_gather_where_nothing_pushes_them():
    pull = grid(lambda x, z: (-0.02 * (x - 1.0), -0.02 * z))
    found = carried_along(np.array([[-2.0, 0.5]]), Way(np.zeros(1), [pull], ROOM), *straight(100.0))
    assert found == pytest.approx(np.array([[1 - 3 * np.exp(-2), 0.5 * np.exp(-2)]]), rel=1e-6)


def test_rates_between_two_bends_are_between_theirs():
    one, two = (grid(lambda x, z, k=k: (k + 0 * x, 0 * x)) for k in (0.0, 0.01))
    way = Way(np.array([0.01, 0.02]), [one, two], ROOM)
    bends = np.array([0.01, 0.02])
    # The mean bend is half-way, so is the mean rate.
    assert carried_along(np.array([[0.0, 0.0]]), way, 100.0, bends)[0, 0] == pytest.approx(0.5)
    here = np.zeros((1, 2))
    assert way.at(here, 0.05)[0, 0] == pytest.approx(0.01) and way.at(here, 0.0)[0, 0] == 0.0


def test_a_way_that_changes_steeply_takes_more_steps():
    steep = Way(np.zeros(1), [grid(lambda x, z: (-2.0 * (x - 1.0), -2.0 * z))], ROOM)
    assert steep.steepness == pytest.approx(2.0)
    seen = []
    found = carried_along(np.array([[-2.0, 0.5]]), steep, *straight(500.0), watch=seen.append)
    # Longer ones would not come to rest: the method parts with the solution beyond 2.8.
    assert 500 <= len(seen) <= 502 and found == pytest.approx(np.array([[1.0, 0.0]]), abs=1e-9)


def test_a_slanted_wall_holds_a_large_body_back_from_the_low_side():
    inward = grid(lambda x, z: (-0.1 + 0 * x, 0 * x))
    room = Room(WIDE, 0.2, 1.0, 0.4)
    found = carried_along(np.zeros((1, 2)), Way(np.zeros(1), [inward], room), *straight(200.0))[0]
    assert found == pytest.approx((room.ends[0], 0.0)) and room.half_height(found[0]) == pytest.approx(0.0)
    assert room.ends[1] == WIDE - 0.4 and Room(WIDE, 1.0, 0.2, 0.4).ends == pytest.approx(
        (0.4 - WIDE, -found[0])
    )


@pytest.mark.parametrize("room", [Room(WIDE, 1.0, 1.0, 0.3), Room(WIDE, 0.6, 1.0, 0.3)])
def test_a_wall_holds_a_body_at_its_radius(room):
    out = grid(lambda x, z: (0.1 + 0 * x, 0.1 + 0 * x))
    found = carried_along(np.zeros((1, 2)), Way(np.zeros(1), [out], room), *straight(200.0))[0]
    slope = (room.outer - room.inner) / (2 * WIDE)
    corner = (room.inner + room.outer) / 2 + slope * found[0]
    assert found[0] == pytest.approx(WIDE - 0.3)
    assert (corner - found[1]) / np.sqrt(1 + slope**2) == pytest.approx(0.3)  # off the slanted wall
    assert (
        Room(1.0, 1.0, 1.0, 1.0).fits
        and not Room(1.0, 1.0, 1.0, 1.01).fits
        and not Room(3.0, 0.2, 0.4, 0.5).fits
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_flow_is_divided_where_its_share_is_reached(share):
    assert dividing_line(PARABOLA, share) == pytest.approx(-WIDE + 2 * WIDE * share, abs=1e-3)
    x = dividing_line(CORNERED, share) / WIDE
    assert (2 + 3 * x - x**3) / 4 == pytest.approx(share, abs=1e-4)


def test_bodies_start_as_the_flow_carries_them():
    places = starts(CORNERED, ROOM, -WIDE, 2**12, 0)
    for level in (0.2, 0.5, 0.9):
        for found in (places[:, 0] / WIDE, places[:, 1]):
            t = np.quantile(found, level)
            assert (2 + 3 * t - t**3) / 4 == pytest.approx(level, abs=2e-3)
    assert np.array_equal(places, starts(CORNERED, ROOM, -WIDE, 2**12, 0))
    assert not np.array_equal(places, starts(CORNERED, ROOM, -WIDE, 2**12, 1))


def test_bodies_of_the_sample_start_on_their_side_and_off_the_walls():
    room = Room(WIDE, HIGH, HIGH, 0.25)
    places = starts(CORNERED, room, 1.5, 2**10, 3)
    assert (
        places[:, 0].min() >= 1.5 and places[:, 0].max() <= WIDE - 0.25 and np.abs(places[:, 1]).max() <= 0.75
    )
    # One that is wider than the sample's stream begins along the wall.
    crowded = starts(CORNERED, room, WIDE - 0.1, 2**6, 3)
    assert crowded[:, 0] == pytest.approx(WIDE - 0.25)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_what_the_flow_alone_carries_keeps_its_share(share):
    """Without migration a divider at the share of the sample parts it from the sheath again."""
    line = dividing_line(CORNERED, share)
    places = starts(CORNERED, ROOM, line, 2**10, 0)
    still = Way(np.zeros(1), [grid(lambda x, z: (0 * x, 0 * x))], ROOM)
    found = carried_along(places, still, *straight(600.0), steps=4)
    assert np.array_equal(found, places) and (found[:, 0] >= line - 1e-9).all()
