"""Places where a sphere stays, of made-up drifts whose zeros are known."""

import math

import numpy as np
import pytest

from chipsim.flow.focusing import focusing_points
from chipsim.flow.lift_shape import Shape
from chipsim.flow.lift_table import LiftTable

SHAPE, ALPHA = Shape(2.0), 0.1
UNIT = ALPHA**3 / (24 * math.pi)


class Still:
    """A secondary flow, in the unit that makes it what the drift is."""

    straight_peak = 2.0

    def __init__(self, flow=lambda x, z: (0 * x, 0 * z)):
        self.flow = flow

    def secondary(self, x, z):
        return np.column_stack(self.flow(x, z))


def table(drift, shape=SHAPE):
    rows = []
    for x, z in shape.grid(ALPHA):
        push = drift(x, z)
        rows.append((ALPHA, 0.0, x, z, *push, 1.0, 1.0, *push, 1.0, 0.0, 0.0, 0.0, 0.0))
    return LiftTable(shape, np.array(rows), {})


def told(points):
    return [(round(p.x, 3), round(p.z, 3), p.kind) for p in points]


def test_a_duct_with_two_places_in_each_direction():
    found = focusing_points(table(lambda x, z: (x * (1 - x**2), z * (0.25 - z**2))), Still(), ALPHA, 0.0)
    assert {(abs(x), z, kind) for x, z, kind in told(found)} == {
        (1.0, 0.5, "stable node"), (1.0, 0.0, "saddle"), (0.0, 0.5, "saddle"), (0.0, 0.0, "unstable node"),
    }  # fmt: skip
    assert len(found) == 6 and [p.stable for p in found] == [True] * 2 + [False] * 4
    # Away from the stable ones: slopes -2 and -0.5.
    assert sorted(e.real / UNIT for e in found[0].eigenvalues) == pytest.approx([-2.0, -0.5], rel=1e-2)
    told_of = found[0].to_dict()
    assert set(told_of) == {"x", "z", "kind", "stable", "eigenvalues"} and told_of["stable"] is True


@pytest.mark.parametrize(("back", "kind"), [(-0.3, "stable spiral"), (0.3, "unstable spiral")])
def test_a_vortex_with_a_weak_drift(back, kind):
    """Around (0.4, 0.4), in a table whose drift is odd; the secondary flow turns there."""
    curvature = 0.01
    unit = UNIT / (curvature / 4)
    flow = Still(lambda x, z: (unit * (z - 0.4 + back * (x - 0.4)), unit * (0.4 - x + back * (z - 0.4))))
    found = focusing_points(table(lambda x, z: (0.0, 0.0)), flow, ALPHA, curvature)
    assert told(found) == [(0.4, 0.4, kind)]
    first, second = (e / UNIT for e in found[0].eigenvalues)
    assert first == pytest.approx(second.conjugate()) and (first.real, abs(first.imag)) == pytest.approx(
        (back, 1.0), rel=1e-4
    )


def test_nothing_stays_in_a_stream():
    flow = Still(lambda x, z: (1 + 0 * x, 0 * z))
    assert focusing_points(table(lambda x, z: (0.0, 0.0)), flow, ALPHA, 0.01) == ()


def test_in_a_trapezoid():
    slanted = Shape(3.0, 0.25)
    drift = table(lambda x, z: (-(x - 1.0), z * (0.25 - z**2)), slanted)
    found = focusing_points(drift, Still(), ALPHA, 0.0)
    assert told(found) == [(1.0, 0.5, "stable node"), (1.0, 0.0, "saddle")]
