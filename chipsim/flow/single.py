"""MUMPS in single precision, whose factors take half the memory; refinement makes up for the digits.

PETSc 3.22 knows MUMPS in its own precision only. So it is called here by a C interface that cffi compiles against MUMPS's
header, once, beside FFCx's compiled forms; both need the same compiler. Where that header or library is not installed there
is no such factorisation, and :mod:`chipsim.flow.solvers` takes PETSc's.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import dolfinx.jit
import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

# What is used of MUMPS's structure; the compiler fills in where each member is, and refuses one of another type.
_DECLARATIONS = """
typedef struct {
    int sym, par, job, comm_fortran, n, nrhs, lrhs, *irn, *jcn, icntl[...], infog[...]; int64_t nnz;
    float *a, *rhs, cntl[...];
    ...;
} SMUMPS_STRUC_C;
void smumps_c(SMUMPS_STRUC_C *);
"""
_START, _ANALYSE, _FACTORISE, _SOLVE, _END = -1, 1, 2, 3, -2


class Factors:
    """LDL^T of a symmetric indefinite matrix on one process, in single precision.

    Args:
        upper: Rows, columns (counted from 1) and entries of its upper triangle.
        size: Its number of rows.
        controls: Settings by their numbers in MUMPS's array ICNTL.
        dropped: What block low-rank compression may leave out of a block, relatively.
    """

    def __init__(
        self,
        upper: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]],
        size: int,
        controls: dict[int, int],
        dropped: float = 0.0,
    ) -> None:
        module = interface()
        assert module is not None
        self._ffi, self._call, self._size = module.ffi, module.lib.smumps_c, size
        self._mumps = self._ffi.new("SMUMPS_STRUC_C *")
        self._mumps.sym, self._mumps.par = 2, 1
        self._mumps.comm_fortran = MPI.COMM_SELF.py2f()
        self._do(_START)
        for number, value in {1: -1, 2: -1, 3: -1, 4: 0, **controls}.items():  # the first four: silence
            self._mumps.icntl[number - 1] = value
        self._mumps.cntl[6] = dropped
        rows, columns, entries = upper
        self._mumps.n, self._mumps.nnz = size, len(entries)
        self._mumps.irn, self._mumps.jcn = self._pointer(rows), self._pointer(columns)
        self._mumps.a = self._pointer(entries)
        self._do(_ANALYSE)
        if self.error == 0:
            self._do(_FACTORISE)
        self._mumps.irn = self._mumps.jcn = self._mumps.a = self._ffi.NULL

    def _pointer(self, array: NDArray[Any]) -> Any:
        return self._ffi.cast(
            "float *" if array.dtype == np.float32 else "int *", self._ffi.from_buffer(array)
        )

    def _do(self, job: int) -> None:
        self._mumps.job = job
        self._call(self._mumps)

    @property
    def error(self) -> int:
        """MUMPS's error code; 0: none."""
        return min(int(self._mumps.infog[0]), 0)

    def solve(self, rhs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The solution for a right-hand side, to single precision."""
        # Single precision has few exponents, and corrections grow small.
        scale = np.abs(rhs).max() or 1.0
        x = (rhs / scale).astype(np.float32)
        self._mumps.rhs, self._mumps.nrhs, self._mumps.lrhs = self._pointer(x), 1, self._size
        self._do(_SOLVE)
        self._mumps.rhs = self._ffi.NULL
        return np.multiply(scale, x, dtype=np.float64)

    def __del__(self) -> None:
        if hasattr(self, "_mumps") and not MPI.Is_finalized():
            self._do(_END)


def possible(comm: Any) -> bool:
    """Whether a matrix over a communicator can be factorised so."""
    return comm.size == 1 and interface() is not None


@cache
def interface() -> Any | None:
    """The compiled interface; None where it cannot be made."""
    name = "_chipsim_smumps_" + hashlib.sha256(_key().encode()).hexdigest()[:12]
    folder = Path(dolfinx.jit.get_options()["cache_dir"]).expanduser()
    found = folder / f"{name}.so"
    try:
        if found.exists():
            with contextlib.suppress(ImportError):  # compiled against libraries that are gone
                return _load(name, found)
        _compile(name, found)
        return _load(name, found)
    except (ImportError, OSError, cffi.VerificationError):
        return None


def _load(name: str, file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _key() -> str:
    """What the compiled interface depends on: itself, and the libraries, which a distribution changes together."""
    return repr((_DECLARATIONS, sys.version, dolfinx.__version__, PETSc.Sys.getVersion()))


def _compile(name: str, target: Path) -> None:
    builder = cffi.FFI()
    builder.cdef(_DECLARATIONS)
    builder.set_source(name, "#include <stdint.h>\n#include <smumps_c.h>", libraries=["smumps"])
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, _silence():
        # Made beside and moved in, as another process may be at the same.
        os.replace(builder.compile(tmpdir=folder), target)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep to itself what the compiler says: a header that is not there is no news to the user."""
    sys.stderr.flush()
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)
