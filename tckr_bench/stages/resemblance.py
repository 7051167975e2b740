"""Which synthetic images show a real one: these are withheld wherever real images are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Images, Members

SIDE = 16
CLOSE = 15.0
"""Root mean squared difference of thumbnails, in 0-255, below which two pictures are taken for one."""
_AT_ONCE = 512  # real images compared at a time: a third of a gigabyte of photographs at 224 pixels


def resembles(synthetic: Images, real: Iterable[Images]) -> Members:
    """Return which synthetic images (n, h, w, 3) come close to a real one, as it is or mirrored, (n,) bool.

    The real images, some arrays (m, h, w, 3), may have another size: thumbnails of 16 pixels a side are compared, or of
    as many as the smaller has. It errs on the side of taking images for copies, as what is withheld costs a picture.

    >>> import numpy as np
    >>> ramp = np.tile(np.arange(16, dtype=np.uint8)[None, None, :, None] * 15, (1, 16, 1, 3))
    >>> resembles(np.concatenate([ramp[:, :, ::-1], 255 - ramp // 4]), [ramp]).tolist()
    [True, False]
    """
    import numpy as np

    found = np.zeros(len(synthetic), dtype=bool)
    for images in real:
        if not len(images) or not len(synthetic):
            continue
        side = min(SIDE, *synthetic.shape[1:3], *images.shape[1:3])
        made = _thumbnails(synthetic, side)
        for start in range(0, len(images), _AT_ONCE):
            originals = _thumbnails(images[start : start + _AT_ONCE], side)
            for turned in (made, made[:, :, ::-1]):
                found |= _nearest(turned, originals) < CLOSE
    return found


def _nearest(images: npt.NDArray[np.float32], among: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the root mean squared difference of each image (n, s, s, 3) to the nearest of others (m, s, s, 3)."""
    import numpy as np

    one, other = (array.reshape(len(array), -1).astype(np.float64) for array in (images, among))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    nearest: npt.NDArray[np.float64] = np.sqrt(np.maximum(squares.min(axis=1), 0) / one.shape[1])
    return nearest


def _thumbnails(images: Images, side: int) -> npt.NDArray[np.float32]:
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
