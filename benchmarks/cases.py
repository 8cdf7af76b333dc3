"""The cases: which mesh, which boundary conditions, and in which selections they are.

Every case is Stokes flow at unit viscosity in micrometres: pressure 1 on the inlet and 0 on the outlet with no tangential
velocity there (or, when periodic, a unit force along x), mirror planes ``symmetry`` (v = 0) and ``midplane`` (w = 0), no slip
elsewhere. The answer is the flow rate Q. Numbers of unknowns are of P2-P1 without constraints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One mesh to solve on.

    Attributes:
        name: For the command line and the table.
        dim: 2 or 3.
        shape: ``array``, ``cell`` (in space) or ``pore``: which reference solution it is compared with, with the numbers.
        numbers: Paths and rows of an array or cell; radius, length, pitch and reservoir of a pore, um.
        sizes: Keywords of :class:`geometries.mesh.Resolution`, or of :func:`geometries.membrane_mesh.mesh_bores` for a pore.
        periodic: Whether inlet and outlet are paired.
        sharp: Whether the pillars have sharp corners, to which the mesh is graded.
        family: Name of the sequence of meshes, coarse to fine, that it is one of; else empty.
    """

    name: str
    dim: int
    shape: str
    numbers: tuple[float, ...]
    sizes: dict[str, float]
    periodic: bool = False
    sharp: bool = False
    family: str = ""

    @property
    def reference(self) -> str:
        """Key of the converged flow rate: what is drawn, whatever the mesh."""
        drawing = "x".join(f"{n:g}" for n in self.numbers)
        return f"{self.dim}d {self.shape} {drawing}" + " periodic" * self.periodic + " sharp" * self.sharp


_PLANE = {"tip": 0.23, "coarsest": 0.27, "growth": 0.23}
_CELL = (0.5, 2)
_PORE = (4.0, 10.0, 20.0, 20.0)


def _array(name: str, paths: float, rows: int, sizes: dict[str, float] = _PLANE, **options: Any) -> Case:
    return Case(name, 2, "array", (paths, rows), sizes, **options)


def _space(name: str, size: float, layers: int, **options: Any) -> Case:
    sizes = {"tip": size, "coarsest": size, "growth": min(size, 0.35), "layers": layers}
    return Case(name, 3, "cell", _CELL, sizes, **options)


def _pore(name: str, rim: float, growth: float, coarsest: float) -> Case:
    return Case(name, 3, "pore", _PORE, {"rim": rim, "growth": growth, "coarsest": coarsest})


def _families() -> list[Case]:
    """Coarse to fine until some are well within 0.1 % of the converged pressure drop."""
    plane = [
        _array(f"2d-accuracy-{i}", 4, 4, {"tip": t, "coarsest": 2 * t, "growth": t}, family="2d-accuracy")
        for i, t in enumerate((0.65, 0.5, 0.35, 0.25, 0.18, 0.125), start=1)
    ]
    space = [
        _space(f"3d-accuracy-{i}", size, layers, family="3d-accuracy")
        for i, (size, layers) in enumerate(
            ((0.9, 3), (0.65, 4), (0.5, 5), (0.4, 6), (0.28, 8), (0.2, 10)), start=1
        )
    ]
    return plane + space


CASES = {
    case.name: case
    for case in (
        _array("2d-1", 0.5, 2),
        _array("2d-16", 4, 4),
        _array("2d-64", 8, 8),
        _array("2d-256", 16, 16),
        _array("2d-64-sharp", 8, 8, {"coarsest": 0.35}, sharp=True),
        _array("2d-periodic-1", 0.5, 2, periodic=True),
        _array("2d-periodic-64", 8, 8, periodic=True),
        _space("3d-30k", 0.65, 4),
        _space("3d-100k", 0.345, 8),
        _space("3d-200k", 0.26, 10),
        _space("3d-500k", 0.18, 13),
        _space("3d-sharp", 0.5, 6, sharp=True),
        _pore("3d-pore", 0.1, 0.2, 2.0),
        *_families(),
    )
}
#: What ``--cases`` takes besides names of cases.
SELECTIONS: dict[str, Callable[[Case], bool]] = {
    "quick": lambda c: c.name in ("2d-16", "2d-periodic-1", "3d-30k"),
    "targets": lambda c: c.name in ("2d-64", "2d-64-sharp", "2d-periodic-64", "3d-100k"),
    "2d": lambda c: c.dim == 2,
    "3d": lambda c: c.dim == 3,
    "all": lambda c: True,
}


#: Meshes on which chipsim's growth is measured, beside those of three benchmark cases: in space, to 2 million unknowns.
GROWTH = {
    case.name: case
    for case in (
        _space("3d-1000k", 0.14, 17),
        _space("3d-2000k", 0.112, 22),
        _space("3d-sharp-300k", 0.3, 9, sharp=True),
        _space("3d-sharp-500k", 0.22, 11, sharp=True),
        _space("3d-sharp-1000k", 0.16, 14, sharp=True),
    )
}
#: Tiny meshes that every program solves first, untimed.
WARM_UP = {
    2: _array("warm-up-2d", 0.5, 2, {"tip": 0.5, "coarsest": 0.8, "growth": 0.5}, periodic=True),
    3: _space("warm-up-3d", 0.65, 1, periodic=True),
}


def select(wanted: list[str]) -> list[Case]:
    """The cases of selections, families and names, in the order of :data:`CASES`."""
    families = {c.family for c in CASES.values() if c.family}
    unknown = [w for w in wanted if w not in SELECTIONS and w not in CASES and w not in families]
    if unknown:
        raise ValueError(
            f"--cases {unknown[0]}: it is none of {', '.join([*SELECTIONS, *sorted(families), *CASES])}."
        )

    def is_wanted(case: Case) -> bool:
        return any(w in (case.name, case.family) or w in SELECTIONS and SELECTIONS[w](case) for w in wanted)

    return [case for case in CASES.values() if is_wanted(case)]
