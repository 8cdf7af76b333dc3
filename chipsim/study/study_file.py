"""A study as a TOML file: a design, what of it varies, and which results are asked for. Sweeps and optimisations begin here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chipsim.design import Design, find_design
from chipsim.study import picks
from chipsim.study.parameters import Parameter, parameter, with_values
from chipsim.study.points import Options, Point
from geometries import DesignError
from geometries.quantities import quantity

#: A point that takes longer is stopped, s.
TIME_LIMIT = 1800.0
_STUDY_KEYS = ("design", "name", "time_limit", "model", "seed", "refine", "accuracy", "lift_table")


@dataclass(frozen=True)
class Study:
    """What is varied of which design, and what is asked for.

    Attributes:
        name: Of the study.
        tables: The base design, as the tables of its TOML file.
        parameters: What varies.
        results: Places in ``result.json`` by the name that they get; empty: the usual ones.
        options: How each point is run.
        time_limit: Longest that a point may take, s.
        tables_beside: The other tables of the study's file, for whoever reads on: ``sample``, ``optimise`` and so on.
    """

    name: str
    tables: Mapping[str, Any]
    parameters: tuple[Parameter, ...]
    results: Mapping[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    time_limit: float = TIME_LIMIT
    tables_beside: Mapping[str, Any] = field(default_factory=dict)

    def point(self, values: Mapping[str, Any]) -> Point:
        """The design with these values, by the names of parameters."""
        return Point(with_values(self.tables, values), self.options)


def read_tables(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        DesignError: It cannot be read.
    """
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DesignError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise DesignError(f"{path} cannot be read: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise DesignError(f"{path} is not valid TOML: {error}") from None


def tables_of(design: Design | str | Path) -> tuple[dict[str, Any], str]:
    """The tables of a design, of a TOML file or of a published design by its name; and what it is called.

    Raises:
        DesignError: It cannot be read.
    """
    if isinstance(design, Design):
        return design.to_tables(), design.name
    path = find_design(str(design))
    return read_tables(path), path.stem


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with arrays and NumPy's numbers as lists and numbers.

    Raises:
        DesignError: They are no table.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, range):
            return list(value)
        if isinstance(value, Mapping):
            return {key: plain(part) for key, part in value.items()}
        return [plain(part) for part in value] if isinstance(value, list | tuple) else value

    if not isinstance(parameters, Mapping):
        raise DesignError(
            f'parameters = {parameters!r} is no table; write for instance {{"device.gap": ["10 um", "12 um"]}}'
        )
    return {key: plain(value) for key, value in parameters.items()}


def load_study(path: str | Path, beside: tuple[str, ...]) -> Study:
    """Read a study from a TOML file.

    Args:
        path: The file; its ``design`` is a published one's name or a path from the file's own folder.
        beside: Tables that the caller reads on its own.

    Raises:
        DesignError: The file or its design cannot be read, or something in it is unknown or of no sense.
    """
    path = Path(path)
    given = read_tables(path)
    about = given.get("study")
    if not isinstance(about, dict) or not isinstance(about.get("design"), str):
        raise DesignError(
            f'{path} names no design; write [study] and design = "cluster_chip_2015" or the path of a file'
        )
    beside_it = path.parent / about["design"]
    design = beside_it if beside_it.exists() else find_design(about["design"])
    return study(
        read_tables(design), given.get("parameters", {}), name=path.stem,
        **{key: given[key] for key in given if key not in ("study", "parameters")},
        **{key: value for key, value in about.items() if key != "design"} | {"beside": beside},
    )  # fmt: skip


def study(
    tables: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    name: str = "study",
    results: Mapping[str, str] | None = None,
    time_limit: float | str = TIME_LIMIT,
    beside: tuple[str, ...] = (),
    **more: Any,
) -> Study:
    """A study from its parts.

    Args:
        tables: The base design, as the tables of its TOML file.
        parameters: Values or range of each parameter by its name, dotted or as nested tables.
        name: Of the study.
        results: Places in ``result.json`` by the name that they get.
        time_limit: Longest that a point may take, s or ``"10 min"``.
        beside: Tables in ``more`` that the caller reads on its own.
        more: Those tables, and what :class:`~chipsim.study.points.Options` has.

    Raises:
        DesignError: Something is unknown or of no sense.
    """
    options = {key: more.pop(key) for key in [*more] if key in Options.__dataclass_fields__}
    for key in more:
        if key not in beside:
            known = (*_STUDY_KEYS, *beside)
            raise DesignError(
                f'unknown key "{key}" in the study {name}; known are parameters, results, {", ".join(known)}'
            )
    flat = dict(_flat(parameters, ""))
    if not flat:
        raise DesignError(
            f'the study {name} varies nothing; write [parameters] and for instance device.gap = ["10 um", "12 um"]'
        )
    if results is not None and not isinstance(results, Mapping):
        raise DesignError(
            f'results = {results!r} is no table; write [results] and for instance pairs = "capture[n=2].retained"'
        )
    wanted = {key: picks.check(str(place)) for key, place in (results or {}).items()}
    found = Study(
        name,
        tables,
        tuple(parameter(key, value, tables) for key, value in flat.items()),
        wanted,
        Options(**options),
        quantity(time_limit, "s", "time_limit", "1 s", "30 days"),
        more,
    )
    return found


def _flat(given: Any, before: str) -> list[tuple[str, Any]]:
    """Nested tables as dotted names; a table with ``from`` or ``to`` is a range."""
    if not isinstance(given, Mapping):
        raise DesignError(f"parameters = {given!r} is no table; write [parameters]")
    found: list[tuple[str, Any]] = []
    for key, value in given.items():
        name = f"{before}{key}"
        nested = isinstance(value, Mapping) and not {"from", "to"} & set(value)
        found += _flat(value, f"{name}.") if nested else [(name, value)]
    return found
