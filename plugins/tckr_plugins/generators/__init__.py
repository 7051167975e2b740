"""Built-in generators: text-to-image models through diffusers, images one already has, and two controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import GeneratorComponent, lazily
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.generators.controls import MEMORIZER, NOISE
from tckr_plugins.generators.folder import FOLDER
from tckr_plugins.generators.known_models import operations_per_image, pretraining_by_name
from tckr_plugins.generators.models import PACKAGED_MODELS, hash_folder, local_folder, part_folder, read_pretraining
from tckr_plugins.generators.options import StableDiffusionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.records import Pretraining

PACKAGED_SIZE = 32
"""Side in pixels of what the packaged models make."""


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


def _image_size(options: StableDiffusionOptions) -> int | None:
    return options.image_size or (PACKAGED_SIZE if options.model in PACKAGED_MODELS else None)


STABLE_DIFFUSION = GeneratorComponent(
    "stable-diffusion",
    version="1",
    options=StableDiffusionOptions,
    load=lazily("tckr_plugins.generators.stable_diffusion", "StableDiffusion"),
    summary="any text-to-image model in the diffusers format; by default the packaged 32x32 miniature",
    identity=_identify,
    operations=_operations,
    pretraining=_pretraining,
    image_size=_image_size,
)


@hookimpl
def register_generators(register: Callable[[GeneratorComponent], None]) -> None:
    """Register the built-in generators."""
    for component in (STABLE_DIFFUSION, MEMORIZER, NOISE, FOLDER):
        register(component)
