"""What was computed before, by the content it was computed from: a second look at the same scores takes no arithmetic.

<store>/recomputed/<ab>/<key>.json, where the key names the scores, the metrics with their versions, and this program's
version and arithmetic: a working tree has one version while its code changes. It is this machine's own memory: nothing
in it comes from a submission, and losing it costs time alone.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tckr_bench.places import default_store_path
from tckr_bench.results.hostile_json import schema_of

T = TypeVar("T")
ARITHMETIC = ("records", "stats", "controls", "results")
"""Rooms whose code an examination rests on; a metric has a version of its own."""


def memory_key(*parts: Any, rooms: tuple[str, ...] = ARITHMETIC) -> str:  # noqa: ANN401 - JSON values, dataclasses
    """Return what names a computation: a sha256 of its inputs, this program's version and the code of the `rooms`."""
    text = TypeAdapter(tuple[Any, ...]).dump_json((_version(), _code(rooms), *parts))
    return hashlib.sha256(json.dumps(json.loads(text), sort_keys=True).encode()).hexdigest()


@functools.cache
def _version() -> str:
    return metadata.version("tckr-bench")


@functools.cache
def _code(rooms: tuple[str, ...]) -> str:
    return digest_of_code(Path(__file__).parents[1], rooms)


def digest_of_code(package: Path, rooms: tuple[str, ...] = ARITHMETIC) -> str:
    """Return a sha256 of all code, templates and scripts in some rooms of a package."""
    found = (path for room in rooms for path in (package / room).rglob("*"))
    files = sorted(path for path in found if path.is_file() and path.suffix != ".pyc")
    content = b"".join(str(path.relative_to(package)).encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()


def recall(key: str, kind: type[T]) -> T | None:
    """Return what was remembered under a key; None where nothing was, or it is damaged."""
    try:
        found: T = schema_of(kind).validate_json(_path(key).read_bytes())
    except (OSError, ValidationError):
        return None
    return found


def remember(key: str, value: object) -> None:
    """Remember a dataclass under a key; a folder that cannot be written costs time alone."""
    path = _path(key)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(schema_of(type(value)).dump_json(value))
        Path(partial).replace(path)


def _path(key: str) -> Path:
    return default_store_path() / "recomputed" / key[:2] / f"{key}.json"
