"""Shuffled, augmented batches of training images, wherever the images lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tckr_bench.errors import TckrError
from tckr_plugins.classifiers.augmentation import mix_up, shift_and_flip, smooth_labels
from tckr_plugins.classifiers.augmix import augmix
from tckr_plugins.classifiers.network import PREDICTION_BATCH, resize

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from torch import Tensor

    from tckr_bench.records import TrainingData
    from tckr_plugins.classifiers.options import TrainingOptions

SHARE_OF_DEVICE = 0.25
"""Training images move to the device once if they take no more than this share of its free memory."""


class ImageSource:
    """Training images by index: in memory, on the device, or read from disk as they are asked for.

    Images that are not one numpy array, such as those of a set larger than the memory, are gathered batch by batch.
    Larger ones than `shrink_to` are shrunk to it, once where they lie in memory.
    """

    def __init__(self, images: npt.NDArray[np.uint8], *, shrink_to: int | None, device: str) -> None:
        self._device = torch.device(device)
        self._lazy: npt.NDArray[np.uint8] | None = None
        self._size = shrink_to if shrink_to is not None and min(images.shape[1:3]) > shrink_to else None
        if not isinstance(images, np.ndarray):
            self._lazy = images
            return
        held = to_tensor(images, np.uint8)
        if self._size is not None:
            held = torch.cat([resize(part, self._size) for part in torch.split(held, PREDICTION_BATCH)])
        self._held = held.to(self._device) if fits(held.nbytes, self._device) else held

    def take(self, chosen: Tensor) -> Tensor:
        """Return the images of the indices (n,) as (n, height, width, 3) uint8, on the device."""
        if self._lazy is None:
            images = self._held.index_select(0, chosen.to(self._held.device))
        else:
            images = to_tensor(self._lazy[chosen.numpy()], np.uint8)
            images = images if self._size is None else resize(images, self._size)
        if self._device.type == "cuda" and images.device.type == "cpu":
            return images.pin_memory().to(self._device, non_blocking=True)
        return images.to(self._device)


def fits(size: int, device: torch.device) -> bool:
    """Whether so many bytes are a small share of the device's free memory; False where that cannot be known."""
    if device.type != "cuda":
        return False
    free, _total = torch.cuda.mem_get_info(device)
    return bool(size <= SHARE_OF_DEVICE * free)


class Batches:
    """Shuffled, augmented batches with their targets; everything random comes from one seed."""

    def __init__(
        self, data: TrainingData, *, image_size: int, options: TrainingOptions, seed: int, device: str
    ) -> None:
        if not len(data.training):
            raise TckrError("a classifier cannot be trained on 0 images; give it a non-empty training split")
        self.options = options
        self._data = data
        self._device = device
        self._generator = torch.Generator().manual_seed(seed)
        self._shares = np.random.default_rng(seed)
        # A teacher may work at a larger size than the student, and is owed the full images.
        shrink_to = image_size if data.teacher is None else None
        self._images = ImageSource(data.training.images, shrink_to=shrink_to, device=device)
        self._labels = to_tensor(data.training.labels, np.int64)

    @property
    def per_epoch(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._labels) / self.options.batch_size)

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images, targets); sizes differ by one at most: no tiny last batch upsets the norms."""
        order = torch.randperm(len(self._labels), generator=self._generator)
        for chosen in torch.tensor_split(order, self.per_epoch):
            images = self._images.take(chosen)
            if self.options.augment:
                images = self._augment(images)
            yield self._with_targets(images, self._labels.index_select(0, chosen).to(self._device))

    def _augment(self, images: Tensor) -> Tensor:
        if self.options.augmix:
            images = augmix(images, generator=self._generator)
        return shift_and_flip(images, generator=self._generator, padding=self.options.padding, flip=self.options.flip)

    def _with_targets(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return class indices (n,), MixUp's blend, or the teacher's probabilities (n, classes) on these images."""
        if self._data.teacher is not None:
            probabilities = to_tensor(self._data.teacher(images.cpu().numpy()), np.float32)
            return images, probabilities.to(self._device)
        if not (self.options.augment and self.options.mixup):
            return images, labels
        share = float(self._shares.beta(self.options.mixup, self.options.mixup))
        classes = len(self._data.class_names)
        targets = smooth_labels(labels, classes=classes, smoothing=self.options.label_smoothing)
        return mix_up(images, targets, share=share)


def to_tensor(values: npt.NDArray[Any], dtype: type[np.generic]) -> Tensor:
    """Return an array as a tensor; copies only what torch cannot share (read-only or strided memory)."""
    return torch.from_numpy(np.require(values, dtype=dtype, requirements=["C", "W"]))
