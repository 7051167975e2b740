"""Adapters that train nothing."""
# ruff: noqa: ARG002 - the Protocol fixes the arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import AdapterComponent, NoOptions

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.components import Context, Generator
    from tckr_bench.records import Images, Prompts


class NoAdapter:
    """Writes nothing: the generator stays as it was published."""

    def adapt(
        self,
        generator: Generator,
        images: Images,
        prompts: Prompts,
        *,
        weights: Path,
        seed: int,
        context: Context,
    ) -> None:
        """Leave the folder `weights` empty."""
        context.progress(1.0)


class MemorizeAdapter:
    """Writes the training set itself: the worst any adaptation could release."""

    def adapt(
        self,
        generator: Generator,
        images: Images,
        prompts: Prompts,
        *,
        weights: Path,
        seed: int,
        context: Context,
    ) -> None:
        """Write the images (n, h, w, 3) uint8, in order, as safetensors."""
        import numpy as np
        from safetensors.numpy import save_file

        from tckr_plugins.generators.controls import MEMORY_FILE, MEMORY_TENSOR

        weights.mkdir(parents=True, exist_ok=True)
        save_file({MEMORY_TENSOR: np.ascontiguousarray(images)}, weights / MEMORY_FILE)
        context.progress(1.0)


NONE = AdapterComponent(
    "none",
    version="1",
    options=NoOptions,
    load=lambda _options: NoAdapter(),
    summary="leaves the generator as it was published",
)
MEMORIZE = AdapterComponent(
    "memorize",
    version="1",
    options=NoOptions,
    load=lambda _options: MemorizeAdapter(),
    summary="control: stores the training images, for the generator 'memorizer'",
)
