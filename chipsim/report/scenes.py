"""What is drawn of a solved flow in space, as pyvista's shapes: walls by their pressure, streamlines by their speed; um.

Only :mod:`chipsim.report.space` imports this module, where pyvista is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyvista as pv
import shapely
from numpy.typing import NDArray

from chipsim.flow.array_result import ArrayFlow
from chipsim.flow.field import Field
from chipsim.flow.pore_result import PoreFlow
from chipsim.flow.result import Flow
from chipsim.flow.spiral_result import SpiralFlow
from chipsim.report.pore_maps import PorePlane
from chipsim.report.sheet import QUARTERS
from chipsim.report.unfold import Plane
from geometries.mesh import UNIT

Array = NDArray[np.float64]

PRESSURE, SPEED = "pressure_pa", "speed_m_per_s"
# Streamlines of the chip over half a path and half the depth; of a pore over its width, alone and in a patch; turns of an
# axisymmetric one's.
_SEEDS, _ACROSS, _ACROSS_EACH = (7, 4), 11, 5
_TURNS = np.linspace(0.0, np.pi, 25)
# What is shown of the membrane beside a pore and of the liquid before and behind it, over the pore's size.
_BESIDE, _BEYOND = 2.0, 1.5
# Points along and across a spiral.
_ALONG, _WIDE = 900, 25
_INSIDE = 1 - 1e-9
_SOLVED_IN_SPACE = ("3d", "patch")


@dataclass(frozen=True)
class Part:
    """One shape of a scene.

    Attributes:
        name: What it is.
        shape: Points in um; values at the points by ``quantity``.
        quantity: ``"pressure_pa"`` or ``"speed_m_per_s"`` by which it is coloured; None: plain.
        opacity: 0 to 1.
        solid: Whether it is a cut through what is no fluid.
    """

    name: str
    shape: pv.PolyData
    quantity: str | None = None
    opacity: float = 1.0
    solid: bool = False


@dataclass(frozen=True)
class Scene:
    """Shapes, and from where they are seen at first.

    Attributes:
        title: What is seen, a sentence.
        parts: The shapes.
        towards: Direction of the first view.
        up: What is up in it.
        pressures: Ends of the scale of the pressure, Pa; None: what the walls have.
    """

    title: str
    parts: tuple[Part, ...]
    towards: tuple[float, float, float]
    up: tuple[float, float, float]
    pressures: tuple[float, float] | None = None


def grid(flow: Flow, operation: Any) -> pv.UnstructuredGrid:
    """All that was solved, as pyvista's grid of second-order cells.

    Args:
        flow: A solved flow; its field must be here.
        operation: As for the flow's numbers.

    Returns:
        Points in um; at them ``velocity_m_per_s`` and, where it is known, ``pressure_pa``.
    """
    velocity, pressure = flow.fields(operation)
    field = flow.cell.field
    assert field is not None  # since its values were given
    name, cells = field.mesh.vtk_cells
    kind = {"triangle6": pv.CellType.QUADRATIC_TRIANGLE, "tetra10": pv.CellType.QUADRATIC_TETRA}[name]
    out = pv.UnstructuredGrid({kind: cells}, field.mesh.points)
    out["velocity_m_per_s"] = np.pad(velocity, ((0, 0), (0, 3 - velocity.shape[1])))
    if pressure is not None:
        out[PRESSURE] = pressure
    return out


def scene(flow: Flow, operation: Any) -> Scene | None:
    """What is drawn of a flow; None of one that is plane."""
    if isinstance(flow, SpiralFlow):
        return _spiral(flow, operation)
    if isinstance(flow, PoreFlow) and flow.cell.model == "axisymmetric":
        return _turned_pore(flow, operation)
    if flow.cell.model not in _SOLVED_IN_SPACE:
        return None
    if isinstance(flow, ArrayFlow):
        return _chip(flow, operation)
    return _pore(flow, operation) if isinstance(flow, PoreFlow) else None


# -- shapes -------------------------------------------------------------------------------------------------------------------
def _walls(flow: Flow, solved: pv.UnstructuredGrid, *regions: str) -> pv.PolyData:
    """Boundary facets of a flow in space, four straight triangles each, with the pressure on them."""
    field = flow.cell.field
    assert field is not None
    six = field.mesh.facets[field.facets(*regions)]
    nodes, places = np.unique(six, return_inverse=True)
    places = places.reshape(six.shape)
    triangles = np.concatenate([places[:, list(quarter)] for quarter in QUARTERS])
    out = pv.PolyData.from_regular_faces(field.mesh.points[nodes], triangles)
    out[PRESSURE] = solved[PRESSURE][nodes]
    return out


def _streamlines(solved: pv.UnstructuredGrid, seeds: Array, way: Literal["forward", "both"]) -> pv.PolyData:
    """Lines along the velocity from points, shape (n, 3), with the speed on them."""
    lines = solved.streamlines_from_source(
        pv.PolyData(seeds), vectors="velocity_m_per_s", integration_direction=way, initial_step_length=0.5,
        max_steps=2000,
    )  # fmt: skip
    out = pv.PolyData(lines.points, lines=lines.lines)
    out[SPEED] = np.linalg.norm(lines["velocity_m_per_s"], axis=1)
    return out


def _moved(shape: pv.PolyData, *moves: Callable[[Array], Array]) -> pv.PolyData:
    """Copies of a shape, each with its points moved, as one."""
    copies = []
    for move in moves:
        copy = shape.copy()
        copy.points = move(shape.points)
        copies.append(copy)
    return _together(*copies)


def _together(*shapes: pv.PolyData) -> pv.PolyData:
    first, *rest = shapes
    return first.append_polydata(*rest) if rest else first


def _strip(rows: Array, values: Array, quantity: str) -> pv.PolyData:
    """A surface through points, shape (n, m, 3), with values at them, shape (n, m)."""
    n, m = rows.shape[:2]
    number = np.arange(n * m).reshape(n, m)
    a, b, c, d = (x.ravel() for x in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]))
    triangles = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    out = pv.PolyData.from_regular_faces(rows.reshape(-1, 3), triangles)
    out[quantity] = values.ravel()
    return out


def _lines(paths: Iterable[tuple[Array, Array]]) -> pv.PolyData:
    """Lines through points, shape (n, 3) each, with the speed at them."""
    points, speed, cells, count = [], [], [], 0
    for path, values in paths:
        points.append(path)
        speed.append(values)
        cells.append([len(path), *range(count, count + len(path))])
        count += len(path)
    out = pv.PolyData(np.concatenate(points), lines=np.concatenate(cells))
    out[SPEED] = np.concatenate(speed)
    return out


# -- devices ------------------------------------------------------------------------------------------------------------------
def _chip(flow: ArrayFlow, operation: Any) -> Scene:
    solved, pitch = grid(flow, operation), flow.chip.lateral_pitch / UNIT
    x0, _, y0, y1, z0, z1 = solved.bounds
    across, up = ((np.arange(n) + 0.5) / n for n in _SEEDS)
    y, z = np.meshgrid(y0 + across * (y1 - y0), z0 + up * (z1 - z0))
    seeds = np.column_stack([np.full(y.size, x0 + 1e-3 * pitch), y.ravel(), z.ravel()])
    half = (
        Part("pillars", _walls(flow, solved, "pillars"), PRESSURE),
        Part("floor", _walls(flow, solved, "floor")),
        Part("streamlines", _streamlines(solved, seeds, "forward"), SPEED),
    )

    def two_paths(shape: pv.PolyData) -> pv.PolyData:
        moves = [lambda p, s=s, n=n: p * (1, s, 1) + (0, n * pitch, 0) for n in (0, 1) for s in (1, -1)]
        return _moved(shape, *moves)

    return Scene(
        "Two paths wide and two rows long, from the floor to mid-depth.",
        (
            *(replace(part, shape=two_paths(part.shape)) for part in half),
            Part("cut", _tops(flow, z1), solid=True),
        ),
        (0.55, 0.5, -0.85),
        (0.0, 0.0, 1.0),
    )


def _tops(flow: ArrayFlow, height: float) -> pv.PolyData:
    """The pillars of two paths and two rows, cut at a height (um)."""
    plane = Plane(flow)
    window = plane.window(2, 2)
    frame, pillar, tops = shapely.box(window[0], window[2], window[1], window[3]), plane.pillar, []
    for tip in plane.places(window):
        ring = np.array(shapely.intersection(shapely.Polygon(pillar + tip), frame).exterior.coords)[:-1]
        if len(ring):
            points = np.column_stack([ring, np.full(len(ring), height)])
            tops.append(pv.PolyData(points, faces=[len(ring), *range(len(ring))]))  # convex
    return _together(*tops)


def _near(shape: pv.PolyData, low: Sequence[float], high: Sequence[float]) -> pv.PolyData:
    """What of a shape lies in a box."""
    for axis, ends in zip(np.eye(3), zip(low, high, strict=True), strict=True):
        for end, inside in zip(ends, (axis, -axis), strict=True):
            if np.isfinite(end):
                shape = shape.clip(inside, origin=end * axis, invert=False)
    return shape


def _pore(flow: PoreFlow, operation: Any) -> Scene:
    """In space: a pore as the half behind its middle plane, or a patch as it lies."""
    solved, membrane = grid(flow, operation), flow.membrane
    size, thickness = membrane.size / UNIT, membrane.thickness / UNIT
    x0, x1, y0, y1 = solved.bounds[:4]
    patch = flow.cell.model == "patch"
    step = size / (_ACROSS_EACH if patch else _ACROSS)
    x, y = np.meshgrid(np.arange(x0 + step / 2, x1, step), np.arange(y0 + step / 2, y1, step))
    seeds = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, thickness / 2)])
    seeds = seeds[np.asarray(solved.find_containing_cell(seeds)) >= 0]
    beside = np.inf if patch else _BESIDE * max(membrane.opening) / UNIT
    low = [max(x0, -beside), max(y0, -beside), -_BEYOND * size]
    high = [min(x1, beside), min(y1, beside), thickness + _BEYOND * size]
    shapes = (
        Part("membrane", _walls(flow, solved, "membrane"), PRESSURE, 0.4 if patch else 1.0),
        Part("bores", _walls(flow, solved, "pore"), PRESSURE),
        Part("streamlines", _streamlines(solved, seeds, "both"), SPEED),
    )

    def shown(shape: pv.PolyData) -> pv.PolyData:
        near = _near(shape, low, high)
        return near if patch else _moved(near, lambda p: p, lambda p: p * (-1, 1, 1))

    return Scene(
        "A piece of the membrane." if patch else "A pore, cut open.",
        (
            *(replace(part, shape=shown(part.shape)) for part in shapes),
            *([] if patch else [_cut(flow, high[0])]),
        ),
        (0.0, 0.8, 0.5),
        (0.0, 0.0, -1.0),
        (0.0, flow.pressure(operation)),  # at sharp rims it has no limit
    )


def _cut(flow: PoreFlow, reach: float) -> Part:
    """The membrane to both sides of a pore where it is cut open."""
    radius, thickness = flow.membrane.opening[0] / UNIT / 2, flow.membrane.thickness / UNIT
    corners = np.array([(radius, 0, 0), (reach, 0, 0), (reach, 0, thickness), (radius, 0, thickness)])
    sides = (pv.PolyData(corners * (x, 1, 1), faces=[4, 0, 1, 2, 3]) for x in (1, -1))
    return Part("cut", _together(*sides), solid=True)


def _turned_pore(flow: PoreFlow, operation: Any) -> Scene:
    """An axisymmetric pore, cut open: its meridian turned by half a turn."""
    plane, field = PorePlane(flow, operation), flow.cell.field
    assert field is not None
    _, pressure = flow.fields(operation)
    size, reach = flow.membrane.size / UNIT, 0.0
    parts = []
    for name, region in (("membrane", "membrane"), ("bore", "pore")):
        three = field.mesh.facets[field.facets(region)]
        nodes = three[(field.mesh.points[three, 1] <= _BESIDE * size).all(axis=1)]
        reach = max(reach, float(field.mesh.points[nodes, 1].max()))
        pairs = np.concatenate([nodes[:, [0, 2]], nodes[:, [2, 1]]])
        shape = _together(
            *(_strip(_around(field.mesh.points[pair]), _alike(pressure[pair]), PRESSURE) for pair in pairs)
        ).clean()
        parts.append(Part(name, shape, PRESSURE))
    lines = []
    for line in plane.streamlines:
        if line[:, 1].mean() > 0:  # the other half is its mirror image
            speed = np.hypot(*plane.at(line[:, 0], line[:, 1])[:2])
            turned = _around(line)
            known = np.isfinite(speed)
            lines += [(turned[known, k][::4], speed[known][::4]) for k in range(0, len(_TURNS), 3)]
    parts.append(Part("streamlines", _lines(lines), SPEED))
    parts.append(_cut(flow, reach))
    ends = 0.0, flow.pressure(operation)
    return Scene("A pore, cut open.", tuple(parts), (0.0, 0.8, 0.5), (0.0, 0.0, -1.0), ends)


def _around(points: Array) -> Array:
    """Points of the meridian (along, radius, ...), shape (n, 2 or 3), at all turns, shape (n, turns, 3)."""
    along, radius = points[:, :1], points[:, 1:2]
    return np.stack(
        [radius * np.cos(_TURNS), radius * np.sin(_TURNS), np.broadcast_to(along, (len(along), len(_TURNS)))],
        axis=-1,
    )


def _alike(values: Array) -> Array:
    return np.repeat(values[:, None], len(_TURNS), axis=1)


def _spiral(flow: SpiralFlow, operation: Any) -> Scene:
    """The channel without its ceiling: walls by pressure; the plane at half the height and the sections by speed."""
    spiral, half = flow.spiral, flow.half_height / UNIT
    s = np.linspace(0.0, spiral.length, _ALONG)
    bend, mean = flow.bends(s), flow.mean_speed(operation)
    across = np.linspace(-1.0, 1.0, _WIDE) * spiral.width / UNIT / 2
    known = [section.curvature for section in flow.cell.sections]
    middle = np.column_stack([across * _INSIDE / half, np.zeros(_WIDE)])
    profiles = mean * np.array([section.at(middle)[0][:, 2] for section in flow.cell.sections])
    speed = np.stack([np.interp(bend, known, profile) for profile in profiles.T], axis=1)
    gradient = flow.along(s, "gradient") * flow.shear_unit(operation) / flow.half_height
    drop = np.concatenate([[0.0], np.cumsum((gradient[1:] + gradient[:-1]) / 2 * np.diff(s))])
    left = np.repeat((drop[-1] - drop)[:, None], 2, axis=1)
    inner, outer = across[0], across[-1]
    tall = [height / UNIT for height in spiral.heights]
    sides = [((inner, 0.0), (outer, 0.0)), ((inner, 0.0), (inner, tall[0])), ((outer, 0.0), (outer, tall[1]))]
    walls = [_strip(_placed(flow, s, np.array(side)), left, PRESSURE) for side in sides]
    level = np.column_stack([across, np.full(_WIDE, half)])
    parts = [
        Part("walls", _together(*walls), PRESSURE),
        Part("half-way up", _strip(_placed(flow, s, level), speed, SPEED), SPEED),
        Part("sections", _together(*_sections(flow, operation, s, bend)), SPEED),
    ]
    return Scene("The channel without its ceiling.", tuple(parts), (0.0, 0.6, -0.8), (0.0, 0.0, 1.0))


def _placed(flow: SpiralFlow, s: Array, places: Array) -> Array:
    """Places in the section (outward from the middle, up from the floor; um), shape (m, 2), along the channel, (n, m, 3)."""
    x, y, heading = flow.spiral.centre_line(s)
    turn = 1.0 if flow.spiral.direction == "outward" else -1.0
    outward = turn * np.stack([np.sin(heading), -np.cos(heading)], axis=-1)
    flat = np.stack([x, y], axis=-1)[:, None] / UNIT + outward[:, None] * places[:, :1]
    up = np.broadcast_to(places[:, 1], flat.shape[:2])
    return np.concatenate([flat, up[..., None]], axis=-1)


def _sections(flow: SpiralFlow, operation: Any, s: Array, bend: Array) -> list[pv.PolyData]:
    """The solved sections where they are, with the speed along the channel."""
    order, half, out = np.argsort(bend), flow.half_height / UNIT, []
    for section in flow.cell.sections:
        field = section.field
        assert isinstance(field, Field)
        where = np.interp(section.curvature, bend[order], s[order])
        triangles = np.concatenate([field.mesh.cells[:, list(quarter)] for quarter in QUARTERS])
        for side in (1, -1) if "symmetry" in field.mesh.regions else (1,):
            places = field.mesh.points[:, :2] * (1, side) + (0, half)
            shape = pv.PolyData.from_regular_faces(
                _placed(flow, np.array([where]), places)[0], triangles[:, ::side]
            )
            shape[SPEED] = field.velocity[:, 2] * flow.mean_speed(operation)
            out.append(shape)
    return out
