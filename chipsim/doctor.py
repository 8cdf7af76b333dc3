"""What is there of what chipsim needs, in which version, and what to do about what is missing.

Standard library only (rich if it is there), so that it also runs where nothing else does:
``python3 chipsim/doctor.py``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Distribution, module, range. The same ranges as in pyproject.toml (a test compares them).
PYPI = [
    ("numpy", "numpy", ">=1.26,<3"),
    ("scipy", "scipy", ">=1.11,<2"),
    ("matplotlib", "matplotlib", ">=3.8,<4"),
    ("shapely", "shapely", ">=2,<3"),
    ("gmsh", "gmsh", ">=4.11,<5"),
    ("meshio", "meshio", ">=5.3,<6"),
    ("h5py", "h5py", ">=3.8,<4"),
    ("gdstk", "gdstk", ">=0.9.60,<2"),
    ("ezdxf", "ezdxf", ">=1.3,<2"),
    ("pydantic", "pydantic", ">=2.7,<3"),
    ("pint", "pint", ">=0.24,<0.26"),
    ("typer", "typer", ">=0.12,<1"),
    ("rich", "rich", ">=13,<16"),
    ("jinja2", "jinja2", ">=3.1,<4"),
    ("cffi", "cffi", ">=1.16,<3"),
    ("pandas", "pandas", ">=2.2,<4"),
    ("xarray", "xarray", ">=2024.7,<2028"),
    ("h5netcdf", "h5netcdf", ">=1.3,<2"),
    ("distributed", "distributed", ">=2024.8,<2028"),
    ("optuna", "optuna", ">=4,<6"),
    ("tomli-w", "tomli_w", ">=1,<2"),
]
# Not on PyPI in a form that works together.
SOLVER = [
    ("fenics-dolfinx", "dolfinx", ">=0.9,<0.12"),
    ("petsc4py", "petsc4py", ">=3.20"),
    ("mpi4py", "mpi4py", ">=3.1"),
]
USE_ENV = "run chipsim by tools/env, which brings it, or take conda or Docker as README.md says"

# Run in a process of its own: a broken MPI or PETSc may end it.
PETSC_PROBE = """
import json, sys
from petsc4py import PETSc
import numpy
libraries = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line} if sys.platform == "linux" else ()
print(json.dumps({
    "scalar": numpy.dtype(PETSc.ScalarType).name,
    "packages": [p for p in ("mumps", "hypre") if PETSc.Sys.hasExternalPackage(p)],
    "libraries": sorted(libraries),
}))
"""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        found: Its version or setting; None if it is not there.
        needed: The range or setting that is needed, in words or as in pyproject.toml.
        ok: Whether what was found is what is needed.
        advice: What to do, one sentence; empty if ok.
        vital: False for what chipsim runs without, only slower.
    """

    name: str
    found: str | None
    needed: str
    ok: bool
    advice: str = ""
    vital: bool = True


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``"4.13.1.dev1"`` gives ``(4, 13, 1)``."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(n) for n in match[0].split(".")) if match else ()


def within(version: str, needed: str) -> bool:
    """Whether a version is in a range of ``>=`` and ``<`` terms, such as ``">=0.9,<0.12"``."""
    for term in needed.split(","):
        limit = numbers(term.lstrip("<>="))
        if (numbers(version) >= limit) != term.startswith(">="):
            return False
    return True


def doctor() -> list[Check]:
    """Look at everything chipsim needs; nothing is changed, and nothing that is missing is an error here."""
    checks = [_python()]
    checks += [
        _package(*row, advice=f"pip install '{row[0]}{row[2]}', or run chipsim by tools/env") for row in PYPI
    ]
    checks += [_package(*row, advice=USE_ENV) for row in SOLVER]
    checks += [*_petsc(), _compiler(), _single(), _threads(), _cache()]
    return checks


def render(checks: list[Check]) -> None:
    """Print the checks as a table, and below it what to do about those that are not ok."""
    rows = [(_mark(c), c.name, c.found or "not found", c.needed) for c in checks]
    names: dict[str, list[str]] = {}
    for check in checks:
        if not check.ok:
            names.setdefault(check.advice, []).append(check.name)
    advice = [f"{', '.join(who)}: {what}." for what, who in names.items()]
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for row in rows:
            print("{:8} {:15} {:24} {}".format(*row))
        print(*advice, sep="\n")
        return
    table = Table("", "what", "found", "needed", box=None)
    for row, check in zip(rows, checks, strict=True):
        table.add_row(*row, style=None if check.ok else "red" if check.vital else "yellow")
    console = Console()
    console.print(table)
    for line in advice:
        console.print(line, markup=False, highlight=False)


