"""The Cluster-Chip: rows of triangular pillars; every two funnel what comes onto the tip of a third.

Flow runs along x; y is across, z is depth. One trap, from above (the apex points upstream)::

        x = 0                               row pitch
        |  apex                  base        |
        |    .                     |         |
        |  <|######## pillar ######|         |
        |    '                     | ^       |  .
        |   flow -->          gap  | v      <|####### next row, half a pitch aside
        |    .                     |         |  '
        |  <|######## pillar ######| ^
        |    '                     | |  side (before rounding)
        |                            v

``gap`` is the clear distance between two neighbours of a row, ``daughter_gap`` the clear distance from a base corner to
the tip of the next row. Both are kept whatever the ``fillet``; the pitches follow. Source of the principle and the 12 um:
Sarioglu et al., Nature Methods 12, 685 (2015), doi:10.1038/nmeth.3404, as reported in Cancer Discovery 5, 898 (2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from pydantic import model_validator
from shapely import box

from geometries.device import Device, Limits, Problem
from geometries.mesh import Resolution
from geometries.outline import Arc, Line, Loop, Outline, Point, Segment, rectangle
from geometries.part import COARSE, Part, channel_part
from geometries.quantities import DesignError, count_type, field_type, show

_UM = 1e-6
_LEAST_FILLET = 1e-9  # finer than any mask, and what OpenCASCADE still tells from a point


class ClusterChip(Device):
    """A Cluster-Chip. With no arguments the published chip (what nobody could confirm is marked in its TOML).

    Attributes:
        gap: Clear distance between two neighbours of a row, m.
        side: Base of a pillar before rounding, m.
        apex_angle: Angle at the upstream tip, rad.
        daughter_gap: Clear distance from a base corner to the tip of the next row, m; left out: equal to ``gap``.
        fillet: Radius on every corner, m; 0 is sharp.
        depth: Height of the channel, m.
        paths: Traps in parallel in all.
        rows: Rows that follow each other in each bank.
        banks: Blocks of paths, fed in parallel.
    """

    kind: ClassVar[str] = "cluster_chip"

    gap: field_type("m", "1 um", "1 mm") = 12e-6
    side: field_type("m", "1 um", "5 mm") = 48e-6
    apex_angle: field_type("rad", "20 deg", "120 deg") = math.radians(60)
    daughter_gap: field_type("m", "1 um", "1 mm", optional=True) = None
    fillet: field_type("m", 0.0, "1 mm") = 1e-6
    depth: field_type("m", "1 um", "1 mm") = 100e-6
    paths: count_type(1, 1_000_000) = 4096
    rows: count_type(1, 10_000) = 50
    banks: count_type(1, 1_000) = 4

    @model_validator(mode="after")
    def _geometry_exists(self) -> ClusterChip:
        if self.daughter_gap is None:
            # Around the frozen model, once, while it is made: afterwards it is a number like the others.
            object.__setattr__(self, "daughter_gap", self.gap)
        if self.paths % self.banks:
            raise DesignError(
                f"paths = {self.paths} cannot be shared out over banks = {self.banks}; make it a multiple"
            )
        room = self._largest_fillet()
        if self.fillet > 0.9 * room:
            raise DesignError(
                f"fillet = {show(self.fillet, 'um')} leaves no straight side on a pillar of side {show(self.side, 'um')}; "
                f"the limit is {show(0.9 * room, 'um')}"
            )
        least = self.gap / 2 - self.fillet
        if self.daughter_gap < 1.001 * least:
            raise DesignError(
                f"daughter_gap = {show(self.daughter_gap, 'um')} makes the rows overlap: with gap = "
                f"{show(self.gap, 'um')} and fillet = {show(self.fillet, 'um')} it must be above {show(least, 'um')}"
            )
        if 0 < self.fillet < _LEAST_FILLET:
            raise DesignError(
                f"fillet = {show(self.fillet, 'um')} is below {show(_LEAST_FILLET, 'um')}, too small to draw; "
                'write "0 um" for sharp corners'
            )
        self._refuse_pillars_lost_in_the_gap()
        return self

    def _refuse_pillars_lost_in_the_gap(self) -> None:
        """The pitches keep both gaps only while a base corner faces the next row's tip or flank and nothing is nearer."""
        half, across = self.apex_angle / 2, self.gap / 2 + self.fillet
        along = self.row_pitch - self.pillar_length + 2 * self.fillet
        foot = across * math.sin(half) - along * math.cos(
            half
        )  # of the perpendicular on the next pillar's flank
        if foot > (self.pillar_width / 2 - self.fillet) / math.sin(half):
            raise DesignError(
                f"gap = {show(self.gap, 'um')} is too wide for pillars of side {show(self.side, 'um')}: a base corner would "
                f"face the next row's base and no tip (daughter_gap = {show(self.daughter_gap, 'um')}); widen the side"
            )
        in_lane, least = 2 * self.row_pitch - self.pillar_length, min(self.gap, self.daughter_gap)
        if in_lane < least:
            raise DesignError(
                f"daughter_gap = {show(self.daughter_gap, 'um')} leaves {show(in_lane, 'um')} between a base and the tip "
                f"two rows on, below the smallest gap asked for, {show(least, 'um')}; widen daughter_gap or side"
            )

    # -- dimensions that follow ---------------------------------------------------------------------------------------
    @property
    def _base_angle(self) -> float:
        return (math.pi - self.apex_angle) / 2

    def _largest_fillet(self) -> float:
        """Radius of the circle inscribed in the unrounded triangle, m: rounding beyond it leaves nothing."""
        return self.side / 2 * math.tan(self._base_angle / 2)

    @property
    def pillar_width(self) -> float:
        """Width of a pillar across the flow after rounding, m."""
        return self.side - 2 * self.fillet * (1 / math.tan(self._base_angle / 2) - 1)

    @property
    def pillar_length(self) -> float:
        """Length of a pillar along the flow after rounding, m."""
        return self.side / 2 / math.tan(self.apex_angle / 2) - self.fillet * (
            1 / math.sin(self.apex_angle / 2) - 1
        )

    @property
    def lateral_pitch(self) -> float:
        """Distance of neighbours in a row, m."""
        return self.pillar_width + self.gap

    @property
    def row_pitch(self) -> float:
        """Distance of rows along the flow, m.

        The clear daughter gap fixes how far the arc centres of a base corner and of the next tip are apart along the
        flow; for a blunt tip the flank, not the tip, is what comes nearest.
        """
        f, half = self.fillet, self.apex_angle / 2
        across = self.gap / 2 + f
        reach = self.daughter_gap + 2 * f
        along = math.sqrt(reach**2 - across**2)
        if across * math.sin(half) > along * math.cos(half):
            along = (reach - across * math.cos(half)) / math.sin(half)
        # From arc centre of the tip to the arc centres of the base, then on to the next tip.
        return self.pillar_length - 2 * f + along

    @property
    def array_length(self) -> float:
        """Length of a bank along the flow, m."""
        return self.rows * self.row_pitch

    @property
    def bank_width(self) -> float:
        """Width of a bank across the flow, m."""
        return self.paths // self.banks * self.lateral_pitch

    # -- what can be made ---------------------------------------------------------------------------------------------
    def problems(self, limits: Limits | None = None) -> list[Problem]:
        """Design rules that this chip breaks."""
        return list(self._problems(limits or Limits()))

    def _problems(self, limits: Limits) -> Iterator[Problem]:
        def problem(name: str, value: str, limit: str, relation: str, what: str) -> Problem:
            return Problem(name, value, limit, f"{name} = {value} {relation} {limit}: {what}")

        for name, value in (("gap", self.gap), ("daughter_gap", self.daughter_gap)):
            if value < limits.min_gap:
                yield problem(name, show(value, "um"), f"the smallest gap that can be made, {show(limits.min_gap, 'um')}",
                              "is below", "widen it or raise limits.min_gap knowingly")  # fmt: skip
        smallest = min(self.pillar_width, self.pillar_length)
        if smallest < limits.min_feature:
            yield problem("side", show(self.side, "um"), f"what leaves a pillar of {show(limits.min_feature, 'um')}",
                          "is below", f"the rounded pillar is {show(smallest, 'um')} thin")  # fmt: skip
        for width, what, top in (
            (smallest, "pillar", limits.max_aspect_ratio),
            (min(self.gap, self.daughter_gap), "gap", limits.max_gap_aspect_ratio),
        ):
            if self.depth > top * width:
                yield problem("depth", show(self.depth, "um"), f"{top:g} times the {what} of {show(width, 'um')}", "is above",
                              f"such a {what} is too deep for its width to be moulded")  # fmt: skip
        if self.bank_width > limits.slide_length:
            yield problem("paths", str(self.paths), f"what fits the slide of {show(limits.slide_length, 'mm')}", "is above",
                          f"a bank would be {show(self.bank_width, 'mm')} wide; use more banks")  # fmt: skip
        if self.banks * self.array_length > limits.slide_width:
            yield problem("rows", str(self.rows), f"what fits the slide of {show(limits.slide_width, 'mm')}", "is above",
                          f"{self.banks} banks would be {show(self.banks * self.array_length, 'mm')} long")  # fmt: skip

    # -- drawings -----------------------------------------------------------------------------------------------------
    def pillar(self) -> Loop:
        """One pillar, um, its rounded tip at the origin and its base downstream."""
        f, half, base = self.fillet / _UM, self.apex_angle / 2, self._base_angle
        tip = f - f / math.sin(half)  # x of the unrounded apex
        foot, b = self.pillar_length / _UM, self.side / 2 / _UM
        corners = [((tip, 0.0), half), ((foot, -b), base / 2), ((foot, b), base / 2)]
        return _rounded_triangle(corners, f, "pillars")

    def block(
        self,
        paths: float = 0.5,
        rows: int = 2,
        *,
        plug: tuple[float, int] | None = None,
        plug_thickness: float = 1e-6,
    ) -> Outline:
        """The fluid between ``rows`` rows, ``paths`` lateral pitches wide, as a drawing in um.

        The lower border runs along the axis of a pillar of row 0; every border is a mirror line of the array, so
        ``paths`` may be any multiple of a half. The default is the unit cell: half a pitch wide, two rows long,
        periodic along the flow when ``rows`` is even.

        Args:
            paths: Width in lateral pitches, a multiple of 0.5.
            rows: Number of rows.
            plug: Place of a plugged entrance gap as (lateral pitches from the lower border, row), or None.
            plug_thickness: Length of the plug along the flow, m; at least 1 um (a plug of no thickness gives a wrong
                pressure).

        Raises:
            DesignError: ``paths``, ``rows``, ``plug`` or ``plug_thickness`` do not fit the array.
        """
        if paths < 0.5 or (2 * paths) % 1 or rows < 1:
            raise DesignError(
                f"a block of {paths:g} paths x {rows} rows is not made of half pitches and whole rows"
            )
        pitch, row = self.lateral_pitch / _UM, self.row_pitch / _UM
        between = (
            row - self.pillar_length / _UM
        )  # clear strip between two rows; negative where they interlock
        # A border in a narrow strip would leave slivers: then it runs across the pillars instead, amid their flanks.
        x0 = -between / 2 if between > 0.5 * self._throat else self._mid_flank / _UM
        width, length = paths * pitch, rows * row
        frame = rectangle(x0, 0.0, x0 + length, width, ("symmetry", "outlet", "symmetry", "inlet"))
        places = [
            (r * row, (n + 0.5 * (r % 2)) * pitch)
            for r in range(-1, rows + 1)
            for n in range(-1, math.ceil(paths) + 1)
        ]
        pillar = self.pillar()
        solids = [pillar.moved(*place) for place in _touching(pillar, places, (x0, 0.0, x0 + length, width))]
        tips = tuple(t for x, y in places for t in self._corners(x, y) if _within(t, x0, x0 + length, width))
        if plug is not None:
            solids.append(self._plug(plug, plug_thickness, paths, rows))
        return Outline(
            frame=frame, solids=tuple(solids), depth=self.depth / _UM, tips=tips, tip_radius=self.fillet / _UM,
            throat=self._throat, periodic=rows % 2 == 0,
        )  # fmt: skip

    def block_size(self, text: str) -> tuple[int, int]:
        """Paths and rows from ``"8x8"``."""
        paths, cross, rows = text.partition("x")
        if not (cross and paths.isdecimal() and rows.isdecimal() and int(paths) and int(rows)):
            raise DesignError(f'block {text} is not a number of paths and rows; write for instance "8x8"')
        return int(paths), int(rows)

    def part(self, name: str, size: tuple[float, int] | None = None) -> Part:
        """The unit cell, or a block of ``size`` paths and rows (8 x 8)."""
        if name == "cell":
            return channel_part(name, self.block(), Resolution())
        paths, rows = size or (8, 8)
        return channel_part(f"{name}_{paths:g}x{rows}", self.block(paths, rows), COARSE)

    @property
    def _mid_flank(self) -> float:
        """From the tip of a pillar to the middle of the straight part of its flanks, along the flow, m."""
        return self.pillar_length / 2 - self.fillet * math.sin(self.apex_angle / 2)

    @property
    def _throat(self) -> float:
        return min(self.gap, self.daughter_gap) / _UM

    def _corners(self, x: float, y: float) -> list[Point]:
        """Arc centres of a pillar whose tip is at (x, y), um: where the mesh is graded to."""
        f = self.fillet / _UM
        base, half_width = x + self.pillar_length / _UM - f, self.pillar_width / _UM / 2 - f
        return [(x + f, y), (base, y - half_width), (base, y + half_width)]

    def throat_centres(self, row: int = 0) -> tuple[Point, tuple[Point, Point]]:
        """Middle of the entrance gap of ``row`` beside the lower border, and the ends of its daughter gap, um."""
        f, pitch, x = self.fillet / _UM, self.lateral_pitch / _UM, row * self.row_pitch / _UM
        corner = (x + self.pillar_length / _UM - f, pitch / 2 - self.gap / _UM / 2 - f)
        tip = (x + self.row_pitch / _UM + f, pitch / 2)
        return (corner[0], pitch / 2), (corner, tip)

    def _plug(self, plug: tuple[float, int], thickness: float, paths: float, rows: int) -> Loop:
        where, row = plug
        if thickness < 1e-6:
            raise DesignError(
                f"plug_thickness = {show(thickness, 'um')} is below 1 um; a thinner plug gives a wrong pressure"
            )
        if not 0 <= row < rows or not 0 <= where <= paths or (where - 0.5 * ((row + 1) % 2)) % 1:
            raise DesignError(f"plug = ({where:g}, {row}) is not the middle of an entrance gap of the block")
        f, t, gap = self.fillet / _UM, thickness / _UM, self.gap / _UM
        base = row * self.row_pitch / _UM + self.pillar_length / _UM
        x1 = base - f + min(t / 2, f)
        x0, flank = x1 - t, base - f * (1 + math.sin(self.apex_angle / 2))
        if (
            abs(x0 - flank) < t / 10
        ):  # it ends just beside the end of the corner's arc: no mesh has room for the difference
            x0 = flank
        y = where * self.lateral_pitch / _UM
        # Reaching into the pillars on both sides, so that no slit is left beside it.
        reach = gap / 2 + min(f + 2 * t, self.pillar_width / _UM / 2)
        return rectangle(
            x0, y - reach, x1, y + reach, ("plug_side", "plug_downstream", "plug_side", "plug_upstream")
        )


