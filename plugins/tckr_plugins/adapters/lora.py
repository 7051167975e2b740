"""LoRA on the attention of a Stable Diffusion U-Net (Hu et al. 2022, arXiv 2106.09685).

Everything that does not depend on the trained weights - latents and text embeddings - is computed once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from tckr_bench.errors import TckrError
from tckr_plugins.generators.stable_diffusion import encode_prompts, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from diffusers import UNet2DConditionModel

    from tckr_bench.components import Context, Generator
    from tckr_bench.records import Images, Prompts
    from tckr_plugins.adapters import LoraOptions

_ENCODING_BATCH = 128
_ADAPTER = "default"


@dataclass(frozen=True)
class _Batch:
    """One step's input: latents and noise (b, c, h, w), timesteps (b,), embeddings (b, tokens, width)."""

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    embeddings: torch.Tensor


class LoraAdapter:
    """Trains low-rank updates of the U-Net's attention projections on real images and their prompts."""

    def __init__(self, options: LoraOptions) -> None:
        self._options = options

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
        """Write `pytorch_lora_weights.safetensors`, as diffusers saves and loads it.

        Args:
            generator: one with a Stable Diffusion `pipeline`; it is left as it was found.
            images: (n, size, size, 3) uint8, `size` being the generator's.
            prompts: one per image.
            weights: folder to write to.
            seed: of the initial weights, the order of the images, the timesteps and the noise.
            context: device and progress.

        Raises:
            TckrError: the generator cannot be trained, there are no images, or no projection is called as
                a target.
        """
        pipeline = _pipeline_of(generator)
        if not len(images):
            raise TckrError("the adapter 'lora' was given no images to learn from; use a larger training set")
        assert len(images) == len(prompts), "one prompt per image"
        place(pipeline, context.device, torch.float32)
        random = torch.Generator().manual_seed(seed)
        examples = _Examples(pipeline, images, prompts, flip=self._options.flip)
        unet = pipeline.unet
        self._insert(unet, random)
        try:
            self._train(pipeline, examples, random, context)
            self._save(unet, weights)
        finally:
            unet.unload_lora()
            unet.eval()

    def _insert(self, unet: UNet2DConditionModel, random: torch.Generator) -> None:
        """Add trainable low-rank weights, drawn from `random` and not from the process's own state."""
        options = self._options
        alpha = options.rank if options.alpha is None else options.alpha
        unet.requires_grad_(requires_grad=False)
        try:
            with torch.random.fork_rng(devices=[]):
                unet.add_adapter(
                    LoraConfig(r=options.rank, lora_alpha=alpha, target_modules=list(options.targets)),
                    _ADAPTER,
                )
        except ValueError as error:
            raise TckrError(
                f"no projection of the generator bears one of the names {', '.join(options.targets)}; "
                "set the option 'targets' of the adapter 'lora'"
            ) from error
        for name, parameter in unet.named_parameters():
            if "lora_A" in name:
                parameter.data = _draw(parameter.shape, random).to(parameter.device)
            elif "lora_B" in name:
                parameter.data = torch.zeros_like(parameter, dtype=torch.float32)

    def _train(
        self,
        pipeline: StableDiffusionPipeline,
        examples: _Examples,
        random: torch.Generator,
        context: Context,
    ) -> None:
        options, unet = self._options, pipeline.unet
        unet.train()
        scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
        trainable = [parameter for parameter in unet.parameters() if parameter.requires_grad]
        optimiser = torch.optim.AdamW(trainable, lr=options.learning_rate, weight_decay=options.weight_decay)
        steps = options.steps or options.epochs * math.ceil(len(examples) / options.batch_size)
        levels = scheduler.config.num_train_timesteps
        batches = examples.batches(options.batch_size, options.prompt_dropout, levels=levels, random=random)
        mixed = torch.autocast(torch.device(context.device).type, torch.bfloat16, enabled=context.device != "cpu")
        for step in range(steps):
            batch = next(batches)
            with mixed:
                loss = _loss(unet, scheduler, batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trainable, options.gradient_clip)
            optimiser.step()
            context.progress((step + 1) / steps)

    def _save(self, unet: UNet2DConditionModel, weights: Path) -> None:
        scale = 1.0 if self._options.alpha is None else self._options.alpha / self._options.rank
        state = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet, adapter_name=_ADAPTER))
        # The file holds no alpha: readers take it to be the rank, so the scale goes into one of the factors.
        scaled = {
            name: (tensor * scale if "lora_B" in name or "lora.up" in name else tensor).detach().cpu().contiguous()
            for name, tensor in sorted(state.items())
        }
        weights.mkdir(parents=True, exist_ok=True)
        StableDiffusionPipeline.save_lora_weights(weights, unet_lora_layers=scaled, safe_serialization=True)


