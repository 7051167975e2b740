"""Array types with what they hold and their shape: for type checkers, for people, and for tests that check both.

Importing this imports numpy, so `tckr_bench.records` does it only for who asks: rooms name these types in annotations
alone. Within one signature a named length is the same everywhere, `...` stands for any shape.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

Images = UInt8[npt.NDArray[np.uint8], "n height width 3"]
"""Images, RGB, range 0-255; synthetic ones given to a classifier or an attack may be an `ImageSequence` on disk."""
Labels = Int64[npt.NDArray[np.int64], "n"]
"""Class indices, range 0 to classes - 1."""
Logits = Float32[npt.NDArray[np.float32], "n classes"]
"""Classifier outputs before the softmax."""
Scores = Float64[npt.NDArray[np.float64], "n"]
"""Membership scores; higher means 'more likely a member'."""
Members = Bool[npt.NDArray[np.bool_], "n"]
"""Who is a member, or which examples are meant."""
Indices = Int64[npt.NDArray[np.int64], "n"]
"""For each of n examples, the index of another."""
Queries = Float32[npt.NDArray[np.float32], "queries n classes"]
"""Outputs of one model on altered copies of each example."""
ShadowLogits = Float32[npt.NDArray[np.float32], "shadows n classes"]
"""Outputs of every shadow model."""
ShadowQueries = Float32[npt.NDArray[np.float32], "shadows queries n classes"]
"""Outputs of every shadow model on altered copies of each example."""
Membership = Bool[npt.NDArray[np.bool_], "shadows n"]
"""Which examples each shadow model was trained on."""


@runtime_checkable
class ImageSequence(Protocol):
    """Images (n, height, width, 3) uint8: an array, or `ImageChunks` of `tckr_bench.stages.chunks` that lie on disk.

    Slice it, index it by arrays of integers or booleans, or call `numpy.asarray`, which reads all of it into memory.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, height, width, 3)."""

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: Any, /) -> Any: ...  # noqa: ANN401 - whatever numpy takes


Floats = Float64[npt.NDArray[np.float64], "..."]
Bools = Bool[npt.NDArray[np.bool_], "..."]
