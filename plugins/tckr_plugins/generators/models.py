"""Where the weights of a diffusers model lie, which weights they are, and what they have seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tckr_bench.datasets import fingerprint_once
from tckr_bench.errors import TckrError
from tckr_bench.records import Pretraining
from tckr_plugins.hub import is_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

MINIATURE = "miniature"
PACKAGED_MODELS: Mapping[str, Path] = {
    MINIATURE: Path(__file__).parent / "miniature",
    "mini-natural": Path(__file__).parent / "mini_natural",
}
"""Names of the models that come with the package, and their folders."""

# What an adapter may leave in its folder of weights, and `StableDiffusion.restore` takes up.
LORA_FILE = "pytorch_lora_weights.safetensors"
"""Low-rank updates of the denoiser (LoRA, or DoRA with magnitude vectors), fused into it."""
UNET_FILE = "unet.safetensors"
"""All weights of the denoiser as a flat state dict, in place of its own."""
EMBEDDINGS_FILE = "learned_embeds.safetensors"
"""Textual inversion: token -> (vectors, width) embeddings of the text encoder."""
PROMPT_TOKENS_FILE = "prompt_tokens.json"
"""Class word -> the text with tokens that replaces it in prompts before they are encoded."""

PRETRAINING_FILE = "pretraining.json"
"""In a diffusers folder: what its weights have seen, as `read_pretraining` reads it."""

_WEIGHT_SUFFIXES = frozenset({".safetensors", ".json", ".txt"})


class ModelError(TckrError):
    """A generative model is not there, or is not one that can be used."""


def local_folder(model: str) -> Path | None:
    """Return the folder of a local model, or None for a hub id.

    Raises:
        ModelError: `model` is neither a folder with a `model_index.json` nor shaped like a hub id.
    """
    folder = PACKAGED_MODELS.get(model, Path(model).expanduser())
    if (folder / "model_index.json").is_file():
        return folder
    packaged = ", ".join(f"'{name}'" for name in PACKAGED_MODELS)
    if model in PACKAGED_MODELS:
        raise ModelError(f"the packaged model '{model}' is not at '{folder}'; reinstall tckr-bench")
    if folder.is_dir() or not is_identifier(model):
        raise ModelError(
            f"no diffusers model is at '{model}': there is no model_index.json; "
            f"name a folder in the diffusers format, a hub id, or one that comes with the package ({packaged})"
        )
    return None


def part_folder(model: str, part: str) -> Path | None:
    """Return the folder of one part of a local model, or the model's own where it is that part; None for a hub id.

    Raises:
        ModelError: `model` is neither a folder with such a part nor shaped like a hub id.
    """
    folder = PACKAGED_MODELS.get(model, Path(model).expanduser())
    for candidate in (folder, folder / part):
        if (candidate / "config.json").is_file():
            return candidate
    if folder.is_dir() or not is_identifier(model):
        raise ModelError(f"no {part} in the diffusers format is at '{model}': there is no config.json")
    return None


def hash_folder(folder: Path) -> str:
    """Return a sha256 over the weights, configuration and vocabulary in a folder; notes about them do not count."""
    files = sorted(
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.suffix in _WEIGHT_SUFFIXES and path.name != PRETRAINING_FILE and path.is_file()
    )
    return fingerprint_once(folder, files)


def read_pretraining(folder: Path) -> Pretraining | None:
    """Return what a diffusers folder says of its pretraining in `pretraining.json`; None where it says nothing.

    The file holds `source` (a sentence), `known` (whether the list is complete), `classes` (all classes seen) and
    `images_of` (dataset -> the classes of its own training images that were seen).

    Raises:
        ModelError: the file is not as described.
    """
    path = folder / PRETRAINING_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Pretraining(
            images_of={_text(name): _texts(classes) for name, classes in found["images_of"].items()},
            class_names=_texts(found["classes"]),
            source=_text(found["source"]),
            known=_truth(found["known"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"'{path}' does not say what the model has seen ({error}); "
            "it needs a text 'source', a true or false 'known', a list 'classes' and an object 'images_of' of lists"
        ) from error


def _text(value: Any) -> str:  # noqa: ANN401 - read from a file
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - read from a file
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return tuple(_text(item) for item in value)


def _truth(value: Any) -> bool:  # noqa: ANN401 - read from a file
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value
