"""Arrays on disk: safetensors, whose bytes depend on the content alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write named arrays to one file."""
    import numpy as np
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def read_arrays(path: Path, *, names: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Read every array of a file, or those named."""
    from safetensors import safe_open
    from safetensors.numpy import load_file

    if names is None:
        return dict(load_file(path))
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in names}
