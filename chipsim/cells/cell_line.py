"""What is carried: the cell line, with the origin of each of its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from geometries.quantities import DesignError, quantity

#: Largest cluster that anyone may ask for, in cells.
MOST_CELLS = 1000

STATUS = {
    "read": "read in the cited source",
    "recalled": "recalled, not re-checked",
    "derived": "derived",
    "assumed": "assumed",
    "calibrated": "calibrated",
    "given": "given in the design file",
}

# field of a cell line: unit, lowest and highest value
LIMITS: dict[str, tuple[str, str | float, str | float]] = {
    "diameter": ("m", "1 um", "200 um"),
    "diameter_cv": ("", 0.0, 1.0),
    "tension": ("N/m", "0.1 pN/um", "100000 pN/um"),
    "tension_cv": ("", 0.0, 2.0),
    "apparent_viscosity": ("Pa s", "1 mPa s", "1e6 Pa s"),
    "volume": ("m^3", "1 fL", "1e6 fL"),
    "junction_strength": ("N", "1 pN", "10 uN"),
    "junction_cv": ("", 0.0, 2.0),
    "concentration": ("1/m^3", "0 /mL", "1e11 /mL"),
}

_OWN_KEYS = ("diameter", "diameter_cv", "tension", "apparent_viscosity", "junction_strength", "source")


@dataclass(frozen=True)
class Provenance:
    """Where one number comes from."""

    field: str
    status: str  # a key of STATUS
    source: str

    def __str__(self) -> str:
        return f"{STATUS[self.status]}: {self.source}"


@dataclass(frozen=True)
class CellLine:
    """A kind of cell; SI units; lognormal populations given by median and coefficient of variation (CV).

    Attributes:
        name: Name in the table, or the user's own.
        kind: ``"tumour"``, ``"leukocyte"`` or ``"red cell"``.
        diameter: Median diameter in suspension, m; None when no source gives one.
        diameter_cv: CV of the diameter between cells.
        tension: Median cortical tension, N/m; None when no source gives one.
        tension_cv: CV of the tension between clusters.
        apparent_viscosity: Median viscosity of the liquid that would take as long through a pore, Pa s; alive.
        junction_strength: Median force that parts two cells of a cluster, N.
        junction_cv: CV of that force between clusters.
        volume: Median volume, m^3, of cells that are no spheres; None: that of a sphere.
        concentration: Usual concentration in blood, 1/m^3; None for tumour cells.
        parts: For a mixture: pairs of fraction and cell line.
        provenance: Origin of each number.
    """

    name: str
    kind: str
    diameter: float | None
    diameter_cv: float
    tension: float | None
    tension_cv: float
    junction_strength: float
    junction_cv: float
    apparent_viscosity: float | None = None
    volume: float | None = None
    concentration: float | None = None
    parts: tuple[tuple[float, CellLine], ...] = ()
    provenance: tuple[Provenance, ...] = ()

    def origin(self, field: str) -> Provenance | None:
        """Where the number called ``field`` comes from."""
        return next((p for p in self.provenance if p.field == field), None)

    def status(self, field: str) -> str:
        """How the number called ``field`` is known: a key of STATUS, or ``"unknown"``."""
        origin = self.origin(field)
        return origin.status if origin else "unknown"

    @property
    def calibrated(self) -> bool:
        """Whether the tension was fitted to capture data."""
        return self.status("tension") == "calibrated"

    @property
    def sphere_diameter(self) -> float | None:
        """Median diameter of the sphere of its volume, m."""
        return self.diameter if self.volume is None else (6 * self.volume / math.pi) ** (1 / 3)

    def require(self, *fields: str) -> tuple[float, ...]:
        """The numbers of those names, or a DesignError that says which to give.

        Raises:
            DesignError: A number is not known for this line.
        """
        missing = [f for f in fields if getattr(self, f) is None]
        if missing:
            example = {
                "tension": 'tension = "37 pN/um"',
                "diameter": 'diameter = "15 um"',
                "apparent_viscosity": 'apparent_viscosity = "2000 Pa s"',
            }
            wanted = " and ".join(name.replace("_", " ") for name in missing)
            raise DesignError(
                f'the cells "{self.name}" have no sourced {wanted}, so their capture cannot be predicted; '
                f'give it in [cells."{self.name}"], for instance {", ".join(example[f] for f in missing)}'
            )
        return tuple(getattr(self, f) for f in fields)

    def to_dict(self) -> dict[str, Any]:
        """The numbers, with units in their names, and where each comes from."""
        return {
            "name": self.name,
            "kind": self.kind,
            "diameter_m": self.diameter,
            "diameter_cv": self.diameter_cv,
            "tension_n_per_m": self.tension,
            "tension_cv": self.tension_cv,
            "apparent_viscosity_pa_s": self.apparent_viscosity,
            "junction_strength_n": self.junction_strength,
            "junction_cv": self.junction_cv,
            "sources": {p.field: str(p) for p in self.provenance},
        }


def cell_line_from_table(name: str, table: Mapping[str, Any]) -> CellLine:
    """Read a user's own row ``[cells.NAME]``.

    For a name of the built-in table it overrides only what it gives.

    Args:
        name: Name of the cells.
        table: Keys ``diameter``, ``diameter_cv``, ``tension``, ``apparent_viscosity``, ``junction_strength``,
            ``source``; strings with units or SI.

    Raises:
        DesignError: An unknown key, a value outside its range, or no diameter.
    """
    from chipsim.cells.table import defaults, known

    where = f'[cells."{name}"]'
    if not isinstance(table, Mapping):
        raise DesignError(
            f"cells.{name} = {table!r} is not a table; write {where} with {', '.join(_OWN_KEYS)}"
        )
    for key in table:
        if key not in _OWN_KEYS:
            raise DesignError(f'unknown key "{key}" in {where}; known keys are {", ".join(_OWN_KEYS)}')
    source = table.get("source", "no source given")
    if not isinstance(source, str):
        raise DesignError(f"source = {source!r} in {where} is not a text; name where the numbers come from")
    base = known(name) or defaults(name)
    if base.parts or base.kind == "red cell":
        raise DesignError(f'{where} cannot replace the built-in cells "{name}"; give your cells another name')
    given: dict[str, Any] = {
        key: quantity(table[key], LIMITS[key][0], f"cells.{name}.{key}", LIMITS[key][1], LIMITS[key][2])
        for key in _OWN_KEYS
        if key in table and key != "source"
    }
    kept = tuple(p for p in base.provenance if p.field not in given)
    fresh = tuple(Provenance(key, "given", source) for key in given)
    line = replace(base, provenance=kept + fresh, **given)
    if line.diameter is None:
        raise DesignError(f'"diameter" is missing in {where}; write for instance diameter = "15 um"')
    return line


def own_table(line: CellLine) -> dict[str, Any]:
    """The row ``[cells.NAME]`` that gives a cell line again; empty for one of the built-in table.

    Raises:
        DesignError: It has numbers that such a row cannot give.
    """
    from chipsim.cells.table import known

    if known(line.name) == line:
        return {}
    given = [p for p in line.provenance if p.status == "given"]
    own: dict[str, Any] = {p.field: getattr(line, p.field) for p in given if p.field in _OWN_KEYS}
    if sources := {p.source for p in given} - {"no source given"}:
        own["source"] = sources.pop()
    try:
        if cell_line_from_table(line.name, own) == line:
            return own
    except DesignError:
        pass
    raise DesignError(
        f'the cells "{line.name}" cannot be written in a design file; make them by cell_line_from_table, with '
        f"{', '.join(_OWN_KEYS)}"
    )
