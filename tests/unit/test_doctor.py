import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chipsim import doctor as module
from chipsim.doctor import Check, doctor, numbers, render, within

CHECKOUT = Path(__file__).resolve().parents[2]


def test_everything_needed_is_here():
    checks = doctor()
    assert [c for c in checks if c.vital and not c.ok] == []
    names = {c.name for c in checks}
    assert {"python", "dolfinx", "petsc4py", "mpi4py", "PETSc scalars", "PETSc solvers", "BLAS"} <= names
    assert {
        "gmsh",
        "gdstk",
        "ezdxf",
        "meshio",
        "pydantic",
        "pint",
        "C compiler",
        "threads",
        "cache folder",
    } <= names


def test_ranges_are_those_of_pyproject():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert [name + needed for name, _, needed in module.PYPI] == project["dependencies"]
    # tools/pydeps.py decides with its own copy whether the Python at hand will do.
    assert "DOLFINX = ((0, 9), (0, 12))" in (CHECKOUT / "tools/pydeps.py").read_text()
    assert ("fenics-dolfinx", "dolfinx", ">=0.9,<0.12") in module.SOLVER


def test_runs_where_nothing_is_installed(tmp_path):
    command = [sys.executable, "-I", "-S", str(CHECKOUT / "chipsim/doctor.py")]
    environment = {"PATH": os.environ["PATH"], "CHIPSIM_CACHE": str(tmp_path)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "missing  dolfinx" in run.stdout
    assert "tools/env" in run.stdout
    assert run.stderr == ""


def test_numbers():
    assert numbers("4.13.1.dev1") == (4, 13, 1)
    assert numbers("3.10.1+dfsg1") == (3, 10, 1)
    assert numbers("unknown") == ()


@pytest.mark.parametrize(
    ("version", "ok"),
    [("0.8.0", False), ("0.9", True), ("0.9.0", True), ("0.11.0.post1", True), ("0.12.0", False)],
)
def test_within(version, ok):
    assert within(version, ">=0.9,<0.12") is ok


def test_missing_module_is_not_found():
    check = module._package("no-such-thing", "no_such_thing", ">=1", advice="install it")
    assert (check.found, check.ok, check.advice) == (None, False, "install it")


def test_broken_petsc_is_reported(monkeypatch):
    monkeypatch.setattr(module, "PETSC_PROBE", "raise SystemExit(1)")
    checks = module._petsc()
    assert len(checks) == 3
    assert all(c.found is None and not c.ok and c.advice for c in checks)


@pytest.mark.parametrize(
    ("libraries", "name"),
    [
        (["/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3"], "OpenBLAS"),
        (["/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.12.1"], "reference"),
        (["/v/numpy.libs/libscipy_openblas64_.so", "/usr/lib/blas/libblas.so.3"], "reference"),
        (["/conda/lib/libmkl_rt.so.2"], "MKL"),
        ([], "unknown"),
    ],
)
def test_blas_is_told_from_the_loaded_libraries(libraries, name):
    assert module._blas(libraries) == name


def test_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path / "file" / "cache"))
    check = module._cache()
    assert not check.ok
    assert "CHIPSIM_CACHE" in check.advice


def test_threads_not_set_is_a_warning(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    check = module._threads()
    assert not check.ok
    assert not check.vital


@pytest.mark.parametrize("rich", [True, False])
def test_render_gives_table_and_advice(monkeypatch, capsys, rich):
    if not rich:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    render([Check("one", "1.0", ">=1", True), Check("two", None, ">=2", False, "install [two]")])
    out = capsys.readouterr().out
    assert "one" in out
    assert "not found" in out
    assert out.rstrip().endswith("two: install [two].")
