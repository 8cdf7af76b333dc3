"""The depth closure against exact ducts, and on pillar arrays against 3-D, on shapes that its constant was not fitted on."""

import math

import numpy as np
import pytest

from chipsim.flow import array
from chipsim.flow.array import solve_cell
from chipsim.flow.depth import RANGE, calibration, depth_closure, floor_layer, outside, stated_error
from chipsim.flow.stokes import Problem, solve
from chipsim.study import calibrate_depth
from chipsim.study.calibrate_depth import CHECK, FIT, shape
from geometries import ClusterChip
from geometries.mesh import Resolution, mesh_outline
from geometries.outline import Outline, rectangle


def test_limits():
    """Shallow: Galerkin's 6/5 and 12 / h^2 whatever the constant; deep: the plane flow less 2 layers of the depth."""
    for relief in (0.0, 0.04):
        shallow = depth_closure(layer=1000.0, depth=2.0, relief=relief)
        assert shallow.viscosity == pytest.approx(6 / 5, rel=1e-6)
        assert shallow.drag == pytest.approx(12 / 2.0**2, rel=1e-6)
        assert shallow.mid_depth == pytest.approx(3 / 2, rel=1e-6)
    deep = depth_closure(layer=1.0, depth=1e6, relief=0.0)
    assert deep.mid_depth - 1 == pytest.approx(2e-6, rel=1e-3)
    # Viscosity and drag each take one layer of flow, where the plane flow has integral |u|^2 = layer^2 integral |grad u|^2.
    assert deep.viscosity - 1 == pytest.approx(1e-6, rel=1e-3)
    assert deep.drag == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.parametrize("relief", [0.0, 0.04])
def test_series_meets_the_closed_form(relief):
    """On both sides of the switch at a = 0.05."""
    below, above = (depth_closure(1.0, 0.1 * (1 + d), relief) for d in (-1e-9, 1e-9))
    for name in ("viscosity", "drag", "mid_depth"):
        assert getattr(below, name) == pytest.approx(getattr(above, name), rel=1e-7)


@pytest.mark.parametrize("aspect", [0.01, 0.1, 0.4, 1.0, 2.0, 10.0, 100.0])
def test_rectangular_duct(aspect):
    """Of width over depth ``aspect``, without the constant: 0 to 0.12 % too much resistance, flow being parallel there."""
    n = np.arange(1, 400, 2)
    exact = 1 / 12 - 16 / np.pi**5 * aspect * np.sum(np.tanh(n * np.pi / (2 * aspect)) / n**5)
    closure = depth_closure(1 / math.sqrt(10), 1 / aspect, relief=0.0)
    k = math.sqrt(closure.drag / closure.viscosity)
    flow = (1 - 2 / k * math.tanh(k / 2)) / closure.drag
    assert 0 < exact / flow - 1 < 1.2e-3


def test_layer_of_a_plane_channel():
    """A parabola has integral u^2 over integral u'^2 = w^2 / 10; P2 has it exactly."""
    frame = rectangle(0.0, 0.0, 2.0, 3.0, ("wall", "outlet", "wall", "inlet"))
    outline = Outline(frame, (), depth=1.0, tips=(), tip_radius=0.0, throat=1.0, periodic=True)
    field = solve(mesh_outline(outline, Resolution(coarsest=0.5)), 2, Problem()).field
    assert floor_layer(field) == pytest.approx(3.0 / math.sqrt(10), rel=1e-9)


def test_range():
    chip = ClusterChip()
    assert outside(chip) == [] and 0 < stated_error(chip) < 0.01
    assert outside(ClusterChip(depth=20e-6)) == ["gap / depth = 0.6 is above 0.4"]
    assert outside(ClusterChip(apex_angle=math.radians(30))) == ["apex_angle = 30 is below 42"]
    assert len(outside(ClusterChip(gap=30e-6, side=60e-6, depth=60e-6))) == 2
    assert stated_error(ClusterChip(depth=20e-6)) is None


def test_stored_table():
    """It is of the shapes that the command solves, they span the range, and the errors are what is stated."""
    points = calibration()["points"]
    shapes = [
        (p["gap"], p["depth"], p["daughter_gap"], p["side"], p["apex_angle"], p["fillet"]) for p in points
    ]
    assert set(shapes) == {*FIT, *CHECK} and {
        s for s, p in zip(shapes, points, strict=True) if p["fitted"]
    } == set(FIT)
    for name, column in {
        "gap / depth": [s[0] / s[1] for s in shapes],
        "daughter_gap / gap": [s[2] / s[0] for s in shapes],
        "side / gap": [s[3] / s[0] for s in shapes],
        "fillet / gap": [s[5] / s[0] for s in shapes],
        "apex_angle": [math.radians(s[4]) for s in shapes],
    }.items():
        assert (min(column), max(column)) == pytest.approx(RANGE[name], rel=2e-3)
    assert max(abs(p["error"]) for p in points) < 0.01


@pytest.mark.parametrize("where", [0, 4, 8])
def test_stored_resistances(where):
    """The table is still what the closure and the plane mesh give; its 3-D values are tested on other shapes below."""
    point, given = calibration()["points"][where], [*FIT, *CHECK][where]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate_depth, "resistance_in_space", lambda chip: point["resistance"])
        error = calibrate_depth.reference(given).error(calibration()["relief"])
    assert error == pytest.approx(point["error"], abs=3e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        shape(8, 40, side=55, angle=50),
        shape(16, 41, side=40, angle=70),
        shape(8, 190, 11),
        shape(15.5, 200, 12),
        shape(9, 45),
        shape(13, 90, 10, 55, 65, 1.5),
    ],
    ids=str,
)
def test_against_space(given, monkeypatch):
    """Shapes that are not in the table, corners of the range first: resistance within 1 %, largest speed 0 to 6 % high."""
    monkeypatch.setattr(array, "plug_factor", lambda chip: 2.0)  # of another mesh
    assert given not in [*FIT, *CHECK]
    chip = calibrate_depth.chip_of(given)
    assert outside(chip) == []
    averaged, space = solve_cell(chip, "depth"), solve_cell(chip, "3d")
    assert averaged.row_resistance == pytest.approx(space.row_resistance, rel=0.01)
    closure = depth_closure(averaged.floor_layer * 1e6, chip.depth * 1e6)
    assert 0.99 < averaged.peak_speed * closure.mid_depth / space.peak_speed < 1.06
