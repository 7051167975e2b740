"""Looks datasets up in the Hugging Face cache on disk; nothing is fetched and nothing heavy is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.catalogue import CONVERTED

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache_folder() -> Path:
    """Return the hub's cache folder, by the rules of huggingface_hub: HF_HUB_CACHE, HF_HOME, the user's cache."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return Path(os.path.expandvars(given)).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(os.path.expandvars(home)).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def find_snapshot(repository: str, revision: str) -> Path | None:
    """Return the cached snapshot of a dataset that holds parquet files, of a revision or of its converted branch."""
    folder = cache_folder() / f"datasets--{repository.replace('/', '--')}"
    for name in (revision, CONVERTED):
        snapshot = _snapshot(folder, name)
        if snapshot is not None and any(parquet_files(snapshot, within=folder)):
            return snapshot
    return None


def _snapshot(folder: Path, revision: str) -> Path | None:
    reference = folder / "refs" / revision
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and "/" not in commit and ".." not in commit and snapshot.is_dir() else None


def parquet_files(folder: Path, *, within: Path | None = None) -> Iterator[str]:
    """Yield the paths of the parquet files in a folder and below, relative to it.

    Raises:
        DatasetError: a link leaves the folder, or `within` where that is given.
    """
    limit = (within or folder).resolve()
    for path in sorted(folder.rglob("*.parquet")):
        if not path.resolve().is_relative_to(limit):
            raise DatasetError(f"'{path}' is a link that leaves the dataset's folder; copy what it points at")
        if path.is_file():
            yield path.relative_to(folder).as_posix()
