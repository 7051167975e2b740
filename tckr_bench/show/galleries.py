"""Pictures of a dataset's rows: real images beside those made from their captions, and beside the nearest ones."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import RunError
from tckr_bench.results.verify import copies_of, samples_of
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tckr_bench.judging.rows import DatasetBoard
    from tckr_bench.records import CellRecord
    from tckr_bench.results.evidence import Samples

MOST_PAIRS = 12
MOST_COPIES = 6


@dataclass(frozen=True)
class Pair:
    """A real image beside a synthetic one as a data URI, with what is said of them and the real one's class."""

    picture: str
    caption: str
    name: str


@dataclass(frozen=True)
class Gallery:
    """Pairs of one method."""

    method: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Galleries:
    """Galleries of a dataset, and what was wrong with the files of some."""

    galleries: tuple[Gallery, ...]
    faults: tuple[str, ...]


def samples(run: Path, board: DatasetBoard, names: Mapping[str, str]) -> Galleries:
    """Show each method's images beside those they were made from, spread over the classes they are ordered by."""
    return _gather(samples_of, _spread, run=run, board=board, names=names)


def copies(run: Path, board: DatasetBoard, names: Mapping[str, str]) -> Galleries:
    """Show each method's nearest synthetic images beside the real ones an attack is surest of, surest first."""
    return _gather(copies_of, lambda count: range(min(count, MOST_COPIES)), run=run, board=board, names=names)


def _spread(count: int) -> Sequence[int]:
    shown = min(count, MOST_PAIRS)
    return [round(index * (count - 1) / max(1, shown - 1)) for index in range(shown)]


def _gather(
    read: Callable[[Path, CellRecord], Samples | None],
    choose: Callable[[int], Sequence[int]],
    *,
    run: Path,
    board: DatasetBoard,
    names: Mapping[str, str],
) -> Galleries:
    found, faults = [], []
    for row in board.rows:
        try:
            pictures = read(run, row.records[0])
        except RunError as error:
            faults.append(plain(f"{names[row.method.name]}: {error}"))
            continue
        if pictures is not None and len(pictures.prompts):
            chosen = choose(len(pictures.prompts))
            found.append(Gallery(names[row.method.name], tuple(_pair(pictures, index, board) for index in chosen)))
    return Galleries(tuple(found), tuple(faults))


def _pair(pictures: Samples, index: int, board: DatasetBoard) -> Pair:
    from tckr_bench.show.pictures import pair_png

    label = int(pictures.labels[index])
    classes = board.description.class_names if board.description else ()
    picture = base64.b64encode(pair_png(pictures.real[index], pictures.synthetic[index])).decode("ascii")
    name = plain(classes[label]) if 0 <= label < len(classes) else str(label)
    return Pair(f"data:image/png;base64,{picture}", plain(pictures.prompts[index]), name)
