"""Built-in adapters: none, LoRA on the U-Net's attention, and the control that stores the training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import AdapterOptions, Component, Options
from tckr_bench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Adapter
    from tckr_plugins.adapters.lora import LoraAdapter
    from tckr_plugins.adapters.simple import MemorizeAdapter, NoAdapter


class NoOptions(Options):
    """This adapter has no options."""


class LoraOptions(AdapterOptions):
    """Which low-rank weights are trained, and how."""

    rank: int = Field(default=4, ge=1, le=1024, description="rank of the update of each projection")
    alpha: float | None = Field(default=None, gt=0, description="scale of the update is alpha / rank; the rank if none")
    targets: tuple[str, ...] = Field(
        default=("to_q", "to_k", "to_v", "to_out.0"),
        min_length=1,
        description="attention projections that get one",
    )
    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, description="constant rate of AdamW; the paper uses 1e-4 for SD 2"
    )
    weight_decay: float = Field(default=1e-2, ge=0, le=1, description="weight decay of AdamW")
    epochs: int = Field(default=2, ge=1, le=10_000, description="passes over the training images")
    steps: int | None = Field(default=None, ge=1, description="optimiser steps; instead of epochs where given")
    batch_size: int = Field(default=32, ge=1, le=4096, description="images per optimiser step")
    flip: bool = Field(
        default=False,
        description="also learn mirror images; not for data where left and right matter, such as digits",
    )
    prompt_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="share of the prompts emptied, to keep guidance sound"
    )
    gradient_clip: float = Field(default=1.0, gt=0, description="largest norm of the gradient")


def load_none(_options: NoOptions) -> NoAdapter:
    """Return the adapter that leaves the generator as it is."""
    from tckr_plugins.adapters.simple import NoAdapter

    return NoAdapter()


def load_memorize(_options: NoOptions) -> MemorizeAdapter:
    """Return the adapter that stores the training images."""
    from tckr_plugins.adapters.simple import MemorizeAdapter

    return MemorizeAdapter()


def load_lora(options: LoraOptions) -> LoraAdapter:
    """Return the LoRA adapter."""
    from tckr_plugins.adapters.lora import LoraAdapter

    return LoraAdapter(options)


@hookimpl
def register_adapters(register: Callable[[Component[Adapter]], None]) -> None:
    """Register every built-in adapter."""
    register(
        Component(
            "none",
            version="1",
            options=NoOptions,
            load=load_none,
            summary="leaves the generator as it was published",
        )
    )
    register(
        Component(
            "lora",
            version="1",
            options=LoraOptions,
            load=load_lora,
            summary="trains low-rank updates of the U-Net's attention; saved in the diffusers format",
        )
    )
    register(
        Component(
            "memorize",
            version="1",
            options=NoOptions,
            load=load_memorize,
            summary="control: stores the training images, for the generator 'memorizer'",
        )
    )
