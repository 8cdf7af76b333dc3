"""Hashes of chipsim's own sources, so that a changed model never meets an old result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

# Of the package geometries: sources that no solution depends on.
_NOT_SOLVING = (
    "cad.py",
    "drafting.py",
    "drawing.py",
    "masks.py",
    "mesh_files.py",
    "pore_drawing.py",
    "quantities.py",
    "vector_picture.py",
)
# Of chipsim: what only shows, dispatches or checks.
_NOT_COMPUTING = (
    "__init__.py",
    "report",
    "verification",
    "cli.py",
    "cli_optimise.py",
    "cli_options.py",
    "cli_spiral.py",
    "cli_study.py",
    "doctor.py",
    "show.py",
)
_RUNNING = ("recipes.py", "result.py", "run.py", "solve.py")  # of chipsim/study


@lru_cache(maxsize=1)
def solver() -> str:
    """Hash of the sources that a solved flow depends on."""
    import chipsim.flow

    return _hash((*_files(Path(chipsim.flow.__file__ or "").parent), *_geometries()))


@lru_cache(maxsize=1)
def run() -> str:
    """Hash of the sources that the result of a whole run depends on."""
    base = Path(__file__).parents[1]
    kept = [p for p in base.iterdir() if p.name not in (*_NOT_COMPUTING, "study")]
    files = [f for p in kept for f in (_files(p, "**/*") if p.is_dir() else [p])]
    return _hash((*files, *(base / "study" / name for name in _RUNNING), *_geometries()))


def _geometries() -> list[Path]:
    import geometries

    folder = Path(geometries.__file__ or "").parent
    return [path for path in _files(folder) if path.name not in _NOT_SOLVING]


def _files(folder: Path, pattern: str = "*") -> list[Path]:
    return [path for path in folder.glob(pattern) if path.suffix in (".py", ".toml", ".npz")]


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(f for f in files if f.is_file() and f.suffix in (".py", ".toml", ".npz")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
