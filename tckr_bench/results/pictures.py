"""Pictures of a record: real images beside synthetic ones, as a small Parquet table of PNG files.

They are for people to look at; no measurement rests on them. Real images and their captions are in them only where the
dataset's licence lets its images be shown, or where the user of a run asked for it; else synthetic images stand alone.
They are submitted only where the licence lets them be.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tckr_bench.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tckr_bench.records import Images

MOST_BYTES = 2 * 2**20
MOST_PAIRS = 64
MOST_SIDE = 256
MOST_CAPTION = 500
_SIDES = (MOST_SIDE, 160, 96, 64, 32)
PictureKind = Literal["sample", "copy"]
_COLUMNS = {"kind": "string", "label": "int32", "caption": "string", "real": "binary", "synthetic": "binary"}
_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
"""How a PNG file begins; width and height follow, so that they are known before anything is decoded."""
_DAMAGED = (ValueError, SyntaxError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, MemoryError)
"""What hostile bytes raise on the way to pictures, beside the errors of Arrow, zlib and struct."""
_FREE = ("mit", "cc0", "cc by", "cc-by", "public domain", "apache", "bsd", "pddl", "odc-by")
_NOT_FREE = ("nc", "nd", "noncommercial", "noderivatives")


@dataclass(frozen=True)
class PicturePair:
    """A real image and a synthetic one, (height, width, 3) uint8 each.

    Of a `sample` the synthetic image was made from the real one's caption; of a `copy` it is the nearest one found. A
    sample whose real image may not be seen has None in its place, and no caption.
    """

    kind: PictureKind
    label: int
    caption: str
    real: Images | None
    synthetic: Images

    def __post_init__(self) -> None:
        assert self.real is not None or (self.kind == "sample" and not self.caption), "withheld with all it tells"


def alone(pair: PicturePair) -> PicturePair:
    """Return a pair without its real image and what is said of that."""
    return PicturePair("sample", pair.label, "", None, pair.synthetic)


def may_be_shown(licence: str) -> bool:
    """Return whether a licence, by its name, lets anyone show the images; unknown ones do not.

    >>> may_be_shown("MIT"), may_be_shown("CC BY 4.0"), may_be_shown("CC BY-NC 4.0"), may_be_shown("not stated")
    (True, True, False, False)
    """
    words = licence.lower()
    parts = set(words.replace("-", " ").replace("(", " ").replace(")", " ").split())
    return words.startswith(_FREE) and not parts & set(_NOT_FREE)


def spread(pairs: Sequence[PicturePair], most: int) -> list[PicturePair]:
    """Return at most so many pairs, spread evenly over their order, which is that of the classes."""
    count = min(len(pairs), most)
    return [pairs[round(index * (len(pairs) - 1) / max(1, count - 1))] for index in range(count)]


def write_pictures(pairs: Sequence[PicturePair], path: Path) -> None:
    """Write pairs of images, in the largest size, 256 pixels a side at most, in which all of them fit into the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for side in _SIDES:
        images = [(None if pair.real is None else _png(pair.real, side), _png(pair.synthetic, side)) for pair in pairs]
        if sum(len(real or b"") + len(synthetic) for real, synthetic in images) <= MOST_BYTES // 2:
            break
    columns = {
        "kind": pa.array([pair.kind for pair in pairs], pa.string()),
        "label": pa.array([pair.label for pair in pairs], pa.int32()),
        "caption": pa.array([pair.caption[:MOST_CAPTION] for pair in pairs], pa.string()),
        "real": pa.array([real for real, _ in images], pa.binary()),
        "synthetic": pa.array([synthetic for _, synthetic in images], pa.binary()),
    }
    pq.write_table(pa.table(columns), path, compression="zstd", write_statistics=False)


def read_pictures(path: Path) -> tuple[PicturePair, ...]:
    """Read what `write_pictures` wrote; the file is hostile.

    Raises:
        RunError: it is missing, too large, or not a file of pictures.
    """
    import struct
    import zlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.exists() and not path.is_file():
            raise RunError(f"the file of pictures {path.name} is not a regular file")
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"the file of pictures {path.name} has more than {MOST_BYTES // 2**20} MiB")
        with pq.ParquetFile(path, memory_map=False) as file:
            fault = _fault_of(file)
            if fault:
                raise RunError(f"the file of pictures {path.name} is not valid: {fault}")
            rows = file.read(use_threads=False).to_pylist()
        return tuple(_pair(row) for row in rows)
    except OSError as error:
        raise RunError(f"the file of pictures {path.name} cannot be read: {str(error)[:200]}") from error
    except (pa.ArrowException, zlib.error, struct.error, *_DAMAGED) as error:
        raise RunError(f"the file of pictures {path.name} is not valid: {str(error)[:200]}") from error


def _fault_of(file: object) -> str:
    metadata, schema = file.metadata, file.schema_arrow  # type: ignore[attr-defined]
    if {field.name: str(field.type) for field in schema} != _COLUMNS or len(schema) != len(_COLUMNS):
        return f"its columns are not {', '.join(_COLUMNS)}"
    if not 1 <= metadata.num_rows <= MOST_PAIRS or metadata.num_row_groups != 1:
        return f"it has no pair of images, or more than {MOST_PAIRS}"
    group = metadata.row_group(0)  # its columns are not asked: what they say can end the process in Arrow
    if group.num_rows != metadata.num_rows:
        return "it declares two numbers of rows"
    if group.total_byte_size > 4 * MOST_BYTES:
        return "it unpacks to more than a file of pictures may"
    return ""


def _pair(row: dict[str, object]) -> PicturePair:
    from tckr_bench.results.hostile_json import fault_of_texts

    kind, label, caption = row["kind"], row["label"], row["caption"]
    if kind not in ("sample", "copy") or not isinstance(label, int) or label < 0 or not isinstance(caption, str):
        raise ValueError("a pair has no kind, label or caption")
    if len(caption) > MOST_CAPTION or fault_of_texts(caption):
        raise ValueError("a caption is too long or holds characters that cannot be shown")
    withheld = row["real"] is None
    if withheld and (kind == "copy" or caption):
        raise ValueError("a picture is not there, and more than the synthetic one is told")
    real = None if withheld else _pixels(row["real"])
    return PicturePair("sample" if kind == "sample" else "copy", label, caption, real, _pixels(row["synthetic"]))


def _png(image: Images, side: int) -> bytes:
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    written = io.BytesIO()
    picture.save(written, format="PNG", optimize=True)
    return written.getvalue()


def _pixels(content: object) -> Images:
    """Decode one PNG of an allowed size; anything else is a ValueError. What its decoder warns of is not our matter."""
    import warnings

    import numpy as np
    from PIL import Image

    if not isinstance(content, bytes) or not content.startswith(_HEAD):
        raise ValueError("a picture is not there, or no PNG")
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    if not 1 <= min(width, height) <= max(width, height) <= MOST_SIDE:
        raise ValueError(f"a picture has more than {MOST_SIDE} pixels a side, or none")
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
        if picture.size != (width, height):
            raise ValueError("a picture has two sizes")
        return np.asarray(picture.convert("RGB"))
