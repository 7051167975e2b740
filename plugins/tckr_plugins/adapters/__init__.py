"""Built-in adapters: LoRA and DoRA, full fine-tuning, new words, published weights, and two that learn nothing.

Those that train share one loop, in `training`; private LoRA has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tckr_bench.components import AdapterComponent, lazily
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.adapters.file import FILE
from tckr_plugins.adapters.options import (
    DpLoraOptions,
    FullOptions,
    LoraOptions,
    PaperLoraOptions,
    TextualInversionOptions,
)
from tckr_plugins.adapters.simple import MEMORIZE, NONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Adapter
    from tckr_plugins.adapters.options import ShareOptions

_PAPER_OPERATIONS = 0.28e12
"""Of one training step on one image: forward and backward through Stable Diffusion 2's U-Net at 224 pixels."""


def paper_operations(options: PaperLoraOptions) -> float | None:
    """Return the operations per training image, over all epochs; None where the number of steps is fixed.

    >>> paper_operations(PaperLoraOptions(epochs=2))
    560000000000.0
    """
    return None if options.steps is not None else _PAPER_OPERATIONS * options.epochs


def _trained(
    name: str,
    options: type[ShareOptions],
    load: Callable[[Any], Adapter],
    summary: str,
    operations: Callable[[Any], float | None] = lambda _options: None,
) -> AdapterComponent:
    return AdapterComponent(
        name,
        version="1",
        options=options,
        load=load,
        summary=summary,
        operations=operations,
        share=lambda given: given.sample_fraction,
    )


TRAINED = (
    _trained(
        "lora",
        LoraOptions,
        lazily("tckr_plugins.adapters.lora", "LoraAdapter"),
        "trains low-rank updates of the U-Net's attention; saved in the diffusers format",
    ),
    _trained(
        "lora-paper",
        PaperLoraOptions,
        lazily("tckr_plugins.adapters.lora", "LoraAdapter"),
        "'lora' with the hyper-parameters of the paper, for Stable Diffusion 2 at 224 pixels",
        operations=paper_operations,
    ),
    _trained(
        "dora",
        LoraOptions,
        lazily("tckr_plugins.adapters.lora", "DoraAdapter"),
        "LoRA with the magnitude of each output trained apart from its direction (Liu et al. 2024)",
    ),
    _trained(
        "dp-lora",
        DpLoraOptions,
        lazily("tckr_plugins.adapters.dp_lora", "DpLoraAdapter"),
        "LoRA by DP-SGD: proves epsilon for the weights, not for the prompts that generate nor for soft labels",
    ),
    _trained(
        "full",
        FullOptions,
        lazily("tckr_plugins.adapters.full", "FullAdapter"),
        "trains the whole U-Net, or its attention; the strongest adaptation, and the largest file",
    ),
    _trained(
        "textual-inversion",
        TextualInversionOptions,
        lazily("tckr_plugins.adapters.textual_inversion", "TextualInversionAdapter"),
        "learns a new word per class and no network (Gal et al. 2022): the smallest adaptation",
    ),
)


@hookimpl
def register_adapters(register: Callable[[AdapterComponent], None]) -> None:
    """Register the built-in adapters."""
    for component in (*TRAINED, NONE, FILE, MEMORIZE):
        register(component)
