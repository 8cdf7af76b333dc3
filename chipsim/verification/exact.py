"""Flows with exact solutions: channels and ducts, driven by a force or between open ends, with and without drag."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chipsim.flow.field import Field
from chipsim.flow.stokes import Load, Problem, Solution, Stokes, solve
from chipsim.flow.traction import wall_shear
from chipsim.verification.check import Check, compare, converging, small
from chipsim.verification.domains import channel, plane_mesh, space_mesh
from geometries.mesh import Mesh

_POISEUILLE = "Poiseuille; White, Viscous Fluid Flow, 3rd ed., section 3-3"


def _field(solution: Solution) -> Field:
    assert solution.field is not None  # one rank
    return solution.field


def channels() -> Iterator[Check]:
    """Between plates: a parabola is in the elements' space, so everything comes out to rounding."""
    mesh = plane_mesh(channel(2.0, 1.0, periodic=True), 0.25)
    field = _field(solve(mesh, 2, Problem()))
    name = "plane channel, periodic"
    yield compare(name, _POISEUILLE, "flow rate", 1 / 12, -field.flux("inlet"), 1e-10)
    rate = wall_shear(field, "wall").rate
    yield compare(name, _POISEUILLE, "largest wall shear", 0.5, rate.max(), 1e-8)
    yield compare(name, _POISEUILLE, "smallest wall shear", 0.5, rate.min(), 1e-8)
    mesh = plane_mesh(channel(2.0, 1.0), 0.25)
    problem = Stokes(mesh, 2, Problem(periodic=False, open=("inlet", "outlet")))
    for inlet, outlet in ((1.0, 0.0), (3.0, 5.0)):
        field = _field(problem.solve(Load(pressure={"inlet": inlet, "outlet": outlet})))
        name = f"plane channel, open, pressure {inlet:g} to {outlet:g}"
        yield compare(
            name, _POISEUILLE, "flow rate", (inlet - outlet) / 24, float(field.flux("outlet")), 1e-10
        )
        rate, expected = wall_shear(field, "wall").rate, abs(inlet - outlet) / 4
        yield compare(name, _POISEUILLE, "largest wall shear", expected, rate.max(), 1e-8)
        yield compare(name, _POISEUILLE, "smallest wall shear", expected, rate.min(), 1e-8)


def drag() -> Iterator[Check]:
    """A channel with Brinkman drag a: u = (1 - cosh(s (y - 1/2)) / cosh(s / 2)) / a, s = sqrt(a)."""
    a, name, source = 50.0, "plane channel, drag 50", "Brinkman equation, solved by hand"
    s = np.sqrt(a)
    exact = (1 - np.tanh(s / 2) / (s / 2)) / a
    sizes = np.array([0.2, 0.1, 0.05])
    flows = np.array([_drag_flow(size, a) for size in sizes])
    yield converging(name, source, "flow rate", sizes, np.abs(flows / exact - 1), limit=1e-5, least_order=3.5)


def _drag_flow(size: float, a: float) -> float:
    mesh = plane_mesh(channel(1.0, 1.0, periodic=True), size)
    return -_field(solve(mesh, 2, Problem(drag=a))).flux("inlet")


def duct_numbers(aspect: float, terms: int = 199) -> tuple[float, float, float]:
    """Flow rate, mean and largest wall shear at unit gradient and viscosity, of a duct 1 high and ``aspect`` wide.

    Source: White, Viscous Fluid Flow, 3rd ed., equation 3-48.
    """
    n = np.arange(1, terms, 2)
    flow = aspect / 12 * (1 - 192 / (np.pi**5 * aspect) * np.sum(np.tanh(n * np.pi * aspect / 2) / n**5))
    peak = 0.5 - 4 / np.pi**2 * np.sum(1 / (n**2 * np.cosh(np.minimum(n * np.pi * aspect / 2, 700))))
    return flow, aspect / (2 * (1 + aspect)), peak


def _duct(mesh: Mesh) -> Field:
    return _field(solve(mesh, 3, Problem(rtol=1e-8)))


def duct() -> Iterator[Check]:
    """A duct twice as wide as high, whole and cut at mid-depth, on finer and finer meshes."""
    aspect, counts = 2.0, (3, 5, 8)
    flow, _, _ = duct_numbers(aspect)
    outline = channel(0.5, aspect, periodic=True)
    flows = np.array([-_duct(space_mesh(outline, 1 / n, n)).flux("inlet") for n in counts])
    yield converging(
        "duct 2 : 1", _POISEUILLE, "flow rate", 1 / np.array(counts), np.abs(flows / flow - 1), limit=5e-4, least_order=3.0
    )  # fmt: skip
    half = _duct(space_mesh(outline, 1 / 8, 4, half=True))
    yield compare("duct 2 : 1, half the depth", _POISEUILLE, "flow rate", flow / 2, -half.flux("inlet"), 5e-4)


def balance() -> Iterator[Check]:
    """What holds the fluid: the walls' reactions and the ends' together balance the driving force."""
    mesh = plane_mesh(channel(4.0, 1.0, hole=0.2), 0.1)
    field = _field(
        solve(mesh, 2, Problem(periodic=False, open=("inlet", "outlet")), Load(pressure={"inlet": 1.0}))
    )
    name, source = "cylinder between walls, open ends", "balance of forces"
    reaction = field.reaction
    assert reaction is not None
    yield small(name, source, "sum of all reactions", float(np.abs(reaction.sum(axis=0)).max()), 1e-10)
    yield small(
        name,
        "what comes in goes out",
        "net outflow",
        (field.flux("outlet") + field.flux("inlet")) / field.flux("outlet"),
        1e-10,
    )
    mesh = space_mesh(channel(2.0, 1.0, hole=0.2, periodic=True), 0.2, 4)
    field = _field(solve(mesh, 3, Problem()))
    assert field.reaction is not None
    volume = mesh.measure()
    yield compare(
        "cylinder between walls, in space", source, "walls' drag over the driving force", 1.0,
        -float(field.reaction[:, 0].sum()) / volume, 1e-5,
    )  # fmt: skip
