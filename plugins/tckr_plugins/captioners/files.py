"""Read files of captions and class descriptions; whoever wrote them, they are input that may be wrong or hostile."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.records import SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tckr_bench.records import Split

LARGEST = 256 * 2**20  # bytes; captions of a million images take about 70 MB
MOST_NAMED = 8
HEADINGS = ("caption", "text", "prompt")
FILE_HEADINGS = ("file_name", "file", "filename", "path", "image")

_T = TypeVar("_T")


class CaptionFileError(TckrError):
    """A file of captions is missing, damaged, or does not fit the dataset."""


@dataclass(frozen=True)
class ByClass:
    """Captions of each class, in the order of the file; no pool is empty."""

    pools: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class InOrder:
    """A caption per image of a split, in the order of the dataset."""

    captions: Sequence[str]


@dataclass(frozen=True)
class BySplit:
    """Captions by class or in order, for some of the splits."""

    parts: Mapping[Split, ByClass | InOrder]


@dataclass(frozen=True)
class ByName:
    """Captions by the name of an image's file."""

    captions: Mapping[str, str]


Captions = ByClass | InOrder | BySplit | ByName
"""What a file of captions may hold; what names no split is of the training split."""


def required(path: Path | None, captioner: str) -> Path:
    """Return the path a captioner was given.

    Raises:
        OptionError: it was given none.
    """
    if path is None:
        raise OptionError(f"the captioner '{captioner}' needs a file; write {captioner}:PATH or set the option path")
    return path.expanduser()


def identify(path: Path) -> str:
    """Return the sha256 of a file's content.

    Raises:
        CaptionFileError: there is no such file, or it is too large.
    """
    stamp = _checked(path).stat()
    return _digest(path, stamp.st_mtime_ns, stamp.st_size)


@functools.cache
def _digest(path: Path, _time: int, _size: int) -> str:
    """Hash once per process for as long as the file's time and size stay."""
    return hashlib.sha256(_read(path)).hexdigest()


