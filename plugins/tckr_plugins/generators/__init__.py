"""Built-in generators: text-to-image models through diffusers, images one already has, and two controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.hookspecs import hookimpl
from tckr_bench.records import Pretraining
from tckr_plugins.generators.known_models import operations_per_image, pretraining_by_name
from tckr_plugins.generators.models import hash_folder, local_folder, part_folder, read_pretraining
from tckr_plugins.generators.options import ControlOptions, FolderOptions, StableDiffusionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Generator
    from tckr_plugins.generators.controls import Memorizer, NoiseGenerator
    from tckr_plugins.generators.folder import FolderGenerator
    from tckr_plugins.generators.stable_diffusion import StableDiffusion

__all__ = ["ControlOptions", "FolderOptions", "StableDiffusionOptions", "register_generators"]


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


def load_folder(options: FolderOptions) -> FolderGenerator:
    """Return the generator that hands out the images of a folder."""
    from tckr_plugins.generators.folder import FolderGenerator

    return FolderGenerator(options)


def _identify(options: StableDiffusionOptions) -> str:
    """Return what the weights are: a hash of local files, or the commit of a hub id; both where there are two."""
    folder = local_folder(options.model)
    identity = hash_folder(folder) if folder is not None else _commit(options.model, options.revision)
    if options.vae is None:
        return identity
    part = part_folder(options.vae, "vae")
    return f"{identity}+{_commit(options.vae, None) if part is None else hash_folder(part)}"


def _commit(model: str, revision: str | None) -> str:
    from tckr_plugins.generators.hub import commit_of

    return commit_of(model, revision)


def _operations(options: StableDiffusionOptions) -> float | None:
    return operations_per_image(
        options.model, steps=options.steps, guidance=options.guidance, image_size=options.image_size
    )


def _pretraining(options: StableDiffusionOptions) -> Pretraining | None:
    folder = local_folder(options.model)
    told = None if folder is None else read_pretraining(folder)
    return told or pretraining_by_name(options.model)


def _never_pretrained(_options: ControlOptions) -> Pretraining:
    return Pretraining(images_of={}, class_names=(), source="no weights")


def _identify_folder(options: FolderOptions) -> str:
    from tckr_plugins.generators.folder import identify

    return identify(options.path)


@hookimpl
def register_generators(register: Callable[[Component[Generator]], None]) -> None:
    """Register every built-in generator."""
    register(
        Component(
            "stable-diffusion",
            version="1",
            options=StableDiffusionOptions,
            load=load_stable_diffusion,
            summary="any text-to-image model in the diffusers format; by default the packaged 32x32 miniature",
            identity=_identify,
            operations=_operations,
            pretraining=_pretraining,
        )
    )
    register(
        Component(
            "memorizer",
            version="1",
            options=ControlOptions,
            load=load_memorizer,
            summary="control: releases the training images themselves; use it with the adapter 'memorize'",
            pretraining=_never_pretrained,
        )
    )
    register(
        Component(
            "noise",
            version="1",
            options=ControlOptions,
            load=load_noise,
            summary="control: uniform random pixels; knows nothing of the data",
            pretraining=_never_pretrained,
        )
    )
    register(
        Component(
            "folder",
            version="1",
            options=FolderOptions,
            load=load_folder,
            summary="scores synthetic images you already have: <path>/<class>/*, or parquet; with the adapter 'none'",
            identity=_identify_folder,
            argument="path",
        )
    )
