"""A network behind its own input pipeline, and how it predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tckr_bench.errors import TckrError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from tckr_bench.records import Logits

PREDICTION_BATCH = 512
PREDICTION_VALUES = PREDICTION_BATCH * 64 * 64
"""Pixels of a batch at most: networks of large images need gigabytes for what a batch of small ones holds."""


class ImageNetwork(nn.Module):
    """A network behind its own input pipeline: images in 0-255 of any size -> resized, normalised -> logits.

    The normalisation is part of the saved weights, so that a restored network sees what the trained one saw.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, body: nn.Module, *, image_size: int, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.body = body
        self.image_size = image_size
        self.register_buffer("mean", mean.reshape(3).float())
        self.register_buffer("deviation", deviation.reshape(3).float())

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, height, width, 3) in 0-255, uint8 or float32, to logits (n, classes)."""
        logits: Tensor = self.body(self.normalised(images))
        return logits

    def normalised(self, images: Tensor) -> Tensor:
        """Return images of any size as what the body takes, (n, 3, image_size, image_size)."""
        resized = resize(images, self.image_size).float()
        # Whole rows at a time: broadcast over three channels alone, the arithmetic cannot use wide registers.
        mean, deviation = (values.repeat(self.image_size) for values in (self.mean, self.deviation))
        rows = (resized.flatten(2) - mean) / deviation
        return rows.reshape(resized.shape).permute(0, 3, 1, 2)  # a view: channels_last without a copy


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (n, height, width, 3) images to squares, bilinear with antialiasing; uint8 stays uint8."""
    if images.shape[1:3] == (size, size):
        return images
    planes = images.permute(0, 3, 1, 2).float()
    resized = functional.interpolate(planes, size=(size, size), mode="bilinear", antialias=True).permute(0, 2, 3, 1)
    return resized.round().clamp(0, 255).to(torch.uint8) if images.dtype == torch.uint8 else resized


def predict(network: ImageNetwork, images: npt.NDArray[Any], *, device: str) -> Logits:
    """Return logits (n, classes) float32 in evaluation mode for images (n, h, w, 3) in 0-255.

    Where the device has too little memory for a batch, it is halved.

    Raises:
        TckrError: there is not even memory for one image.
    """
    network.eval()
    batch = max(1, min(PREDICTION_BATCH, PREDICTION_VALUES // network.image_size**2))
    parts: list[Tensor] = []
    done = 0
    with torch.inference_mode():
        while not parts or done < len(images):
            chosen = np.ascontiguousarray(images[done : done + batch])
            try:
                parts.append(network(torch.tensor(chosen, device=device)).float().cpu())
            except torch.OutOfMemoryError as error:
                if batch == 1:
                    raise TckrError(f"the device {device} has no memory for one image; lower the image_size") from error
                batch //= 2
                continue
            done += len(chosen)
    return torch.cat(parts).numpy()
