"""The training loop every built-in classifier shares.

Images are decoded once, kept as uint8 and augmented in batches on tensors; soft labels are asked from the
teacher on the augmented batch (Generative Knowledge Distillation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from tckr_bench.errors import TckrError
from tckr_bench.records import TrainingHistory
from tckr_plugins.classifiers.batches import Batches
from tckr_plugins.classifiers.network import ImageNetwork, predict
from tckr_plugins.classifiers.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from torch import Tensor

    from tckr_bench.components import Context
    from tckr_bench.records import Labels, Logits, TrainingData
    from tckr_plugins.classifiers.options import TrainingOptions

STATISTICS_BATCH = 1024


def channel_statistics(images: npt.NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel, (3,) each, in 0-255; a deviation is at least 1.

    >>> mean, deviation = channel_statistics(np.array([[[[0, 9, 5], [2, 9, 5]]]], dtype=np.uint8))
    >>> mean.tolist(), deviation.tolist()
    ([1.0, 9.0, 5.0], [1.0, 1.0, 1.0])
    """
    values = np.arange(256)
    histograms = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(images), STATISTICS_BATCH):
        part = images[start : start + STATISTICS_BATCH]
        histograms += [np.bincount(part[..., channel].ravel(), minlength=256) for channel in range(3)]
    shares = histograms / max(int(histograms[0].sum()), 1)
    mean = shares @ values
    variance = shares @ values**2 - mean**2
    deviation = np.sqrt(np.maximum(variance, 1.0))
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(deviation, dtype=torch.float32)


def learning_rate_at(step: int, *, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of a step (0 to steps - 1): a linear rise to `peak`, then a cosine to zero.

    >>> [round(learning_rate_at(step, steps=4, peak=1.0, warmup=0.5), 3) for step in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rising = int(warmup * steps)
    if step < rising:
        return peak * (step + 1) / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


@dataclass
class Watch:
    """Watches validation accuracy: keeps the best epoch (ties: the later) and counts those without a better one."""

    network: ImageNetwork
    labels: Labels
    logits: Callable[[], Logits]
    accuracies: list[float] = field(default_factory=list)
    kept_epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)
    stale: int = 0

    def look(self) -> None:
        """Measure the epoch that has just ended."""
        accuracy = float((self.logits().argmax(axis=1) == self.labels).mean())
        best = max(self.accuracies, default=-1.0)
        self.accuracies.append(accuracy)
        self.stale = 0 if accuracy > best else self.stale + 1
        if accuracy >= best:
            self.kept_epoch = len(self.accuracies)
            self.weights = {name: value.clone() for name, value in self.network.state_dict().items()}


def train(
    network: ImageNetwork, data: TrainingData, *, options: TrainingOptions, seed: int, context: Context
) -> TrainingHistory:
    """Train a network in place; with validation images keep the epoch that is best on them (ties: the later).

    Returns:
        The history; `kept_epoch` counts from 1, and is 0 for a network that was not trained (`epochs=0`).

    Raises:
        TckrError: there is nothing to learn from, the loss stopped being a number, or memory ran out.
    """
    if options.epochs == 0:
        return TrainingHistory((), (), kept_epoch=0)
    batches = Batches(data, image_size=network.image_size, options=options, seed=seed, device=context.device)
    steps = Steps(network, options=options, device=context.device)
    watch = None
    if data.validation is not None and len(data.validation):
        logits = partial(predict, network, data.validation.images, device=context.device)
        watch = Watch(network, data.validation.labels, logits)
    losses: list[float] = []
    for epoch in range(1, options.epochs + 1):
        losses.append(_run_epoch(network, batches, steps=steps, epoch=epoch, context=context))
        if watch is not None:
            watch.look()
            if watch.stale and watch.stale == options.patience:
                context.progress(1.0)
                break
    if watch is not None:
        network.load_state_dict(watch.weights)
    network.eval()
    accuracies = tuple(watch.accuracies) if watch else ()
    return TrainingHistory(tuple(losses), accuracies, kept_epoch=watch.kept_epoch if watch else len(losses))


def _run_epoch(network: ImageNetwork, batches: Batches, *, steps: Steps, epoch: int, context: Context) -> float:
    """Take one pass over the training images and return the mean loss of its batches."""
    network.train()
    options = batches.options
    count = options.epochs * batches.per_epoch
    losses: list[Tensor] = []
    for step, (images, targets) in enumerate(batches.epoch(), start=(epoch - 1) * batches.per_epoch):
        rate = learning_rate_at(step, steps=count, peak=options.learning_rate, warmup=options.warmup)
        losses.append(steps.take(images, targets, rate=rate))
        context.progress((step + 1) / count)
    total = sum(loss.item() for loss in losses)  # asked for once: each question would make a GPU wait
    if not math.isfinite(total):
        raise TckrError(f"training diverged in epoch {epoch} (loss {total}); lower the classifier's learning_rate")
    return total / batches.per_epoch
