"""The estimated discretisation error against the true one, where that is known: within a factor of two."""

import numpy as np
import pytest

from chipsim.flow import array
from chipsim.flow.accuracy import ORDER, relative_error
from chipsim.flow.array import solve_cell
from chipsim.flow.stokes import Problem, solve
from chipsim.flow.traction import wall_shear
from chipsim.verification.domains import channel, plane_mesh, space_mesh
from geometries import ClusterChip

CHIPS = {"rounded": ClusterChip(), "sharp": ClusterChip(fillet=0.0)}


def agrees(estimated, true):
    assert 0.5 < estimated / abs(true) < 2, (estimated, true)


@pytest.mark.parametrize("size", [0.14, 0.1, 0.07])
def test_brinkman_channel(size):
    """With drag a: u = (1 - cosh(s(y - 1/2)) / cosh(s/2)) / a, s = sqrt(a); the shear on the walls is tanh(s/2) / s."""
    a, s = 50.0, np.sqrt(50.0)
    exact = a / (1 - np.tanh(s / 2) / (s / 2)), np.tanh(s / 2) / s
    values = []
    for h in (size, 2 * size):
        field = solve(plane_mesh(channel(1.0, 1.0, periodic=True), h), 2, Problem(drag=a)).field
        wall = wall_shear(field, "wall")
        values.append((-1 / field.flux("inlet"), np.average(wall.rate, weights=wall.weights)))
    for value, second, true in zip(*values, exact, strict=True):
        agrees(relative_error(value, second, 2.0, ORDER), value / true - 1)


@pytest.mark.parametrize("layers", [6, 8])
def test_rectangular_duct(layers):
    """Resistance of a duct twice as wide as high (series: White, Viscous Fluid Flow)."""
    n = np.arange(1, 199, 2)
    flow = 2 / 12 * (1 - 96 / np.pi**5 * np.sum(np.tanh(n * np.pi) / n**5))
    fields = [
        solve(space_mesh(channel(1.0, 2.0, periodic=True), 1 / m, m, half=True), 3, Problem(rtol=1e-8)).field
        for m in (layers, layers // 2)
    ]
    value, second = (-1 / (2 * f.flux("inlet")) for f in fields)
    agrees(relative_error(value, second, 2.0, ORDER), value * flow - 1)


@pytest.fixture
def only_the_cell(monkeypatch):
    monkeypatch.setattr(array, "plug_factor", lambda chip: 2.0)  # of another mesh


def numbers(cell):
    return np.array([cell.row_resistance, cell.shear.mean])


def limit(coarse, middle, fine):
    """Aitken's limit of three refinements by the same factor: with the order found on them, not the one assumed."""
    a, b, c = map(numbers, (coarse, middle, fine))
    return c - (c - b) ** 2 / ((c - b) - (b - a))


@pytest.mark.parametrize("kind", CHIPS)
def test_plane_cell(kind, only_the_cell):
    cells = {r: solve_cell(CHIPS[kind], "2d", refine=r) for r in (0.7, 1.0, 1.4, 2.8)}
    true = limit(cells[0.7], cells[1.4], cells[2.8])
    for refine in (0.7, 1.0, 1.4):
        found, error = cells[refine], cells[refine].discretisation_error
        estimates = error.pressure_drop, error.mean_wall_shear
        for estimated, relative in zip(estimates, numbers(found) / true - 1, strict=True):
            agrees(estimated, relative)
    assert cells[1.0].row_resistance == pytest.approx(true[0], rel=5e-4)  # what the default mesh is for


def test_a_very_coarse_mesh_is_compared_with_a_finer_one(only_the_cell):
    found, fine = (solve_cell(CHIPS["rounded"], "2d", refine=r) for r in (0.4, 2.0))
    agrees(found.discretisation_error.pressure_drop, found.row_resistance / fine.row_resistance - 1)


def test_depth_averaged_cell(only_the_cell):
    found, fine = (solve_cell(CHIPS["rounded"], "depth", refine=r) for r in (1.0, 2.0))
    agrees(found.discretisation_error.pressure_drop, found.row_resistance / fine.row_resistance - 1)


@pytest.mark.slow
def test_cell_in_space(only_the_cell):
    cells = {r: solve_cell(CHIPS["rounded"], "3d", refine=r) for r in (1 / 3, 2 / 3, 1.0, 4 / 3)}
    true = limit(cells[1 / 3], cells[2 / 3], cells[4 / 3])
    found, error = cells[1.0], cells[1.0].discretisation_error
    agrees(error.pressure_drop, found.row_resistance / true[0] - 1)
    assert found.row_resistance == pytest.approx(true[0], rel=3e-3)  # what the default mesh is for
    assert error.mean_wall_shear < 2e-4  # it errs by less than 1e-4, with the other sign on coarse meshes


@pytest.mark.slow
def test_sharp_cell_in_space(only_the_cell):
    """Against the default mesh, which errs a tenth as much."""
    coarse, fine = (solve_cell(CHIPS["sharp"], "3d", refine=r) for r in (0.5, 1.0))
    agrees(coarse.discretisation_error.pressure_drop, coarse.row_resistance / fine.row_resistance - 1)
