"""LoRA trained by DP-SGD: Poisson sampling, clipping per example, Gaussian noise (Abadi et al. 2016).

An example is one training image with its prompt. A step may show several of its timesteps and noises; the gradient of
their mean loss over all low-rank weights together is clipped, so that draws make it clearer and cost no privacy (noise
multiplicity, Dockhorn et al. 2022, arXiv 2210.09929; Ghalebikesabi et al. 2023, arXiv 2302.13861).

What is proved: the released weights are (epsilon, delta)-differentially private with respect to the training images
that the adapter is given and their prompts, for data sets that differ by one example more or less; their number is
taken to be known, and the report beside the weights says nothing else of them. What is not: the prompts that images are
then made from, a teacher and its soft labels, and the validation images that choose a student's epoch are no part of
it; with `sample_fraction` below 1, nor is the choice of the examples. So a student of the synthetic images is covered
only if its prompts and labels do not depend on the real images: with the captioner `class-name` and hard labels, up to
the number of images in each class. Nothing is covered if the seed is known, from which the noise is drawn.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from diffusers import DDPMScheduler

from tckr_bench.errors import TckrError
from tckr_plugins.adapters.examples import Examples, FrozenTextEncoding, in_portions
from tckr_plugins.adapters.lora import low_rank_updates
from tckr_plugins.adapters.options import DpLoraOptions
from tckr_plugins.adapters.training import Report, UnetAdapter, prediction_and_target, training_dtype
from tckr_plugins.privacy.accounting import Sampling, guarantee_of, noise_for
from tckr_plugins.privacy.clipping import clipped_gradients
from tckr_plugins.privacy.mechanism import check_delta, noisy_mean, poisson_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from torch import Tensor

    from tckr_bench.components import Context
    from tckr_bench.records import Prompts
    from tckr_plugins.adapters.examples import Batch, TextEncoding
    from tckr_plugins.adapters.training import Trainable, TrainingTask

ROWS_AT_ONCE = 128
"""Noised latents whose gradients are computed together, at most; fewer where the accelerator's memory is short."""


@dataclass(frozen=True)
class PrivacyReport(Report):
    """What was done and what it proves; nothing in it depends on what the training images show.

    Attributes:
        epsilon: of the differential privacy of the weights, in nats.
        delta: the chance with which it may fail.
        accountant: by which epsilon was found, and for what.
        noise_multiplier: deviation of the noise, in clipping norms.
        clip_norm: largest norm of an example's gradient.
        sampling_rate: the chance of each example to be drawn in a step, 0 to 1.
        steps: of the optimiser.
        draws: timesteps and noises of an example in a step.
    """

    epsilon: float
    delta: float
    accountant: str
    noise_multiplier: float
    clip_norm: float
    sampling_rate: float
    steps: int
    draws: int


class DpLoraAdapter(UnetAdapter[DpLoraOptions]):
    """Trains low-rank updates privately; writes `pytorch_lora_weights.safetensors`, and what is proved beside it."""

    name = "dp-lora"

    @contextmanager
    def _prepare(
        self,
        pipeline: StableDiffusionPipeline,
        prompts: Prompts,  # noqa: ARG002 - the base class fixes the arguments
        random: torch.Generator,
    ) -> Iterator[Trainable]:
        with low_rank_updates(pipeline.unet, self._options, random=random, adapter=self.name) as trainable:
            _require_linear(pipeline.unet)
            yield trainable

    def _train(
        self, pipeline: StableDiffusionPipeline, trainable: Trainable, task: TrainingTask, random: torch.Generator
    ) -> PrivacyReport:
        options, count = self._options, len(task.images)
        check_delta(options.delta, images=count)
        sampling = sampling_of(options, images=count)
        noise_multiplier = options.noise_multiplier or noise_for(
            options.epsilon, sampling=sampling, delta=options.delta
        )
        guarantee = guarantee_of(noise_multiplier, sampling=sampling, delta=options.delta)
        dtype = training_dtype(options.precision, torch.device(task.context.device).type)
        encoding = FrozenTextEncoding(pipeline, task.prompts.texts, dtype)
        examples = Examples(pipeline, task.images, task.prompts, flip=options.flip)
        steps = PrivateAdapterSteps(pipeline, examples, encoding, options=options, random=random)
        steps.run(sampling, noise_multiplier=noise_multiplier, context=task.context)
        if not all(bool(value.isfinite().all()) for value in trainable.parameters):
            raise TckrError(f"training diverged; lower the option 'learning_rate' of the adapter '{self.name}'")
        return PrivacyReport(
            epsilon=guarantee.epsilon,
            delta=guarantee.delta,
            accountant=guarantee.accountant,
            noise_multiplier=noise_multiplier,
            clip_norm=options.clip_norm,
            sampling_rate=sampling.rate,
            steps=sampling.steps,
            draws=options.draws,
        )


