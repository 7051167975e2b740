"""The score file of a record: the evidence of one cell as a Parquet table that any tool can read.

A column holds one vector, `attack/lira/scores` for instance, in the order of its examples; columns shorter than the
table end in nulls. A matrix of examples takes a column per column of its own, `test_logits#0`, `test_logits#1`; one
that is wider than long (shadow models x canaries) is one column, row after row. The rest (threat models, order of the
attacks, shapes) is JSON in the schema's metadata.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tckr_bench.errors import RunError
from tckr_bench.results.evidence import flatten_evidence, restore_evidence
from tckr_bench.results.soundness import fault_of_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tckr_bench.records import AttackScores, CellEvidence

MOST_BYTES = 16 * 2**20
MOST_VALUES = 2**25
MOST_COLUMNS = 4_000
MOST_HEADER = 2**20
MOST_ATTACKS = 100
LEVEL = 9
INFINITE = 0x7F800000
"""The bits of infinity in float32."""
GRID = 2**5
"""Steps of float32 between two values that a score may have: 18 of its 23 bits after the point are used."""
_KEY = "tckr_bench_scores"
_TYPES = ("float", "double", "int64", "int32", "bool", "uint8")
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""What hostile bytes raise on the way to evidence, beside the errors of Arrow."""


def narrowed(evidence: CellEvidence) -> CellEvidence:
    """Return evidence whose scores are float32 values of few bits, in the order and with the ties they had.

    Every metric of scores looks at their order alone, so that no measurement changes and a file is half as large.
    Distances of copies and the AUCs of an audit, which are looked at as numbers, stay as they are.
    """
    return replace(evidence, attacks={label: _narrowed_attack(attack) for label, attack in evidence.attacks.items()})


def _narrowed_attack(attack: AttackScores) -> AttackScores:
    audit = attack.audit
    if audit is not None:
        audit = replace(audit, vulnerability=narrow(audit.vulnerability), canary_scores=narrow(audit.canary_scores))
    return replace(attack, scores=narrow(attack.scores), audit=audit)


def narrow(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return values rounded to float32 with 18 bits after the point, as float64; their order and ties stay.

    Where different values would become one, each takes the next step of the grid after that of the value below it.
    Values beyond the range of float32 are returned as they are.

    >>> import numpy as np
    >>> close = narrow(np.array([1.0, 1.0 + 1e-12, 1.0]))
    >>> bool(close[0] == close[2]), float(close[1] - 1) == 2**-18
    (True, True)
    """
    import numpy as np

    distinct, places = np.unique(values.ravel(), return_inverse=True)
    with np.errstate(over="ignore"):
        bits = distinct.astype(np.float32).view(np.int32).astype(np.int64)
    ordered = np.where(bits < 0, -(bits & (2**31 - 1)), bits)  # integers in the order of the values
    room = np.arange(len(ordered))
    grid = np.maximum.accumulate(np.rint(ordered / GRID).astype(np.int64) - room) + room
    ordered = grid * GRID
    if np.abs(ordered).max(initial=0) >= INFINITE:
        return values
    rounded = np.where(ordered < 0, 2**31 - ordered, ordered).astype(np.uint32).view(np.float32).astype(np.float64)
    return rounded[places].reshape(values.shape)


def _in_single_precision(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return float64 values as float32 where that loses nothing."""
    import numpy as np

    if array.dtype != np.float64:
        return array
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), array) else array


def write_scores(evidence: CellEvidence, path: Path) -> None:
    """Write the evidence of a cell as one Parquet file, the same bytes for the same evidence."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays, header = flatten_evidence(evidence)
    arrays = {name: _in_single_precision(array) for name, array in arrays.items()}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    columns = {name: column for key, array in arrays.items() for name, column in _columns(key, array).items()}
    rows = max(map(len, columns.values()))
    table = pa.table({name: _padded(column, rows) for name, column in columns.items()})
    about = json.dumps({"evidence": json.loads(header), "shapes": shapes}, sort_keys=True)
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=[name for name in columns if name not in floats],
        use_byte_stream_split=floats,
        write_statistics=False,
        store_schema=False,  # it would repeat the schema and its metadata
    ) as writer:
        writer.write_table(table, row_group_size=rows)
        writer.add_key_value_metadata({_KEY: about})


def read_scores(path: Path) -> CellEvidence:
    """Read what `write_scores` wrote; the file is hostile, and judged by its declared size before it is unpacked.

    Raises:
        RunError: it is missing, damaged, too large, or not evidence.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.exists() and not path.is_file():
            raise RunError(f"the score file {path.name} is not a regular file")
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"the score file {path.name} has more than {MOST_BYTES // 2**20} MiB")
        with pq.ParquetFile(path, memory_map=False, buffer_size=2**20) as file:
            fault = _fault_of(file)
            if fault:
                raise RunError(f"the score file {path.name} is not valid: {fault}")
            about = json.loads(file.schema_arrow.metadata[_KEY.encode()])
            if len(about["evidence"]["threat_models"]) > MOST_ATTACKS:
                raise RunError(f"the score file {path.name} has more than {MOST_ATTACKS} attacks")
            table = file.read(use_threads=False)
        evidence = restore_evidence(_arrays(table, about["shapes"]), json.dumps(about["evidence"]))
        fault = fault_of_evidence(evidence)
    except OSError as error:
        raise RunError(f"the score file {path.name} cannot be read: {_first_line(error)}") from error
    except (pa.ArrowException, *_DAMAGED) as error:
        raise RunError(f"the score file {path.name} is not valid: {_first_line(error)}") from error
    if fault:
        raise RunError(f"the score file {path.name} holds no evidence: {fault}")
    return evidence


