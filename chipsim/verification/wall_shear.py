"""Wall shear on known flows: its orders of convergence on straight and curved walls, with and without edges.

Errors are relative: of the vector over the wall in L2, of its mean magnitude, of its largest magnitude.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.field import Field
from chipsim.flow.stokes import Load, Problem, solve
from chipsim.flow.traction import ShearSample, wall_shear
from chipsim.verification.check import Check, converging
from chipsim.verification.domains import channel, circle, plane_mesh, space_mesh
from geometries.extrude import extrude
from geometries.mesh import Mesh
from geometries.outline import Outline

Array = NDArray[np.float64]

INNER, OUTER = 0.5, 1.0
_WHITE = "White, Viscous Fluid Flow, 3rd ed."


@dataclass(frozen=True)
class Family:
    """One flow on finer and finer meshes, and the shear that it should have.

    Attributes:
        name: What flows.
        source: Where the exact shear comes from.
        fields: Solved fields.
        walls: Regions of interest.
        exact: From points (n, dim) to shear vectors (n, dim).
        mean: Mean magnitude.
        largest: Largest magnitude.
    """

    name: str
    source: str
    fields: Sequence[Field]
    walls: tuple[str, ...]
    exact: Callable[[Array], Array]
    mean: float
    largest: float

    def errors(self, method: Callable[..., ShearSample] = wall_shear) -> Array:
        """Errors in L2, of the mean and of the largest, shape (meshes, 3)."""
        return np.array([self._errors(method(field, *self.walls)) for field in self.fields])

    def _errors(self, sample: ShearSample) -> list[float]:
        expected, w = self.exact(sample.points), sample.weights
        size = np.linalg.norm(expected, axis=1)
        in_l2 = np.sqrt(w @ ((sample.vector - expected) ** 2).sum(axis=1) / (w @ size**2))
        mean, largest = w @ sample.rate / w.sum(), sample.rate.max()
        return [float(in_l2), abs(mean / self.mean - 1), abs(largest / self.largest - 1)]

    @property
    def sizes(self) -> Array:
        """Cell sizes, by the number of cells as gmsh's sizes are wishes."""
        return np.array([len(field.mesh.cells) ** (-1 / field.dim) for field in self.fields])

    def orders(self, method: Callable[..., ShearSample] = wall_shear) -> Array:
        """Orders of the three errors, fitted to all meshes, shape (3,)."""
        return np.asarray(np.polyfit(np.log(self.sizes), np.log(self.errors(method)), 1)[0])

    def checks(self, limits: Sequence[float], least_orders: Sequence[float | None]) -> Iterator[Check]:
        """The three errors on the finest mesh and their orders; where None, the error alone."""
        found = self.errors()
        for i, quantity in enumerate(("wall shear, L2", "mean wall shear", "largest wall shear")):
            least = least_orders[i]
            check = converging(
                self.name, self.source, quantity, self.sizes, found[:, i], limit=limits[i], least_order=least or 0.0
            )  # fmt: skip
            yield check if least is not None else replace(check, order=None, least_order=None)


def _solved(mesh: Mesh, problem: Problem, load: Load | None = None) -> Field:
    field = solve(mesh, mesh.dim, problem, load).field
    assert field is not None  # one rank
    return field


def duct_shear(x: Array, aspect: float, terms: int = 399) -> Array:
    """A duct 1 high and ``aspect`` wide at unit gradient: series of White, Viscous Fluid Flow, 3rd ed., equation 3-48."""
    a = np.arange(1, terms, 2)[:, None] * np.pi
    y, z = x[:, 1] - aspect / 2, x[:, 2]
    on_side = np.abs(y) > aspect / 2 - 1e-9
    decay = (np.exp(-a * (aspect / 2 - y)) + np.exp(-a * (aspect / 2 + y))) / (1 + np.exp(-a * aspect))
    side = (4 / a**2 * np.tanh(a * aspect / 2) * np.sin(a * z)).sum(axis=0)
    floor = 0.5 - (4 / a**2 * decay).sum(axis=0)
    return np.column_stack([-np.where(on_side, side, floor), 0 * y, 0 * y])


