"""The training loop of DP-SGD (Abadi et al. 2016): Poisson sampling, clipping per example, Gaussian noise.

Each image shows one augmented view of itself, so that clipping bounds what it adds to a step. The accountant counts
every step. The last epoch is kept: validation images are private too, and to keep the epoch that is best on them would
show something of them that no accountant counted. They are looked at for the history alone, which, like the losses
there, carries no noise and is not covered; nor is anything if the seed is known, from which the noise is drawn.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from tckr_bench.errors import TckrError
from tckr_bench.records import TrainingHistory
from tckr_plugins.classifiers.augmentation import shift_and_flip
from tckr_plugins.classifiers.batches import ImageSource, to_tensor
from tckr_plugins.classifiers.edges import LinearOnEdges
from tckr_plugins.classifiers.network import predict
from tckr_plugins.classifiers.training import learning_rate_at
from tckr_plugins.privacy.accounting import Sampling, guarantee_of, noise_for
from tckr_plugins.privacy.clipping import clipped_gradients
from tckr_plugins.privacy.mechanism import check_delta, noisy_mean, poisson_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Logits, TrainingData
    from tckr_plugins.classifiers.network import ImageNetwork
    from tckr_plugins.classifiers.options import DpSgdOptions

OPTIONS = "whatever its options were chosen on"
PART = 256
"""Images whose gradients are computed together: a logical batch of any size takes no more memory than this."""


def train_privately(
    network: ImageNetwork, data: TrainingData, *, options: DpSgdOptions, seed: int, context: Context
) -> TrainingHistory:
    """Train a network in place and keep its last epoch, whatever validation images say of the others.

    Returns:
        The history with its guarantee; `kept_epoch` is 0 for a network that was not trained (`epochs=0`).

    Raises:
        TckrError: no training images, soft labels, a delta as large as a share of one image, or diverged training.
    """
    _check(data, options)
    if options.epochs == 0:
        return TrainingHistory((), (), kept_epoch=0)
    learner = Learner(network, augment=options.augment)
    steps = PrivateSteps(learner, data, options=options, seed=seed, device=context.device)
    accuracies: list[float] = []
    validation = data.validation if data.validation is not None and len(data.validation) else None
    logits = learner.predictor(validation.images, device=context.device) if validation else None
    losses: list[float] = []
    for epoch in range(1, options.epochs + 1):
        losses.append(steps.epoch(epoch, context=context))
        if logits is not None and validation is not None:
            accuracies.append(float((logits().argmax(axis=1) == validation.labels).mean()))
    network.eval()
    guarantee = replace(steps.guarantee, leaves_out=(OPTIONS,))
    return TrainingHistory(tuple(losses), tuple(accuracies), len(losses), guarantee=guarantee)


def _check(data: TrainingData, options: DpSgdOptions) -> None:
    count = len(data.training)
    if not count:
        raise TckrError("a classifier cannot be trained on 0 images; give it a non-empty training split")
    if data.teacher is not None:
        raise TckrError("dp-sgd learns from hard labels only, and was given soft ones; set labels to hard")
    check_delta(options.delta, images=count)


class Learner:
    """What is trained of a network: all of it, or its last layer on fixed features that are computed once."""

    def __init__(self, network: ImageNetwork, *, augment: bool) -> None:
        self.network = network
        self._fixed = network.body if isinstance(network.body, LinearOnEdges) and not augment else None
        self.module: nn.Module = network if self._fixed is None else self._fixed.head

    def features(self, batches: Iterable[Tensor]) -> Tensor | None:
        """Return the fixed features (n, length) of batches of images in 0-255; None where they are not fixed."""
        if self._fixed is None:
            return None
        with torch.no_grad():
            return torch.cat([self._fixed.features(self.network.normalised(images)) for images in batches])

    def predictor(self, images: Images, *, device: str) -> Callable[[], Logits]:
        """Return a function that gives the logits (n, classes) of images as training stands."""
        starts = range(0, len(images), PART)
        features = self.features(to_tensor(images[at : at + PART], np.uint8).to(device) for at in starts)
        if features is None:
            return partial(predict, self.network, images, device=device)

        def logits() -> Logits:
            with torch.no_grad():
                found: Logits = self.module(features).float().cpu().numpy()
            return found

        return logits


class PrivateSteps:
    """Takes noisy steps; sampling, augmentation and noise each have a generator of their own."""

    def __init__(self, learner: Learner, data: TrainingData, *, options: DpSgdOptions, seed: int, device: str) -> None:
        self._learner, self._options, self._device = learner, options, torch.device(device)
        self._images = ImageSource(data.training.images, shrink_to=learner.network.image_size, device=device)
        self._labels = to_tensor(data.training.labels, np.int64)
        every = torch.split(torch.arange(len(self._labels)), PART)
        self._features = learner.features(map(self._images.take, every))
        words = np.random.SeedSequence(seed).generate_state(3)
        self._drawing, self._augmenting, self._noise = (torch.Generator().manual_seed(int(word)) for word in words)
        self._parameters = dict(learner.module.named_parameters())
        self._optimizer = _optimizer(list(self._parameters.values()), options)
        count = len(self._labels)
        self.sampling = Sampling.of(images=count, batch_size=options.batch_size, epochs=options.epochs)
        self.noise_multiplier = options.noise_multiplier or noise_for(
            options.epsilon, sampling=self.sampling, delta=options.delta
        )
        self.guarantee = guarantee_of(self.noise_multiplier, sampling=self.sampling, delta=options.delta)

    def epoch(self, number: int, *, context: Context) -> float:
        """Take the steps of an epoch (1 for the first) and return the mean loss of the images that were drawn."""
        self._learner.network.train()
        per_epoch = self.sampling.steps // self._options.epochs
        losses = []
        for step in range((number - 1) * per_epoch, number * per_epoch):
            rate = learning_rate_at(
                step, steps=self.sampling.steps, peak=self._options.learning_rate, warmup=self._options.warmup
            )
            losses.append(self._step(rate))
            context.progress((step + 1) / self.sampling.steps)
        drawn = torch.cat(losses)
        mean = float(drawn.mean()) if len(drawn) else 0.0
        if not math.isfinite(mean):
            raise TckrError(f"training diverged in epoch {number} (loss {mean}); lower the classifier's learning_rate")
        return mean

    def _step(self, rate: float) -> Tensor:
        """Take one step and return the losses of the images it drew; without any, it is a step of noise alone."""
        chosen = poisson_sample(len(self._labels), rate=self.sampling.rate, random=self._drawing)
        sums = {name: torch.zeros_like(value) for name, value in self._parameters.items()}
        losses = [torch.zeros(0, device=self._device)]
        for part in torch.split(chosen, PART) if len(chosen) else ():
            module, views, labels = self._learner.module, self._view(part), self._labels.index_select(0, part)
            losses_of = partial(_losses, module, views, labels.to(self._device))
            gradients, some = clipped_gradients(module, losses_of, clip_norm=self._options.clip_norm)
            losses.append(some)
            for name, gradient in gradients.items():
                sums[name] += gradient
        self._release(sums)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        return torch.cat(losses)

    def _view(self, chosen: Tensor) -> Tensor:
        """Return one view of each image, or its features: augmenting it twice would let it add two gradients."""
        if self._features is not None:
            return self._features.index_select(0, chosen.to(self._device))
        images = self._images.take(chosen)
        if not self._options.augment:
            return images
        return shift_and_flip(
            images, generator=self._augmenting, padding=self._options.padding, flip=self._options.flip
        )

    def _release(self, sums: dict[str, Tensor]) -> None:
        """Add noise to the sums of clipped gradients and hand them on, as shares of the expected batch."""
        deviation = self.noise_multiplier * self._options.clip_norm
        expected = self.sampling.rate * len(self._labels)
        for name, value in self._parameters.items():
            value.grad = noisy_mean(sums[name], deviation=deviation, expected=expected, random=self._noise)


def _losses(module: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropies (n,)."""
    return functional.cross_entropy(module(images), labels, reduction="none")


def _optimizer(parameters: list[torch.nn.Parameter], options: DpSgdOptions) -> torch.optim.Optimizer:
    if options.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=options.learning_rate, momentum=options.momentum, weight_decay=options.weight_decay
        )
    betas = (options.momentum, 0.999)
    return torch.optim.AdamW(parameters, lr=options.learning_rate, betas=betas, weight_decay=options.weight_decay)
