"""Tables of the lift on spheres in a straight rectangular duct: made of single solves, splined in place and size (plain numpy).

Lengths are half-heights of the section, speeds are over the largest one, ``alpha`` is a sphere's diameter over the height.

Toward a wall drag and lift grow as the gap closes, so nodes lie evenly in w = 2 artanh(q / (M - (1 - c) alpha)): in the
logarithm of the gap, with q the distance from the middle and M that of the wall. What is splined hardly grows: the drift,
lift over drag, the inverse of the drag and the speed, odd or even in each direction as the duct's symmetry has it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometries.quantities import DesignError

Array = NDArray[Any]

#: Gap to the wall at a table's last nodes, over the radius.
GAP = 0.1
#: Sizes that a table has.
ALPHAS = (0.03, 0.075, 0.14, 0.28, 0.4)
#: Largest distance of nodes in w, across and along the height: the drift is within 1 % of its root mean square.
STEPS = (0.5, 0.6)

# Length over the radius that keeps w finite where the gap closes.
_SOFT = 0.4
# Nodes of a size between those of a table are so many times denser.
_DENSER = 2
_COLUMNS = ("alpha", "x", "z", "lift_x", "lift_z", "drag_x", "drag_z", "drift_x", "drift_z", "speed", "spin_x",
            "spin_z")  # fmt: skip
# Drift, lift over drag, inverse drag (each across and along the height), speed: odd (-1) or even in x and in z.
_PARITY = ((-1, 1), (1, -1), (-1, 1), (1, -1), (1, 1), (1, 1), (1, 1))


@dataclass(frozen=True)
class LiftPoint:
    """A sphere that a flow carries along a duct, at one place of the section.

    Attributes:
        alpha: Its diameter over the height.
        at: Its place across (in a bend outward) and along the height, half-heights from the middle.
        lift: Inertial lift across and along the height, over rho U_m^2 a^4 / H^2 (a the radius, H the height, U_m the
            largest speed).
        drag: Drag across and along the height over 6 pi mu a U, its spin held.
        drift: Velocity across and along the height, over rho U_m^2 a^3 / (6 pi mu H^2), at which lift and the inertial torque
            about the duct's axis move it, free to turn: lift over drag where the walls are far.
        speed: Along the duct over the largest speed.
        spin: Angular velocity about the axes across and along the height, over the largest speed by half-height.
        unknowns: Of the linear system along the duct.
        iterations: Of the linear solver, the most.
        seconds: Wall time of the steps.
        entrained: Velocity across and along the height at which a flow within the section carries it, in that flow's unit;
            None where none was given.
    """

    alpha: float
    at: tuple[float, float]
    lift: tuple[float, float]
    drag: tuple[float, float]
    drift: tuple[float, float]
    speed: float
    spin: tuple[float, float]
    unknowns: int
    iterations: int
    seconds: dict[str, float]
    entrained: tuple[float, float] | None = None

    @property
    def row(self) -> tuple[float, ...]:
        """Its row in a table."""
        return (self.alpha, *self.at, *self.lift, *self.drag, *self.drift, self.speed, *self.spin)


@dataclass(frozen=True)
class LiftSample:
    """What a table says of spheres at n places.

    Attributes:
        lift: Over rho U_m^2 a^4 / H^2, shape (n, 2).
        drag: Over 6 pi mu a U, shape (n, 2).
        drift: Velocity of migration over rho U_m^2 a^3 / (6 pi mu H^2), shape (n, 2).
        speed: Along the duct over the largest, shape (n,).
        extrapolated: Whether the place is nearer to a wall than the table goes, shape (n,); it has the last values then.
    """

    lift: Array
    drag: Array
    drift: Array
    speed: Array
    extrapolated: Array


def last_place(reach: float, alpha: float) -> float:
    """Distance from the middle at the last node, with a wall at ``reach``.

    Raises:
        DesignError: No sphere of that size fits.
    """
    last = reach - (1 + GAP) * alpha
    if last <= 0:
        raise DesignError(
            f"a sphere of alpha = {alpha:g} has no place in the duct: its diameter over the height is below "
            f"{min(reach, 1.0) / (1 + GAP):.3g}"
        )
    return last


def _even(places: Array | float, reach: float, alpha: float) -> Array:
    """W of places."""
    return 2 * np.arctanh(np.asarray(places) / (reach - (1 - _SOFT) * alpha))


def nodes(reach: float, alpha: float, step: float, denser: int = 1) -> Array:
    """Distances from the middle of a table's nodes in one direction, shape (n,).

    Args:
        reach: Distance of the wall.
        alpha: Diameter over the height.
        step: Largest distance of nodes in w.
        denser: How many times more there are.
    """
    last = float(_even(last_place(reach, alpha), reach, alpha))
    # Large spheres have little room, but the flow changes as much over the section as for small ones.
    least = math.ceil(3 + 2.5 * reach)
    w = np.linspace(0.0, last, denser * max(math.ceil(last / step), least) + 1)
    return np.tanh(w / 2) * (reach - (1 - _SOFT) * alpha)


def places(aspect: float, alpha: float, steps: tuple[float, float] = STEPS) -> list[tuple[float, float]]:
    """Places of a table in a quarter of a rectangle for one size."""
    across, along = (nodes(reach, alpha, step) for reach, step in zip((aspect, 1.0), steps, strict=True))
    return [(float(x), float(z)) for x, z in itertools.product(across, along)]


@dataclass(frozen=True)
class SizeTable:
    """Lift on spheres of one size anywhere in a rectangular duct.

    Attributes:
        aspect: Width over height.
        alpha: Diameter over the height.
        across: Nodes across, from the middle, shape (n,).
        along: Nodes along the height, shape (m,).
        values: Drift, lift over drag, inverse drag, speed at the nodes, shape (n, m, 7).
    """

    aspect: float
    alpha: float
    across: Array
    along: Array
    values: Array

    @property
    def last(self) -> Array:
        """The last nodes, shape (2,)."""
        return np.array([self.across[-1], self.along[-1]])

    @cached_property
    def _splines(self) -> list[Any]:
        from scipy.interpolate import RectBivariateSpline

        w, h = _even(self.across, self.aspect, self.alpha), _even(self.along, 1.0, self.alpha)
        w, h = (np.concatenate([-side[:0:-1], side]) for side in (w, h))
        splines = []
        for column, (odd_x, odd_z) in enumerate(_PARITY):
            quarter = self.values[:, :, column].copy()
            if odd_x < 0:
                quarter[0] = 0.0
            if odd_z < 0:
                quarter[:, 0] = 0.0
            half = np.concatenate([odd_x * quarter[:0:-1], quarter])
            splines.append(RectBivariateSpline(w, h, np.concatenate([odd_z * half[:, :0:-1], half], axis=1)))
        return splines

    def columns(self, at: Array) -> Array:
        """Drift, lift over drag, inverse drag and speed at places within the table, shape (n, 7) of places (n, 2)."""
        w, h = _even(at[:, 0], self.aspect, self.alpha), _even(at[:, 1], 1.0, self.alpha)
        return np.column_stack([spline.ev(w, h) for spline in self._splines])

    def sample(self, at: Array) -> LiftSample:
        """Lift, drag and speed at places.

        Args:
            at: Places across and along the height, from the middle, shape (n, 2).
        """
        at = np.asarray(at, dtype=float).reshape(-1, 2)
        last = self.last
        beyond = np.any(np.abs(at) > last * (1 + 1e-12), axis=1)
        found = self.columns(np.clip(at, -last, last))
        drift, ratio, inverse = found[:, :2], found[:, 2:4], found[:, 4:6]
        return LiftSample(ratio / inverse, 1 / inverse, drift, found[:, 6], beyond)


@dataclass(frozen=True)
class LiftTable:
    """Lift on spheres of several sizes in a rectangular duct.

    Attributes:
        aspect: Width over height.
        rows: One for each place and size, with what :attr:`LiftPoint.row` has, shape (n, 12).
        made: What made it: cell size, versions.
    """

    aspect: float
    rows: Array
    made: dict[str, Any]

    @cached_property
    def sizes(self) -> tuple[SizeTable, ...]:
        """A table for each size, smallest first."""
        return tuple(self._size(alpha) for alpha in np.unique(self.rows[:, 0]))

    def _size(self, alpha: float) -> SizeTable:
        rows = self.rows[self.rows[:, 0] == alpha]
        rows = rows[np.lexsort((rows[:, 2], rows[:, 1]))]
        across, along = np.unique(rows[:, 1]), np.unique(rows[:, 2])
        if len(rows) != len(across) * len(along):
            raise DesignError(
                f"the lift table lacks places at alpha = {alpha:g}: {len(rows)} of {len(across) * len(along)}"
            )
        lift, drag, drift, speed = rows[:, 3:5], rows[:, 5:7], rows[:, 7:9], rows[:, 9]
        values = np.column_stack([drift, lift / drag, 1 / drag, speed]).reshape(len(across), len(along), -1)
        return SizeTable(self.aspect, float(alpha), across, along, values)

    def covers(self, alpha: float) -> bool:
        """Whether a size is within the table."""
        return self.sizes[0].alpha <= alpha <= self.sizes[-1].alpha

    def at(self, alpha: float) -> SizeTable:
        """The table of one size: splined in the logarithm of alpha, at the same part of the way to the last node.

        Raises:
            DesignError: The size is beyond the table.
        """
        if not self.covers(alpha):
            raise DesignError(
                f"alpha = {alpha:g} is beyond the lift table, {self.sizes[0].alpha:g} to {self.sizes[-1].alpha:g}"
            )
        for size in self.sizes:
            if size.alpha == alpha:
                return size
        from scipy.interpolate import make_interp_spline

        sides = [
            nodes(reach, alpha, step, _DENSER) for reach, step in zip((self.aspect, 1.0), STEPS, strict=True)
        ]
        part = np.stack(np.meshgrid(*(side / side[-1] for side in sides), indexing="ij"), axis=-1)
        known = [size.columns(part.reshape(-1, 2) * size.last) for size in self.sizes]
        spline = make_interp_spline(
            np.log([size.alpha for size in self.sizes]), known, k=min(3, len(known) - 1)
        )
        values = spline(math.log(alpha)).reshape(*part.shape[:2], -1)
        return SizeTable(self.aspect, alpha, sides[0], sides[1], values)

    def write(self, path: Path) -> None:
        """Write it as one NumPy file."""
        head = json.dumps({"aspect": self.aspect, "columns": _COLUMNS, "made": self.made})
        np.savez_compressed(path, head=head, rows=self.rows)


def read_table(path: Path) -> LiftTable:
    """Read what :meth:`LiftTable.write` wrote.

    Raises:
        DesignError: There is none, or it is not a lift table.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            head = json.loads(str(data["head"]))
            if tuple(head["columns"]) != _COLUMNS:
                raise ValueError("other columns")
            return LiftTable(float(head["aspect"]), data["rows"], head["made"])
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DesignError(f"{path} is no lift table: {error}") from None


def table_of(aspect: float, points: Sequence[LiftPoint], made: dict[str, Any]) -> LiftTable:
    """The table of solved places."""
    return LiftTable(aspect, np.array([point.row for point in points]), made)


#: Tables that come with chipsim.
SHIPPED = Path(__file__).with_name("lift_tables")
# Sections nearer to one another than this are one.
_SAME = 1e-3


def file_name(aspect: float) -> str:
    """Of the table of a section."""
    return f"rectangle_{aspect:.4g}.npz"


def table_for(aspect: float, *folders: Path) -> LiftTable:
    """The table of a rectangular section: of those that come with chipsim, then of those in folders.

    Args:
        aspect: Width over height.
        folders: Where else to look.

    Raises:
        DesignError: There is none.
    """
    for folder in (SHIPPED, *folders):
        for path in sorted(folder.glob("rectangle_*.npz")) if folder.is_dir() else ():
            if abs(float(path.stem.split("_")[1]) / aspect - 1) < _SAME:
                return read_table(path)
    raise DesignError(
        f"there is no table of lift for a section {aspect:.4g} times as wide as high; "
        "chipsim.study.lift_tables.make_table makes one"
    )
