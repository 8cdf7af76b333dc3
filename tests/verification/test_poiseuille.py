"""Plane and rectangular-duct Poiseuille flow: resistance and wall shear stress against exact solutions."""

import numpy as np
import pytest

from channels import channel, plane_mesh, space_mesh
from chipsim.flow.array import PLANE, SPACE
from chipsim.flow.stokes import Problem, solve


def test_plane_channel_is_exact():
    """A parabola is in the P2 space: flow rate H^3/12 and wall shear H/2 at unit gradient come out to rounding."""
    field = solve(plane_mesh(channel(2.0, 1.0, periodic=True), 0.25), 2, Problem()).field
    assert -field.flux("inlet") == pytest.approx(1 / 12, rel=1e-10)
    np.testing.assert_allclose(field.on("wall").shear_rate, 0.5, rtol=1e-8)


def test_brinkman_channel():
    """With drag a: u = (1 - cosh(s(y - 1/2)) / cosh(s/2)) / a, s = sqrt(a)."""
    a = 50.0
    s = np.sqrt(a)
    field = solve(plane_mesh(channel(1.0, 1.0, periodic=True), PLANE.coarsest / 3), 2, Problem(drag=a)).field
    exact = (1 - np.tanh(s / 2) / (s / 2)) / a
    assert -field.flux("inlet") == pytest.approx(exact, rel=1e-4)
    assert field.on("wall").shear_rate.mean() == pytest.approx(np.tanh(s / 2) / s, rel=5e-3)


def duct(aspect, terms=199):
    """Flow rate, mean and largest wall shear at unit gradient and viscosity, of a duct 1 high and ``aspect`` wide (White)."""
    n = np.arange(1, terms, 2)
    flow = aspect / 12 * (1 - 192 / (np.pi**5 * aspect) * np.sum(np.tanh(n * np.pi * aspect / 2) / n**5))
    peak = 0.5 - 4 / np.pi**2 * np.sum(1 / (n**2 * np.cosh(np.minimum(n * np.pi * aspect / 2, 700))))
    return flow, aspect / (2 * (1 + aspect)), peak


@pytest.mark.parametrize("half", [False, True])
def test_rectangular_duct(half):
    """At the default mesh of a cell in space, whole and cut at mid-depth."""
    aspect = 2.0
    mesh = space_mesh(channel(0.5, aspect, periodic=True), SPACE.coarsest, SPACE.layers, half=half)
    field = solve(mesh, 3, Problem(rtol=1e-8)).field
    flow, shear, peak = duct(aspect)
    found = -field.flux("inlet") * (2 if half else 1)
    assert found == pytest.approx(flow, rel=5e-3)
    wall = field.on("wall", "floor", "ceiling")
    assert np.average(wall.shear_rate, weights=wall.weights) == pytest.approx(shear, rel=5e-3)
    assert wall.shear_rate.max() == pytest.approx(peak, rel=5e-3)
    assert field.flux("outlet") == pytest.approx(-field.flux("inlet"), rel=1e-9)
