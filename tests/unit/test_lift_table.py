"""Tables of lift: their places, what they find between them, files, and how they are made."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from chipsim.flow.lift_point import LiftPoint
from chipsim.flow.lift_shape import GAP, Shape
from chipsim.flow.lift_table import kept_tables, read_table, table_for, table_of
from chipsim.study import lift_tables
from geometries import DesignError

DUCT, SLANTED = Shape(2.0), Shape(3.0, 0.25)
SIZES = (0.05, 0.1, 0.2, 0.4)
BENT = 0.02


def pretended(shape, alpha, at, curvature=0.0):
    """Numbers with a duct's symmetry that grow toward its walls like those of a sphere and change with the bend."""
    x, z = at
    high = float(shape.half_height(x))
    gaps = shape.aspect - alpha - abs(x), high - alpha - abs(z)
    drag = tuple(1 + 0.7 * alpha / (gap + 0.1 * alpha) + 0.1 * z**2 for gap in gaps)
    z = z / high
    slanted = shape.taper * math.cos(x) * (1 - z**2)
    bend = curvature * math.cos(0.5 * x) * (1 - z**2) * 5, curvature * x * z * (1 - z**2)
    drift = (
        math.sin(3 * x / shape.aspect) * (1 + 0.3 * z**2) * (1 + alpha) + slanted + bend[0],
        z * (1 - z**2) * math.cos(x) / (1 + alpha) + bend[1],
    )
    lift = (drag[0] * drift[0], drag[1] * drift[1])
    speed = math.cos(x / shape.aspect) * (1 - 0.8 * z**2) * (1 - curvature * x)
    slip = alpha**2 * (1 - z**2) * (1 + curvature * x), alpha**2 * x * z * (1 + curvature * x)
    return LiftPoint(
        alpha, at, lift, drag, drift, speed, (0.0, 0.0), 1, 1, {"mesh": 0.5}, curvature, (9.0, 9.0), slip
    )


def made_up(shape=DUCT, alphas=SIZES, curvature=BENT):
    straight = [pretended(shape, a, at) for a in alphas for at in shape.grid(a)]
    bent = [pretended(shape, a, at, curvature) for a in alphas for at in shape.grid(a, every=2)]
    return table_of(shape, straight + (bent if curvature else []), {"cell": 0})


def columns(point):
    return [*point.drift, *point.slip, point.speed]


# -- places ----------------------------------------------------------------------------------------------------------------
def test_places_crowd_toward_the_walls():
    at = np.array(DUCT.grid(0.1))
    x, z = np.unique(at[:, 0]), np.unique(at[:, 1])
    assert len(at) == len(x) * len(z) and x[0] == z[0] == 0
    assert (x[-1], z[-1]) == pytest.approx((2 - 0.1 * (1 + GAP), 1 - 0.1 * (1 + GAP)))
    for q in (x, z):
        assert np.all(np.diff(q)[1:] < np.diff(q)[:-1]) and len(q) % 2 == 1
    assert set(DUCT.grid(0.1, every=2)) < set(DUCT.grid(0.1))


@pytest.mark.parametrize("taper", [0.25, -0.25])
@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.8])
def test_places_of_a_trapezoid_have_room(taper, alpha):
    """Nearest to a wall as far as a table goes; a large sphere does not go into the narrow side."""
    shape = Shape(3.0, taper)
    at = np.array(shape.grid(alpha))
    first, last = shape.across(alpha)
    assert at[:, 0].min() == pytest.approx(first) and at[:, 0].max() == pytest.approx(last)
    slant = (shape.half_height(at[:, 0]) - at[:, 1]) / math.hypot(1, shape.slope)
    upright = 3 - np.abs(at[:, 0])
    assert min(slant.min(), upright.min()) >= alpha * (1 + GAP) - 1e-9
    assert slant.min() == pytest.approx(alpha * (1 + GAP))
    narrow = first if taper > 0 else last
    assert (abs(narrow) < 2) == (alpha == 0.8)


