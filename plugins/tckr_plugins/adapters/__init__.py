"""Built-in adapters: LoRA and DoRA, full fine-tuning, new words, published weights, and two that learn nothing.

Those that train share one loop, in `training`; private LoRA has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.adapters.options import (
    DpLoraOptions,
    FileOptions,
    FullOptions,
    LoraOptions,
    NoOptions,
    PaperLoraOptions,
    TextualInversionOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Adapter
    from tckr_plugins.adapters.dp_lora import DpLoraAdapter
    from tckr_plugins.adapters.file import FileAdapter
    from tckr_plugins.adapters.full import FullAdapter
    from tckr_plugins.adapters.lora import DoraAdapter, LoraAdapter
    from tckr_plugins.adapters.simple import MemorizeAdapter, NoAdapter
    from tckr_plugins.adapters.textual_inversion import TextualInversionAdapter

_PAPER_OPERATIONS = 0.28e12
"""Of one training step on one image: forward and backward through Stable Diffusion 2's U-Net at 224 pixels."""


def load_none(_options: NoOptions) -> NoAdapter:
    """Return the adapter that leaves the generator as it is."""
    from tckr_plugins.adapters.simple import NoAdapter

    return NoAdapter()


def load_memorize(_options: NoOptions) -> MemorizeAdapter:
    """Return the adapter that stores the training images."""
    from tckr_plugins.adapters.simple import MemorizeAdapter

    return MemorizeAdapter()


def load_file(options: FileOptions) -> FileAdapter:
    """Return the adapter that takes published weights over."""
    from tckr_plugins.adapters.file import FileAdapter

    return FileAdapter(options)


def load_lora(options: LoraOptions) -> LoraAdapter:
    """Return the LoRA adapter."""
    from tckr_plugins.adapters.lora import LoraAdapter

    return LoraAdapter(options)


def load_dora(options: LoraOptions) -> DoraAdapter:
    """Return the DoRA adapter."""
    from tckr_plugins.adapters.lora import DoraAdapter

    return DoraAdapter(options)


def load_dp_lora(options: DpLoraOptions) -> DpLoraAdapter:
    """Return the LoRA adapter that trains with differential privacy."""
    from tckr_plugins.adapters.dp_lora import DpLoraAdapter

    return DpLoraAdapter(options)


def load_full(options: FullOptions) -> FullAdapter:
    """Return the adapter that trains the U-Net itself."""
    from tckr_plugins.adapters.full import FullAdapter

    return FullAdapter(options)


def load_textual_inversion(options: TextualInversionOptions) -> TextualInversionAdapter:
    """Return the adapter that learns new words."""
    from tckr_plugins.adapters.textual_inversion import TextualInversionAdapter

    return TextualInversionAdapter(options)


def _identify_file(options: FileOptions) -> str:
    from tckr_plugins.adapters.file import identify

    return identify(options)


def paper_operations(options: PaperLoraOptions) -> float | None:
    """Return the operations per training image, over all epochs; None where the number of steps is fixed.

    >>> paper_operations(PaperLoraOptions(epochs=2))
    560000000000.0
    """
    return None if options.steps is not None else _PAPER_OPERATIONS * options.epochs


@hookimpl
def register_adapters(register: Callable[[Component[Adapter]], None]) -> None:
    """Register every built-in adapter."""
    for component in (*_TRAINED, *_UNTRAINED):
        register(component)


_TRAINED: tuple[Component[Adapter], ...] = (
    Component(
        "lora",
        version="1",
        options=LoraOptions,
        load=load_lora,
        summary="trains low-rank updates of the U-Net's attention; saved in the diffusers format",
    ),
    Component(
        "lora-paper",
        version="1",
        options=PaperLoraOptions,
        load=load_lora,
        summary="'lora' with the hyper-parameters of the paper, for Stable Diffusion 2 at 224 pixels",
        operations=paper_operations,
    ),
    Component(
        "dora",
        version="1",
        options=LoraOptions,
        load=load_dora,
        summary="LoRA with the magnitude of each output trained apart from its direction (Liu et al. 2024)",
    ),
    Component(
        "dp-lora",
        version="1",
        options=DpLoraOptions,
        load=load_dp_lora,
        summary="LoRA by DP-SGD: proves epsilon for the weights, not for the prompts that generate nor for soft labels",
    ),
    Component(
        "full",
        version="1",
        options=FullOptions,
        load=load_full,
        summary="trains the whole U-Net, or its attention; the strongest adaptation, and the largest file",
    ),
    Component(
        "textual-inversion",
        version="1",
        options=TextualInversionOptions,
        load=load_textual_inversion,
        summary="learns a new word per class and no network (Gal et al. 2022): the smallest adaptation",
    ),
)

_UNTRAINED: tuple[Component[Adapter], ...] = (
    Component(
        "none",
        version="1",
        options=NoOptions,
        load=load_none,
        summary="leaves the generator as it was published",
    ),
    Component(
        "file",
        version="1",
        options=FileOptions,
        load=load_file,
        summary="published LoRA weights from a safetensors file, such as file:lora.safetensors; looks at no image",
        identity=_identify_file,
        argument="path",
    ),
    Component(
        "memorize",
        version="1",
        options=NoOptions,
        load=load_memorize,
        summary="control: stores the training images, for the generator 'memorizer'",
    ),
)
