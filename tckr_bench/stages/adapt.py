"""Adapt: fit the generator to the real training images and their prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.plugins import default_registry
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.prepare import read_prepared

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.components import Adapter, Context, Generator
    from tckr_bench.stages.request import StageRequest


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Write the adapter's weights, or nothing where the adapter has none."""
    registry = default_registry()
    generator: Generator = registry.load(request.components["generator"])
    adapter: Adapter = registry.load(request.components["adapter"])
    images = read_prepared(request.input("data")).train.images
    prompts = read_prompts(request.input("prompts"))
    adapter.adapt(generator, images, prompts, weights=folder, seed=request.seed, context=context)
