"""Sheets as files for programs: CSV, JSON and Parquet, at full precision."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from tckr_bench.errors import storage_error
from tckr_bench.text import csv_cell

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.show.sheets import Cell, Sheet


def csv_text(sheet: Sheet) -> str:
    """Return a sheet as CSV."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(sheet.names)
    writer.writerows([_csv_cell(cell) for cell in row] for row in sheet.rows)
    return written.getvalue()


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return str(cell) if isinstance(cell, int) else csv_cell(cell)


def json_text(sheet: Sheet) -> str:
    """Return a sheet as a JSON array of objects; what is missing or not finite is null."""
    rows = [dict(zip(sheet.names, map(_json_cell, row), strict=True)) for row in sheet.rows]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _json_cell(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def arrow_table(sheet: Sheet) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return a sheet as a pyarrow table: texts, float64, int64 and booleans, with the meaning of each column."""
    import pyarrow as pa

    types = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    fields = [pa.field(it.name, types[it.kind], metadata={"meaning": it.meaning}) for it in sheet.columns]
    columns = zip(*sheet.rows, strict=True) if sheet.rows else ([] for _ in fields)
    arrays = [pa.array(cells, type=field.type) for field, cells in zip(fields, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def write_parquet(sheet: Sheet, path: Path) -> Path:
    """Write a sheet as Parquet in one step and return the path.

    Raises:
        StoreError: the file cannot be written.
    """
    from pyarrow import parquet

    partial = path.with_name(f"{path.name}.partial")
    try:
        parquet.write_table(arrow_table(sheet), partial, compression="zstd")
        partial.replace(path)
    except OSError as error:
        raise storage_error(error, f"writing {path.name}") from error
    return path
