"""Hostile JSON: broken, immense, deep, of the wrong types, with what the schema does not know or lacks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from hostile_files.world import EITHER, REFUSED, SHOWN, Folder, Hostile, Samples, at, paths_of, put

WRONG = (None, True, 7, -3.5, "text", [], {}, [[]], {"a": 1}, 10**14, "x" * 30_000, "\ud800")
FREE = ("command", "recipe")
UNSEEN = ("\x00", "\x1b[31m", "\u202e", "\u200b", "\ufeff", "\u2028", "\x85", "\ud800", "\ue000", "\U000e0041", "\r\n")


BOTH = ("record", "run")


def raw(name: str, write: Callable[[bytes], bytes], expected: str = REFUSED, *, what: str = "record") -> Hostile:
    """Return a case that changes the bytes of the record, or of the run's file."""

    def apply(folder: Folder) -> None:
        path = getattr(folder, what)
        path.write_bytes(write(path.read_bytes()))

    return Hostile(name if what == "record" else f"{what}: {name}", apply, expected)


def changed(name: str, change: Callable[[dict], object], expected: str = REFUSED, *, what: str = "record") -> Hostile:
    """Return a case that changes the JSON of the record, or of the run's file; what `change` returns is written."""

    def apply(folder: Folder) -> None:
        value = folder.json(what)
        found = change(value)
        folder.write(value if found is None else found, what)

    return Hostile(name if what == "record" else f"{what}: {name}", apply, expected)


def texts(name: str, old: str, new: str, expected: str = REFUSED, *, what: str = "record") -> Hostile:
    """Return a case that puts a text in the place of another in the JSON."""

    def write(content: bytes) -> bytes:
        assert old.encode() in content, f"there is no {old}"
        return content.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1)

    return raw(name, write, expected, what=what)


def flipped(count: int, seed: int = 0) -> Iterator[Hostile]:
    """Flip bits of a record and of a run's file, at random."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])

        def flip(content: bytes, rng: np.random.Generator = rng) -> bytes:
            changed = bytearray(content)
            for place in rng.integers(len(content), size=int(rng.integers(1, 4))):
                changed[place] ^= 1 << int(rng.integers(8))
            return bytes(changed)

        yield raw(f"json/flip-{seed}-{number}", flip, EITHER, what=BOTH[number % 2])


def truncated(count: int) -> Iterator[Hostile]:
    """End a record and a run's file early, at places spread over it."""
    for number in range(count):

        def cut(content: bytes, part: float = number / count) -> bytes:
            return content[: int(part * len(content))]

        yield from (raw(f"json/cut-{number}", cut, what=what) for what in BOTH)


def broken() -> Iterator[Hostile]:
    """Yield what is no JSON, or JSON that must not be."""
    numbers = {"record": '"cardinality":1.0', "run": '"wall_seconds":4.0'}
    for what, number in numbers.items():
        for literal in (
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-1e999",
            "9" * 5000,
            "9" * 400,
            "1e15.",
            "0x10",
            "1e308",
        ):
            name = number.partition(":")[0]
            yield texts(f"json/number-{literal[:12]}-{len(literal)}", number, f"{name}:{literal}", what=what)
        yield from _not_json(what)
    places = {"seed": "record", "size": "record", "examples": "record", "images_generated": "record"}
    for part, what in {**places, "cores": "run", "naive": "run", "failed": "run"}.items():
        for value in ("1e400", "9" * 4400, "9" * 300, "-9" + "0" * 200):
            yield _after(f"json/{part}-{value[:6]}-{len(value)}", f'"{part}":', value, what=what)
    for what, old in {"record": '{"steps":2}', "run": '{"shadows":2}'}.items():
        for depth in (10, 100, 400, 900, 100_000):
            deep = "[" * depth + "]" * depth
            expected = SHOWN if depth == 10 else REFUSED
            key = old.partition(":")[0]
            yield texts(f"json/deep-list-{depth}", old, f"{key}:{deep}}}", expected, what=what)
            inside = '{"a":' * depth + "1" + "}" * depth
            yield texts(f"json/deep-object-{depth}", old, f"{key}:{inside}}}", expected, what=what)
    for key in ("seeds", "gates", "schema_version"):
        yield texts(f"json/twice-{key}", f'"{key}":', f'"{key}":null,"{key}":')
    for key in ("track", "submission", "keys", "schema_version"):
        yield texts(f"json/twice-{key}", f'"{key}":', f'"{key}":null,"{key}":', what="run")
    yield texts("json/twice-deep", '"steps":2', '"steps":2,"steps":3')
    yield texts("json/twice-deep", '"shadows":2', '"shadows":2,"shadows":3', what="run")