def test_coordinates_and_parts_of_places_and_back():
    rng = np.random.default_rng(0)
    for shape in (DUCT, SLANTED, Shape(3.0, -0.25)):
        at = shape.scaled(rng.uniform((0, -1), 1, (50, 2)), 0.3)
        np.testing.assert_allclose(shape.places(shape.coordinates(at, 0.3), 0.3), at, atol=1e-12)
        np.testing.assert_allclose(shape.scaled(shape.parts(at, 0.3), 0.3), at, atol=1e-12)
        np.testing.assert_array_equal(shape.clipped(at, 0.3), at)
        assert np.abs(shape.coordinates(at, 0.3)[:, 1]).max() <= 1 + 1e-12


def test_names_of_sections():
    assert DUCT.name == "rectangle_2" and Shape(500 / 160).name == "rectangle_3.125"
    assert Shape(40 / 7, 5 / 21).name == "trapezoid_5.714_0.238"


# -- tables ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [DUCT, SLANTED])
@pytest.mark.parametrize("alpha", [0.1, 0.07, 0.3])
def test_a_table_finds_what_lies_between_its_nodes(shape, alpha):
    at = shape.scaled(np.random.default_rng(1).uniform((0, -1), 1, (200, 2)), alpha)
    table = made_up(shape)
    for curvature in (0.0, 0.01, 0.03):
        wanted = [pretended(shape, alpha, (float(x), float(z)), curvature) for x, z in at]
        found = table.at(alpha, curvature).sample(at)
        assert not found.extrapolated.any()
        drift = np.array([w.drift for w in wanted])
        rms = np.sqrt((drift**2).sum(axis=1).mean())
        assert np.abs(found.drift - drift).max() < 0.02 * rms
        np.testing.assert_allclose(found.speed, [w.speed for w in wanted], atol=5e-3)
        np.testing.assert_allclose(
            found.slip / alpha**2, [np.array(w.slip) / alpha**2 for w in wanted], atol=0.02
        )
        np.testing.assert_allclose(found.drag, [w.drag for w in wanted], rtol=0.025)


@pytest.mark.parametrize("shape", [DUCT, SLANTED])
def test_a_table_is_exact_at_its_nodes_straight_and_bent(shape):
    table = made_up(shape)
    for every, curvature in ((1, 0.0), (2, BENT)):
        nodes = shape.grid(0.1, every=every)
        found = table.at(0.1, curvature).sample(np.array(nodes))
        wanted = [columns(pretended(shape, 0.1, at, curvature)) for at in nodes]
        np.testing.assert_allclose(
            np.column_stack([found.drift, found.slip, found.speed]), wanted, rtol=1e-7, atol=1e-9
        )


def test_a_rectangle_bent_the_other_way_is_its_image():
    at = np.array([[0.4, 0.3], [-1.3, 0.3], [0.4, -0.6]])
    size = made_up().at(0.1)
    one, other = size.samples(at, [0.01])[0], size.samples(at * (-1, 1), [-0.01])[0]
    np.testing.assert_allclose(one.drift, other.drift * (-1, 1), atol=1e-12)
    np.testing.assert_allclose(one.slip, other.slip * (1, -1), atol=1e-12)
    np.testing.assert_allclose(one.speed, other.speed, atol=1e-12)
    below = size.samples(at * (1, -1), [0.01])[0]
    np.testing.assert_allclose(one.drift, below.drift * (1, -1), atol=1e-12)
    np.testing.assert_allclose(one.slip, below.slip * (1, -1), atol=1e-12)


def test_a_table_without_bent_places_is_straight_in_every_bend():
    at = np.array([[0.4, 0.3], [-1.3, 0.3]])
    for table in (made_up(curvature=0.0), made_up().straight()):
        assert table.curvature == 0 and table.sizes[0].bend is None
        bent, straight = table.at(0.07, 0.02).sample(at), table.at(0.07).sample(at)
        np.testing.assert_array_equal(bent.drift, straight.drift)
    assert made_up().curvature == BENT


def test_nearer_to_a_wall_than_the_table_goes():
    size = made_up().at(0.2)
    last = 2 - 0.2 * (1 + GAP)
    found = size.sample(np.array([[last, 0.0], [last + 0.01, 0.0], [5.0, 0.0], [0.0, -0.9]]))
    assert found.extrapolated.tolist() == [False, True, True, True]
    np.testing.assert_allclose(found.lift[1:3], np.tile(found.lift[0], (2, 1)))
    assert np.isfinite(found.lift).all()


