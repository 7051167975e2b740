"""Takes up weights that come from elsewhere: safetensors only, checked against the network before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

UNUSED = "num_batches_tracked"  # old files lack it, and no norm of these networks reads it


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a file.

    Raises:
        TckrError: the file cannot be read as safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise TckrError(
            f"cannot read the weights in {path} ({error}); give a .safetensors file of this model"
        ) from error


def take_up(module: nn.Module, found: Mapping[str, Tensor], *, heads: tuple[str, ...], path: Path) -> None:
    """Copy named weights into a network; a head of another class count is left as it is.

    Raises:
        TckrError: tensors are lacking or have another shape.
    """
    own = module.state_dict()
    prefixes = tuple(f"{head}." for head in heads)
    usable = {
        name: value
        for name, value in found.items()
        if name in own and not (name.startswith(prefixes) and value.shape != own[name].shape)
    }
    needed = {name for name in own if not name.startswith(prefixes) and not name.endswith(UNUSED)}
    lacking = sorted(needed - usable.keys())
    misfits = sorted(name for name, value in usable.items() if value.shape != own[name].shape)
    if lacking or misfits:
        raise TckrError(
            f"the weights in {path} are not those of this model at this image_size "
            f"({len(lacking)} tensors lacking, {len(misfits)} of another shape, "
            f"{(lacking + misfits)[0]} first); give the file that fits"
        )
    module.load_state_dict(usable, strict=False)
