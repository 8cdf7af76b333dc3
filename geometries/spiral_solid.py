"""A spiral channel with a sloping ceiling: its solid by OpenCASCADE, and the height of its ceiling at any place.

The height is linear across the channel, from the inner to the outer wall. Along the walls of the branches it stays what it is
where they leave the channel; a channel that widens is ruled between its walls.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geometries.mesh import MeshError
from geometries.outline import Point
from geometries.spiral_plan import LEAD, Fork, Plan, knots

if TYPE_CHECKING:
    from geometries.spiral import Spiral

_UM = 1e-6
_NEAR = 1e-3  # um: what lies this near to a branch belongs to it; the height is the same on both sides of its border
_JOINT = 0.02  # um: the ends of a swept solid are this near to what they are joined to
_STEPS = 30
_LOST = 1e-4  # of the volume: what a solid may miss of its parts before it is wrong


# -- heights ---------------------------------------------------------------------------------------------------------------
def ceiling(spiral: Spiral, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the ceiling.

    Args:
        spiral: The device.
        points: Places in the channel, shape (N, 2), um.

    Returns:
        Heights, shape (N,), um.
    """
    inner, outer = (h / _UM for h in spiral.heights)
    drawn = spiral.plan
    share = _across(drawn, points)
    lead = np.hypot(*(points - drawn.lead).T)
    in_lead = _in_lead(drawn, points)
    share[in_lead] = 0.5 + (math.dist(drawn.lead, drawn.curve.points(0.0)) - lead[in_lead]) / drawn.width
    for end in (drawn.inner, drawn.outer):
        for piece in end.pieces:
            inside = shapely.contains_xy(shapely.Polygon([c for c, _ in piece]).buffer(_NEAR), *points.T)
            if inside.any():
                share[inside] = _within(piece, points[inside])
    return outer + (inner - outer) * np.clip(share, 0, 1)


def _across(drawn: Plan, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place across the spiral, 0 at the outer and 1 at the inner wall."""
    curve = drawn.curve
    r, turn = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])
    windings = turn[:, None] + 2 * np.pi * np.arange(-1, math.ceil(curve.angle / (2 * np.pi)) + 1)
    off = np.abs(curve.radius(windings) - r[:, None])
    off[(windings < -0.5) | (windings > curve.angle + 0.5)] = np.inf
    angle = windings[np.arange(len(points)), np.argmin(off, axis=1)]
    for _ in range(_STEPS):  # to the foot of the perpendicular
        heading, away = curve.heading(angle), points - curve.points(angle)
        step = (away[:, 0] * np.cos(heading) + away[:, 1] * np.sin(heading)) / r
        angle = angle + step
        if np.all(np.abs(step) < 1e-13):
            break
    heading, away = curve.heading(angle), points - curve.points(angle)
    inward = away[:, 1] * np.cos(heading) - away[:, 0] * np.sin(heading)
    return 0.5 + inward / drawn.width


def _in_lead(drawn: Plan, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    start = drawn.curve.points(0.0) - drawn.lead
    around = points - drawn.lead
    back = (math.atan2(start[1], start[0]) - np.arctan2(around[:, 1], around[:, 0])) % (2 * np.pi)
    near = np.abs(np.hypot(*around.T) - math.hypot(*start)) <= drawn.width / 2 + _NEAR
    return near & (back <= LEAD)


def _within(piece: tuple[tuple[Point, float], ...], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of a piece's corners carried to its inside: linear in a triangle, bilinear in a quadrangle."""
    corners, shares = np.array([c for c, _ in piece]), np.array([s for _, s in piece])
    if len(piece) == 3:
        sides = np.linalg.solve((corners[1:] - corners[0]).T, (points - corners[0]).T)
        return shares[0] + (shares[1:] - shares[0]) @ sides
    at: NDArray[np.float64] = np.full((2, len(points)), 0.5)
    for _ in range(_STEPS):
        weights = _bilinear(*at)
        (du, dv), miss = _slopes(*at), points - weights.T @ corners
        jacobian = np.stack([du.T @ corners, dv.T @ corners], axis=-1)
        step = np.linalg.solve(jacobian, miss[..., None])[..., 0].T
        at = at + step
        if np.all(np.abs(step) < 1e-12):
            break
    return shares @ _bilinear(*at)


def _bilinear(u: NDArray, v: NDArray) -> NDArray[np.float64]:
    return np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v])


