"""Inertial lift on a neutrally buoyant sphere that a flow carries along a duct, straight or bent, by finite elements.

To leading order in the particle's Reynolds number the lift is a volume integral over Stokes flows (the reciprocal theorem;
Ho and Leal, J. Fluid Mech. 65, 365 (1974); Hood, Lee and Roper, J. Fluid Mech. 765, 452 (2015); Harding, Stokes and
Bertozzi, J. Fluid Mech. 875, 1 (2019)): with the undisturbed flow u, the sphere's velocity U along the duct, the
disturbance v that leaves it free of force and torque, and the Stokes flow w_i of the held sphere moved at unit speed
along i,

    L_i = - integral of (v . grad u + (v + u - U) . grad v) . w_i.

In a bend (to leading order in the Dean number, whatever the curvature) U is the velocity of the frame that turns with the
sphere about the bend's axis, turn x v is added to what is in brackets, and to the lift what the undisturbed flow would
do to the sphere's volume less what keeps the sphere itself on its way around.

Lengths are half-heights of the section, speeds are over the largest one, the viscosity is one. x is across (outward in a
bend), z along the height, y along the duct. The flow reverses in the plane y = 0 through the sphere's centre (odd: what the
duct drives, the sphere moved along it or rolling) or is mirrored there (even: the sphere moved across, or turned about y),
so half the duct is solved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from shapely import Point

from chipsim.flow import duct_profile
from chipsim.flow.bodies import BodyLoad, Motion, body_loads
from chipsim.flow.field import Field, nodal
from chipsim.flow.lift_point import LiftPoint
from chipsim.flow.lift_shape import Shape
from chipsim.flow.solvers import SolverError
from chipsim.flow.stokes import Load, Problem, Stokes, Vector
from chipsim.flow.timing import Clock
from chipsim.flow.weak_flow import section_outline, weak_flow
from geometries.cut_out import SAME, Sphere
from geometries.duct import DuctSizes, half_duct
from geometries.mesh import Mesh
from geometries.outline import Outline, rectangle
from geometries.quantities import DesignError

Array = NDArray[np.float64]
Profile = Callable[[Array, Array], Array]
Secondary = Callable[[Array, Array], Array]

#: The largest error over the section is below 1 % of the root mean square of the lift.
CELL = 0.25

_BODY = "body_0"
_ALONG = Motion(translation=(0.0, 1.0, 0.0))
_ROLLS = (Motion(rotation=(1.0, 0.0, 0.0)), Motion(rotation=(0.0, 0.0, 1.0)))
_ACROSS = (
    Motion(translation=(1.0, 0.0, 0.0)),
    Motion(translation=(0.0, 0.0, 1.0)),
    Motion(rotation=(0.0, 1.0, 0.0)),
)
# The disturbance is a small difference of the flows along the duct: at 1e-5 the lift near its zeros is off by per cents.
_RTOL = 1e-6
# How much larger the tolerance of the flows across may be, which weigh it: that changes the lift by 1e-4 of its rms at most.
_LOOSER = 100.0


@dataclass(frozen=True)
class Section:
    """A duct's section and the flow along it.

    Attributes:
        outline: Of the whole section, in half-heights; its x and y are the mesh's x and z.
        profile: Speed over the largest one, from places x and z, each of shape (n,), to shape (n,).
        bend: Radius of the centre-line (x = 0), half-heights; infinite where the duct is straight.
    """

    outline: Outline
    profile: Profile
    bend: float = math.inf

    @property
    def half_length(self) -> float:
        """Where the duct ends, half-heights from the sphere: its closed end changes the lift by 0.1 %."""
        left, low, right, high = self.outline.frame.polygon(1e-6).bounds
        return float(max(right - left, 2 * (high - low)))

    def velocity(self, x: Array) -> Array:
        """Undisturbed velocity, shape (3, n), at points, shape (3, n) or more rows."""
        if math.isinf(self.bend):
            still = np.zeros(x.shape[1])
            return np.stack([still, self.profile(x[0], x[2]), still])
        radius = np.hypot(self.bend + x[0], x[1])
        around = np.stack([-x[1], self.bend + x[0], 0 * radius]) / radius
        return self.profile(radius - self.bend, x[2]) * around


def rectangular(aspect: float, bend: float = math.inf) -> Section:
    """A rectangle of half-height 1 and half-width ``aspect``, the origin in its middle.

    Args:
        aspect: Width over height.
        bend: Radius of the centre-line, half-heights.
    """
    frame = rectangle(-aspect, -1.0, aspect, 1.0, ("wall",) * 4)
    outline = Outline(frame, (), 1.0, (), 0.0, min(1.0, aspect))
    if math.isinf(bend):
        return Section(outline, lambda x, z: duct_profile.speed(aspect, x, z))
    return Section(outline, lambda x, z: duct_profile.bent_speed(aspect, bend, x, z), bend)


def tabulated(shape: Shape, curvature: float = 0.0, *, level: bool = False) -> tuple[Section, Secondary]:
    """What a lift table is made of: a section and the weak secondary flow of Dean (K -> 0) in it.

    Speeds are over the largest one of the straight duct at the same flow rate, in bends too.

    Args:
        shape: The section.
        curvature: Half-height over the radius of the bend; of a straight duct the secondary flow is the limit of a wide bend's.
        level: Whether the floor of a trapezoid is level; in a table both of its slanted walls are alike.
    """
    flow = weak_flow(shape, curvature, level=level)
    if not (curvature or shape.taper):
        return rectangular(shape.aspect), flow.secondary
    bend = 1 / curvature if curvature else math.inf
    outline = section_outline(shape, level=level, half=False)
    return Section(outline, flow.speed, bend), flow.secondary


def solve_position(
    section: Section,
    alpha: float,
    at: tuple[float, float],
    *,
    secondary: Secondary | None = None,
    cell: float = CELL,
    rtol: float = _RTOL,
) -> LiftPoint:
    """Lift, drag and motion of a sphere at one place in a section.

    Args:
        section: The section.
        alpha: The sphere's diameter over the height.
        at: Its place across and along the height, half-heights.
        secondary: A weak flow within the section that carries the sphere too (Dean's vortices): velocity across and along
            the height, shape (n, 2), from places x and z, each of shape (n,), in any unit.
        cell: Cell size: on the sphere over its radius, and in the section over the half-height.
        rtol: Relative tolerance of the linear solver for the flows along the duct; it is looser for those across.

    Raises:
        DesignError: The sphere does not fit there.
        MeshError: No usable mesh.
        SolverError: No converged solution.
    """
    _refuse(section, alpha, at)
    clock = Clock()
    sphere = Sphere((at[0], 0.0, at[1]), alpha)
    mesh = half_duct(section.outline, sphere, section.half_length, DuctSizes(cell, cell, cell), section.bend)
    clock.read("mesh")
    carried = _carried(mesh, sphere, section, rtol)
    clock.read("along")
    moved = _moved(mesh, sphere, _LOOSER * rtol)
    clock.read("across")
    # Forces across and along the height and the torque about y: on a sphere that moves so, by inertia, by the other flow.
    resistance = moved.resistance
    lift = -2 * _inertia(mesh, carried, [field.velocity for field, _ in moved.flows])
    if carried.turn:
        lift += _around_the_bend(section, sphere, carried)
    drift = np.linalg.solve(resistance, lift) * 24 * math.pi / alpha**3
    entrained = slip = None
    if secondary is not None:
        taken = np.linalg.solve(resistance, _pushes(moved, secondary))[:2]
        entrained = _pair(taken)
        slip = _pair(taken - secondary(np.array([at[0]]), np.array([at[1]]))[0])
    clock.read("integral")
    return LiftPoint(
        alpha=alpha,
        at=at,
        lift=_pair(4 * lift[:2] / alpha**4),
        drag=_pair(np.diag(resistance)[:2] / (6 * math.pi * alpha)),
        drift=_pair(drift[:2]),
        speed=carried.speed,
        spin=carried.spin,
        unknowns=carried.unknowns,
        iterations=max(carried.iterations, moved.iterations),
        seconds=clock.seconds,
        curvature=1 / section.bend,
        entrained=entrained,
        slip=slip,
    )


def _refuse(section: Section, alpha: float, at: tuple[float, float]) -> None:
    room = section.outline.frame.polygon(1e-6)
    place = Point(at)
    gap = (1 if room.contains(place) else -1) * room.exterior.distance(place) - alpha
    if not (alpha > 0 and gap > SAME):
        raise DesignError(
            f"a sphere of alpha = {alpha:g} at ({at[0]:.4g}, {at[1]:.4g}) half-heights does not fit into the section: "
            f"its gap to the wall would be {gap:.3g}, not above 0"
        )


def _pair(values: Iterable[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


@dataclass(frozen=True)
class _Flows:
    """Solved flows of one parity, each with what it does to the sphere."""

    flows: list[tuple[Field, BodyLoad]]
    unknowns: int
    iterations: int

    @property
    def resistance(self) -> Array:
        """Of the even flows: force across and along the height and torque about y by the sphere's motion, shape (3, 3)."""
        return -np.array([[load.force[0], load.force[2], load.torque[1]] for _, load in self.flows]).T


def _solved(mesh: Mesh, problem: Problem, sphere: Sphere, given: Sequence[Vector]) -> _Flows:
    """The flow for each velocity on the sphere, with one set-up."""
    system = Stokes(mesh, 3, problem)
    flows, iterations, unknowns = [], 0, 0
    for velocity in given:
        load = Load(velocity={_BODY: velocity})
        solution = system.solve(load)
        if solution.field is None:
            raise SolverError("the lift is solved on one rank; start it without mpirun")
        flows.append((solution.field, body_loads(solution.field, [sphere], problem, load)[0]))
        iterations, unknowns = max(iterations, solution.iterations), solution.unknowns
    system.close()
    return _Flows(flows, unknowns, iterations)


@dataclass(frozen=True)
class _Carried:
    """The sphere carried along: free of force and torque.

    Attributes:
        disturbance: Velocity less the undisturbed one, at the nodes, shape (N, 3).
        undisturbed: Velocity without the sphere, at the nodes, shape (N, 3).
        frame: Velocity of the frame that moves with the sphere, at the nodes, shape (N, 3).
        speed: Of the sphere along the duct.
        spin: Its angular velocity about x and z.
        turn: Angular velocity about the bend's axis.
        unknowns: Of the linear system.
        iterations: Of its solver, the most.
    """

    disturbance: Array
    undisturbed: Array
    frame: Array
    speed: float
    spin: tuple[float, float]
    turn: float
    unknowns: int
    iterations: int


def _carried(mesh: Mesh, sphere: Sphere, section: Section, rtol: float) -> _Carried:
    motions = [motion.velocity(sphere) for motion in (_ALONG, *_ROLLS)]
    # The plane y = 0 of a flow that reverses in it: no velocity along it, no pressure. The end is a wall.
    problem = Problem(periodic=False, open=("middle",), rtol=rtol)
    found = _solved(mesh, problem, sphere, [*motions, section.velocity])
    pushes = np.array([[load.force[1], load.torque[0], load.torque[2]] for _, load in found.flows])
    motion = np.linalg.solve(pushes[:3].T, pushes[3])
    parts = np.array([field.velocity for field, _ in found.flows])
    speed = float(motion[0])
    turn = speed / (section.bend + sphere.centre[0])
    frame = Motion((0.0, speed, 0.0), (0.0, 0.0, turn)).velocity(sphere)
    return _Carried(
        np.tensordot(motion, parts[:3], axes=1) - parts[3],
        section.velocity(mesh.points.T).T,
        frame(mesh.points.T).T,
        speed,
        _pair(motion[1:]),
        turn,
        found.unknowns,
        found.iterations,
    )


def _moved(mesh: Mesh, sphere: Sphere, rtol: float) -> _Flows:
    """The sphere moved across and along the height, its spin held, and turned about y."""
    mirrored = {("symmetry_y" if name == "middle" else name): n for name, n in mesh.regions.items()}
    # Where the end is perpendicular to no axis it is a wall, and the pressure known up to a constant.
    problem = Problem(periodic=False, open=("end",) if "end" in mesh.regions else (), rtol=rtol)
    motions = [motion.velocity(sphere) for motion in _ACROSS]
    return _solved(replace(mesh, regions=mirrored), problem, sphere, motions)


def _pushes(moved: _Flows, secondary: Secondary) -> Array:
    """Force (across, along the height) and torque (about y) of a flow within the section on the held sphere, shape (3,).

    By reciprocity that is the flow against the traction of the sphere that moves. The walls' reactions are that traction,
    but for the transpose of the gradient, which on a sphere adds something only where it turns.
    """
    out = []
    for (field, _), motion in zip(moved.flows, _ACROSS, strict=True):
        mesh, wall = field.mesh, field.on(_BODY)
        assert field.reaction is not None  # solved here
        nodes = np.unique(mesh.facets[mesh.facet_regions == mesh.regions[_BODY]])
        at_nodes, on_wall = (
            np.insert(secondary(x[:, 0], x[:, 2]), 1, 0.0, axis=1) for x in (mesh.points[nodes], wall.points)
        )
        turned = wall.weights @ np.cross(on_wall, -wall.normals) @ motion.rotation
        out.append(2 * (np.einsum("ni,ni->", field.reaction[nodes], at_nodes) - turned))
    return np.array(out)


def _inertia(mesh: Mesh, carried: _Carried, tests: Sequence[Array]) -> Array:
    """Integral over half the duct of the disturbance's inertia times each of the test flows, shape (tests,)."""
    total = np.zeros(len(tests))
    relative = carried.undisturbed - carried.frame
    for weights, values, slopes in nodal(mesh, carried.disturbance, carried.undisturbed, relative, *tests):
        v, _, ahead, *w = values
        dv, du = slopes[:2]
        inertia = np.einsum("nj,nij->ni", v + ahead, dv) + np.einsum("nj,nij->ni", v, du)
        inertia += np.cross([0.0, 0.0, carried.turn], v)
        total += [weights @ np.einsum("ni,ni->n", inertia, each) for each in w]
    return total


def _around_the_bend(section: Section, sphere: Sphere, carried: _Carried) -> Array:
    """Force along x and z and torque about y of the undisturbed flow on the sphere's volume, less what its own way takes."""
    a, x = sphere.radius, sphere.centre[0]
    arm, weights = _ball(a)
    places = arm + sphere.centre
    radius = np.hypot(section.bend + places[:, 0], places[:, 1])
    speed = section.profile(radius - section.bend, places[:, 2])
    inward = -weights * speed**2 / radius**2 * (section.bend + places[:, 0])
    volume, moment = 4 / 3 * math.pi * a**3, 8 / 15 * math.pi * a**5
    force = inward.sum() + volume * carried.turn**2 * (section.bend + x)
    torque = arm[:, 2] @ inward - carried.turn * moment * carried.spin[0]
    return np.array([force, 0.0, torque])


def _ball(radius: float) -> tuple[Array, Array]:
    """Points, shape (n, 3), and weights of a Gauss rule in a ball around the origin."""
    node, weight = np.polynomial.legendre.leggauss(6)
    turns = np.arange(12) * (2 * math.pi / 12)
    r, c, t = np.meshgrid((node + 1) / 2 * radius, node, turns, indexing="ij")
    size = np.einsum("i,j,k->ijk", weight * radius / 2, weight, np.full(12, 2 * math.pi / 12)) * r**2
    s = np.sqrt(1 - c**2)
    points = np.stack([r * s * np.cos(t), r * s * np.sin(t), r * c], axis=-1)
    return points.reshape(-1, 3), size.ravel()
