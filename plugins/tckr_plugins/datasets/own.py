"""A folder of one's own photographs, with splits or plain class folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_plugins.datasets.folders import FolderDataset, FolderFacts

if TYPE_CHECKING:
    from pathlib import Path


def own_folder(path: Path, *, test_fraction: float) -> FolderDataset:
    """Return the dataset in a folder of one's own; its path is not part of what is published."""
    facts = FolderFacts("imagefolder", "a local folder", "as found", "not stated")
    return FolderDataset(
        lambda: path, facts, remedy="or give another folder as imagefolder:PATH", test_fraction=test_fraction
    )
