"""Plans what to fetch of a dataset on the hub, and fetches it: whole into the cache, limited into a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.datasets.fetching import FetchPlan
from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.finding import wanted_of
from tckr_plugins.datasets.layout import choose_files
from tckr_plugins.datasets.limited import LimitedCopy, copy_limited
from tckr_plugins.datasets.tables import Columns
from tckr_plugins.hub import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tckr_plugins.datasets.catalogue import HubSource
    from tckr_plugins.datasets.hub import Remote

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def readable_size(size: float) -> str:
    """Return a number of bytes as people write it.

    >>> readable_size(161_000_000), readable_size(1_960_000_000), readable_size(12)
    ('161 MB', '2.0 GB', '12 bytes')
    """
    power = 0
    while size >= 1000 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.1f} {_UNITS[power]}" if power > 2 else f"{size:.0f} {_UNITS[power]}"


def plan_fetch(
    remote: Remote, source: HubSource, *, limit_per_class: int | None = None, folder: Path | None = None
) -> FetchPlan:
    """Return what fetching the splits of a source would take; a limited copy goes to `folder`.

    Raises:
        DatasetError: the source cannot be reached, or holds no such splits.
    """
    sizes = {file.path: file.size for file in remote.files()}
    chosen = choose_files(sizes, wanted_of(source), what=remote.label)
    files = tuple(path for paths in chosen.values() for path in paths)
    return FetchPlan(
        source=remote.label,
        files=files,
        size=sum(sizes[path] for path in files),
        destination=str(folder or cache_folder()),
        limit_per_class=limit_per_class,
    )


def fetch_limited(
    remote: Remote, source: HubSource, plan: FetchPlan, folder: Path, *, progress: Callable[[float], None]
) -> None:
    """Write `<folder>/<split>.parquet` for every split of a plan, with a few images of each class.

    A split that is there already is left as it is, so that an interrupted copy goes on where it stopped.

    Raises:
        DatasetError: the source cannot be read, or the folder cannot be written.
    """
    assert plan.limit_per_class, "a limited copy has a limit"
    splits = choose_files(plan.files, wanted_of(source), what=plan.source)
    columns = Columns(source.image_column, source.label_column)
    # The test split first: a copy with its training images is then whole.
    for done, split in enumerate(sorted(splits)):
        copy = LimitedCopy(splits[split], columns, plan.limit_per_class)
        step = _part_of(progress, done, len(splits))
        copy_limited(remote, copy, folder / f"{split}.parquet", progress=step)


def _part_of(progress: Callable[[float], None], done: int, parts: int) -> Callable[[float], None]:
    return lambda fraction: progress((done + fraction) / parts)


def refuse_occupied(folder: Path, *, name: str) -> None:
    """Refuse to mix a limited copy with what lies in its folder already, except files of an earlier limited copy.

    Raises:
        DatasetError: the folder holds something else.
    """
    ours = {"train.parquet", "test.parquet", "validation.parquet"}
    others = [entry.name for entry in folder.iterdir() if entry.name not in ours] if folder.is_dir() else []
    others = [entry for entry in others if not entry.startswith(".") and not entry.endswith(".partial")]
    if others:
        raise DatasetError(
            f"'{folder}' already holds '{others[0]}'; move it away to prepare a limited copy of '{name}' there"
        )
