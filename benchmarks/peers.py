"""The programs: what runs them, with which linear solvers, and what they cannot do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.set_up import Absent, debian_environment, debian_folder, wheels_python


@dataclass(frozen=True)
class Peer:
    """A program of the benchmark.

    Attributes:
        name: For the command line and the table.
        module: In :mod:`benchmarks.programs`.
        plane: Its linear solvers in 2-D: the fastest that works, by trial at 64 traps (OpenFOAM's at 16); chipsim's that takes
            least memory too.
        space: Its linear solvers in 3-D: the fastest, and the fastest factorisation if that is another.
        ready: Sets it up; returns its Python and environment.
        no_pairs: Why it cannot pair inlet and outlet; empty if it can.
        straight: Whether it takes curved cells for straight ones.
        other_element: Whether its unknowns are not those of P2-P1: its flow rate is then another even on equal cells.
    """

    name: str
    module: str
    plane: tuple[str, ...]
    space: tuple[str, ...]
    ready: Callable[[], tuple[str, dict[str, str]]]
    no_pairs: str = ""
    straight: bool = False
    other_element: bool = False

    def solvers(self, case: Case) -> tuple[str, ...]:
        return self.plane if case.dim == 2 else self.space


def _here() -> tuple[str, dict[str, str]]:
    return sys.executable, {}


def _wheels() -> tuple[str, dict[str, str]]:
    return str(wheels_python()), {}


def _freefem() -> tuple[str, dict[str, str]]:
    return sys.executable, debian_environment(debian_folder("freefem++", "libfreefem++"))


def _openfoam() -> tuple[str, dict[str, str]]:
    folder = debian_folder("openfoam")
    # Its dummy libraries stand for MPI's, which one process does not need.
    libraries = f"{folder}/usr/lib/dummy:{folder}/usr/lib"
    return sys.executable, {
        "PATH": f"{folder}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": libraries,
        "WM_PROJECT_DIR": f"{folder}/usr/share/openfoam",
    }


PEERS = {
    peer.name: peer
    for peer in (
        Peer("chipsim", "chipsim_", ("default", "minres"), ("default",), _here),
        Peer("ngsolve", "ng_solve", ("sparsecholesky",), ("minres", "sparsecholesky"), _wheels),
        Peer("scikit-fem", "scikit_fem", ("pardiso-symmetric",), ("pardiso-symmetric",), _wheels),
        Peer(
            "dolfinx-demo",
            "dolfinx_demo",
            ("lu",),
            ("minres", "lu"),
            _here,
            no_pairs="it would need dolfinx_mpc",
        ),
        Peer("freefem", "freefem", ("MUMPS_seq",), ("MUMPS_seq",), _freefem, straight=True),
        Peer(
            "openfoam",
            "openfoam",
            ("SIMPLE",),
            ("SIMPLE",),
            _openfoam,
            no_pairs="no cyclic patches are written for it",
            straight=True,
            other_element=True,
        ),
    )
}
#: Which linear solvers factorise the whole matrix.
FACTORISATIONS = (
    "direct",
    "sparsecholesky",
    "pardiso",
    "pardiso-symmetric",
    "umfpack",
    "lu",
    "MUMPS_seq",
    "UMFPACK",
    "UMFPACK64",
)


def choose(wanted: list[str]) -> list[Peer]:
    """The peers named on the command line; empty: all."""
    unknown = [w for w in wanted if w not in PEERS]
    if unknown:
        raise ValueError(f"--peers {unknown[0]}: it is none of {', '.join(PEERS)}.")
    return [p for p in PEERS.values() if not wanted or p.name in wanted]


def set_up(peers: list[Peer]) -> Iterator[tuple[Peer, tuple[str, dict[str, str]] | str]]:
    """Each peer with its Python and environment, or with the reason why it is absent."""
    for peer in peers:
        try:
            yield peer, peer.ready()
        except Absent as reason:
            yield peer, str(reason)
