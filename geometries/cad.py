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

=====  ==========================  ================================================================================
file   length unit                 what is in it
=====  ==========================  ================================================================================
.msh   um                          gmsh 4.1, second order, 2-D and 3-D; regions as physical groups
.vtu   um                          the same meshes; cell data ``region`` (0 fluid) and one 0/1 array per region name
.step  mm, as STEP says (um kept)  channel: fluid as a solid (what SU-8 fills on a master); filter: the plate; arcs exact
.dxf   um ($INSUNITS 13)           one layer a name; solids as closed polylines whose bulges are exact arcs
.gds   um, on a grid of 1 nm       ``geometries.masks.LAYERS``; equal solids are one cell, placed by array references
.svg   um in the viewBox           one group a name, arcs exact
=====  ==========================  ================================================================================

Splines (a slanted bore's ellipse too), and in GDS arcs, become chords within the chord tolerance.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from geometries.device import Device, Limits
from geometries.files import all_or_nothing
from geometries.masks import write_dxf, write_gds
from geometries.mesh import Resolution
from geometries.mesh_files import write_msh, write_step, write_vtu
from geometries.outline import CHORD_TOLERANCE
from geometries.part import Drawing
from geometries.quantities import DesignError
from geometries.vector_picture import write_svg

#: What can be exported: the unit cell, a block of an array of the size asked for, and the whole chip on its slide.
PARTS = ("cell", "array", "chip")

# Formats in which a whole chip is written without being asked for: masks and pictures.
_OF_A_CHIP = ("dxf", "gds", "svg")

# Of the narrowest channel: chords of 1 nm would make files of a long spiral four times as large, to no use.
_SMOOTH = 5e-5


def export(
    device: Device,
    formats: str | Iterable[str] = ("msh", "step", "dxf", "gds", "svg", "vtu"),
    directory: str | Path = ".",
    *,
    what: str | Iterable[str] | None = None,
    block: Any = None,
    resolution: Resolution | None = None,
    chord_tolerance: float | None = None,
    limits: Limits | None = None,
    title: str | None = None,
) -> list[Path]:
    """Write a device's drawing for other tools; either all files or none are written.

    Args:
        device: The device.
        formats: Endings of the files wanted: msh, step, dxf, gds, svg, vtu.
        directory: Folder to write to; made when it is not there.
        what: ``"cell"`` (the unit cell), ``"array"`` (an array block), ``"chip"`` (all of it on its slide), or several; left out:
            cell and array, and as a mask or picture the chip (a warning says why where it does not fit its slide).
        block: Size of the array block: lateral pitches and rows of a chip, pores of a filter; left out: the device's own.
        resolution: Of the meshes; left out: fine for a cell, coarser for an array.
        chord_tolerance: Largest distance between an arc and its chords where chords are needed, um; left out: 1 nm, or 1/20000 of
            the narrowest channel where that is more.
        limits: The slide of a whole chip; left out: the defaults.
        title: What is written on a whole chip; left out: the kind of the device.

    Returns:
        The files written, e.g. ``cluster_chip_cell_2d.msh``, ``cluster_chip_array_8x8.gds``.

    Raises:
        DesignError: Unknown part or format, a block that the device does not have, a whole chip
            that does not fit its slide, or a folder that cannot be written.
        MeshError: No usable mesh.
    """
    parts = _chosen("what", PARTS if what is None else what, PARTS)
    endings = _chosen("format", formats, tuple(FORMATS))
    jobs = []
    for name in parts:
        wanted = [e for e in endings if name != "chip" or what is not None or e in _OF_A_CHIP]
        if not wanted:
            continue
        try:
            part = device.part(name, block if name == "array" else None, limits=limits, title=title)
        except DesignError as error:
            if name != "chip" or what is not None:
                raise
            warnings.warn(str(error), stacklevel=2)  # nobody asked for it: the other parts are written
            continue
        tolerance = (
            max(CHORD_TOLERANCE, _SMOOTH * part.narrowest) if chord_tolerance is None else chord_tolerance
        )
        drawing = Drawing(f"{device.kind}_{part.name}", part, resolution, tolerance)
        jobs += [(drawing, ending) for ending in wanted]
    target = Path(directory)
    with all_or_nothing(target) as beside:
        names = [name for drawing, ending in jobs for name in FORMATS[ending](drawing, beside)]
    return [target / name for name in names]


def _chosen(field: str, value: str | Iterable[str], known: tuple[str, ...]) -> list[str]:
    chosen = list(dict.fromkeys([value] if isinstance(value, str) else value))
    for item in chosen:
        if item not in known:
            raise DesignError(f'{field} = "{item}" is not known; choose from {", ".join(known)}')
    return chosen


#: Every format by the ending of its files; each writer returns the names of its files.
FORMATS: dict[str, Callable[[Drawing, Path], list[str]]] = {
    "msh": write_msh,
    "step": write_step,
    "dxf": write_dxf,
    "gds": write_gds,
    "svg": write_svg,
    "vtu": write_vtu,
}
