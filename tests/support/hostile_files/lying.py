"""Parquet that lies: footers and page headers that say other than what follows, and small files that unpack to much."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hostile_files import thrift
from hostile_files.parquet_files import signed
from hostile_files.thrift import Listed, Struct
from hostile_files.world import EITHER, REFUSED, Folder, Hostile

MANY = 60_000_000
ODD = (-1, 0, 1, 2**31 - 1, 2**31, 2**62, MANY)
OF_THE_FILE = {"version": 1, "rows": 3}
OF_THE_GROUP = {"group-bytes": 2, "group-rows": 3}
OF_THE_COLUMN = {
    "type": 1,
    "codec": 4,
    "values": 5,
    "unpacked": 6,
    "packed": 7,
    "page": 9,
    "index": 10,
    "dictionary": 11,
}
OF_THE_PAGE = {"kind": 1, "unpacked": 2, "packed": 3}
OF_ITS_VALUES = {"values": 1, "encoding": 2, "definitions": 3}


@dataclass
class Parquet:
    """A Parquet file taken apart: its pages with the magic before them, and its footer."""

    pages: bytes
    footer: Struct

    @property
    def group(self) -> Struct:
        """The only group of rows."""
        return self.footer[4].entries[0]

    @property
    def column(self) -> Struct:
        """What the footer says of the first column."""
        return self.group[1].entries[0][3]

    def bytes(self) -> bytes:
        """Return the file."""
        footer = thrift.written(self.footer)
        return self.pages + footer + struct.pack("<I", len(footer)) + b"PAR1"

    def lie_of_page(self, change: Callable[[Struct], object]) -> None:
        """Write the first column's first page anew, with another header, behind all other pages."""
        known = self.column.fields
        first = min(self.column[number] for number in (9, 11) if number in known)
        header, start = thrift.read(self.pages, first)
        rest = self.pages[start : first + self.column[7]]
        change(header)
        place, written = len(self.pages), thrift.written(header)
        moved = place + len(written) - start
        self.pages += written + rest
        for number in (9, 11):
            if number in known:
                self.column.put(number, place if self.column[number] == first else self.column[number] + moved)
        self.column.put(7, len(written) + len(rest))


def opened(content: bytes) -> Parquet:
    """Take a Parquet file apart."""
    (size,) = struct.unpack("<I", content[-8:-4])
    return Parquet(content[: -8 - size], thrift.read(content, len(content) - 8 - size)[0])


def retold(name: str, change: Callable[[Parquet], object], expected: str = EITHER) -> Hostile:
    """Return a case whose score file is put together anew after a change."""

    def apply(folder: Folder) -> None:
        file = opened(folder.scores.read_bytes())
        change(file)
        folder.scores.write_bytes(file.bytes())

    return signed(f"lying/{name}", apply, expected)


def lies() -> Iterator[Hostile]:
    """Put numbers that are not so into each place of the footer and of a page's header.

    Some are of no account: Arrow reads the same evidence whatever they say.
    """
    yield retold("put-together-anew", lambda f: None)
    yield retold("page-put-together-anew", lambda f: f.lie_of_page(lambda header: None))
    for value in ODD:
        for name, number in OF_THE_FILE.items():
            yield retold(f"{name}={value}", lambda f, n=number, v=value: f.footer.put(n, v))
        for name, number in OF_THE_GROUP.items():
            yield retold(f"{name}={value}", lambda f, n=number, v=value: f.group.put(n, v))
        for name, number in OF_THE_COLUMN.items():
            yield retold(f"column-{name}={value}", lambda f, n=number, v=value: f.column.put(n, v))
        for name, number in OF_THE_PAGE.items():
            yield _page(f"page-{name}={value}", lambda header, n=number, v=value: header.put(n, v))
        for name, number in OF_ITS_VALUES.items():
            yield _page(f"page-of-{name}={value}", lambda header, n=number, v=value: _values(header).put(n, v))
    yield from _schemas()
    yield from _ends()


def _page(name: str, change: Callable[[Struct], object]) -> Hostile:
    return retold(name, lambda file: file.lie_of_page(change))


def _values(header: Struct) -> Struct:
    return next(header[number] for number in (5, 7, 8) if number in header.fields)


