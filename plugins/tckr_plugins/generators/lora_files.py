"""Do files of low-rank weights, as diffusers, peft and kohya's scripts write them, fit a model to the last tensor?

diffusers itself only logs what it does not use, so a wrong file would silently change nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from diffusers import (
    DiffusionPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft
from safetensors import SafetensorError
from safetensors.torch import load_file

from tckr_bench.errors import first_line
from tckr_plugins.generators.models import ModelError
from tckr_plugins.generators.pipelines import denoiser_name, quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_PEFT_PREFIX = "base_model.model."
_PARTS = ("unet.", "transformer.", "text_encoder.", "text_encoder_2.", "text_encoder_3.", "lora_", "diffusion_model.")
_FACTOR = re.compile(r"(?P<layer>.+)\.(?P<kind>lora_A|lora_B|lora_magnitude_vector)(?P<bias>\.bias)?(\.weight)?")
_UNREADABLE = "dora_scale"  # kohya's name for DoRA magnitudes, which diffusers throws away


@dataclass(frozen=True)
class LoraReport:
    """How the tensors of a file of low-rank weights fit a model.

    Attributes:
        path: the file.
        tensors: how many it holds.
        unexpected: those that belong to no layer of the model's denoiser, those of text encoders included.
        mismatched: those of a layer that has other widths, each with the shapes found and needed.
    """

    path: Path
    tensors: int
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]

    @property
    def matched(self) -> int:
        """How many tensors will be used."""
        return self.tensors - len(self.unexpected) - len(self.mismatched)

    def require_fit(self) -> None:
        """Return if every tensor will be used.

        Raises:
            ModelError: one sentence that tells which will not, and why.
        """
        told = f"the LoRA file '{self.path.name}'"
        if not self.tensors:
            raise ModelError(f"{told} is empty; name another file")
        if self.mismatched:
            raise ModelError(
                f"{told} was made for another base model: {len(self.mismatched)} of its {self.tensors} tensors do not "
                f"fit, first {self.mismatched[0]}; use it with the model it was trained on"
            )
        of_text = [name for name in self.unexpected if name.startswith(("text_encoder", "lora_te"))]
        if of_text:
            raise ModelError(
                f"{told} also changes the text encoder ({len(of_text)} of its {self.tensors} tensors, first "
                f"'{of_text[0]}'), which is not supported; use one that changes the denoiser alone"
            )
        if self.unexpected:
            raise ModelError(
                f"{told} does not fit this model: {len(self.unexpected)} of its {self.tensors} tensors belong to no "
                f"layer, first '{self.unexpected[0]}'; use it with the model it was trained on"
            )


def check_lora_file(path: Path, model: DiffusionPipeline | Mapping[str, Any]) -> LoraReport:
    """Compare a file's tensors with the layers of a model, without the model's weights where a configuration is given.

    Args:
        path: a safetensors file with the layout of diffusers (old or new), peft or kohya's scripts.
        model: a pipeline, or the configuration of a U-Net, which is then built without memory for its weights.

    Raises:
        ModelError: the file cannot be read, or has an unknown layout.
    """
    if isinstance(model, DiffusionPipeline):
        kind, part = type(model), denoiser_name(model)
        network = getattr(model, part)
    else:
        kind = StableDiffusionXLPipeline if model.get("addition_embed_type") else StableDiffusionPipeline
        part, network = "unet", _empty_unet(model)
    if not hasattr(kind, "lora_state_dict"):
        raise ModelError(f"a {kind.__name__} takes no LoRA file; use another model or another adapter")
    given = _read(path)
    factors = _factors(path, given, kind, network, part=part)
    layers = {name.removesuffix(".weight"): tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    unexpected = [name for name in given if _UNREADABLE in name]
    mismatched = []
    for name, shape in factors.items():
        match = _FACTOR.fullmatch(name.removeprefix(f"{part}."))
        if not name.startswith(f"{part}.") or match is None or match["layer"] not in layers:
            unexpected.append(name)
            continue
        problem = _problem(match, shape, layers[match["layer"]], _partner(name, factors))
        if problem:
            mismatched.append(f"'{name}' {problem}")
    return LoraReport(path, len(given), tuple(unexpected), tuple(mismatched))


def renamed_tensors(path: Path, pipeline: DiffusionPipeline) -> dict[str, torch.Tensor] | None:
    """Return a file's tensors under names that diffusers understands, or None where it understands them as they are."""
    given = _read(path)
    named = _with_prefix(given, denoiser_name(pipeline))
    return None if named.keys() == given.keys() else named


def _empty_unet(configuration: Mapping[str, Any]) -> UNet2DConditionModel:
    with quiet(), torch.device("meta"):
        network: UNet2DConditionModel = UNet2DConditionModel.from_config(dict(configuration))
    return network


def _factors(
    path: Path,
    given: Mapping[str, torch.Tensor],
    kind: type[DiffusionPipeline],
    network: torch.nn.Module,
    *,
    part: str,
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a file's tensors under peft's names, `<part>.<layer>.lora_A.weight` and so on."""
    further = {"unet_config": network.config} if part == "unet" else {}
    try:
        with quiet():
            found = kind.lora_state_dict(_with_prefix(given, part), **further)
    except (ValueError, KeyError, IndexError) as error:
        raise ModelError(
            f"the LoRA file '{path.name}' has a layout that diffusers does not know ({first_line(error)}); "
            "convert it first"
        ) from error
    tensors = found[0] if isinstance(found, tuple) else found
    if "lora_A" not in next(iter(tensors), ""):
        tensors = convert_unet_state_dict_to_peft(tensors)
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _with_prefix(given: Mapping[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    """Name the part that tensors belong to where the file does not: diffusers before 0.15 and peft alone do not."""
    bare = {name.removeprefix(_PEFT_PREFIX): tensor for name, tensor in given.items()}
    if any(name.startswith(_PARTS) for name in bare):
        return bare
    return {f"{part}.{name}": tensor for name, tensor in bare.items()}


def _partner(name: str, factors: Mapping[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """Return the shape of the other factor of a layer's update."""
    other = name.replace("lora_A", "lora_B") if "lora_A" in name else name.replace("lora_B", "lora_A")
    return factors.get(other)


def _problem(
    match: re.Match[str], shape: tuple[int, ...], layer: tuple[int, ...], partner: tuple[int, ...] | None
) -> str:
    """Tell why a factor does not fit a layer (outputs, inputs, ...); "" if it does."""
    kind = "bias" if match["bias"] else match["kind"]
    if kind == "lora_A":
        needed: Iterable[int | str] = ("rank", *layer[1:])
        fits = len(shape) == len(layer) and shape[1:] == layer[1:]
    elif kind == "lora_B":
        needed = (layer[0], "rank", *(1,) * (len(layer) - 2))
        fits = len(shape) == len(layer) and shape[0] == layer[0] and set(shape[2:]) <= {1}
    else:
        needed = (layer[0],)
        fits = max(shape, default=0) == layer[0] == torch.Size(shape).numel()
    if not fits:
        return f"has shape {shape} where ({', '.join(map(str, needed))}) is needed"
    if kind in ("lora_A", "lora_B"):
        rank = shape[0] if kind == "lora_A" else shape[1]
        if partner is None:
            return "has no counterpart"
        if rank not in partner[:2]:
            return f"has rank {rank}, its counterpart another"
    return ""


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"the LoRA file '{path}' cannot be read as safetensors ({error}); name another file"
        ) from error
    return tensors
