"""Pores in space: Sampson's opening, pores of finite length, slits, lattices; rectangles and patches beside their formulas."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chipsim.flow import pore
from chipsim.flow.field import Field
from chipsim.flow.pore_formulas import array_factor, unit_resistance
from chipsim.flow.stokes import Load, Problem, solve
from chipsim.verification.check import Check, compare, converging, small
from chipsim.verification.pores import ALONE, PROTOTYPE, SAMPSON, SLIT_PROTOTYPE, SLITS, sampson
from geometries.bores import Bore
from geometries.membrane_mesh import mesh_bores
from geometries.pore_filter import PoreFilter

_OPEN = Problem(periodic=False, open=("inlet", "outlet"))
_FAR = 10.0  # radii of reservoir around a pore that is alone
_TIO_SADHAL = (
    "Tio and Sadhal, Appl. Sci. Res. 52, 1 (1994), recalled as quoted by Jensen, Valente and Stone (2014)"
)
_SOLVED = "chipsim's solve in space"


def _half(
    bore: Bore,
    thickness: float,
    sides: tuple[float, float],
    far: float,
    rim: float = pore.RIM,
    growth: float = 0.25,
) -> Field:
    """A quarter of half a pore between mirror planes, at a unit pressure over all of it."""
    mesh = mesh_bores(
        [bore],
        thickness,
        (0.0, 0.0, *sides),
        far,
        rim=rim,
        growth=growth,
        coarsest=pore.COARSEST,
        half=True,
    )
    field = solve(mesh, 3, _OPEN, Load(pressure={"inlet": 0.5})).field
    assert field is not None  # one rank
    return field


def _round(thickness: float, side: float = _FAR, rim: float = pore.RIM) -> Field:
    return _half(Bore(0.0, 0.0, 2.0), thickness, (side, side), _FAR, rim)


def _resistance(field: Field) -> float:
    return 1 / (4 * field.flux("outlet"))


def in_space() -> Iterator[Check]:
    """Round pores and slits at unit radius or half-width, viscosity and pressure."""
    yield from _opening()
    for thickness, expected in ALONE.items():
        name = f"round pore in space, {thickness:g} radii long"
        yield compare(name, PROTOTYPE, "resistance", expected, _resistance(_round(thickness)), 1.5e-2)
    for thickness, expected in SLITS.items():
        strip = _half(Bore(0.0, 0.0, 2.0, 4.0), 2 * thickness, (60.0, 1.0), 60.0)
        found = 4 * _resistance(strip)  # of a strip as long as the slit is wide: R w^2 of a unit length
        name = f"slit in space, {thickness:g} widths thick"
        yield compare(name, SLIT_PROTOTYPE, "resistance", expected, 2 * found, 1.5e-2)
    for coverage in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5):
        pitch, left = math.sqrt(math.pi / coverage), array_factor(coverage, "square")
        name = f"square lattice in space, coverage {coverage:g}"
        thin = _resistance(_round(0.0, pitch / 2))
        yield compare(f"{name}, no thickness", _TIO_SADHAL, "resistance", 3 * left, thin, 1e-2)
        long = 2.956 - 3 * (1 - left) + 20 / math.pi
        found = _resistance(_round(2.5, pitch / 2))
        yield compare(f"{name}, 2.5 radii long", _TIO_SADHAL, "resistance", long, found, 1e-2)


def _opening() -> Iterator[Check]:
    name, sizes = "round opening in space, no thickness", np.array([1 / 16, 1 / 32, 1 / 64, 1 / 128])
    fields = [_round(0.0, rim=size) for size in sizes]
    errors = np.array([abs(_resistance(field) / 3 - 1) for field in fields])
    yield converging(name, SAMPSON, "resistance", sizes, errors, limit=2e-2, least_order=0.9)
    yield compare(name, SAMPSON, "resistance", 3.0, _resistance(fields[2]), 2e-2)
    # (x, r) of the exact flow are (z, distance from the axis); in the plane x = y.
    plane = np.stack(np.meshgrid(-np.linspace(0.05, 5, 40), np.linspace(0.01, 5, 40)), axis=-1).reshape(-1, 2)
    plane = plane[np.hypot(plane[:, 0], plane[:, 1] - 1) > 0.2]
    across = plane[:, 1] / math.sqrt(2)
    found = fields[2].at(np.column_stack([across, across, plane[:, 0]]))
    radial = (found[:, 0] + found[:, 1]) / math.sqrt(2)
    exact = sampson(plane) / 3
    apart = np.column_stack([found[:, 2], radial]) - exact
    error = float(np.sqrt(np.sum(apart**2) / np.sum(exact**2)))
    yield Check(name, SAMPSON, "velocity beyond 0.2 radii from the rim, error in L2", 0.0, error, error, 0.02)


def rectangles() -> Iterator[Check]:
    """Rectangular openings by formula beside the solve, alone and in lattices."""
    for aspect in (1.0, 2.5, 7.0):
        for thickness in (0.5, 5.0):
            far = 8 * (1 + aspect)
            field = _half(Bore(0.0, 0.0, 2.0, 2 * aspect), thickness, (far, far), far, rim=1 / 32, growth=0.3)
            lone = _rectangle(2e-6, 2e-6 * aspect, thickness * 1e-6, "1e5 /cm^2")
            name = f"rectangle {aspect:g} times as long as wide, {thickness / 2:g} widths thick, by formula"
            formula = float(unit_resistance(lone)) * 1e-18
            yield compare(name, _SOLVED, "resistance", _resistance(field), formula, 5e-3)
    for width, length, through, density in (
        ("6 um", "40 um", "10 um", "1.5e5 /cm^2"),
        ("5 um", "15 um", "1 um", "3.8e5 /cm^2"),
    ):
        membrane = _rectangle(width, length, through, density)
        cell = pore.solve_cell(membrane, "3d", refine=0.6)
        name = f"lattice of {width} x {length} through {through}, coverage {membrane.nominal_coverage:.2g}, by formula"
        yield compare(name, _SOLVED, "resistance", cell.resistance, cell.formula, 2e-2)


def _rectangle(width: Any, length: Any, thickness: Any, density: str) -> PoreFilter:
    return PoreFilter(
        pore="square" if width == length else "slit",
        width=width,
        length=length,
        thickness=thickness,
        density=density,
        placement="square",
        tolerance=0.0,
    )


def patch() -> Iterator[Check]:
    """Patches of random membranes: what each opening carries, by the solve and by the formula."""
    for name, membrane in (
        ("patch of ISET's membrane", PoreFilter()),
        (
            "patch, 2.5 times as dense, tracks up to 30 degrees",
            PoreFilter(density="2.5e5 /cm^2", tilt="30 deg", seed=3),
        ),
    ):
        cell = pore.solve_cell(membrane, "patch", refine=0.75)
        assert cell.openings is not None
        yield compare(f"{name}, by formula", _SOLVED, "resistance", cell.resistance, cell.formula, 3e-2)
        solved, formula = (np.array(cell.openings[key]) for key in ("flow_share", "flow_share_by_formula"))
        yield small(
            name,
            "conservation",
            "flow of all openings over that at the outlet, less one",
            solved.sum() - 1,
            1e-3,
        )
        ratio = formula / cell.formula * cell.resistance / solved
        count, cut = np.array(cell.openings["pores"]), np.array(cell.openings["cut"])
        for what, chosen, limit in (
            ("single pores", (count == 1) & ~cut, 0.02),
            ("overlapping pores", (count > 1) & ~cut, 0.1),
        ):
            worst = ratio[chosen][np.abs(ratio[chosen] - 1).argmax()]
            yield compare(
                f"{name}, by formula",
                _SOLVED,
                f"flow of {what}, worst, over the solved one",
                1.0,
                worst,
                limit,
            )
