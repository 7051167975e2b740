"""Train the autoencoder and encode images with it."""

import logging
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from miniature.images import Pixels
from miniature.progress import Budget, learning_rate
from miniature.workers import Workers

KL_WEIGHT = 2e-5
GRADIENT_WEIGHT = 0.5
PEAK_RATE = 2e-3
LOG = logging.getLogger("miniature.autoencoder")


def to_tensor(pixels: Pixels) -> Tensor:
    """Turn (n, h, w, 3) uint8 into (n, 3, h, w) float32 in [-1, 1], channels last."""
    channels_first = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    return channels_first.float().div_(127.5).sub_(1.0).contiguous(memory_format=torch.channels_last)


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return absolute plus squared error, plus absolute error of the image gradients."""
    error = output - target
    horizontal = error[..., :, 1:] - error[..., :, :-1]
    vertical = error[..., 1:, :] - error[..., :-1, :]
    edges = horizontal.abs().mean() + vertical.abs().mean()
    return error.abs().mean() + error.square().mean() + GRADIENT_WEIGHT * edges


def iterate_batches(order: npt.NDArray[np.int64], size: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield index batches of ``size``; the last may be smaller."""
    for start in range(0, len(order), size):
        yield order[start : start + size]


def train_autoencoder(
    model: AutoencoderKL,
    pixels: Pixels,
    order: npt.NDArray[np.int64],
    budget: Budget,
    generator: torch.Generator,
    workers: Workers,
    batch_size: int = 32,
    *,
    half: bool = False,
) -> dict[str, float]:
    """Train ``model`` on ``pixels`` in ``order``; return the last smoothed losses."""
    model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=1e-4, foreach=True)
    smoothed: dict[str, float] = {}
    reported = time.monotonic()
    for batch in iterate_batches(order, batch_size):
        progress = workers.mean(budget.progress())
        if progress >= 1.0:
            break
        images = to_tensor(pixels[batch[workers.rank :: workers.count]])
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            losses = _take_step(model, optimizer, images, progress, generator, workers)
        budget.seen += len(batch)
        for name, value in losses.items():
            smoothed[name] = 0.98 * smoothed.get(name, value) + 0.02 * value
        if time.monotonic() - reported > 15.0:
            reported = time.monotonic()
            LOG.info("%d images, %.0f s, %s", budget.seen, budget.elapsed(), smoothed)
    return smoothed


def _take_step(
    model: AutoencoderKL,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    progress: float,
    generator: torch.Generator,
    workers: Workers,
) -> dict[str, float]:
    """Take one optimizer step on ``images`` (n, 3, 32, 32); return its losses."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(PEAK_RATE, progress)
    posterior = model.encode(images).latent_dist
    output = model.decode(posterior.sample(generator)).sample
    reconstruction = reconstruction_loss(output.float(), images)
    divergence = posterior.kl().mean() / posterior.mean[0].numel()
    optimizer.zero_grad(set_to_none=True)
    (reconstruction + KL_WEIGHT * divergence).backward()
    workers.average_gradients(model.parameters())
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return {"reconstruction": reconstruction.item(), "divergence": divergence.item()}


def encode_images(model: AutoencoderKL, pixels: Pixels, batch_size: int = 256) -> Tensor:
    """Encode (n, 32, 32, 3) images to the means of their latents, (n, channels, 8, 8) float32."""
    model.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch_size):
            images = to_tensor(pixels[start : start + batch_size])
            parts.append(model.encode(images).latent_dist.mean.contiguous())
    return torch.cat(parts)


def measure_reconstruction(model: AutoencoderKL, pixels: Pixels) -> dict[str, float]:
    """Return the mean absolute error (of 255) and the PSNR (dB) over ``pixels``."""
    model.eval()
    with torch.inference_mode():
        output = model.decode(encode_images(model, pixels)).sample.clamp(-1.0, 1.0)
    error = (output - to_tensor(pixels)) * 127.5
    squared = error.square().mean(dim=(1, 2, 3))
    psnr = 10.0 * torch.log10(255.0**2 / squared.clamp_min(1e-6))
    return {"mean_absolute_error": error.abs().mean().item(), "psnr": psnr.mean().item()}


def normalise_latents(model: AutoencoderKL, images: Tensor) -> None:
    """Rotate and scale the latents of ``model`` to uncorrelated channels of mean 0 and about variance 1.

    Diffusers has one scaling factor for all channels. The two 1x1 convolutions around the latents can
    hold any affine map instead, at no cost; the decoder's output stays the same. Directions of little
    variance, which matter little to the decoder, keep a smaller one. The posterior's variance becomes
    one number per channel.

    Args:
        model: The trained autoencoder; changed in place.
        images: (n, 3, 32, 32) in [-1, 1], a sample of the images.
    """
    with torch.inference_mode():
        posterior = model.encode(images).latent_dist
    rows = posterior.mean.permute(0, 2, 3, 1).reshape(-1, posterior.mean.shape[1])
    mean = rows.mean(dim=0)
    variances, directions = torch.linalg.eigh(torch.cov(rows.T))
    deviations = variances.sqrt()
    scales = deviations.pow(1.0 / 3.0).clamp_max(1.0) / deviations
    change, inverse = (directions * scales).T, directions / scales
    noise = change.square() @ posterior.var.mean(dim=(0, 2, 3))
    channels = len(mean)
    with torch.no_grad():
        kernel, bias = model.quant_conv.weight, model.quant_conv.bias
        kernel[:channels, :, 0, 0] = change @ kernel[:channels, :, 0, 0]
        bias[:channels] = change @ (bias[:channels] - mean)
        kernel[channels:] = 0.0
        bias[channels:] = noise.log()
        back = model.post_quant_conv.weight
        model.post_quant_conv.bias += back[:, :, 0, 0] @ mean
        back[:, :, 0, 0] = back[:, :, 0, 0] @ inverse
    model.register_to_config(scaling_factor=1.0)
