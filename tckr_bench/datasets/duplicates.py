"""Pictures that are in a dataset more than once: the same file, the same pixels, or nearly the same to the eye.

Near duplicates are found by a 64-bit difference hash, which JPEG, resizing and brightness hardly change, and confirmed
by the correlation of RGB thumbnails. At the limits below, 6,000 CIFAR-10 images give no false alarm; a copy saved
again as JPEG at quality 75 is found in 97 % of cases at 32 x 32 pixels and in all at the size of photographs, and a
copy 10 % smaller or 10 % brighter in 99 %. Crops, mirrored and rotated copies are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tckr_bench.records import SPLITS, Split

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DuplicateKind = Literal["file", "pixels", "near"]

HASH_DISTANCE = 10  # of 64 bits
CORRELATION = 0.98
BRIGHTNESS = 40.0  # of 255: the same scene by day and by night is two pictures
FLAT = 3.0  # of 255: an image that varies less has no shape to correlate
CANDIDATES = 32  # at most so many are confirmed for one image, the nearest first; bounds sets of look-alikes
EXAMPLES = 5
_ROWS, _COLUMNS, _PAIRS = 64, 4096, 4096  # tiles that stay in a processor's cache, whatever the number of images


@dataclass(frozen=True)
class ImageKey:
    """What an image is compared by; `file` is empty where the stored bytes are not known."""

    split: Split
    name: str
    label: int
    file: bytes
    pixels: bytes


@dataclass(frozen=True)
class NearPairs:
    """Pairs (n, 2) of near duplicates, the lower index first, and what finding them took."""

    pairs: npt.NDArray[np.int64]
    hashes_compared: int
    pairs_verified: int


@dataclass(frozen=True)
class Duplicates:
    """Copies of one kind between two splits, or within one.

    Attributes:
        kind: the same file, the same pixels in another file, or nearly the same picture.
        splits: where the first picture is and where its copies are; the same one twice within a split.
        images: images of the second split that have such a copy in the first, each counted once, at its closest kind.
        disagreeing: those of them with a copy of another class.
        examples: the first few, as (name of the first picture, name of its copy).
    """

    kind: DuplicateKind
    splits: tuple[Split, Split]
    images: int
    disagreeing: int
    examples: tuple[tuple[str, str], ...]


def difference_hashes(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return the 64-bit difference hash of each thumbnail (n, 16, 18, 3), as (n,) uint64.

    A bit says whether the grey level grows from one cell of an 8 x 9 grid to the next on its right.

    >>> import numpy as np
    >>> ramp = np.tile(np.arange(18, dtype=np.uint8)[None, None, :, None] * 10, (1, 16, 1, 3))
    >>> np.bitwise_count(difference_hashes(np.concatenate([ramp, ramp[:, :, ::-1]]))).tolist()
    [64, 0]
    """
    import numpy as np

    levels = np.array([299, 587, 114], dtype=np.int64)  # ITU-R BT.601, in thousandths: integers compare exactly
    hashes = np.empty(len(thumbnails), dtype=np.uint64)
    for start in range(0, len(thumbnails), _PAIRS):
        grey = thumbnails[start : start + _PAIRS].astype(np.int64) @ levels
        cells = grey.reshape(-1, 8, 2, 9, 2).sum(axis=(2, 4))
        bits = cells[:, :, 1:] > cells[:, :, :-1]
        hashes[start : start + _PAIRS] = np.packbits(bits.reshape(-1, 64), axis=1).view(np.uint64).ravel()
    return hashes


