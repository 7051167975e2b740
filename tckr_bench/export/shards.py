"""Writes images as parquet shards that the Hugging Face `datasets` library loads, never all of them in memory."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Images, LabelledImages

SHARD_BYTES = 450 * 10**6
"""Bytes of raw pixels in a shard at most; PNG rarely takes more, and the hub wants files of about 500 MB."""
MOST_ROWS, BATCH_BYTES = 128, 64 * 10**6
"""How much is held in memory at a time: so many images at most, and so many bytes of raw pixels but for one image."""
PROBABILITIES = "teacher_probabilities"


@dataclass(frozen=True)
class Table:
    """What is written: images with labels, and maybe a prompt and a teacher's probabilities for each.

    `teacher` maps images (n, height, width, 3) uint8 to probabilities (n, classes) float32.
    """

    images: LabelledImages
    class_names: tuple[str, ...]
    prompts: tuple[str, ...] | None = None
    teacher: Callable[[Images], npt.NDArray[np.float32]] | None = None


def shard_names(count: int, image_bytes: int, *, limit: int = SHARD_BYTES) -> list[tuple[str, range]]:
    """Return the name of each shard with the rows in it, as even as can be.

    >>> shard_names(5, 100, limit=250)[-1]
    ('train-00002-of-00003.parquet', range(4, 5))
    """
    rows = max(1, limit // max(1, image_bytes))
    size = math.ceil(count / math.ceil(count / rows))
    shards = math.ceil(count / size)
    return [
        (f"train-{index:05d}-of-{shards:05d}.parquet", range(index * size, min(count, (index + 1) * size)))
        for index in range(shards)
    ]


def write_shards(
    table: Table, folder: Path, *, progress: Callable[[int], None], limit: int = SHARD_BYTES
) -> tuple[Path, ...]:
    """Write every shard into a folder and return their paths; `progress` is told how many images are written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = features_of(table).arrow_schema
    image_bytes = math.prod(table.images.images.shape[1:])
    step, paths = max(1, min(MOST_ROWS, BATCH_BYTES // image_bytes)), []
    for name, rows in shard_names(len(table.images), image_bytes, limit=limit):
        paths.append(folder / name)
        with pq.ParquetWriter(paths[-1], schema) as writer:
            for start in range(rows.start, rows.stop, step):
                part = slice(start, min(rows.stop, start + step))
                writer.write_table(pa.Table.from_pydict(_columns(table, part), schema=schema))
                progress(part.stop)
    return tuple(paths)


def features_of(table: Table) -> Any:  # noqa: ANN401 - the datasets library has no types
    """Return the features of the columns, as the datasets library names them."""
    from datasets import ClassLabel, Features, Image, List, Value

    columns: dict[str, Any] = {"image": Image(), "label": ClassLabel(names=list(table.class_names))}
    if table.prompts is not None:
        columns["prompt"] = Value("string")
    if table.teacher is not None:
        columns[PROBABILITIES] = List(Value("float32"), length=len(table.class_names))
    return Features(columns)


def _columns(table: Table, part: slice) -> dict[str, Any]:
    images = table.images.images[part]
    columns: dict[str, Any] = {
        "image": [{"bytes": png, "path": None} for png in _encoded(images)],
        "label": table.images.labels[part].tolist(),
    }
    if table.prompts is not None:
        columns["prompt"] = list(table.prompts[part])
    if table.teacher is not None:
        columns[PROBABILITIES] = list(table.teacher(images))
    return columns


def _encoded(images: Images) -> Iterator[bytes]:
    """Yield each image as PNG, which loses nothing."""
    from PIL import Image

    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="PNG")
        yield buffer.getvalue()
