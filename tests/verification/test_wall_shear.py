"""Wall shear from the reactions beside the velocity's gradient: the same flows as on the page of verification."""

import numpy as np
import pytest

from chipsim.flow.field import Field, quadrature, shape_functions
from chipsim.flow.stokes import Load, Problem, solve
from chipsim.flow.traction import direct_shear, wall_shear
from chipsim.verification import wall_shear as known
from chipsim.verification.domains import plane_mesh
from chipsim.verification.wall_shear import past_a_cylinder


@pytest.mark.parametrize(
    ("family", "in_l2", "of_the_mean"),
    [
        (lambda: known.duct(half=False), 0.6, 1 / 50),
        (known.channel_with_drag, 1 / 20, 1 / 50),
        (lambda: known.couette("inner"), 1 / 3, 1 / 20),
        (lambda: known.couette("outer"), 1 / 3, 1 / 10),
        (lambda: known.axial("inner"), 1 / 4, 1 / 10),
        (known.cylinder, 1 / 2, 1 / 20),
    ],
    ids=["duct", "drag", "couette inner", "couette outer", "axial inner", "cylinder"],
)
def test_better_than_the_gradient(family, in_l2, of_the_mean):
    """Smaller errors on the finest mesh, in L2 and of the mean; the gradient's mean is second order at best."""
    family = family()
    direct, found = family.errors(direct_shear), family.errors()
    assert np.all(found[:, 0] < in_l2 * direct[:, 0])
    assert found[-1, 1] < of_the_mean * direct[-1, 1]
    assert family.orders(direct_shear)[1] < 2.1


def test_drag_on_a_cylinder_between_walls():
    """Shear and pressure on a moving cylinder of a quarter of the width: Faxen's series, good to 0.1 % there.

    Source: H. Faxen, Ingeniorsvetenskapsakad. Handl. 187 (1946), recalled: force by viscosity and speed.
    """
    k = 0.25
    faxen = (
        4 * np.pi / (np.log(1 / k) - 0.9157 + 1.7244 * k**2 - 1.7302 * k**4 + 2.4056 * k**6 - 4.5913 * k**8)
    )
    moving = Load(velocity={"cylinder": lambda x: np.array([1 + 0 * x[0], 0 * x[0]])})
    field = solve(
        plane_mesh(past_a_cylinder(6.0, k / 2, periodic=False), 0.05), 2, Problem(periodic=False), moving
    ).field
    cylinder = np.unique(field.mesh.facets[field.facets("cylinder")])
    held = field.reaction[cylinder, 0].sum()
    assert held == pytest.approx(faxen, rel=1e-3)
    wall = field.on("cylinder")
    pressure = wall.weights @ (wall.pressure * wall.normals[:, 0])
    recovered, direct = (
        f.weights @ f.vector[:, 0] - pressure
        for f in (wall_shear(field, "cylinder"), direct_shear(field, "cylinder"))
    )
    assert abs(recovered / held - 1) < abs(direct / held - 1) / 3


def test_the_level_of_the_pressure_does_not_matter():
    """The reactions hold the pressure; on a curved wall a high one must not leak into the shear."""
    field = solve(plane_mesh(past_a_cylinder(2.0, 0.25, periodic=True), 0.1), 2, Problem()).field
    level = 1e3 * np.ptp(field.pressure)
    everywhere = field.sample(np.arange(len(field.mesh.facets)))
    shapes, _ = shape_functions(quadrature(1)[0])
    weights = everywhere.weights.reshape(-1, len(shapes))
    push = np.zeros_like(field.reaction)
    normals = everywhere.normals.reshape(*weights.shape, 2)
    np.add.at(push, field.mesh.facets, np.einsum("fq,qk,fqi->fki", weights, shapes, normals))
    raised = Field(field.mesh, field.velocity, field.pressure + level, field.reaction - level * push)
    np.testing.assert_allclose(
        wall_shear(raised, "cylinder").vector, wall_shear(field, "cylinder").vector, atol=1e-9
    )


def test_without_reactions_it_is_the_gradient():
    field = solve(plane_mesh(past_a_cylinder(2.0, 0.25, periodic=True), 0.2), 2, Problem()).field
    kept = Field(field.mesh, field.velocity, field.pressure)
    np.testing.assert_array_equal(wall_shear(kept, "wall").vector, direct_shear(field, "wall").vector)
