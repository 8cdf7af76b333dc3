"""Where what is kept between runs lives."""

from __future__ import annotations

import os
from pathlib import Path


def cache_base() -> Path:
    """``CHIPSIM_CACHE``, else ``XDG_CACHE_HOME``/chipsim, else ~/.cache/chipsim."""
    given = os.environ.get("CHIPSIM_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chipsim"
