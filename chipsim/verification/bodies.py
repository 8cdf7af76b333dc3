"""Drag on a sphere in ducts, between plates and toward a plane, against tables and series."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chipsim.flow.bodies import BodyLoad, Motion, drag_factor, held
from chipsim.flow.stokes import Problem
from chipsim.verification.check import Check, compare
from geometries.bodies import BodySizes, box_with_bodies
from geometries.cut_out import Sphere

ALONG_X = Motion(translation=(1.0, 0.0, 0.0))

#: Independent finite elements on curved cells, extrapolated in the mesh, spin held, spheres in the middle of a duct 2 high
#: and 2 AR wide; (AR, radius over half the height, along the width ``r`` or the height ``z``). Good to 0.1 % (0.31 % above
#: the published ILFHC tables, whose sphere is faceted).
DUCT = {
    (1, 0.05, "r"): 1.0904, (1, 0.1, "r"): 1.197, (1, 0.2, "r"): 1.477,
    (2, 0.05, "r"): 1.0637, (2, 0.05, "z"): 1.0785, (2, 0.1, "r"): 1.135, (2, 0.1, "z"): 1.169,
    (4, 0.05, "r"): 1.0552, (4, 0.05, "z"): 1.0783, (4, 0.1, "r"): 1.116, (4, 0.1, "z"): 1.169,
}  # fmt: skip
DUCT_SOURCE = "independent finite elements on curved cells, good to 0.1 %"
_FAXEN = "Faxen 1922; Happel and Brenner 1983, section 7-4"
_BRENNER = "Brenner 1961, doi:10.1016/0009-2509(61)80035-3"

# The far field between plates falls as the square of the distance: closed sides at 32 half-heights add below 0.1 %.
_FAR = 32.0


def _moved(
    sphere: Sphere, high: tuple[float, float, float], sides: tuple[str, ...], sizes: BodySizes
) -> BodyLoad:
    """What holds back a sphere that moves along x in a closed box from the origin to ``high``."""
    mesh = box_with_bodies((0, 0, 0), high, sides, [sphere], sizes)
    # "middle" is a plane where the flow reverses: no velocity along it, no pressure.
    ends: Any = ("middle",) if "middle" in sides else ()
    (found,) = held(mesh, [sphere], Problem(periodic=False, open=ends), motions={0: ALONG_X})
    return found


def middle_drag(
    half_extents: tuple[float, float, float], radius: float, size: float, coarsest: float
) -> float:
    """Drag factor of a sphere in the middle of a closed box, moving along its first axis; an eighth of it is solved."""
    sides = ("middle", "wall", "symmetry", "wall", "midplane", "wall")
    sizes = BodySizes(coarsest=coarsest, body=size, growth=size)
    return drag_factor(_moved(Sphere((0.0, 0.0, 0.0), radius), half_extents, sides, sizes), ALONG_X)


def duct_drag(aspect: int, alpha: float, along: str) -> float:
    """Lateral drag factor in the middle of a duct, as :data:`DUCT` has it."""
    section = (float(aspect), 1.0) if along == "r" else (1.0, float(aspect))
    # Closed ends two widths away, as there (in the square duct four half-heights: at two they add 0.15 % at alpha 0.2).
    return middle_drag((*section, max(2.0 * aspect, 4.0)), alpha, 0.2, 0.3)


def faxen_middle(s: float) -> float:
    """Drag factor midway between plates, ``s`` the radius over half their distance (Faxen 1922; Happel, Brenner 1983, 7-4)."""
    return 1 / (1 - 1.004 * s + 0.418 * s**3 + 0.21 * s**4 - 0.169 * s**5)


def faxen_quarter(s: float) -> float:
    """The same a quarter of the way across, ``s`` the radius over the lesser distance (same source; recalled)."""
    return 1 / (1 - 0.6526 * s + 0.1475 * s**3 - 0.131 * s**4 - 0.0644 * s**5)


def quarter_load(s: float) -> BodyLoad:
    """What holds back a sphere a quarter of the way between plates that moves along them without turning."""
    sides = ("middle", "wall", "symmetry", "wall", "wall", "wall")
    sizes = BodySizes(coarsest=1.2, body=0.2, growth=0.2)
    return _moved(Sphere((0.0, 0.0, 0.5), 0.5 * s), (_FAR, _FAR, 2.0), sides, sizes)


def brenner(s: float) -> float:
    """Drag factor of a sphere moving toward a plane, ``s`` the height of its centre over its radius: exact.

    Source: H. Brenner, Chem. Engng Sci. 16, 242 (1961), doi:10.1016/0009-2509(61)80035-3 (series recalled; its value at
    s = cosh 1 = 1.5431 is 3.0361 there).
    """
    a, n = math.acosh(s), np.arange(1, 60)
    above = 2 * np.sinh((2 * n + 1) * a) + (2 * n + 1) * math.sinh(2 * a)
    below = 4 * np.sinh((n + 0.5) * a) ** 2 - (2 * n + 1) ** 2 * math.sinh(a) ** 2
    terms = n * (n + 1) / ((2 * n - 1) * (2 * n + 3)) * (above / below - 1)
    return 4 / 3 * math.sinh(a) * float(np.sum(terms))


def toward_a_plane(gap: float, size: float, film: float) -> float:
    """Drag factor at a gap over the radius; the other sides, 40 radii away, add as the cube of the distance."""
    sides = ("plane", "wall", "symmetry", "wall", "midplane", "wall")
    sizes = BodySizes(12.0, body=size, growth=size, film=film)
    return drag_factor(_moved(Sphere((1 + gap, 0.0, 0.0), 1.0), (40.0, 40.0, 40.0), sides, sizes), ALONG_X)


def _ducts(cases: list[tuple[int, float, str]]) -> Iterator[Check]:
    for case in cases:
        aspect, alpha, along = case
        name = f"sphere in a duct {aspect} : 1, radius {alpha:g}, along {along}"
        yield compare(name, DUCT_SOURCE, "drag factor", DUCT[case], duct_drag(*case), 3e-3)


def _middle(alpha: float) -> Check:
    found = middle_drag((_FAR, _FAR, 1.0), alpha, 0.2, 1.2)
    return compare(
        f"sphere midway between plates, radius {alpha:g}", _FAXEN, "drag factor", faxen_middle(alpha), found, 3e-3
    )  # fmt: skip


def drag() -> Iterator[Check]:
    """In ducts, between plates, and toward a plane."""
    yield from _ducts([(1, 0.1, "r"), (1, 0.2, "r"), (2, 0.1, "r"), (2, 0.1, "z")])
    yield _middle(0.1)
    found = toward_a_plane(0.5, 0.2, 1.0)
    yield compare("sphere toward a plane, gap 0.5", _BRENNER, "drag factor", brenner(1.5), found, 5e-3)


def more_drag() -> Iterator[Check]:
    """Small spheres and flat ducts, off the middle, and a thin film: finer meshes."""
    yield from _ducts([case for case in DUCT if case[0] == 4 or case[1] == 0.05])
    yield from map(_middle, (0.05, 0.2))
    for s in (0.1, 0.2, 0.4):
        found = drag_factor(quarter_load(s), ALONG_X)
        yield compare(
            f"sphere a quarter of the way between plates, radius {s:g}", f"{_FAXEN} (recalled)", "drag factor",
            faxen_quarter(s), found, 3e-3,
        )  # fmt: skip
    found = toward_a_plane(0.1, 0.15, 0.3)
    yield compare("sphere toward a plane, gap 0.1", _BRENNER, "drag factor", brenner(1.1), found, 5e-3)
