"""Laws of pictures: what is written is shown, only where a licence lets it, and hostile files are refused."""

from __future__ import annotations

import dataclasses
import io
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tckr_bench.errors import RunError
from tckr_bench.results import pictures
from tckr_bench.results.pictures import PicturePair, may_be_shown, read_pictures, write_pictures


def picture(seed, side=32):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


PAIRS = (
    PicturePair("sample", 3, "a photo of a coat, dark", picture(0), picture(1)),
    PicturePair("copy", 0, "member, 2.0 of 255 apart", picture(2), picture(3, side=64)),
)


@pytest.fixture
def file(tmp_path):
    write_pictures(PAIRS, tmp_path / "x.images.parquet")
    return tmp_path / "x.images.parquet"


def refused(path):
    with pytest.raises(RunError, match=r"x\.images\.parquet") as error:
        read_pictures(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def with_column(path, name, values, kind=None):
    table = pq.read_table(path)
    index = table.column_names.index(name)
    pq.write_table(table.set_column(index, name, pa.array(values, kind or table.schema.field(name).type)), path)
    return path


def test_what_is_written_is_read_to_the_last_pixel(file):
    for found, pair in zip(read_pictures(file), PAIRS, strict=True):
        assert (found.kind, found.label, found.caption) == (pair.kind, pair.label, pair.caption)
        assert np.array_equal(found.real, pair.real)
        assert np.array_equal(found.synthetic, pair.synthetic)


def test_the_same_pairs_give_the_same_bytes(file, tmp_path):
    write_pictures(read_pictures(file), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_synthetic_image_alone_is_read_as_it_was_written_and_tells_nothing_else(tmp_path):
    write_pictures([pictures.alone(pair) for pair in PAIRS], tmp_path / "x")
    for found, pair in zip(read_pictures(tmp_path / "x"), PAIRS, strict=True):
        assert (found.kind, found.label, found.caption, found.real) == ("sample", pair.label, "", None)
        assert np.array_equal(found.synthetic, pair.synthetic)


@pytest.mark.parametrize("told", [{"kind": ["copy", "copy"]}, {"caption": ["a coat", "a coat"]}])
def test_a_file_that_tells_of_a_withheld_image_is_refused(tmp_path, told):
    write_pictures([pictures.alone(pair) for pair in PAIRS], tmp_path / "x.images.parquet")
    ((name, values),) = told.items()
    assert "more than the synthetic one is told" in refused(with_column(tmp_path / "x.images.parquet", name, values))


def test_large_pictures_are_made_smaller_and_long_captions_cut(tmp_path):
    large = dataclasses.replace(PAIRS[0], real=picture(0, side=400), caption="x" * 900)
    write_pictures([large], tmp_path / "x")
    (found,) = read_pictures(tmp_path / "x")
    assert max(found.real.shape[:2]) == pictures.MOST_SIDE
    assert len(found.caption) == pictures.MOST_CAPTION


def png(width, height):
    """A PNG that says it is as large as that, in a few bytes."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 64))]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (*chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg():
    written = io.BytesIO()
    Image.fromarray(PAIRS[0].real).save(written, format="JPEG")
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", png(257, 1), png(10_000, 10_000), png(60_000, 60_000), png(0, 0), jpeg(), png(8, 8)[:50]],
)
def test_a_picture_that_is_none_or_too_large_is_refused(file, content):
    refused(with_column(file, "real", [content] * 2))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "photo"),
        ("kind", None),
        ("label", -1),
        ("label", None),
        ("caption", None),
        ("caption", "x" * 501),
        ("caption", "a\u202eb"),
        ("synthetic", None),
    ],
)
def test_a_pair_that_cannot_be_shown_is_refused(file, column, value):
    refused(with_column(file, column, [value] * 2))


def test_a_table_of_other_columns_is_refused(file):
    table = pq.read_table(file)
    for other in (table.drop_columns(["caption"]), table.append_column("more", table.column("label"))):
        pq.write_table(other, file)
        assert "its columns are not" in refused(file)


def test_no_pairs_and_too_many_are_refused(file):
    table = pq.read_table(file)
    for count in (0, pictures.MOST_PAIRS + 1):
        pq.write_table(table.take(pa.array([0] * count, pa.int64())), file)
        assert "no pair of images, or more than 64" in refused(file)


def test_a_file_that_is_cut_short_too_large_or_not_there_is_refused(file, monkeypatch):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    refused(file)
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    assert "more than" in refused(file)
    file.unlink()
    refused(file)


@pytest.mark.parametrize("licence", ["MIT", "CC0", "CC BY 4.0", "cc-by-sa-4.0", "Apache 2.0", "BSD-3-Clause"])
def test_free_licences_let_images_be_shown(licence):
    assert may_be_shown(licence)


@pytest.mark.parametrize(
    "licence",
    ["", "not stated", "CC BY-NC 4.0", "cc-by-nc-sa-4.0", "CC BY-ND 4.0", "CC BY (NC)", "research only", "unMIT"],
)
def test_others_and_unknown_ones_do_not(licence):
    assert not may_be_shown(licence)
