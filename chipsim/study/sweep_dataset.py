"""The Dataset of a sweep, from what is kept of its points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chipsim.study import picks, usual
from chipsim.study.dataset import Columns, coordinate, short_names
from chipsim.study.evaluate import outcome_of
from chipsim.study.points import DONE, Point
from chipsim.study.recipes import model_of
from chipsim.study.samples import Samples
from chipsim.study.solve import package_version
from chipsim.study.study_file import Study
from geometries import DesignError

if TYPE_CHECKING:
    import xarray as xr


def dataset_of(given: Study, samples: Samples, keys: Sequence[str], folder: Path) -> xr.Dataset:
    """The Dataset of a sweep whose points are computed.

    Raises:
        DesignError: A result does not exist at any point.
    """
    import xarray as xr

    count = len(keys)
    table = _Table(given, count)
    about = {name: np.empty(count, object) for name in ("status", "message", "key")}
    for i, key in enumerate(keys):
        outcome = outcome_of(folder, key)
        about["status"][i], about["message"][i], about["key"][i] = outcome.status, outcome.sentence, key
        if outcome.status == DONE:
            table.take(i, outcome.result or {})
    table.check()
    names = short_names(given.parameters, given.results)
    dims: tuple[str, ...] = tuple(names) if samples.gridded else ("point",)
    shape = samples.shape
    coords: dict[str, Any] = {} if samples.gridded else {"point": ("point", np.arange(count))}
    for j, (name, parameter) in enumerate(zip(names, given.parameters, strict=True)):
        values, attributes = coordinate(parameter, samples.column(j))
        coords[name] = (name if samples.gridded else "point", values, attributes)
    variables = table.variables(dims, shape, {*names, *dims})
    coords |= table.coords()
    words = {
        "status": "how the point ended: done, refused, failed or too long",
        "message": "why there is no result",
        "key": "folder of the point under points/",
    }
    for name, values in about.items():
        variables[name] = (dims, values.reshape(shape), {"long_name": words[name]})
    return xr.Dataset(variables, coords, attrs=_attributes(given, samples))


class _Table:
    """Results of points, by name and place, as they are read."""

    def __init__(self, given: Study, count: int) -> None:
        self._given, self._count = given, count
        self._columns, self._bodies = Columns(count), Columns(count)
        self._missing: dict[str, str] = {}
        self._any = False

    def take(self, i: int, result: Mapping[str, Any]) -> None:
        """A point's results."""
        self._any = True
        if not self._given.results:
            for place, number in usual.places(result):
                self._columns.put(i, place, float(number))
            for body, entry in usual.bodies(result):
                for key in usual.OF_A_BODY:
                    value = entry.get(key)
                    self._bodies.put(i, (body, key), math.nan if value is None else float(value))
        for name, place in self._given.results.items():
            try:
                self._columns.put(i, name, picks.pick(result, place))
            except DesignError as error:
                self._missing.setdefault(name, str(error))

    def check(self) -> None:
        """Refuse results that no point has."""
        for name, sentence in self._missing.items():
            if name not in self._columns.arrays and self._any:
                raise DesignError(f"{sentence}; the points are kept, name another result and start it again")

    def variables(self, dims: tuple[str, ...], shape: tuple[int, ...], taken: set[str]) -> dict[str, Any]:
        """Data variables; one that is called as a parameter, which only the usual ones are, is told from it."""
        found: dict[str, Any] = {}
        if self._given.results:
            empty = np.full(self._count, math.nan)
            columns = {
                name: (place, self._columns.arrays.get(name, empty))
                for name, place in self._given.results.items()
            }
        else:
            columns = {
                picks.short_name(place): (place, values) for place, values in self._columns.arrays.items()
            }
        for name, (place, values) in columns.items():
            name = f"resulting_{name}" if name in taken else name
            found[name] = (dims, values.reshape(shape), _about(place, text=values.dtype == object))
        bodies = self._labels()
        for key in usual.OF_A_BODY if bodies else ():
            stack = np.stack([self._bodies.arrays[body, key] for body in bodies], axis=-1)
            place = f"capture[].{key}"
            about = _about(place) | {"long_name": picks.long_name(key)}
            found[picks.short_name(key)] = ((*dims, "body"), stack.reshape(*shape, len(bodies)), about)
        return found

    def _labels(self) -> list[tuple[str, int, str]]:
        return list(dict.fromkeys(body for body, _ in self._bodies.arrays))

    def coords(self) -> dict[str, Any]:
        """What bodies there are."""
        bodies = self._labels()
        if not bodies:
            return {}
        labels = np.array(
            [f"{cells}, {n}" + (f", {state}" if state else "") for cells, n, state in bodies], object
        )
        found = {
            "body": ("body", labels, {"long_name": "kind of body: cells, how many"}),
            "cells": ("body", np.array([b[0] for b in bodies], object), {"long_name": "cells"}),
            "n": (
                "body",
                np.array([b[1] for b in bodies]),
                {"units": "1", "long_name": "cells in a cluster"},
            ),
        }
        if any(state for _, _, state in bodies):
            found["state"] = (
                "body",
                np.array([b[2] for b in bodies], object),
                {"long_name": "live or fixed"},
            )
        return found


def _about(place: str, *, text: bool = False) -> dict[str, str]:
    units = {} if text else {"units": picks.unit(place)}
    return {**units, "long_name": picks.long_name(place), "result": place}


def _attributes(given: Study, samples: Samples) -> dict[str, Any]:
    """What it is of, and what reproduces it: nothing that differs between two runs."""
    base, options = Point(given.tables, given.options), given.options
    more = {key: getattr(options, key) for key in ("refine", "accuracy", "lift_table")}
    return {
        "title": given.name,
        "device": str(given.tables["device"]["kind"]),
        "design": base.to_toml(),
        "model": _model(given, samples),
        "seed": options.seed,
        **{key: value for key, value in more.items() if value is not None},
        "sample": str(samples.sample),
        "chipsim": package_version(),
    }


def _model(given: Study, samples: Samples) -> str:
    for design in (Point(given.tables), given.point(samples.values(0))):
        try:
            return model_of(design.design.device, given.options.model)
        except DesignError:
            continue
    return given.options.model or ""
