"""Augments whole batches of decoded images: per-sample parameters, one selection of rows, no loop over images.

`torchvision.transforms.v2` draws one set of parameters per batch; here every image has its own, drawn from an
explicit generator. A shift and a mirror only move pixels, so uint8 images stay uint8 and lose nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Generator, Tensor


def shift_and_flip(images: Tensor, *, generator: Generator, padding: float = 0.1, flip: bool = False) -> Tensor:
    """Pad every image with black, crop it back at a random place and, if asked, mirror half of them.

    Args:
        images: (n, height, width, channels), any dtype.
        generator: a CPU generator, whatever the device of the images; two draws per image, three with `flip`.
        padding: on each side, as a fraction of the height and the width, 0 to 1.
        flip: mirror each image left to right with probability one half.

    Returns:
        A new tensor of the same shape, dtype and device.

    >>> one = torch.arange(4, dtype=torch.uint8).reshape(1, 1, 4, 1)
    >>> shift_and_flip(one, generator=torch.Generator().manual_seed(0), padding=0.0).flatten().tolist()
    [0, 1, 2, 3]
    """
    count, height, width, _channels = images.shape
    down, right = round(padding * height), round(padding * width)
    top = torch.randint(0, 2 * down + 1, (count, 1), generator=generator)
    left = torch.randint(0, 2 * right + 1, (count, 1), generator=generator)
    padded = functional.pad(images, (0, 0, right, right, down, down))
    shifted = _stretches(padded, torch.arange(height) + top, left, width=width).reshape(images.shape)
    if flip:
        mirrored = (torch.rand((count, 1), generator=generator) < 0.5).flatten().nonzero().flatten().to(images.device)
        shifted.index_copy_(0, mirrored, shifted.index_select(0, mirrored).flip(2))
    return shifted


def mix_up(images: Tensor, targets: Tensor, *, share: float) -> tuple[Tensor, Tensor]:
    """Blend each image and its target with its neighbour in the batch (MixUp, Zhang et al. 2018).

    Args:
        images: (n, height, width, channels) in 0-255, any dtype.
        targets: class probabilities (n, classes).
        share: weight of the image itself, 0 to 1; drawn from Beta(alpha, alpha).

    Returns:
        Images as float32 and probabilities, of the shapes given.

    >>> images, targets = mix_up(torch.tensor([[[[0]]], [[[100]]]]), torch.eye(2), share=0.75)
    >>> images.flatten().tolist(), targets.tolist()
    ([25.0, 75.0], [[0.75, 0.25], [0.25, 0.75]])
    """
    images = images.float()
    blended = share * images + (1 - share) * images.roll(1, 0)
    return blended, share * targets + (1 - share) * targets.roll(1, 0)


def smooth_labels(labels: Tensor, *, classes: int, smoothing: float) -> Tensor:
    """Return class indices (n,) as probabilities (n, classes), a part of which is spread over all classes.

    >>> smooth_labels(torch.tensor([1]), classes=2, smoothing=0.5).tolist()
    [[0.25, 0.75]]
    """
    return functional.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes


def _stretches(padded: Tensor, rows: Tensor, left: Tensor, *, width: int) -> Tensor:
    """Pick `width` pixels of row rows[i, r] of image i, from column left[i, 0] on, for all i and r, in one selection.

    A window slid over the memory is a view whose rows are all the stretches there are: what is selected from it is
    copied by whole stretches, not by pixels.
    """
    count, height, padded_width, channels = padded.shape
    images = torch.arange(count)[:, None] * height
    starts = ((images + rows) * padded_width + left) * channels
    stretches = padded.flatten().unfold(0, width * channels, 1)
    return stretches.index_select(0, starts.flatten().to(padded.device))
