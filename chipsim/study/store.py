"""Solved flows on disk, by what determines them: another flow rate, viscosity or cell line costs no solve.

A stored flow is one NumPy file in the cache folder, named by a hash of the cell's geometry, the model, the mesh and the
code that solved it. It is written beside and renamed, so a killed run leaves nothing half-written.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import tempfile
import zipfile
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from chipsim.cache import cache_base
from chipsim.flow.field import Field
from chipsim.flow.result import Solved
from geometries.mesh import Mesh

Cell = TypeVar("Cell", bound=Solved)


def cache_folder() -> Path:
    """Where stored flows live."""
    return cache_base() / "flows"


# Sources beside the solver's that no solution depends on.
_NOT_SOLVING = (
    "cad.py",
    "chip_plan.py",
    "chip_result.py",
    "drafting.py",
    "drawing.py",
    "feed.py",
    "lattices.py",
    "manifold.py",
    "masks.py",
    "mesh_files.py",
    "network.py",
    "part.py",
    "pore_chip.py",
    "pore_drawing.py",
    "quantities.py",
    "slide.py",
    "spiral_chip.py",
    "stack.py",
    "surface.py",
    "vector_picture.py",
)


@lru_cache(maxsize=1)
def _code() -> str:
    """Hash of the sources a solution depends on, so that a changed solver never meets an old result."""
    import chipsim.flow
    import geometries

    digest = hashlib.sha256()
    for package in (chipsim.flow, geometries):
        for path in sorted(Path(package.__file__ or "").parent.iterdir()):
            if path.suffix not in (".py", ".toml") or path.name in _NOT_SOLVING:
                continue
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def key(geometry: dict[str, Any], options: dict[str, Any]) -> str:
    """Name of a stored flow from what determines it, the solver's version included."""
    try:
        solver = importlib.metadata.version("fenics-dolfinx")
    except importlib.metadata.PackageNotFoundError:
        solver = "none"
    text = json.dumps(
        {"geometry": geometry, "options": options, "code": _code(), "solver": solver}, sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def load(name: str, kind: type[Cell]) -> tuple[Cell, dict[str, str]] | None:
    """A stored cell of that class with the versions that made it; None where there is none or it cannot be read."""
    path = cache_folder() / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as data:
            head = json.loads(str(data["head"]))
            mesh = Mesh(
                data["points"],
                data["cells"],
                data["facets"],
                data["facet_regions"],
                head["regions"],
                head["quality"],
                head["node_levels"],
            )
            reaction = data["reaction"] if "reaction" in data else None
            field = Field(mesh, data["velocity"], data["pressure"], reaction, head["axisymmetric"])
            more = {name: data[f"cell_{name}"] for name in head["arrays"]}
        cell = head["cell"]
        parts = {part: of(**cell[part]) for part, of in kind.parts.items()}
        return kind(**{**cell, **parts, **more}, field=field), head["versions"]
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def save(name: str, cell: Solved, versions: dict[str, str]) -> None:
    """Store a flow; where the cache folder cannot be written the run goes on without."""
    field = cell.field
    assert field is not None and cell.discretisation_error is not None
    numbers = asdict(replace(cell, field=None))
    del numbers["field"]
    more = {name: numbers.pop(name) for name, value in [*numbers.items()] if isinstance(value, np.ndarray)}
    head = {
        "cell": numbers,
        "regions": field.mesh.regions,
        "quality": field.mesh.quality,
        "node_levels": field.mesh.node_levels,
        "axisymmetric": field.axisymmetric,
        "arrays": list(more),
        "versions": versions,
    }
    arrays: dict[str, Any] = {f"cell_{name}": value for name, value in more.items()}
    if field.reaction is not None:
        arrays["reaction"] = field.reaction
    folder = cache_folder()
    partial = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".partial", delete=False) as handle:
            partial = Path(handle.name)
            np.savez_compressed(
                handle, head=json.dumps(head), points=field.mesh.points, cells=field.mesh.cells, facets=field.mesh.facets,
                facet_regions=field.mesh.facet_regions, velocity=field.velocity, pressure=field.pressure, **arrays,
            )  # fmt: skip
        partial.replace(folder / f"{name}.npz")
    except OSError:
        pass
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
