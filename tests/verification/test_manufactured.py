"""Manufactured solutions on curved cells: order 3 for velocity and 2 for pressure, in L2, in the plane and in space."""

import numpy as np
import pytest

from channels import channel, plane_mesh, space_mesh
from chipsim.flow.stokes import Load, Problem, solve

PI = np.pi


def plane_velocity(x):
    return np.array([np.sin(PI * x[0]) * np.cos(PI * x[1]), -np.cos(PI * x[0]) * np.sin(PI * x[1])])


def plane_pressure(x):
    return np.sin(PI * x[0]) * np.sin(PI * x[1])


def plane_force(x):
    gradient = PI * np.array([np.cos(PI * x[0]) * np.sin(PI * x[1]), np.sin(PI * x[0]) * np.cos(PI * x[1])])
    return 2 * PI**2 * plane_velocity(x) + gradient


def space_velocity(x):
    (sx, sy, sz), (cx, cy, cz) = np.sin(PI * x[:3]), np.cos(PI * x[:3])
    return np.array([sx * cy * cz, cx * sy * cz, -2 * cx * cy * sz])


def space_pressure(x):
    return np.prod(np.sin(PI * x[:3]), axis=0)


def space_force(x):
    (sx, sy, sz), (cx, cy, cz) = np.sin(PI * x[:3]), np.cos(PI * x[:3])
    return 3 * PI**2 * space_velocity(x) + PI * np.array([cx * sy * sz, sx * cy * sz, sx * sy * cz])


def errors(mesh, dim, velocity, pressure, force, drag=0.0, method=None):
    def driven(x):
        return force(x) + drag * velocity(x)

    problem = Problem(periodic=False, drag=drag, rtol=1e-9, method=method)
    load = Load(body_force=driven, velocity=dict.fromkeys(mesh.regions, velocity))
    field = solve(mesh, dim, problem, load).field
    volume = field.integrate(lambda x, u, p: np.ones(len(x)))
    shift = field.integrate(lambda x, u, p: p - pressure(x.T)) / volume  # pressure is known up to a constant
    in_u = field.integrate(lambda x, u, p: ((u - velocity(x.T).T) ** 2).sum(axis=1))
    in_p = field.integrate(lambda x, u, p: (p - pressure(x.T) - shift) ** 2)
    return np.sqrt(in_u), np.sqrt(in_p)


@pytest.mark.parametrize("drag", [0.0, 30.0])
def test_orders_in_the_plane(drag):
    meshes = [plane_mesh(channel(hole=0.2), size) for size in (0.2, 0.1, 0.05)]
    found = np.array([errors(m, 2, plane_velocity, plane_pressure, plane_force, drag) for m in meshes])
    # By the number of cells, as gmsh's sizes are wishes.
    width = np.array([len(m.cells) ** -0.5 for m in meshes])
    orders = np.log(found[:-1] / found[1:]) / np.log(width[:-1] / width[1:])[:, None]
    assert np.all(orders[:, 0] > 2.8), orders
    assert np.all(orders[:, 1] > 1.9), orders
    assert found[-1, 0] < 1e-4


@pytest.mark.slow
def test_orders_in_space():
    meshes = [space_mesh(channel(hole=0.2), 1 / n, n) for n in (4, 7, 12)]
    found = np.array([errors(m, 3, space_velocity, space_pressure, space_force) for m in meshes])
    width = np.array([len(m.cells) ** (-1 / 3) for m in meshes])
    orders = np.log(found[:-1] / found[1:]) / np.log(width[:-1] / width[1:])[:, None]
    assert np.all(orders[:, 0] > 2.8), orders
    assert np.all(orders[:, 1] > 1.9), orders


def test_both_methods_agree():
    mesh = plane_mesh(channel(hole=0.2, periodic=True), 0.1)
    direct = solve(mesh, 2, Problem(method="direct")).field
    iterative = solve(mesh, 2, Problem(method="minres", rtol=1e-10)).field
    assert np.abs(direct.velocity - iterative.velocity).max() < 1e-8 * np.abs(direct.velocity).max()
    gap = direct.pressure - iterative.pressure
    assert np.ptp(gap) < 1e-7 * np.ptp(direct.pressure)
