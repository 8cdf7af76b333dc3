"""The folder of a study: what says whose it is, and what is written into it at the end."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from geometries import DesignError
from geometries.files import require_writable

_MARKER = "study.json"


def open_folder(
    folder: Path, kind: str, name: str, device: str, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Make a folder that of a study, or find that it is.

    Args:
        folder: Made where it is missing.
        kind: ``"sweep"`` or ``"optimise"``.
        name: Of the study.
        device: Kind of its device.
        progress: Told of a marker that is not whole.

    Raises:
        DesignError: It is that of another study, or cannot be written.
    """
    require_writable(folder)
    about = {"kind": kind, "name": name, "device": device}
    path = folder / _MARKER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = _read(path)
        if there is None and path.exists():
            progress(f"{path} is not whole; it is written again")
            path.unlink(missing_ok=True)
        if there is None:
            _create(path, about)
            there = _read(path)
    except OSError as error:
        raise DesignError(f"the folder {folder} cannot be written: {error.strerror or error}") from None
    if there is not None and there != about:
        raise DesignError(
            f'{folder} is the folder of the study "{there.get("name")}" ({there.get("kind")} of a {there.get("device")}), not of '
            f'"{name}" ({kind} of a {device}); give another folder'
        )


def _read(path: Path) -> dict[str, str] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _create(path: Path, about: dict[str, str]) -> None:
    """Written beside and linked: of two at once the first one wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".chipsim-", delete=False) as handle:
        handle.write(json.dumps(about, indent=2) + "\n")
    try:
        os.chmod(handle.name, 0o644)
        os.link(handle.name, path)
    except FileExistsError:
        pass
    except OSError:  # a disk without links
        os.replace(handle.name, path)
    finally:
        Path(handle.name).unlink(missing_ok=True)
