"""A residual network small enough to be trained dozens of times on one CPU core."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn import functional

from tckr_plugins.classifiers.torch_classifier import Body, TorchClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from tckr_plugins.classifiers.options import SmallCnnOptions


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions that halve the side, beside an average-pooled 1x1 shortcut."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels_in, h, w) to (n, channels_out, ceil(h / 2), ceil(w / 2))."""
        inner = functional.relu(self.first_norm(self.first(features)))
        inner = self.second_norm(self.second(inner))
        pooled = functional.avg_pool2d(features, 2, ceil_mode=True)
        return functional.relu(inner + self.shortcut(pooled))


class SmallCnn(nn.Module):
    """A stride-2 stem, one residual block per further width, global average pooling and a linear head."""

    def __init__(self, *, class_count: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.blocks = nn.Sequential(*(ResidualBlock(*pair) for pair in itertools.pairwise(widths)))
        self.head = nn.Linear(widths[-1], class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (n, 3, h, w) to logits (n, classes)."""
        features = functional.relu(self.stem_norm(self.stem(images)))
        logits: Tensor = self.head(self.blocks(features).mean(dim=(2, 3)))
        return logits


@dataclass(frozen=True)
class SmallCnnArchitecture:
    """Builds `SmallCnn` from its options."""

    options: SmallCnnOptions

    @property
    def image_size(self) -> int:
        """Side in pixels the network works at."""
        return self.options.image_size

    def describe(self) -> Mapping[str, Any]:
        """Return what decides the shape of the weights and the use of the input."""
        return {"name": "small-cnn", "widths": list(self.options.widths), "image_size": self.image_size}

    def build(self, class_count: int, *, pretrained: bool) -> Body:  # noqa: ARG002 - there is nothing to load
        """Build the network with fresh weights."""
        return Body(SmallCnn(class_count=class_count, widths=self.options.widths))


def load(options: SmallCnnOptions) -> TorchClassifier:
    """Return an untrained `small-cnn`."""
    return TorchClassifier(SmallCnnArchitecture(options), options)