def find_near_pairs(thumbnails: npt.NDArray[np.uint8]) -> NearPairs:
    """Return which of the thumbnails (n, 16, 18, 3) show nearly the same picture.

    Every pair of hashes is compared, in tiles; memory grows with n, not with its square.
    """
    import numpy as np

    hashes = difference_hashes(thumbnails)
    count = len(hashes)
    found = [np.empty((0, 2), dtype=np.int64)]
    verified = 0
    for candidates in _candidates(hashes):
        verified += len(candidates)
        for start in range(0, len(candidates), _PAIRS):
            part = candidates[start : start + _PAIRS]
            found.append(part[_alike(thumbnails[part[:, 0]], thumbnails[part[:, 1]])])
    return NearPairs(np.concatenate(found), hashes_compared=count * (count - 1) // 2, pairs_verified=verified)


def _candidates(hashes: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield pairs (m, 2) of similar hashes, a block of rows at a time, the nearest few of each row."""
    import numpy as np

    for top in range(0, len(hashes), _ROWS):
        rows = hashes[top : top + _ROWS, None]
        tiles = []
        for left in range(top, len(hashes), _COLUMNS):
            distances = np.bitwise_count(rows ^ hashes[None, left : left + _COLUMNS])
            # Divided by hand, as `flatnonzero` is forty times as fast as `nonzero` of two dimensions.
            row, column = np.divmod(np.flatnonzero(distances <= HASH_DISTANCE), distances.shape[1])
            later = column + left > row + top
            row, column = row[later], column[later]
            tiles.append(np.stack([row + top, column + left, distances[row, column].astype(np.int64)], axis=1))
        block = np.concatenate(tiles)
        block = block[np.lexsort((block[:, 1], block[:, 2], block[:, 0]))]
        firsts = np.searchsorted(block[:, 0], block[:, 0])  # where the row of each pair begins
        yield block[np.arange(len(block)) - firsts < CANDIDATES, :2]


def _alike(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which pairs of thumbnails (n, 16, 18, 3) correlate, or are the same flat colour."""
    import numpy as np

    one, other = (part.reshape(len(part), -1).astype(np.float32) for part in (first, second))
    apart = np.abs(one - other).mean(axis=1)
    one -= one.mean(axis=1, keepdims=True)
    other -= other.mean(axis=1, keepdims=True)
    spreads = [np.sqrt(np.square(part).mean(axis=1)) for part in (one, other)]
    flat = np.minimum(*spreads) < FLAT
    correlation = (one * other).mean(axis=1) / np.maximum(spreads[0] * spreads[1], 1e-6)
    alike: npt.NDArray[np.bool_] = np.where(flat, apart < FLAT, (correlation > CORRELATION) & (apart < BRIGHTNESS))
    return alike


def find_duplicates(
    images: Sequence[ImageKey], thumbnails: npt.NDArray[np.uint8]
) -> tuple[tuple[Duplicates, ...], NearPairs]:
    """Return the duplicates among n images and their thumbnails (n, 16, 18, 3), the worst first, and the search.

    Images come in the order of the splits. Exact copies are told by their digests; the near search sees one image
    of each set of pixels and split.
    """
    import numpy as np

    copies: dict[tuple[int, Split], _Copy] = {}
    for kind in ("file", "pixels"):
        for second, copy in _exact_copies(images, kind):
            copies.setdefault((second, images[copy.first].split), copy)
    unlike: dict[tuple[bytes, Split], int] = {}
    for index, image in enumerate(images):
        unlike.setdefault((image.pixels, image.split), index)
    chosen = np.fromiter(unlike.values(), dtype=np.int64, count=len(unlike))
    search = find_near_pairs(thumbnails[chosen])
    for first, second in chosen[search.pairs].tolist():
        key = (second, images[first].split)
        copies.setdefault(key, _Copy("near", first))
        if copies[key].kind == "near" and images[first].label != images[second].label:
            copies[key].disagrees = True
    return tuple(_tally(images, copies)), search


@dataclass
class _Copy:
    """The closest kind of copy of an image in a split, and the first picture that it is a copy of."""

    kind: DuplicateKind
    first: int
    disagrees: bool = False


def _exact_copies(images: Sequence[ImageKey], kind: Literal["file", "pixels"]) -> Iterator[tuple[int, _Copy]]:
    """Yield every image with an earlier copy in a split, and that copy."""
    firsts: dict[tuple[bytes, Split], int] = {}
    labels: dict[tuple[bytes, Split], set[int]] = {}
    for index, image in enumerate(images):
        digest = image.file if kind == "file" else image.pixels
        if not digest:
            continue
        for split in SPLITS:
            if (digest, split) in firsts:
                yield index, _Copy(kind, firsts[digest, split], disagrees=labels[digest, split] != {image.label})
        firsts.setdefault((digest, image.split), index)
        labels.setdefault((digest, image.split), set()).add(image.label)


def _tally(images: Sequence[ImageKey], copies: dict[tuple[int, Split], _Copy]) -> Iterator[Duplicates]:
    """Sum copies up by splits and kind: between splits before within, exact before near."""
    groups: dict[tuple[bool, Split, Split, int], list[tuple[int, _Copy]]] = {}
    kinds: tuple[DuplicateKind, ...] = ("file", "pixels", "near")
    for (second, split), copy in sorted(copies.items()):
        within = images[second].split == split
        groups.setdefault((within, split, images[second].split, kinds.index(copy.kind)), []).append((second, copy))
    for (_within, first_split, second_split, rank), found in sorted(groups.items()):
        examples = [(images[copy.first].name, images[second].name) for second, copy in found[:EXAMPLES]]
        yield Duplicates(
            kind=kinds[rank],
            splits=(first_split, second_split),
            images=len(found),
            disagreeing=sum(copy.disagrees for _second, copy in found),
            examples=tuple(examples),
        )