def _columns(name: str, array: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Return an array as columns under their names."""
    assert array.ndim in (1, 2), "evidence has vectors and matrices"
    if _is_one_column(array.shape):
        return {name: array.reshape(-1)}
    return {f"{name}#{index}": array[:, index] for index in range(array.shape[1])}


def _is_one_column(shape: Sequence[int]) -> bool:
    return len(shape) == 1 or shape[0] < shape[1] or shape[1] == 0  # no columns would lose the type of no values


def _padded(column: npt.NDArray[Any], rows: int) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    filled = np.zeros(rows, dtype=column.dtype)
    filled[: len(column)] = column
    return pa.array(filled, mask=np.arange(rows) >= len(column))


def _fault_of(file: pq.ParquetFile) -> str:
    """Return what keeps a file from being unpacked: what it declares is known without reading a value."""
    metadata, schema = file.metadata, file.schema_arrow
    if metadata.num_columns > MOST_COLUMNS:
        return f"it has more than {MOST_COLUMNS:,} columns"
    if metadata.num_rows < 1 or metadata.num_rows * metadata.num_columns > MOST_VALUES:
        return f"it declares no values, or more than {MOST_VALUES:,}"
    if metadata.num_row_groups != 1:
        return "it has none or more than one group of rows"
    for field in schema:
        if str(field.type) not in _TYPES:
            return f"a column has the type {str(field.type)[:40]}"
    if len(set(schema.names)) < len(schema.names):
        return "two columns have one name"
    group = metadata.row_group(0)  # its columns are not asked: what they say can end the process in Arrow
    if group.num_rows != metadata.num_rows:
        return "it declares two numbers of rows"
    if group.total_byte_size > 16 * MOST_VALUES:
        return f"it unpacks to more than {16 * MOST_VALUES // 2**20} MiB"
    text = (schema.metadata or {}).get(_KEY.encode())
    if text is None or len(text) > MOST_HEADER:
        return "its metadata has no description of evidence, or an immense one"
    return ""


def _arrays(table: pa.Table, shapes: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Put vectors and matrices together again; every column must be used, and filled as far as its shape says."""
    import numpy as np

    arrays, used = {}, 0
    for name, shape in shapes.items():
        counts = [int(count) for count in shape]
        if len(counts) not in (1, 2) or min(counts) < 0 or max(counts) > MOST_VALUES:
            raise ValueError(f"the shape of {name[:80]} is none")
        if _is_one_column(counts):
            arrays[name] = _vector(table, name, math.prod(counts)).reshape(counts)
            used += 1
        else:
            columns = [_vector(table, f"{name}#{index}", counts[0]) for index in range(counts[1])]
            arrays[name] = np.stack(columns, axis=1) if columns else np.zeros(counts)
            used += counts[1]
        if name.startswith("attack/") and arrays[name].dtype == np.float32:
            arrays[name] = arrays[name].astype(np.float64)  # attacks score in double precision, whatever the file holds
    if used != table.num_columns:
        raise ValueError("its columns are not those that its metadata describe")
    return arrays


def _vector(table: pa.Table, name: str, count: int) -> npt.NDArray[Any]:
    if name not in table.column_names:
        raise ValueError(f"it has no column {name[:80]}")
    column = table.column(name)
    if column.null_count != len(column) - count or column.slice(0, count).null_count:
        raise ValueError(f"the column {name[:80]} does not hold {count} values")
    values: npt.NDArray[Any] = column.slice(0, count).to_numpy()
    return values


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(". ")
