"""Fixed features of an image: how strongly edges of each direction and size occur in each part of it.

With few images and a small privacy budget, a linear layer on features that need no training is better than a network
that learns its own (Tramer and Boneh 2021, whose scattering transform these resemble).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

DIRECTIONS = 4
SCALES = (1, 2)
SIDE = 7
POOLED = 8
"""The features of an image are means over 8 x 8 parts of it."""


def gabor_filters() -> Tensor:
    """Return waves under a bell, even and odd, (scales * directions * 2, 1, SIDE, SIDE); each adds up to zero.

    >>> filters = gabor_filters()
    >>> filters.shape, bool(filters.sum(dim=(1, 2, 3)).abs().max() < 1e-6)
    (torch.Size([16, 1, 7, 7]), True)
    """
    across = torch.arange(SIDE, dtype=torch.float32) - SIDE // 2
    rows, columns = torch.meshgrid(across, across, indexing="ij")
    filters = []
    for scale in SCALES:
        bell = torch.exp(-(rows**2 + columns**2) / (2 * (0.8 * scale) ** 2))
        for direction in range(DIRECTIONS):
            angle = math.pi * direction / DIRECTIONS
            phase = (columns * math.cos(angle) + rows * math.sin(angle)) * (0.75 * math.pi / scale)
            for wave in (torch.cos(phase), torch.sin(phase)):
                kernel = bell * (wave - (bell * wave).sum() / bell.sum())
                filters.append(kernel / kernel.abs().sum())
    return torch.stack(filters)[:, None]


class EdgeFeatures(nn.Module):
    """Strengths of edges and mean colours of 8 x 8 parts, each normalised within the image; nothing is learned."""

    filters: Tensor
    length = (3 * len(SCALES) * DIRECTIONS + 3) * POOLED**2

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", gabor_filters(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (n, 3, h, w) to features (n, length) of Euclidean norm 1."""
        count, channels, height, width = images.shape
        planes = images.reshape(count * channels, 1, height, width)
        waves = functional.conv2d(planes, self.filters, padding=SIDE // 2)
        even, odd = waves[:, 0::2], waves[:, 1::2]
        strengths = functional.adaptive_avg_pool2d((even.square() + odd.square()).sqrt(), POOLED)
        strengths = strengths.reshape(count, -1, POOLED, POOLED)
        colours = functional.adaptive_avg_pool2d(images, POOLED)
        edges = functional.group_norm(strengths, channels * len(SCALES))
        features = torch.cat([edges.flatten(1), functional.group_norm(colours, 1).flatten(1)], dim=1)
        return functional.normalize(features)


class LinearOnEdges(nn.Module):
    """A linear layer on `EdgeFeatures`: all that is learned of an image is what weighs its features."""

    def __init__(self, *, class_count: int) -> None:
        super().__init__()
        self.features = EdgeFeatures()
        self.head = nn.Linear(self.features.length, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (n, 3, h, w) to logits (n, classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits
