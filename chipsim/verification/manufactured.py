"""Manufactured solutions on curved cells: a chosen flow, the force that drives it, and how the error falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.stokes import Load, Problem, Vector, solve
from chipsim.verification.check import Check, converging
from chipsim.verification.domains import channel, plane_mesh, space_mesh
from geometries.mesh import Mesh

PI = np.pi
_SOURCE = "manufactured: force from the chosen velocity and pressure"


@dataclass(frozen=True)
class _Flow:
    velocity: Vector
    pressure: Vector
    force: Vector  # without drag


def _plane() -> _Flow:
    def velocity(x: NDArray) -> NDArray:
        return np.array([np.sin(PI * x[0]) * np.cos(PI * x[1]), -np.cos(PI * x[0]) * np.sin(PI * x[1])])

    def force(x: NDArray) -> NDArray:
        gradient = [np.cos(PI * x[0]) * np.sin(PI * x[1]), np.sin(PI * x[0]) * np.cos(PI * x[1])]
        return 2 * PI**2 * velocity(x) + PI * np.array(gradient)

    return _Flow(velocity, lambda x: np.sin(PI * x[0]) * np.sin(PI * x[1]), force)


def _space() -> _Flow:
    def velocity(x: NDArray) -> NDArray:
        (sx, sy, sz), (cx, cy, cz) = np.sin(PI * x[:3]), np.cos(PI * x[:3])
        return np.array([sx * cy * cz, cx * sy * cz, -2 * cx * cy * sz])

    def force(x: NDArray) -> NDArray:
        (sx, sy, sz), (cx, cy, cz) = np.sin(PI * x[:3]), np.cos(PI * x[:3])
        return 3 * PI**2 * velocity(x) + PI * np.array([cx * sy * sz, sx * cy * sz, sx * sy * cz])

    return _Flow(velocity, lambda x: np.prod(np.sin(PI * x[:3]), axis=0), force)


def _errors(mesh: Mesh, flow: _Flow, drag: float, method: str | None) -> tuple[float, float]:
    """Relative L2 errors of velocity and pressure."""
    problem = Problem(periodic=False, drag=drag, rtol=1e-9, method=method)
    load = Load(
        body_force=lambda x: flow.force(x) + drag * flow.velocity(x),
        velocity=dict.fromkeys(mesh.regions, flow.velocity),
    )
    field = solve(mesh, mesh.dim, problem, load).field
    assert field is not None  # one rank
    volume = field.integrate(lambda x, u, p: np.ones(len(x)))
    shift = (
        field.integrate(lambda x, u, p: p - flow.pressure(x.T)) / volume
    )  # pressure is known up to a constant
    in_u = field.integrate(lambda x, u, p: ((u - flow.velocity(x.T).T) ** 2).sum(axis=1))
    in_p = field.integrate(lambda x, u, p: (p - flow.pressure(x.T) - shift) ** 2)
    of_u = field.integrate(lambda x, u, p: (flow.velocity(x.T).T ** 2).sum(axis=1))
    of_p = field.integrate(lambda x, u, p: flow.pressure(x.T) ** 2)
    return float(np.sqrt(in_u / of_u)), float(np.sqrt(in_p / of_p))


def _orders(name: str, meshes: list[Mesh], flow: _Flow, drag: float, method: str | None) -> Iterator[Check]:
    found = np.array([_errors(m, flow, drag, method) for m in meshes])
    # By the number of cells, as gmsh's sizes are wishes.
    size = np.array([len(m.cells) ** (-1 / m.dim) for m in meshes])
    yield converging(
        name, _SOURCE, "velocity, L2", size, found[:, 0], limit=_LIMIT[meshes[0].dim][0], least_order=2.8
    )
    yield converging(
        name, _SOURCE, "pressure, L2", size, found[:, 1], limit=_LIMIT[meshes[0].dim][1], least_order=1.9
    )


# Largest errors on the finest mesh, of velocity and pressure.
_LIMIT = {2: (2e-4, 5e-3), 3: (2e-3, 3e-2)}


def plane() -> Iterator[Check]:
    """Orders 3 and 2 in the plane, without drag, with drag, and by MINRES with drag (its own Schur complement)."""
    meshes = [plane_mesh(channel(hole=0.2), size) for size in (0.2, 0.1, 0.05)]
    yield from _orders("manufactured, plane", meshes, _plane(), 0.0, None)
    yield from _orders("manufactured, plane, drag 30", meshes, _plane(), 30.0, None)
    yield from _orders("manufactured, plane, drag 1000, MINRES", meshes, _plane(), 1000.0, "minres")


def space() -> Iterator[Check]:
    """Orders 3 and 2 in space."""
    meshes = [space_mesh(channel(hole=0.2), 1 / n, n) for n in (4, 7, 12)]
    yield from _orders("manufactured, space", meshes, _space(), 0.0, None)
