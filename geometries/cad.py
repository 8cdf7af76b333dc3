"""From a device to files for other people's tools: mesh, solid, mask and picture of the same piece of it.

All files of one export show the same block of a device (:class:`geometries.part.Part`). Of a chip, with the origin at the tip of
its first pillar::

      y ^   +--------- symmetry ---------+
        |   |  <|#   <|#        ...      |        frame: inlet, symmetry, outlet
        | inlet    <|#      pillars    outlet     solids: pillars (they may reach over the frame)
        |   |  <|#   <|#        ...      |        fluid: what the frame encloses without the solids
        +-- +--------- symmetry ---------+ --> x, along the flow

Of a filter the plan of the membrane, with the origin in the lower left corner (of a unit cell: the middle of its pore).
``solids`` are then the openings ``pore``, through which the flow runs along z, into the page.

Of a spiral the whole channel (``array``) or a quarter turn of it (``cell``), with the origin in the middle of the spiral; the
frame is its ``wall`` and its ports, and there are no solids.

Of the whole chip (``chip``) solid, surface and mesh show the envelope, without pillars and posts.

Of each piece can be made (``of``) the **fluid**, all that the liquid fills (and SU-8, or a printed relief, on a master); the
**body**, the chip itself: a slab, open below, without the channel and with the pillars, or the membrane around its pores; and
the **mould** that a body is cast from: a plate with the fluid as a relief on it (a membrane is etched and has none). Fluid and
body together are the slab, twice as thick as the channel is deep unless given; the mould's plate is as thick as the slab's roof.
Around the walls of a channel the slab goes on for its width or depth, whichever is more; at inlets, outlets and mirror planes of
a block it is cut. The fluid of a filter is that of the pores and of a piece of reservoir on both sides.

======  ==========================  ================================================================================
format  length unit                 what is in it, and where names are
======  ==========================  ================================================================================
msh     um                          gmsh 4.1, second order, 2-D and 3-D (fluid: both); names: physical groups
msh22   um                          gmsh 2.2, first order, for OpenFOAM and others: file ``..._msh22.msh``; names alike
nas     um                          NASTRAN bulk data, second order (COMSOL); property numbers, whose names are comments
vtu     um                          as msh; names: one 0/1 array a name, and ``region`` (0 inside)
xdmf    um                          the same, cells and facets in two files, each with its ``.h5``
stl     um                          closed surface of plane triangles; names: one ``solid`` a name
step    mm, as STEP says (um kept)  one solid, arcs exact; no names
dxf     um ($INSUNITS 13)           one layer a name; solids as closed polylines whose bulges are exact arcs
gds     um, on a grid of 1 nm       ``geometries.masks.LAYERS``; equal solids are one cell, placed by array references
svg     um in the viewBox           one group a name, arcs exact
======  ==========================  ================================================================================

Splines (a slanted bore's ellipse too), and in GDS and STL arcs, become chords within the chord tolerance; in STL also within
1e-4 of the narrowest channel. Second-order cells follow curves; first-order ones are cut finer, so that the area of each part of
the border is that of the curve within 1e-4. Patches of pores are the exception: in ``msh22``, and with slanted pores in ``stl``,
sides on a pore's wall are a fifth of its radius long: its area is 1.7e-3 too small, the bore 0.7 %.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from geometries.device import Device, Limits
from geometries.files import all_or_nothing
from geometries.masks import write_dxf, write_gds
from geometries.mesh import UNIT
from geometries.mesh_files import (
    write_msh,
    write_msh22,
    write_nastran,
    write_step,
    write_stl,
    write_vtu,
    write_xdmf,
)
from geometries.outline import CHORD_TOLERANCE
from geometries.part import MADE, Drawing
from geometries.quantities import DesignError
from geometries.vector_picture import write_svg

#: What can be exported: the unit cell, a block of an array of the size asked for, and the whole chip on its slide.
PARTS = ("cell", "array", "chip")

#: Formats in which a whole chip is written without being asked for.
OF_A_CHIP = ("dxf", "gds", "svg", "stl", "step")

# Of the narrowest channel: chords of 1 nm would make files of a long spiral four times as large, to no use.
_SMOOTH = 5e-5


def export(
    device: Device,
    formats: str | Iterable[str] = ("msh", "step", "dxf", "gds", "svg", "vtu"),
    directory: str | Path = ".",
    *,
    what: str | Iterable[str] | None = None,
    of: str | Iterable[str] = "fluid",
    block: Any = None,
    thickness: float | None = None,
    refine: float = 1.0,
    chord_tolerance: float | None = None,
    limits: Limits | None = None,
    title: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write a device's drawing for other tools; either all files or none are written.

    Args:
        device: The device.
        formats: The formats wanted: msh, msh22, nas, vtu, xdmf, stl, step, dxf, gds, svg.
        directory: Folder to write to; made when it is not there.
        what: ``"cell"`` (the unit cell), ``"array"`` (an array block), ``"chip"`` (all of it on its slide), or several; left out:
            cell and array, and of the formats in which it is a small file the chip (:data:`OF_A_CHIP`; a warning says why it
            cannot be, where it does not fit its slide).
        of: ``"fluid"``, ``"body"``, ``"mould"``, or several of them; plans (dxf, gds, svg) are the same for all.
        block: Size of the array block: lateral pitches and rows of a chip, pores of a filter; left out: the device's own.
        thickness: Of a channel's slab, m; left out: twice the channel's depth.
        refine: Divides all cell sizes of the meshes, which are fine for a cell and coarser for an array or chip.
        chord_tolerance: Largest distance between an arc and its chords where chords are needed, um; left out: 1 nm, or 1/20000 of
            the narrowest channel where that is more.
        limits: The slide of a whole chip; left out: the defaults.
        title: What is written on a whole chip; left out: the kind of the device.
        progress: Told which file is being written.

    Returns:
        The files written, e.g. ``cluster_chip_cell_2d.msh``, ``cluster_chip_array_8x8.gds``, ``cluster_chip_cell_mould.stl``.

    Raises:
        DesignError: Unknown part or format, a block that the device does not have, a whole chip
            that does not fit its slide, or a folder that cannot be written.
        MeshError: No usable mesh.
    """
    parts = _chosen("what", PARTS if what is None else what, PARTS)
    endings = _chosen("format", formats, tuple(FORMATS))
    made = _chosen("of", of, MADE)
    jobs = []
    for name in parts:
        wanted = [e for e in endings if name != "chip" or what is not None or e in OF_A_CHIP]
        if not wanted:
            continue
        try:
            part = device.part(name, block if name == "array" else None, limits=limits, title=title)
        except DesignError as error:
            if name != "chip" or what is not None:
                raise
            warnings.warn(str(error), stacklevel=2)  # nobody asked for it: the other parts are written
            continue
        if what is None and not part.in_space:
            wanted = [e for e in wanted if e in PLANS]
        tolerance = (
            max(CHORD_TOLERANCE, _SMOOTH * part.narrowest) if chord_tolerance is None else chord_tolerance
        )
        stem, slab = f"{device.kind}_{part.name}", None if thickness is None else thickness / UNIT
        plans = [ending for ending in wanted if ending in PLANS]
        for inside in made if len(wanted) > len(plans) else ():
            shape = part.made(inside, slab)
            name = stem if inside == "fluid" else f"{stem}_{inside}"
            drawing = Drawing(name, part, tolerance, shape, inside, refine, progress)
            jobs += [(drawing, ending) for ending in wanted if ending not in PLANS]
        jobs += [(Drawing(stem, part, tolerance), ending) for ending in plans]
    target = Path(directory)
    with all_or_nothing(target) as beside:
        names = []
        for drawing, ending in jobs:
            if ending in PLANS:
                progress(f"writing {drawing.stem}.{ending}")
            names += FORMATS[ending](drawing, beside)
    return [target / name for name in names]


def _chosen(field: str, value: str | Iterable[str], known: tuple[str, ...]) -> list[str]:
    chosen = list(dict.fromkeys([value] if isinstance(value, str) else value))
    for item in chosen:
        if item not in known:
            raise DesignError(f'{field} = "{item}" is not known; choose from {", ".join(known)}')
    return chosen


#: Every format by its name; each writer returns the names of its files.
FORMATS: dict[str, Callable[[Drawing, Path], list[str]]] = {
    "msh": write_msh,
    "msh22": write_msh22,
    "nas": write_nastran,
    "vtu": write_vtu,
    "xdmf": write_xdmf,
    "stl": write_stl,
    "step": write_step,
    "dxf": write_dxf,
    "gds": write_gds,
    "svg": write_svg,
}
#: Those that show the plan.
PLANS = ("dxf", "gds", "svg")
