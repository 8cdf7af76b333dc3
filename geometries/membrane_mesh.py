"""Meshes in space of pores through a membrane, with a piece of the reservoirs on both sides, in um.

The flow runs along z: the upstream face of the membrane is at z = 0, the downstream one at its thickness::

                 z = -reservoir   +------ inlet ------+
                                  |                   | symmetry_x, symmetry_y: the sides of the box
                             0    +membrane+ +membrane+
                                         / pore/          each bore runs at its own tilt
                     thickness    +membr+ +--membrane-+
                                  |                   |
       thickness + reservoir      +----- outlet ------+
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geometries.bores import Bore, Box, Plate, draw_bores, draw_plate
from geometries.cut_out import SAME, straighten
from geometries.mesh import UNIT, Mesh, MeshError, collect, gmsh_session, sizes_by_field_only

if TYPE_CHECKING:
    from geometries.pore_filter import PoreFilter

_TOLERANCE = 5e-3  # of area and volume: curved cells keep them to 1e-4, a cut that failed does not
_STRAIGHT_TOLERANCE = 1e-2  # the same of straight sides of a fifth of the radius, which lose 0.7 %
# Refinements tried: whether a few cells come out flat is chance, and slightly other sizes are another one.
_TRIES = (1.0, 1.06, 1.13)
_WORST_SHAPE = 0.02
_IN_BORE = 0.6  # cell over the radius: wider ones do not follow the wall, and waste the rims' accuracy


def mesh_bores(
    bores: Sequence[Bore],
    thickness: float,
    box: Box,
    reservoir: float,
    *,
    rim: float,
    growth: float,
    coarsest: float,
    half: bool = False,
    wall: float | None = None,
) -> Mesh:
    """Mesh the fluid in bores and reservoirs by second-order tetrahedra, each wholly in a reservoir or in a bore.

    Overlapping bores are one opening. A bore that reaches over the border of the box is cut by it: with its middle on a side or
    in a corner it is the half or quarter of a pore between mirror planes.

    Args:
        bores: The pores.
        thickness: Of the membrane, um.
        box: Low x, low y, high x, high y of the fluid, um.
        reservoir: Length of the piece of reservoir on either side, um.
        rim: Cell size at the rims of the bores, um.
        growth: Growth of the cell size with the distance to the nearest rim.
        coarsest: Largest cell, um.
        half: Whether the fluid ends in the middle of upright bores, whose sections there are ``outlet``; without thickness these
            are openings in a wall.
        wall: Largest cell on the walls of the bores, um, for cells that will lose their bends; left out: in the whole bore 0.6 of
            the narrowest one's radius.

    Returns:
        Mesh with the regions ``inlet``, ``outlet``, ``membrane``, ``pore``, ``symmetry_x`` and ``symmetry_y``.

    Raises:
        MeshError: gmsh failed, the mesh has not the area or volume of the bores, or a cell is too badly shaped to compute on.
        ValueError: Slanted bores that are rectangular or halved, or no thickness without ``half``.
    """
    if any(b.tilt and (half or b.length is not None) for b in bores):
        raise ValueError("slanted bores are round and whole")
    if thickness <= 0 and not half:
        raise ValueError("a wall without thickness is meshed on one side only: half=True")
    plate = Plate(tuple(bores), thickness, box, reservoir, half)
    for finer in _TRIES:
        try:
            mesh = _meshed(plate, rim / finer, growth, coarsest / finer, wall and wall / finer)
            return _checked(plate, mesh, _TOLERANCE if wall is None else _STRAIGHT_TOLERANCE)
        except MeshError as error:
            failed = error
    raise failed


def _checked(plate: Plate, mesh: Mesh, tolerance: float) -> Mesh:
    if mesh.quality < _WORST_SHAPE:
        raise MeshError(
            f"the worst cell has shape quality {mesh.quality:.3f}, below {_WORST_SHAPE}; refine the rims or choose other bores"
        )
    _check_sizes(mesh, plate, tolerance)
    return mesh


def mesh_plate(
    bores: Sequence[Bore],
    thickness: float,
    box: Box,
    reservoir: float,
    *,
    rim: float,
    growth: float,
    coarsest: float,
    wall: float | None = None,
) -> Mesh:
    """Mesh the plate around the bores, with arguments as :func:`mesh_bores`.

    Returns:
        Mesh with the regions ``membrane`` (both faces), ``pore``, ``symmetry_x`` and ``symmetry_y``.

    Raises:
        MeshError: gmsh failed, the mesh has not the volume of the plate, or a cell is too badly shaped.
    """
    plate = Plate(tuple(bores), thickness, box, reservoir)
    mesh = _meshed(plate, rim, growth, coarsest, wall, body=True)
    x0, y0, x1, y1 = box
    wanted, found = (x1 - x0) * (y1 - y0) * thickness - plate.bored(), mesh.measure()
    if mesh.quality < _WORST_SHAPE or abs(found - wanted) > _TOLERANCE * wanted:
        raise MeshError(
            f"the plate has {found:.6g} um3 in the mesh, not {wanted:.6g}, and the worst cell the shape quality "
            f"{mesh.quality:.3f}; refine the rims, or move the bores a little"
        )
    return mesh


def _meshed(
    plate: Plate, rim: float, growth: float, coarsest: float, wall: float | None, *, body: bool = False
) -> Mesh:
    with gmsh_session() as gmsh:
        gmsh.model.add("bores")
        sizes_by_field_only(gmsh)
        try:
            openings, volumes = _draw_body(gmsh, plate) if body else _draw(gmsh, plate)
            surfaces, rims = _named_surfaces(gmsh, plate, openings)
            if body:
                rims = _rims_of_body(gmsh, surfaces)
            if wall is None:
                finest = _IN_BORE * min(b.width / 2 for b in plate.bores)
                limits = {} if body else dict.fromkeys(volumes, finest)
                _grade(gmsh, rims, rim, growth, coarsest, limits)
            else:
                _grade(gmsh, rims, rim, growth, coarsest, {}, surfaces["pore"], wall)
            # HXT, which is quick for the many cells along straight-sided walls.
            gmsh.option.setNumber("Mesh.Algorithm3D", 1 if wall is None else 10)
            gmsh.model.mesh.generate(3)
            gmsh.option.setNumber("Mesh.SecondOrderLinear", wall is not None)
            gmsh.model.mesh.setOrder(2)
            if wall is None:
                straighten(gmsh)
        except Exception as error:  # gmsh raises bare Exception
            raise MeshError(f"gmsh could not mesh the bores: {error}") from error
        return collect(gmsh, surfaces, 3)


def _draw_body(gmsh: Any, plate: Plate) -> tuple[set[int], list[int]]:
    draw_plate(gmsh.model.occ, plate)
    gmsh.model.occ.synchronize()
    return set(), [tag for _, tag in gmsh.model.getEntities(3)]


def _rims_of_body(gmsh: Any, surfaces: dict[str, list[int]]) -> list[int]:
    """Curves between the walls of the bores and the faces of the plate."""
    curves = [
        {int(c) for tag in surfaces[name] for c in gmsh.model.getAdjacencies(2, tag)[1]}
        for name in ("pore", "membrane")
    ]
    return sorted(curves[0] & curves[1])


def _draw(gmsh: Any, plate: Plate) -> tuple[set[int], list[int]]:
    """Build the fluid; returns the flat faces in which bores meet reservoirs, and the bores' volumes."""
    occ = gmsh.model.occ
    x0, y0, x1, y1 = plate.box
    size = (x1 - x0, y1 - y0)
    tanks = [(3, occ.addBox(x0, y0, -plate.reservoir, *size, plate.reservoir))]
    if not plate.half:
        tanks.append((3, occ.addBox(x0, y0, plate.thickness, *size, plate.reservoir)))
    shapes = draw_bores(occ, plate)
    # Fragments, not their union: the faces between bores and reservoirs stay, and cells keep to their side of them.
    _, pieces = occ.fragment(tanks, shapes)
    occ.synchronize()
    bores = [tag for piece in pieces[len(tanks) :] for _, tag in piece]
    if plate.end == 0:
        return set(bores), []
    faces = [tag for _, tag in gmsh.model.getEntities(2)]
    return {tag for tag in faces if len(gmsh.model.getAdjacencies(2, tag)[0]) == 2}, bores