def _mark(check: Check) -> str:
    return "ok" if check.ok else "missing" if check.found is None else "wrong" if check.vital else "slow"


def _check(name: str, found: str | None, needed: str, ok: bool, advice: str, vital: bool = True) -> Check:
    return Check(name, found, needed, ok, "" if ok else advice, vital)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return _check("python", found, ">=3.11", within(found, ">=3.11"), "install Python 3.11 or newer")


def _package(distribution: str, module: str, needed: str, advice: str) -> Check:
    found = _version(distribution, module)
    # Debian sid's shapely does not know its version: the packager does.
    ok = found is not None and ("unknown" in found or within(found, needed))
    return _check(module, found, needed, ok, advice)


def _version(distribution: str, module: str) -> str | None:
    """Version by metadata, without an import; of a bare module (conda's gmsh) by its ``__version__``."""
    try:
        if importlib.util.find_spec(module) is None:
            return None
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(importlib.import_module(module), "__version__", "unknown"))


def _petsc() -> list[Check]:
    """What PETSc was built with, and which BLAS it calls."""
    run = subprocess.run([sys.executable, "-c", PETSC_PROBE], capture_output=True, text=True, check=False)
    if run.returncode:
        advice = f"PETSc could not be started: {USE_ENV}"
        names = [("PETSc scalars", "real"), ("PETSc solvers", "mumps, hypre"), ("BLAS", "OpenBLAS")]
        return [Check(name, None, needed, False, advice) for name, needed in names]
    seen = json.loads(run.stdout.splitlines()[-1])
    blas = _blas(seen["libraries"])
    return [
        _check(
            "PETSc scalars",
            seen["scalar"],
            "float64",
            seen["scalar"] == "float64",
            "choose the real build of PETSc (Debian: unset PETSC_DIR; conda: petsc=*=real*)",
        ),
        _check(
            "PETSc solvers",
            ", ".join(seen["packages"]) or "neither",
            "mumps, hypre",
            seen["packages"] == ["mumps", "hypre"],
            f"this PETSc was built without them: {USE_ENV}",
        ),
        _check(
            "BLAS",
            blas,
            "OpenBLAS, MKL or BLIS",
            blas != "reference",
            # Measured for a MUMPS factorisation.
            "the reference BLAS makes a factorisation about three times as slow: apt install libopenblas0-pthread",
            vital=False,
        ),
    ]


def _blas(libraries: list[str]) -> str:
    """Name of the BLAS among loaded libraries; those bundled in wheels of numpy and scipy are not PETSc's."""
    paths = [p.lower() for p in libraries if not re.search(r"/(numpy|scipy)\.libs/", p)]
    for word, name in [
        ("openblas", "OpenBLAS"),
        ("mkl", "MKL"),
        ("blis", "BLIS"),
        ("accelerate", "Accelerate"),
    ]:
        if any(word in path for path in paths):
            return name
    return "reference" if any("libblas" in path for path in paths) else "unknown"


def _compiler() -> Check:
    """FFCx compiles every form: a C compiler and Python's headers."""
    command = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    path = shutil.which(command)
    header = Path(sysconfig.get_path("include")) / "Python.h"
    advice = "apt install gcc libc6-dev python3-dev (conda: c-compiler), or run chipsim by tools/env"
    found = path and (path if header.exists() else f"{path}, no Python.h")
    return _check("C compiler", found, "a compiler and Python.h", bool(path) and header.exists(), advice)


def _single() -> Check:
    """MUMPS in single precision, which plane solves use where they can."""
    try:
        from chipsim.flow import single

        found = single.interface() is not None
    except ImportError:
        found = False
    return _check(
        "smumps_c.h",
        "found" if found else None,
        "MUMPS's header and library in single precision",
        found,
        "plane solves take half as much memory again without them: apt install libmumps-dev, or run chipsim by tools/env",
        vital=False,
    )


def _threads() -> Check:
    found = os.environ.get("OMP_NUM_THREADS")
    return _check(
        "threads",
        found or "not set",
        "OMP_NUM_THREADS set",
        bool(found),
        "set OMP_NUM_THREADS=1, as tools/env does, or each process starts a thread on every core",
        vital=False,
    )


def _cache() -> Check:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.environ.get("CHIPSIM_CACHE") or f"{home}/chipsim").expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        advice = f"it cannot be written ({error.strerror}): set CHIPSIM_CACHE to a folder that can"
        return Check("cache folder", str(folder), "writable", False, advice)
    return Check("cache folder", str(folder), "writable", True)


if __name__ == "__main__":
    results = doctor()
    render(results)
    sys.exit(0 if all(check.ok or not check.vital for check in results) else 1)
