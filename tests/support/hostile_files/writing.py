"""Listen to what is written where, in whatever code of this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FIRST = ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.mkfifo")
BOTH = ("os.rename", "os.link", "os.symlink")
_HEARING: list[set[Path]] = []
_HOOKED: list[bool] = []


@contextmanager
def written_paths() -> Iterator[set[Path]]:
    """Collect the paths of files and folders that are written, made, moved or removed."""
    if not _HOOKED:
        sys.addaudithook(_hear)  # it cannot be taken away again, and hears nothing when nobody asks
        _HOOKED.append(True)
    found: set[Path] = set()
    _HEARING.append(found)
    try:
        yield found
    finally:
        _HEARING.remove(found)


def _hear(event: str, given: tuple) -> None:
    if not _HEARING:
        return
    paths: list[object] = []
    if event == "open" and isinstance(given[2], int) and given[2] & WRITING:
        paths = [given[0]]
    if event in FIRST:
        paths = [given[0]]
    if event in BOTH:
        paths = list(given[:2])
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike):
            where = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - links are not to be followed
            for found in _HEARING:
                found.add(where)
