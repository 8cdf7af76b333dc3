"""Files that are written beside and then moved in: all of them, or none."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from geometries.quantities import DesignError


@contextlib.contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """A folder to write into; on the way out its files are moved into ``folder``, unless something went wrong.

    ``folder`` is made where it is missing, and taken away again if nothing came into it.

    Raises:
        DesignError: ``folder`` cannot be written, or the disk is full.
    """
    made = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".chipsim-", dir=folder) as beside:
            yield Path(beside)
            files = sorted(Path(beside).iterdir())
            for file in files:
                if (folder / file.name).is_dir():
                    raise IsADirectoryError(21, f"{file.name} is a folder in it")
            for file in files:
                file.replace(folder / file.name)
    except OSError as error:
        raise DesignError(
            f"the output folder {folder} cannot be written: {error.strerror or error}"
        ) from None
    finally:
        with contextlib.suppress(OSError):  # not empty: it holds the files
            for path in made:
                path.rmdir()


def require_writable(folder: Path) -> None:
    """Refuse an output folder that cannot be written, before anything long begins; nothing is made.

    Raises:
        DesignError: With the reason.
    """
    parent = folder.absolute()
    while not parent.exists():
        parent = parent.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".chipsim-", dir=parent):
            pass
    except OSError as error:
        raise DesignError(f"the output folder {folder} cannot be written: {error.strerror}") from None
