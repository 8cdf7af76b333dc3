r"""The spiral: a long curved channel in which inertia sorts bodies by size; small and large ones leave by different outlets.

A cut along a radius through both ends (of one turn; others lie between them), and the channel unrolled from above::

    middle         inner end         wall         outer end                    inner_height  outer_height
      +           |#########|<---------------->|###########|  ___                        ____------|
      |           |#########|                  |###########|  _|_ height          ___----          |
      |<-- inner_radius ->|                    |<- width->|                      |_________________|
      |<---------------- outer_radius ---------------->|                           trapezoid instead

    inlet_sheath ______                          ______ outlet_inner     inner wall above; inlet_widths and
                       \________________________/                       outlet_widths are those of the branches,
                       > ------- length ------ <                         inner first
                        ________________________
    inlet_sample ______/                        \______ outlet_outer

``length`` is that of the centre-line between ``inner_radius`` and ``outer_radius``; a quarter turn to the branches in the middle
and the branches come on top. The channel winds counter-clockwise on its way out; its mirror image does the same.

Defaults: Hou et al., Scientific Reports 3, 1259 (2013), doi:10.1038/srep01259: section, length and ports recalled. Its radius is
not confirmed: 3.5 to 6.5 mm are assumed, since at a mean radius of 5 mm the secondary flow turns round about once in 10 cm, as
the method wants, and at 10 mm it does not. That the flow runs inward and that the outlets are equally wide is assumed too.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, ValidationInfo, model_validator

from geometries.archimedes import Archimedean, angle_of_length, outer_of_length
from geometries.device import Device, Limits, Problem
from geometries.outline import Outline
from geometries.part import Part
from geometries.quantities import DesignError, Unit, field_type, quantity, show
from geometries.spiral_chip import chip_part
from geometries.spiral_parts import cell_part, channel_part
from geometries.spiral_plan import Plan, channel, piece, plan
from geometries.spiral_rules import broken_rules

SIDES = ("outer", "inner")
DIRECTIONS = ("inward", "outward")

_UM = 1e-6
_HEIGHT = 160e-6
_PUBLISHED = {"length": 0.1, "outer_radius": 6.5e-3}
_LEAST_RADIUS = 2.0  # over the width: below it the arc to the ports has no inner wall
_AGREE = 1e-3  # of a length with the radii and turns that are given beside it
_WIDEST = 4.0  # of all branches together over the width
_LEAST_TURNS, _MOST_TURNS = 0.1, 100


def _widths_type(least: int) -> Any:
    """A field type for the widths of branches, inner first: SI floats, ``least`` to two of them, or None."""

    def read(value: Any, info: ValidationInfo) -> tuple[float, ...] | None:
        if value is None:
            return None
        name, items = str(info.field_name), list(value) if isinstance(value, list | tuple) else [value]
        if not least <= len(items) <= 2:
            single = ", or one width for a single inlet" if least == 1 else ""
            raise DesignError(
                f"{name} = {items} has {len(items)} widths; write two, the inner one first{single}"
            )
        return tuple(quantity(item, "m", name, "1 um", "20 mm") for item in items)

    return Annotated[tuple[float, ...] | None, BeforeValidator(read), Unit("m")]


class Spiral(Device):
    """A spiral. With no arguments that of Hou et al. (what nobody could confirm is marked above).

    Of ``outer_radius``, ``turns`` and ``length`` two are enough: the third follows. Where fewer are given, the published length
    comes first, then the radius assumed for it.

    Attributes:
        width: Of the channel, across the flow in the plane, m.
        height: Of a rectangular channel, m; left out: 160 um, or that of the trapezoid.
        inner_height: Of a trapezoid at its inner wall, m.
        outer_height: Of a trapezoid at its outer wall, m.
        inner_radius: Of the centre-line at its inner end, m.
        outer_radius: Of the centre-line at its outer end, m.
        turns: Between them.
        length: Of the centre-line between them, m.
        direction: ``"inward"`` or ``"outward"``: which way the flow runs.
        sample_inlet: ``"outer"`` or ``"inner"``: the side on which the sample enters beside the sheath.
        inlet_widths: Of the inlets, inner first, m; one of them: a single inlet; left out: two halves of the width.
        outlet_widths: Of the outlets, inner first, m; left out: two halves of the width.
    """

    kind: ClassVar[str] = "spiral"

    width: field_type("m", "5 um", "5 mm") = 500e-6
    height: field_type("m", "1 um", "2 mm", optional=True) = None
    inner_height: field_type("m", "1 um", "2 mm", optional=True) = None
    outer_height: field_type("m", "1 um", "2 mm", optional=True) = None
    inner_radius: field_type("m", "50 um", "0.5 m") = 3.5e-3
    outer_radius: field_type("m", "50 um", "0.5 m", optional=True) = None
    turns: field_type("", _LEAST_TURNS, _MOST_TURNS, optional=True) = None
    length: field_type("m", "100 um", "100 m", optional=True) = None
    direction: str = "inward"
    sample_inlet: str = "outer"
    inlet_widths: _widths_type(1) = None
    outlet_widths: _widths_type(2) = None

    @model_validator(mode="after")
    def _spiral_exists(self) -> Spiral:
        for name, known in (("direction", DIRECTIONS), ("sample_inlet", SIDES)):
            if getattr(self, name) not in known:
                raise DesignError(
                    f'{name} = "{getattr(self, name)}" is unknown; known are {", ".join(known)}'
                )
        self._section_exists()
        self._size_follows()
        if self.inner_radius < _LEAST_RADIUS * self.width:
            raise DesignError(
                f"inner_radius = {show(self.inner_radius, 'mm')} is below twice the width of {show(self.width, 'um')}: the "
                "channel could not turn to its ports in the middle"
            )
        if self.wall <= 0:
            raise DesignError(
                f"width = {show(self.width, 'um')} makes the windings overlap: turns = {self.turns:.4g} between inner_radius = "
                f"{show(self.inner_radius, 'mm')} and outer_radius = {show(self.outer_radius, 'mm')} bring their centre-lines "
                f"within {show(self.wall + self.width, 'um')} of each other"
            )
        self._widths_fit()
        return self

    def _set(self, name: str, value: Any) -> None:
        # Around the frozen model, once, while it is made: afterwards it is a number like the others.
        object.__setattr__(self, name, value)

    def _section_exists(self) -> None:
        sloping = [n for n in ("inner_height", "outer_height") if getattr(self, n) is not None]
        if sloping and self.height is not None:
            raise DesignError(
                f"height = {show(self.height, 'um')} and {sloping[0]} = {show(getattr(self, sloping[0]), 'um')} exclude each "
                "other: a rectangle has a height, a trapezoid an inner_height and an outer_height"
            )
        if len(sloping) == 1:
            other = "outer_height" if sloping[0] == "inner_height" else "inner_height"
            raise DesignError(
                f"{sloping[0]} = {show(getattr(self, sloping[0]), 'um')} is one side of a trapezoid; give its {other} too, or a "
                "height for a rectangle"
            )
        if not sloping and self.height is None:
            self._set("height", _HEIGHT)

    def _size_follows(self) -> None:
        names = ("outer_radius", "turns", "length")
        for name, published in _PUBLISHED.items():
            if sum(getattr(self, n) is not None for n in names) < 2 and getattr(self, name) is None:
                if name == "outer_radius" and published < self.inner_radius:
                    raise DesignError(
                        f"inner_radius = {show(self.inner_radius, 'mm')} is above the outer radius assumed of the published "
                        f"spiral, {show(published, 'mm')}; give outer_radius or turns too"
                    )
                self._set(name, published)
        found = _third(self.inner_radius, *(getattr(self, n) for n in names))
        for name, value in zip(names, found, strict=True):
            self._set(name, value)

    def _widths_fit(self) -> None:
        for name in ("inlet_widths", "outlet_widths"):
            if getattr(self, name) is None:
                self._set(name, (self.width / 2, self.width / 2))
            widths = getattr(self, name)
            total, said = sum(widths), " and ".join(show(w, "um") for w in widths)
            said = (
                f"{name} = {said} is"
                if len(widths) == 1
                else f"{name} = {said} are {show(total, 'um')} together,"
            )
            if total < self.width * (1 - 1e-9):
                raise DesignError(f"{said} below the channel's width of {show(self.width, 'um')}")
            if total > _WIDEST * self.width:
                raise DesignError(
                    f"{said} above {_WIDEST:g} times the channel's width of {show(self.width, 'um')}"
                )
        if len(self.inlet_widths) == 1 and "sample_inlet" in self.model_fields_set:
            raise DesignError(
                f'sample_inlet = "{self.sample_inlet}" is for two inlets; inlet_widths names a single one'
            )
        for place, clear in zip(("inner", "outer"), self.plan.clearances(), strict=True):
            if clear <= 0:
                name = (
                    "inlet_widths" if (place == "inner") == (self.direction == "outward") else "outlet_widths"
                )
                said = " and ".join(show(w, "um") for w in getattr(self, name))
                raise DesignError(
                    f"{name} = {said} do not fit at the {place} end: the branches run into what is beside them; make them "
                    f"narrower, or {place}_radius = {show(getattr(self, place + '_radius'), 'mm')} larger"
                )

    # -- dimensions that follow --------------------------------------------------------------------------------------------
    def curve(self, unit: float = 1.0) -> Archimedean:
        """The centre-line in a unit of length given in m."""
        return Archimedean(self.inner_radius / unit, self.outer_radius / unit, 2 * math.pi * self.turns)

    @property
    def heights(self) -> tuple[float, float]:
        """Of the channel at its inner and at its outer wall, m."""
        if self.height is not None:
            return self.height, self.height
        return self.inner_height, self.outer_height

    @property
    def half_height(self) -> float:
        """Half of it, of a trapezoid half of its mean, m; the unit of length of bent ducts."""
        return sum(self.heights) / 4

    @property
    def area(self) -> float:
        """Of the section, m2."""
        return self.width * sum(self.heights) / 2

    @property
    def hydraulic_diameter(self) -> float:
        """Four times the section's area over its perimeter, m."""
        a, b = self.heights
        return 4 * self.area / (self.width + a + b + math.hypot(self.width, b - a))

    @property
    def pitch(self) -> float:
        """Gain in radius a turn, m."""
        return 2 * math.pi * self.curve().rise

    @property
    def wall(self) -> float:
        """Smallest clear distance between neighbouring windings, m; infinite where no winding is beside another."""
        return self.curve().nearest_winding() - self.width

    @property
    def inlets(self) -> tuple[str, ...]:
        """Names of the inlets, inner first."""
        if len(self.inlet_widths) == 1:
            return ("inlet",)
        pair = ("inlet_sheath", "inlet_sample")
        return pair if self.sample_inlet == "outer" else pair[::-1]

    @property
    def outlets(self) -> tuple[str, str]:
        """Names of the outlets, inner first."""
        return "outlet_inner", "outlet_outer"

    @property
    def branches_at(self) -> dict[str, str]:
        """Which widths are those of the branches at the ``inner`` and at the ``outer`` end."""
        names = ("inlet_widths", "outlet_widths")
        return dict(zip(SIDES[::-1], names if self.direction == "outward" else names[::-1], strict=True))

    @cached_property
    def footprint(self) -> tuple[float, float]:
        """Extent of the channel with its branches along x and y, m; the holes of the ports come on top."""
        x0, y0, x1, y1 = self.plan.loop().polygon(1.0).bounds
        return (x1 - x0) * _UM, (y1 - y0) * _UM

    @cached_property
    def plan(self) -> Plan:
        """What its drawings are made of, um."""
        return plan(self)

    @property
    def quarter(self) -> tuple[float, float]:
        """Angles (rad from the inner end) between which a quarter turn lies; a shorter channel is all of it."""
        return 0.0, min(math.pi / 2, self.curve().angle)

    # -- along the channel -------------------------------------------------------------------------------------------------
    def angle_at(self, s: ArrayLike) -> NDArray[np.float64]:
        """Angle about the middle at arc lengths ``s`` (m) along the flow, rad from the inner end, counter-clockwise."""
        s = np.asarray(s, dtype=float)
        if np.any(s < 0) or np.any(s > self.length * (1 + 1e-12)):
            raise DesignError(f"s is outside 0 m to the length of {show(self.length, 'mm')}")
        return self.curve().angle_at(s if self.direction == "outward" else self.length - s)

    def radius_at(self, s: ArrayLike) -> NDArray[np.float64]:
        """Radius of the centre-line at arc lengths along the flow.

        Args:
            s: From where the channel has its first winding, m, 0 to ``length``; any shape.

        Returns:
            Distance from the middle, m; from the radius of curvature it differs by (pitch / 2 pi radius)^2 / 2 of itself.

        Raises:
            DesignError: ``s`` is outside the channel.
        """
        return self.curve().radius(self.angle_at(s))

    def curvature_at(self, s: ArrayLike) -> NDArray[np.float64]:
        """Curvature of the centre-line, 1/m, at arc lengths (m) along the flow; what the secondary flow depends on."""
        return self.curve().curvature(self.angle_at(s))

    def centre_line(
        self, s: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Place and direction of the centre-line at arc lengths along the flow.

        Args:
            s: As for :meth:`radius_at`.

        Returns:
            x and y from the middle of the spiral, m, and the direction of the flow, rad from the x axis; the shape of ``s``.

        Raises:
            DesignError: ``s`` is outside the channel.
        """
        curve, angle = self.curve(), self.angle_at(s)
        x, y = np.moveaxis(curve.points(angle), -1, 0)
        return x, y, curve.heading(angle) + (0.0 if self.direction == "outward" else math.pi)

    # -- what can be made --------------------------------------------------------------------------------------------------
    def problems(self, limits: Limits | None = None) -> list[Problem]:
        """Design rules that this spiral breaks."""
        return list(broken_rules(self, limits or Limits()))

    # -- drawings ----------------------------------------------------------------------------------------------------------
    def block(self) -> Outline:
        """A quarter turn of the channel at its inner end, where it is curved most, um; shorter where the channel is."""
        return piece(self, *self.quarter)

    def channel(self) -> Outline:
        """The whole channel with its ports, um."""
        return channel(self)

    def block_size(self, text: str) -> None:
        """Refused: the channel is not made of blocks."""
        raise DesignError(f'block {text} is not for a spiral: its "array" is the whole channel; leave it out')

    def part(
        self,
        name: str,
        size: Any = None,
        *,
        limits: Limits | None = None,
        title: str | None = None,
    ) -> Part:
        """A quarter turn at the inner end (``"cell"``), the whole channel (``"array"``), or that on its slide (``"chip"``)."""
        if size is not None:
            self.block_size(str(size))
        if name == "chip":
            return chip_part(self, limits or Limits(), title or self.kind)
        return cell_part(self) if name == "cell" else channel_part(self)

    def derived(self) -> dict[str, Any]:
        """The table ``spiral``: how it lies."""
        wall = self.wall
        return {
            "spiral": {
                "pitch_m": self.pitch,
                "wall_m": wall if math.isfinite(wall) else None,
                "hydraulic_diameter_m": self.hydraulic_diameter,
                "footprint_m": list(self.footprint),
                "mean_radius_m": (self.inner_radius + self.outer_radius) / 2,
            }
        }


def _third(
    inner: float, outer: float | None, turns: float | None, length: float | None
) -> tuple[float, float, float]:
    """Outer radius, turns and length from two of them; all three have to agree, and the length is then that of the others."""
    if outer is not None and outer < inner:
        raise DesignError(f"outer_radius = {show(outer, 'mm')} is below inner_radius = {show(inner, 'mm')}")
    if outer is not None and turns is not None:
        found = Archimedean(inner, outer, 2 * math.pi * turns).length
        if length is not None and abs(found - length) > _AGREE * found:
            raise DesignError(
                f"length = {show(length, 'mm')} is not what inner_radius, outer_radius and turns = {turns:.4g} give, "
                f"{show(found, 'mm')}; leave one of them out"
            )
        return outer, turns, found
    assert length is not None  # two are given
    if outer is not None:
        turns = angle_of_length(inner, outer, length) / (2 * math.pi)
        if not _LEAST_TURNS <= turns <= _MOST_TURNS:
            least, most = (
                show(Archimedean(inner, outer, 2 * math.pi * n).length, "mm")
                for n in (_LEAST_TURNS, _MOST_TURNS)
            )
            between = f"inner_radius = {show(inner, 'mm')} and outer_radius = {show(outer, 'mm')}"
            raise DesignError(
                f"length = {show(length, 'mm')} between {between} is outside {least} to {most}, {_LEAST_TURNS:g} to "
                f"{_MOST_TURNS} turns"
            )
        return outer, turns, length
    assert turns is not None
    outer = outer_of_length(inner, 2 * math.pi * turns, length)
    if math.isnan(outer):
        raise DesignError(
            f"length = {show(length, 'mm')} is too short for turns = {turns:.4g} around inner_radius = {show(inner, 'mm')}; it "
            f"must be above {show(2 * math.pi * turns * inner, 'mm')}"
        )
    return outer, turns, length
