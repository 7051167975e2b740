"""What tells the outputs of classifiers apart, in a few numbers: all but a scale and a shift, which anybody undoes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tckr_bench.records import Logits

NUMBERS = 8
MOST_IMAGES = 1000
TOLERANCE = 1e-5
"""Of numbers that are about 1 in size; float32 outputs divided by anything keep theirs to 1e-6."""


def outline(logits: Logits) -> tuple[float, ...]:
    """Return eight numbers of outputs (n, classes) that are the same for every positive multiple of them.

    The mean of each image's outputs is taken off, which no probability depends on, the whole is divided by its norm,
    and eight fixed directions are asked how far it reaches along them: numbers of mean 0 and variance 1. The first
    1,000 images count.

    Returns:
        Eight numbers; none where all classes have the same outputs, which tell nothing of any other.

    >>> import numpy as np
    >>> outputs = np.array([[1.0, 3.0], [2.0, 0.5]], dtype=np.float32)
    >>> alike(outline(outputs), outline(outputs / 4 + 7)), alike(outline(outputs), outline(-outputs))
    (True, False)
    """
    import numpy as np

    centred = logits[:MOST_IMAGES].astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True) if centred.size else 0.0
    norm = np.linalg.norm(centred)
    if not np.isfinite(norm) or norm <= np.finfo(np.float32).tiny:
        return ()
    directions = np.random.default_rng(0)
    return tuple(
        float((directions.standard_normal(centred.shape, dtype=np.float32) * centred).sum() / norm)
        for _ in range(NUMBERS)
    )


def alike(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Tell whether two outlines are of outputs that determine one another; what has no outline is like nothing."""
    if not first or len(first) != len(second):
        return False
    return all(abs(one - other) <= TOLERANCE for one, other in zip(first, second, strict=True))
