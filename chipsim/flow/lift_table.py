"""Tables of the lift on spheres in a duct: made of single solves, splined in place, size and curvature (plain numpy).

Lengths are half-heights of the section, of a trapezoid half its mean height; speeds are over the largest one of the straight duct
at the same flow rate; ``alpha`` is a sphere's diameter over the (mean) height. Places, and the coordinates in which the splines
run, are those of :mod:`chipsim.flow.lift_shape`. What is splined hardly grows toward a wall: the drift, lift over drag, the
inverse of the drag, the speed, and the slip, by how much the secondary flow carries a sphere at another velocity than its own.

In a bend everything is taken linear in the curvature eps (half-height over the radius of the bend): a table has places in the
straight duct and, at every second node, at one curvature eps_t; a number at eps is straight + (eps / eps_t) (bent - straight).
The image of a rectangle in x = 0 bends the other way, so what is odd in x in the straight duct has a change that is even.
"""

from __future__ import annotations

import json
import math
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.cache import cache_base
from chipsim.flow.ilfhc import table_from
from chipsim.flow.lift_point import COLUMNS, LiftPoint
from chipsim.flow.lift_shape import Shape
from geometries.quantities import DesignError

Array = NDArray[Any]

#: Sizes that a table has.
ALPHAS = (0.03, 0.075, 0.14, 0.28, 0.4)
#: Curvature of a table's bent places, over the half-width.
CURVED = 0.05

# Nodes of a size between those of a table are so many times denser.
_DENSER = 2
# Drift, lift over drag, inverse drag, slip over alpha^2 (each across and along the height), speed: odd (-1) or even in x (in
# rectangles) and in z.
_PARITY = ((-1, 1), (1, -1), (-1, 1), (1, -1), (1, 1), (1, 1), (1, 1), (-1, -1), (1, 1))


@dataclass(frozen=True)
class LiftSample:
    """What a table says of spheres at n places.

    Attributes:
        lift: Over rho U_m^2 a^4 / H^2, shape (n, 2).
        drag: Over 6 pi mu a U, shape (n, 2).
        drift: Velocity of migration over rho U_m^2 a^3 / (6 pi mu H^2), shape (n, 2).
        slip: Velocity at which the secondary flow carries it, less that flow's own at the place, in the unit of
            :class:`chipsim.flow.section_result.SectionFlow`, shape (n, 2).
        speed: Along the duct over the largest, shape (n,).
        extrapolated: Whether the place is nearer to a wall than the table goes, shape (n,); it has the last values then.
    """

    lift: Array
    drag: Array
    drift: Array
    slip: Array
    speed: Array
    extrapolated: Array


@dataclass(frozen=True)
class Layer:
    """Numbers of one size anywhere in a section: those of the straight duct, or what a unit of curvature adds to them.

    Attributes:
        shape: The section.
        alpha: Diameter over the height.
        across: Nodes across in w, shape (n,).
        along: Nodes along the height in t, shape (m,).
        values: Drift, lift over drag, inverse drag, slip over alpha^2 (all of it over 1, where it is the whole velocity; each
            across, along the height) and speed at the nodes, shape (n, m, 9).
        change: Whether it is what curvature adds.
    """

    shape: Shape
    alpha: float
    across: Array
    along: Array
    values: Array
    change: bool = False

    @cached_property
    def _splines(self) -> list[Any]:
        from scipy.interpolate import RectBivariateSpline

        mirrored = not self.shape.taper
        w = np.concatenate([-self.across[:0:-1], self.across]) if mirrored else self.across
        t = np.concatenate([-self.along[:0:-1], self.along])
        splines = []
        for column, (odd_x, odd_z) in enumerate(_PARITY):
            here = self.values[:, :, column].copy()
            sign = -odd_x if self.change else odd_x
            if odd_z < 0:
                here[:, 0] = 0.0
            if mirrored:
                if sign < 0:
                    here[0] = 0.0
                here = np.concatenate([sign * here[:0:-1], here])
            splines.append(RectBivariateSpline(w, t, np.concatenate([odd_z * here[:, :0:-1], here], axis=1)))
        return splines

    @property
    def reach(self) -> Array:
        """Parts of the way across and along the height at its last nodes: 1 but where a user's table ends before."""
        last = self.shape.places(np.array([[self.across[-1], self.along[-1]]]), self.alpha)
        return np.asarray(self.shape.parts(last, self.alpha)[0])

    def beyond(self, at: Array) -> Array:
        """Whether places are nearer to a wall than its nodes, shape (n,)."""
        w, t = np.abs(self.shape.coordinates(at, self.alpha)).T * (1 - 1e-9)
        return np.asarray((w > np.abs(self.across).max()) | (t > self.along[-1]))

    def columns(self, at: Array) -> Array:
        """Its numbers at places within the table, shape (n, 9) of places (n, 2); beyond its nodes those of the last."""
        w, t = self.shape.coordinates(at, self.alpha).T
        return np.column_stack([spline.ev(w, t) for spline in self._splines])