def _schemas() -> Iterator[Hostile]:
    def schema(change: Callable[[list], object]) -> Callable[[Parquet], None]:
        return lambda file: change(file.footer[2].entries)

    for value in ODD:
        yield retold(f"children={value}", schema(lambda e, v=value: e[0].put(5, v)))
        yield retold(f"repetition={value}", schema(lambda e, v=value: e[1].put(3, v)))
    yield retold("no-schema", schema(lambda e: e.clear()), REFUSED)
    yield retold("no-groups", lambda f: f.footer[4].entries.clear(), REFUSED)
    yield retold("groups", lambda f: f.footer[4].entries.extend(f.footer[4].entries * 500), REFUSED)
    for depth in (100, 50_000):
        yield retold(f"deep-{depth}", lambda f, d=depth: f.footer.put(2, _deep(d)), REFUSED)
    yield retold("wide", schema(lambda e: e.extend(e[1:2] * 60_000)), REFUSED)


def _deep(depth: int) -> Listed:
    group = Struct({4: (thrift.BINARY, b"g"), 5: (5, 1), 3: (5, 1)})
    leaf = Struct({1: (5, 2), 3: (5, 1), 4: (thrift.BINARY, b"x")})
    return Listed(thrift.STRUCT, [group] * depth + [leaf])


def _ends() -> Iterator[Hostile]:
    def ended(name: str, change: Callable[[bytes], bytes], expected: str = REFUSED) -> Hostile:
        return signed(f"lying/{name}", lambda f: f.scores.write_bytes(change(f.scores.read_bytes())), expected)

    for size in (0, 1, 2**31 - 1, 2**31, 2**32 - 1):
        yield ended(f"footer-of-{size}", lambda c, s=size: c[:-8] + struct.pack("<I", s) + c[-4:])
    yield ended("encrypted", lambda c: b"PARE" + c[4:-4] + b"PARE")
    yield ended("encrypted-end", lambda c: c[:-4] + b"PARE")
    yield ended("magic-alone", lambda c: b"PAR1")
    yield ended("magic-twice", lambda c: b"PAR1PAR1")
    yield ended("magic-other", lambda c: c[:-4] + b"PAR2")
    yield ended("deep-thrift", lambda c: b"PAR1" + b"\x1c" * 100_000 + struct.pack("<I", 100_000) + b"PAR1")
    yield ended("long-list", lambda c: b"PAR1\x29\xfc\xff\xff\xff\xff\x07" + struct.pack("<I", 7) + b"PAR1")
    algorithm = Struct({1: (thrift.STRUCT, Struct({1: (thrift.BINARY, b"aad")}))})
    yield retold("encryption", lambda f: f.footer.put(8, algorithm, thrift.STRUCT))
    yield retold("elsewhere", lambda f: f.group[1].entries[0].put(1, b"/etc/passwd", thrift.BINARY))


def bombs() -> Iterator[Hostile]:
    """Write few bytes that unpack to sixty million values, and say so or not."""

    def hidden(file: Parquet) -> None:
        """Say that all values are but twelve."""
        for part, number in ((file.footer, 3), (file.group, 3), (file.column, 5)):
            part.put(number, 12)
        small(file)

    def small(file: Parquet) -> None:
        """Say that what is unpacked is little."""
        file.group.put(2, 100)
        file.column.put(6, 100)

    def few_rows(file: Parquet) -> None:
        for part in (file.footer, file.group):
            part.put(3, 12)
        small(file)

    one_page = {"data_page_size": 2**31 - 1, "write_batch_size": MANY, **_unbounded_pages()}
    ways = {
        "dictionary": {"use_dictionary": True, "compression": "none", **one_page},
        "dictionary-zstd": {"use_dictionary": True, "compression": "zstd"},
        "plain-zstd": {"use_dictionary": False, "compression": "zstd", **one_page},
        "delta": {"use_dictionary": False, "column_encoding": "DELTA_BINARY_PACKED", "compression": "zstd"},
    }
    for way, options in ways.items():
        for name, lie in {"told": lambda _: None, "hidden": hidden, "small": small, "rows": few_rows}.items():
            yield signed(f"bomb/{way}-{name}", lambda f, o=options, h=lie: _bomb(f, o, h))


def _unbounded_pages() -> dict:
    """Return what keeps the rows of a page unbounded; early versions of Arrow bound them by bytes alone."""
    return {"max_rows_per_page": MANY} if "max_rows_per_page" in signature(pq.write_table).parameters else {}


_WRITTEN: dict[str, bytes] = {}


def _bomb(folder: Folder, options: dict, lie: Callable[[Parquet], object]) -> None:
    key = repr(options)
    metadata = pq.read_schema(folder.scores).metadata
    if key not in _WRITTEN:
        table = pa.table({"test_labels": np.zeros(MANY, dtype=np.int64)}).replace_schema_metadata(metadata)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=MANY, write_statistics=False, **options)
        _WRITTEN[key] = sink.getvalue().to_pybytes()
    file = opened(_WRITTEN[key])
    lie(file)
    folder.scores.write_bytes(file.bytes())
