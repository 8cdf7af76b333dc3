"""Makes the meshes of cases, each once, in a process of its own: ``python -m benchmarks.meshes NAME FILE`` makes one.

The runner never loads gmsh or numpy: a process starts with the memory of the one that starts it, and that would show.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, GROWTH, WARM_UP, Case
from benchmarks.run import ROOT
from benchmarks.set_up import cache

_BY_NAME = {**CASES, **GROWTH, **{case.name: case for case in WARM_UP.values()}}
# What a mesh follows from, besides the case.
_SOURCES = ("geometries/mesh.py", "geometries/extrude.py", "geometries/cluster_chip.py", "geometries/bores.py",
            "geometries/membrane_mesh.py", "benchmarks/meshes.py", "benchmarks/programs/common.py")  # fmt: skip


def mesh_file(case: Case) -> Path:
    """The file of a case for the programs, made if it is not there.

    Raises:
        RuntimeError: No mesh.
    """
    sources = b"".join((ROOT / name).read_bytes() for name in _SOURCES)
    key = hashlib.sha256(repr(case).encode() + sources).hexdigest()[:12]
    path = cache() / "meshes" / f"{case.name}-{key}.npz"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.meshes", case.name, str(path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        if ran.returncode:
            raise RuntimeError(f"no mesh for {case.name}: {ran.stderr.strip().splitlines()[-1]}")
    return path


def make_mesh(case: Case) -> Any:
    """The :class:`geometries.mesh.Mesh` of a case."""
    from geometries import ClusterChip
    from geometries.extrude import extrude, layer_heights
    from geometries.mesh import Resolution, mesh_outline

    if case.shape == "pore":
        return _pore(*case.numbers, **case.sizes)
    paths, rows = case.numbers
    outline = ClusterChip(**({"fillet": 0.0} if case.sharp else {})).block(paths, int(rows))
    # Open arrays need no partners on the outlet.
    outline = replace(outline, periodic=case.periodic)
    sizes = Resolution(**case.sizes)
    plane = mesh_outline(outline, sizes)
    if case.dim == 2:
        return plane
    floor = 0.25 * outline.throat / sizes.refine
    heights = layer_heights(outline.depth, floor, int(sizes.layers), half=True)
    return extrude(plane, heights, top="midplane")


def _pore(
    radius: float,
    length: float,
    pitch: float,
    reservoir: float,
    *,
    rim: float,
    growth: float,
    coarsest: float,
) -> Any:
    """A quarter of a pore's cell in a square array: cell sizes as in :mod:`geometries.membrane_mesh`."""
    from geometries.membrane_mesh import Bore, mesh_bores

    half = pitch / 2
    bore = Bore(0.0, 0.0, 2 * radius)
    mesh = mesh_bores(
        [bore], length, (0.0, 0.0, half, half), reservoir, rim=rim, growth=growth, coarsest=coarsest
    )
    # The programs drive along x, and know mirror planes by the names that they have in arrays.
    names = {"symmetry_x": "symmetry", "symmetry_y": "midplane"}
    regions = {names.get(name, name): number for name, number in mesh.regions.items()}
    return replace(mesh, points=mesh.points[:, [2, 0, 1]], regions=regions)


def make(name: str, path: str) -> None:
    from benchmarks.programs.common import write_input

    case = _BY_NAME[name]
    half_made = Path(path).with_name(f".{Path(path).name}")
    write_input(str(half_made), make_mesh(case), case.periodic)
    half_made.replace(path)


if __name__ == "__main__":
    make(*sys.argv[1:])
