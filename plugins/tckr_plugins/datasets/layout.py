"""Which parquet and Arrow files hold which split of which configuration, told by their paths as the hub lays them out.

Known layouts: `<split>-00000-of-00002.parquet`, `<split>.parquet` and `<split>/0000.parquet`, each at the top, in
`data/` or `default/`, or in a folder named after a configuration; and `<split>/data-00000-of-00002.arrow`, as the
`datasets` library saves to disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.tablefiles import ARROW, SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tckr_bench.records import Split

TEST_SPLITS = ("test", "validation", "valid", "val")
_SHARD = re.compile(r"(?P<split>.+?)-\d{5}-of-(?P<shards>\d{5})(-[0-9a-f]+)?")
_SAVED = "data"  # what the `datasets` library calls the files of a split that it saves to disk
_NO_CONFIGURATION = frozenset({"", "data", "default"})


@dataclass(frozen=True)
class Wanted:
    """What a user asks for: a configuration and the names of its splits; empty where there is no choice to make."""

    configuration: str = ""
    train_split: str = "train"
    test_split: str = ""


@dataclass(frozen=True)
class _Place:
    configuration: str
    split: str
    shards: int  # 0 where the name does not say


def choose_files(paths: Iterable[str], wanted: Wanted, *, what: str) -> dict[Split, tuple[str, ...]]:
    """Return the files of `train`, of `test` if there is one, and of `validation` if it is a third one.

    `what` names the dataset in errors.

    Raises:
        DatasetError: there are no such files, no such configuration or split, or a shard is missing.

    >>> choose_files(["data/train-00000-of-00001.parquet", "data/valid.parquet"], Wanted(), what="it")
    {'train': ('data/train-00000-of-00001.parquet',), 'test': ('data/valid.parquet',)}
    """
    found: dict[str, dict[str, dict[str, _Place]]] = {}
    for path in sorted(paths):
        place = _place(path)
        if place is not None:
            found.setdefault(place.configuration, {}).setdefault(place.split, {})[path] = place
    if not found:
        raise DatasetError(
            f"{what} holds no parquet files named after splits, such as train-00000-of-00001.parquet, nor Arrow ones"
        )
    splits = _configuration(found, wanted.configuration, what=what)
    train = wanted.train_split
    if train not in splits:
        raise DatasetError(f"{what} has no split '{train}'; found: {', '.join(splits)}; name one with train_split")
    test = wanted.test_split or next((name for name in TEST_SPLITS if name in splits and name != train), "")
    if test and test not in splits:
        raise DatasetError(f"{what} has no split '{test}'; found: {', '.join(splits)}; name one with test_split")
    chosen: dict[Split, tuple[str, ...]] = {"train": _complete(splits[train], what=what)}
    if test:
        chosen["test"] = _complete(splits[test], what=what)
    if "validation" in splits and "validation" not in (train, test):
        chosen["validation"] = _complete(splits["validation"], what=what)
    return chosen


def _place(path: str) -> _Place | None:
    """Return the configuration and split a path belongs to; None where it is no table or says nothing."""
    pure = PurePosixPath(path)
    if pure.suffix not in SUFFIXES or any(part.startswith(".") for part in pure.parts):
        return None
    folders, stem = list(pure.parts[:-1]), pure.stem
    shard = _SHARD.fullmatch(stem)
    if pure.suffix == ARROW and pure.stem.startswith("cache-"):  # results that the `datasets` library keeps beside
        return None
    if shard and pure.suffix == ARROW and shard["split"] == _SAVED and folders:
        split, shards = folders.pop(), int(shard["shards"])
    elif shard:
        split, shards = shard["split"], int(shard["shards"])
    elif stem.isdecimal() and folders:
        split, shards = folders.pop(), 0
    else:
        split, shards = stem, 0
    if split.startswith("partial-"):  # the hub converts only the beginning of large datasets
        return None
    configuration = folders[-1] if folders else ""
    return _Place("" if configuration in _NO_CONFIGURATION else configuration, split, shards)


def _configuration(
    found: Mapping[str, dict[str, dict[str, _Place]]], wanted: str, *, what: str
) -> dict[str, dict[str, _Place]]:
    wanted = "" if wanted in _NO_CONFIGURATION else wanted
    if wanted in found:
        return found[wanted]
    if len(found) == 1 and ("" in found or not wanted):
        return next(iter(found.values()))
    names = ", ".join(name or "default" for name in found)
    asked = f"has no configuration '{wanted}'" if wanted else "has several configurations"
    raise DatasetError(f"{what} {asked}; found: {names}; name one with the option configuration")


def _complete(files: Mapping[str, _Place], *, what: str) -> tuple[str, ...]:
    shards = {place.shards for place in files.values()}
    if len(shards) > 1 or len({PurePosixPath(path).suffix for path in files}) > 1:
        raise DatasetError(f"{what} holds several versions of one split ({', '.join(files)}); remove the older one")
    (expected,) = shards
    if expected and len(files) != expected:
        raise DatasetError(f"{what} has {len(files)} of the {expected} files of a split; fetch or copy the others too")
    return tuple(files)
