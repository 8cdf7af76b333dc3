"""Wall shear in numbers that a designer can compare: percentiles over the wall, and averages over a cell-sized patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow.field import Field, quadrature
from chipsim.flow.traction import ShearSample, wall_shear


@dataclass(frozen=True)
class ShearNumbers:
    """Wall shear rate over the walls of interest, in the unit of the field.

    Attributes:
        p50: Median over the wall's area.
        p95: 95th percentile.
        mean: Mean over the wall's area.
        maximum: Largest; None on sharp corners, where it has no limit.
        patch_maximum: Largest average over a patch of a cell's size.
    """

    p50: float
    p95: float
    mean: float
    maximum: float | None
    patch_maximum: float


def shear_numbers(
    field: Field,
    walls: tuple[str, ...],
    patch: float,
    mirrors: dict[int, list[float]],
    *,
    round_corners: bool,
) -> ShearNumbers:
    """Wall shear rate on named walls.

    Args:
        field: The solved field with its reactions.
        walls: Names of the walls of interest (pillars; floor and ceiling are not what touches a trapped cell first).
        patch: Diameter of the patch, um.
        mirrors: Mirror planes as axis -> positions, um: the wall goes on behind them.
        round_corners: Whether the corners are round, so that a largest value exists.
    """
    wall = wall_shear(field, *walls)
    rate = wall.rate
    order = np.argsort(rate)
    share = (np.cumsum(wall.weights[order]) - wall.weights[order] / 2) / wall.weights.sum()
    p50, p95 = np.interp([0.5, 0.95], share, rate[order])
    return ShearNumbers(
        p50=float(p50),
        p95=float(p95),
        mean=float(np.average(rate, weights=wall.weights)),
        maximum=float(rate.max()) if round_corners else None,
        patch_maximum=_largest_patch(wall, len(quadrature(field.dim - 1)[1]), patch / 2, mirrors),
    )


def _largest_patch(
    wall: ShearSample, per_facet: int, radius: float, mirrors: dict[int, list[float]]
) -> float:
    """Largest mean shear rate over the wall within ``radius`` of a facet's middle, point by point."""
    from scipy.spatial import cKDTree

    centres = wall.points.reshape(-1, per_facet, wall.points.shape[1]).mean(axis=1)
    around, which = _mirrored(wall.points, radius, mirrors)
    weights, forces = wall.weights[which], (wall.weights * wall.rate)[which]
    tree, largest = cKDTree(around), 0.0
    # One patch at a time: on a fine wall all patches together hold millions of points.
    for centre in centres:
        near = np.asarray(tree.query_ball_point(centre, radius, return_sorted=False))
        largest = max(largest, float(forces[near].sum() / weights[near].sum()))
    return largest


def _mirrored(points: NDArray, radius: float, mirrors: dict[int, list[float]]) -> tuple[NDArray, NDArray]:
    """Points with their mirror images near the mirror planes, and the number of the original of each."""
    which: NDArray[Any] = np.arange(len(points))
    for axis, places in mirrors.items():
        images: list[NDArray[Any]] = [points]
        originals: list[NDArray[Any]] = [which]
        for place in places:
            near = np.abs(points[:, axis] - place) < radius
            image = points[near].copy()
            image[:, axis] = 2 * place - image[:, axis]
            images.append(image)
            originals.append(which[near])
        points, which = np.concatenate(images), np.concatenate(originals)
    return points, which