def _not_json(what: str) -> Iterator[Hostile]:
    bytes_of = {
        "latin-1": lambda content: content.replace(b"e", b"\xe4", 1),
        "empty": lambda _: b"",
        "null": lambda _: b"null",
        "blank": lambda _: b" " * 10_000,
        "twice": lambda content: content + content,
        "comment": lambda content: b"// hello\n" + content,
        "nul-bytes": lambda content: content + b"\0" * 100,
        "pickle": lambda _: b"\x80\x04\x95\x1e\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        "deep-alone": lambda _: b"[" * 500_000,
    }
    for name, write in bytes_of.items():
        yield raw(f"json/{name}", write, what=what)
    yield raw("json/bom", lambda content: b"\xef\xbb\xbf" + content, EITHER, what=what)
    yield raw("json/utf-16", lambda content: content.decode().encode("utf-16"), EITHER, what=what)
    yield raw("json/utf-32", lambda content: content.decode().encode("utf-32"), EITHER, what=what)


def _after(name: str, key: str, value: str, *, what: str) -> Hostile:
    def write(content: bytes) -> bytes:
        start = content.index(key.encode()) + len(key)
        end = min(content.index(sign, start) for sign in (b",", b"}") if sign in content[start:])
        return content[:start] + value.encode() + content[end:]

    return raw(name, write, what=what)


def immense() -> Iterator[Hostile]:
    """Yield records with more than a record may have, some within its 2 MiB."""
    million = 700_000

    def listed(*where: object, entry: object = 0, count: int = million) -> Callable[[dict], object]:
        return lambda value: put(value, where, [entry] * count)

    yield changed("immense/class-names", listed("description", "class_names"))
    yield changed("immense/class-names-text", listed("description", "class_names", entry="a", count=400_000))
    yield changed("immense/seeds-numbers", listed("seeds"))
    yield changed("immense/options-list", listed("method", "classifier", "options", "widths"), EITHER)
    yield changed("immense/attacks", listed("attacks", entry={}, count=500_000), what="run")
    yield changed("immense/attacks-known", lambda value: value.update(attacks=value["attacks"] * 500), what="run")
    yield changed("immense/gates", listed("gates", entry={"name": "a", "passed": True, "reason": ""}, count=40_000))
    failed = [{"seed": seed, "status": "failed"} for seed in range(50_000)]
    yield changed("immense/seeds-failed", lambda value: value.update(seeds=failed))
    yield changed("immense/seeds-empty", listed("seeds", count=0))
    yield changed("immense/no-gates", listed("gates", count=0))
    yield changed("immense/no-metrics", listed("metrics", count=0), what="run")
    yield from _immense_runs()
    yield changed("immense/threat-models", lambda value: value["threat_models"].update(_many_models()))
    yield changed(
        "immense/measurements",
        lambda value: value["seeds"][0].update(measurements=value["seeds"][0]["measurements"] * 500),
    )
    yield changed("immense/text", lambda value: value["gates"][0].update(reason="x" * 1_900_000))
    yield changed("immense/file", lambda value: value["gates"][0].update(reason="x" * 2_100_000))
    yield changed("immense/key", lambda value: value.update({"k" * 1_000_000: 1}))
    yield changed("immense/splits", lambda value: value.update(splits={f"s{n}": 1 for n in range(80_000)}))
    yield Hostile("immense/sparse", lambda folder: _sparse(folder.record, 100 * 2**20))
    yield Hostile("immense/sparse-scores", lambda folder: _sparse(folder.scores, 2**36))
    yield Hostile("immense/sparse-pictures", lambda folder: _sparse(folder.pictures, 2**36))
    for seeds in ([-1], [0, 0], [10**15 + 1], [5, 3], [2**63], [1.5], ["0"], [None]):
        yield changed(f"immense/seed-{seeds}", lambda value, seeds=seeds: _reseed(value, seeds))


def _immense_runs() -> Iterator[Hostile]:
    """Yield files of runs with more than one may have, some within its 16 MiB."""

    def run(name: str, change: Callable[[dict], object], expected: str = REFUSED) -> Hostile:
        return changed(f"immense/{name}", change, expected, what="run")

    yield run("metrics", lambda value: value.update(metrics=value["metrics"] * 1000))
    yield run("metric-names", lambda value: value["metrics"].extend(_many_metrics(value, 5000)))
    yield run("text", lambda value: value.update(command="x" * 1_900_000))
    yield run("text-allowed", lambda value: value.update(recipe="x " * 9_000), EITHER)
    yield run("file", lambda value: value.update(command="x" * 17_000_000))
    yield run("keys", lambda value: value.update(keys={f"k{n}": {"train": ["a" * 64]} for n in range(120_000)}))
    yield run("keys-many", lambda value: value.update(keys={f"k{n}": {} for n in range(10_000)}), EITHER)
    yield run("keys-of-one", lambda value: value.update(keys={"k": {"train": ["a" * 64] * 200_000}}))
    yield run("seconds", lambda value: value.update(seconds={f"k{n}": 1.0 for n in range(1_300_000)}))
    yield run("versions", lambda value: value["provenance"].update(versions={f"k{n}": "1" for n in range(900_000)}))
    yield Hostile("run: immense/sparse", lambda folder: _sparse(folder.run, 2**36))


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


def typed(samples: Samples, *, every: int = 1) -> Iterator[Hostile]:
    """Put wrong types at every path of a record and of a run's file."""
    for what in BOTH:
        for number, path in enumerate(paths_of(getattr(samples, what))):
            for index, wrong in enumerate(WRONG):
                if (number + index) % every == 0 and (path or wrong is not None):
                    name = f"types/{'.'.join(map(str, path))}={json.dumps(wrong)[:16]}"
                    yield changed(
                        name, lambda value, path=path, wrong=wrong: put(value, path, wrong), EITHER, what=what
                    )


def keyed(samples: Samples) -> Iterator[Hostile]:
    """Leave out each key, and add one that nobody knows to each object."""
    for what in BOTH:
        sample = getattr(samples, what)
        for path in paths_of(sample):
            name = ".".join(map(str, path))
            if path and isinstance(path[-1], str):
                yield changed(f"keys/without-{name}", lambda value, path=path: _drop(value, path), EITHER, what=what)
            if isinstance(at(sample, path), dict):
                free = path and path[-1] in ("options", "versions", "distributions", "seconds")
                for key in ("extra", "__class__", "$ref"):
                    yield changed(
                        f"keys/with-{key}-{name}",
                        lambda value, path=path, key=key: at(value, path).__setitem__(key, 1),
                        EITHER if free else REFUSED,
                        what=what,
                    )


def _drop(value: dict, path: tuple) -> None:
    del at(value, path[:-1])[path[-1]]


def unseen(samples: Samples) -> Iterator[Hostile]:
    """Put characters nobody sees into texts; only line breaks and tabs are allowed."""
    for what in BOTH:
        sample = getattr(samples, what)
        for index, path in enumerate(path for path in paths_of(sample) if isinstance(at(sample, path), str)):
            bad = UNSEEN[index % len(UNSEEN)]
            name = f"unseen/{'.'.join(map(str, path))}-{bad!a}"
            yield changed(
                name, lambda value, path=path, bad=bad: put(value, path, f"{at(value, path)}a{bad}b"), what=what
            )
    for bad in UNSEEN:
        for field in FREE:
            yield changed(f"unseen/{field}-{bad!a}", lambda v, f=field, b=bad: v.update({f: f"x{b}y"}), what="run")
        yield changed(f"unseen/keys-{bad!a}", lambda v, b=bad: v["keys"].update({b: {}}), what="run")
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
    for what in ("run", "record", "scores", "pictures"):
        for name, make in makers.items():
            expected = SHOWN if (what, name) == ("pictures", "nothing") else REFUSED
            yield Hostile(f"files/{what}-{name}", instead(make, what), expected)
