"""Bores through a plate: their openings as polygons, and bores and bored plate as solids in OpenCASCADE, in um.

The upstream face of the plate is at z = 0, the downstream one at its thickness; each bore runs at its own tilt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from shapely import Polygon, box, unary_union

from geometries.cut_out import SAME

Box: TypeAlias = tuple[float, float, float, float]

_SIDES = 256  # of a polygon that stands for a round opening
_DEPTHS = 16  # at which the volume of slanted bores is summed


@dataclass(frozen=True)
class Bore:
    """A pore from one face of the membrane to the other.

    Attributes:
        x: Of its middle on the upstream face, um.
        y: The same across.
        width: Diameter, or the side along x of a rectangular one, um.
        length: Side along y, um; None for a round bore.
        tilt: Angle of its axis to the normal, rad: it runs toward higher x with depth. Round bores only.
    """

    x: float
    y: float
    width: float
    length: float | None = None
    tilt: float = 0.0

    def opening(self, depth: float = 0.0) -> Polygon:
        """Its section by a plane at a depth (um) below the upstream face; a many-sided polygon has the ellipse's area."""
        x, half = self.x + depth * math.tan(self.tilt), self.width / 2
        if self.length is not None:
            return box(x - half, self.y - self.length / 2, x + half, self.y + self.length / 2)
        step = 2 * math.pi / _SIDES
        angles, r = step * np.arange(_SIDES), half * math.sqrt(step / math.sin(step))
        return Polygon(
            np.column_stack([x + r / math.cos(self.tilt) * np.cos(angles), self.y + r * np.sin(angles)])
        )


@dataclass(frozen=True)
class Plate:
    """A piece of a plate with its bores.

    Attributes:
        bores: They may reach over the border of the box.
        thickness: um.
        box: Low x, low y, high x, high y, um.
        reservoir: Length of the piece of reservoir on either side, um.
        half: Whether all ends in the middle of the bores.
    """

    bores: tuple[Bore, ...]
    thickness: float
    box: Box
    reservoir: float = 0.0
    half: bool = False

    @property
    def end(self) -> float:
        """Depth at which the bores end."""
        return self.thickness / 2 if self.half else self.thickness

    def open_area(self, depth: float) -> float:
        """Area of the openings at a depth, overlaps once, um2."""
        openings = unary_union([b.opening(depth) for b in self.bores])
        return float(openings.intersection(box(*self.box)).area)

    def bored(self) -> float:
        """Volume of the bores, um3."""
        if not any(b.tilt for b in self.bores):
            return self.open_area(0.0) * self.end
        at, weights = np.polynomial.legendre.leggauss(_DEPTHS)
        return float(
            sum(w * self.open_area((1 + z) / 2 * self.end) for z, w in zip(at, weights, strict=True))
            * self.end
            / 2
        )


def draw_bores(occ: Any, plate: Plate) -> list[tuple[int, int]]:
    """Draw the bores within the box and the plate, overlapping ones as one solid; without thickness their openings."""
    x0, y0, x1, y1 = plate.box
    size = (x1 - x0, y1 - y0)
    if any(b.tilt for b in plate.bores):
        whole = _union(occ, [(3, _cylinder(occ, b, plate)) for b in plate.bores])
        return list(occ.intersect(whole, [(3, occ.addBox(x0, y0, 0, *size, plate.end))])[0])
    whole = _union(occ, [(2, _face(occ, b, plate)) for b in plate.bores])
    openings = list(occ.intersect(whole, [(2, occ.addRectangle(x0, y0, 0, *size))])[0])
    return [s for s in occ.extrude(openings, 0, 0, plate.end) if s[0] == 3] if plate.end > 0 else openings


def draw_fluid(occ: Any, plate: Plate) -> list[tuple[int, int]]:
    """Draw the liquid in the bores and in the pieces of reservoir on both sides as a solid."""
    x0, y0, x1, y1 = plate.box
    size = (x1 - x0, y1 - y0, plate.reservoir)
    tanks = [(3, occ.addBox(x0, y0, z, *size)) for z in (-plate.reservoir, plate.thickness)]
    return list(occ.fuse(tanks, draw_bores(occ, plate))[0])


def draw_plate(occ: Any, plate: Plate) -> list[tuple[int, int]]:
    """Draw the plate with its bores as a solid."""
    x0, y0, x1, y1 = plate.box
    whole = [(3, occ.addBox(x0, y0, 0, x1 - x0, y1 - y0, plate.end))]
    return list(occ.cut(whole, draw_bores(occ, plate))[0])


def _union(occ: Any, shapes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return occ.fuse(shapes[:1], shapes[1:])[0] if len(shapes) > 1 else shapes


def _face(occ: Any, bore: Bore, plate: Plate) -> int:
    """Opening of an upright bore."""
    if bore.length is not None:
        return int(
            occ.addRectangle(bore.x - bore.width / 2, bore.y - bore.length / 2, 0, bore.width, bore.length)
        )
    # Not addDisk, whose border is an ellipse to whoever reads the solid.
    angle = _seam(bore, plate)
    seam = [math.cos(angle), math.sin(angle), 0]
    circle = occ.addCircle(bore.x, bore.y, 0, bore.width / 2, xAxis=seam, zAxis=[0, 0, 1])
    return int(occ.addPlaneSurface([occ.addCurveLoop([circle])]))


def _cylinder(occ: Any, bore: Bore, plate: Plate) -> int:
    """A round bore that reaches beyond both faces."""
    over = bore.width * (abs(math.tan(bore.tilt)) + 0.1)
    tag = occ.addCylinder(0, 0, -over, 0, 0, plate.thickness / math.cos(bore.tilt) + 2 * over, bore.width / 2)
    occ.rotate([(3, tag)], 0, 0, 0, 0, 0, 1, _seam(bore, plate))
    occ.rotate([(3, tag)], 0, 0, 0, 0, 1, 0, bore.tilt)
    occ.translate([(3, tag)], bore.x, bore.y, 0)
    return int(tag)


def _seam(bore: Bore, plate: Plate) -> float:
    """Angle of the place where a circle is closed: in what is cut away, or in the nearest bore if that overlaps.

    Cuts along a seam fail silently, and a seam beside a cut makes a side of no length.
    """
    x0, y0, x1, y1 = plate.box
    out = [
        (bore.x <= x0 + SAME) * -1 + (bore.x >= x1 - SAME),
        (bore.y <= y0 + SAME) * -1 + (bore.y >= y1 - SAME),
    ]
    if any(out):
        return math.atan2(out[1], out[0])
    others = [b for b in plate.bores if b is not bore]
    nearest = min(others, key=lambda b: math.hypot(b.x - bore.x, b.y - bore.y), default=None)
    return math.atan2(nearest.y - bore.y, nearest.x - bore.x) if nearest else 0.0
