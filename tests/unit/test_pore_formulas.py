"""The formula of slanted pores beside solves in space, and where it could lose its footing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chipsim.flow.pore_formulas import unit_resistance
from chipsim.flow.stokes import Load, Problem, solve
from geometries.bores import Bore
from geometries.membrane_mesh import mesh_bores
from geometries.pore_filter import PoreFilter

#: A pore of radius 1 um, so sparse that it is alone.
ALONE = PoreFilter(diameter="2 um", density="1e4 /cm^2", tolerance=0.0)


def solved(thickness: float, tilt: float) -> float:
    """Resistance over viscosity of a slanted pore of radius 1, by half of it beside a mirror plane."""
    run = thickness * math.tan(tilt)
    wide = 10 + run / 2
    mesh = mesh_bores(
        [Bore(-run / 2, 0.0, 2.0, tilt=tilt)], thickness, (-wide, 0.0, wide, 10.0), 10.0,
        rim=1 / 20, growth=0.35, coarsest=3.0,
    )  # fmt: skip
    problem = Problem(periodic=False, open=("inlet", "outlet"))
    field = solve(mesh, 3, problem, Load(pressure={"inlet": 1.0})).field
    assert field is not None
    return 1 / (2 * field.flux("outlet"))


@pytest.mark.parametrize(("thickness", "degrees"), [(0.1, 50), (0.25, 45), (0.5, 60), (1.0, 30), (2.5, 45)])
def test_slanted_pores_by_formula_are_as_solved(thickness, degrees):
    membrane = ALONE.replace(thickness=thickness * 1e-6)
    slant = 1 / math.cos(math.radians(degrees))
    formula = float(unit_resistance(membrane, slant=slant)) * 1e-18
    assert formula == pytest.approx(solved(thickness, math.radians(degrees)), rel=0.02)


def test_no_slant_makes_a_resistance_negative():
    """Thin, dense and slanted far: what the slant and the neighbours take off the entrance is nearly all of it."""
    slant = 1 / np.cos(np.radians(np.linspace(0, 80, 81)))
    for thickness in np.geomspace(0.1e-6, 1e-3, 41):
        membrane = PoreFilter(diameter="40 um", thickness=thickness, density="3.9e4 /cm^2", tolerance=0.0)
        assert np.all(unit_resistance(membrane, slant=slant, array=True) > 0), thickness
