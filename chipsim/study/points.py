"""One point of a study: a design with its options, and the folder in which its outcome is kept.

The folder is named by a hash of all that determines the outcome: the design in SI, the options, and the sources and libraries
that compute it. It is written beside and renamed, so it is there whole or not at all; two studies at once do no harm.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from chipsim.design import Design, design_from_dict
from chipsim.study import sources
from chipsim.study.solve import flow_key
from geometries import DesignError

DONE, REFUSED, FAILED, TOO_LONG = "done", "refused", "failed", "too long"
#: How a point can end: with a result; by a user's mistake; by a computation that fails; by being stopped.
STATUSES = (DONE, REFUSED, FAILED, TOO_LONG)


@dataclass(frozen=True)
class Options:
    """How a point is run, as for :func:`chipsim.run`."""

    model: str | None = None
    seed: int = 0
    refine: float | None = None
    accuracy: float | str | None = None
    lift_table: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a point.

    Attributes:
        status: One of ``STATUSES``.
        sentence: Why there is no result; empty if there is one.
        result: The content of ``result.json``, without the comparison with what was published; None where there is none.
        time_limit: By which it was stopped, s; None where it was not.
    """

    status: str
    sentence: str = ""
    result: Mapping[str, Any] | None = None
    time_limit: float | None = None


@dataclass(frozen=True)
class Point:
    """One design of a study.

    Attributes:
        tables: The design, as the tables of its TOML file.
        options: How it is run.
    """

    tables: Mapping[str, Any]
    options: Options = Options()

    @cached_property
    def design(self) -> Design:
        """The design.

        Raises:
            DesignError: It cannot be made.
        """
        design = design_from_dict(self.tables, "point")
        design.device.check(design.limits)
        return design

    @cached_property
    def key(self) -> str:
        """Name of its folder. A design that cannot be made goes by its tables."""
        try:
            what: Any = self.design.to_dict()
        except DesignError:
            what = self.tables
        options = asdict(self.options)
        if self.options.lift_table is not None:  # it may change under the same name
            options["lift_table"] = _digest(Path(self.options.lift_table))
        text = json.dumps([what, options, code()], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @cached_property
    def flow_key(self) -> str:
        """What points with the same flow have in common: they are computed one after the other, and one of them solves."""
        try:
            design, options = self.design, self.options
            key = flow_key(design.device, options.model, design.operation, options.refine)
        except DesignError:
            return ""
        return f"{key} {options.accuracy}"

    def to_toml(self) -> str:
        """A design file that runs."""
        import tomli_w

        return tomli_w.dumps(dict(self.tables))


@lru_cache(maxsize=1)
def code() -> str:
    """Hash of the sources and libraries that compute a point."""
    found = {"chipsim": sources.run()}
    for name in ("fenics-dolfinx", "numpy", "scipy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "none"
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DesignError(f"the lift table {path} cannot be read: {error.strerror}") from None


def keep(folder: Path, point: Point, outcome: Outcome) -> None:
    """Keep an outcome in the study's folder, as ``points/KEY/`` with ``outcome.json`` and ``design.toml``.

    One that is there already is replaced.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    points = folder / "points"
    points.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".partial-", dir=points))
    try:
        body = json.dumps(asdict(outcome), allow_nan=False, default=_plain)
        (beside / "outcome.json").write_text(
            json.dumps({"sha256": hashlib.sha256(body.encode()).hexdigest()}) + "\n" + body + "\n",
            encoding="utf-8",
        )
        (beside / "design.toml").write_text(point.to_toml(), encoding="utf-8")
        target = points / point.key
        for _ in range(3):
            try:
                beside.rename(target)
                return
            except OSError:  # it is there: of another process, or an earlier failure that was tried again
                old = Path(tempfile.mkdtemp(prefix=".partial-", dir=points))
                try:
                    target.rename(old / "old")
                except FileNotFoundError:
                    pass
                finally:
                    shutil.rmtree(old, ignore_errors=True)
        raise OSError(f"{target} cannot be replaced")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


class Truncated(Exception):
    """An outcome on disk that is not whole; the text names its file."""


def kept(folder: Path, key: str) -> Outcome | None:
    """The outcome kept under a key; None where there is none.

    Raises:
        Truncated: It is there but not whole.
    """
    path = folder / "points" / key / "outcome.json"
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        if json.loads(head)["sha256"] != hashlib.sha256(body.rstrip("\n").encode()).hexdigest():
            raise ValueError("another sum")
        return Outcome(**json.loads(body))
    except FileNotFoundError:
        if path.parent.exists():
            raise Truncated(str(path)) from None
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise Truncated(str(path)) from None


def wanted(outcome: Outcome | None, time_limit: float, retry: bool = False) -> bool:
    """Whether a point has yet to be computed.

    Args:
        outcome: The one that is kept.
        time_limit: One that was stopped by a shorter one is tried again.
        retry: Whether one that failed is tried again.
    """
    if outcome is None:
        return True
    if outcome.status == TOO_LONG:
        return retry or (outcome.time_limit or 0.0) < time_limit
    return retry and outcome.status == FAILED


def clear_partial(folder: Path) -> None:
    """Remove what killed processes left half-written more than a day ago; younger ones may belong to someone at work."""
    for path in (folder / "points").glob(".*-*"):
        try:
            if time.time() - os.stat(path).st_mtime < 86400:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        except OSError:
            continue


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in outcome.json")
