"""Optimiser steps: precision, gradients in parts where memory is short, AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from tckr_bench.errors import TckrError

if TYPE_CHECKING:
    from torch import Tensor

    from tckr_plugins.classifiers.options import TrainingOptions

PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Steps:
    """Takes optimiser steps on a network; remembers the largest part of a batch that the device has memory for."""

    def __init__(self, network: nn.Module, *, options: TrainingOptions, device: str) -> None:
        self._network = network
        self._options = options
        self._device = torch.device(device)
        self._optimizer = _optimizer(network, options)
        lowered = options.precision in PRECISIONS and self._device.type == "cuda"
        self._dtype = PRECISIONS[options.precision] if lowered else None
        self._scaler = torch.amp.GradScaler("cuda", enabled=self._dtype is torch.float16)
        self._parts = 1

    def take(self, images: Tensor, targets: Tensor, *, rate: float) -> Tensor:
        """Take one step at a learning rate and return the loss, a tensor () on the device.

        Raises:
            TckrError: there is not even memory for one image at a time.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self._gradients(images, targets)
        while loss is None:
            if self._parts >= len(images):
                raise TckrError(
                    f"the device {self._device} has no memory to train on one image at a time; lower the image_size"
                )
            self._parts *= 2
            loss = self._gradients(images, targets)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss

    def _gradients(self, images: Tensor, targets: Tensor) -> Tensor | None:
        """Compute the gradients of a batch, in as many parts as it takes; None where memory ran out."""
        self._optimizer.zero_grad()
        parts = min(self._parts, len(images))
        losses = []
        try:
            for some, their in zip(images.tensor_split(parts), targets.tensor_split(parts), strict=True):
                loss = self._loss(some, their)
                loss = loss if parts == 1 else loss * (len(some) / len(images))
                torch.autograd.backward(self._scaler.scale(loss))
                losses.append(loss.detach())
        except torch.OutOfMemoryError:
            return None
        return losses[0] if parts == 1 else torch.stack(losses).sum()

    def _loss(self, images: Tensor, targets: Tensor) -> Tensor:
        smoothing = 0.0 if targets.is_floating_point() else self._options.label_smoothing
        with torch.autocast(self._device.type, dtype=self._dtype, enabled=self._dtype is not None):
            return functional.cross_entropy(self._network(images), targets, label_smoothing=smoothing)


def _optimizer(network: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """Return AdamW without weight decay on biases and norms, which only shrinks what sets the scale."""
    parameters = list(network.parameters())
    groups = [
        {"params": [value for value in parameters if value.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [value for value in parameters if value.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = parameters[0].device.type in {"cpu", "cuda"}
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=fused)
