"""The pore filter (ISET, microsieves, slit filters): a membrane with pores, filtered through from above.

Flow runs across the membrane. From the side, and the membrane from above::

         inlet        tilt             o    o      spot: a disc of spot_diameter
      ____    ______ / /____  ^          o   8 o   density: pores per area
     |####|  |#####| / /####| | thick-  o  o       poisson: as etched; pores that overlap stay
     |####|  |####/ / |#####| | ness       o    o  the doublets (8) and triplets that they are
     |####|  |####| | |#####| v         o  o  o
           <->
        diameter (round), width (slit, square; a slit's length lies along y)

Defaults: a track-etched membrane of ISET. Diameter 8 um: read, Hong 2016 (review, section 3); density 1e5 /cm2 and tolerance
+0/-20 %: read, Sterlitech's sheet of its 8 um grade (which is 7 um thick); thickness 10 um and spot of 6 mm: recalled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from pydantic import field_validator, model_validator

from geometries.device import Device, Limits, Problem
from geometries.membrane_mesh import unit_cell_plan
from geometries.mesh import UNIT
from geometries.outline import Outline
from geometries.part import Part
from geometries.patch import COUNT
from geometries.pore_chip import chip_part
from geometries.pore_parts import array_part, cell_part, plan
from geometries.pores import CUT, Pores, PoreStatistics, place_pores
from geometries.quantities import DesignError, count_type, field_type, quantity, show

SHAPES = ("round", "slit", "square")
PLACEMENTS = ("poisson", "square", "hexagonal")

_PUBLISHED_DIAMETER = 8e-6
_MOST_PORES = 5_000_000
_FEW = 50  # expected pores; with more of them the spot has one, but for a chance of 1e-22
# Discs at random cover so much that the membrane falls apart at 1.13 (percolation); well before that it has no strength.
_MOST_COVERAGE = 0.5
_DIGITS = 9  # of a number of pores
_LARGEST_RUN = 0.1  # of a slanted track along the membrane, over the spot's diameter


class PoreFilter(Device):
    """A pore filter. With no arguments the 8 um track-etched membrane of ISET.

    Attributes:
        pore: ``"round"``, ``"slit"`` or ``"square"``.
        diameter: Of round pores, m; left out: 8 um.
        width: Short side of a slit, side of a square pore, m.
        length: Long side of a slit, m.
        tolerance: Spread of the pores' size about the nominal one: a coefficient of variation (normal, cut at three), or a pair
            of limits between which all sizes are alike likely (track-etched grades are sold as +0/-20 %: Sterlitech, read).
        density: Pores per area of membrane, 1/m2.
        thickness: Of the membrane, m.
        tilt: Largest angle of the tracks to the normal, rad: all angles up to it, in one plane, are alike likely.
        placement: ``"poisson"`` (as etched), ``"square"`` or ``"hexagonal"`` (by lithography).
        spot_diameter: Of the disc that is filtered through, m.
        seed: Of the places, sizes and angles of the pores.
    """

    kind: ClassVar[str] = "pore_filter"

    pore: str = "round"
    diameter: field_type("m", "0.1 um", "1 mm", optional=True) = None
    width: field_type("m", "0.1 um", "1 mm", optional=True) = None
    length: field_type("m", "0.1 um", "5 mm", optional=True) = None
    tolerance: float | tuple[float, float] = (-0.2, 0.0)
    density: field_type("1/m^2", "1 /cm^2", "1e10 /cm^2") = 1e9
    thickness: field_type("m", "0.1 um", "1 mm") = 10e-6
    tilt: field_type("rad", 0.0, "80 deg") = 0.0
    placement: str = "poisson"
    spot_diameter: field_type("m", "10 um", "1 m") = 6e-3
    seed: count_type(0, 2**32 - 1) = 0

    @field_validator("tolerance", mode="before")
    @classmethod
    def _tolerance_is_read(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise DesignError(f'tolerance = {list(value)} is not a pair of limits like ["-20 %", "0 %"]')
            low, high = (quantity(v, "", "tolerance", "-90 %", "100 %") for v in value)
            if low > high:
                raise DesignError(f"tolerance = {list(value)} has its lower limit above its upper one")
            return low, high
        return quantity(value, "", "tolerance", "0 %", "30 %")

    @model_validator(mode="after")
    def _membrane_exists(self) -> PoreFilter:
        self._known("pore", SHAPES)
        self._known("placement", PLACEMENTS)
        self._sizes_fit_the_shape()
        run = self.thickness * math.tan(self.tilt)
        if run > _LARGEST_RUN * self.spot_diameter:
            raise DesignError(
                f"tilt = {show(self.tilt, 'deg')} lets a track leave the membrane: it runs {show(run, 'um')} sideways, "
                f"above a tenth of the spot of {show(self.spot_diameter, 'um')}"
            )
        if self.tilt > 0 and (self.placement != "poisson" or self.pore != "round"):
            raise DesignError(
                f'tilt = {show(self.tilt, "deg")} is for the round tracks of an etched membrane (placement = "poisson"); pores '
                "made by lithography stand upright"
            )
        self._membrane_holds_the_pores()
        return self

    def _known(self, name: str, known: tuple[str, ...]) -> None:
        if getattr(self, name) not in known:
            raise DesignError(f'{name} = "{getattr(self, name)}" is unknown; known are {", ".join(known)}')

    def _sizes_fit_the_shape(self) -> None:
        wrong = ("width", "length") if self.pore == "round" else ("diameter",)
        for name in wrong:
            if getattr(self, name) is not None:
                raise DesignError(f"{name} does not fit a {self.pore} pore; give its {_asked(self.pore)}")
        if self.pore == "round":
            if self.diameter is None:
                object.__setattr__(self, "diameter", _PUBLISHED_DIAMETER)
            return
        if self.width is None or (self.pore == "slit" and self.length is None):
            raise DesignError(f"a {self.pore} pore needs its {_asked(self.pore)}")
        if self.pore == "square" and self.length not in (None, self.width):
            raise DesignError(
                f'length = {show(self.length or 0, "um")} of a square pore is not its width; leave it out or write pore = "slit"'
            )
        if self.pore == "slit" and (self.length or 0) < self.width:
            raise DesignError(
                f"length = {show(self.length or 0, 'um')} of a slit is below its width of {show(self.width, 'um')}"
            )
        if self.pore == "slit" and self.placement != "square":
            raise DesignError(
                f'placement = "{self.placement}" is for pores without direction; slits stand on placement = "square"'
            )

    def _membrane_holds_the_pores(self) -> None:
        if self.placement == "poisson":
            if self.nominal_coverage > _MOST_COVERAGE:
                raise DesignError(
                    f"density = {show(self.density, '1/cm^2')} of pores of {show(self.size, 'um')} takes "
                    f"{self.nominal_coverage:.0%} of the membrane, above {_MOST_COVERAGE:.0%}: at random they leave none"
                )
        elif min(self.walls) <= 0:
            raise DesignError(
                f"density = {show(self.density, '1/cm^2')} leaves no wall between pores of {show(self.size, 'um')} on a "
                f"{self.placement} lattice; lower it"
            )
        expected = self.density * self.spot_area
        if not 1 <= expected <= _MOST_PORES:
            raise DesignError(
                f"spot_diameter = {show(self.spot_diameter, 'mm')} holds {expected:.3g} pores, outside 1 to {_MOST_PORES}"
            )
        if expected < _FEW and not len(self.pores().x):
            raise DesignError(
                f"spot_diameter = {show(self.spot_diameter, 'um')} has no pore by seed = {self.seed}, as {expected:.3g} are "
                "expected; widen it or take another seed"
            )

    # -- dimensions that follow --------------------------------------------------------------------------------------------
    @property
    def opening(self) -> tuple[float, float]:
        """Extent of an opening along x and y, m."""
        if self.pore == "round":
            return self.size, self.size
        return self.size, self.size if self.length is None else self.length

    @property
    def size(self) -> float:
        """Narrowest clear width of an opening, m."""
        found = self.diameter if self.pore == "round" else self.width
        assert found is not None  # since the validation
        return found

    @property
    def area(self) -> float:
        """Of one nominal opening, m2."""
        x, y = self.opening
        return x * y * (math.pi / 4 if self.pore == "round" else 1.0)

    @property
    def perimeter(self) -> float:
        """Of one nominal opening, m."""
        return math.pi * self.size if self.pore == "round" else 2 * sum(self.opening)

    @property
    def nominal_coverage(self) -> float:
        """Area of the nominal openings over that of the membrane, overlaps counted twice."""
        return self.density * self.area

    @property
    def spot_area(self) -> float:
        """m2."""
        return math.pi / 4 * self.spot_diameter**2

    @property
    def pitches(self) -> tuple[float, float]:
        """Distances of neighbours in a row along x, and of the rows along y, m; of random pores those of a square lattice.

        Slits have walls of one thickness on all sides; the rows of a hexagonal lattice are half a pitch aside of each other.
        """
        if self.placement == "hexagonal":
            pitch = math.sqrt(2 / (math.sqrt(3) * self.density))
            return pitch, pitch * math.sqrt(3) / 2
        x, y = self.opening
        # (x + wall) (y + wall) = 1 / density; for equal sides the square lattice.
        wall = (math.sqrt((x - y) ** 2 + 4 / self.density) - x - y) / 2
        return x + wall, y + wall

    @property
    def walls(self) -> tuple[float, float]:
        """Clear widths of membrane between neighbours of a lattice, in a row and from row to row, m; below 0 they overlap."""
        (x, y), (along, across) = self.opening, self.pitches
        if self.placement != "hexagonal":
            return along - x, across - y
        if self.pore == "round":
            return along - x, along - x  # all neighbours are alike far
        aside, beyond = along / 2 - x, across - y
        return along - x, math.hypot(aside, beyond) if min(aside, beyond) > 0 else max(aside, beyond)

    @property
    def scales(self) -> tuple[float, float]:
        """Least and largest size of a pore over the nominal one."""
        if isinstance(self.tolerance, tuple):
            return 1 + self.tolerance[0], 1 + self.tolerance[1]
        return 1 - CUT * self.tolerance, 1 + CUT * self.tolerance

    # -- what can be made --------------------------------------------------------------------------------------------------
    def problems(self, limits: Limits | None = None) -> list[Problem]:
        """Design rules that this membrane breaks; etched tracks have none of those of lithography."""
        return list(self._problems(limits or Limits()))

    def _problems(self, limits: Limits) -> Iterator[Problem]:
        def problem(name: str, value: str, limit: str, relation: str, what: str) -> Problem:
            return Problem(name, value, limit, f"{name} = {value} {relation} {limit}: {what}")

        if self.placement != "poisson":
            name = "diameter" if self.pore == "round" else "width"
            opening = self.size * self.scales[0]
            if opening < limits.min_gap:
                yield problem(name, show(self.size, "um"), f"the smallest gap that can be made, {show(limits.min_gap, 'um')}",
                              f"leaves openings of {show(opening, 'um')}, below",
                              "widen it or raise limits.min_gap knowingly")  # fmt: skip
            if self.thickness > limits.max_gap_aspect_ratio * opening:
                yield problem("thickness", show(self.thickness, "um"),
                              f"{limits.max_gap_aspect_ratio:g} times the opening of {show(opening, 'um')}", "is above",
                              "such an opening is too deep for its width to be made")  # fmt: skip
            wall = min(self.walls) - (self.scales[1] - 1) * max(self.opening)
            if wall < limits.min_feature:
                yield problem("density", show(self.density, "1/cm^2"), f"the smallest wall, {show(limits.min_feature, 'um')}",
                              f"leaves walls of {show(wall, 'um')} between the widest pores, below", "lower it")  # fmt: skip
        if self.spot_diameter > limits.slide_width:
            yield problem("spot_diameter", show(self.spot_diameter, "mm"), f"the slide, {show(limits.slide_width, 'mm')}",
                          "is wider than", "such a spot is not held at its rim")  # fmt: skip

    # -- drawings ----------------------------------------------------------------------------------------------------------
    def block(self) -> Outline:
        """The plan of a quarter of one nominal pore's cell, um: the openings are the drawing's solids."""
        bores, box = unit_cell_plan(self)
        return plan(bores, self.thickness / UNIT, box)

    def block_size(self, text: str) -> int:
        """Pores from ``"24"``."""
        if not text.isdecimal() or len(text) > _DIGITS or not int(text):
            raise DesignError(f'block {text} is not a number of pores; write for instance "{COUNT}"')
        return int(text)

    def part(
        self,
        name: str,
        size: int | None = None,
        *,
        limits: Limits | None = None,
        title: str | None = None,
    ) -> Part:
        """A quarter of the unit cell, a patch of ``size`` of the membrane's own pores (24), or the whole spot for masks."""
        if name == "chip":
            return chip_part(self, limits or Limits(), title or self.kind)
        return cell_part(self) if name == "cell" else array_part(self, COUNT if size is None else size)

    # -- the pores of a spot -----------------------------------------------------------------------------------------------
    def pores(self) -> Pores:
        """All pores of the spot, by the seed; the same object for the same membrane."""
        return place_pores(self)

    def statistics(self) -> PoreStatistics:
        """How they lie. Pores at the spot's border have their neighbours beyond it, where the membrane goes on."""
        pores = self.pores()
        size = pores.group_size
        covered = float(np.sum(pores.scale**2 / np.cos(pores.tilt) * pores.share)) * self.area
        return PoreStatistics(
            count=len(size),
            isolated=float(np.mean(size == 1)),
            in_doublets=float(np.mean(size == 2)),
            in_triplets=float(np.mean(size == 3)),
            in_larger=float(np.mean(size > 3)),
            coverage=covered / self.spot_area,
            groups_per_pore=float(np.mean(1 / size)),
            through_doublets=float(np.mean(pores.through)),
        )

    def derived(self) -> dict[str, Any]:
        """The table ``pores``: how they lie."""
        return {"pores": self.statistics().to_dict()}


def _asked(shape: str) -> str:
    return {"round": "diameter", "square": "width", "slit": "width and length"}[shape]