@dataclass(frozen=True)
class SizeTable:
    """Lift on spheres of one size anywhere in a duct.

    Attributes:
        straight: Of the straight duct.
        bend: What a unit of curvature adds; None where that is not known: then every bend is a straight duct.
        curvature: Half-height over the radius of the bend.
        whole: As in :class:`LiftTable`.
    """

    straight: Layer
    bend: Layer | None = None
    curvature: float = 0.0
    whole: bool = False

    @property
    def shape(self) -> Shape:
        """The section."""
        return self.straight.shape

    @property
    def alpha(self) -> float:
        """Diameter over the height."""
        return self.straight.alpha

    def sample(self, at: Array) -> LiftSample:
        """Lift, drag, slip and speed at places.

        Args:
            at: Places across and along the height, from the middle, shape (n, 2).
        """
        return self.samples(at, (self.curvature,))[0]

    def samples(self, at: Array, curvatures: Sequence[float]) -> list[LiftSample]:
        """The same in several bends.

        Args:
            at: Places, shape (n, 2).
            curvatures: Of the bends.
        """
        at, unit = np.asarray(at, dtype=float).reshape(-1, 2), _slip_unit(self.alpha, self.whole)
        inside = self.shape.clipped(at, self.alpha)
        beyond = np.any(np.abs(at - inside) > 1e-12, axis=1) | self.straight.beyond(inside)
        straight = self.straight.columns(inside)
        added = np.zeros_like(straight) if self.bend is None else self.bend.columns(inside)
        out = []
        for curvature in curvatures:
            found = straight + curvature * added
            drift, ratio, inverse, slip = (found[:, 2 * k : 2 * k + 2] for k in range(4))
            out.append(LiftSample(ratio / inverse, 1 / inverse, drift, slip * unit, found[:, 8], beyond))
        return out