def test_mistakes_with_tables(tmp_path):
    table = made_up()
    with pytest.raises(DesignError, match=r"alpha = 0.5 is beyond the lift table, 0.05 to 0.4"):
        table.at(0.5)
    assert table.covers(0.05) and not table.covers(0.04)
    with pytest.raises(DesignError, match=r"alpha = 0.95 has no place in the duct.* below 0.909"):
        DUCT.grid(0.95)
    with pytest.raises(DesignError, match="aspect = 2 must be above 0, taper = 1 between"):
        Shape(2.0, 1.0)
    with pytest.raises(DesignError, match="the lift table lacks places at alpha = 0.05"):
        replace(table, rows=table.rows[1:]).at(0.05)
    (tmp_path / "text.npz").write_text("nothing")
    for name in ("text.npz", "none.npz"):
        with pytest.raises(DesignError, match="is no lift table|is not there"):
            read_table(tmp_path / name)


def test_a_table_comes_back_from_its_file(tmp_path):
    table = made_up(SLANTED)
    table.write(tmp_path / "table.npz")
    back = read_table(tmp_path / "table.npz")
    np.testing.assert_array_equal(back.rows, table.rows)
    assert back.shape == SLANTED and back.aspect == 3.0 and back.made == {"cell": 0}


def test_a_table_is_found_by_its_section():
    """Of those made here; the rest is refused with what makes one."""
    with pytest.raises(
        DesignError, match="3 times as wide as high, its heights a trapezoid's of taper 0.25; make one with"
    ):
        table_for(3.0, 0.25)
    path = lift_tables.kept_table_path(SLANTED)
    assert path == kept_tables() / "trapezoid_3_0.25.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    made_up(SLANTED, (0.1,)).write(path)
    assert table_for(3.0005, 0.2503).shape == SLANTED
    path.unlink()
    with pytest.raises(
        DesignError,
        match="no table of lift for a section 2.1 times as wide as high; make one with chipsim lift",
    ):
        table_for(2.1)


# -- how they are made -----------------------------------------------------------------------------------------------------
def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    solved, said = [], []

    def solve(jobs, processes):
        for job in jobs:
            if len(solved) == 10 and not (tmp_path / "stopped").exists():
                (tmp_path / "stopped").touch()
                raise KeyboardInterrupt
            solved.append(job)
            yield job, pretended(job.shape, job.alpha, job.at, job.curvature)

    monkeypatch.setattr(lift_tables, "_solved", solve)
    count = len(DUCT.grid(0.4)) + len(DUCT.grid(0.4, every=2))
    with pytest.raises(KeyboardInterrupt):
        lift_tables.make_table(DUCT, (0.4,), folder=tmp_path)
    table = lift_tables.make_table(DUCT, (0.4,), folder=tmp_path, progress=said.append)
    assert len(solved) == len(set(solved)) == count == len(table.rows)
    assert said[-1] == f"{count} of {count} places, about 0 min left" and table.curvature == 0.025
    kept = sorted(tmp_path.glob("*.json"))
    assert len(kept) == count and not list(tmp_path.glob("*.partial"))
    kept[0].write_text("{")
    again = lift_tables.make_table(DUCT, (0.4,), folder=tmp_path)
    assert len(solved) == count + 1
    np.testing.assert_array_equal(again.rows, table.rows)
    assert json.loads(kept[0].read_text())["alpha"] == 0.4
    other = lift_tables.make_table(DUCT, (0.4,), folder=tmp_path, cell=0.3)
    assert len(solved) == 2 * count + 1
    assert again.made == table.made and again.made["inputs"] != other.made["inputs"]
    straight = lift_tables.make_table(DUCT, (0.4,), folder=tmp_path, curvature=0.0)
    assert straight.curvature == 0 and len(solved) == 2 * count + 1


@pytest.mark.slow
def test_processes_make_a_table(tmp_path):
    table = lift_tables.make_table(Shape(1.0), (0.4,), curvature=0.0, cell=0.5, folder=tmp_path, processes=2)
    found = table.at(0.4).sample(np.array([[0.0, 0.0], [0.0, 0.2], [0.0, 0.55]]))
    assert len(table.rows) == 9 * 9 and np.all(found.drag > 1)
    # From the middle it moves toward the wall, and back from there.
    assert abs(found.lift[0]).max() < 1e-9 and found.drift[1, 1] > 0.1 and found.drift[2, 1] < -0.1
