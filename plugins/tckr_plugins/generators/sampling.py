"""From prompts and seeds to pixels: two ways to call a pipeline, and batches that shrink where memory runs out."""

from __future__ import annotations

import gc
import inspect
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from tckr_bench.errors import first_line
from tckr_plugins.generators.models import ModelError
from tckr_plugins.generators.pipelines import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from diffusers import DiffusionPipeline, StableDiffusionPipeline

    from tckr_bench.records import Images
    from tckr_plugins.generators.options import StableDiffusionOptions

_LARGEST_BATCH = 64
_PIXELS_OFF_CUDA = 64 * 64 * 64  # 64 images of 64 pixels' side: main memory is shared with everything else
_BYTES_PER_PIXEL = 2048  # the autoencoder's decoder at its widest: 128 channels, about eight tensors, half precision
_MEMORY_SHARE = 0.8


class Sampler(Protocol):
    """Makes one batch of images."""

    def sample(self, texts: Sequence[str], seeds: Sequence[int]) -> Images:
        """Return (n, size, size, 3) uint8; image i depends on text i and seed i, and on the others by rounding."""


class EncodedSampler:
    """Samples Stable Diffusion 1 and 2 from encoded prompts, each distinct one encoded once, and from own noise."""

    def __init__(self, pipeline: StableDiffusionPipeline, options: StableDiffusionOptions, image_size: int) -> None:
        self._pipeline, self._options, self._image_size = pipeline, options, image_size
        self._encoder = _PromptEncoder(pipeline)

    @torch.inference_mode()
    def sample(self, texts: Sequence[str], seeds: Sequence[int]) -> Images:
        """Return (n, size, size, 3) uint8."""
        pipeline = self._pipeline
        embeddings = self._encoder.encode(texts)
        side = self._image_size // pipeline.vae_scale_factor
        shape = (pipeline.unet.config.in_channels, side, side)
        # Drawn on the CPU in float32 whatever the device and precision: a seed always means the same noise.
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        with quiet():
            result = pipeline(
                prompt_embeds=embeddings,
                negative_prompt_embeds=self._encoder.empty.expand(len(seeds), -1, -1),
                latents=noise.to(embeddings.dtype),
                generator=generators,
                height=self._image_size,
                width=self._image_size,
                num_inference_steps=self._options.steps,
                guidance_scale=self._options.guidance,
                output_type="np",
            )
        return to_pixels(result.images, self._options.model)


class PromptSampler:
    """Samples any other text-to-image pipeline from the prompts themselves, one random generator per image."""

    def __init__(self, pipeline: DiffusionPipeline, options: StableDiffusionOptions, image_size: int) -> None:
        self._pipeline, self._options, self._image_size = pipeline, options, image_size
        self._accepted = frozenset(inspect.signature(pipeline.__call__).parameters)

    def sample(self, texts: Sequence[str], seeds: Sequence[int]) -> Images:
        """Return (n, size, size, 3) uint8.

        Raises:
            ModelError: the pipeline refuses the size or another option.
        """
        arguments: dict[str, Any] = {
            "prompt": list(texts),
            "generator": [torch.Generator().manual_seed(seed) for seed in seeds],
            "height": self._image_size,
            "width": self._image_size,
            "num_inference_steps": self._options.steps,
            "guidance_scale": self._options.guidance,
            "output_type": "np",
            "use_resolution_binning": False,  # it would sample at another size than was asked for
            "clean_caption": False,  # the prompts are ours, and cleaning them needs further packages
        }
        try:
            with quiet():
                result = self._pipeline(**{name: arguments[name] for name in arguments if name in self._accepted})
        except ValueError as error:
            raise ModelError(
                f"the model '{self._options.model}' refuses to sample: {first_line(error)}; change the option it names"
            ) from error
        images = to_pixels(np.asarray(result.images), self._options.model)
        expected = (len(texts), self._image_size, self._image_size, 3)
        if images.shape != expected:
            raise ModelError(
                f"the model '{self._options.model}' made images of {images.shape[1]}x{images.shape[2]} instead of "
                f"{self._image_size} pixels; set 'image_size' to a multiple of 16 or 32"
            )
        return images


class _PromptEncoder:
    """Encodes prompts, each distinct one once as long as equal prompts arrive in neighbouring batches."""

    def __init__(self, pipeline: StableDiffusionPipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[str, torch.Tensor] = {}
        self.empty = self._run([""])[0]

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the embeddings of the texts, (n, tokens, width)."""
        distinct = list(dict.fromkeys(texts))
        new = [text for text in distinct if text not in self._known]
        known = {text: self._known[text] for text in distinct if text in self._known}
        if new:
            known.update(zip(new, self._run(new), strict=True))
        self._known = known
        return torch.stack([known[text] for text in texts])

    @torch.inference_mode()
    def _run(self, texts: list[str]) -> torch.Tensor:
        return encode_prompts(self._pipeline, texts)


def encode_prompts(pipeline: StableDiffusionPipeline, texts: list[str]) -> torch.Tensor:
    """Return text embeddings (n, tokens, width) on the device the pipeline computes on; longer prompts are cut."""
    with quiet():
        encoded: torch.Tensor = pipeline.encode_prompt(
            texts, pipeline._execution_device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )[0]
    return encoded


def to_pixels(images: Any, model: str) -> Images:  # noqa: ANN401 - numpy of any float
    """Return images (n, h, w, 3) in 0 to 1 as uint8.

    Raises:
        ModelError: some are not numbers, because a network overflowed.
    """
    if not np.isfinite(images).all():
        raise ModelError(
            f"the model '{model}' made images that are not numbers, as its networks overflow in this precision; "
            "set the option 'dtype' to 'bfloat16' or 'float32'"
        )
    pixels: Images = np.round(images * 255).astype(np.uint8)
    return pixels


def default_batch_size(image_size: int, device: str, dtype: torch.dtype) -> int:
    """Return how many images to make at once, 1 to 64, from the memory that decoding them takes.

    >>> default_batch_size(32, "cpu", torch.float32), default_batch_size(224, "cpu", torch.float32)
    (64, 5)
    """
    if torch.device(device).type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        width = 2 if dtype == torch.float32 else 1
        fitting = int(free * _MEMORY_SHARE / (_BYTES_PER_PIXEL * width * image_size**2))
    else:
        fitting = _PIXELS_OFF_CUDA // image_size**2
    return max(1, min(_LARGEST_BATCH, fitting))


class SampledBatches:
    """Makes images in batches, and in batches half as large for good once memory has run out.

    Attributes:
        size: the largest batch, at present.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, count: int, make: Callable[[slice], None]) -> Iterator[int]:
        """Call `make` with consecutive slices of `count` images; yield after each how many are done.

        Raises:
            ModelError: there is no memory for a single image.
        """
        start = 0
        while start < count:
            chosen = slice(start, min(start + self.size, count))
            if _fits(make, chosen):
                start = chosen.stop
                yield start
            else:
                self._halve(chosen.stop - start)

    def _halve(self, size: int) -> None:
        if size == 1:
            raise ModelError(
                "the accelerator has no memory for a single image; "
                "set 'offload' to 'model' or 'sequential', a lower 'image_size', or 'dtype' to 'float16'"
            )
        self.size = size // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _fits(make: Callable[[slice], None], chosen: slice) -> bool:
    """Return whether a batch could be made; the error's frames, which hold its tensors, end here."""
    try:
        make(chosen)
    except torch.cuda.OutOfMemoryError:
        return False
    return True
