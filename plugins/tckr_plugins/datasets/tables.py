"""Tables as the hub stores images: an image column (encoded bytes, or a struct with them) and a label column.

Labels are read column-wise, images part by part, so that memory stays bounded however large a file is.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.tablefiles import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from tckr_bench.records import Labels


@dataclass(frozen=True)
class Columns:
    """Names of the columns with the images and with the labels."""

    image: str
    label: str


@dataclass(frozen=True)
class NamedLabels:
    """Labels of n rows: `codes` (n,) index `names`, the distinct class names in label order.

    `numbered` says that the file gives numbers only; the names are then those numbers.
    """

    names: tuple[str, ...]
    codes: Labels
    numbered: bool = False

    def used(self) -> NamedLabels:
        """Return the labels with those names only that some row has."""
        import numpy as np

        present, codes = np.unique(self.codes, return_inverse=True)
        return NamedLabels(tuple(self.names[code] for code in present), codes.astype(np.int64), self.numbered)


@dataclass(frozen=True)
class EncodedRows:
    """A batch of rows: what to call each, and how to open its encoded image."""

    names: tuple[str, ...]
    sources: tuple[Callable[[], BinaryIO], ...]


def count_rows(files: Sequence[Path]) -> int:
    """Return the number of rows of files; no column is decoded.

    Raises:
        DatasetError: a file is damaged.
    """
    total = 0
    for path in files:
        with opened(path) as file:
            total += file.count()
    return total


def read_labels(files: Sequence[Path], columns: Columns) -> NamedLabels:
    """Read the label column of all rows; images are left alone.

    A label is an integer that indexes the names in the `huggingface` metadata of the file, a plain integer, or a text.

    Raises:
        DatasetError: a column is not there or of another type, a label is missing or out of range, or a file is
            damaged.
    """
    import numpy as np

    index: dict[str, int] = {}
    parts: list[npt.NDArray[np.int64]] = []
    numbered = True
    for path in files:
        with opened(path) as file:
            check_columns(file.schema, columns, what=str(path))
            # While the file is open: the values of a memory-mapped one go with it.
            names = feature_names(file.schema, columns.label)
            found = _named(file.column(columns.label), names, what=f"column '{columns.label}' of '{path}'")
        numbered = numbered and found.numbered
        table = np.array([index.setdefault(name, len(index)) for name in found.names], dtype=np.int64)
        parts.append(table[found.codes])
    return NamedLabels(tuple(index), np.concatenate(parts) if parts else np.empty(0, np.int64), numbered)


def encoded_rows(files: Sequence[Path], columns: Columns, rows: Labels | None = None) -> Iterator[EncodedRows]:
    """Yield the images of all rows, or of the sorted `rows`, in order and in batches, as they are stored.

    Raises:
        DatasetError: a column is not there or of another type, a row holds no image, or a file is damaged.
    """
    import numpy as np

    start = 0
    for path in files:
        with opened(path) as file:
            check_columns(file.schema, columns, what=str(path))

            def chosen(first: int, end: int, start: int = start) -> Labels:
                """Return the rows of a part of the file that are wanted, counted from its first."""
                if rows is None:
                    return np.arange(end - first)
                inside = rows[np.searchsorted(rows, start + first) : np.searchsorted(rows, start + end)]
                return inside - (start + first)

            for first, column in file.pieces(columns.image, lambda first, end: chosen(first, end).size > 0):
                places = chosen(first, first + len(column)).tolist()
                if places:
                    yield _encoded(column, places, first_row=start + first, name=path.name)
            start += file.count()


def _encoded(column: pa.Array, places: Sequence[int], *, first_row: int, name: str) -> EncodedRows:
    """Return the images at some places of a piece of a column; their bytes are copied."""
    if not _is_binary(column.type):
        column = column.field("bytes")
    for place in places:
        if not column[place].is_valid:
            raise DatasetError(
                f"row {first_row + place} of '{name}' holds no image bytes; embed the images in the file"
            )
    return EncodedRows(
        tuple(f"{name} row {first_row + place}" for place in places),
        tuple(partial(io.BytesIO, column[place].as_py()) for place in places),
    )


def pick_columns(path: Path, candidates: Sequence[Columns]) -> Columns:
    """Return the first pair of columns that a file has; the first of all where it has none of them.

    Raises:
        DatasetError: the file is damaged.
    """
    with opened(path) as file:
        names = set(file.schema.names)
    return next((pair for pair in candidates if {pair.image, pair.label} <= names), candidates[0])


def check_columns(schema: pa.Schema, columns: Columns, *, what: str) -> None:
    """Refuse a table whose columns are not there or hold something else.

    Raises:
        DatasetError: names the columns found and the option that chooses another.
    """
    import pyarrow as pa

    for name, option in ((columns.image, "image_column"), (columns.label, "label_column")):
        if name not in schema.names:
            raise DatasetError(
                f"'{what}' has no column '{name}'; found: {', '.join(schema.names)}; name one with {option}"
            )
    image, label = schema.field(columns.image).type, schema.field(columns.label).type
    in_struct = pa.types.is_struct(image) and any(field.name == "bytes" and _is_binary(field.type) for field in image)
    if not (_is_binary(image) or in_struct):
        raise DatasetError(
            f"column '{columns.image}' of '{what}' is of type {image}, not encoded images; name one with image_column"
        )
    if not (pa.types.is_integer(label) or _is_text(label)):
        raise DatasetError(
            f"column '{columns.label}' of '{what}' is of type {label}, neither numbers nor texts; "
            "name one with label_column"
        )


def feature_names(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """Return the class names that the `huggingface` metadata of a schema gives for a column; None if it gives none."""
    text = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        feature: Any = json.loads(text)["info"]["features"][column]
        names = feature["names"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def _named(column: pa.ChunkedArray, names: tuple[str, ...] | None, *, what: str) -> NamedLabels:
    import numpy as np
    import pyarrow as pa

    if column.null_count:
        raise DatasetError(f"{what} has {column.null_count} rows without a label; remove them")
    if pa.types.is_integer(column.type):
        values = column.to_numpy().astype(np.int64)
        limit = None if names is None else len(names)
        wrong = values[(values < 0) | (values >= (np.iinfo(np.int64).max if limit is None else limit))]
        if wrong.size:
            allowed = "0 and up" if limit is None else f"0 to {limit - 1}"
            raise DatasetError(
                f"{what} holds the label {wrong[0]}, which is out of range ({allowed}); choose a split with labels"
            )
        if names is not None:
            return NamedLabels(names, values)
        distinct, codes = np.unique(values, return_inverse=True)
        return NamedLabels(tuple(map(str, distinct.tolist())), codes.astype(np.int64), numbered=True)
    texts = column.cast(pa.string()).to_pylist()
    known = {name: position for position, name in enumerate(sorted(set(texts)))}
    return NamedLabels(tuple(known), np.array([known[text] for text in texts], dtype=np.int64))


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
