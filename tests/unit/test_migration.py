"""Migration in a bent duct, with made-up sections and lift whose rates are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from chipsim.capture.migration import Bend
from chipsim.flow.lift_table import SizeTable, nodes

ASPECT, ALPHA = 2.0, 0.1


class Section:
    """A secondary flow that is a quadratic, as SectionFlow has it: over eps Re U."""

    curvature = 0.01

    def at(self, points):
        x, z = points.T
        return np.column_stack([1 - z**2, 0.5 * x * z, 1.5 * (1 - z**2)]), None


def size(drift=0.0, speed=1.0):
    across, along = nodes(ASPECT, ALPHA, 0.5), nodes(1.0, ALPHA, 0.6)
    x, z = np.meshgrid(across, along, indexing="ij")
    one = 1 + 0 * x
    values = np.stack([drift * x, drift * z, drift * x, drift * z, one, one, speed * one], axis=-1)
    return SizeTable(ASPECT, ALPHA, across, along, values)


BEND = Bend(flow=Section(), half_width=ASPECT, straight_peak=2.0, reynolds=30.0)
PLACES = np.array([[0.0, 0.0], [0.5, 0.25], [-1.5, -0.5], [1.2, 0.6]])


def rates(table):
    return BEND.rates(BEND.drift(table), 1.0, ALPHA).at(PLACES)


def test_without_lift_a_body_goes_with_the_flow_as_its_size_feels_it():
    x, z = PLACES.T
    unit = 0.01 * (30 / 2) / 2  # eps Re_U U / U_m
    faxen = ALPHA**2 / 6 * -2.0  # of 1 - z^2
    expected = unit * np.column_stack([1 - z**2 + faxen, 0.5 * x * z]) / 0.8
    assert rates(size(speed=0.8)) == pytest.approx(expected, abs=5e-6)


def test_lift_is_added_with_its_scale():
    still = rates(size())
    pushed = rates(size(drift=2.0)) - still
    assert pushed == pytest.approx(2.0 * PLACES * 30 * ALPHA**3 / (24 * np.pi), rel=1e-3, abs=1e-9)


def test_the_speed_is_zero_nowhere_but_on_the_walls():
    assert BEND.speed.at(np.array([[0.3, 0.5]]))[0, 0] == pytest.approx(1.5 * 0.75, rel=1e-3)
    straight = Bend(
        flow=SimpleNamespace(curvature=0.0, at=Section().at),
        half_width=ASPECT,
        straight_peak=2.0,
        reynolds=30.0,
    )
    assert not straight.secondary.any()