def _named_surfaces(gmsh: Any, plate: Plate, openings: set[int]) -> tuple[dict[str, list[int]], list[int]]:
    """Boundary surfaces by the name of their region, and the curves that are rims of the bores."""
    model = gmsh.model
    surfaces: dict[str, list[int]] = {}
    sides: set[int] = set()
    for _, tag in model.getEntities(2):
        if plate.end > 0 and tag in openings:
            continue
        name = "outlet" if tag in openings else _region(np.array(model.getBoundingBox(2, tag)), plate)
        surfaces.setdefault(name, []).append(tag)
        if name.startswith("symmetry"):
            sides.update(map(int, model.getAdjacencies(2, tag)[1]))
    rims = {int(curve) for tag in openings for curve in model.getAdjacencies(2, tag)[1]}
    return surfaces, sorted(rims - sides)


def _region(around: np.ndarray, plate: Plate) -> str:
    """Region of a boundary surface by the box around it."""
    x0, y0, x1, y1 = plate.box
    flat: list[tuple[int, float, str]] = [
        (0, x0, "symmetry_x"), (0, x1, "symmetry_x"), (1, y0, "symmetry_y"), (1, y1, "symmetry_y"),
        (2, -plate.reservoir, "inlet"), (2, 0.0, "membrane"),
    ]  # fmt: skip
    flat += (
        [(2, plate.end, "outlet")]
        if plate.half
        else [(2, plate.thickness, "membrane"), (2, plate.thickness + plate.reservoir, "outlet")]
    )
    for axis, place, name in flat:
        if np.abs(around[[axis, axis + 3]] - place).max() < SAME:
            return name
    return "pore"


