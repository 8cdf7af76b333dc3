"""Who is at work on what, on one folder: two studies at once do not compute the same twice."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows: there two at once compute twice, without harm
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def claim(folder: Path, name: str) -> Iterator[bool]:
    """Whether what goes by that name is ours until the end of the block; False: someone else is at work on it.

    A claim ends with the process that holds it. Where the disk knows no locks everything is ours.
    """
    path = folder / "points" / f".claim-{name}"
    try:
        handle = path.open("wb")
    except OSError:
        yield True
        return
    with handle:
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            pass
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def mark(folder: Path) -> str:
    """A word that only this folder has, by which a worker on another machine knows it; made where it is missing.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / "points" / ".mark"
    path.parent.mkdir(parents=True, exist_ok=True)
    if (there := marked(folder)) is not None:
        return there
    beside = path.with_name(f".mark-{uuid.uuid4().hex}")
    beside.write_text(uuid.uuid4().hex, encoding="ascii")
    beside.replace(path)
    return marked(folder) or ""


def marked(folder: Path) -> str | None:
    """The word of a folder; None where it has none."""
    try:
        return (folder / "points" / ".mark").read_text(encoding="ascii") or None
    except (OSError, ValueError):
        return None
