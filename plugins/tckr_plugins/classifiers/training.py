"""The training loop every built-in classifier shares.

Images are decoded once, kept as uint8 and augmented in batches on tensors; soft labels are asked from the
teacher on the augmented batch (Generative Knowledge Distillation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tckr_bench.errors import TckrError
from tckr_bench.records import TrainingHistory
from tckr_plugins.classifiers.augmentation import shift_and_flip

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from torch import Tensor

    from tckr_bench.components import Context
    from tckr_bench.records import Logits, TrainingData
    from tckr_plugins.classifiers.options import TrainingOptions

PREDICTION_BATCH = 512


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
        normalised = (resize(images, self.image_size).float() - self.mean) / self.deviation
        logits: Tensor = self.body(normalised.permute(0, 3, 1, 2))  # a view: channels_last without a copy
        return logits


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (n, height, width, 3) images to squares, bilinear with antialiasing; uint8 stays uint8."""
    if images.shape[1:3] == (size, size):
        return images
    planes = images.permute(0, 3, 1, 2).float()
    resized = functional.interpolate(planes, size=(size, size), mode="bilinear", antialias=True).permute(0, 2, 3, 1)
    return resized.round().clamp(0, 255).to(torch.uint8) if images.dtype == torch.uint8 else resized


def channel_statistics(images: npt.NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel, (3,) each, in 0-255; a deviation is at least 1.

    >>> mean, deviation = channel_statistics(np.array([[[[0, 9, 5], [2, 9, 5]]]], dtype=np.uint8))
    >>> mean.tolist(), deviation.tolist()
    ([1.0, 9.0, 5.0], [1.0, 1.0, 1.0])
    """
    values = np.arange(256)
    histograms = [np.bincount(images[..., channel].ravel(), minlength=256) for channel in range(3)]
    shares = np.stack(histograms) / max(images[..., 0].size, 1)
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


@dataclass(frozen=True)
class _Snapshot:
    """The weights of an epoch (1 is the first) and their validation accuracy."""

    epoch: int
    accuracy: float
    weights: dict[str, Tensor]


def train(
    network: ImageNetwork, data: TrainingData, *, options: TrainingOptions, seed: int, context: Context
) -> TrainingHistory:
    """Train a network in place; with validation images keep the epoch that is best on them (ties: the later).

    Returns:
        The history; `kept_epoch` counts from 1, and is 0 for a network that was not trained (`epochs=0`).

    Raises:
        TckrError: there is nothing to learn from, or the loss stopped being a number.
    """
    if options.epochs == 0:
        return TrainingHistory((), (), kept_epoch=0)
    batches = _Batches(network, data, options=options, seed=seed, device=context.device)
    losses: list[float] = []
    accuracies: list[float] = []
    best: _Snapshot | None = None
    optimizer = _optimizer(network, options)
    for epoch in range(1, options.epochs + 1):
        losses.append(_run_epoch(network, batches, optimizer=optimizer, epoch=epoch, context=context))
        if data.validation is not None and len(data.validation):
            predicted = predict(network, data.validation.images, device=context.device).argmax(axis=1)
            accuracies.append(float((predicted == data.validation.labels).mean()))
            if best is None or accuracies[-1] >= best.accuracy:
                weights = {name: value.clone() for name, value in network.state_dict().items()}
                best = _Snapshot(epoch, accuracies[-1], weights)
    if best is not None:
        network.load_state_dict(best.weights)
    network.eval()
    return TrainingHistory(tuple(losses), tuple(accuracies), best.epoch if best else options.epochs)


def predict(network: ImageNetwork, images: npt.NDArray[Any], *, device: str) -> Logits:
    """Return logits (n, classes) float32 in evaluation mode for images (n, h, w, 3) in 0-255."""
    network.eval()
    parts: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, max(len(images), 1), PREDICTION_BATCH):
            batch = np.ascontiguousarray(images[start : start + PREDICTION_BATCH])
            parts.append(network(torch.tensor(batch, device=device)).float().cpu())
    return torch.cat(parts).numpy()


class _Batches:
    """Shuffled, augmented batches with their targets; everything random comes from one seeded generator."""

    def __init__(
        self, network: ImageNetwork, data: TrainingData, *, options: TrainingOptions, seed: int, device: str
    ) -> None:
        if not len(data.training):
            raise TckrError("a classifier cannot be trained on 0 images; give it a non-empty training split")
        self._data = data
        self._options = options
        self._device = device
        self._generator = torch.Generator().manual_seed(seed)
        self._images = _prepare(data, network.image_size)
        self._labels = _tensor(data.training.labels, np.int64)

    @property
    def per_epoch(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._labels) / self._options.batch_size)

    @property
    def options(self) -> TrainingOptions:
        """The recipe."""
        return self._options

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images, targets); sizes differ by one at most: no tiny last batch upsets the norms."""
        order = torch.randperm(len(self._labels), generator=self._generator)
        for chosen in torch.tensor_split(order, self.per_epoch):
            images = self._images.index_select(0, chosen)
            if self._options.augment:
                images = shift_and_flip(
                    images, generator=self._generator, padding=self._options.padding, flip=self._options.flip
                )
            yield images.to(self._device), self._targets(images, chosen).to(self._device)

    def _targets(self, images: Tensor, chosen: Tensor) -> Tensor:
        """Return class indices (n,), or the teacher's probabilities (n, classes) on these very images."""
        if self._data.teacher is None:
            return self._labels.index_select(0, chosen)
        return _tensor(self._data.teacher(images.numpy()), np.float32)


def _prepare(data: TrainingData, size: int) -> Tensor:
    """Return the training images as a uint8 tensor; larger ones are shrunk once rather than in every epoch.

    Not under a teacher: it may work at a larger size than the student, and is owed the full images.
    """
    images = _tensor(data.training.images, np.uint8)
    if data.teacher is not None or min(images.shape[1:3]) <= size:
        return images
    return torch.cat([resize(part, size) for part in torch.split(images, PREDICTION_BATCH)])


def _tensor(values: npt.NDArray[Any], dtype: type[np.generic]) -> Tensor:
    """Return an array as a tensor; copies only what torch cannot share (read-only or strided memory)."""
    return torch.from_numpy(np.require(values, dtype=dtype, requirements=["C", "W"]))


def _optimizer(network: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """Return AdamW without weight decay on biases and norms, which only shrinks what sets the scale."""
    parameters = list(network.parameters())
    groups = [
        {"params": [value for value in parameters if value.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [value for value in parameters if value.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = parameters[0].device.type in {"cpu", "cuda"}
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=fused)


def _run_epoch(
    network: ImageNetwork,
    batches: _Batches,
    *,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    context: Context,
) -> float:
    """Take one pass over the training images and return the mean loss of its batches."""
    network.train()
    options = batches.options
    steps = options.epochs * batches.per_epoch
    total = 0.0
    for index, (images, targets) in enumerate(batches.epoch()):
        step = (epoch - 1) * batches.per_epoch + index
        rate = learning_rate_at(step, steps=steps, peak=options.learning_rate, warmup=options.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        smoothing = 0.0 if targets.is_floating_point() else options.label_smoothing
        loss = functional.cross_entropy(network(images), targets, label_smoothing=smoothing)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        total += loss.item()
        context.progress((step + 1) / steps)
    if not math.isfinite(total):
        raise TckrError(f"training diverged in epoch {epoch} (loss {total}); lower the classifier's learning_rate")
    return total / batches.per_epoch