def _slopes(u: NDArray, v: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.stack([v - 1, 1 - v, v, -v]), np.stack([u - 1, -u, u, 1 - u])


# -- solids ----------------------------------------------------------------------------------------------------------------
def sweep(gmsh: Any, spiral: Spiral, first: float, last: float) -> int:
    """Draw the channel alone between two angles (rad) by sweeping its section along the centre-line; returns its volume."""
    occ, curve, width = gmsh.model.occ, spiral.plan.curve, spiral.width / _UM
    inner, outer = (h / _UM for h in spiral.heights)
    face = _section(
        occ, _pair(curve.points(first, width / 2)), _pair(curve.points(first, -width / 2)), outer, inner
    )
    path = occ.addWire([occ.addSpline([occ.addPoint(*p, 0.0) for p in curve.points(knots(first, last))])])
    swept = occ.addPipe([(2, face)], path, "Frenet")
    occ.remove([(2, face)], recursive=True)
    occ.remove([(1, path)], recursive=True)
    return int(next(tag for dim, tag in swept if dim == 3))


def draw_channel(gmsh: Any, spiral: Spiral) -> None:
    """Draw the whole channel with its branches as one volume, um, not yet synchronised.

    Raises:
        MeshError: OpenCASCADE joins the parts to something else than one volume of their size.
    """
    occ, drawn = gmsh.model.occ, spiral.plan
    inner, outer = (h / _UM for h in spiral.heights)
    parts = [sweep(gmsh, spiral, 0.0, drawn.curve.angle)]
    a, b = (_pair(drawn.curve.points(0.0, side * drawn.width / 2)) for side in (1, -1))
    turned = occ.revolve([(2, _section(occ, a, b, outer, inner))], *drawn.lead, 0, 0, 0, 1, -LEAD)
    parts += [tag for dim, tag in turned if dim == 3]
    for end in (drawn.inner, drawn.outer):
        parts += _columns(occ, end, outer, inner)
    volume = sum(occ.getMass(3, tag) for tag in parts)
    kept = gmsh.option.getNumber("Geometry.ToleranceBoolean")
    gmsh.option.setNumber("Geometry.ToleranceBoolean", _JOINT)
    try:
        joined, _ = occ.fuse([(3, parts[0])], [(3, tag) for tag in parts[1:]])
    finally:
        gmsh.option.setNumber("Geometry.ToleranceBoolean", kept)
    left = [pair for dim in (2, 1, 0) for pair in occ.getEntities(dim)]
    found = sum(occ.getMass(3, tag) for _, tag in joined)
    if len(joined) != 1 or abs(found - volume) > _LOST * volume:
        raise MeshError(
            f"OpenCASCADE made {len(joined)} volumes of {found:.6g} um3 from parts of {volume:.6g} um3; change the widths a bit"
        )
    # Faces that the sweep and the turn left behind are no part of the solid.
    occ.remove(left, recursive=False)


def _pair(point: NDArray[np.float64]) -> Point:
    return float(point[0]), float(point[1])


def _wire(occ: Any, a: Point, b: Point, height_a: float, height_b: float) -> int:
    """An upright quadrangle over the line from a to b."""
    corners = [
        occ.addPoint(*a, 0),
        occ.addPoint(*a, height_a),
        occ.addPoint(*b, height_b),
        occ.addPoint(*b, 0),
    ]
    return int(occ.addCurveLoop([occ.addLine(corners[i], corners[(i + 1) % 4]) for i in range(4)]))


def _section(occ: Any, a: Point, b: Point, height_a: float, height_b: float) -> int:
    return int(occ.addPlaneSurface([_wire(occ, a, b, height_a, height_b)]))


def _columns(occ: Any, end: Fork, outer: float, inner: float) -> list[int]:
    """The pieces of a fork as solids."""
    solids = []
    for piece in end.pieces:
        corners = [(c, outer + (inner - outer) * share) for c, share in piece]
        if len(corners) == 3:
            solids.append(_wedge(occ, corners))
            continue
        (a, ha), (b, hb), (c, hc), (d, hd) = corners
        loops = [_wire(occ, a, d, ha, hd), _wire(occ, b, c, hb, hc)]
        made = occ.addThruSections(loops, makeSolid=True, makeRuled=True)
        solids += [tag for dim, tag in made if dim == 3]
    return solids


def _wedge(occ: Any, corners: list[tuple[Point, float]]) -> int:
    low = [occ.addPoint(*c, 0) for c, _ in corners]
    high = [occ.addPoint(*c, h) for c, h in corners]
    floor = [occ.addLine(low[i], low[(i + 1) % 3]) for i in range(3)]
    top = [occ.addLine(high[i], high[(i + 1) % 3]) for i in range(3)]
    up = [occ.addLine(low[i], high[i]) for i in range(3)]
    loops = [floor, top] + [[floor[i], up[(i + 1) % 3], -top[i], -up[i]] for i in range(3)]
    faces = [occ.addPlaneSurface([occ.addCurveLoop(lines)]) for lines in loops]
    return int(occ.addVolume([occ.addSurfaceLoop(faces)]))
