"""Adapt: fit the generator to the real training images and their prompts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Prompts, Sample
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.challenge import take_sample
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.request import PlaceT

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Adapter, Context, Generator
    from tckr_bench.stages.request import StageRequest


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset, and the prompts of the sample's images."""

    data: PlaceT
    prompts: PlaceT


@dataclass(frozen=True)
class Parameters:
    """Which images the prompts describe, and the share of them that the adapter is given, above 0 to 1."""

    sample: Sample = field(default_factory=Sample)
    share: float = 1.0


def run(request: StageRequest[Inputs[Path], Parameters], folder: Path, context: Context) -> None:
    """Write the adapter's weights, or nothing where the adapter has none."""
    registry = default_registry()
    generator: Generator = registry.load(request.components["generator"])
    adapter: Adapter = registry.load(request.components["adapter"])
    images = take_sample(read_prepared(request.inputs.data), request.parameters.sample).train.images
    prompts, share = read_prompts(request.inputs.prompts), request.parameters.share
    if share < 1:
        chosen = draw_share(prompts.labels, share, seed=derive_seed("sample fraction", request.seed))
        texts = tuple(prompts.texts[index] for index in chosen)
        images, prompts = images[chosen], Prompts(texts, prompts.labels[chosen], prompts.sources[chosen])
    adapter.adapt(generator, images, prompts, weights=folder, seed=request.seed, context=context)


def draw_share(labels: npt.NDArray[np.int64], fraction: float, *, seed: int) -> npt.NDArray[np.int64]:
    """Return the sorted indices of a share of the examples with labels (n,), drawn evenly from the classes.

    Every class gives at least one example. A smaller share of the same seed is part of a larger one.

    >>> import numpy as np
    >>> [int(draw_share(np.array([0] * 10 + [1] * 4), share, seed=0).size) for share in (0.01, 0.5, 1.0)]
    [2, 7, 14]
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    shuffled = [generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([indices[: max(1, round(fraction * len(indices)))] for indices in shuffled]))
