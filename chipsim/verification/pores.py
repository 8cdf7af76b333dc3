"""Pores in the plane: a pipe, Sampson's opening, pores of finite length and in an array (axisymmetric), slits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.field import Field
from chipsim.flow.pore_formulas import round_resistance, slit_resistance
from chipsim.flow.stokes import Load, Problem, solve
from chipsim.flow.traction import wall_shear
from chipsim.verification.check import Check, compare, converging
from geometries.membrane import meridian, slit_plane
from geometries.mesh import Resolution, mesh_outline
from geometries.outline import Outline, rectangle

_OPEN = Problem(periodic=False, open=("inlet", "outlet"), axisymmetric=True)
SAMPSON = "Sampson, Phil. Trans. R. Soc. A 182, 449 (1891)"
PROTOTYPE = "axisymmetric Q2-Q1 prototype in a domain of 60 radii (error 0.02 %)"
#: R a^3 / viscosity by length over radius, pore alone; by coverage and length over radius, in a cell that lets slip.
ALONE = {
    0.1: 3.2434, 0.25: 3.6126, 0.5: 4.2372, 1: 5.5034, 1.75: 7.4124, 2: 8.0490, 2.5: 9.3222, 2.75: 9.9589, 3: 10.5955,
    4: 13.1420, 5: 15.6884, 10: 28.4209,
}  # fmt: skip
_IN_ARRAY = {
    (0.01, 0): 3.0007, (0.0503, 0): 2.9899, (0.10, 0): 2.9683, (0.20, 0): 2.9044, (0.30, 0): 2.8165, (0.40, 0): 2.7046,
    (0.50, 0): 2.5668, (0.01, 2.5): 9.3215, (0.0503, 2.5): 9.3109, (0.10, 2.5): 9.2894, (0.20, 2.5): 9.2262,
    (0.30, 2.5): 9.1397, (0.40, 2.5): 9.0306, (0.50, 2.5): 8.8977,
}  # fmt: skip
_FAR = 20.0  # radii of reservoir around a pore that is alone
_HASIMOTO = "Hasimoto, J. Phys. Soc. Japan 13, 633 (1958), recalled"
SLIT_PROTOTYPE = "plane Q2-Q1 prototype in a domain of 60 half-widths (error 0.02 %)"
#: R w^2 / viscosity per length of a slit by thickness over width.
SLITS = {0.25: 13.034, 0.5: 15.998, 1: 21.991, 1.25: 24.991, 2: 33.991, 2.5: 39.991}


def _solved(outline: Outline, resolution: Resolution, pressure: float, problem: Problem = _OPEN) -> Field:
    field = solve(mesh_outline(outline, resolution), 2, problem, Load(pressure={"inlet": pressure})).field
    assert field is not None  # one rank
    return field


def _half(length: float, cell_radius: float, rim: float = 1e-3) -> Field:
    """Half of a pore of radius 1 at a unit pressure over all of it, by symmetry."""
    outline = meridian(1.0, length, cell_radius, _FAR, half=True)
    return _solved(outline, Resolution(sharp_tip=rim, growth=0.3, coarsest=5.0), 0.5)


def axisymmetric() -> Iterator[Check]:
    """Everything at unit radius, viscosity and pressure."""
    pipe = Outline(rectangle(0, 0, 3, 1, ("axis", "outlet", "wall", "inlet")), (), 1.0, (), 0.0, 1.0)
    source = "Poiseuille; White, Viscous Fluid Flow, 3rd ed., section 3-3"
    name, field = "pipe, axisymmetric", _solved(pipe, Resolution(coarsest=0.2), 3.0)
    yield compare(name, source, "flow rate", np.pi / 8, field.flux("outlet"), 1e-10)
    rate = wall_shear(field, "wall").rate
    yield compare(name, source, "largest wall shear", 0.5, rate.max(), 1e-8)
    yield compare(name, source, "smallest wall shear", 0.5, rate.min(), 1e-8)
    yield from _opening()
    for length, expected in ALONE.items():
        name, found = f"round pore, {length:g} radii long", 1 / _half(length, _FAR).flux("outlet")
        yield compare(name, PROTOTYPE, "resistance", expected, found, 3e-3)
        formula = float(round_resistance(length))
        yield compare(f"{name}, by formula", PROTOTYPE, "resistance", expected, formula, 1e-3)
    for (coverage, length), expected in _IN_ARRAY.items():
        found = 1 / _half(length, float(1 / np.sqrt(coverage))).flux("outlet")
        name = f"round pore, {length:g} radii long, coverage {coverage:g}"
        yield compare(name, PROTOTYPE, "resistance", expected, found, 3e-3)


def _opening() -> Iterator[Check]:
    """A wall without thickness, through whose opening the exact flow runs in line with the axis."""
    name, sizes = "round opening, no thickness", np.array([0.08, 0.04, 0.02, 0.01])
    found = np.array([1 / _half(0.0, 2 * _FAR, size).flux("outlet") for size in sizes])
    error = np.abs(found / 3 - 1)
    yield converging(name, SAMPSON, "resistance", sizes, error, limit=5e-3, least_order=0.9)
    field = _half(0.0, 2 * _FAR)
    yield compare(name, SAMPSON, "resistance", 3.0, 1 / field.flux("outlet"), 5e-3)
    grid = np.stack(np.meshgrid(-np.linspace(0.05, 5, 40), np.linspace(0.01, 5, 40)), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(grid[:, 0], grid[:, 1] - 1) > 0.2]
    exact = sampson(grid) / 3  # the flow is a third at a unit pressure
    apart = float(np.sqrt(np.sum((field.at(grid)[:, :2] - exact) ** 2) / np.sum(exact**2)))
    yield Check(name, SAMPSON, "velocity beyond 0.2 radii from the rim, error in L2", 0.0, apart, apart, 0.02)


def _half_slit(thickness: float, rim: float = 1e-3) -> Field:
    """Half of the plane above the middle of a slit of width 2 at a unit pressure over all of it, by symmetry."""
    outline = slit_plane(2.0, thickness, 120.0, 60.0, half=True)
    resolution = Resolution(sharp_tip=rim, growth=0.3, coarsest=5.0)
    return _solved(outline, resolution, 0.5, Problem(periodic=False, open=("inlet", "outlet")))


def slits() -> Iterator[Check]:
    """Endless slits at unit half-width, viscosity and pressure; R w^2 is then 4 over the flow."""
    name, sizes = "slit, no thickness", np.array([0.08, 0.04, 0.02, 0.01])
    found = np.array([2 / _half_slit(0.0, size).flux("outlet") for size in sizes])
    expected = 32 / np.pi
    yield converging(
        name,
        _HASIMOTO,
        "resistance",
        sizes,
        np.abs(found / expected - 1),
        limit=5e-3,
        least_order=0.9,
    )
    yield compare(name, _HASIMOTO, "resistance", expected, 2 / _half_slit(0.0).flux("outlet"), 5e-3)
    for thickness, known in SLITS.items():
        name = f"slit, {thickness:g} widths thick"
        found_here = 2 / _half_slit(2 * thickness).flux("outlet")
        yield compare(name, SLIT_PROTOTYPE, "resistance", known, found_here, 5e-3)
        formula = float(slit_resistance(thickness))
        yield compare(f"{name}, by formula", SLIT_PROTOTYPE, "resistance", known, formula, 1e-3)


def sampson(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sampson's velocity at a unit flow through a unit opening, at (x, r), x < 0; shape (n, 2)."""
    x, r = np.abs(points[:, 0]), points[:, 1]
    b = x**2 + r**2 - 1
    lam2 = (b + np.sqrt(b**2 + 4 * x**2)) / 2
    zeta2 = x**2 / lam2
    size = 3 / (2 * np.pi) / (lam2 + zeta2)
    radial = (
        -size * np.sqrt(lam2) * zeta2 * np.sqrt((1 - zeta2) / (1 + lam2))
    )  # toward the axis on the way in
    return np.column_stack([size * zeta2**1.5, radial])
