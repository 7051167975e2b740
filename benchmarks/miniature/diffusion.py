"""Train the text encoder and the U-Net together on cached latents."""

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from miniature.progress import Budget, learning_rate
from miniature.workers import Workers

PEAK_RATE = 1.3e-3
WEIGHT_DECAY = 0.01
EMA_DECAY = 0.995
STEPS_PER_AVERAGE = 4
LOG = logging.getLogger("miniature.diffusion")


@dataclass(frozen=True)
class Corpus:
    """Hold cached inputs of the training.

    Attributes:
        latents: (n, channels, 8, 8), of mean 0 and about variance 1.
        prompts: (kinds, n, length) token ids; the last kind is the empty prompt.
        prompt_shares: (kinds,) how often each kind is drawn.
        signal_shares: (times,) share of the latents' variance that is left at each time, 1 to 0.
    """

    latents: Tensor
    prompts: Tensor
    prompt_shares: Tensor
    signal_shares: Tensor


class Denoiser(torch.nn.Module):
    """Predict velocities (n, channels, 8, 8) from noisy latents, times (n,) and token ids (n, length)."""

    def __init__(self, text_encoder: CLIPTextModel, unet: UNet2DConditionModel) -> None:
        """Join the two networks that are trained together."""
        super().__init__()
        self.text_encoder = text_encoder
        self.unet = unet

    def forward(self, latents: Tensor, times: Tensor, tokens: Tensor) -> Tensor:
        """Return the predicted velocities."""
        states = self.text_encoder(tokens).last_hidden_state
        velocity: Tensor = self.unet(latents, times, states, return_dict=False)[0]
        return velocity


class Average:
    """Keep an exponential moving average of a module's parameters."""

    def __init__(self, module: Denoiser) -> None:
        """Start from a copy of ``module``."""
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.updates = 0

    def update(self, module: Denoiser) -> None:
        """Move towards ``module``, faster in the beginning."""
        self.updates += 1
        steps = self.updates * STEPS_PER_AVERAGE
        decay = min(EMA_DECAY, (1 + steps) / (10 + steps)) ** STEPS_PER_AVERAGE
        averaged = list(self.module.parameters())
        current = [parameter.detach() for parameter in module.parameters()]
        torch._foreach_lerp_(averaged, current, 1.0 - decay)


def pick_tokens(corpus: Corpus, batch: npt.NDArray[np.int64], generator: torch.Generator) -> Tensor:
    """Return token ids (n, length), each of a kind of prompt drawn by its share."""
    kinds = torch.multinomial(corpus.prompt_shares, len(batch), replacement=True, generator=generator)
    return corpus.prompts[kinds, torch.from_numpy(batch)]


def train_denoiser(
    model: Denoiser,
    average: Average,
    corpus: Corpus,
    order: npt.NDArray[np.int64],
    budget: Budget,
    generator: torch.Generator,
    workers: Workers,
    batch_size: int,
    snapshot: Callable[[float], None],
    snapshot_seconds: float,
) -> float:
    """Train ``model`` and its ``average`` in ``order``; return the last smoothed loss.

    Call ``snapshot`` with the smoothed loss every ``snapshot_seconds`` seconds.
    """
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98), foreach=True
    )
    smoothed, steps = 1.0, 0
    reported = saved = time.monotonic()
    progress = workers.mean(budget.progress())
    while progress < 1.0 and budget.seen < len(order):
        batch = order[budget.seen : budget.seen + batch_size]
        inputs = draw_inputs(corpus, batch[workers.rank :: workers.count], generator)
        smoothed += 0.01 * (_take_step(model, optimizer, inputs, progress, workers) - smoothed)
        budget.seen, steps = budget.seen + len(batch), steps + 1
        if steps % STEPS_PER_AVERAGE == 0:
            average.update(model)
        if time.monotonic() - reported > 20.0:
            reported = time.monotonic()
            LOG.info("%d images, %.0f s, loss %.4f", budget.seen, budget.elapsed(), smoothed)
        if time.monotonic() - saved > snapshot_seconds:
            saved = time.monotonic()
            snapshot(smoothed)
        progress = workers.mean(budget.progress())
    snapshot(smoothed)
    return smoothed


def draw_inputs(
    corpus: Corpus, batch: npt.NDArray[np.int64], generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return noisy latents, times, token ids and target velocities for the images of ``batch``."""
    latents = corpus.latents[torch.from_numpy(batch)].float()
    noise = torch.randn(latents.shape, generator=generator)
    times = torch.randint(0, 1000, (len(batch),), generator=generator)
    signal = corpus.signal_shares[times].view(-1, 1, 1, 1)
    noisy = signal.sqrt() * latents + (1.0 - signal).sqrt() * noise
    target = signal.sqrt() * noise - (1.0 - signal).sqrt() * latents
    return noisy, times, pick_tokens(corpus, batch, generator), target


def _take_step(
    model: Denoiser,
    optimizer: torch.optim.Optimizer,
    inputs: tuple[Tensor, Tensor, Tensor, Tensor],
    progress: float,
    workers: Workers,
) -> float:
    """Take one optimizer step on ``inputs``; return this process's loss."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(PEAK_RATE, progress)
    noisy, times, tokens, target = inputs
    loss = torch.nn.functional.mse_loss(model(noisy, times, tokens), target)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    workers.average_gradients(model.parameters())
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()
