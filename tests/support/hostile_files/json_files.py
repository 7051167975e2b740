"""Hostile JSON: broken, immense, deep, of the wrong types, with what the schema does not know or lacks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from hostile_files.world import EITHER, REFUSED, SHOWN, Folder, Hostile, at, paths_of, put

WRONG = (None, True, 7, -3.5, "text", [], {}, [[]], {"a": 1}, 10**14, "x" * 30_000, "\ud800")
FREE = ("command", "recipe")
UNSEEN = ("\x00", "\x1b[31m", "\u202e", "\u200b", "\ufeff", "\u2028", "\x85", "\ud800", "\ue000", "\U000e0041", "\r\n")


def raw(name: str, write: Callable[[bytes], bytes], expected: str = REFUSED) -> Hostile:
    """Return a case that changes the bytes of the record."""
    return Hostile(name, lambda folder: folder.record.write_bytes(write(folder.record.read_bytes())), expected)


def changed(name: str, change: Callable[[dict], object], expected: str = REFUSED) -> Hostile:
    """Return a case that changes the JSON of the record; what `change` returns is written, or what it was given."""

    def apply(folder: Folder) -> None:
        value = folder.json()
        found = change(value)
        folder.write(value if found is None else found)

    return Hostile(name, apply, expected)


def texts(name: str, old: str, new: str, expected: str = REFUSED) -> Hostile:
    """Return a case that puts a text in the place of another in the JSON."""
    return raw(name, lambda content: content.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1), expected)


def flipped(count: int, seed: int = 0) -> Iterator[Hostile]:
    """Flip bits of a record, at random."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])

        def flip(content: bytes, rng: np.random.Generator = rng) -> bytes:
            changed = bytearray(content)
            for place in rng.integers(len(content), size=int(rng.integers(1, 4))):
                changed[place] ^= 1 << int(rng.integers(8))
            return bytes(changed)

        yield raw(f"json/flip-{seed}-{number}", flip, EITHER)


def truncated(count: int) -> Iterator[Hostile]:
    """End a record early, at places spread over it."""
    for number in range(count):
        yield raw(f"json/cut-{number}", lambda content, part=number / count: content[: int(part * len(content))])


def broken() -> Iterator[Hostile]:
    """Yield what is no JSON, or JSON that must not be."""
    number = '"cardinality":1.0'
    for literal in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "9" * 400, "1e15.", "0x10", "1e308"):
        yield texts(f"json/number-{literal[:12]}", number, f'"cardinality":{literal}')
    for what in ("seed", "size", "examples", "images_generated", "cores"):
        for value in ("1e400", "9" * 4400, "9" * 300, "-9" + "0" * 200):
            yield _after(f"json/{what}-{value[:6]}-{len(value)}", f'"{what}":', value)
    yield raw("json/bom", lambda content: b"\xef\xbb\xbf" + content, EITHER)
    yield raw("json/utf-16", lambda content: content.decode().encode("utf-16"), EITHER)
    yield raw("json/utf-32", lambda content: content.decode().encode("utf-32"), EITHER)
    yield raw("json/latin-1", lambda content: content.replace(b"made up", b"m\xe4de up", 1))
    yield raw("json/empty", lambda _: b"")
    yield raw("json/null", lambda _: b"null")
    yield raw("json/blank", lambda _: b" " * 10_000)
    yield raw("json/twice", lambda content: content + content)
    yield raw("json/comment", lambda content: b"// hello\n" + content)
    yield raw("json/nul-bytes", lambda content: content + b"\0" * 100)
    yield raw("json/pickle", lambda _: b"\x80\x04\x95\x1e\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.")
    for depth in (10, 100, 400, 900, 100_000):
        deep = "[" * depth + "]" * depth
        expected = SHOWN if depth == 10 else REFUSED
        yield texts(f"json/deep-list-{depth}", '{"steps":2}', f'{{"steps":{deep}}}', expected)
        inside = '{"a":' * depth + "1" + "}" * depth
        yield texts(f"json/deep-object-{depth}", '{"steps":2}', f'{{"steps":{inside}}}', expected)
    yield raw("json/deep-alone", lambda _: b"[" * 500_000)
    for key in ("track", "submission", "seeds", "gates", "schema_version"):
        yield texts(f"json/twice-{key}", f'"{key}":', f'"{key}":null,"{key}":')
    yield texts("json/twice-deep", '"steps":2', '"steps":2,"steps":3')


def _after(name: str, key: str, value: str) -> Hostile:
    def write(content: bytes) -> bytes:
        start = content.index(key.encode()) + len(key)
        end = min(content.index(sign, start) for sign in (b",", b"}") if sign in content[start:])
        return content[:start] + value.encode() + content[end:]

    return raw(name, write)


