"""Small pictures of images, in which attacks on images measure: exact, whatever the batch, and small in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tckr_plugins.late import np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import Images, ImageSequence

_AT_ONCE = 256  # images read into memory at their full size


def thumbnails(images: ImageSequence, *, side: int) -> Images:
    """Return images (n, height, width, 3) uint8 as (n, side, side, 3) uint8; each pixel is the mean of its block.

    Sums are of integers and exact, so equal images have equal thumbnails, in whatever batch. Images may be an
    array-like on disk, which is read in slices; `side` is at most their height and width.

    >>> checks = np.array([[0, 10, 7, 7], [20, 30, 7, 7], [0, 0, 1, 2], [0, 0, 3, 4]], dtype=np.uint8)
    >>> thumbnails(np.stack([checks] * 3, axis=-1)[None], side=2)[0, :, :, 0].tolist()
    [[15, 7], [0, 2]]
    """
    height, width = images.shape[1:3]
    assert side <= min(height, width), "thumbnails are no larger than the images"
    small = np.empty((len(images), side, side, 3), dtype=np.uint8)
    for start in range(0, len(images), _AT_ONCE):
        part = np.asarray(images[start : start + _AT_ONCE])
        small[start : start + len(part)] = part if (height, width) == (side, side) else _block_means(part, side)
    return small


def common_side(*images: ImageSequence, largest: int) -> int:
    """Return the side of thumbnails that all these images can be shrunk to, `largest` at most.

    >>> common_side(np.zeros((1, 64, 64, 3)), np.zeros((1, 28, 28, 3)), largest=32)
    28
    """
    return min(largest, *(int(side) for array in images for side in array.shape[1:3]))


def _block_means(images: Images, side: int) -> npt.NDArray[Any]:
    """Return the means of side x side equal blocks, (n, side, side, 3), rounded; a block may cut pixels."""
    rows, columns = (_shares(length, side) for length in images.shape[1:3])
    pixels = int(rows[0].sum() * columns[0].sum())
    exact = np.float32 if 255 * pixels < 2**24 else np.float64  # integers, so that no order of adding matters
    count, height, width, _ = images.shape
    sums = rows.astype(exact) @ images.reshape(count, height, -1).astype(exact)
    sums = columns.astype(exact) @ sums.reshape(count, side, width, 3)
    means: npt.NDArray[Any] = np.round(sums / pixels)
    return means


def _shares(length: int, side: int) -> npt.NDArray[np.int64]:
    """Return how much of each of `length` pixels belongs to each of `side` blocks, (side, length), as integers.

    >>> _shares(3, 2).tolist()
    [[2, 1, 0], [0, 1, 2]]
    """
    unit = math.gcd(length, side)
    blocks, pixels = np.arange(side)[:, None] * (length // unit), np.arange(length) * (side // unit)
    ends = np.minimum(blocks + length // unit, pixels + side // unit)
    shares: npt.NDArray[np.int64] = np.maximum(ends - np.maximum(blocks, pixels), 0)
    return shares
