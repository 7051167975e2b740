"""Writes a smaller copy of a dataset: the first images of every class, read from the source without the others."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError, first_line
from tckr_plugins.datasets.tables import Columns, check_columns, feature_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    from pyarrow import parquet

    from tckr_plugins.datasets.hub import Remote


@dataclass(frozen=True)
class LimitedCopy:
    """What to copy: files of one split at a source, and how many images of each class."""

    files: Sequence[str]
    columns: Columns
    limit_per_class: int


def copy_limited(remote: Remote, copy: LimitedCopy, destination: Path, *, progress: Callable[[float], None]) -> None:
    """Write the first images of every class to one parquet file with the columns `image` and `label`.

    Of each file the label column is read, then only the row groups with wanted images. The file appears under its
    name when it is whole; one that is there is left as it is.

    Raises:
        DatasetError: the source lacks the columns or cannot be read, or the file cannot be written.
    """
    if destination.is_file():
        return
    partial = destination.with_suffix(f".{os.getpid()}.partial")
    seen: dict[str, int] = {}
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _Writer(partial) as writer:
            for position, path in enumerate(copy.files):
                for table in _chosen(remote, path, copy, seen):
                    writer.write(table)
                progress((position + 1) / len(copy.files))
        partial.replace(destination)
    except OSError as error:
        raise DatasetError(
            f"'{destination}' cannot be written: {error.strerror or error}; free space or make the folder writable"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


class _Writer:
    """A parquet file that takes its schema from the first table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: parquet.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        return self

    def write(self, table: pa.Table) -> None:
        from pyarrow import parquet

        if self._writer is None:
            self._schema = table.schema
            self._writer = parquet.ParquetWriter(self._path, self._schema)
        if not table.schema.equals(self._schema, check_metadata=True):
            raise DatasetError("the files of the source number their classes differently; fetch the dataset whole")
        self._writer.write_table(table)

    def __exit__(self, *_error: object) -> None:
        if self._writer is not None:
            self._writer.close()


def _chosen(remote: Remote, path: str, copy: LimitedCopy, seen: dict[str, int]) -> Iterator[pa.Table]:
    """Yield the wanted rows of a file, a row group at a time; `seen` counts the images taken of each class."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = copy.columns
    with _readable(remote, path), remote.open(path) as stream, parquet.ParquetFile(stream) as file:
        check_columns(file.schema_arrow, columns, what=path)
        names = feature_names(file.schema_arrow, columns.label)
        labels = file.read(columns=[columns.label]).column(0).to_pylist()
        wanted = _first_of_each(labels, copy.limit_per_class, seen, names)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            inside = wanted[(wanted >= start) & (wanted < end)] - start
            if inside.size:
                table = file.read_row_group(group, columns=[columns.image, columns.label]).take(pa.array(inside))
                table = table.select([columns.image, columns.label]).rename_columns(["image", "label"])
                yield table.replace_schema_metadata(_metadata(names))
            start = end


def _first_of_each(
    labels: Sequence[int | str | None], limit: int, seen: dict[str, int], names: tuple[str, ...] | None
) -> npt.NDArray[np.int64]:
    import numpy as np

    wanted: list[int] = []
    for row, label in enumerate(labels):
        # Shards may number the classes differently; their names do not change.
        named = names[label] if names and isinstance(label, int) and 0 <= label < len(names) else str(label)
        if seen.get(named, 0) < limit:
            seen[named] = seen.get(named, 0) + 1
            wanted.append(row)
    return np.array(wanted, dtype=np.int64)


def _metadata(names: tuple[str, ...] | None) -> dict[str, str] | None:
    if names is None:
        return None
    features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
    return {"huggingface": json.dumps({"info": {"features": features}})}


@contextmanager
def _readable(remote: Remote, path: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise DatasetError(
            f"'{path}' of {remote.label} cannot be read as parquet: {first_line(error)}; try again"
        ) from error
