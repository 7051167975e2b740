"""Altered copies of the challenge examples that an attacker may ask a classifier about as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.records import Images

SHIFT_OF_SIDE = 1 / 16
SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))
MOST_QUERIES = 9


def altered_copies(images: Images, count: int) -> Iterator[Images]:
    """Yield the first `count` (0 to 9) alterations of images (n, height, width, 3), each of the same shape.

    Four shifts by a sixteenth of the side, edges repeated, then the mirror image and its four shifts: what training
    augments with, so that a model remembers them too.

    >>> import numpy as np
    >>> row = np.arange(3, dtype=np.uint8).reshape(1, 1, 3, 1)
    >>> [copy.ravel().tolist() for copy in altered_copies(row, 2)]
    [[0, 0, 1], [1, 2, 2]]
    """
    import numpy as np

    assert 0 <= count <= MOST_QUERIES, f"there are {MOST_QUERIES} alterations"
    mirrored = images[:, :, ::-1]
    plans = [(images, shift) for shift in SHIFTS] + [(mirrored, shift) for shift in ((0, 0), *SHIFTS)]
    height, width = images.shape[1:3]
    for source, (down, right) in plans[:count]:
        rows = np.arange(height) - down * max(1, round(height * SHIFT_OF_SIDE))
        columns = np.arange(width) - right * max(1, round(width * SHIFT_OF_SIDE))
        yield source[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)]
