"""Sets up the other programs, once, in the cache folder: from PyPI into a venv, from Debian unpacked into a folder of its own.

Nothing is installed into the Python or the Debian root that chipsim runs in, so what is measured does not change with it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: From PyPI. NGSolve's wheel wants this very OpenCASCADE; pypardiso brings MKL.
WHEELS = ("ngsolve==6.2.2608", "netgen-occt==7.8.1", "scikit-fem==12.0.2", "pypardiso==0.4.7")


class Absent(Exception):  # noqa: N818
    """A program that is not there and could not be set up; the reason in a sentence."""


def cache() -> Path:
    """The folder for programs and meshes."""
    base = (
        os.environ.get("CHIPSIM_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "chipsim"
    )
    folder = Path(base) / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def wheels_python() -> Path:
    """The Python of a venv with the peers from PyPI.

    Raises:
        Absent: It could not be made.
    """
    venv = cache() / f"venv-{_key(*WHEELS, sys.version)}"
    if not (venv / "ready").exists():
        _say(
            f"installing {', '.join(WHEELS)} from PyPI into {venv}; this is done once and takes about a minute and 1.4 GB"
        )
        shutil.rmtree(venv, ignore_errors=True)
        # Not with our own packages: two copies of numpy or of an OpenMP would get in each other's way.
        _run([sys.executable, "-m", "venv", str(venv)])
        _run([str(venv / "bin/python3"), "-m", "pip", "install", "-q", "--no-input", *WHEELS])
        (venv / "ready").touch()
    return venv / "bin/python3"


def debian_folder(*packages: str) -> Path:
    """A folder with Debian packages and what they need beyond what is installed here.

    Raises:
        Absent: There is no apt-get here, or it cannot get the packages.
    """
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    folder = cache() / f"debian-{_key(*packages, release)}"
    if not (folder / "ready").exists():
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            raise Absent(f"{packages[0]} is taken from Debian, and there is no apt-get here")
        _say(f"unpacking Debian's {packages[0]} into {folder}; this is done once")
        shutil.rmtree(folder, ignore_errors=True)
        lists, archives = folder / "apt/lists", folder / "apt/archives"
        for part in (lists, archives):
            (part / "partial").mkdir(parents=True)
        # Lists and archives of its own: apt's are left alone, and no right to write there is needed.
        apt = [
            "apt-get", "-qq", "-y", "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={folder / 'apt'}",
            "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o", "APT::Install-Recommends=false",
            "-o", "Acquire::Check-Valid-Until=false",
        ]  # fmt: skip
        _run([*apt, "update"])
        _run([*apt, "install", "--download-only", *packages])
        for archive in sorted(archives.glob("*.deb")):
            _run(["dpkg", "-x", str(archive), str(folder)])
        shutil.rmtree(folder / "apt")
        (folder / "ready").touch()
    return folder


def debian_environment(folder: Path) -> dict[str, str]:
    """What the programs in such a folder need in their environment."""
    libraries = [str(p) for p in folder.glob("usr/lib/*-linux-gnu*")]
    return {
        "PATH": f"{folder}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "FF_LOADPATH": f"{folder}/usr/lib/freefem++",
    }


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Absent(f"{' '.join(command[:1] + command[-2:])} failed: {last}")


def _say(text: str) -> None:
    print(f"benchmarks: {text}", file=sys.stderr, flush=True)
