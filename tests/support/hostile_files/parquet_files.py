"""Hostile Parquet: flipped, cut, bombs, other types, headers that lie, values that make no sense; and pictures."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hostile_files.world import EITHER, REFUSED, SHOWN, Folder, Hostile

KEY = b"tckr_bench_scores"


def signed(name: str, change: Callable[[Folder], object], expected: str = REFUSED) -> Hostile:
    """Return a case whose record names the changed files as they are, as an attacker would write it."""

    def apply(folder: Folder) -> None:
        change(folder)
        folder.sign()

    return Hostile(name, apply, expected)


def damaged(count: int, what: str = "scores", seed: int = 0) -> Iterator[Hostile]:
    """Flip bits in a file, and cut it, at random; half of the flips hit the end, where Parquet keeps its schema."""
    for number in range(count):

        def damage(folder: Folder, number: int = number) -> None:
            rng = np.random.default_rng([seed, number])
            path = getattr(folder, what)
            content = bytearray(path.read_bytes())
            start = 0 if number % 2 else max(0, len(content) - 4000)
            for place in rng.integers(start, len(content), size=int(rng.integers(1, 5))):
                content[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(content[: int(rng.integers(len(content)))] if number % 5 == 4 else content)

        yield signed(f"{what}/damaged-{seed}-{number}", damage, EITHER)


def retable(
    name: str, change: Callable[[pa.Table], pa.Table], *, expected: str = REFUSED, **options: object
) -> Hostile:
    """Return a case whose score file is another table."""

    def write(folder: Folder) -> None:
        table = pq.read_table(folder.scores)
        pq.write_table(change(table), folder.scores, **options)

    return signed(f"parquet/{name}", write, expected)


def _cast(table: pa.Table, column: str, kind: pa.DataType) -> pa.Table:
    index = table.schema.get_field_index(column)
    return table.set_column(index, column, pa.array([None] * len(table), kind))


def tables() -> Iterator[Hostile]:
    """Yield tables of other shapes and types, and values that make no sense."""
    kinds = (pa.string(), pa.large_string(), pa.binary(), pa.decimal128(9, 2), pa.timestamp("us"), pa.date32())
    kinds += (pa.list_(pa.float64()), pa.struct([("a", pa.int8())]), pa.float16(), pa.uint64(), pa.null())
    kinds += (pa.dictionary(pa.int8(), pa.string()), pa.map_(pa.string(), pa.int8()), pa.duration("s"), pa.int8())
    for column in ("test_labels", "attack/lira/scores"):
        for kind in kinds:
            yield retable(f"type-{column}-{kind}", lambda t, c=column, k=kind: _cast(t, c, k))
        yield retable(f"without-{column}", lambda t, c=column: t.drop_columns([c]))
    for value in (np.nan, np.inf, -np.inf):
        for column in ("test_logits#0", "teacher_logits#1", "attack/lira/scores", "attack/loss/scores"):
            yield retable(f"{column}={value}", lambda t, c=column, v=value: _filled(t, c, v))
    for column, value in (("test_labels", 3), ("test_labels", -1), ("test_labels", 2**62), ("attack/lira/labels", -4)):
        yield retable(f"{column}={value}", lambda t, c=column, v=value: _filled(t, c, v))
    for column in ("attack/lira/members", "attack/lira/canaries"):
        for value in (True, False):
            yield retable(f"{column}={value}", lambda t, c=column, v=value: _filled(t, c, v))
    for value in (1e308, -1e308, 5e-324, 0.0):
        yield retable(f"scores={value}", lambda t, v=value: _filled(t, "attack/lira/scores", v))
        yield retable(f"logits={value}", lambda t, v=value: _filled(t, "test_logits#0", v))
    yield retable("no-rows", lambda t: t.slice(0, 0))
    yield retable("one-row", lambda t: t.slice(0, 1))
    yield retable("twice", lambda t: pa.concat_tables([t, t]))
    yield retable("groups", lambda t: t, row_group_size=3)
    yield retable("no-header", lambda t: t.replace_schema_metadata(None))
    yield retable("extra-column", lambda t: t.append_column("extra", pa.array([1] * len(t))))
    yield retable(
        "columns", lambda t: pa.table({f"c{n}": [1] for n in range(4_100)}).replace_schema_metadata(t.schema.metadata)
    )
    for codec in ("gzip", "brotli", "lz4", "none", "snappy"):
        yield retable(f"codec-{codec}-cut", lambda t: t.slice(0, 7), compression=codec)
    for megabytes in (60, 250):
        yield signed(f"parquet/bomb-{megabytes}", lambda f, m=megabytes: _bomb(f, m * 125_000))


def _filled(table: pa.Table, column: str, value: object) -> pa.Table:
    old = table.column(column)
    count = len(old) - old.null_count
    array = pa.array([value] * count + [None] * old.null_count, old.type)
    return table.set_column(table.schema.get_field_index(column), column, array)


def _bomb(folder: Folder, rows: int) -> None:
    """Write few bytes that unpack to many values of one kind."""
    metadata = pq.read_schema(folder.scores).metadata
    schema = pa.schema([("test_labels", pa.int64())], metadata=metadata)
    batch = pa.table({"test_labels": np.zeros(rows // 8, dtype=np.int64)}).cast(schema)
    pq.write_table(pa.concat_tables([batch] * 8), folder.scores, row_group_size=rows, compression="zstd")


def headers() -> Iterator[Hostile]:
    """Yield score files whose description lies."""

    def told(name: str, change: Callable[[dict], object], expected: str = REFUSED) -> Hostile:
        def apply(table: pa.Table) -> pa.Table:
            about = json.loads(table.schema.metadata[KEY])
            found = change(about)
            return table.replace_schema_metadata({KEY: json.dumps(about if found is None else found).encode()})

        return retable(f"header-{name}", apply, expected=expected)

    for shape in ([-1], [10**9], [1, 10**9], [10**9, 10**9], [], [1, 2, 3], "ab", None, [None], [0], [0, 3], [3, 0]):
        for name in ("test_labels", "test_logits", "attack/lira/scores"):
            yield told(f"shape-{name}={shape}", lambda a, n=name, s=shape: a["shapes"].update({n: s}))
    yield told("shape-infinite", lambda a: a["shapes"].update(test_labels=[float("inf")]))
    yield told("shape-nan", lambda a: a["shapes"].update(test_labels=[float("nan")]))
    yield told("shapes-list", lambda a: a.update(shapes=[1]))
    yield told("shapes-none", lambda a: a.update(shapes={}))
    for target in ("nowhere", "attack/x/scores", 5, None, ["a"]):
        yield told(
            f"same={target}", lambda a, t=target: a["evidence"]["same"].update({"attack/loss/members": t, "x": t})
        )
    yield told("same-circle", lambda a: a["evidence"].update(same={"test_logits": "y", "y": "test_logits"}))
    yield told("same-many", lambda a: a["evidence"].update(same={f"s{n}": "test_labels" for n in range(20_000)}))
    yield told("models-many", lambda a: a["evidence"]["threat_models"].update(_models(8_000)))
    yield told("models-none", lambda a: a["evidence"].update(threat_models={}, order=[]))
    yield told("models-list", lambda a: a["evidence"].update(threat_models=[1]))
    yield told("order", lambda a: a["evidence"].update(order=["lira", "lira"]))
    yield told("order-swapped", lambda a: a["evidence"].update(order=["loss", "lira"]))
    yield told("primary", lambda a: a["evidence"].update(primary_attack="loss"))
    yield told(
        "guarantee", lambda a: a["evidence"].update(guarantee={"epsilon": float("nan"), "delta": 0, "accountant": ""})
    )
    # a claim like the scores themselves, with no metric that shows it: only running the command again can tell
    made_up = {"epsilon": 1, "delta": 0, "accountant": "x"}
    yield told("guarantee-made-up", lambda a: a["evidence"].update(guarantee=made_up), SHOWN)
    for value in (None, [], 5, "text", {}):
        yield told(f"whole={value}", lambda _, v=value: {"about": v} if v is None else v)
    for content in (b"", b"{", b"[" * 100_000, b"\xff\xfe", b"9" * 5_000, b" " * 2**21):
        yield retable(f"header-raw-{content[:4]!r}", lambda t, c=content: t.replace_schema_metadata({KEY: c}))


def _models(count: int) -> dict:
    return {f"a{number}": {"sees": "", "owns": ""} for number in range(count)}


def png(
    width: int = 8, height: int = 8, *, depth: int = 8, kind: int = 2, chunks: bytes = b"", data: bytes = b""
) -> bytes:
    """Return a PNG with what is said in its head, whatever its data."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = data or zlib.compress(b"".join(b"\0" + bytes(3 * min(width, 64)) for _ in range(min(height, 64))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunks + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def pictures() -> Iterator[Hostile]:
    """Yield files of pictures that hold bombs, what is no PNG, or too much."""
    bomb = zlib.compress(bytes(60 * 2**20), 9)
    images = {
        "huge": png(2**31 - 1, 2**31 - 1),
        "wide": png(100_000, 1),
        "large": png(13_000, 13_000),
        "none": png(0, 0),
        "cut": png()[:50],
        "no-data": png()[:33],
        "garbage": png(data=b"garbage"),
        "bomb": png(data=bomb),
        "text-bomb": png(chunks=chunk(b"zTXt", b"a\0\0" + bomb)),
        "text-bombs": png(chunks=chunk(b"iTXt", b"a\0\1\0\0\0" + bomb) * 3),
        "profile-bomb": png(chunks=chunk(b"iCCP", b"a\0\0" + bomb)),
        "two-heads": png(chunks=chunk(b"IHDR", struct.pack(">IIBBBBB", 9_000, 9_000, 8, 2, 0, 0, 0))),
        "bad-kind": png(kind=5),
        "bad-depth": png(depth=3),
        "no-palette": png(kind=3),
        "empty": b"",
        "gif": b"GIF89a" + bytes(40),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "jpeg": b"\xff\xd8\xff\xe0" + bytes(60),
        "webp": b"RIFF\x20\0\0\0WEBPVP8 " + bytes(40),
        "html": b"<script>alert(1)</script>",
        "pickle": b"\x80\x04N.",
    }
    fine = {"text": png(chunks=chunk(b"tEXt", b"Comment\0<script>")), "animated": png(chunks=chunk(b"acTL", bytes(8)))}
    for name, image in {**images, **fine}.items():
        expected = EITHER if name in fine or name in ("two-heads", "cut", "no-palette") or "bomb" in name else REFUSED
        yield signed(f"pictures/{name}", lambda f, i=image: _pictures(f, synthetic=i), expected)
    for kind in ("other", "", None, "sample\x00"):
        yield signed(f"pictures/kind={kind!r}", lambda f, k=kind: _pictures(f, kind=k))
    for caption in (None, "x" * 501, "a\u202eb", "a\x1b[31m"):
        yield signed(f"pictures/caption={caption!r}"[:40], lambda f, c=caption: _pictures(f, caption=c))
    for label in (-1, 3, 2**31 - 1):
        yield signed(f"pictures/label={label}", lambda f, n=label: _pictures(f, label=n))
    yield signed("pictures/rows", lambda f: _pictures(f, rows=65))
    yield signed("pictures/no-rows", lambda f: _pictures(f, rows=0))
    yield signed("pictures/dictionary", lambda f: _pictures(f, synthetic=bytes(2**20), rows=64))
    yield signed("pictures/is-scores", lambda f: f.pictures.write_bytes(f.scores.read_bytes()))


def _pictures(
    folder: Folder,
    *,
    kind: str | None = "sample",
    label: int = 0,
    caption: str | None = "<b>",
    synthetic: bytes | None = None,
    rows: int = 1,
) -> None:
    from PIL import Image

    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, format="PNG")
    columns = {
        "kind": pa.array([kind] * rows, pa.string()),
        "label": pa.array([label] * rows, pa.int32()),
        "caption": pa.array([caption] * rows, pa.string()),
        "real": pa.array([written.getvalue()] * rows, pa.binary()),
        "synthetic": pa.array([written.getvalue() if synthetic is None else synthetic] * rows, pa.binary()),
    }
    pq.write_table(pa.table(columns), folder.pictures)
