"""Built-in generators: Stable Diffusion through diffusers, and two controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import Component, Options
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.generators.models import MINIATURE, hash_folder, local_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Generator
    from tckr_plugins.generators.controls import Memorizer, NoiseGenerator
    from tckr_plugins.generators.stable_diffusion import StableDiffusion


class StableDiffusionOptions(Options):
    """Which Stable Diffusion, and how it samples."""

    model: str = Field(
        default=MINIATURE,
        min_length=1,
        description="'miniature' (packaged, 32x32), the path of a diffusers folder, or a hub id",
    )
    revision: str | None = Field(
        default=None, description="commit, tag or branch of a hub id; pin it for a run to keep"
    )
    steps: int = Field(default=10, ge=1, le=1000, description="denoising steps per image")
    guidance: float = Field(default=2.0, ge=0.0, le=50.0, description="classifier-free guidance; 1 and below is none")
    batch_size: int = Field(default=64, ge=1, le=4096, description="images made at once; changes speed and memory only")
    image_size: int | None = Field(
        default=None,
        ge=8,
        le=4096,
        multiple_of=8,
        description="width and height in pixels; the model's own if none",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="precision of the networks; auto is float16 on a GPU, bfloat16 on a CPU that computes it "
        "natively, else float32",
    )
    scheduler: str | None = Field(
        default=None, description="diffusers scheduler class, such as DDIMScheduler; the model's own if none"
    )


class ControlOptions(Options):
    """Options of the generators that are controls."""

    image_size: int = Field(default=32, ge=1, le=4096, description="width and height in pixels")


def load_stable_diffusion(options: StableDiffusionOptions) -> StableDiffusion:
    """Return Stable Diffusion; its weights are read when they are first needed."""
    from tckr_plugins.generators.stable_diffusion import StableDiffusion

    return StableDiffusion(options)


def load_memorizer(options: ControlOptions) -> Memorizer:
    """Return the control that releases its training images."""
    from tckr_plugins.generators.controls import Memorizer

    return Memorizer(options)


def load_noise(options: ControlOptions) -> NoiseGenerator:
    """Return the control that knows nothing."""
    from tckr_plugins.generators.controls import NoiseGenerator

    return NoiseGenerator(options)


def _identify(options: StableDiffusionOptions) -> str:
    folder = local_folder(options.model)
    return "" if folder is None else hash_folder(folder)


@hookimpl
def register_generators(register: Callable[[Component[Generator]], None]) -> None:
    """Register every built-in generator."""
    register(
        Component(
            "stable-diffusion",
            version="1",
            options=StableDiffusionOptions,
            load=load_stable_diffusion,
            summary="any Stable Diffusion in the diffusers format; by default the packaged 32x32 miniature",
            identity=_identify,
        )
    )
    register(
        Component(
            "memorizer",
            version="1",
            options=ControlOptions,
            load=load_memorizer,
            summary="control: releases the training images themselves; use it with the adapter 'memorize'",
        )
    )
    register(
        Component(
            "noise",
            version="1",
            options=ControlOptions,
            load=load_noise,
            summary="control: uniform random pixels; knows nothing of the data",
        )
    )
