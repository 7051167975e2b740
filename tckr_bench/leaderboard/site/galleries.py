"""Pictures of a record: real images beside those made from their captions, and beside the nearest synthetic ones.

Only decoded pixels are shown, encoded anew; no byte of a submitted file reaches a page.
"""

from __future__ import annotations

import base64
import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.records import Images
    from tckr_bench.results.pictures import PicturePair
    from tckr_bench.results.records import ResultRecord

MOST_PAIRS, MOST_COPIES = 12, 6
MOST_BYTES = 200_000
"""Of all pictures of a page; sides shrink until they fit, and what still does not fit is left out."""
_SIDES = (64, 48, 32, 24)
_CAPTION = 160


@dataclass(frozen=True)
class Picture:
    """A real image beside a synthetic one as a data URI, the real one's class, and the caption."""

    source: str
    name: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """A record's pictures, or a sentence that says why there are none."""

    samples: tuple[Picture, ...] = ()
    copies: tuple[Picture, ...] = ()
    absent: str = ""


def gallery_of(record: ResultRecord, sources: Sources, *, most_bytes: int = MOST_BYTES) -> Gallery:
    """Return the pictures of a record, at most twelve samples and six copies, in so many bytes."""
    from tckr_bench.results.files import lies_inside, pictures_path
    from tckr_bench.results.pictures import may_be_shown, read_pictures, spread

    path = pictures_path(sources.folder_of(record), record)
    if not path.is_file() and not record.method.synthetic:
        return Gallery(absent="It makes no images.")
    licence = plain(record.description.licence) or "not stated"
    if not sources.of_run and not may_be_shown(record.description.licence):
        return Gallery(absent=f"The dataset's licence ({licence}) does not let its images be shown.")
    if not path.is_file():
        return Gallery(absent="The submission brought no pictures.")
    if not lies_inside(path, sources.root):
        return Gallery(absent="The pictures lie outside the folder of results; they are not opened.")
    try:
        pairs = read_pictures(path)
    except TckrError:
        return Gallery(absent=f"No pictures are shown: {plain(path.name)} does not hold any.")
    samples = spread([pair for pair in pairs if pair.kind == "sample"], MOST_PAIRS)
    copies = [pair for pair in pairs if pair.kind == "copy"][:MOST_COPIES]
    found: dict[str, list[Picture]] = {"sample": [], "copy": []}
    for pair, source in _encoded([*samples, *copies], most_bytes):
        found[pair.kind].append(_picture(pair, source, record.description.class_names))
    return Gallery(tuple(found["sample"]), tuple(found["copy"]))


def _encoded(pairs: Sequence[PicturePair], most_bytes: int) -> list[tuple[PicturePair, str]]:
    """Return pairs with their data URIs, in the largest size in which all of them fit, or as many as fit."""
    sources: list[str] = []
    for side in _SIDES:
        drawn = [pair_png(_within(pair.real, side), _within(pair.synthetic, side), height=1) for pair in pairs]
        sources = [f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" for png in drawn]
        if sum(map(len, sources)) <= most_bytes:
            break
    taken = itertools.accumulate(map(len, sources))
    fitting = zip(pairs, sources, taken, strict=True)
    return [(pair, source) for pair, source, so_far in fitting if so_far <= most_bytes]


def _within(image: Images, side: int) -> Images:
    """Return an image whose longer side is at most so long; smaller ones stay as they are."""
    import numpy as np
    from PIL import Image

    if max(image.shape[:2]) <= side:
        return image
    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    return np.asarray(picture)


def _picture(pair: PicturePair, source: str, classes: Sequence[str]) -> Picture:
    name = plain(classes[pair.label]) if 0 <= pair.label < len(classes) else f"class {pair.label}"
    caption = plain(pair.caption)
    return Picture(source, name, caption if len(caption) <= _CAPTION else f"{caption[: _CAPTION - 1]}…")


def pair_png(real: Images, synthetic: Images, *, height: int = 96) -> bytes:
    """Return a real and a synthetic image beside each other as PNG, enlarged without smoothing.

    Args:
        real: (height, width, 3) uint8.
        synthetic: the same; it may have another size.
        height: least height in pixels of the result; images are enlarged by whole factors to reach it.
    """
    import numpy as np
    from PIL import Image

    factors = [max(1, -(-height // part.shape[0])) for part in (real, synthetic)]
    enlarged = [
        part.repeat(factor, axis=0).repeat(factor, axis=1)
        for part, factor in zip((real, synthetic), factors, strict=True)
    ]
    tallest = max(part.shape[0] for part in enlarged)
    gap = max(2, tallest // 24)
    canvas = np.zeros((tallest, sum(part.shape[1] for part in enlarged) + gap, 4), dtype=np.uint8)
    left = 0
    for part in enlarged:
        canvas[: part.shape[0], left : left + part.shape[1], :3] = part
        canvas[: part.shape[0], left : left + part.shape[1], 3] = 255
        left += part.shape[1] + gap
    written = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(written, format="PNG", optimize=False, compress_level=9)
    return written.getvalue()
