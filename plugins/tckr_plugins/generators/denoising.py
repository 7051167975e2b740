"""How well a diffusion model knows an image: errors of its denoiser, the signals of attacks on released weights."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import DDPMScheduler, DiffusionPipeline, StableDiffusionPipeline

from tckr_bench.errors import NotApplicableError, TckrError
from tckr_bench.seeds import derive_seed
from tckr_plugins.generators.models import ModelError
from tckr_plugins.generators.pipelines import explained, quiet
from tckr_plugins.generators.sampling import SampledBatches, default_batch_size, encode_prompts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from tckr_bench.components import Context
    from tckr_bench.records import DenoisingProbe, Images
    from tckr_plugins.generators.hub import Source

SECMI_STRIDE = 10  # of the training schedule, as published
PIA_NORM = 4  # as published
REDIFFUSE_STRIDE = 50  # of the training schedule, as published for Stable Diffusion


class Denoiser:
    """A Stable Diffusion U-Net as a predictor of the noise in latents, whatever it was trained to predict.

    Attributes:
        levels: abar of each timestep, the share of the variance that is signal, (steps,) float64 on the CPU.
    """

    def __init__(self, pipeline: StableDiffusionPipeline, texts: Sequence[str]) -> None:
        scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)  # the schedule that adapters train with
        self._kind: str = scheduler.config.prediction_type
        if self._kind not in ("epsilon", "v_prediction", "sample"):
            raise NotApplicableError(
                f"a model that predicts '{self._kind}' cannot be asked for its noise; epsilon, v_prediction and "
                "sample are known"
            )
        self.levels = scheduler.alphas_cumprod.double()
        self._unet, self._vae = pipeline.unet, pipeline.vae
        self._embeddings = encode_prompts(pipeline, list(texts))

    def split(self, noisy: torch.Tensor, timestep: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the clean latents and the noise that the U-Net sees in noisy latents (b, c, h, w) at a timestep.

        Source: Ho et al. 2020, eq. 11 (noise); Salimans and Ho 2022, appendix D (velocity).
        """
        signal, spread = self.scales(timestep)
        predicted = self._unet(noisy, timestep, self._embeddings, return_dict=False)[0]
        if self._kind == "v_prediction":
            return signal * noisy - spread * predicted, signal * predicted + spread * noisy
        if self._kind == "sample":
            return predicted, (noisy - signal * predicted) / spread
        return (noisy - spread * predicted) / signal, predicted

    def move(self, noisy: torch.Tensor, timestep: int, target: int) -> torch.Tensor:
        """Move noisy latents from one timestep to another by one deterministic step (Song et al. 2021, eq. 12)."""
        clean, noise = self.split(noisy, timestep)
        return self.mix(clean, noise, target)

    def mix(self, clean: torch.Tensor, noise: torch.Tensor, timestep: int) -> torch.Tensor:
        """Return the noisy latents of a timestep."""
        signal, spread = self.scales(timestep)
        return signal * clean + spread * noise

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the images of clean latents, (b, 3, h, w) in 0 to 1, cut off there as a sampler does."""
        decoded: torch.Tensor = self._vae.decode(latents / self._vae.config.scaling_factor, return_dict=False)[0]
        return (decoded / 2 + 0.5).clamp(0, 1)

    def scales(self, timestep: int) -> tuple[float, float]:
        """Return the factors of signal and noise at a timestep."""
        level = float(self.levels[timestep])
        return level**0.5, (1 - level) ** 0.5


def denoising_errors(
    pipeline: StableDiffusionPipeline,
    images: Images,
    texts: Sequence[str],
    *,
    probe: DenoisingProbe,
    batch_size: int | None,
    context: Context,
) -> npt.NDArray[np.float64]:
    """Return how badly the U-Net denoises each image (n, h, w, 3) uint8, given its text, (n,).

    `denoising`: the mean of (noise - predicted noise)^2 over the latents and the draws of the noise.
    Source: Carlini et al. 2023, Extracting Training Data from Diffusion Models; Matsumoto et al. 2023.

    `secmi`: latents are brought to the timestep t by deterministic steps of 10, one more step on and back; the mean
    of (returned - left)^2. Source: Duan et al. 2023, Are Diffusion Models Vulnerable to Membership Inference Attacks?
    (the t-error of SecMI_stat; its official code sums where this takes the mean, and with its t_sec of 100 leaves at
    90).

    `pia`: the noise e0 predicted in clean latents at time 0 is taken for the true one at t; the 4-norm, as a power
    mean, of e0 - noise predicted at t. Source: Kong et al. 2023, An Efficient Membership Inference Attack for the
    Diffusion Model by Proximal Initialization (its official code leaves out the root, which orders images alike).

    `rediffuse`: latents noised to the timestep are denoised by deterministic steps of 50, as an interface that makes
    variations of an image does; the mean of (mean of the variations - image)^2 over the pixels in 0 to 1, where the
    image is what the autoencoder makes of it. Source: Li et al. 2024, Towards Black-Box Membership Inference Attack for
    Diffusion Models (its official code averages latents where this averages images, ends at time 0 where this ends
    without noise, and takes 1 less the structural similarity for a distance, which needs larger images).

    Latents are the means of the autoencoder's distributions, of images as large as they are, which is how adapters
    learn them, in the precision of the pipeline; there is no guidance. Noise is an image's own, by its pixels, the
    timestep and the probe's seed: order and batches change results by rounding alone.

    Raises:
        NotApplicableError: the model predicts something that the noise does not follow from.
        TckrError: the timestep is not in the schedule.
        ModelError: the errors are not numbers, or the memory does not hold one image.
    """
    assert len(images) == len(texts), "one text per image"
    _require_timestep(probe, pipeline.scheduler.config.num_train_timesteps)
    errors = np.empty(len(images))

    def measure(rows: slice) -> None:
        denoiser, latents = Denoiser(pipeline, texts[rows]), _latents(pipeline, images[rows])
        errors[rows] = _ERRORS[probe.kind](denoiser, latents, probe, images[rows]).double().cpu().numpy()

    size = batch_size or default_batch_size(images.shape[1], context.device, torch.float32)
    with torch.inference_mode():
        for done in SampledBatches(size).run(len(images), measure):
            context.progress(done / len(images))
    if not np.isfinite(errors).all():
        raise ModelError("the model's denoising errors are not numbers; its adaptation diverged, lower its rate")
    return errors


def require_stable_diffusion(source: Source, model: str) -> None:
    """Refuse a model other than Stable Diffusion 1 or 2, before its weights are read.

    Raises:
        NotApplicableError: it is a pipeline of another kind.
    """
    with quiet(), explained(model):
        kind = DiffusionPipeline.load_config(source.path, revision=source.commit)["_class_name"]
    if kind != StableDiffusionPipeline.__name__:
        raise NotApplicableError(
            f"the denoiser of the model '{model}', a {kind}, cannot be asked how well it knows an image; attacks on "
            "generators take Stable Diffusion 1 or 2, or a miniature"
        )


def _denoising_error(denoiser: Denoiser, latents: torch.Tensor, probe: DenoisingProbe, images: Images) -> torch.Tensor:
    total = torch.zeros(len(latents), device=latents.device)
    for noise in _noises(latents, probe, images):
        _, predicted = denoiser.split(denoiser.mix(latents, noise, probe.timestep), probe.timestep)
        total += (noise - predicted).square().mean(dim=(1, 2, 3))
    return total / probe.draws


def _noises(latents: torch.Tensor, probe: DenoisingProbe, images: Images) -> Iterator[torch.Tensor]:
    """Yield, for each draw of a probe, standard normal noise like the latents, each image's its own."""
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    for draw in range(probe.draws):
        seeds = [derive_seed("denoising", probe.seed, probe.timestep, digest, draw) for digest in digests]
        yield torch.stack(
            [torch.randn(latents.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        ).to(latents)


def _secmi_error(denoiser: Denoiser, latents: torch.Tensor, probe: DenoisingProbe, _images: Images) -> torch.Tensor:
    noisy, last = latents, probe.timestep
    for timestep, target in pairwise([*range(0, last, SECMI_STRIDE), last]):
        noisy = denoiser.move(noisy, timestep, target)
    beyond = denoiser.move(noisy, last, last + SECMI_STRIDE)
    returned = denoiser.move(beyond, last + SECMI_STRIDE, last)
    return (returned - noisy).square().mean(dim=(1, 2, 3))


def _pia_error(denoiser: Denoiser, latents: torch.Tensor, probe: DenoisingProbe, _images: Images) -> torch.Tensor:
    _, first = denoiser.split(latents, 0)
    _, later = denoiser.split(denoiser.mix(latents, first, probe.timestep), probe.timestep)
    return (first - later).abs().pow(PIA_NORM).mean(dim=(1, 2, 3)).pow(1 / PIA_NORM)


def _rediffuse_error(denoiser: Denoiser, latents: torch.Tensor, probe: DenoisingProbe, images: Images) -> torch.Tensor:
    image = denoiser.pixels(latents)
    path = [*range(probe.timestep, 0, -REDIFFUSE_STRIDE)] or [probe.timestep]
    total = torch.zeros_like(image)
    for noise in _noises(latents, probe, images):
        noisy = denoiser.mix(latents, noise, probe.timestep)
        for timestep, target in pairwise(path):
            noisy = denoiser.move(noisy, timestep, target)
        clean, _ = denoiser.split(noisy, path[-1])
        total += denoiser.pixels(clean)
    return (total / probe.draws - image).square().mean(dim=(1, 2, 3))


_ERRORS = {
    "denoising": _denoising_error,
    "secmi": _secmi_error,
    "pia": _pia_error,
    "rediffuse": _rediffuse_error,
}


def _require_timestep(probe: DenoisingProbe, steps: int) -> None:
    largest = steps - 1 - (SECMI_STRIDE if probe.kind == "secmi" else 0)
    if not 0 <= probe.timestep <= largest:
        raise TckrError(
            f"the timestep {probe.timestep} is not in the generator's schedule of {steps} steps; "
            f"choose 'timesteps' from 0 to {largest}"
        )


def _latents(pipeline: StableDiffusionPipeline, images: Images) -> torch.Tensor:
    """Return the means of the scaled latents of images (n, h, w, 3) uint8."""
    pixels = torch.from_numpy(np.require(images, requirements=["C", "W"])).to(pipeline.device)
    scaled = (pixels.permute(0, 3, 1, 2).to(pipeline.vae.dtype) / 127.5 - 1).contiguous()
    latents: torch.Tensor = pipeline.vae.encode(scaled).latent_dist.mean * pipeline.vae.config.scaling_factor
    return latents
