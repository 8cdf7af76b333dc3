"""Bodies held in a flow, or moved through it: force, traction and torque against exact solutions."""

import math

import numpy as np
import pytest

from chipsim.flow.bodies import Motion, body_loads, drag_factor
from chipsim.flow.stokes import Load, Problem, Stokes
from chipsim.verification.bodies import brenner, quarter_load
from geometries.bodies import BodySizes, box_with_bodies
from geometries.cut_out import Sphere

# -- in unbounded fluid: the exact flow prescribed on the sides of a box ---------------------------------------------------
RADIUS, CENTRE = 1.0, (2.0, 2.1, 2.2)
WIND, SPIN = np.array([1.0, 0.5, -0.3]), np.array([0.3, 0.2, 1.0])


def stokes_flow(x):
    """Past a sphere at rest, the wind far away (Stokes 1851; Happel and Brenner 1983, chapter 4)."""
    arm = x[:3].T - CENTRE
    r = np.linalg.norm(arm, axis=1)[:, None]
    along = arm * (arm @ WIND)[:, None] / r**2
    return (WIND - 0.75 * RADIUS / r * (WIND + along) - RADIUS**3 / 4 / r**3 * (WIND - 3 * along)).T


def around_a_spinning_sphere(x):
    arm = x[:3].T - CENTRE
    return (np.cross(SPIN, arm) * (RADIUS / np.linalg.norm(arm, axis=1)[:, None]) ** 3).T


def unbounded(size):
    sphere = Sphere(CENTRE, RADIUS)
    mesh = box_with_bodies(
        (0, 0, 0),
        (4, 4.2, 4.4),
        ("side",) * 6,
        [sphere],
        BodySizes(coarsest=2 * size, body=size, growth=size),
    )
    problem = Problem(periodic=False, rtol=1e-9)
    return sphere, mesh, problem, Stokes(mesh, 3, problem)


def test_force_and_traction_of_stokes_flow():
    """Force 6 pi a U; the traction is 3 U / (2 a) all over the sphere, up to the constant pressure."""
    sphere, mesh, problem, stokes = unbounded(0.25)
    load = Load(velocity={"side": stokes_flow})
    field = stokes.solve(load).field
    (found,) = body_loads(field, [sphere], problem, load)
    exact = 6 * math.pi * RADIUS * WIND
    np.testing.assert_allclose(found.force, exact, rtol=4e-3)
    np.testing.assert_allclose(found.torque, 0, atol=4e-3 * np.linalg.norm(exact) * RADIUS)
    surface = found.surface
    constant = (
        surface.weights @ np.einsum("ni,ni->n", surface.traction, surface.normals) / surface.weights.sum()
    )
    error = surface.traction - constant * surface.normals - 1.5 / RADIUS * WIND
    rms = math.sqrt(surface.weights @ (error**2).sum(axis=1) / surface.weights.sum())
    # Derivatives and P1 pressures on the facets converge one order slower than the force.
    assert rms < 0.12 * 1.5 * np.linalg.norm(WIND)
    np.testing.assert_allclose(surface.weights.sum(), 4 * math.pi * RADIUS**2, rtol=1e-3)
    # What the sides and the body hold the fluid with cancels.
    np.testing.assert_allclose(field.reaction.sum(axis=0), 0, atol=1e-6 * np.linalg.norm(exact))


def test_the_integral_of_the_traction_comes_to_the_force():
    """Two ways to one number: the traction over the sphere, less accurate, approaches the residual's force."""
    errors = []
    for size in (0.5, 0.3):
        sphere, mesh, problem, stokes = unbounded(size)
        load = Load(velocity={"side": stokes_flow})
        (found,) = body_loads(stokes.solve(load).field, [sphere], problem, load)
        exact = 6 * math.pi * RADIUS * WIND
        by_traction = found.surface.weights @ found.surface.traction
        errors.append([np.linalg.norm(f - exact) / np.linalg.norm(exact) for f in (found.force, by_traction)])
    (coarse, coarse_traction), (fine, fine_traction) = errors
    assert fine < coarse / 3 and fine_traction < coarse_traction / 2
    assert fine < 0.01 and fine < fine_traction < 0.05


def test_torque_of_a_spinning_sphere():
    """8 pi a^3 Omega, of which a third is not in the residual; no force."""
    sphere, mesh, problem, stokes = unbounded(0.25)
    motion = Motion(rotation=tuple(SPIN))
    load = Load(velocity={"side": around_a_spinning_sphere, "body_0": motion.velocity(sphere)})
    (found,) = body_loads(stokes.solve(load).field, [sphere], problem, load)
    np.testing.assert_allclose(found.torque, -8 * math.pi * RADIUS**3 * SPIN, rtol=4e-3)
    np.testing.assert_allclose(found.force, 0, atol=4e-3 * 8 * math.pi)
    assert drag_factor(found, motion) == pytest.approx(1, rel=3e-3)


# -- between walls: the factors themselves are cases of the verification page ------------------------------------------------
def test_off_the_middle_a_sphere_would_turn():
    """Held from turning it feels a torque about the axis across, and no other."""
    load = quarter_load(0.4)
    assert load.torque[1] < 0


def test_brenners_series():
    assert brenner(math.cosh(1)) == pytest.approx(3.0361, rel=1e-4)
    # Far from the plane: Lorentz's 1 + 9 / (8 s).
    assert brenner(100.0) == pytest.approx(1 / (1 - 9 / 800), rel=1e-4)