def _grade(
    gmsh: Any,
    rims: list[int],
    rim: float,
    growth: float,
    coarsest: float,
    limits: dict[int, float],
    walls: Sequence[int] = (),
    wall: float = 0.0,
) -> None:
    """Sizes grow linearly with the distance to the nearest rim, in some volumes up to a limit, and so from some walls."""
    field = gmsh.model.mesh.field
    longest = max(gmsh.model.occ.getMass(1, tag) for tag in rims)
    distance, size = field.add("Distance"), field.add("Threshold")
    field.setNumbers(distance, "CurvesList", rims)
    field.setNumber(distance, "Sampling", math.ceil(max(20, 3 * longest / rim)))
    for name, value in (
        ("InField", distance),
        ("SizeMin", rim),
        ("SizeMax", coarsest),
        ("DistMin", 0.0),
        ("DistMax", max(coarsest - rim, 1e-9) / growth),
    ):
        field.setNumber(size, name, value)
    fields = [size]
    for volume, limit in limits.items():
        within = field.add("Constant")
        around = [abs(tag) for _, tag in gmsh.model.getBoundary([(3, volume)], oriented=False)]
        field.setNumbers(within, "VolumesList", [volume])
        field.setNumbers(within, "SurfacesList", around)
        field.setNumber(within, "VIn", limit)
        field.setNumber(within, "VOut", coarsest)
        fields.append(within)
    if walls:
        on_walls = field.add("Constant")
        field.setNumbers(on_walls, "SurfacesList", list(walls))
        field.setNumber(on_walls, "VIn", wall)
        field.setNumber(on_walls, "VOut", coarsest)
        fields.append(on_walls)
        # What is within the walls takes its sizes from them.
        gmsh.option.setNumber("Mesh.MeshSizeExtendFromBoundary", 1)
    least = field.add("Min")
    field.setNumbers(least, "FieldsList", fields)
    if walls:
        # Volumes take their sizes from their borders: the distance to so many rims is slow to ask for everywhere.
        only = field.add("Restrict")
        field.setNumber(only, "InField", least)
        field.setNumbers(only, "SurfacesList", [tag for _, tag in gmsh.model.getEntities(2)])
        least = only
    field.setAsBackgroundMesh(least)
    gmsh.option.setNumber("Mesh.MeshSizeMax", coarsest)


