"""What a diffusion model is trained on: latents and text embeddings, each computed once, drawn in batches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from tckr_bench.errors import TckrError
from tckr_plugins.generators.stable_diffusion import encode_prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from diffusers import StableDiffusionPipeline

    from tckr_bench.records import Images, Prompts

_ENCODING_BATCH = 128
_EMBEDDINGS_BUDGET = 8 * 2**30
"""Bytes of text embeddings kept in memory; beyond it they are computed when they are needed."""


@dataclass(frozen=True)
class Batch:
    """One batch: latents and noise (b, c, h, w), timesteps (b,), and the prompt of each, some of them emptied."""

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, rows: slice) -> Batch:
        """Return some rows of the batch."""
        return Batch(self.latents[rows], self.noise[rows], self.timesteps[rows], self.texts[rows])


class TextEncoding(Protocol):
    """Turns prompts into what the U-Net attends to."""

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the embeddings of n prompts, (n, tokens, width)."""


class Examples:
    """Latent distributions of the training images, with their prompts."""

    def __init__(self, pipeline: StableDiffusionPipeline, images: Images, prompts: Prompts, *, flip: bool) -> None:
        self._device = pipeline.device
        self._texts = prompts.texts
        self._means, self._deviations = encode_images(pipeline, images)
        self._mirrored = encode_images(pipeline, images[:, :, ::-1]) if flip else None

    def __len__(self) -> int:
        return len(self._means)

    def batches(self, size: int, dropout: float, *, levels: int, random: torch.Generator) -> Iterator[Batch]:
        """Yield batches without end, each pass over the examples in a new order."""
        while True:
            for chosen in torch.randperm(len(self), generator=random).split(size):  # type: ignore[no-untyped-call]
                yield self.batch(chosen, dropout, levels=levels, random=random)

    def batch(self, chosen: torch.Tensor, dropout: float, *, levels: int, random: torch.Generator) -> Batch:
        """Return a batch of the examples at the indices (b,), with latents, noise and timesteps drawn for each row."""
        means, deviations = self._means[chosen], self._deviations[chosen]
        if self._mirrored is not None:
            mirrored = (torch.rand(len(chosen), generator=random) < 0.5).view(-1, 1, 1, 1)
            means = torch.where(mirrored, self._mirrored[0][chosen], means)
            deviations = torch.where(mirrored, self._mirrored[1][chosen], deviations)
        latents = means + deviations * torch.randn(means.shape, generator=random)
        noise = torch.randn(means.shape, generator=random)
        timesteps = torch.randint(levels, (len(chosen),), generator=random)
        kept = (torch.rand(len(chosen), generator=random) >= dropout).tolist()
        texts = tuple(self._texts[i] if keep else "" for i, keep in zip(chosen.tolist(), kept, strict=True))
        latents, noise, timesteps = (
            tensor.to(self._device, non_blocking=True) for tensor in (latents, noise, timesteps)
        )
        return Batch(latents, noise, timesteps, texts)


class FrozenTextEncoding:
    """Embeddings by a text encoder that is not trained: each distinct prompt is encoded once, if memory allows.

    They are kept on the CPU in `dtype`, the precision in which the U-Net will read them.
    """

    def __init__(self, pipeline: StableDiffusionPipeline, texts: Sequence[str], dtype: torch.dtype) -> None:
        self._pipeline = pipeline
        self._dtype = dtype
        distinct = list(dict.fromkeys(["", *texts]))
        self._row_of = {text: row for row, text in enumerate(distinct)}
        one = self._encode([""])
        self._known: torch.Tensor | None = None
        if one.nbytes * len(distinct) <= _EMBEDDINGS_BUDGET:
            known = one.new_empty((len(distinct), *one.shape[1:]), device="cpu")

            def keep(rows: slice) -> None:
                known[rows] = self._encode(distinct[rows]).cpu()

            in_portions(len(distinct), _ENCODING_BATCH, keep)
            self._known = known

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the embeddings of n prompts, (n, tokens, width), on the pipeline's device."""
        if self._known is None:
            return self._encode(list(texts))
        rows = torch.tensor([self._row_of[text] for text in texts])
        return self._known[rows].to(self._pipeline.device, non_blocking=True)

    @torch.no_grad()
    def _encode(self, texts: list[str]) -> torch.Tensor:
        return encode_prompts(self._pipeline, texts).to(self._dtype)


@torch.no_grad()
def encode_images(pipeline: StableDiffusionPipeline, images: Images) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation of the scaled latents of images (n, h, w, 3) uint8, on the CPU."""
    factor = pipeline.vae.config.scaling_factor
    means: list[torch.Tensor] = []
    deviations: list[torch.Tensor] = []

    def encode(rows: slice) -> None:
        pixels = torch.from_numpy(images[rows].copy()).to(pipeline.device)
        scaled = (pixels.permute(0, 3, 1, 2).to(pipeline.vae.dtype) / 127.5 - 1).contiguous()
        posterior = pipeline.vae.encode(scaled).latent_dist
        means.append((posterior.mean * factor).float().cpu())
        deviations.append((posterior.std * factor).float().cpu())

    def undo() -> None:
        means.clear()
        deviations.clear()

    in_portions(len(images), _ENCODING_BATCH, encode, undo=undo)
    return torch.cat(means), torch.cat(deviations)


def in_portions(
    count: int,
    size: int,
    work: Callable[[slice], None],
    *,
    undo: Callable[[], None] = lambda: None,
    advice: str = "set the adapter's option 'gradient_checkpointing'",
) -> int:
    """Do `work` on `count` items, at most `size` at a time; where memory runs out, `undo`, and begin again with half.

    Returns the size that fitted.

    Raises:
        TckrError: the memory does not hold the work on one item.

    >>> in_portions(5, 2, print)
    slice(0, 2, None)
    slice(2, 4, None)
    slice(4, 5, None)
    2
    """
    while True:
        try:
            for start in range(0, count, size):
                work(slice(start, min(start + size, count)))
        except torch.OutOfMemoryError as error:
            if size == 1:
                raise TckrError(
                    f"the accelerator's memory does not hold the training of one image; {advice}, train smaller "
                    "images, or use a smaller generator"
                ) from error
        else:
            return size
        # Outside the handler, where the error no longer holds the failed work's memory.
        undo()
        size = math.ceil(size / 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
