"""Captioners by image-to-text models: which one, where it lies, which weights those are, and what it costs.

No framework is imported; `image_to_text` does the work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from tckr_bench.components import CaptionerComponent, lazily
from tckr_bench.datasets import fingerprint_once
from tckr_bench.errors import OptionError, TckrError, first_line
from tckr_plugins import hub
from tckr_plugins.captioners.templates import TemplateOptions
from tckr_plugins.hub import Repository

_PATTERNS = ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
_SUFFIXES = frozenset(pattern[1:] for pattern in _PATTERNS)
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"


class CaptionModelError(TckrError):
    """An image-to-text model is not there, or is not one that can be used."""


class ImageToTextOptions(TemplateOptions):
    """Which image-to-text model captions, and how."""

    model: str = Field(default="", description="folder or hub id of a transformers model, weights as safetensors")
    revision: str | None = Field(
        default=None, description="commit, tag or branch of a hub id; none for its main branch, as cached"
    )
    question: str = Field(
        default="",
        description="text given with every image, such as 'a photo of' or 'Question: what is shown? Answer:'; only "
        "what the model adds to it is kept",
    )
    max_new_tokens: int = Field(default=20, ge=1, le=512, description="longest caption, in tokens")
    batch_size: int = Field(
        default=16, ge=1, le=1024, description="images captioned at a time; halved while memory does not suffice"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="precision of the model; auto is float16 on a GPU, as in the paper, else float32"
    )


class Blip2Options(ImageToTextOptions):
    """BLIP-2; the defaults are the paper's settings."""

    model: str = Field(default="Salesforce/blip2-opt-2.7b", description="folder or hub id of a BLIP-2 model")


class BlipOptions(ImageToTextOptions):
    """BLIP, the smaller predecessor."""

    model: str = Field(
        default="Salesforce/blip-image-captioning-large", description="folder or hub id of a BLIP captioning model"
    )


@dataclass(frozen=True)
class Anatomy:
    """What the arithmetic of a vision-language model follows from.

    Attributes:
        vision_parameters: parameters of the image encoder.
        image_tokens: patches of an image plus the class token.
        text_parameters: parameters of the language model.
        prefix_tokens: tokens the language model reads before it writes.
    """

    vision_parameters: float
    image_tokens: int
    text_parameters: float
    prefix_tokens: int


ANATOMIES = {
    "Salesforce/blip2-opt-2.7b": Anatomy(1.0e9, 257, 2.7e9, 32),
    "Salesforce/blip-image-captioning-base": Anatomy(0.086e9, 577, 0.14e9, 1),
    "Salesforce/blip-image-captioning-large": Anatomy(0.30e9, 577, 0.17e9, 1),
}
"""ViT-g/14 at 224 with OPT-2.7B; ViT-B/16 and ViT-L/16 at 384 with a BERT decoder (both model cards)."""


def operations_per_image(options: ImageToTextOptions) -> float | None:
    """Estimate the floating-point operations of one caption, or None for a model that is not known.

    A parameter costs one multiplication and one addition per token, so an image costs
    2 x vision parameters x image tokens + 2 x text parameters x (prefix tokens + new tokens). The Q-Former of BLIP-2
    (0.1 G parameters, 32 queries) and attention between tokens add about 1 % each and are left out.

    >>> round(operations_per_image(Blip2Options()) / 1e12, 2)  # 2 x 1.0 G x 257 + 2 x 2.7 G x (32 + 20)
    0.79
    """
    known = ANATOMIES.get(options.model)
    if known is None:
        return None
    seen = 2 * known.vision_parameters * known.image_tokens
    return seen + 2 * known.text_parameters * (known.prefix_tokens + options.max_new_tokens)


def local_folder(model: str) -> Path | None:
    """Return the folder of a local model, or None for a hub id.

    Raises:
        OptionError: no model is named.
        CaptionModelError: `model` is neither a folder with a `config.json` nor shaped like a hub id.
    """
    if not model:
        raise OptionError(
            "the captioner 'image-to-text' needs a model; write image-to-text:FOLDER_OR_HUB_ID or set the option model"
        )
    folder = Path(model).expanduser()
    if (folder / "config.json").is_file():
        return folder
    if folder.is_dir() or not hub.is_identifier(model):
        raise CaptionModelError(
            f"no captioning model is at '{model}': there is no config.json; name a folder that transformers saved, "
            "or a hub id"
        )
    return None


def identify(options: ImageToTextOptions) -> str:
    """Return what the weights are known by: a sha256 over a folder's files, or the commit of a hub id.

    The commit is that of the cached snapshot, which is also the one that captions. Where nothing is cached, the hub
    is asked, and without a network the identity is empty.

    Raises:
        OptionError, CaptionModelError: as `local_folder`.
    """
    folder = local_folder(options.model)
    if folder is None:
        repository = Repository(options.model, options.revision or "main")
        return hub.commit_of(repository, cached=_cached(repository))
    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    return fingerprint_once(folder, [path.relative_to(folder) for path in files])


def _cached(repository: Repository) -> Path | None:
    """Return the complete snapshot of a hub id in the local cache, if there is one."""
    folder = hub.cached_snapshot(repository)
    return folder if folder is not None and _is_complete(folder) else None


def _is_complete(folder: Path) -> bool:
    """Return whether a snapshot holds a configuration and every file of its weights."""
    if not (folder / "config.json").is_file():
        return False
    if (folder / _WEIGHTS).is_file():
        return True
    try:
        shards = set(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return all((folder / str(shard)).is_file() for shard in shards)


def fetch(options: ImageToTextOptions) -> Path:
    """Return the folder of a model: the one named, the cached snapshot of a hub id, or a new download, in this order.

    Raises:
        OptionError, CaptionModelError: there is no such model, or it is neither cached nor to be had from the hub.
    """
    model = options.model
    repository = Repository(model, options.revision or "main")
    folder = local_folder(model) or _cached(repository)
    if folder is not None:
        return folder
    try:
        folder = _download(repository)
    except (OSError, ValueError, hub.NoAnswerError) as error:
        raise CaptionModelError(
            f"the captioning model '{model}' is not in the cache and cannot be fetched ({first_line(error)}); download "
            "it while online, or name a folder"
        ) from error
    if not _is_complete(folder):
        raise CaptionModelError(
            f"the captioning model '{model}' has no safetensors weights; name a model or a revision that has them"
        )
    return folder


def _download(repository: Repository) -> Path:
    """Fetch a model at the commit the hub names: a hub that is not there is noticed before the download begins."""
    commit = hub.settle(repository)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repository.name, revision=commit, allow_patterns=_PATTERNS))


IMAGE_TO_TEXT = tuple(
    CaptionerComponent(
        name,
        version="1",
        options=options,
        load=lazily("tckr_plugins.captioners.image_to_text", "ImageToTextCaptioner"),
        summary=f"'<class name>: <caption>' by {what}",
        identity=identify,
        argument="model",
        operations=operations_per_image,
    )
    for name, options, what in (
        ("blip2", Blip2Options, "BLIP-2 (Li et al. 2023), as in the paper"),
        ("blip", BlipOptions, "BLIP (Li et al. 2022), an eighth of BLIP-2's size"),
        ("image-to-text", ImageToTextOptions, "any image-to-text model of transformers"),
    )
)
"""One implementation under three names, each with its own default model."""
