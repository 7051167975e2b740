"""Where the program keeps what it made, on this machine."""

from __future__ import annotations

import os
from pathlib import Path

STORE_VARIABLE = "TCKR_BENCH_STORE"


def default_store_path() -> Path:
    """Return the folder named by `TCKR_BENCH_STORE`, or the user's cache folder."""
    given = os.environ.get(STORE_VARIABLE)
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tckr-bench")) / "store"
