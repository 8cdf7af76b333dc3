"""Where a sphere neither drifts across a bent duct nor along its height: all such places, and whether it comes back to them.

To leading order in the Reynolds number the velocity across is proportional to it, so these places are those of the section, the
sphere and the bend alone: the zeros of alpha^3 / (24 pi) drift + eps (U / U_m)^2 (secondary velocity + slip), over Re_X U_m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.lift_table import LiftTable, SizeTable

Array = NDArray[Any]

# Cells of the grid on which signs are compared, across and along half the height.
_CELLS = (240, 60)
# Distance of places for slopes, and within which two are one, half-heights.
_STEP, _SAME = 1e-4, 1e-3
_MOST_STEPS = 30
_CONVERGED = 1e-9


class Flow(Protocol):
    """A weak flow in the section, as :class:`chipsim.flow.weak_flow.WeakFlow` has it."""

    straight_peak: float

    def secondary(self, x: Array, z: Array) -> Array:
        """Velocity within the section, shape (n, 2)."""
        ...


@dataclass(frozen=True)
class FocusingPoint:
    """A place where a sphere stays, in the upper half of the section: off mid-height its image is another.

    Attributes:
        x: Across, outward from the middle, half-heights.
        z: Along the height, from mid-height, half-heights.
        kind: ``"stable node"``, ``"stable spiral"``, ``"saddle"``, ``"unstable node"``, ``"unstable spiral"``.
        eigenvalues: Rates at which a sphere nearby goes away, over Re_X U_m / X.
    """

    x: float
    z: float
    kind: str
    eigenvalues: tuple[complex, complex]

    @property
    def stable(self) -> bool:
        """Whether a sphere comes back to it."""
        return self.kind.startswith("stable")

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; eigenvalues as real and imaginary parts."""
        eigenvalues = [[e.real, e.imag] for e in self.eigenvalues]
        return {
            "x": self.x,
            "z": self.z,
            "kind": self.kind,
            "stable": self.stable,
            "eigenvalues": eigenvalues,
        }


def focusing_points(
    table: LiftTable, weak_flow: Flow, alpha: float, curvature: float
) -> tuple[FocusingPoint, ...]:
    """All places where a sphere stays, stable ones first, each kind from the inner wall outward.

    Args:
        table: Of lift.
        weak_flow: The secondary flow of the section and the bend (K -> 0).
        alpha: The sphere's diameter over the height.
        curvature: Half-height over the radius of the bend, 2 R / H = 1 / curvature.

    Raises:
        DesignError: The size is beyond the table.
    """
    moved = _Velocity(table.at(alpha, curvature), weak_flow)
    found: list[Array] = []
    for start in _candidates(moved):
        place = _refined(moved, start)
        if place is not None and all(np.abs(place - other).max() > _SAME for other in found):
            found.append(place)
    points = [_point(moved, place) for place in found]
    return tuple(sorted(points, key=lambda p: (not p.stable, p.kind, p.x)))


@dataclass(frozen=True)
class _Velocity:
    """Across the section over Re_X U_m, at places (n, 2)."""

    size: SizeTable
    flow: Flow

    def __call__(self, at: Array) -> Array:
        found = self.size.sample(at)
        carried = found.slip if self.size.whole else found.slip + self.flow.secondary(at[:, 0], at[:, 1])
        unit = self.size.curvature / self.flow.straight_peak**2
        return np.asarray(self.size.alpha**3 / (24 * math.pi) * found.drift + unit * carried)

    def slopes(self, place: Array) -> Array:
        """Of the velocity at a place, shape (2, 2); a place at a table's end has those just inside."""
        steps = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)]) * _STEP
        at = self.size.shape.clipped(place + steps, self.size.alpha)
        values = self(at)
        across, along = at[0, 0] - at[1, 0], at[2, 1] - at[3, 1]
        return np.column_stack([(values[0] - values[1]) / across, (values[2] - values[3]) / along])


def _candidates(moved: _Velocity) -> Array:
    """Middles of the cells at whose corners both velocities have both signs, shape (n, 2)."""
    shape, alpha = moved.size.shape, moved.size.alpha
    columns, rows = _CELLS
    # Mid-height, where nothing moves along the height, lies in the middle of the first row of cells.
    across, along = np.linspace(0, 1, columns + 1), (np.arange(rows + 2) - 0.5) / rows
    along[-1] = 1.0
    parts = np.stack(np.meshgrid(across, along, indexing="ij"), axis=-1)
    at = shape.scaled(parts.reshape(-1, 2), alpha)
    positive = moved(at).reshape(*parts.shape) > 0
    corners = [positive[i : i + columns, j : j + rows + 1] for i in (0, 1) for j in (0, 1)]
    count = np.sum(corners, axis=0)
    both = np.all((count > 0) & (count < 4), axis=-1)
    at = at.reshape(parts.shape)
    return np.asarray(((at[:-1, :-1] + at[1:, 1:]) / 2)[both])


def _refined(moved: _Velocity, start: Array) -> Array | None:
    """The zero that Newton's method finds from a place, z at least 0; None where there is none within the table."""
    shape, alpha, place = moved.size.shape, moved.size.alpha, start
    for _ in range(_MOST_STEPS):
        slopes = moved.slopes(place)
        if abs(np.linalg.det(slopes)) < 1e-300:
            return None
        step = np.linalg.solve(slopes, -moved(place[None])[0])
        if not np.all(np.isfinite(step)):
            return None
        place = place + step * min(1.0, 0.1 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(shape.clipped(place[None], alpha)[0] - place).max() > 0:
            return None
        if np.abs(step).max() < _CONVERGED:
            # On a mirror plane to within the method's tolerance: on it.
            return np.where(np.abs(place) < 10 * _CONVERGED, 0.0, (place[0], abs(place[1])))
    return None


def _point(moved: _Velocity, place: Array) -> FocusingPoint:
    first, second = (complex(e) for e in np.linalg.eigvals(moved.slopes(place)))
    if first.imag:
        kind = "stable spiral" if first.real < 0 else "unstable spiral"
    elif first.real * second.real < 0:
        kind = "saddle"
    else:
        kind = "stable node" if first.real < 0 else "unstable node"
    return FocusingPoint(float(place[0]), float(place[1]), kind, (first, second))
