"""Pictures of a dataset's rows: real images beside those made from their captions, and beside the nearest ones."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import RunError
from tckr_bench.results.pictures import spread
from tckr_bench.results.verify import pictures_of
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.rows import DatasetBoard
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.pictures import PictureKind, PicturePair


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


def samples(run: SavedRun, board: DatasetBoard, names: Mapping[str, str]) -> Galleries:
    """Show each method's images beside those they were made from, spread over the classes they are ordered by."""
    return _gather("sample", MOST_PAIRS, run=run, board=board, names=names)


def copies(run: SavedRun, board: DatasetBoard, names: Mapping[str, str]) -> Galleries:
    """Show each method's nearest synthetic images beside the real ones an attack is surest of, surest first."""
    return _gather("copy", MOST_COPIES, run=run, board=board, names=names)


def _gather(kind: PictureKind, most: int, *, run: SavedRun, board: DatasetBoard, names: Mapping[str, str]) -> Galleries:
    found, faults = [], []
    for record in run.records:
        if record.dataset != board.dataset:
            continue
        name = names[record.method.name]
        try:
            pairs = pictures_of(run.folder, record, kind)
        except RunError as error:
            faults.append(plain(f"{name}: {error}"))
            continue
        chosen = spread(pairs, most) if kind == "sample" else pairs[:most]
        if chosen:
            found.append(Gallery(name, tuple(_pair(pair, record.description.class_names) for pair in chosen)))
    return Galleries(tuple(found), tuple(faults))


def _pair(pair: PicturePair, classes: Sequence[str]) -> Pair:
    from tckr_bench.show.pictures import pair_png

    picture = base64.b64encode(pair_png(pair.real, pair.synthetic)).decode("ascii")
    name = plain(classes[pair.label]) if 0 <= pair.label < len(classes) else str(pair.label)
    return Pair(f"data:image/png;base64,{picture}", plain(pair.caption), name)
