"""The operations of AugMix that map each grey level to another: one table per image and channel, one selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def look_up(planes: Tensor, names: list[str], strengths: Tensor) -> Tensor:
    """Apply to each image of planes (n, 3, height, width) uint8 the operation it drew."""
    tables = torch.empty(len(planes), 3, 256, dtype=torch.uint8, device=planes.device)
    for name, make in OPERATIONS.items():
        places = [index for index, drawn in enumerate(names) if drawn == name]
        if places:
            where = torch.tensor(places)
            there = where.to(planes.device)
            tables[there] = make(planes[there], strengths[where].to(planes.device)[:, None, None])
    return tables.flatten().index_select(0, _flat_levels(planes)).reshape(planes.shape)


def grey(planes: Tensor) -> Tensor:
    """Return the luma (ITU-R 601) of planes (n, 3, height, width), rounded down: (n, height, width) float."""
    red, green, blue = planes.float().unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).floor_()


def _flat_levels(planes: Tensor) -> Tensor:
    """Return, for every value, its place in tables (n, 3, 256) laid out in a row."""
    count = planes.shape[0] * 3
    offsets = torch.arange(0, count * 256, 256, dtype=torch.int32, device=planes.device)
    return (planes.reshape(count, -1) + offsets[:, None]).flatten()


def _levels(planes: Tensor) -> Tensor:
    return torch.arange(256, dtype=torch.float32, device=planes.device)[None, None, :]


def _finish(table: Tensor) -> Tensor:
    return table.clamp(0, 255).to(torch.uint8)


def _posterize(planes: Tensor, bits: Tensor) -> Tensor:
    step = 2.0 ** (8 - bits)
    return _finish((_levels(planes) / step).floor() * step)


def _solarize(planes: Tensor, threshold: Tensor) -> Tensor:
    levels = _levels(planes)
    return _finish(torch.where(levels >= threshold, 255 - levels, levels))


def _brightness(planes: Tensor, strength: Tensor) -> Tensor:
    return _finish(_levels(planes) * (1 + strength))


def _contrast(planes: Tensor, strength: Tensor) -> Tensor:
    mean = grey(planes).mean(dim=(1, 2))[:, None, None]
    return _finish(_levels(planes) * (1 + strength) - mean * strength)


def _autocontrast(planes: Tensor, _strength: Tensor) -> Tensor:
    flat = planes.flatten(2)
    low, high = flat.amin(2, keepdim=True).float(), flat.amax(2, keepdim=True).float()
    levels = _levels(planes)
    stretched = (levels - low) * (255 / (high - low).clamp(min=1))
    return _finish(torch.where(high > low, stretched, levels))


def _equalize(planes: Tensor, _strength: Tensor) -> Tensor:
    """Flatten the histogram of each channel, by the integer rule of Pillow."""
    counts = torch.bincount(_flat_levels(planes), minlength=len(planes) * 3 * 256).reshape(-1, 3, 256)
    last = planes.flatten(2).amax(2, keepdim=True).long()
    step = (counts.sum(2, keepdim=True) - counts.gather(2, last)) // 255
    before = counts.cumsum(2) - counts
    table = (before + step // 2) // step.clamp(min=1)
    return _finish(torch.where(step > 0, table, torch.arange(256, device=planes.device)))


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "brightness": _brightness,
    "contrast": _contrast,
}
"""Each makes tables (n, 3, 256) from planes (n, 3, height, width) uint8 and strengths (n, 1, 1)."""
