"""Keys of artifacts: sha256 of canonical JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

STORE_FORMAT = 3
"""Part of every key; raise it when the meaning of a key or the layout of an artifact changes."""

# One for all: to make an encoder costs as much as a small value does.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN.

    >>> canonical_json({"b": 1.0, "a": [True, None]})
    '{"a":[true,null],"b":1.0}'
    """
    return _ENCODER.encode(value)


def fingerprint(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the sha256, in hexadecimal, of a JSON value and the store's format version."""
    return hashlib.sha256(canonical_json({"format": STORE_FORMAT, "value": value}).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
