"""What all devices share: a frozen set of parameters, design rules, and a place in the table of kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from geometries.outline import Outline
from geometries.part import Part
from geometries.quantities import DesignError, Unit, field_type, sentence


class Values(BaseModel):
    """A frozen table of values from the border; a mistake is one sentence (:class:`DesignError`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    table: ClassVar[str] = ""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise DesignError(sentence(error, self.table)) from None

    def to_dict(self) -> dict[str, Any]:
        """The values by name, with the SI unit in each dimensional name (``gap_m``)."""
        return {name + _suffix(info): getattr(self, name) for name, info in type(self).model_fields.items()}

    def replace(self, **values: Any) -> Self:
        """A copy with other values, validated like a new one."""
        return type(self)(**{**{k: getattr(self, k) for k in self.model_fields_set}, **values})


def _suffix(info: FieldInfo) -> str:
    """Unit of a field as in JSON names."""
    return next((m.suffix for m in info.metadata if isinstance(m, Unit)), "")


class Limits(Values):
    """What can be made. Defaults are common practice for SU-8 masters cast in PDMS: assumed, yours to set.

    Attributes:
        min_gap: Narrowest gap that photolithography and casting keep open, m.
        min_feature: Narrowest pillar that stands, m.
        max_aspect_ratio: Largest depth over width of a pillar before it leans or sticks when the mould is peeled.
        max_gap_aspect_ratio: Largest depth over width of a gap between pillars (walls of SU-8 between them).
        slide_length: Long side of the slide, along which the paths of a bank stand, m (published chip).
        slide_width: Short side of the slide, along which the rows and banks follow each other, m (published chip).
        slide_margin: Along the slide's border, free of channels, for bonding, marks and labels, m.
        port_diameter: Of the holes for tubes, m.
        max_roof_aspect_ratio: Largest clear width over depth of a channel before its roof sags; wider ones get posts.
    """

    table: ClassVar[str] = "[limits]"
    min_gap: field_type("m", "0.1 um", "1 mm") = 3e-6
    min_feature: field_type("m", "0.1 um", "1 mm") = 5e-6
    max_aspect_ratio: field_type("", 0.1, 100) = 8.0
    max_gap_aspect_ratio: field_type("", 0.1, 100) = 12.0
    slide_length: field_type("m", "1 mm", "1 m") = 75e-3
    slide_width: field_type("m", "1 mm", "1 m") = 37.5e-3
    slide_margin: field_type("m", "2 mm", "20 mm") = 2e-3
    port_diameter: field_type("m", "0.1 mm", "10 mm") = 1e-3
    max_roof_aspect_ratio: field_type("", 6.0, 1000.0) = 10.0


@dataclass(frozen=True)
class Problem:
    """A design rule that is broken."""

    parameter: str
    value: str
    limit: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Device(Values):
    """A device: frozen parameters in SI, everything else derived. Builds with no arguments (the published chip)."""

    table: ClassVar[str] = "[device]"
    kind: ClassVar[str]

    def problems(self, limits: Limits | None = None) -> list[Problem]:
        """Design rules that this device breaks, in the order to mend them; empty when it can be made."""
        raise NotImplementedError

    def block(self) -> Outline:
        """The unit cell of the device as a drawing in um."""
        raise NotImplementedError

    def block_size(self, text: str) -> Any:
        """Size of a block as written on the command line.

        Raises:
            DesignError: It does not say the size of a block of this device.
        """
        raise NotImplementedError

    def part(
        self, name: str, size: Any = None, *, limits: Limits | None = None, title: str | None = None
    ) -> Part:
        """A piece of the device for other tools.

        Args:
            name: ``"cell"`` (the unit cell), ``"array"`` (a block of many) or ``"chip"`` (all of it on its slide).
            size: Of the block, as :meth:`block_size` gives it; left out: the device's own.
            limits: The slide of a whole chip and what can be made; left out: the defaults.
            title: What is written on a whole chip; left out: the kind of the device.

        Raises:
            DesignError: The whole chip does not fit its slide.
        """
        raise NotImplementedError

    def derived(self) -> dict[str, Any]:
        """Tables of ``result.json`` that follow from the device alone, by name."""
        return {}

    def check(self, limits: Limits | None = None) -> None:
        """Refuse a device that cannot be made.

        Raises:
            DesignError: With the first broken rule, and how many more there are.
        """
        problems = self.problems(limits)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise DesignError(f"{problems[0]}{more}")