class _Examples:
    """Latent distributions and text embeddings of the training set, each computed once."""

    def __init__(self, pipeline: StableDiffusionPipeline, images: Images, prompts: Prompts, *, flip: bool) -> None:
        self._device = pipeline.device
        self._means, self._deviations = _encode_images(pipeline, images)
        self._mirrored = _encode_images(pipeline, images[:, :, ::-1]) if flip else None
        distinct = ["", *dict.fromkeys(prompts.texts)]
        index = {text: position for position, text in enumerate(distinct)}
        index[""] = 0
        self._embedding_of = torch.tensor([index[text] for text in prompts.texts])
        chunks = [distinct[start : start + _ENCODING_BATCH] for start in range(0, len(distinct), _ENCODING_BATCH)]
        with torch.no_grad():
            self._embeddings = torch.cat([encode_prompts(pipeline, chunk).cpu() for chunk in chunks])

    def __len__(self) -> int:
        return len(self._means)

    def batches(self, size: int, dropout: float, *, levels: int, random: torch.Generator) -> Iterator[_Batch]:
        """Yield batches without end, each pass over the examples in a new order."""
        while True:
            for chosen in torch.randperm(len(self), generator=random).split(size):  # type: ignore[no-untyped-call]
                yield self._batch(chosen, dropout, levels=levels, random=random)

    def _batch(self, chosen: torch.Tensor, dropout: float, *, levels: int, random: torch.Generator) -> _Batch:
        means, deviations = self._means[chosen], self._deviations[chosen]
        if self._mirrored is not None:
            mirrored = (torch.rand(len(chosen), generator=random) < 0.5).view(-1, 1, 1, 1)
            means = torch.where(mirrored, self._mirrored[0][chosen], means)
            deviations = torch.where(mirrored, self._mirrored[1][chosen], deviations)
        latents = means + deviations * torch.randn(means.shape, generator=random)
        noise = torch.randn(means.shape, generator=random)
        timesteps = torch.randint(levels, (len(chosen),), generator=random)
        kept = torch.rand(len(chosen), generator=random) >= dropout
        embeddings = self._embeddings[self._embedding_of[chosen] * kept]
        drawn = (latents, noise, timesteps, embeddings)
        return _Batch(*(tensor.to(self._device, non_blocking=True) for tensor in drawn))


def _encode_images(pipeline: StableDiffusionPipeline, images: Images) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation of the scaled latents of images (n, h, w, 3) uint8, on the CPU."""
    means, deviations = [], []
    factor = pipeline.vae.config.scaling_factor
    for start in range(0, len(images), _ENCODING_BATCH):
        pixels = torch.from_numpy(images[start : start + _ENCODING_BATCH].copy()).to(pipeline.device)
        scaled = (pixels.permute(0, 3, 1, 2).to(pipeline.vae.dtype) / 127.5 - 1).contiguous()
        with torch.no_grad():
            posterior = pipeline.vae.encode(scaled).latent_dist
        means.append((posterior.mean * factor).float().cpu())
        deviations.append((posterior.std * factor).float().cpu())
    return torch.cat(means), torch.cat(deviations)


def _loss(unet: UNet2DConditionModel, scheduler: DDPMScheduler, batch: _Batch) -> torch.Tensor:
    """Return the mean squared error of the U-Net's prediction."""
    noisy = scheduler.add_noise(batch.latents, batch.noise, batch.timesteps)
    predicted = unet(noisy, batch.timesteps, batch.embeddings, return_dict=False)[0]
    return torch.nn.functional.mse_loss(predicted.float(), _target(scheduler, batch).float())


def _target(scheduler: DDPMScheduler, batch: _Batch) -> torch.Tensor:
    """Return what the scheduler says is predicted.

    Source: Ho et al. 2020, eq. 14 (noise); Salimans and Ho 2022, appendix D (velocity).
    """
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        return batch.noise
    if kind == "v_prediction":
        velocity: torch.Tensor = scheduler.get_velocity(batch.latents, batch.noise, batch.timesteps)
        return velocity
    if kind == "sample":
        return batch.latents
    raise TckrError(
        f"the adapter 'lora' cannot train a model that predicts '{kind}'; it knows epsilon, v_prediction and sample"
    )


def _draw(shape: torch.Size, random: torch.Generator) -> torch.Tensor:
    """Return the first factor as LoRA initialises it: uniform within 1 / sqrt(inputs)."""
    bound = 1 / math.sqrt(shape[1])
    return (torch.rand(shape, generator=random) * 2 - 1) * bound


def _pipeline_of(generator: Generator) -> StableDiffusionPipeline:
    pipeline = getattr(generator, "pipeline", None)
    if not isinstance(pipeline, StableDiffusionPipeline):
        raise TckrError(
            f"the adapter 'lora' cannot train a {type(generator).__name__}, which has no Stable Diffusion "
            "pipeline; use the generator 'stable-diffusion' or the adapter 'none'"
        )
    return pipeline
