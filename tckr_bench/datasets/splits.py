"""Seeded splits of a dataset that comes without them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Labels

TEST_SEED = "test split 0"


def stratified_split(labels: Labels, sizes: Sequence[int], *, seed: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Deal the indices of `labels` (n,) into disjoint parts that keep the proportions of the classes.

    Parts hold exactly `sizes` indices each, sorted; their sum is at most n. Within a class the order is drawn
    from `seed`; spread evenly over the whole, a part gets its share of every class to within an image or so.

    >>> import numpy as np
    >>> [part.size for part in stratified_split(np.array([0, 0, 1, 1]), [2, 2], seed=0)]
    [2, 2]
    """
    import numpy as np

    assert sum(sizes) <= len(labels), "more asked for than there is"
    generator = np.random.default_rng(seed)
    rank = np.empty(len(labels), dtype=np.float64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = generator.permutation((np.arange(members.size) + generator.random()) / members.size)
    # Each class is spread evenly over [0, 1), so every run of this order is proportional.
    order = np.argsort(rank, kind="stable")
    ends = np.cumsum(sizes)
    return tuple(np.sort(order[end - size : end]) for end, size in zip(ends, sizes, strict=True))


def set_aside(files: Sequence[Path], *, fraction: float) -> frozenset[Path]:
    """Return the files (relative paths) of one class that become test images.

    They are the share `fraction`, rounded, and at least one where the class has two or more files; one always stays
    for training. A seeded hash of each name decides, so that the split is the same on every machine and hardly
    changes when images are added.

    >>> from pathlib import Path
    >>> [len(set_aside([Path(f"cat/{i}.png") for i in range(n)], fraction=0.2)) for n in (1, 2, 10)]
    [0, 1, 2]
    """
    wanted = max(int(len(files) * fraction + 0.5), 1)
    chosen = sorted(files, key=lambda path: hashlib.sha256(f"{TEST_SEED}/{path.as_posix()}".encode()).digest())
    return frozenset(chosen[: min(wanted, len(files) - 1)])
