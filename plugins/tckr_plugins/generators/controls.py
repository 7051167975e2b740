"""Generators whose privacy and accuracy are known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import GeneratorComponent, Options
from tckr_bench.errors import TckrError
from tckr_bench.records import Pretraining
from tckr_plugins.late import np

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.components import Context
    from tckr_bench.records import GenerationRequest, Images

MEMORY_FILE = "training_images.safetensors"
MEMORY_TENSOR = "images"


class GeneratorControlOptions(Options):
    """Options of the generators that are controls."""

    image_size: int = Field(default=32, ge=1, le=4096, description="width and height in pixels")


class Memorizer:
    """Releases the training images: no safer than the data itself, and every attack must find that out."""

    def __init__(self, options: GeneratorControlOptions) -> None:
        self._image_size = options.image_size
        self._images: Images | None = None

    @property
    def image_size(self) -> int:
        """Width and height in pixels of the stored images, of the option before there are any."""
        return self._image_size if self._images is None else int(self._images.shape[1])

    def restore(self, weights: Path) -> None:
        """Read the images that the adapter `memorize` wrote; an empty folder means none."""
        from safetensors.numpy import load_file

        path = weights / MEMORY_FILE
        self._images = load_file(path)[MEMORY_TENSOR] if path.is_file() else None

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return the stored image that each prompt describes, (n, image_size, image_size, 3) uint8.

        Raises:
            TckrError: no images are stored, or a prompt describes one that is not among them.
        """
        sources = request.prompts.sources
        if self._images is None:
            raise TckrError("the generator 'memorizer' has no images to release; use it with the adapter 'memorize'")
        if len(sources) and not (sources.min() >= 0 and sources.max() < len(self._images)):
            raise TckrError(
                f"the generator 'memorizer' holds {len(self._images)} images but was asked for number "
                f"{sources.max()}; adapt it to the same training set"
            )
        context.progress(1.0)
        return self._images[sources]


class NoiseGenerator:
    """Draws uniform random pixels: attacks must find nothing, and accuracy is chance."""

    def __init__(self, options: GeneratorControlOptions) -> None:
        self._image_size = options.image_size

    @property
    def image_size(self) -> int:
        """Width and height in pixels of what `generate` returns."""
        return self._image_size

    def restore(self, weights: Path) -> None:
        """Ignore the weights: noise learns nothing."""

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return (n, image_size, image_size, 3) uint8, image i from seed i alone."""
        shape = (self._image_size, self._image_size, 3)
        images = np.empty((len(request), *shape), dtype=np.uint8)
        for index, seed in enumerate(request.seeds):
            images[index] = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        context.progress(1.0)
        return images


NEVER_PRETRAINED = Pretraining(images_of={}, class_names=(), source="no weights")
MEMORIZER = GeneratorComponent(
    "memorizer",
    version="1",
    options=GeneratorControlOptions,
    load=Memorizer,
    summary="control: releases the training images themselves; use it with the adapter 'memorize'",
    pretraining=lambda _options: NEVER_PRETRAINED,
    image_size=lambda options: options.image_size,
)
NOISE = GeneratorComponent(
    "noise",
    version="1",
    options=GeneratorControlOptions,
    load=NoiseGenerator,
    summary="control: uniform random pixels; knows nothing of the data",
    pretraining=lambda _options: NEVER_PRETRAINED,
    image_size=lambda options: options.image_size,
)
