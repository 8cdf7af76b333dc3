"""A user's own copy of the lift tables of ILFHC (Harding, Stokes and Bertozzi, J. Fluid Mech. 875, 1, 2019) as a lift table.

A file has ``aR`` (sphere's radius over half the height, the bend's radius over half the height), ``fields`` and ``data`` (case,
field, place across, place along the height; nan beyond the last places). Its scales, with a the sphere's radius, H the height, X
half of it, R the bend's radius and U_m the largest speed: places a, lift rho U_m^2 a^4 / H^2, drag mu a, drag of the secondary
flow rho U_m^2 a X^2 / R, speed U_m a / H, spin U_m / H. The straight duct's numbers are those of the widest bend without what
changes with the side to which it turns; that part of the tightest one is the change with the curvature.

Its drag is 0.3 to 0.45 % low (measured beside chipsim's), and it holds the sphere's spin about the duct's axis.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chipsim.flow import duct_profile
from chipsim.flow.lift_shape import Shape

if TYPE_CHECKING:
    from chipsim.flow.lift_table import LiftTable

Array = NDArray[Any]

_FIELDS = ("r", "z", "Cr", "Cz", "Lr", "Lz", "Sr", "Sz", "Up", "Wr", "Wz")
# Odd (-1) or even in r in the straight duct.
_PARITY = dict(zip(_FIELDS[2:], (1, 1, -1, 1, 1, -1, 1, 1, -1), strict=True))


def table_from(aR: Array, fields: Array, data: Array) -> LiftTable:
    """The table of a file.

    Args:
        aR: Radius of the sphere and of the bend, half-heights, shape (cases, 2).
        fields: Names, shape (fields,).
        data: Shape (cases, fields, n, m), n across and m along the height, evenly from wall to wall.

    Raises:
        ValueError: It lacks a field, or it has one bend only.
    """
    from chipsim.flow.lift_table import LiftTable

    names = [str(name) for name in fields]
    missing = [name for name in _FIELDS if name not in names]
    if missing or data.ndim != 4 or len(data) != len(aR):
        raise ValueError(f"fields {', '.join(missing) or 'of another shape'} are missing")
    shape = Shape((data.shape[2] - 1) / (data.shape[3] - 1))
    order = [names.index(name) for name in _FIELDS]
    tightest, widest = aR[:, 1].min(), aR[:, 1].max()
    if tightest == widest:
        raise ValueError("one bend does not tell what curvature changes")
    rows = []
    for alpha in np.unique(aR[:, 0]):
        wide, tight = (data[np.all(aR == (alpha, bend), axis=1)][:, order] for bend in (widest, tightest))
        if not (len(wide) and len(tight)):
            raise ValueError(f"alpha = {alpha:g} is not there at both bends, {widest:g} and {tightest:g}")
        rows += _rows(shape, float(alpha), wide[0], tight[0], 1 / float(tightest))
    return LiftTable(
        shape, np.concatenate(rows), {"from": "a file of ILFHC", "bends": [widest, tightest]}, True
    )


def _rows(shape: Shape, alpha: float, wide: Array, tight: Array, curvature: float) -> list[Array]:
    """Rows of the straight duct and of the bend, over a quarter of the section."""
    known = np.asarray(np.isfinite(wide).all(axis=0) & np.isfinite(tight).all(axis=0))
    across, along = (np.flatnonzero(np.any(known, axis=axis)) for axis in (1, 0))
    if not np.all(known[np.ix_(across, along)]):
        raise ValueError(f"places are missing at alpha = {alpha:g}")
    box = np.ix_(np.arange(len(wide)), across, along)
    one, bent = (dict(zip(_FIELDS, case[box], strict=True)) for case in (wide, tight))
    n, m = one["r"].shape
    quarter = slice(n // 2, None), slice(m // 2, None)
    straight, curved = {}, {}
    for name, sign in _PARITY.items():
        straight[name] = ((one[name] + sign * one[name][::-1]) / 2)[quarter]
        curved[name] = straight[name] + ((bent[name] - sign * bent[name][::-1]) / 2)[quarter]
    x, z = (one[name][quarter].ravel() * alpha for name in ("r", "z"))
    return [_converted(shape, alpha, c, x, z, f) for c, f in ((0.0, straight), (curvature, curved))]


def _converted(
    shape: Shape, alpha: float, curvature: float, x: Array, z: Array, found: dict[str, Array]
) -> Array:
    """Rows as :class:`chipsim.flow.lift_table.LiftPoint` has them; the slip is all of the velocity that the bend's flow gives."""
    f = {name: values.ravel() for name, values in found.items()}
    ones, peak = np.ones_like(x), 1 / duct_profile.mean(shape.aspect)
    drags = [f["Cr"] / (6 * math.pi), f["Cz"] / (6 * math.pi)]
    lifts = [f["Lr"], f["Lz"]]
    drifts = [lift / drag for lift, drag in zip(lifts, drags, strict=True)]
    carried = [f["Sr"] / f["Cr"] * peak**2, f["Sz"] / f["Cz"] * peak**2]
    head = [alpha * ones, curvature * ones, x, z]
    return np.column_stack(
        [*head, *lifts, *drags, *drifts, f["Up"] * alpha / 2, f["Wr"] / 2, f["Wz"] / 2, *carried]
    )