def read_captions(path: Path) -> Captions:
    """Read captions as `.json`, `.csv`, or text lines `class: caption` under any other name.

    The text and the JSON object `{class: [captions]}` are the two formats the paper's authors publish. A line is
    split at its first colon. A JSON object `{file: caption}`, or a CSV with the columns `file_name` and `caption`, says
    which image each caption is of. A JSON list or a CSV of captions alone (its column `caption`, `text` or `prompt`, or
    its only column) has one per image, in order. `{"train": ..., "test": ...}` holds lists of either kind by split.

    Raises:
        CaptionFileError: the file is missing, too large, not UTF-8, or of another form.
    """
    text = _text(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _from_csv(text, path)
    if suffix != ".json":
        return ByClass(_from_lines(text, path))
    content = _parsed(text, path)
    found = _lists(content)
    if found is not None:
        return found
    if isinstance(content, dict) and content and all(isinstance(caption, str) for caption in content.values()):
        return ByName(content)
    raise CaptionFileError(
        f"{path} holds no captions: found {_kind(content)}; write an object of class names with a list of texts each, "
        "of file names with a text each, or a list of texts, none of them empty"
    )


def read_descriptions(path: Path) -> Mapping[str, str]:
    """Read a description per class from a JSON object, or from a TOML table where the file is called `.toml`.

    Raises:
        CaptionFileError: the file is missing, too large, not UTF-8, or of another form.
    """
    content = _parsed(_text(path), path)
    if isinstance(content, dict) and content and all(isinstance(text, str) for text in content.values()):
        return {str(name): text.strip() for name, text in content.items()}
    raise CaptionFileError(
        f"{path} holds no class descriptions: found {_kind(content)}; write an object of class names with a text each"
    )


def match_classes(found: Mapping[str, _T], class_names: Sequence[str], *, path: Path) -> list[_T]:
    """Return what a file has for each class, in the order of the class names.

    A name is taken as it stands first; failing that, case, underscores, hyphens and spaces do not count. Classes
    that only the file has are ignored.

    Raises:
        CaptionFileError: a class is missing, or two of the file's fit it equally well.

    >>> from pathlib import Path
    >>> match_classes({"Inline_Skate": 1, "brain": 2}, ["brain", "inline skate"], path=Path("captions.json"))
    [2, 1]
    """
    loose: dict[str, list[str]] = {}
    for name in found:
        loose.setdefault(_loosely(name), []).append(name)
    candidates = {name: [name] if name in found else loose.get(_loosely(name), []) for name in class_names}
    missing = [name for name, fitting in candidates.items() if not fitting]
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise CaptionFileError(
            f"{path} has nothing for {len(missing)} of {len(class_names)} classes: {named(missing)}{more}; add them "
            f"(the file has {named(list(found))})"
        )
    twice = next((fitting for fitting in candidates.values() if len(fitting) > 1), None)
    if twice is not None:
        raise CaptionFileError(f"{path} names a class in more than one way: {named(twice)}; keep one of them")
    return [found[candidates[name][0]] for name in class_names]


def named(names: Sequence[str]) -> str:
    """Return the first few names, each quoted and cut.

    >>> named(["a cat", "b" * 99])[:12]
    "'a cat', 'bb"
    """
    return ", ".join(f"'{name[:60]}'" for name in names[:MOST_NAMED])


def _loosely(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise CaptionFileError(f"there is no file '{path}'; set the option path to the file of captions")
    if path.stat().st_size > LARGEST:
        raise CaptionFileError(f"{path} is larger than {LARGEST // 2**20} MiB; split it, or give the file of captions")
    return path


def _read(path: Path) -> bytes:
    try:
        with _checked(path).open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        raise CaptionFileError(f"{path} cannot be read: {error.strerror or error}; mend it") from error


def _text(path: Path) -> str:
    try:
        return _read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaptionFileError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _parsed(text: str, path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    kind = "TOML" if path.suffix.lower() == ".toml" else "JSON"
    try:
        return tomllib.loads(text) if kind == "TOML" else json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CaptionFileError(f"{path} is not {kind}: {what}; mend it") from error


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)


def _lists(content: object) -> ByClass | InOrder | BySplit | None:
    """Return captions in lists: of a whole split, of its classes, or of several splits; None where it is neither."""
    if _is_texts(content):
        return InOrder(content)  # type: ignore[arg-type]  # just found to be texts
    if not isinstance(content, dict) or not content:
        return None
    if "train" in content and set(content) <= set(SPLITS):
        parts = {split: _lists(part) for split, part in content.items()}
        sound = {split: part for split, part in parts.items() if isinstance(part, ByClass | InOrder)}
        return BySplit(sound) if len(sound) == len(parts) else None
    return ByClass(content) if all(_is_texts(pool) for pool in content.values()) else None


def _kind(content: object) -> str:
    if isinstance(content, dict):
        other = next((value for value in content.values() if not isinstance(value, str)), None)
        inner = f" that holds {type(other).__name__}" if other is not None else " of texts" if content else ""
        return f"{'an empty object' if not content else 'an object'}{inner}"
    return f"{'an empty ' if content in ([], '') else 'a '}{type(content).__name__}"


def _from_lines(text: str, path: Path) -> dict[str, list[str]]:
    pools: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, colon, caption = line.partition(":")
        if not colon or not name.strip():
            raise CaptionFileError(f"line {number} of {path} is not 'class: caption'; mend it, or give JSON or CSV")
        pools.setdefault(name.strip(), []).append(caption.strip())
    if not pools:
        raise CaptionFileError(f"{path} holds no captions: it is empty; write lines 'class: caption'")
    return pools


def _from_csv(text: str, path: Path) -> InOrder | ByName:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise CaptionFileError(f"{path} is not CSV: {error}; mend it") from error
    heading = [cell.strip().casefold() for cell in rows[0]] if rows else []
    column = next((heading.index(name) for name in HEADINGS if name in heading), None)
    if column is None and len(heading) == 1:
        column, body = 0, rows
    elif column is None:
        raise CaptionFileError(f"{path} has no column 'caption'; name the column of captions in its first line")
    else:
        body = rows[1:]
    short = next((number for number, row in enumerate(body, start=1) if len(row) <= column), None)
    if short is not None:
        raise CaptionFileError(f"caption {short} of {path} has no column {column + 1}; mend it")
    captions = [row[column].strip() for row in body]
    naming = next((heading.index(name) for name in FILE_HEADINGS if name in heading and body is not rows), None)
    if naming is None:
        return InOrder(captions)
    names = [row[naming].strip() if naming < len(row) else "" for row in body]
    numbers = [str(index) for index in range(len(names) + 1)]
    if names in (numbers[:-1], numbers[1:]):
        return InOrder(captions)  # it counts its lines
    twice = sum(times - 1 for times in Counter(names).values())
    if twice:
        raise CaptionFileError(f"{twice:,} captions of {path} are of a file named before; keep one for each file")
    return ByName(dict(zip(names, captions, strict=True)))
