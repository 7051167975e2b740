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

    import numpy.typing as npt

    from tckr_bench.components import Context
    from tckr_bench.records import GenerationRequest, Images

MEMORY_FILE = "training_images.safetensors"
MEMORY_TENSOR = "images"
WINDOWS, BRIGHTNESS = (0.8, 1.0), (0.75, 1.33)
"""Between which bounds an altered image's window lies, in sides of the image, and the factor of its levels."""


class GeneratorControlOptions(Options):
    """Options of the generators that are controls."""

    image_size: int = Field(default=32, ge=1, le=4096, description="width and height in pixels")


class MemorizerOptions(GeneratorControlOptions):
    """Options of `memorizer`."""

    altered: bool = Field(default=False, description="mirror, crop and brighten each image, as its seed has it")


class Memorizer:
    """Releases the training images: no safer than the data itself, and every attack must find that out."""

    def __init__(self, options: MemorizerOptions) -> None:
        self._image_size, self._altered = options.image_size, options.altered
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
        """Return the stored image that each prompt describes, altered or not, (n, image_size, image_size, 3) uint8.

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
        if not self._altered or not len(sources):
            return self._images[sources]
        pairs = zip(sources, request.seeds, strict=True)
        return np.stack([altered(self._images[source], seed=seed) for source, seed in pairs])


def altered(image: npt.NDArray[np.uint8], *, seed: int) -> npt.NDArray[np.uint8]:
    """Return an image (height, width, 3) uint8 as an augmentation would have it, of the same shape.

    A window of 0.8 to 1 of its sides is enlarged to the whole, its levels are multiplied by 0.75 to 1.33, and one image
    in two is mirrored.

    >>> levels = altered(np.full((4, 4, 3), 100, dtype=np.uint8), seed=0)
    >>> levels.shape, len(np.unique(levels))
    ((4, 4, 3), 1)
    """
    from PIL import Image

    generator = np.random.default_rng(seed)
    height, width = image.shape[:2]
    size, (down, right) = generator.uniform(*WINDOWS), generator.uniform(size=2)
    top, left = down * (1 - size) * height, right * (1 - size) * width
    window = (left, top, left + size * width, top + size * height)
    cut = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, box=window))
    lit = np.clip(np.round(cut * generator.uniform(*BRIGHTNESS)), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(lit[:, ::-1]) if generator.random() < 0.5 else lit


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
    options=MemorizerOptions,
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