def _touching(loop: Loop, places: list[Point], frame: tuple[float, float, float, float]) -> list[Point]:
    """The places at which ``loop`` reaches into the frame (x0, y0, x1, y1); only those on its border need a close look."""
    (x0, y0, x1, y1), shape = frame, loop.polygon()
    lo_x, lo_y, hi_x, hi_y = shape.bounds

    def reaches(x: float, y: float) -> bool:
        if x + hi_x <= x0 or x + lo_x >= x1 or y + hi_y <= y0 or y + lo_y >= y1:
            return False
        if x + lo_x >= x0 and x + hi_x <= x1 and y + lo_y >= y0 and y + hi_y <= y1:
            return True
        return shape.intersection(box(x0 - x, y0 - y, x1 - x, y1 - y)).area > 0

    return [place for place in places if reaches(*place)]


def _within(point: Point, x0: float, x1: float, width: float) -> bool:
    return x0 - 1 <= point[0] <= x1 + 1 and -1 <= point[1] <= width + 1


def _rounded_triangle(corners: list[tuple[Point, float]], radius: float, name: str) -> Loop:
    """A triangle with every corner rounded; ``corners`` are points with half their inner angle, counter-clockwise."""
    segments: list[Segment] = []
    touch: list[tuple[Point, Point, Point]] = []  # where the arc begins, ends, its centre
    for i, (corner, half) in enumerate(corners):
        before, after = corners[i - 1][0], corners[(i + 1) % 3][0]
        cut = radius / math.tan(half)
        start, end = _toward(corner, before, cut), _toward(corner, after, cut)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        centre = _toward(corner, middle, radius / math.sin(half)) if radius > 0 else corner
        touch.append((start, end, centre))
    for i, (start, end, centre) in enumerate(touch):
        if radius > 0:
            segments.append(Arc(start, end, centre, name))
        segments.append(Line(end, touch[(i + 1) % 3][0], name))
    return Loop(tuple(segments))


def _toward(origin: Point, target: Point, distance: float) -> Point:
    length = math.dist(origin, target)
    return (
        origin[0] + (target[0] - origin[0]) / length * distance,
        origin[1] + (target[1] - origin[1]) / length * distance,
    )