@dataclass(frozen=True)
class LiftTable:
    """Lift on spheres of several sizes in a duct.

    Attributes:
        shape: The section.
        rows: One for each place, size and curvature, with what :attr:`chipsim.flow.lift_point.LiftPoint.row` has, shape (n, 15).
        made: What made it.
        whole: Whether its slip is the whole velocity at which a weak secondary flow carries a sphere, and not only what that has
            beside the flow's own.
    """

    shape: Shape
    rows: Array
    made: dict[str, Any]
    whole: bool = False

    @property
    def aspect(self) -> float:
        """Width over (mean) height."""
        return self.shape.aspect

    @cached_property
    def curvature(self) -> float:
        """Of its bent places; 0 where it has none."""
        return float(self.rows[:, 1].max())

    def straight(self) -> LiftTable:
        """The table without its bent places: lift of the straight duct in every bend."""
        return replace(self, rows=self.rows[self.rows[:, 1] == 0])

    @cached_property
    def sizes(self) -> tuple[SizeTable, ...]:
        """A table for each size, smallest first."""
        return tuple(self._size(float(alpha)) for alpha in np.unique(self.rows[:, 0]))

    def _size(self, alpha: float) -> SizeTable:
        straight = self._layer(alpha, 0.0)
        if not np.any((self.rows[:, 0] == alpha) & (self.rows[:, 1] > 0)):
            return SizeTable(straight, whole=self.whole)
        bent = self._layer(alpha, self.curvature)
        there = self.shape.places(_pairs(bent.across, bent.along), alpha)
        known = straight.columns(there).reshape(bent.values.shape)
        change = replace(bent, values=(bent.values - known) / self.curvature, change=True)
        return SizeTable(straight, change, whole=self.whole)

    def _layer(self, alpha: float, curvature: float) -> Layer:
        rows = self.rows[(self.rows[:, 0] == alpha) & (self.rows[:, 1] == curvature)]
        # Of a trapezoid the places of a row across lie at heights of their own: their coordinates do not.
        at = np.round(self.shape.coordinates(rows[:, 2:4], alpha), 9)
        order = np.lexsort((at[:, 1], at[:, 0]))
        rows, across, along = rows[order], np.unique(at[:, 0]), np.unique(at[:, 1])
        if len(rows) != len(across) * len(along):
            raise DesignError(
                f"the lift table lacks places at alpha = {alpha:g}: {len(rows)} of {len(across) * len(along)}"
            )
        lift, drag, drift, speed, slip = rows[:, 4:6], rows[:, 6:8], rows[:, 8:10], rows[:, 10], rows[:, 13:]
        values = np.column_stack([drift, lift / drag, 1 / drag, slip / _slip_unit(alpha, self.whole), speed])
        return Layer(self.shape, alpha, across, along, values.reshape(len(across), len(along), -1))

    def covers(self, alpha: float) -> bool:
        """Whether a size is within the table."""
        return self.sizes[0].alpha <= alpha <= self.sizes[-1].alpha

    def at(self, alpha: float, curvature: float = 0.0) -> SizeTable:
        """The table of one size: splined in the logarithm of alpha, at the same part of the way to the last place.

        Args:
            alpha: Diameter over the height.
            curvature: Half-height over the radius of the bend.

        Raises:
            DesignError: The size is beyond the table.
        """
        if not self.covers(alpha):
            raise DesignError(
                f"alpha = {alpha:g} is beyond the lift table, {self.sizes[0].alpha:g} to {self.sizes[-1].alpha:g}"
            )
        for size in self.sizes:
            if size.alpha == alpha:
                return replace(size, curvature=curvature)
        straight = self._between(alpha, [size.straight for size in self.sizes])
        changes = [size.bend for size in self.sizes if size.bend is not None]
        bend = self._between(alpha, changes) if changes else None
        return SizeTable(straight, bend, curvature, self.whole)

    def _between(self, alpha: float, layers: Sequence[Layer]) -> Layer:
        from scipy.interpolate import make_interp_spline

        across, along = self._shared_nodes(alpha, layers)
        parts = self.shape.parts(self.shape.places(_pairs(across, along), alpha), alpha)
        known = [layer.columns(self.shape.scaled(parts, layer.alpha)) for layer in layers]
        sizes = np.log([layer.alpha for layer in layers])
        values = make_interp_spline(sizes, known, k=min(3, len(known) - 1))(math.log(alpha))
        values = values.reshape(len(across), len(along), -1)
        return Layer(self.shape, alpha, across, along, values, layers[0].change)

    def _shared_nodes(self, alpha: float, layers: Sequence[Layer]) -> tuple[Array, Array]:
        """Nodes of a size between others, no nearer to the walls than any of those goes."""
        across, along = self.shape.nodes(alpha, denser=_DENSER)
        reach = np.min([layer.reach for layer in layers], axis=0)
        if np.all(reach > 1 - 1e-9):
            return across, along
        last = self.shape.coordinates(self.shape.scaled(reach[None], alpha), alpha)[0]
        return tuple(
            np.unique(np.minimum(side, end)) for side, end in zip((across, along), last, strict=True)
        )

    def write(self, path: Path) -> None:
        """Write it as one NumPy file, beside and moved in; its folder is made."""
        head = {
            "whole": self.whole,
            "aspect": self.shape.aspect,
            "taper": self.shape.taper,
            "columns": COLUMNS,
            "made": self.made,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as handle:
            np.savez_compressed(handle, head=json.dumps(head), rows=self.rows)
        Path(handle.name).replace(path)


def _slip_unit(alpha: float, whole: bool) -> float:
    """What slip is tabulated over: it grows with the square of the size, the whole velocity does not."""
    return 1.0 if whole else alpha**2


def _pairs(across: Array, along: Array) -> Array:
    """Coordinates of all nodes, shape (n m, 2), row by row across."""
    return np.stack(np.meshgrid(across, along, indexing="ij"), axis=-1).reshape(-1, 2)


def read_table(path: Path) -> LiftTable:
    """Read what :meth:`LiftTable.write` wrote, or a file of ILFHC (:mod:`chipsim.flow.ilfhc`).

    Raises:
        DesignError: There is none, or it is not a lift table.
    """
    if not zipfile.is_zipfile(path):
        raise DesignError(f"{path} is {'no lift table: no .npz file' if path.is_file() else 'not there'}")
    try:
        with np.load(path, allow_pickle=False) as data:
            if "aR" in data:
                return table_from(data["aR"], data["fields"], data["data"])
            head = json.loads(str(data["head"]))
            if tuple(head["columns"]) != COLUMNS:
                raise ValueError("other columns")
            shape = Shape(float(head["aspect"]), float(head["taper"]))
            return LiftTable(shape, data["rows"], head["made"], head.get("whole", False))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DesignError(f"{path} is no lift table: {error}") from None


def table_of(shape: Shape, points: Sequence[LiftPoint], made: dict[str, Any]) -> LiftTable:
    """The table of solved places."""
    return LiftTable(shape, np.array([point.row for point in points]), made)


#: Tables that come with chipsim.
SHIPPED = Path(__file__).with_name("lift_tables")
# Sections nearer to one another than this are one.
_SAME = 1e-3


def kept_tables() -> Path:
    """The folder of the tables that were made here."""
    return cache_base() / "lift"


def found_table(aspect: float, taper: float = 0.0) -> Path | None:
    """The file of a section's table: of those that come with chipsim, then of those made here; None: there is none.

    Args:
        aspect: Width over (mean) height.
        taper: As in :class:`chipsim.flow.lift_shape.Shape`.
    """
    kind = Shape(aspect, taper).name.split("_")[0]
    for folder in (SHIPPED, kept_tables()):
        for path in sorted(folder.glob(f"{kind}_*.npz")) if folder.is_dir() else ():
            numbers = [float(number) for number in path.stem.split("_")[1:]]
            if is_same(Shape(numbers[0], sum(numbers[1:])), Shape(aspect, taper)):
                return path
    return None


def is_same(shape: Shape, other: Shape) -> bool:
    """Whether the table of one section is that of another."""
    return abs(shape.aspect / other.aspect - 1) < _SAME and abs(shape.taper - other.taper) < _SAME


def table_for(aspect: float, taper: float = 0.0) -> LiftTable:
    """The table of a section.

    Args:
        aspect: Width over (mean) height.
        taper: As in :class:`chipsim.flow.lift_shape.Shape`.

    Raises:
        DesignError: There is none.
    """
    path = found_table(aspect, taper)
    if path is None:
        tapered = f", its heights a trapezoid's of taper {taper:.3g}" if taper else ""
        raise DesignError(
            f"there is no table of lift for a section {aspect:.4g} times as wide as high{tapered}; make one with chipsim lift "
            "DESIGN, or give your own by --lift-table"
        )
    return read_table(path)
