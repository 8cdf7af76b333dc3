"""The flow through a membrane at an operation, from a solved 8 um pore 10 um long (water of 20 degC)."""

import numpy as np
import pytest

from chipsim.design import Operation
from chipsim.flow.pore_result import PoreCell, PoreFlow
from chipsim.flow.stokes import Load, Problem, solve
from chipsim.flow.traction import wall_shear
from geometries.membrane import meridian
from geometries.mesh import Resolution, mesh_outline
from geometries.pore_filter import PoreFilter


@pytest.fixture(scope="module")
def flow():
    """Half of the pore in a reservoir of 20 radii, by symmetry."""
    mesh = mesh_outline(
        meridian(4.0, 10.0, 80.0, 80.0, half=True), Resolution(sharp_tip=1e-3, growth=0.3, coarsest=5)
    )
    problem = Problem(periodic=False, open=("inlet", "outlet"), axisymmetric=True)
    solution = solve(mesh, 2, problem, Load(pressure={"inlet": 0.5}))
    field = solution.field.scaled(1 / solution.field.flux("outlet"))
    wall = wall_shear(field, "pore")
    middle = wall.points[:, 0] > 4.0  # of the bore, that ends at 5 um
    cell = PoreCell(
        model="axisymmetric",
        refine=1.0,
        divergence_residual=solution.divergence_residual,
        method=solution.method,
        unknowns=solution.unknowns,
        iterations=solution.iterations,
        residual=solution.residual,
        resistance=1e18 / solution.field.flux("outlet"),
        alone=True,
        bore_shear=1e18 * float(np.average(wall.rate[middle], weights=wall.weights[middle])),
        peak_speed=1e12 * float(np.linalg.norm(field.velocity, axis=1).max()),
        flux_error=abs(field.flux("inlet") + 1),
        field=field,
    )
    return PoreFlow(membrane=PoreFilter(tolerance=0.0), cell=cell)


def water(**values):
    return Operation(viscosity="1.002 mPa s", **values)


def test_a_pore_has_the_numbers_of_the_reference(flow):
    one = water(pressure="1 kPa")
    assert flow.pore_resistance(1.002e-3) == pytest.approx(1.4595e14, rel=3e-3)
    assert flow.pore_flow_rate(one) == pytest.approx(6.852e-12, rel=3e-3)
    assert flow.mean_speed(one) == pytest.approx(0.136, rel=5e-3)
    assert flow.reynolds(one) == pytest.approx(1.09, rel=5e-3)
    assert flow.bore_wall_shear_stress(one) == pytest.approx(137, rel=5e-3)
    assert flow.residence_time(one) == pytest.approx(73e-6, rel=1e-2)


def test_pressure_and_flow_rate_say_the_same(flow):
    given = water(pressure="1 kPa")
    asked = water(flow_rate=flow.flow_rate(given))
    assert flow.pressure(asked) == pytest.approx(1000.0)
    viscosity = given.viscosity
    assert flow.spot_resistance(viscosity) == pytest.approx(1 / np.sum(1 / flow.pore_resistances(viscosity)))
    # Alike pores: a few per cent go where two overlap.
    count = len(flow.membrane.pores().x)
    assert 1.0 < flow.spot_resistance(viscosity) * count / flow.pore_resistance(viscosity) < 1.05


def test_inertia_is_told_where_it_matters(flow):
    assert flow.inertial_loss(water(pressure="1 kPa")) == pytest.approx(0.014, abs=0.001)
    assert not flow.warnings(water(pressure="1 kPa"))
    (said,) = flow.warnings(water(pressure="10 kPa"))
    assert "14% of the pressure" in said and "Reynolds number of 11" in said


def test_fields_have_the_pressure_asked_for(flow):
    velocity, pressure = flow.fields(water(pressure="1 kPa"))
    x = flow.cell.field.mesh.points[:, 0]
    # Over the half that was solved; at the rim itself the pressure has no limit.
    assert pressure[x == x.min()] == pytest.approx(500.0, rel=1e-2)
    assert np.linalg.norm(velocity, axis=1).max() == pytest.approx(2 * 0.136, rel=0.02)
