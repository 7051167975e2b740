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
    """A real image beside a synthetic one, or that alone, as a data URI, the class, and the caption."""

    source: str
    name: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """A record's pictures, or a sentence that says why there are none; `real` counts the real images among them."""

    samples: tuple[Picture, ...] = ()
    copies: tuple[Picture, ...] = ()
    absent: str = ""
    real: int = 0


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
        withheld = sources.of_run and not may_be_shown(record.description.licence)
        why = "All its pictures come close to real images and are withheld." if withheld else ""
        return Gallery(absent=why or "The submission brought no pictures.")
    if not lies_inside(path, sources.root):
        return Gallery(absent="The pictures lie outside the folder of results; they are not opened.")
    try:
        pairs = read_pictures(path)
    except TckrError:
        return Gallery(absent=f"No pictures are shown: {plain(path.name)} does not hold any.")
    samples = spread([pair for pair in pairs if pair.kind == "sample"], MOST_PAIRS)
    copies = [pair for pair in pairs if pair.kind == "copy"][:MOST_COPIES]
    found: dict[str, list[Picture]] = {"sample": [], "copy": []}
    fitting = _encoded([*samples, *copies], most_bytes)
    for pair, source in fitting:
        found[pair.kind].append(_picture(pair, source, record.description.class_names))
    real = sum(pair.real is not None for pair, _ in fitting)
    return Gallery(tuple(found["sample"]), tuple(found["copy"]), real=real)


def disclosure(name: str, gallery: Gallery, *, of_run: bool) -> str:
    """Say how many real images of a dataset a page shows, and how to see them where a run was not asked to.

    >>> disclosure("digits", Gallery(real=3), of_run=True)
    'This page shows 3 real images of digits.'
    """
    if gallery.real:
        return f"This page shows {gallery.real} real image{'s' if gallery.real > 1 else ''} of {name}."
    told = "; `tckr-bench run --show-real-images` shows some, with their captions and nearest copies"
    return f"This page shows no real image of {name}{told if of_run else ''}."


def _encoded(pairs: Sequence[PicturePair], most_bytes: int) -> list[tuple[PicturePair, str]]:
    """Return pairs with their data URIs, in the largest size in which all of them fit, or as many as fit."""
    sources: list[str] = []
    for side in _SIDES:
        drawn = [beside_png([_within(part, side) for part in _parts(pair)], height=1) for pair in pairs]
        sources = [f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" for png in drawn]
        if sum(map(len, sources)) <= most_bytes:
            break
    taken = itertools.accumulate(map(len, sources))
    fitting = zip(pairs, sources, taken, strict=True)
    return [(pair, source) for pair, source, so_far in fitting if so_far <= most_bytes]


def _parts(pair: PicturePair) -> list[Images]:
    return [pair.synthetic] if pair.real is None else [pair.real, pair.synthetic]


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


def beside_png(images: Sequence[Images], *, height: int = 96) -> bytes:
    """Return images beside each other as PNG, enlarged without smoothing.

    Args:
        images: (height, width, 3) uint8 each; they may have different sizes.
        height: least height in pixels of the result; images are enlarged by whole factors to reach it.
    """
    import numpy as np
    from PIL import Image

    factors = [max(1, -(-height // part.shape[0])) for part in images]
    enlarged = [
        part.repeat(factor, axis=0).repeat(factor, axis=1) for part, factor in zip(images, factors, strict=True)
    ]
    tallest = max(part.shape[0] for part in enlarged)
    gap = max(2, tallest // 24)
    width = sum(part.shape[1] for part in enlarged) + gap * (len(enlarged) - 1)
    canvas = np.zeros((tallest, width, 4), dtype=np.uint8)
    left = 0
    for part in enlarged:
        canvas[: part.shape[0], left : left + part.shape[1], :3] = part
        canvas[: part.shape[0], left : left + part.shape[1], 3] = 255
        left += part.shape[1] + gap
    written = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(written, format="PNG", optimize=False, compress_level=9)
    return written.getvalue()
