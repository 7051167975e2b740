"""The training loop that every adapter of a Stable Diffusion U-Net shares."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline

from tckr_bench.errors import TckrError
from tckr_plugins.adapters.examples import Batch, Examples, FrozenTextEncoding, in_portions
from tckr_plugins.generators.stable_diffusion import place

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from diffusers import UNet2DConditionModel

    from tckr_bench.components import Context, Generator
    from tckr_bench.records import Images, Prompts
    from tckr_plugins.adapters.examples import TextEncoding
    from tckr_plugins.adapters.options import AdapterTrainingOptions, ShareOptions

REPORT_FILE = "adaptation.json"
_SMOOTHING_STEPS = 50

OptionsT = TypeVar("OptionsT", bound="ShareOptions")
TrainingOptionsT = TypeVar("TrainingOptionsT", bound="AdapterTrainingOptions")


@dataclass(frozen=True)
class Trainable:
    """What an adapter has made trainable.

    Attributes:
        parameters: what the optimiser changes.
        save: writes the trained weights to a folder.
        encoding: how prompts are encoded, where the adapter trains that; the pipeline's own text encoder if none.
        after_step: called after each step of the optimiser.
    """

    parameters: list[torch.nn.Parameter]
    save: Callable[[Path], None]
    encoding: TextEncoding | None = None
    after_step: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class TrainingTask:
    """What there is to learn: images (n, size, size, 3) uint8 and one prompt for each; and where to."""

    images: Images
    prompts: Prompts
    context: Context


@dataclass(frozen=True)
class Report:
    """What happened in training; written as JSON beside the weights."""


@dataclass(frozen=True)
class TrainingReport(Report):
    """What happened in training.

    Attributes:
        steps: of the optimiser.
        images_seen: over all steps, repeats included.
        first_loss: mean over the first steps, 50 at most.
        last_loss: mean over the last steps, 50 at most.
        images_at_once: fewer than asked for where the accelerator's memory did not hold that many.
    """

    steps: int
    images_seen: int
    first_loss: float
    last_loss: float
    images_at_once: int


class UnetAdapter(ABC, Generic[OptionsT]):
    """Trains some weights of a Stable Diffusion on real images and their prompts, in a way of its own."""

    name: str

    def __init__(self, options: OptionsT) -> None:
        self._options = options

    @abstractmethod
    def _prepare(
        self, pipeline: StableDiffusionPipeline, prompts: Prompts, random: torch.Generator
    ) -> AbstractContextManager[Trainable]:
        """Make weights trainable; on leaving, put the pipeline back as it was found."""

    @abstractmethod
    def _train(
        self, pipeline: StableDiffusionPipeline, trainable: Trainable, task: TrainingTask, random: torch.Generator
    ) -> Report:
        """Train the weights, and report."""

    def adapt(
        self,
        generator: Generator,
        images: Images,
        prompts: Prompts,
        *,
        weights: Path,
        seed: int,
        context: Context,
    ) -> None:
        """Write the trained weights, and a report beside them.

        Args:
            generator: one with a Stable Diffusion `pipeline`; it is left as it was found.
            images: (n, size, size, 3) uint8, `size` being the generator's.
            prompts: one per image.
            weights: folder to write to.
            seed: of the initial weights, the order of the images, the timesteps and the noise.
            context: device and progress.

        Raises:
            TckrError: the generator cannot be trained, there are no images, or the options do not suit the two.
        """
        pipeline = pipeline_of(generator, self.name)
        if not len(images):
            raise TckrError(f"the adapter '{self.name}' was given no images to learn from; use a larger training set")
        assert len(images) == len(prompts), "one prompt per image"
        place(pipeline, context.device, torch.float32)
        random = torch.Generator().manual_seed(seed)
        pipeline.unet.requires_grad_(requires_grad=False)
        try:
            with self._prepare(pipeline, prompts, random) as trainable:
                report = self._train(pipeline, trainable, TrainingTask(images, prompts, context), random)
                weights.mkdir(parents=True, exist_ok=True)
                trainable.save(weights)
        finally:
            pipeline.unet.disable_gradient_checkpointing()
            pipeline.unet.zero_grad(set_to_none=True)
            pipeline.unet.requires_grad_(requires_grad=False)
            pipeline.unet.eval()
        (weights / REPORT_FILE).write_text(json.dumps(asdict(report), indent=2) + "\n")


class TrainedAdapter(UnetAdapter[TrainingOptionsT]):
    """Trains some weights of a Stable Diffusion to denoise real images, given their prompts."""

    def _train(
        self, pipeline: StableDiffusionPipeline, trainable: Trainable, task: TrainingTask, random: torch.Generator
    ) -> TrainingReport:
        training = _Training(pipeline, trainable, self._options, task.context)
        encoding = trainable.encoding or FrozenTextEncoding(pipeline, task.prompts.texts, training.dtype)
        examples = Examples(pipeline, task.images, task.prompts, flip=self._options.flip)
        return training.run(examples, encoding, random)


class _Training:
    """One run of the optimiser."""

    def __init__(
        self, pipeline: StableDiffusionPipeline, trainable: Trainable, options: AdapterTrainingOptions, context: Context
    ) -> None:
        self._unet: UNet2DConditionModel = pipeline.unet
        self._scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
        self._trainable = trainable
        self._options = options
        self._context = context
        device = torch.device(context.device).type
        self.dtype = training_dtype(options.precision, device)
        mixed = self.dtype is not torch.float32
        self._autocast = torch.autocast(device, self.dtype if mixed else torch.bfloat16, enabled=mixed)
        self._scaler = torch.amp.GradScaler(device, enabled=self.dtype is torch.float16)
        self._optimiser = torch.optim.AdamW(
            trainable.parameters, lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self._at_once = options.batch_size

    def run(self, examples: Examples, encoding: TextEncoding, random: torch.Generator) -> TrainingReport:
        """Train on the examples and report."""
        options = self._options
        size = options.batch_size * options.accumulation
        steps = options.steps or options.epochs * math.ceil(len(examples) / size)
        levels = self._scheduler.config.num_train_timesteps
        batches = examples.batches(size, options.prompt_dropout, levels=levels, random=random)
        self._unet.train()
        if options.gradient_checkpointing:
            self._unet.enable_gradient_checkpointing()
        losses = torch.zeros(steps, device=self._context.device)
        seen = 0
        for step in range(steps):
            batch = next(batches)
            losses[step] = self._step(batch, encoding)
            seen += len(batch)
            self._context.progress((step + 1) / steps)
        first, last = losses[:_SMOOTHING_STEPS].mean().item(), losses[-_SMOOTHING_STEPS:].mean().item()
        return TrainingReport(steps, seen, first, last, self._at_once)

    def _step(self, batch: Batch, encoding: TextEncoding) -> torch.Tensor:
        """Take one step of the optimiser on the mean loss of a batch; return that loss."""
        loss = torch.zeros((), device=self._context.device)

        def accumulate(rows: slice) -> None:
            part = batch.part(rows)
            with self._autocast:
                share = denoising_loss(self._unet, self._scheduler, part, encoding) * (len(part) / len(batch))
            self._scaler.scale(share).backward()  # type: ignore[no-untyped-call]
            loss.add_(share.detach())

        def undo() -> None:
            self._optimiser.zero_grad(set_to_none=True)
            loss.zero_()

        undo()
        self._at_once = in_portions(len(batch), self._at_once, accumulate, undo=undo)
        self._scaler.unscale_(self._optimiser)
        torch.nn.utils.clip_grad_norm_(self._trainable.parameters, self._options.gradient_clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._trainable.after_step()
        return loss


def denoising_loss(
    unet: UNet2DConditionModel, scheduler: DDPMScheduler, batch: Batch, encoding: TextEncoding
) -> torch.Tensor:
    """Return the mean squared error of the U-Net's prediction, a scalar."""
    return torch.nn.functional.mse_loss(*prediction_and_target(unet, scheduler, batch, encoding))