def immense() -> Iterator[Hostile]:
    """Yield records with more than a record may have, some within its 2 MiB."""
    million = 700_000

    def listed(*where: object, entry: object = 0, count: int = million) -> Callable[[dict], object]:
        return lambda value: put(value, where, [entry] * count)

    yield changed("immense/class-names", listed("description", "class_names"))
    yield changed("immense/class-names-text", listed("description", "class_names", entry="a", count=400_000))
    yield changed("immense/seeds-numbers", listed("seeds"))
    yield changed("immense/options-list", listed("method", "classifier", "options", "widths"), EITHER)
    yield changed("immense/attacks", listed("attacks", entry={}, count=500_000))
    yield changed("immense/gates", listed("gates", entry={"name": "a", "passed": True, "reason": ""}, count=40_000))
    failed = [{"seed": seed, "status": "failed"} for seed in range(50_000)]
    yield changed("immense/seeds-failed", lambda value: value.update(seeds=failed))
    yield changed("immense/seeds-empty", listed("seeds", count=0))
    yield changed("immense/no-gates", listed("gates", count=0))
    yield changed("immense/no-metrics", listed("metrics", count=0))
    yield changed("immense/threat-models", lambda value: value["threat_models"].update(_many_models()))
    yield changed("immense/metrics", lambda value: value.update(metrics=value["metrics"] * 1000))
    yield changed("immense/metric-names", lambda value: value["metrics"].extend(_many_metrics(value, 5000)))
    yield changed(
        "immense/measurements",
        lambda value: value["seeds"][0].update(measurements=value["seeds"][0]["measurements"] * 500),
    )
    yield changed("immense/text", lambda value: value.update(command="x" * 1_900_000))
    yield changed("immense/text-allowed", lambda value: value.update(recipe="x " * 9_000), EITHER)
    yield changed("immense/file", lambda value: value.update(command="x" * 2_100_000))
    yield changed("immense/key", lambda value: value.update({"k" * 1_000_000: 1}))
    yield changed("immense/splits", lambda value: value.update(splits={f"s{n}": 1 for n in range(80_000)}))
    yield Hostile("immense/sparse", lambda folder: _sparse(folder.record, 100 * 2**20))
    yield Hostile("immense/sparse-scores", lambda folder: _sparse(folder.scores, 2**36))
    yield Hostile("immense/sparse-pictures", lambda folder: _sparse(folder.pictures, 2**36))
    for seeds in ([-1], [0, 0], [10**15 + 1], [5, 3], [2**63], [1.5], ["0"], [None]):
        yield changed(f"immense/seed-{seeds}", lambda value, seeds=seeds: _reseed(value, seeds))


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _many_models() -> dict:
    return {f"a{number}": {"sees": "", "owns": ""} for number in range(40_000)}


def _many_metrics(value: dict, count: int) -> list:
    return [{**value["metrics"][0], "name": f"m{number}", "label": f"m{number}"} for number in range(count)]


def _reseed(value: dict, seeds: list) -> None:
    first = value["seeds"][0]
    value["seeds"] = [{**first, "seed": seed} for seed in seeds]


def typed(sample: dict, *, every: int = 1) -> Iterator[Hostile]:
    """Put wrong types at every path of a record."""
    paths = list(paths_of(sample))
    for number, path in enumerate(paths):
        for index, wrong in enumerate(WRONG):
            if (number + index) % every == 0 and (path or wrong is not None):
                name = f"types/{'.'.join(map(str, path))}={json.dumps(wrong)[:16]}"
                yield changed(name, lambda value, path=path, wrong=wrong: put(value, path, wrong), EITHER)


def keyed(sample: dict) -> Iterator[Hostile]:
    """Leave out each key, and add one that nobody knows to each object."""
    for path in paths_of(sample):
        name = ".".join(map(str, path))
        if path and isinstance(path[-1], str):
            yield changed(f"keys/without-{name}", lambda value, path=path: _drop(value, path), EITHER)
        if isinstance(at(sample, path), dict):
            free = path and path[-1] in ("options", "versions", "distributions")
            for key in ("extra", "__class__", "$ref"):
                yield changed(
                    f"keys/with-{key}-{name}",
                    lambda value, path=path, key=key: at(value, path).__setitem__(key, 1),
                    EITHER if free else REFUSED,
                )


def _drop(value: dict, path: tuple) -> None:
    del at(value, path[:-1])[path[-1]]


def unseen(sample: dict) -> Iterator[Hostile]:
    """Put characters nobody sees into texts; only line breaks and tabs are allowed."""
    for index, path in enumerate(path for path in paths_of(sample) if isinstance(at(sample, path), str)):
        bad = UNSEEN[index % len(UNSEEN)]
        name = f"unseen/{'.'.join(map(str, path))}-{bad!a}"
        yield changed(name, lambda value, path=path, bad=bad: put(value, path, f"{at(value, path)}a{bad}b"))
    for bad in UNSEEN:
        for field in FREE:
            yield changed(f"unseen/{field}-{bad!a}", lambda v, f=field, b=bad: v.update({f: f"x{b}y"}))
        yield changed(f"unseen/key-{bad!a}", lambda v, b=bad: v["method"]["classifier"]["options"].update({b: 1}))


def odd_files() -> Iterator[Hostile]:
    """Put what is no file where a file belongs."""

    def instead(make: Callable[[object], object], what: str) -> Callable[[Folder], None]:
        def apply(folder: Folder) -> None:
            path = getattr(folder, what)
            path.unlink()
            make(path)

        return apply

    makers = {
        "folder": lambda path: path.mkdir(),
        "pipe": lambda path: os.mkfifo(path),
        "nothing": lambda path: None,
        "link-to-nothing": lambda path: path.symlink_to("nowhere"),
        "link-to-itself": lambda path: path.symlink_to(path.name),
        "link-out": lambda path: path.symlink_to("/etc/passwd"),
        "link-zero": lambda path: path.symlink_to("/dev/zero"),
        "link-up": lambda path: path.symlink_to("../../.."),
    }
    for what in ("record", "scores", "pictures"):
        for name, make in makers.items():
            yield Hostile(f"files/{what}-{name}", instead(make, what))
