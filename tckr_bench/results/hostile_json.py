"""Reading JSON that anybody may have written: what is endless, deep, doubled or only nearly right is refused."""

from __future__ import annotations

import functools
import json
import math
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tckr_bench.errors import RunError
from tckr_bench.results.records import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

MOST_TEXT = 20_000
MOST_NUMBER = 1e15
MOST_DEPTH = 24
MOST_ENTRIES = 25_000

T = TypeVar("T")


def schema_of(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any dataclass
    """Return what reads and writes a dataclass as JSON; it takes longer to make than a file to read."""
    return _made_once(kind)


@functools.cache
def _made_once(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any dataclass
    return TypeAdapter(kind)


def read_json(path: Path, kind: type[T], *, what: str, most: int, parts: int) -> T:
    """Read a dataclass from a JSON file that anybody may have written: each key known, each value as the schema has it.

    Args:
        path: the file.
        kind: the dataclass, whose field `schema_version` must be that of this program.
        what: what the file is called in a sentence.
        most: bytes it may have.
        parts: values it may hold.

    Raises:
        RunError: it is missing, no file, too large, or not of this schema.
    """
    try:
        content = _content(path, most=most, what=what)
        raw = json.loads(content, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_number)
        if isinstance(raw, dict) and raw.get("schema_version") != SCHEMA_VERSION:
            version = str(raw.get("schema_version"))[:20]
            raise RunError(f"the {what} {path.name} has schema {version}, this version reads {SCHEMA_VERSION}")
        fault = fault_of_texts(raw) or _fault_of_amount(raw, most=parts)
        if fault:
            raise ValueError(fault)
        found: T = schema_of(kind).validate_python(raw)
        fault = _unknown(raw, schema_of(kind).dump_python(found, mode="json"))
    except OSError as error:
        raise RunError(f"the {what} {path.name} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:120]
        raise RunError(f"the {what} {path.name} is not valid: {where}: {first['msg'][:200]}") from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise RunError(f"the {what} {path.name} is not valid: {str(error)[:200] or 'too deep'}") from error
    if fault:
        raise RunError(f"the {what} {path.name} is not valid: {fault}")
    return found


def _content(path: Path, *, most: int, what: str) -> bytes:
    """Return the bytes of a file, which must be a file, no pipe or device, of an allowed size."""
    if not path.is_file():
        raise RunError(f"the {what} {path.name} is not a regular file")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise RunError(f"the {what} {path.name} has more than {most // 2**20} MiB")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse(text: str) -> float:
    raise ValueError(f"it holds {text}")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _unknown(raw: object, known: object, where: str = "") -> str:
    """Return a key of the raw JSON that it should not have or lacks, or a value of another kind, or nothing."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            if key not in known:
                return f"the schema has no {where}{key[:60]}"
            fault = _unknown(value, known[key], f"{where}{key[:60]}.")
            if fault:
                return fault
        return next((f"it lacks {where}{key}" for key in known if key not in raw), "")
    if isinstance(raw, list) and isinstance(known, list):
        faults = (_unknown(one, other, where) for one, other in zip(raw, known, strict=False))
        return next(filter(None, faults), "")
    if isinstance(raw, bool | str) != isinstance(known, bool | str) or raw != known:
        return f"{where.rstrip('.')} is {str(raw)[:60]!r}, which is not written as the schema has it"
    return ""


def fault_of_texts(value: object, depth: int = 0) -> str:
    """Return what a record's texts or numbers must not be, or nothing: endless, immense, or invisible characters."""
    if depth > MOST_DEPTH:
        return f"it is nested more than {MOST_DEPTH} levels deep"
    if isinstance(value, str):
        if len(value) > MOST_TEXT:
            return f"a text has more than {MOST_TEXT:,} characters"
        bad = next((character for character in value if not (character.isprintable() or character in "\n\t")), None)
        return f"a text holds the character U+{ord(bad):04X}" if bad else ""
    if isinstance(value, int | float):
        return "" if abs(value) <= MOST_NUMBER else "a number is too large"
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, (fault_of_texts(part, depth + 1) for part in parts)), "")


def _fault_of_amount(raw: object, *, most: int) -> str:
    """Return whether there are too many values; judged before the schema, which tells every fault of every value."""
    parts, count = [raw], 0
    while parts:
        part = parts.pop()
        if isinstance(part, list) and len(part) > MOST_ENTRIES:
            return f"a list has more than {MOST_ENTRIES:,} entries"
        inner = list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else []
        count += len(inner)
        if count > most:
            return f"it has more than {most:,} values"
        parts += inner
    return ""
