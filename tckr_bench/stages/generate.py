"""Generate: one chunk of the endless, class-balanced sequence of synthetic images of a method.

Sample i of the sequence has its class, its prompt and its seed whatever the cardinality, so every cardinality is a
prefix of the largest, and a chunk is made once however many cells read it.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, cast

from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import ComponentUse, GenerationRequest, LabelledImages, Prompts
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.caption import read_class_names, read_prompts
from tckr_bench.stages.chunks import ImageChunks, map_images
from tckr_bench.stages.request import PlaceT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Context, Generator
    from tckr_bench.records import Images
    from tckr_bench.stages.request import StageRequest

IMAGES_FILE = "images.safetensors"
LARGEST_IN_MEMORY = 4 * 2**30
"""Bytes of synthetic images that are read into memory at once; larger sets are read as they are used."""


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prompts of the real images, and the weights an adapter fitted to both."""

    prompts: PlaceT
    weights: PlaceT


@dataclass(frozen=True)
class Parameters:
    """The chunk: samples `start` to `stop` (exclusive) of the sequence."""

    start: int
    stop: int


def run(request: StageRequest[Inputs[Path], Parameters], folder: Path, context: Context) -> None:
    """Generate the chunk and write images, labels and the index of the real image behind each prompt."""
    inputs, parameters = request.inputs, request.parameters
    asked = plan_samples(
        read_prompts(inputs.prompts),
        start=parameters.start,
        stop=parameters.stop,
        seed=request.seed,
        class_names=read_class_names(inputs.prompts),
    )
    generator = _load_generator(request.components["generator"], inputs.weights)
    images = generator.generate(asked, context=context)
    if images.shape[0] != len(asked) or str(images.dtype) != "uint8":
        raise TypeError(f"the generator returned {images.shape} {images.dtype} for {len(asked)} prompts")
    arrays: dict[str, npt.NDArray[Any]] = {
        "images": images,
        "labels": asked.prompts.labels,
        "sources": asked.prompts.sources,
    }
    write_arrays(folder / IMAGES_FILE, arrays)


def plan_samples(
    prompts: Prompts, *, start: int, stop: int, seed: int, class_names: tuple[str, ...] = ()
) -> GenerationRequest:
    """Return samples `start` to `stop` of the sequence.

    The sequence runs in rounds; each round has every class once, in an order of its own, so that any prefix is
    balanced to within one image per class. A class takes its prompts in a shuffled order and starts again when
    they are used up, with new seeds (the paper cycles its captions in the same way).
    """
    import numpy as np

    by_class = _shuffled_by_class(prompts.labels, seed=seed)
    classes = sorted(by_class)
    sources = np.empty(stop - start, dtype=np.int64)
    for position, index in enumerate(range(start, stop)):
        cycle, place = divmod(index, len(classes))
        label = classes[_round_order(len(classes), cycle, seed)[place]]
        sources[position] = by_class[label][cycle % len(by_class[label])]
    texts = tuple(prompts.texts[source] for source in sources)
    seeds = tuple(derive_seed("sample", seed, index) for index in range(start, stop))
    ranks = tuple(index // len(classes) for index in range(start, stop))
    return GenerationRequest(Prompts(texts, prompts.labels[sources], sources), seeds, ranks, class_names)


def read_generated(
    folders: Sequence[Path], *, count: int | None = None, memory: int = LARGEST_IN_MEMORY
) -> tuple[LabelledImages, npt.NDArray[np.int64]]:
    """Read the first `count` samples (None: all) of consecutive chunks, and the real image behind each prompt.

    Images of more than `memory` bytes stay on disk: they come as `ImageChunks`, which reads the rows it is asked for.
    """
    import numpy as np

    paths = [folder / IMAGES_FILE for folder in folders]
    named = [read_arrays(path, names=("labels", "sources")) for path in paths]
    labels = np.concatenate([chunk["labels"] for chunk in named])[:count]
    sources = np.concatenate([chunk["sources"] for chunk in named])[:count]
    assert count is None or len(labels) == count, "the chunks hold the samples asked for"
    images = ImageChunks(_first([map_images(path, "images") for path in paths], len(labels)))
    held = images if images.nbytes > memory else images[:]
    return LabelledImages(cast("Images", held), labels), sources


def _first(chunks: Sequence[npt.NDArray[np.uint8]], count: int) -> list[npt.NDArray[np.uint8]]:
    """Cut consecutive chunks off after `count` rows."""
    starts = [0, *itertools.accumulate(map(len, chunks))]
    return [chunk[: max(0, count - start)] for start, chunk in zip(starts, chunks, strict=False)]


def _shuffled_by_class(labels: npt.NDArray[np.int64], *, seed: int) -> dict[int, npt.NDArray[np.int64]]:
    import numpy as np

    shuffled = {}
    for label in np.unique(labels):
        generator = np.random.default_rng(derive_seed("class order", seed, int(label)))
        shuffled[int(label)] = generator.permutation(np.flatnonzero(labels == label))
    return shuffled


@functools.lru_cache(maxsize=256)
def _round_order(classes: int, cycle: int, seed: int) -> tuple[int, ...]:
    import numpy as np

    return tuple(np.random.default_rng(derive_seed("round", seed, cycle)).permutation(classes).tolist())


_loaded: dict[tuple[str, str], Generator] = {}


def _load_generator(use: ComponentUse, weights: Path) -> Generator:
    """Load a generator with its weights, keeping the last one: the next chunk usually wants the same."""
    key = (repr(use), str(weights))
    if key not in _loaded:
        _loaded.clear()
        generator: Generator = default_registry().load(use)
        generator.restore(weights)
        _loaded[key] = generator
    return _loaded[key]
