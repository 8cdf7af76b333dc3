"""Stokes flow through a whole, short spiral channel: its mesh, its resistance beside that of its sections."""

import numpy as np
import pytest

from chipsim.flow.solvers import SolverError
from chipsim.flow.spiral_channel import solve_channel
from chipsim.flow.stokes import Load, Problem, Stokes, solve
from chipsim.study.recipes import model_of
from geometries import DesignError
from geometries.spiral import Spiral
from geometries.spiral_mesh import channel_mesh
from test_spiral import ROOF

TURN = {"inner_radius": "3.5 mm", "outer_radius": "4.5 mm", "turns": 1}
SPIRALS = {"inward": TURN, "outward": {**TURN, "direction": "outward"}, "trapezoid": {**TURN, **ROOF}}


@pytest.mark.parametrize("name", SPIRALS)
def test_the_mesh_has_the_channels_volume_and_ends(name):
    spiral = Spiral(**SPIRALS[name])
    mesh = channel_mesh(spiral, across=4, stretch=4.0, layers=2)
    half = name != "trapezoid"
    # Of a trapezoid the larger outer part is the longer one too.
    turned = float(np.subtract(*spiral.curve().heading([spiral.curve().angle, 0.0])))
    inner, outer = spiral.heights
    volume = spiral.area * spiral.length + turned * (outer - inner) * spiral.width**2 / 12
    assert mesh.measure() * 1e-18 * (2 if half else 1) == pytest.approx(volume, rel=1e-6)
    assert set(mesh.regions) == {"inlet", "outlet", "wall", "floor", "midplane" if half else "ceiling"}
    for region, s in (("inlet", 0.0), ("outlet", spiral.length)):
        nodes = np.unique(mesh.facets[mesh.facet_regions == mesh.regions[region]])
        x, y, heading = (float(v) for v in spiral.centre_line(s))
        away = (mesh.points[nodes, :2] * 1e-6 - [x, y]) @ [[np.cos(heading)], [np.sin(heading)]]
        assert np.abs(away).max() < 1e-12
        across = np.hypot(*(mesh.points[nodes, :2] * 1e-6 - [x, y]).T)
        assert across.max() == pytest.approx(spiral.width / 2)


@pytest.mark.parametrize("name", SPIRALS)
def test_the_resistance_is_that_of_the_sections(name):
    spiral = Spiral(**SPIRALS[name])
    flow = solve_channel(spiral)
    # The error that it states is, within a factor of two, what it is off by.
    off = flow.resistance / flow.sections_resistance - 1
    assert flow.discretisation_error is not None
    assert 0.5 < off / flow.discretisation_error.pressure_drop < 2 and off < 0.005
    # The drop by the work of the ends and by the pressure in mid-channel; along the channel it is linear.
    assert flow.pressure == pytest.approx(
        flow.resistance * (1 - flow.s / spiral.length), abs=2e-3 * flow.resistance
    )
    assert flow.pressure_drop(1e-8, 1e-3) == pytest.approx(flow.resistance * 1e-11)
    assert flow.field is not None and flow.divergence_residual < 1e-5
    copies = 1 if name == "trapezoid" else 2
    assert flow.field.flux("outlet") * copies == pytest.approx(1.0)


def test_minres_that_knows_of_a_long_channel_does_not_take_more_iterations_the_longer_it_is():
    def along(x):
        # Both ends of half a turn lie nearly on the x axis, one on each side of the middle; of a whole one on the same.
        return np.stack([0 * x[0], np.where(x[0] > 0, -1.0, 1.0), 0 * x[0]])

    def solved(turns, **how):
        mesh = channel_mesh(Spiral(**{**TURN, "turns": turns}), across=4, stretch=4.0, layers=1)
        return solve(
            mesh, 3, Problem(periodic=False, **how), Load(velocity={"inlet": along, "outlet": along})
        )

    told = {"method": "minres", "channel": 12 / 160.0**2}
    half, whole, exact = solved(0.5, **told), solved(1.0, **told), solved(0.5, method="direct")
    assert whole.iterations < 1.3 * half.iterations < 200
    for name in ("velocity", "pressure"):
        found, expected = getattr(half.field, name), getattr(exact.field, name)
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_wrong_channel_is_refused():
    mesh = channel_mesh(Spiral(**{**TURN, "turns": 0.2}), across=2, stretch=4.0, layers=1)
    with pytest.raises(SolverError, match="channel = -1 is outside 0 to infinity"):
        Stokes(mesh, 3, Problem(periodic=False, channel=-1.0))


def test_it_is_no_model_of_a_run():
    with pytest.raises(
        DesignError, match='model = "stokes" is unknown for this spiral; known models are section'
    ):
        model_of(Spiral(), "stokes")
