"""Which synthetic images show a real one: these are withheld wherever real images are.

A rough look at a few images that errs on the side of caution; attacks and metrics of copies measure.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Images, Members

DRAWN, SIDE = 32, 8
"""Pixels a side in which windows are laid, and of the thumbnails of these that are compared."""
CLOSE = 0.5
"""Root mean squared difference of thumbnails, in their own standard deviations, below which two show one picture.

Of photographs of four datasets that were mirrored, cropped and brightened, as the control `memorizer-augmented` does,
it lets 1 % at most pass; of their test images it takes 0 to 8 % for training images.
"""
WINDOWS = ((1.0, 1), (0.9, 2), (0.8, 3))
"""Sides of the windows of a real image that a copy may show, and in how many places either way they are laid."""
FLAT = 8.0  # of 255: what varies less counts as if it varied so much, or its noise would be compared
_AT_ONCE = 512  # real images compared at a time: a third of a gigabyte of photographs at 224 pixels


def resembles(synthetic: Images, real: Iterable[Images]) -> Members:
    """Return which synthetic images (n, h, w, 3) come close to a real one, altered or not, (n,) bool.

    A copy may be mirrored, cropped, and of another brightness or contrast. The real images, some arrays (m, h, w, 3),
    may have another size. It errs on the side of taking images for copies, as what is withheld costs a picture.

    >>> import numpy as np
    >>> ramp = np.tile(np.arange(16, dtype=np.uint8)[None, None, :, None] * 15, (1, 16, 1, 3))
    >>> resembles(np.concatenate([ramp[:, :, ::-1] // 2, ramp.transpose(0, 2, 1, 3)]), [ramp]).tolist()
    [True, False]
    """
    import numpy as np

    found = np.zeros(len(synthetic), dtype=bool)
    for images in real if len(synthetic) else ():
        made = _toneless(_thumbnails(synthetic, SIDE))
        for start in range(0, len(images), _AT_ONCE):
            for shown in _windows(images[start : start + _AT_ONCE]):
                for turned in (made, made[:, :, ::-1]):
                    found |= _nearest(turned, shown) < CLOSE
    return found


def _windows(images: Images) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the toneless thumbnails of what each window shows of images (m, h, w, 3)."""
    import numpy as np

    drawn = _thumbnails(images, DRAWN)
    for size, places in WINDOWS:
        side = round(size * DRAWN)
        starts = np.linspace(0, DRAWN - side, places).round().astype(int).tolist()
        for top, left in itertools.product(starts, starts):
            yield _toneless(_thumbnails(drawn[:, top : top + side, left : left + side], SIDE))


def _toneless(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return pictures (n, s, s, 3) of mean 0 and standard deviation 1 each, or less where they are flat."""
    import numpy as np

    centred = pictures - pictures.mean(axis=(1, 2, 3), keepdims=True)
    found: npt.NDArray[np.float32] = centred / np.maximum(centred.std(axis=(1, 2, 3), keepdims=True), FLAT)
    return found


def _nearest(images: npt.NDArray[np.float32], among: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the root mean squared difference of each image (n, s, s, 3) to the nearest of others (m, s, s, 3)."""
    import numpy as np

    one, other = (array.reshape(len(array), -1).astype(np.float64) for array in (images, among))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    nearest: npt.NDArray[np.float64] = np.sqrt(np.maximum(squares.min(axis=1), 0) / one.shape[1])
    return nearest


def _thumbnails(images: npt.NDArray[Any], side: int) -> npt.NDArray[np.float32]:
    """Return images (n, h, w, 3) as (n, side, side, 3): each pixel is the mean of its block, which may cut pixels."""
    import numpy as np

    rows, columns = (_shares(length, side) for length in images.shape[1:3])
    small: npt.NDArray[np.float32] = np.einsum(
        "ih,nhwc,jw->nijc", rows, images.astype(np.float32), columns, optimize=True
    )
    return small


def _shares(length: int, side: int) -> npt.NDArray[np.float32]:
    """Return which share of each block, of `side`, each of `length` pixels is, (side, length).

    >>> (3 * _shares(3, 2)).round().tolist()
    [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    """
    import numpy as np

    block = length / side
    starts, pixels = np.arange(side)[:, None] * block, np.arange(length)[None]
    overlap = np.minimum(starts + block, pixels + 1) - np.maximum(starts, pixels)
    shares: npt.NDArray[np.float32] = (np.maximum(overlap, 0) / block).astype(np.float32)
    return shares