def duct(*, half: bool) -> Family:
    """Walls that meet in edges, and at a mirror plane where half the depth is solved."""
    aspect = 2.0
    outline = channel(0.5, aspect, periodic=True)
    meshes = [space_mesh(outline, 1 / n, n // 2, half=half) for n in (4, 6, 8)]
    largest = -duct_shear(np.array([[0.0, aspect / 2, 0.0]]), aspect)[0, 0]
    return Family(
        "duct 2 : 1" + (", half the depth" if half else ""), f"{_WHITE}, equation 3-48",
        [_solved(mesh, Problem(rtol=1e-9)) for mesh in meshes], ("wall", "floor", "ceiling"),
        lambda x: duct_shear(x, aspect), aspect / (1 + aspect) / 2, float(largest),
    )  # fmt: skip


def channel_with_drag() -> Family:
    """Velocity (1 - cosh(s (y - 1/2)) / cosh(s / 2)) / a, s = sqrt(a): a boundary layer, and no edges."""
    a = 50.0
    s = np.sqrt(a)
    shear = float(np.tanh(s / 2) / s)
    meshes = [plane_mesh(channel(1.0, 1.0, periodic=True), size) for size in (0.2, 0.1, 0.05, 0.025)]
    return Family(
        "plane channel, drag 50", "Brinkman equation, solved by hand", [_solved(m, Problem(drag=a)) for m in meshes],
        ("wall",), lambda x: np.tile([-shear, 0.0], (len(x), 1)), shear, shear,
    )  # fmt: skip


def _ring() -> Outline:
    return Outline(circle(0.0, 0.0, OUTER, "outer"), (circle(0.0, 0.0, INNER, "inner"),), 1.0, (), 0.0, 1.0)


def couette(wall: str) -> Family:
    """Between cylinders, the inner one turning: u = A r + B / r around; curved cells."""
    A = -(INNER**2) / (OUTER**2 - INNER**2)
    B = -A * OUTER**2
    radius, out = (INNER, -1) if wall == "inner" else (OUTER, 1)
    shear = out * (A - B / radius**2)

    def around(x: Array) -> Array:
        return shear * np.column_stack([-x[:, 1], x[:, 0]]) / np.linalg.norm(x, axis=1)[:, None]

    turning = Load(velocity={"inner": lambda x: np.array([-x[1], x[0]])})
    fields = [
        _solved(plane_mesh(_ring(), size), Problem(periodic=False), turning) for size in (0.2, 0.1, 0.05)
    ]
    return Family(
        f"annulus, Couette, {wall} wall", f"{_WHITE}, section 3-2", fields, (wall,), around, abs(shear), abs(shear)
    )  # fmt: skip


def axial(wall: str) -> Family:
    """Axial Poiseuille flow in an annulus between open ends: curved walls that meet the ends."""
    meshes = [
        extrude(plane_mesh(_ring(), size), np.linspace(0.0, 0.5, layers + 1, dtype=np.float64))
        for size, layers in ((0.25, 2), (0.125, 4), (0.08, 6))
    ]
    problem = Problem(periodic=False, open=("floor", "ceiling"), rtol=1e-9)
    radius, out = (INNER, -1) if wall == "inner" else (OUTER, 1)
    shear = out * ((OUTER**2 - INNER**2) / np.log(OUTER / INNER) / radius - 2 * radius) / 4
    return Family(
        f"annulus, axial, {wall} wall", f"{_WHITE}, equation 3-51",
        [_solved(mesh, problem, Load(pressure={"floor": 0.5})) for mesh in meshes], (wall,),
        lambda x: np.tile([0, 0, shear], (len(x), 1)), abs(shear), abs(shear),
    )  # fmt: skip


def past_a_cylinder(length: float, radius: float, *, periodic: bool) -> Outline:
    """A channel of width 1 with a cylinder in the middle."""
    outline = channel(length, 1.0, periodic=periodic)
    return replace(outline, solids=(circle(length / 2, 0.5, radius, "cylinder"),))


def cylinder() -> Family:
    """Between walls, a diameter of half their distance, against the same on half as wide cells as the finest."""
    outline = past_a_cylinder(2.0, 0.25, periodic=True)
    sizes = (0.1, 0.05, 0.025, 0.0125)
    *fields, best = (_solved(plane_mesh(outline, size), Problem()) for size in sizes)
    reference = wall_shear(best, "cylinder")

    def angle(x: Array) -> Any:
        return np.arctan2(x[:, 1] - 0.5, x[:, 0] - 1.0)

    def around(x: Array) -> Array:
        return np.column_stack([-np.sin(angle(x)), np.cos(angle(x))])

    along = np.einsum("ni,ni->n", reference.vector, around(reference.points))
    turn = angle(reference.points)
    return Family(
        "cylinder between walls", "itself on cells half as wide as the finest", fields, ("cylinder",),
        lambda x: np.interp(angle(x), turn, along, period=2 * np.pi)[:, None] * around(x),
        float(np.average(reference.rate, weights=reference.weights)), float(reference.rate.max()),
    )  # fmt: skip


def plane_walls() -> Iterator[Check]:
    """In the plane: a straight wall, curved walls, a cylinder."""
    yield from channel_with_drag().checks((1e-4, 1e-6, 1e-3), (2.0, 3.8, 1.7))
    for wall in ("inner", "outer"):
        yield from couette(wall).checks((1e-3, 1e-5, 5e-3), (1.8, 3.6, 1.4))
    yield from cylinder().checks((5e-3, 1e-4, 5e-3), (1.8, 3.0, None))


def walls_in_space() -> Iterator[Check]:
    """In space: the duct's u ~ r^2 log r at its edges holds L2 at order 1.5; its mean is the balance of forces."""
    for half in (False, True):
        yield from duct(half=half).checks((2e-2, 1e-5, 2e-3), (1.3, None, 1.7))
    for wall in ("inner", "outer"):
        yield from axial(wall).checks((1e-3, 1e-4, 5e-3), (1.7, None, None))
