"""Opens parquet and Arrow files alike: a schema, whole columns, and pieces of a column that are never all in memory.

Arrow files are those of the `datasets` library, in the stream or the file format of Arrow IPC. They are memory-mapped,
and every batch is validated before it is used: a file may be hostile, and Arrow itself believes its offsets.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from tckr_bench.errors import DatasetError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyarrow import parquet

PARQUET, ARROW = ".parquet", ".arrow"
SUFFIXES = (PARQUET, ARROW)
BATCH = 256

_ARROW_FILE = b"ARROW1"  # the first bytes of the file format; the stream format has none of its own


class TableFile(Protocol):
    """An open file with a table of `count` rows."""

    schema: pa.Schema

    def count(self) -> int:
        """Return the number of rows."""

    def column(self, name: str) -> pa.ChunkedArray:
        """Read a column; the others are left alone."""

    def pieces(self, name: str, wanted: Callable[[int, int], bool]) -> Iterator[tuple[int, pa.Array]]:
        """Yield a column in order as (first row, at most `BATCH` values).

        Parts of the file are passed over where `wanted`, given their first row and the row after their last, says no.
        """


class ParquetTable:
    """A parquet file; its parts are its row groups."""

    def __init__(self, file: parquet.ParquetFile) -> None:
        self._file = file
        self.schema: pa.Schema = file.schema_arrow

    def count(self) -> int:
        """Return the number of rows, from the footer."""
        return int(self._file.metadata.num_rows)

    def column(self, name: str) -> pa.ChunkedArray:
        """Read a column."""
        return self._file.read(columns=[name]).column(0)

    def pieces(self, name: str, wanted: Callable[[int, int], bool]) -> Iterator[tuple[int, pa.Array]]:
        """Yield a column in pieces."""
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            row = start
            if wanted(start, end):
                for batch in self._file.iter_batches(batch_size=BATCH, row_groups=[group], columns=[name]):
                    yield row, batch.column(0)
                    row += batch.num_rows
            start = end


class ArrowTable:
    """A memory-mapped file of Arrow record batches; they are its parts."""

    def __init__(self, source: pa.MemoryMappedFile) -> None:
        self._source = source
        self.schema: pa.Schema = self._reader(fields=None).schema

    def count(self) -> int:
        """Return the number of rows, from the headers of the batches."""
        return sum(batch.num_rows for batch in _batches(self._reader(fields=[0])))

    def column(self, name: str) -> pa.ChunkedArray:
        """Read a column."""
        import pyarrow as pa

        field = self.schema.get_field_index(name)
        return pa.chunked_array(list(self._values(field)), self.schema.field(field).type)

    def pieces(self, name: str, wanted: Callable[[int, int], bool]) -> Iterator[tuple[int, pa.Array]]:
        """Yield a column in pieces."""
        start = 0
        for values in self._values(self.schema.get_field_index(name)):
            end = start + len(values)
            if wanted(start, end):
                for offset in range(0, len(values), BATCH):
                    yield start + offset, values.slice(offset, BATCH)
            start = end

    def _values(self, field: int) -> Iterator[pa.Array]:
        """Yield one column, batch by batch."""
        for batch in _batches(self._reader(fields=[field])):
            batch.validate(full=True)
            yield batch.column(0)

    def _reader(self, *, fields: list[int] | None) -> pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader:
        import pyarrow as pa

        self._source.seek(0)
        in_file_format = self._source.read(len(_ARROW_FILE)) == _ARROW_FILE
        self._source.seek(0)
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        return (pa.ipc.open_file if in_file_format else pa.ipc.open_stream)(self._source, options=options)


def _batches(reader: pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)
    else:
        yield from reader


@contextmanager
def opened(path: Path) -> Iterator[TableFile]:
    """Open a file by its suffix; whatever goes wrong with it while it is open is one sentence.

    Raises:
        DatasetError: the file is damaged, or cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if path.suffix == ARROW:
            with pa.memory_map(str(path)) as source:
                yield ArrowTable(source)
        else:
            with parquet.ParquetFile(path) as file:
                yield ParquetTable(file)
    except (pa.ArrowException, OSError) as error:
        kind = "Arrow" if path.suffix == ARROW else "parquet"
        raise DatasetError(f"'{path}' cannot be read as {kind}: {first_line(error)}; fetch or copy it again") from error
