"""A design: device, operation and suspension, as a TOML file or as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from chipsim.cells import LIVE, MOST_CELLS, STATES, CellLine, cell_line_from_table, line, own_table
from chipsim.fluids import Fluid, fluid, newtonian
from geometries import KINDS, DesignError, Device, Limits
from geometries.device import Values
from geometries.quantities import field_type, show


class Operation(Values):
    """How a chip is run.

    What drives the liquid is a flow rate or, over a membrane, a pressure, or, through a spiral, those of sample and sheath.

    Attributes:
        flow_rate: Of the whole chip, m3/s; of a spiral what sample and sheath are together.
        pressure: Over the membrane, Pa.
        sample_flow_rate: Of the sample into a spiral, m3/s.
        sheath_flow_rate: Of the liquid beside it, m3/s.
        collect: The outlet of a spiral that is kept: ``"inner"`` or ``"outer"``; left out: inner.
        viscosity: Pa s; given, or that of ``fluid``.
        fluid: A name that :func:`chipsim.fluids.fluid` knows, at ``temperature``; or give ``viscosity``.
        temperature: K; for ``fluid`` only (left out: what is usual for it).
        volume: Sample volume, m3.
        rinse_time: How long the same drive goes on with clean liquid after the sample, s.
    """

    table: ClassVar[str] = "[operation]"
    flow_rate: field_type("m^3/s", 0.0, "10 L/h", open_low=True, optional=True) = None
    pressure: field_type("Pa", 0.0, "1 MPa", open_low=True, optional=True) = None
    sample_flow_rate: field_type("m^3/s", 0.0, "10 L/h", open_low=True, optional=True) = None
    sheath_flow_rate: field_type("m^3/s", 0.0, "10 L/h", optional=True) = None
    collect: str | None = None
    viscosity: field_type("Pa s", "0.1 mPa s", "1 Pa s", optional=True) = None
    fluid: str | None = None
    temperature: field_type("K", "0 degC", "60 degC", optional=True) = None
    volume: field_type("m^3", 0.0, "100 L", open_low=True, optional=True) = None
    rinse_time: field_type("s", 0.0, "24 h") = 0.0

    @model_validator(mode="before")
    @classmethod
    def _one_drive(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            drives = ("flow_rate", "pressure", "sample_flow_rate")
            given = [name for name in drives if values.get(name) is not None]
            if not given:
                raise DesignError(
                    '"flow_rate" is missing; write flow_rate = "2.5 mL/h", or over a membrane pressure = "1 kPa"'
                )
            if len(given) > 1:
                follows = (
                    "a spiral is run by sample_flow_rate and sheath_flow_rate alone"
                    if "sample_flow_rate" in given
                    else "keep one of them, the other follows"
                )
                raise DesignError(f"{given[0]} and {given[1]} are both given; {follows}")
        return values

    @model_validator(mode="before")
    @classmethod
    def _one_viscosity(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            if values.get("viscosity") is None and values.get("fluid") is None:
                raise DesignError(
                    'viscosity is missing; write viscosity = "4 mPa s" or fluid = "whole blood"'
                )
            if values.get("viscosity") is not None and values.get("fluid") is not None:
                raise DesignError("viscosity and fluid are both given; keep one of them")
            if values.get("temperature") is not None and values.get("fluid") is None:
                raise DesignError("temperature is given without fluid; a viscosity stands for itself")
        return values

    @field_validator("collect")
    @classmethod
    def _outlet_is_known(cls, value: str | None) -> str | None:
        if value not in (None, "inner", "outer"):
            raise DesignError(f'collect = "{value}" is unknown; known outlets are inner and outer')
        return value

    @model_validator(mode="after")
    def _flow_rate_is_the_sum(self) -> Operation:
        if self.sample_flow_rate is not None:
            # Around the frozen model, like the viscosity.
            object.__setattr__(self, "flow_rate", self.sample_flow_rate + (self.sheath_flow_rate or 0.0))
        elif self.sheath_flow_rate is not None:
            raise DesignError("sheath_flow_rate is given without sample_flow_rate")
        return self

    @model_validator(mode="after")
    def _viscosity_of_the_fluid(self) -> Operation:
        # Around the frozen model, once, while it is made: afterwards `viscosity` is never None.
        object.__setattr__(self, "viscosity", self.liquid().viscosity)
        return self

    def liquid(self) -> Fluid:
        """The fluid with its viscosity, source and warnings."""
        if self.fluid is None:
            return newtonian(self.viscosity)
        return fluid(self.fluid, self.temperature)


class Carried(Values):
    """What is carried in: one kind of cells, as single cells (size 1) and clusters.

    Attributes:
        cells: Name of a cell line, or a :class:`CellLine`.
        sizes: Cells in a cluster, each size an entry of the result.
        concentration: Clusters of all these sizes together, 1/m3.
        state: ``"live"``, or ``"fixed"`` (by formaldehyde, before they are carried in).
    """

    table: ClassVar[str] = "[[suspension]]"
    cells: Any
    sizes: tuple[int, ...] = (1,)
    concentration: field_type("1/m^3", 0.0, "1e11 /mL")
    state: str = LIVE

    @field_validator("state")
    @classmethod
    def _state_is_known(cls, value: str) -> str:
        if value not in STATES:
            raise DesignError(f'state = "{value}" is unknown; known states are {" and ".join(STATES)}')
        return value

    @field_validator("cells", mode="before")
    @classmethod
    def _cells_are_known(cls, value: Any) -> CellLine:
        if isinstance(value, str):
            return line(value)
        if not isinstance(value, CellLine):
            raise DesignError(f"cells = {value!r} is not the name of a cell line")
        return value

    @field_validator("sizes")
    @classmethod
    def _sizes_make_sense(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        wrong = [n for n in value if not 1 <= n <= MOST_CELLS]
        if wrong or not value or len(set(value)) < len(value):
            raise DesignError(f"sizes = {list(value)} must be different whole numbers from 1 to {MOST_CELLS}")
        return value


@dataclass(frozen=True)
class Design:
    """One parameter set: everything a run needs."""

    device: Device
    operation: Operation
    suspension: tuple[Carried, ...] = ()
    limits: Limits = field(default_factory=Limits)
    name: str = "design"

    def __post_init__(self) -> None:
        check = _OPERATIONS.get(self.device.kind)
        if check:
            check(self.device, self.operation, self.suspension)

    def to_dict(self) -> dict[str, Any]:
        """All values in SI, with units in the names."""
        liquid = self.operation.liquid()
        return {
            "device": {"kind": self.device.kind, **self.device.to_dict()},
            "operation": {**self.operation.to_dict(), "viscosity_source": liquid.source},
            "suspension": [
                {
                    "cells": s.cells.to_dict(),
                    "sizes": list(s.sizes),
                    "concentration_per_m3": s.concentration,
                    "state": s.state,
                }
                for s in self.suspension
            ],
            "limits": self.limits.to_dict(),
        }

    def to_tables(self) -> dict[str, Any]:
        """The tables of a TOML file that gives this design again.

        Raises:
            DesignError: Its cells cannot be written in a file.
        """
        cells: dict[str, dict[str, Any]] = {}
        for carried in self.suspension:
            own = own_table(carried.cells)
            if cells.setdefault(carried.cells.name, own) != own:
                raise DesignError(
                    f'two kinds of cells are called "{carried.cells.name}"; give one of them another name'
                )
        limits = _given(self.limits)
        return {
            "device": {"kind": self.device.kind, **_given(self.device)},
            "operation": _given(self.operation),
            **(
                {"suspension": [{**_given(s), "cells": s.cells.name} for s in self.suspension]}
                if cells
                else {}
            ),
            **({"cells": found} if (found := {name: own for name, own in cells.items() if own}) else {}),
            **({"limits": limits} if limits else {}),
        }


def _given(values: Values) -> dict[str, Any]:
    """The values that were given, in SI, as a TOML file takes them; what was left out stays out."""
    found = {
        name: getattr(values, name) for name in type(values).model_fields if name in values.model_fields_set
    }
    return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items() if v is not None}


def _check_chip(_: Device, operation: Operation, suspension: Sequence[Carried]) -> None:
    """A Cluster-Chip is driven by a flow rate, and its model is of live cells."""
    _only_of_a_spiral(operation, "cluster_chip")
    if operation.flow_rate is None:
        raise DesignError(
            '"flow_rate" is missing in [operation]; a cluster_chip is run by it, not by a pressure'
        )
    if operation.rinse_time > 0:
        raise DesignError(
            "rinse_time has no meaning for a cluster_chip, whose answer does not depend on time; leave it out"
        )
    for carried in suspension:
        if carried.state != LIVE:
            raise DesignError(
                f'state = "{carried.state}" of {carried.cells.name}: the model of a cluster_chip is of live cells; leave it out'
            )


def _only_of_a_spiral(operation: Operation, kind: str) -> None:
    for name in ("sample_flow_rate", "collect"):
        if getattr(operation, name) is not None:
            raise DesignError(f"{name} is of a spiral; a {kind} has none, leave it out")


def _check_spiral(spiral: Any, operation: Operation, suspension: Sequence[Carried]) -> None:
    """A spiral is driven by flow rates, a sheath has an inlet of its own, and the answer does not depend on time."""
    if operation.sample_flow_rate is None:
        raise DesignError(
            '"sample_flow_rate" is missing in [operation]; a spiral is run by it and by sheath_flow_rate: write for instance '
            'sample_flow_rate = "100 uL/min"'
        )
    if len(spiral.inlets) == 1 and operation.sheath_flow_rate:
        raise DesignError(
            f"sheath_flow_rate = {show(operation.sheath_flow_rate, 'mL/min')} needs an inlet of its own; inlet_widths names a "
            "single one: give two widths, or leave sheath_flow_rate out"
        )
    if len(spiral.inlets) == 2 and operation.sheath_flow_rate is None:
        raise DesignError(
            '"sheath_flow_rate" is missing in [operation]; this spiral has two inlets: give it, or a single width in inlet_widths'
        )
    if operation.rinse_time > 0:
        raise DesignError("rinse_time has no meaning for a spiral, which keeps nothing back; leave it out")


def _check_filter(_: Device, operation: Operation, suspension: Sequence[Carried]) -> None:
    """A pore filter holds cells for want of time, so the time must follow from the design."""
    _only_of_a_spiral(operation, "pore_filter")
    if operation.volume is None:
        raise DesignError(
            '"volume" is missing in [operation]; what a pore_filter keeps depends on how long it filters: write for instance '
            'volume = "10 mL"'
        )


#: What each kind of device asks of operation and suspension together.
_OPERATIONS = {"cluster_chip": _check_chip, "pore_filter": _check_filter, "spiral": _check_spiral}

# Of these an operation has one; --set with one takes the place of the other.
INSTEAD = {"fluid": "viscosity", "viscosity": "fluid", "flow_rate": "pressure", "pressure": "flow_rate"}
_TABLES = ("device", "operation", "suspension", "cells", "limits")


def load_design(path: str | Path, overrides: Sequence[str] = ()) -> Design:
    """Read a design from a TOML file.

    Args:
        path: The file.
        overrides: ``"device.gap=10 um"`` and the like, each in place of a value of the file.

    Raises:
        DesignError: The file cannot be read, or something in it is wrong.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DesignError(
            f"there is no file {path}; chipsim list names the designs that come with chipsim"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise DesignError(f"{path} cannot be read: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise DesignError(f"{path} is not valid TOML: {error}") from None
    for override in overrides:
        _override(data, override)
    return design_from_dict(data, name=path.stem)


def _override(data: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not sign or not dot or not name or table not in ("device", "operation", "limits"):
        raise DesignError(
            f"--set {override} is not understood; it sets keys of [device], [operation] and [limits], for instance "
            '--set device.gap="10 um"'
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]  # numbers, lists, quoted strings
    except tomllib.TOMLDecodeError:
        value = text.strip()  # the shell took the quotes away
    content = data.setdefault(table, {})
    if not isinstance(content, dict):
        raise DesignError(f"{table} must be a table, [{table}]")
    if table == "operation" and name in INSTEAD:
        content.pop(INSTEAD[name], None)
        if name == "viscosity":
            content.pop("temperature", None)
    content[name] = value


def design_from_dict(data: Mapping[str, Any], name: str = "design") -> Design:
    """Build a design from the tables of a TOML file.

    Raises:
        DesignError: Something is unknown, missing, of the wrong unit, or outside its range.
    """
    for key, value in data.items():
        if key not in _TABLES:
            raise DesignError(f'unknown table "{key}"; known are {", ".join(_TABLES)}')
        wanted: type = list if key == "suspension" else dict
        if not isinstance(value, wanted):
            raise DesignError(
                f"{key} must be {'a list of tables, [[suspension]]' if wanted is list else f'a table, [{key}]'}"
            )
    device = dict(data.get("device", {}))
    kind = device.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise DesignError(f"device.kind = {kind!r} is unknown; known kinds are {', '.join(KINDS)}")
    own = {cells: cell_line_from_table(cells, table) for cells, table in data.get("cells", {}).items()}
    return Design(
        device=KINDS[kind](**device),
        operation=Operation(**data.get("operation", {})),
        suspension=tuple(_carried(entry, own) for entry in data.get("suspension", [])),
        limits=Limits(**data.get("limits", {})),
        name=name,
    )


def _carried(entry: Any, own: Mapping[str, CellLine]) -> Carried:
    if not isinstance(entry, Mapping):
        raise DesignError(f"suspension = {entry!r} is not a table; write [[suspension]]")
    if "cells" not in entry:
        raise DesignError('"cells" is missing in [[suspension]]')
    cells = entry["cells"]
    return Carried(**{**entry, "cells": own.get(cells, cells) if isinstance(cells, str) else cells})


def published() -> dict[str, Path]:
    """Designs that come with chipsim: name -> file."""
    import geometries

    folder = Path(geometries.__file__).parent / "published"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_design(text: str) -> Path:
    """A path as it is; or, where no such file exists, the published design of that name."""
    path = Path(text)
    return published()[text] if not path.exists() and text in published() else path
