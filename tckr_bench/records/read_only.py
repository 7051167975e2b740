"""Records that a component may read and not write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

RecordT = TypeVar("RecordT")


def read_only(record: RecordT) -> RecordT:
    """Return a record of the harness whose arrays, and those of the records in it, cannot be written to.

    The arrays are views: whoever made the record may still write to its own. What is no record, mapping, tuple or
    array, such as a plugin's generator, stays as it is.

    >>> import numpy as np
    >>> read_only((np.zeros(2),))[0].flags.writeable
    False
    """
    changed: Any = _read_only(record)
    return changed  # type: ignore[no-any-return]


def _read_only(value: Any) -> Any:  # noqa: ANN401 - any field of a record
    import numpy as np

    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if is_dataclass(value) and not isinstance(value, type) and type(value).__module__.startswith("tckr_bench."):
        changes = {field.name: _read_only(getattr(value, field.name)) for field in fields(value) if field.init}
        return replace(value, **changes)
    if isinstance(value, Mapping):
        return {key: _read_only(part) for key, part in value.items()}
    if type(value) is tuple and any(not isinstance(part, str) for part in value):
        return tuple(_read_only(part) for part in value)
    return value
