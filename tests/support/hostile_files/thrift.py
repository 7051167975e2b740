"""Thrift's compact protocol, read and written as it stands: what Parquet's footers and page headers are made of."""

from __future__ import annotations

import struct
from dataclasses import dataclass

TRUE, FALSE, BYTE, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 6, 7, 8, 9, 10, 12
INTEGERS = (4, 5, I64)


@dataclass
class Listed:
    """A list and the kind of its entries."""

    kind: int
    entries: list


@dataclass
class Struct:
    """The fields of a structure, (kind, value) by number."""

    fields: dict[int, tuple[int, object]]

    def __getitem__(self, number: int) -> object:
        return self.fields[number][1]

    def put(self, number: int, value: object, kind: int = I64) -> None:
        """Put a value into a field; one that is there keeps its kind."""
        self.fields[number] = (self.fields.get(number, (kind, None))[0], value)


def read(content: bytes, place: int = 0) -> tuple[Struct, int]:
    """Read a structure; return it and where it ends."""
    fields, number = {}, 0
    while content[place]:
        head = content[place]
        place += 1
        if head >> 4:
            number += head >> 4
        else:
            number, place = _integer(content, place)
        kind = head & 15
        value, place = (kind == TRUE, place) if kind in (TRUE, FALSE) else _value(content, place, kind)
        fields[number] = (kind, value)
    return Struct(fields), place + 1


def written(value: Struct) -> bytes:
    """Return a structure as bytes."""
    parts, last = [], 0
    for number, (kind, part) in sorted(value.fields.items()):
        kept = (TRUE if part else FALSE) if kind in (TRUE, FALSE) else kind
        near = 0 < number - last < 16
        parts.append(bytes([(number - last) << 4 | kept]) if near else bytes([kept]) + _zigzag(number))
        parts.append(b"" if kind in (TRUE, FALSE) else _bytes(kind, part))
        last = number
    return b"".join(parts) + b"\0"


def _value(content: bytes, place: int, kind: int) -> tuple[object, int]:
    if kind in INTEGERS:
        return _integer(content, place)
    if kind in (BYTE, TRUE, FALSE):
        return content[place], place + 1
    if kind == DOUBLE:
        return struct.unpack_from("<d", content, place)[0], place + 8
    if kind == BINARY:
        count, place = _varint(content, place)
        return content[place : place + count], place + count
    if kind == STRUCT:
        return read(content, place)
    assert kind in (LIST, SET), "Parquet has no other kinds"
    count, inner = content[place] >> 4, content[place] & 15
    place += 1
    if count == 15:
        count, place = _varint(content, place)
    entries = []
    for _ in range(count):
        entry, place = _value(content, place, inner)
        entries.append(entry)
    return Listed(inner, entries), place


def _bytes(kind: int, value: object) -> bytes:
    if kind in INTEGERS:
        return _zigzag(value)
    if kind in (BYTE, TRUE, FALSE):
        return bytes([value])
    if kind == DOUBLE:
        return struct.pack("<d", value)
    if kind == BINARY:
        return _unsigned(len(value)) + value
    if kind == STRUCT:
        return written(value)
    count = len(value.entries)
    head = bytes([count << 4 | value.kind]) if count < 15 else bytes([0xF0 | value.kind]) + _unsigned(count)
    return head + b"".join(_bytes(value.kind, entry) for entry in value.entries)


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (content[place] & 127) << shift
        shift += 7
        place += 1
        if content[place - 1] < 128:
            return value, place


def _integer(content: bytes, place: int) -> tuple[int, int]:
    value, place = _varint(content, place)
    return (value >> 1) ^ -(value & 1), place


def _unsigned(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _zigzag(value: int) -> bytes:
    return _unsigned((value << 1 ^ value >> 63) & (2**64 - 1))
