"""Force, torque and surface traction on rigid bodies that are held in a flow, or moved through it.

Force and torque come from the residual of the momentum equation on the body's nodes, which converges twice as fast as the
traction itself. Lengths are um and viscosity is one inside; :class:`HeldCluster` is SI.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from chipsim.flow.field import MIRRORS, Field
from chipsim.flow.solvers import SolverError
from chipsim.flow.stokes import Load, Problem, Vector, solve
from geometries.bodies import CLUSTERS, TRAP, BodySizes, cluster_at_tip, trap_with_bodies
from geometries.cluster_chip import ClusterChip
from geometries.cut_out import SAME, Sphere
from geometries.mesh import UNIT, Mesh
from geometries.quantities import DesignError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """Rigid motion of a body about its centre.

    Attributes:
        translation: Velocity of the centre, shape (3,).
        rotation: Angular velocity, shape (3,).
    """

    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def velocity(self, sphere: Sphere) -> Vector:
        """Velocity of the body's points, from coordinates (3, n) to (3, n)."""

        def of(x: Array) -> Array:
            arm = x[:3].T - sphere.centre
            return (np.asarray(self.translation) + np.cross(self.rotation, arm)).T

        return of


@dataclass(frozen=True)
class SurfaceSample:
    """Traction at quadrature points on a body (of a body that a mirror plane cuts, on the part in the mesh).

    Attributes:
        points: Coordinates, shape (n, 3), um.
        weights: Area that each point stands for, um2, shape (n,).
        normals: Unit normals out of the body, shape (n, 3).
        traction: Force of the fluid on the body by area and viscosity, shape (n, 3).
    """

    points: Array
    weights: Array
    normals: Array
    traction: Array

    @property
    def shear(self) -> Array:
        """Magnitude of the tangential traction, shape (n,)."""
        along = np.einsum("ni,ni->n", self.traction, self.normals)
        return np.linalg.norm(self.traction - along[:, None] * self.normals, axis=1)


@dataclass(frozen=True)
class BodyLoad:
    """What the fluid does to one body, over viscosity; of the whole body where mirror planes cut it.

    Attributes:
        sphere: The body.
        force: On it, shape (3,).
        torque: About its centre, shape (3,).
        surface: Traction on it.
    """

    sphere: Sphere
    force: Array
    torque: Array
    surface: SurfaceSample

    def scaled(self, factor: float) -> BodyLoad:
        """The same in a flow ``factor`` times as strong."""
        surface = replace(self.surface, traction=self.surface.traction * factor)
        return BodyLoad(self.sphere, self.force * factor, self.torque * factor, surface)


def held(
    mesh: Mesh | None,
    spheres: Sequence[Sphere],
    problem: Problem,
    load: Load | None = None,
    motions: Mapping[int, Motion] | None = None,
    comm: Any = None,
) -> tuple[BodyLoad, ...]:
    """Solve the flow around bodies and return what it does to each (collective over the ranks).

    Args:
        mesh: Mesh on rank 0 (None on the others) whose region ``body_i`` is the surface of sphere ``i``.
        spheres: The bodies, known to all ranks.
        problem: What is asked.
        load: What drives the flow.
        motions: Motions of bodies that are not held, by number.
        comm: MPI communicator; None: the world.

    Returns:
        One entry for each body, the same on all ranks.

    Raises:
        SolverError: No converged solution, or a body touches a wall.
    """
    comm = comm or MPI.COMM_WORLD
    load = load or Load()
    moved = {f"body_{i}": motion.velocity(spheres[i]) for i, motion in (motions or {}).items()}
    load = replace(load, velocity={**load.velocity, **moved})
    field = solve(mesh, 3, problem, load, comm).field
    loads = None if field is None else body_loads(field, spheres, problem, load)
    return comm.bcast(loads, root=0)


def body_loads(field: Field, spheres: Sequence[Sphere], problem: Problem, load: Load) -> tuple[BodyLoad, ...]:
    """What a solved flow does to the bodies in it; the arguments are those of :func:`held`, ``field`` its solution."""
    # A periodic flow is driven by a unit force in place of the falling mean pressure, whose push is added here.
    slope = 1.0 if problem.periodic and load.body_force is None else 0.0
    pressed = [name for name, pressure in load.pressure.items() if pressure]
    return tuple(_on_body(field, f"body_{i}", s, problem, slope, pressed) for i, s in enumerate(spheres))