class PrivateAdapterSteps:
    """Takes noisy steps on low-rank weights; sampling, what is drawn of each example, and noise have own generators."""

    def __init__(
        self,
        pipeline: StableDiffusionPipeline,
        examples: Examples,
        encoding: TextEncoding,
        *,
        options: DpLoraOptions,
        random: torch.Generator,
    ) -> None:
        self._unet: UNet2DConditionModel = pipeline.unet
        self._scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
        self._examples, self._encoding, self._options = examples, encoding, options
        self._parameters = {name: value for name, value in self._unet.named_parameters() if value.requires_grad}
        self._optimiser = torch.optim.Adam(list(self._parameters.values()), lr=options.learning_rate)
        seeds = torch.randint(2**62, (3,), generator=random).tolist()
        self._drawing, self._viewing, self._noise = (torch.Generator().manual_seed(seed) for seed in seeds)
        self._at_once = max(1, ROWS_AT_ONCE // options.draws)
        device = pipeline.device.type
        dtype = training_dtype(options.precision, device)
        mixed = dtype is not torch.float32
        self._autocast = torch.autocast(device, dtype if mixed else torch.bfloat16, enabled=mixed)

    def run(self, sampling: Sampling, *, noise_multiplier: float, context: Context) -> None:
        """Take all steps; noise is of `noise_multiplier` clipping norms."""
        for step in range(sampling.steps):
            chosen = poisson_sample(len(self._examples), rate=sampling.rate, random=self._drawing)
            self._release(
                self.clipped_sums(chosen),
                deviation=noise_multiplier * self._options.clip_norm,
                expected=sampling.rate * len(self._examples),
            )
            self._optimiser.step()
            context.progress((step + 1) / sampling.steps)

    def clipped_sums(self, chosen: Tensor) -> dict[str, Tensor]:
        """Return the sum of the clipped gradients of the examples at the indices (n,), by the weights' names.

        Raises:
            TckrError: the memory does not hold a single example.
        """
        draws, levels = self._options.draws, self._scheduler.config.num_train_timesteps
        rows = chosen.repeat_interleave(draws)
        batch = self._examples.batch(rows, self._options.prompt_dropout, levels=levels, random=self._viewing)
        sums = {name: torch.zeros_like(value) for name, value in self._parameters.items()}

        def add(some: slice) -> None:
            part = batch.part(slice(some.start * draws, some.stop * draws))
            found, _ = clipped_gradients(self._unet, partial(self._losses, part), clip_norm=self._options.clip_norm)
            for name, total in found.items():
                sums[name] += total

        def undo() -> None:
            for total in sums.values():
                total.zero_()

        self._at_once = in_portions(
            len(chosen), self._at_once, add, undo=undo, advice="lower the option 'draws' of the adapter 'dp-lora'"
        )
        return sums

    def _losses(self, batch: Batch) -> Tensor:
        """Return the mean squared error of each example over its draws, which follow one another, (n,)."""
        with self._autocast:
            predicted, target = prediction_and_target(self._unet, self._scheduler, batch, self._encoding)
        return (predicted - target).square().flatten(1).mean(dim=1).view(-1, self._options.draws).mean(dim=1)

    def _release(self, sums: dict[str, Tensor], *, deviation: float, expected: float) -> None:
        """Add noise to the sums of clipped gradients and hand them on, as shares of the expected batch."""
        for name, value in self._parameters.items():
            value.grad = noisy_mean(sums[name], deviation=deviation, expected=expected, random=self._noise)


def sampling_of(options: DpLoraOptions, *, images: int) -> Sampling:
    """Return how examples are drawn.

    >>> sampling_of(DpLoraOptions(batch_size=500, epochs=3), images=2000)
    Sampling(rate=0.25, steps=12)
    >>> sampling_of(DpLoraOptions(batch_size=500, steps=5), images=2000)
    Sampling(rate=0.25, steps=5)
    """
    found = Sampling.of(images=images, batch_size=options.batch_size, epochs=options.epochs)
    return found if options.steps is None else replace(found, steps=options.steps)


def _require_linear(unet: UNet2DConditionModel) -> None:
    """Refuse low-rank updates whose gradients per example are not known.

    Raises:
        TckrError: some belong to other layers than linear ones.
    """
    trained = {
        type(layer) for layer in unet.modules() if any(value.requires_grad for value in layer.parameters(recurse=False))
    }
    if trained - {torch.nn.Linear}:
        raise TckrError(
            "the adapter 'dp-lora' trains updates of linear projections only, and its targets name other layers; "
            "set its option 'targets' to attention projections"
        )
