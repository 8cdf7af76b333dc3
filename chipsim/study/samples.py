"""Which points a sweep takes: a grid, lists side by side, or a sample of ranges (Latin hypercube, Sobol)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipsim.study.parameters import Parameter
from geometries import DesignError

GRID, LIST, LATIN, SOBOL = "grid", "list", "latin hypercube", "sobol"
METHODS = (GRID, LIST, LATIN, SOBOL)
_KEYS = ("method", "points", "seed")

#: More points than these are computed only by whoever says so.
MANY = 10_000
#: More than these are not computed in one sweep.
MOST = 10_000_000


@dataclass(frozen=True)
class Sample:
    """How points are chosen.

    Attributes:
        method: One of ``METHODS``.
        points: Of a Latin hypercube or Sobol's sequence.
        seed: Of these.
    """

    method: str = GRID
    points: int = 0
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.method}, {self.points} points, seed {self.seed}" if self.points else self.method


def sample_of(given: Any) -> Sample:
    """The table ``[sample]`` of a study, or the name of a method.

    Raises:
        DesignError: Something in it is unknown, missing or of no sense.
    """
    if isinstance(given, Sample):
        return given
    if isinstance(given, str):
        given = {"method": given}
    if not isinstance(given, Mapping):
        raise DesignError(f'sample = {given!r} is no table; write [sample] and method = "grid"')
    for key in given:
        if key not in _KEYS:
            raise DesignError(f'unknown key "{key}" in [sample]; known are {", ".join(_KEYS)}')
    method = given.get("method", GRID)
    if method not in METHODS:
        raise DesignError(f'method = "{method}" in [sample] is unknown; known are {", ".join(METHODS)}')
    if method in (GRID, LIST):
        for key in ("points", "seed"):
            if key in given:
                raise DesignError(f'{key} in [sample] is for "{LATIN}" and "{SOBOL}"; a {method} has none')
        return Sample(method)
    return _random(method, given)


def _random(method: str, given: Mapping[str, Any]) -> Sample:
    if "points" not in given:
        raise DesignError(f'[sample] with method = "{method}" needs points, for instance points = 64')
    points, seed = given["points"], given.get("seed", 0)
    if not _whole(points) or points < 1:
        raise DesignError(f"points = {points!r} in [sample] must be a whole number of at least 1")
    if not _whole(seed) or seed < 0:
        raise DesignError(f"seed = {seed!r} in [sample] must be a whole number of at least 0")
    return Sample(method, points, seed)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _length(parameter: Parameter) -> int:
    """How many values a parameter has on a grid, without making them."""
    return len(parameter.values) or parameter.points or len(parameter.grid())


class Samples:
    """The points of a sweep, by number; each is made when it is asked for.

    Attributes:
        sample: How they were chosen.
        parameters: What varies.
        shape: Of a grid, one length a parameter; else the number of points alone.

    Raises:
        DesignError: Lists of unequal lengths, a range without points, or too many points.
    """

    def __init__(self, sample: Sample, parameters: Sequence[Parameter], *, yes: bool = False) -> None:
        self.sample, self.parameters = sample, tuple(parameters)
        self.shape = self._shape()
        _refuse_many(len(self), yes)
        self._values: list[tuple[Any, ...]] = []
        self._unit = np.empty((0, 0))
        if sample.method in (GRID, LIST):
            self._values = [p.grid() for p in self.parameters]
        else:
            self._unit = _unit_cube(sample, len(self.parameters))

    def _shape(self) -> tuple[int, ...]:
        if self.sample.method not in (GRID, LIST):
            return (self.sample.points,)
        lengths = tuple(_length(p) for p in self.parameters)
        if self.sample.method == GRID:
            return lengths
        for p, length in zip(self.parameters, lengths, strict=True):
            if length != lengths[0]:
                raise DesignError(
                    f"{p.name} has {length} values and {self.parameters[0].name} has {lengths[0]}; in a list they are taken "
                    "side by side, so all need the same number"
                )
        return lengths[:1]

    def __len__(self) -> int:
        return math.prod(self.shape)

    @property
    def gridded(self) -> bool:
        """Whether each parameter is a dimension of its own."""
        return self.sample.method == GRID

    def column(self, j: int) -> list[Any]:
        """Values of a parameter: along its dimension of a grid, else at each point."""
        if self._values:
            return list(self._values[j])
        return [self.parameters[j].at(float(u)) for u in self._unit[:, j]]

    def values(self, i: int) -> dict[str, Any]:
        """The values at a point, by the names of parameters."""
        if not self._values:
            return {p.name: p.at(float(u)) for p, u in zip(self.parameters, self._unit[i], strict=True)}
        at = [int(k) for k in np.unravel_index(i, self.shape)] if self.gridded else [i] * len(self.parameters)
        return {p.name: v[k] for p, v, k in zip(self.parameters, self._values, at, strict=True)}


def _refuse_many(points: int, yes: bool) -> None:
    if points > MOST:
        raise DesignError(
            f"the sweep has {points:.4g} points, more than the {MOST:,} that one sweep may have"
        )
    if points > MANY and not yes:
        raise DesignError(
            f"the sweep has {points:,} points, more than {MANY:,}; each keeps some 20 kB in the folder: say --yes (in Python "
            "yes=True) if that is meant"
        )


def _unit_cube(sample: Sample, dimensions: int) -> np.ndarray:
    """Points in the unit cube, shape (points, dimensions); the same by any version of SciPy's keyword for the seed."""
    from scipy.stats import qmc

    of = qmc.LatinHypercube if sample.method == LATIN else qmc.Sobol
    random = np.random.default_rng(sample.seed)
    try:
        sampler = of(dimensions, rng=random)
    except TypeError:
        sampler = of(dimensions, seed=random)
    with warnings.catch_warnings():
        # Sobol's points are best in powers of two, but any number may be asked for.
        warnings.simplefilter("ignore", UserWarning)
        return sampler.random(sample.points)