def _on_body(
    field: Field, name: str, sphere: Sphere, problem: Problem, slope: float, pressed: Sequence[str]
) -> BodyLoad:
    if field.reaction is None:
        raise SolverError(f"no force on {name}: the reactions of the walls were not kept with this field")
    nodes = np.unique(field.mesh.facets[field.mesh.facet_regions == field.mesh.regions[name]])
    wall = field.on(name)
    normals = -wall.normals  # into the fluid
    stress = wall.gradient + wall.gradient.transpose(0, 2, 1)
    pressure = wall.pressure - slope * (wall.points[:, 0] - sphere.centre[0])
    traction = np.einsum("nij,nj->ni", stress, normals) - pressure[:, None] * normals
    reaction, arm = field.reaction[nodes], field.mesh.points[nodes] - sphere.centre
    force, torque = -reaction.sum(axis=0), -np.cross(arm, reaction).sum(axis=0)
    # The residual belongs to grad u alone; the transpose adds nothing to the force, but this to the torque of a body that
    # turns (-8/3 pi a^3 times its angular velocity for a sphere).
    torque += wall.weights @ np.cross(wall.velocity, normals)
    pushed = wall.weights @ ((wall.points[:, 0] - sphere.centre[0])[:, None] * normals)
    force += slope * pushed
    for axis, parity in _cuts(field.mesh, name, nodes, sphere, [o for o in problem.open if o not in pressed]):
        force, torque = _whole(force, torque, axis, parity)
    return BodyLoad(sphere, force, torque, SurfaceSample(wall.points, wall.weights, normals, traction))


def _cuts(
    mesh: Mesh, name: str, nodes: NDArray, sphere: Sphere, reversing: Sequence[str]
) -> list[tuple[int, int]]:
    """Planes through the centre of a body: their axis, and 1 where the flow mirrors in them, -1 where it reverses."""
    out = []
    for other, number in mesh.regions.items():
        shared = np.intersect1d(nodes, mesh.facets[mesh.facet_regions == number])
        if other == name or not len(shared):
            continue
        flat = np.abs(mesh.points[shared] - sphere.centre).max(axis=0) < SAME
        if not flat.any() or (other not in MIRRORS and other not in reversing):
            raise SolverError(
                f"{name} touches {other}: only mirror planes and open ends without pressure, through its centre, may cut it"
            )
        out.append((int(np.argmax(flat)), 1 if other in MIRRORS else -1))
    return out


def _whole(force: Array, torque: Array, axis: int, parity: int) -> tuple[Array, Array]:
    """Force and torque on both halves of a body from those on one.

    In a mirror the force along the plane and the torque across it are the same on both sides, and the others cancel;
    where the flow reverses too (an open end through the centre: no tangential velocity, no pressure) it is the other way
    round.
    """
    across = np.eye(3)[axis]
    along = 1 - across
    return (
        (2 * force * along, 2 * torque * across) if parity == 1 else (2 * force * across, 2 * torque * along)
    )


def drag_factor(load: BodyLoad, motion: Motion) -> float:
    """Drag on a moving sphere over that in unbounded fluid, 6 pi mu a U; spinning, torque over 8 pi mu a^3 Omega.

    Args:
        load: What the fluid does to it.
        motion: Either a translation or a rotation.
    """
    a, u, omega = load.sphere.radius, np.array(motion.translation), np.array(motion.rotation)
    if u.any():
        return float(-load.force @ u / (6 * math.pi * a * (u @ u)))
    return float(-load.torque @ omega / (8 * math.pi * a**3 * (omega @ omega)))


