"""What cannot be made of what a method releases, or of what an attacker holds: said in the artifact, and no failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REASON_FILE = "not_applicable.json"
GOES_WITHOUT = frozenset({"measure"})
"""Stages that leave out a parent that does not apply; all others do not apply themselves, for the same reason."""


def write_reason(reason: str, folder: Path) -> None:
    """Leave a sentence in the place of what an artifact would hold."""
    (folder / REASON_FILE).write_text(json.dumps(reason), encoding="utf-8")


def read_reason(folder: Path) -> str:
    """Return why a stage did not apply; nothing where it did."""
    path = folder / REASON_FILE
    return str(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ""


def inherited_reason(stage: str, parents: Iterable[Path]) -> str:
    """Return why a stage cannot apply, since one of its parents does not; nothing where all do.

    >>> inherited_reason("measure", ["whatever"])
    ''
    """
    if stage in GOES_WITHOUT:
        return ""
    return next((reason for reason in map(read_reason, parents) if reason), "")
