"""Finds the files of a dataset on disk: in the data root, in the Hugging Face cache, at a path of one's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.datasets import DATA_VARIABLE, data_root
from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.catalogue import CONVERTED
from tckr_plugins.datasets.layout import Wanted, choose_files
from tckr_plugins.datasets.tabledataset import TableFiles
from tckr_plugins.datasets.tablefiles import PARQUET, SUFFIXES
from tckr_plugins.datasets.tables import Columns, pick_columns
from tckr_plugins.hub import Repository, cached_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tckr_plugins.datasets.catalogue import HubSource

PREPARED = Columns("image", "label")
"""Columns of the files that `datasets prepare` writes into the data root."""


def in_data_root(name: str) -> Path | None:
    """Return the folder of a dataset in the data root; None where there is no data root or no such folder.

    Raises:
        DatasetError: the data root is set but is not a folder.
    """
    if not os.environ.get(DATA_VARIABLE):
        return None
    folder = data_root() / name
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def holds_class_folders(folder: Path) -> bool:
    """Return whether a folder holds splits of class folders rather than tables."""
    train = folder / "train"
    if not train.is_dir():
        return False
    with os.scandir(train) as entries:
        return any(entry.is_dir() for entry in entries)


def tables_in_folder(folder: Path, source: HubSource, *, what: str) -> TableFiles:
    """Return the tables of a folder of the data root, laid out as on the hub or as `datasets prepare` does.

    Raises:
        DatasetError: there are none, or a split is missing or incomplete.
    """
    root = folder.resolve()
    wanted = Wanted(source.configuration, source.train_split)
    files = choose_files(table_files(root), wanted, what=what)
    columns = pick_columns(root / files["train"][0], (_columns(source), PREPARED))
    return TableFiles(root, files, columns, source.test_fraction)


def tables_in_cache(source: HubSource) -> TableFiles | None:
    """Return the parquet files of a dataset in the Hugging Face cache; None where it is not there.

    Raises:
        DatasetError: it is there, but a split is missing or incomplete.
    """
    snapshot = _snapshot(source)
    if snapshot is None:
        return None
    files = choose_files(_parquet_files(snapshot), wanted_of(source), what=f"the copy of '{source.id}'")
    return TableFiles(snapshot, files, _columns(source), source.test_fraction)


def _snapshot(source: HubSource) -> Path | None:
    """Return the cached snapshot that holds parquet files, of the source's revision or of its converted branch."""
    for revision in (source.revision, CONVERTED):
        snapshot = cached_snapshot(Repository(source.id, revision, kind="dataset"))
        if snapshot is not None and any(_parquet_files(snapshot)):
            return snapshot
    return None


def _parquet_files(snapshot: Path) -> Iterator[str]:
    """Yield the paths of a snapshot's parquet files, the only ones that are fetched; they link to the repository's."""
    return table_files(snapshot, within=snapshot.parent.parent, suffixes=(PARQUET,))


def table_files(folder: Path, *, within: Path | None = None, suffixes: Sequence[str] = SUFFIXES) -> Iterator[str]:
    """Yield the paths of the parquet and Arrow files in a folder and below, relative to it.

    Raises:
        DatasetError: a link leaves the folder, or `within` where that is given.
    """
    limit = (within or folder).resolve()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in suffixes):
        if not path.resolve().is_relative_to(limit):
            raise DatasetError(f"'{path}' is a link that leaves the dataset's folder; copy what it points at")
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def tables_at(path: Path, wanted: Wanted, columns: Columns, *, test_fraction: float) -> TableFiles:
    """Return the parquet or Arrow file at a path, all of it for training, or those of a folder by split.

    Raises:
        DatasetError: there is nothing at the path, or no such split.
    """
    resolved = path.expanduser().resolve()
    if resolved.is_file():
        return TableFiles(resolved.parent, {"train": (resolved.name,)}, columns, test_fraction)
    if not resolved.is_dir():
        raise DatasetError(
            f"there is no file or folder '{path}'; give a parquet or Arrow file or a folder as parquet:PATH"
        )
    files = choose_files(table_files(resolved), wanted, what=f"'{path}'")
    return TableFiles(resolved, files, columns, test_fraction)


def wanted_of(source: HubSource) -> Wanted:
    """Return the configuration and splits of a source, to choose its files by."""
    return Wanted(source.configuration, source.train_split, source.test_split)


def _columns(source: HubSource) -> Columns:
    return Columns(source.image_column, source.label_column)