@dataclass(frozen=True)
class HeldCluster:
    """A cluster of rigid cells held at a tip, at unit viscosity and unit flow per path and depth q (m2/s).

    Attributes:
        chip: The device.
        cluster: ``"sphere"``, ``"doublet"`` or ``"trimer"``.
        diameter: Of a cell, m.
        film: Clear distance to pillars, m.
        cells: Load on each cell in the mesh: force over viscosity and q (no unit), torque (um), traction (1/um2).
        images: How many of each cell the cluster has: 2 for one beside the mirror plane through the tip.
        row_resistance: Mean pressure drop of a row of the block with the cluster in it over viscosity and q, 1/m2.
        unknowns: Of the linear system.
        iterations: Of the linear solver.
    """

    chip: ClusterChip
    cluster: str
    diameter: float
    film: float
    cells: tuple[BodyLoad, ...]
    images: tuple[int, ...]
    row_resistance: float
    unknowns: int
    iterations: int

    def _scale(self, flow_rate: float, viscosity: float) -> float:
        return viscosity * flow_rate / (self.chip.paths * self.chip.depth)

    def forces(self, flow_rate: float, viscosity: float) -> Array:
        """Force on each cell in the mesh, N, shape (cells, 3): along the flow, across it, upward."""
        return np.array([c.force for c in self.cells]) * self._scale(flow_rate, viscosity)

    def torques(self, flow_rate: float, viscosity: float) -> Array:
        """Torque on each cell in the mesh about its centre, N m, shape (cells, 3)."""
        return np.array([c.torque for c in self.cells]) * self._scale(flow_rate, viscosity) * UNIT

    def push(self, flow_rate: float, viscosity: float) -> float:
        """Force on the whole cluster along the flow, N."""
        return float(np.array(self.images) @ self.forces(flow_rate, viscosity)[:, 0])

    def traction(self, cell: int, flow_rate: float, viscosity: float) -> SurfaceSample:
        """Traction on a cell, Pa."""
        return self.cells[cell].scaled(self._scale(flow_rate, viscosity) / UNIT**2).surface


def held_at_tip(
    chip: ClusterChip,
    cluster: str,
    diameter: float,
    *,
    film: float = 0.2e-6,
    paths: float = 0.5,
    rows: int = 2,
    sizes: BodySizes = TRAP,
    comm: Any = None,
) -> HeldCluster:
    """Solve the flow past a cluster of rigid cells at the tip in the middle of a periodic block (collective over the ranks).

    The block repeats in all directions, so the cluster sits in one of ``2 paths rows`` traps, or of ``paths rows`` where
    its tip is not on the border: a wide block has a single cluster, the narrowest one in every path of every other row.

    Args:
        chip: The device.
        cluster: ``"sphere"``, ``"doublet"`` or ``"trimer"``.
        diameter: Of a cell, m.
        film: Clear distance between cells and pillars, m.
        paths: Width of the block, a multiple of 0.5.
        rows: Its length, an even number.
        sizes: How fine the mesh is.
        comm: MPI communicator; None: the world.

    Raises:
        DesignError: The cluster does not fit, or ``rows`` is odd.
        MeshError: No usable mesh.
        SolverError: No converged solution.
    """
    if rows % 2:
        raise DesignError(f"rows = {rows} is odd: the stagger of the rows repeats after two")
    comm = comm or MPI.COMM_WORLD
    cells = cluster_at_tip(chip, cluster, diameter, film=film, paths=paths, rows=rows)
    mesh = trap_with_bodies(chip, cells, paths=paths, rows=rows, sizes=sizes) if comm.rank == 0 else None
    problem, load = Problem(), Load()
    solution = solve(mesh, 3, problem, load, comm)
    found = None
    if solution.field is not None:
        loads = body_loads(solution.field, cells, problem, load)
        # Flow through a path and a micrometre of depth at a unit pressure gradient, um2/s; the mesh ends at mid-depth.
        row, section = chip.row_pitch / UNIT, paths * chip.depth / UNIT / 2
        q = float(solution.field.velocity_integral[0]) / (rows * row) / section
        # Of a pair the mesh may hold one cell, the first, and the mirror plane the other.
        images = (1 + CLUSTERS[cluster] - len(cells), *(1 for _ in cells[1:]))
        found = HeldCluster(
            chip, cluster, diameter, film, tuple(b.scaled(1 / q) for b in loads), images, row / q / UNIT**2,
            solution.unknowns, solution.iterations,
        )  # fmt: skip
    return comm.bcast(found, root=0)