def prediction_and_target(
    unet: UNet2DConditionModel, scheduler: DDPMScheduler, batch: Batch, encoding: TextEncoding
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the U-Net predicts of a noised batch, and what it should, both (b, c, h, w) in float32."""
    noisy = scheduler.add_noise(batch.latents, batch.noise, batch.timesteps)
    predicted = unet(noisy, batch.timesteps, encoding(batch.texts), return_dict=False)[0]
    return predicted.float(), prediction_target(scheduler, batch).float()


def prediction_target(scheduler: DDPMScheduler, batch: Batch) -> torch.Tensor:
    """Return what the scheduler says is predicted, (b, c, h, w).

    Source: Ho et al. 2020, eq. 14 (noise); Salimans and Ho 2022, appendix D (velocity).

    Raises:
        TckrError: it predicts something else.
    """
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        return batch.noise
    if kind == "v_prediction":
        velocity: torch.Tensor = scheduler.get_velocity(batch.latents, batch.noise, batch.timesteps)
        return velocity
    if kind == "sample":
        return batch.latents
    raise TckrError(f"a model that predicts '{kind}' cannot be trained; epsilon, v_prediction and sample are known")


def training_dtype(precision: str, device: str) -> torch.dtype:
    """Return the arithmetic the option `precision` means on a type of device.

    >>> training_dtype("auto", "cpu"), training_dtype("auto", "cuda"), training_dtype("float16", "cpu")
    (torch.float32, torch.bfloat16, torch.float32)
    """
    if precision == "auto":
        return torch.float32 if device == "cpu" else torch.bfloat16
    if precision == "float16" and device == "cpu":
        return torch.float32
    dtype = getattr(torch, precision)
    assert isinstance(dtype, torch.dtype)
    return dtype


def pipeline_of(generator: Generator, adapter: str) -> StableDiffusionPipeline:
    """Return the pipeline of a generator that can be trained.

    Raises:
        TckrError: it has none, or one of another family.
    """
    pipeline = getattr(generator, "pipeline", None)
    if isinstance(pipeline, StableDiffusionPipeline):
        return pipeline
    if pipeline is None:
        raise TckrError(
            f"the adapter '{adapter}' cannot train a {type(generator).__name__}, which has no Stable Diffusion "
            "pipeline; use the generator 'stable-diffusion' or the adapter 'none'"
        )
    raise TckrError(
        f"the adapter '{adapter}' cannot train a {type(pipeline).__name__}, only a StableDiffusionPipeline "
        "(Stable Diffusion 1 and 2, the miniature); use such a model, or the adapter 'file' or 'none'"
    )
