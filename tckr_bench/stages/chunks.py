"""Images of several chunks as one array-like that is never in memory as a whole.

Twenty times Food-101 at 224 pixels is 228 GB of uint8: too much to concatenate. The images lie uncompressed inside the
chunks' safetensors files, so a memory map at the right offset reads the rows that are asked for and no others.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tckr_bench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

LARGEST_HEADER = 1_000_000
"""Bytes of a safetensors header that are read at most; ours have a few hundred."""


class ImageChunks:
    """Read-only images (n, height, width, 3) uint8 over consecutive chunks; rows are copied out when asked for.

    Works where numpy arrays are sliced along the first axis or indexed by integers or booleans; `numpy.asarray`
    reads everything into memory.

    >>> import numpy as np
    >>> chunks = ImageChunks([np.zeros((2, 1, 1, 3), np.uint8), np.ones((1, 1, 1, 3), np.uint8)])
    >>> chunks.shape, chunks[[2, 0]][:, 0, 0, 0].tolist()
    ((3, 1, 1, 3), [1, 0])
    """

    def __init__(self, chunks: Sequence[npt.NDArray[np.uint8]]) -> None:
        import numpy as np

        assert chunks, "at least one chunk"
        assert len({chunk.shape[1:] for chunk in chunks}) == 1, "images of one size"
        self._chunks = tuple(chunks)
        self._ends = np.cumsum([len(chunk) for chunk in chunks])

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, height, width, 3)."""
        return (int(self._ends[-1]), *self._chunks[0].shape[1:])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """uint8."""
        return self._chunks[0].dtype

    @property
    def nbytes(self) -> int:
        """What the images would take in memory."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        for chunk in self._chunks:
            yield from chunk

    def __getitem__(self, wanted: Any) -> npt.NDArray[np.uint8]:  # noqa: ANN401 - whatever numpy takes for one axis
        """Return the rows of an integer, a slice, an array of integers or an array of booleans, as numpy would.

        Raises:
            IndexError: an index is out of range, or a mask has another length.
        """
        import numpy as np

        if isinstance(wanted, int | np.integer):
            one: npt.NDArray[np.uint8] = self._gather(np.array([wanted]))[0]
            return one
        if isinstance(wanted, slice):
            return self._gather(np.arange(*wanted.indices(len(self))))
        indices = np.asarray(wanted)
        if indices.dtype == bool:
            if indices.shape != (len(self),):
                raise IndexError(f"a mask of shape {indices.shape} for {len(self)} images")
            indices = np.flatnonzero(indices)
        return self._gather(indices)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:  # noqa: ANN401 - numpy's
        """Read everything into memory."""
        if copy is False:
            raise ValueError("images in several files cannot be had without a copy")
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def _gather(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        import numpy as np

        count = len(self)
        if len(indices) and not (-count <= indices.min() and indices.max() < count):
            raise IndexError(f"an index of {int(indices.min())} to {int(indices.max())} for {count} images")
        indices = np.where(indices < 0, indices + count, indices).astype(np.int64)
        rows = np.empty((len(indices), *self.shape[1:]), dtype=np.uint8)
        owners = np.searchsorted(self._ends, indices, side="right")
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            start = int(self._ends[owner]) - len(self._chunks[owner])
            rows[places] = self._chunks[owner][indices[places] - start]
        return rows


def map_images(path: Path, name: str) -> npt.NDArray[np.uint8]:
    """Return the uint8 tensor `name` of a safetensors file as a read-only memory map.

    Raises:
        StoreError: the file is not safetensors, or its tensor is not uint8 within the file.
    """
    import numpy as np

    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LARGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            tensor = json.loads(file.read(length))[name]
        shape = tuple(int(side) for side in tensor["shape"])
        start, stop = (8 + length + int(offset) for offset in tensor["data_offsets"])
        sound = tensor["dtype"] == "U8" and min(shape) >= 0 and 8 + length <= start <= stop <= path.stat().st_size
        if not sound or stop - start != math.prod(shape):
            raise ValueError(f"tensor '{name}' is described as {tensor}")
        if start == stop:
            return np.empty(shape, dtype=np.uint8)
        return np.memmap(path, dtype=np.uint8, mode="r", offset=start, shape=shape)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"cannot read the images in {path} ({type(error).__name__}: {error}); delete its folder and run again"
        ) from error
