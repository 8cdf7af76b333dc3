"""The Dataset of a sweep or an optimisation as columns of points, in units that people use: what its pages and figures draw."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chipsim.report.units import NONE, SCALES, number, percent
from chipsim.study import picks

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

DONE = "done"
#: Dimensions that points have beside those of a grid.
_FLAT = ("point", "trial")
_BESIDE = ("status", "message", "key", "front", "feasible")
#: Values that differ by less, relatively, are the same: rounding.
_SAME = 1e-9
# For each unit of a Dataset those that people use, each from what size up (SI).
_SHOWN: dict[str, tuple[tuple[float, str], ...]] = {
    "m": ((1e-3, "mm"), (0.0, "µm")),
    "m2": ((1e-8, "mm²"), (0.0, "µm²")),
    "m3": ((1e-8, "mL"), (1e-12, "µL"), (0.0, "fL")),
    "m3 s-1": ((0.1e-6 / 60, "mL/min"), (0.0, "µL/min")),
    "m s-1": ((0.1, "m/s"), (1e-4, "mm/s"), (0.0, "µm/s")),
    "m-2": ((1e10, "1/µm²"), (0.0, "/cm²")),
    "m-3": ((0.0, "/mL"),),
    "mL-1": ((0.0, "/mL"),),
    "Pa": ((1e4, "kPa"), (0.1, "Pa"), (0.0, "mPa")),
    "Pa s": ((1.0, "Pa s"), (0.0, "mPa s")),
    "Pa s m-3": ((0.0, "Pa/(mL/h)"),),
    "N": ((0.0, "nN"),),
    "N m-1": ((0.0, "pN/µm"),),
    "s": ((7200.0, "h"), (120.0, "min"), (0.1, "s"), (1e-4, "ms"), (0.0, "µs")),
    "s-1": ((0.0, "1/s"),),
    "rad": ((0.0, "°"),),
    "K": ((0.0, "°C"),),
}
_MORE_SCALES = {"mm²": 1e-6, "µm²": 1e-12, "°C": 1.0}
_ZERO_CELSIUS = 273.15
# Last words of results that are fractions of a whole.
_FRACTION = re.compile(
    r"(retained|passed|broken|held|purity|carryover|share|fraction|porosity|recovery|spread)\b"
)


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one parameter or result at all points.

    Attributes:
        name: In the Dataset.
        label: In words, short.
        long_name: In words.
        place: In the design or in result.json.
        unit: In which it is shown; ``""`` for pure numbers and for text.
        values: SI floats (NaN where there is none) or text, (points,).
        cells: Of which cells, for results of each kind of bodies.
        n: Of how many cells in a body; 0 for other results.
        attrs: What else the Dataset says of it: ``goal``, ``at_most``, ``at_least``.
    """

    name: str
    label: str
    long_name: str
    place: str
    unit: str
    values: np.ndarray
    cells: str = ""
    n: int = 0
    attrs: Mapping[str, Any] | None = None

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return bool(self.values.dtype.kind == "f")

    @cached_property
    def known(self) -> np.ndarray:
        """Where there is a value, (points,)."""
        if self.numeric:
            return np.isfinite(self.values)
        return np.array([value != "" for value in self.values], bool)

    @cached_property
    def distinct(self) -> tuple[Any, ...]:
        """Its different values, numbers in their order."""
        given = self.values[self.known]
        if not self.numeric:
            return tuple(dict.fromkeys(given))
        found: list[float] = []
        for value in np.unique(given):
            if not found or value - found[-1] > _SAME * max(abs(value), abs(found[-1])):
                found.append(float(value))
        return tuple(found)

    @property
    def varies(self) -> bool:
        """Whether there are two different values."""
        return len(self.distinct) > 1

    @property
    def shown(self) -> np.ndarray:
        """Its numbers in the unit in which they are shown."""
        return self.in_unit(self.values)

    def in_unit(self, values: Any) -> Any:
        """SI values in its unit."""
        scale = _scale(self.unit)
        return (np.asarray(values, float) - (_ZERO_CELSIUS if self.unit == "°C" else 0.0)) / scale

    @property
    def axis(self) -> str:
        """Label of an axis."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def logarithmic(self) -> bool:
        """Whether its values want a logarithmic axis: over two decades, or of a parameter spread evenly in the logarithm."""
        if not self.numeric or not self.varies or self.distinct[0] <= 0 or self.unit in ("%", "°C"):
            return False
        values = np.array(self.distinct)
        if values[-1] / values[0] > 100:
            return True
        if "parameter" not in (self.attrs or {}) or len(values) < 3 or values[-1] / values[0] < 3:
            return False
        ends, middle = values[[0, -1]], np.median(values)
        evenly, by_logarithm = (np.interp(f(middle), f(ends), (0, 1)) for f in (np.asarray, np.log))
        return bool(abs(by_logarithm - 0.5) < abs(evenly - 0.5))

    def write(self, value: Any, *, unit: bool = True, digits: int = 4) -> str:
        """A value of it as it is written for people."""
        if not self.numeric:
            return str(value) or NONE
        if not math.isfinite(value):
            return NONE
        if self.unit == "%":
            return percent(value) if unit else percent(value).removesuffix(" %")
        text = number(float(self.in_unit(value)), digits)
        return f"{text}{'' if self.unit == '°' else ' '}{self.unit}" if unit and self.unit else text

    def span(self, digits: int = 4) -> str:
        """From the least to the largest, or its few values."""
        found = self.distinct
        if not found:
            return NONE
        if not self.numeric or len(found) <= 3:
            return ", ".join([*(self.write(v, unit=False) for v in found[:-1]), self.write(found[-1])])
        ends = self.write(found[0], unit=False, digits=digits), self.write(found[-1], digits=digits)
        return " to ".join(ends)


def _scale(unit: str) -> float:
    if unit == "%":
        return 0.01
    return _MORE_SCALES.get(unit) or SCALES.get(unit, 1.0)


@dataclass(frozen=True, eq=False)
class Points:
    """A Dataset, a row for each point.

    Attributes:
        title: Name of the study.
        device: Kind of the device.
        parameters: What was varied.
        results: What came out; those of each kind of bodies a column each.
        status: ``done``, or how else the point ended, (points,).
        message: Why there is no result, (points,).
        key: Its folder, (points,).
        number: What each is called: its coordinate where it has one, else its place from 1, (points,).
        grid: Names of the parameters that span a grid; empty where points are listed or sampled.
        attrs: Of the Dataset.
    """

    title: str
    device: str
    parameters: tuple[Column, ...]
    results: tuple[Column, ...]
    status: np.ndarray
    message: np.ndarray
    key: np.ndarray
    number: np.ndarray
    grid: tuple[str, ...]
    attrs: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.status)

    @property
    def done(self) -> np.ndarray:
        """Which have a result, (points,)."""
        return self.status == DONE

    @property
    def varied(self) -> list[Column]:
        """Parameters with more than one value."""
        return [p for p in self.parameters if p.varies]

    @property
    def moved(self) -> list[Column]:
        """Results that are numbers and not everywhere the same, or not everywhere there."""
        return [
            r
            for r in self.results
            if r.numeric and r.known.any() and (r.varies or not r.known[self.done].all())
        ]

    def column(self, name: str) -> Column:
        """A parameter or result by its name.

        Raises:
            KeyError: There is none.
        """
        for column in (*self.parameters, *self.results):
            if column.name == name:
                return column
        raise KeyError(f"the study has no {name}; it has {', '.join(self.names())}")

    def family(self, name: str) -> list[Column]:
        """The columns of a result: one, or one for each kind of bodies.

        Raises:
            KeyError: There is none.
        """
        found = [r for r in self.results if r.name == name]
        if not found:
            raise KeyError(f"the study has no result {name}; it has {', '.join(self.names())}")
        return found

    def names(self) -> list[str]:
        """Names of parameters and results."""
        return [*dict.fromkeys(c.name for c in (*self.parameters, *self.results))]

    def count(self, status: str) -> int:
        """How many ended so."""
        return int((self.status == status).sum())


def points_of(dataset: Dataset) -> Points:
    """The columns of a Dataset.

    Args:
        dataset: Of :func:`chipsim.sweep` or :func:`chipsim.optimise`, or read from their NetCDF file.
    """
    dims = tuple(str(dim) for dim in dataset["status"].dims)
    grid = () if not dims or dims[0] in _FLAT else dims
    device = str(dataset.attrs.get("device", ""))

    def flat(array: DataArray, *more: str) -> np.ndarray:
        spread = array.broadcast_like(dataset["status"]) if array.dims != (*dims, *more) else array
        values = spread.transpose(*dims, *more).values
        return values.reshape((-1, *values.shape[len(dims) :]))

    parameters = [
        _column(str(name), array, flat(array), device, "parameter")
        for name, array in dataset.coords.items()
        if ("parameter" in array.attrs or name in grid) and set(array.dims) <= set(dims)
    ]
    labels = [p.label for p in parameters]
    parameters = [
        replace(p, label=p.name.replace("_", " ")) if labels.count(p.label) > 1 else p for p in parameters
    ]
    results: list[Column] = []
    for name, array in dataset.data_vars.items():
        if name in _BESIDE:
            continue
        beside = [str(dim) for dim in array.dims if dim not in dims]
        if not beside:
            results.append(_column(str(name), array, flat(array), device, "result"))
        elif len(beside) == 1:
            results += _bodies(str(name), array, flat(array, *beside), device, beside[0])
    status, message, key = (
        _text(flat(dataset[name]))
        if name in dataset
        else np.full(math.prod(dataset["status"].shape), "", object)
        for name in ("status", "message", "key")
    )
    named = len(dims) == 1 and not grid and dims[0] in dataset.coords
    number = dataset[dims[0]].values if named else np.arange(1, len(status) + 1)
    return Points(
        str(dataset.attrs.get("title", "study")), device, tuple(parameters), _united(results, parameters), status, message, key,
        number, grid, dataset.attrs,
    )  # fmt: skip


def _united(results: Sequence[Column], parameters: Sequence[Column]) -> tuple[Column, ...]:
    """Where the kind of cells is varied, the same size of each kind in one column: no point has two of them."""
    kinds = {v for p in parameters if p.varies and p.place.endswith(".cells") for v in p.distinct}
    found: dict[Any, Column] = {}
    for column in results:
        kind, _, state = column.cells.partition(", ")
        if kind not in kinds:
            found[column.name, column.cells, column.n] = column
            continue
        key = (column.name, state, column.n)
        if key not in found:
            body = f"{column.n}-cell clusters" if column.n > 1 else "single cells"
            label = f"{column.label.partition(': ')[0]}: {body}{f', {state}' if state else ''}"
            found[key] = replace(column, label=label, cells=state)
        elif not (found[key].known & column.known).any():
            values = np.where(column.known, column.values, found[key].values)
            found[key] = replace(found[key], values=values)
        else:
            found[column.name, column.cells, column.n] = column
    return tuple(found.values())


def _bodies(name: str, array: DataArray, values: np.ndarray, device: str, dim: str) -> list[Column]:
    """A column for each kind and size of bodies; all in one unit."""
    about = {str(key): c.values for key, c in array.coords.items() if c.dims == (dim,)}
    whole = _column(name, array, values.ravel(), device, "result")
    found = []
    for i in range(values.shape[1]):
        n = int(about["n"][i]) if "n" in about else 0
        cells = str(about["cells"][i]) if "cells" in about else str(about.get(dim, range(i + 1))[i])
        if "state" in about and str(about["state"][i]) not in ("", "live"):
            cells += f", {about['state'][i]}"
        size = (
            f"{n}-cell "
            if n > 1
            else "single "
            if n and list(about.get("cells", ())).count(about["cells"][i]) > 1
            else ""
        )
        label = f"{whole.label}: {size}{cells}"
        column = whole.values.reshape(values.shape)[:, i]
        found.append(
            Column(name, label, whole.long_name, whole.place, whole.unit, column, cells, n, array.attrs)
        )
    return found


def _column(name: str, array: DataArray, given: np.ndarray, device: str, place: str) -> Column:
    attrs = {str(key): value for key, value in array.attrs.items()}
    where, long_name = str(attrs.get(place, attrs.get("result", name))), str(attrs.get("long_name", ""))
    numeric = given.dtype.kind in "fiub"
    values = given.astype(float) if numeric else _text(given)
    unit = _unit(str(attrs.get("units", "")), where, values, device) if numeric else ""
    label = _label(name, unit) if place == "result" else _parameter_label(name, long_name)
    return Column(name, label, long_name, where, unit, values, attrs=attrs)


def _label(name: str, unit: str) -> str:
    """A name in words; a unit at its end is left out, it is told in another."""
    return picks.long_name(name) if unit and re.fullmatch(r"[\w-]+", name) else name.replace("_", " ")


def _parameter_label(name: str, long_name: str) -> str:
    """What it is called in its long name, before the colon, where that is short."""
    said = long_name.partition(":")[0]
    return said if 0 < len(said) <= 32 else name.replace("_", " ")


def _unit(units: str, place: str, values: np.ndarray, device: str) -> str:
    """In which unit values are shown, by their size."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if len(finite) else 0.0
    if units in ("", "1"):
        last = re.sub(r"\[[^\]]*\]", "", place)
        return "%" if _FRACTION.search(last) and largest <= 1 and not (values < 0).any() else ""
    if units == "m3 s-1" and device == "cluster_chip":
        return "mL/h"
    return next((shown for least, shown in _SHOWN.get(units, ()) if largest >= least), units)


def _text(values: np.ndarray) -> np.ndarray:
    found = np.empty(values.shape, object)
    for i, value in np.ndenumerate(values):
        text = value.decode() if isinstance(value, bytes) else str(value)
        found[i] = "" if text == "nan" and not isinstance(value, str) else text
    return found


def matters(points: Points, parameter: Column, result: Column) -> bool:
    """Whether a result differs between values of this one of two parameters, or cannot be told to be the same."""
    other = next((p for p in points.varied if p is not parameter), None)
    if other is None:
        return True
    compared = False
    for value in other.distinct:
        same = (
            other.values == value
            if not other.numeric
            else np.isclose(other.values, value, rtol=_SAME, atol=0)
        )
        found = result.values[same & result.known]
        if len(found) and found.max() - found.min() > 1e-7 * np.abs(found).max():
            return True
        compared |= len(found) > 1
    return not compared


def begin(text: str) -> str:
    """With a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def in_words(items: Iterable[str]) -> str:
    """``a, b and c``."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
