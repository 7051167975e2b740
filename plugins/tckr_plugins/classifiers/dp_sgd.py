"""A small network trained by DP-SGD, the standard private baseline, and its tuning to a wanted accuracy."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from tckr_bench.errors import TckrError
from tckr_bench.records import Matching, Tuned
from tckr_plugins.classifiers.edges import LinearOnEdges
from tckr_plugins.classifiers.private_training import train_privately
from tckr_plugins.classifiers.torch_classifier import Body, NetworkClassifier
from tckr_plugins.classifiers.tuning import FITS, noise_reaching
from tckr_plugins.privacy.accounting import Sampling, noise_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from tckr_bench.components import Context
    from tckr_bench.records import TrainingData, TrainingHistory
    from tckr_plugins.classifiers.network import ImageNetwork
    from tckr_plugins.classifiers.options import DpSgdOptions

GROUPS = 8
MEAN, DEVIATION = 127.5, 64.0
"""Of every input channel, fixed: those of the training images would be released without noise."""

TUNING_BUDGETS = (1000.0, 0.1)


def _norm(channels: int) -> nn.GroupNorm:
    """Return a group norm: a batch norm would mix the examples, whose gradients must be told apart."""
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels)


class PrivateBlock(nn.Module):
    """Two 3x3 convolutions that halve the side, beside an average-pooled 1x1 shortcut; group norms."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
        self.first_norm = _norm(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.second_norm = _norm(channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels_in, h, w) to (n, channels_out, ceil(h / 2), ceil(w / 2))."""
        inner = functional.relu(self.first_norm(self.first(features)))
        inner = self.second_norm(self.second(inner))
        pooled = functional.avg_pool2d(features, 2, ceil_mode=True)
        return functional.relu(inner + self.shortcut(pooled))


class PrivateCnn(nn.Module):
    """`small-cnn` with group norms: a stride-2 stem, residual blocks, global average pooling, a linear head."""

    def __init__(self, *, class_count: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
        self.stem_norm = _norm(widths[0])
        self.blocks = nn.Sequential(*(PrivateBlock(*pair) for pair in itertools.pairwise(widths)))
        self.head = nn.Linear(widths[-1], class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (n, 3, h, w) to logits (n, classes)."""
        features = functional.relu(self.stem_norm(self.stem(images)))
        logits: Tensor = self.head(self.blocks(features).mean(dim=(2, 3)))
        return logits


@dataclass(frozen=True)
class PrivateArchitecture:
    """Builds the network that the options name."""

    options: DpSgdOptions

    @property
    def image_size(self) -> int:
        """Side in pixels the network works at."""
        return self.options.image_size

    def describe(self) -> Mapping[str, Any]:
        """Return what decides the shape of the weights and the use of the input."""
        shape = {"widths": list(self.options.widths)} if self.options.network == "cnn" else {}
        return {"name": "dp-sgd", "network": self.options.network, "image_size": self.image_size} | shape

    def build(self, class_count: int, *, pretrained: bool) -> Body:  # noqa: ARG002 - there is nothing to load
        """Build the network with fresh weights."""
        statistics = (torch.full((3,), MEAN), torch.full((3,), DEVIATION))
        if self.options.network == "edges":
            return Body(LinearOnEdges(class_count=class_count), statistics)
        return Body(PrivateCnn(class_count=class_count, widths=self.options.widths), statistics)


class DpSgdClassifier(NetworkClassifier):
    """A classifier whose training is differentially private."""

    def __init__(self, options: DpSgdOptions) -> None:
        super().__init__(PrivateArchitecture(options), temperature=options.temperature)
        self._options = options

    def _statistics(self, body: Body, data: TrainingData) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ARG002
        assert body.statistics is not None, "the statistics are fixed"
        return body.statistics

    def _train(self, network: ImageNetwork, data: TrainingData, *, seed: int, context: Context) -> TrainingHistory:
        return train_privately(network, data, options=self._options, seed=seed, context=context)

    def tune(self, data: TrainingData, *, accuracy: float, seed: int, context: Context) -> Tuned:
        """Return the noise multiplier with which training just reaches an accuracy (0 to 1) on `data.validation`.

        Between budgets of 1000, which protects nobody, and 0.1, which teaches nothing, the noise is found as
        `noise_reaching` does: where no noise reaches the accuracy, it is that of 1000, and the matching says so.

        Raises:
            TckrError: there are no validation images, or what training raises.
        """
        if data.validation is None or not len(data.validation):
            raise TckrError("dp-sgd is tuned on validation images, and there are none; give it a validation split")
        options = self._options
        sampling = Sampling.of(images=len(data.training), batch_size=options.batch_size, epochs=max(1, options.epochs))
        least, most = (noise_for(epsilon, sampling=sampling, delta=options.delta) for epsilon in TUNING_BUDGETS)
        done = itertools.count(1)

        def reached(noise: float) -> float:
            tuned = DpSgdClassifier(options.model_copy(update={"noise_multiplier": noise}))
            history = tuned.fit(data, seed=seed, context=replace(context, progress=_silent))
            context.progress(next(done) / FITS)
            return history.validation_accuracies[-1] if history.validation_accuracies else 0.0

        found = noise_reaching(accuracy, reached=reached, least=least, most=most)
        context.progress(1.0)
        return Tuned({"noise_multiplier": found.noise}, Matching(accuracy, found.accuracy, found.trainings))


def _silent(_fraction: float) -> None:
    """Report nothing: several trainings are one tuning."""


def load(options: DpSgdOptions) -> DpSgdClassifier:
    """Return an untrained `dp-sgd`."""
    return DpSgdClassifier(options)