def _check_sizes(mesh: Mesh, plate: Plate, tolerance: float) -> None:
    """OpenCASCADE's cuts can leave a bore out, or half of it, without a word."""
    x0, y0, x1, y1 = plate.box
    face = (x1 - x0) * (y1 - y0)
    on_membrane = mesh.facets[mesh.facet_regions == mesh.regions["membrane"]]
    upstream = on_membrane[np.abs(mesh.points[on_membrane, 2]).max(axis=1) < SAME]
    bored = mesh.cells[mesh.points[mesh.cells, 2].min(axis=1) > -SAME]
    bored = bored[mesh.points[bored, 2].max(axis=1) < plate.end + SAME]
    tanks = face * plate.reservoir * (1 if plate.half else 2)
    checks = [("the openings have", "um2", plate.open_area(0.0), face - _measure(mesh, upstream))]
    if plate.end > 0:
        checks.append(("the bores have", "um3", plate.bored(), _measure(mesh, bored)))
    checks.append(("the fluid has", "um3", tanks + plate.bored(), mesh.measure()))
    for what, unit, wanted, found in checks:
        if abs(found - wanted) > tolerance * wanted:
            raise MeshError(
                f"{what} {found:.6g} {unit} in the mesh, not {wanted:.6g}; refine the rims, or move the bores a little"
            )


def _measure(mesh: Mesh, cells: np.ndarray) -> float:
    """Area of facets (um2) or volume of cells (um3) of a mesh."""
    if not len(cells):
        return 0.0
    bare = replace(
        mesh, cells=cells, facets=mesh.facets[:0], facet_regions=mesh.facet_regions[:0], regions={}
    )
    return bare.measure()


def unit_cell(
    membrane: PoreFilter,
    reservoir: float,
    *,
    rim: float,
    growth: float,
    coarsest: float,
    half: bool = False,
    window: float | None = None,
) -> Mesh:
    """A quarter, between mirror planes, of one nominal upright pore's cell of a membrane.

    A lattice repeats by its mirror planes; a hexagonal one has a second quarter pore in the opposite corner. A pore of a random
    membrane stands alone in a square window.

    Args:
        membrane: The membrane.
        reservoir: Length of the piece of reservoir on either side, um.
        rim: Cell size at the rims, um.
        growth: Growth of the cell size with the distance to the nearest rim.
        coarsest: Largest cell, um.
        half: Whether it ends in the middle of the pore.
        window: Half the side of the window of a pore of a random membrane, um; left out: of the area that each pore has.

    Raises:
        MeshError: As :func:`mesh_bores`.
    """
    bores, box = unit_cell_plan(membrane, window)
    return mesh_bores(
        bores, membrane.thickness / UNIT, box, reservoir, rim=rim, growth=growth, coarsest=coarsest, half=half
    )


def unit_cell_plan(membrane: PoreFilter, window: float | None = None) -> tuple[tuple[Bore, ...], Box]:
    """Bores and box (um) of the quarter that :func:`unit_cell` meshes."""
    along, across = (pitch / UNIT for pitch in membrane.pitches)
    width, length = (extent / UNIT for extent in membrane.opening)
    bore = Bore(0.0, 0.0, width, None if membrane.pore == "round" else length)
    if membrane.placement == "hexagonal":
        return (bore, replace(bore, x=along / 2, y=across)), (0.0, 0.0, along / 2, across)
    if membrane.placement == "poisson" and window is not None:
        return (bore,), (0.0, 0.0, window, window)
    return (bore,), (0.0, 0.0, along / 2, across / 2)
