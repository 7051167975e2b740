"""What an adapter left in its folder, put into a pipeline."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file

from tckr_plugins.generators.lora_files import check_lora_file, renamed_tensors
from tckr_plugins.generators.models import (
    EMBEDDINGS_FILE,
    LORA_FILE,
    PROMPT_TOKENS_FILE,
    UNET_FILE,
    ModelError,
)
from tckr_plugins.generators.pipelines import denoiser_name, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from diffusers import DiffusionPipeline


@dataclass(frozen=True)
class AdaptedWeights:
    """The files of an adapter's folder that a generator takes up; None for those that are not there.

    `prompt_tokens` maps class words to the text that replaces them in prompts.
    """

    lora: Path | None = None
    unet: Path | None = None
    embeddings: Path | None = None
    prompt_tokens: Mapping[str, str] = field(default_factory=dict)

    def rewrite(self, prompt: str) -> str:
        """Replace the class words of a prompt, whole words only, the longest first; tokens that stand there stay.

        >>> weights = AdaptedWeights(prompt_tokens={"cat": "<cat>", "wild cat": "<wild>"})
        >>> weights.rewrite("wild cat: a cat, a catfish, <cat>")
        '<wild>: a <cat>, a catfish, <cat>'
        """
        if not self.prompt_tokens:
            return prompt
        words = sorted({*self.prompt_tokens, *self.prompt_tokens.values()}, key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words)
        return re.sub(pattern, lambda match: self.prompt_tokens.get(match.group(), match.group()), prompt)


def find_weights(folder: Path) -> AdaptedWeights:
    """Return which files a folder of weights holds; an empty folder means none.

    Raises:
        ModelError: the prompt tokens are not an object of texts.
    """

    def present(name: str) -> Path | None:
        return folder / name if (folder / name).is_file() else None

    return AdaptedWeights(
        lora=present(LORA_FILE),
        unet=present(UNET_FILE),
        embeddings=present(EMBEDDINGS_FILE),
        prompt_tokens=_read_prompt_tokens(present(PROMPT_TOKENS_FILE)),
    )


def apply_weights(weights: AdaptedWeights, pipeline: DiffusionPipeline) -> None:
    """Put adapted weights into a pipeline: first a whole denoiser, then low-rank updates, then embeddings.

    Raises:
        ModelError: a file is damaged, or does not fit the pipeline to its last tensor.
    """
    with quiet():
        if weights.unet is not None:
            _replace_denoiser(pipeline, weights.unet)
        if weights.lora is not None:
            _fuse_lora(pipeline, weights.lora)
        if weights.embeddings is not None:
            _add_embeddings(pipeline, weights.embeddings)


def _replace_denoiser(pipeline: DiffusionPipeline, path: Path) -> None:
    network = getattr(pipeline, denoiser_name(pipeline))
    state, own = _read(path), network.state_dict()
    wrong = sorted(set(state) ^ set(own)) or sorted(name for name in own if own[name].shape != state[name].shape)
    if wrong:
        raise ModelError(
            f"'{path}' does not hold the weights of this model's denoiser: {len(wrong)} tensors differ, first "
            f"'{wrong[0]}'; use it with the model it was trained from"
        )
    network.load_state_dict(state)


def _fuse_lora(pipeline: DiffusionPipeline, path: Path) -> None:
    check_lora_file(path, pipeline).require_fit()
    renamed = renamed_tensors(path, pipeline)
    if renamed is None:  # by path, as the scale of the update may stand in the file's header
        pipeline.load_lora_weights(path.parent, weight_name=path.name, use_safetensors=True)
    else:
        pipeline.load_lora_weights(renamed)
    pipeline.fuse_lora(components=[denoiser_name(pipeline)])
    pipeline.unload_lora_weights()


def _add_embeddings(pipeline: DiffusionPipeline, path: Path) -> None:
    if not hasattr(pipeline, "load_textual_inversion"):
        raise ModelError(
            f"a {type(pipeline).__name__} cannot take up the learned tokens of '{path}'; use another model"
        )
    width = pipeline.text_encoder.get_input_embeddings().weight.shape[1]
    known = pipeline.tokenizer.get_vocab()
    for token, vectors in sorted(_read(path).items()):
        if vectors.ndim != 2 or vectors.shape[1] != width:
            raise ModelError(
                f"the token '{token}' of '{path}' has shape {tuple(vectors.shape)}, but this model's text encoder "
                f"needs (vectors, {width}); use it with the model it was trained on"
            )
        if token in known:
            raise ModelError(f"the token '{token}' of '{path}' is already a word of this model; give it another name")
        pipeline.load_textual_inversion({token: vectors})


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"'{path}' cannot be read as safetensors ({error}); adapt again") from error
    return tensors


def _read_prompt_tokens(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"'{path}' is not JSON ({error}); adapt again") from error
    if not isinstance(found, dict) or not all(word and isinstance(text, str) for word, text in found.items()):
        raise ModelError(f"'{path}' is not an object that maps class words to texts; adapt again")
    return found
