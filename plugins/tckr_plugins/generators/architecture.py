"""Pipelines of a published architecture with random weights, for benchmarks and tests at true size."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from tckr_plugins.generators.pipelines import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIGURATIONS = Path(__file__).parent / "configurations"
STABLE_DIFFUSION_2 = CONFIGURATIONS / "stable-diffusion-2"


def random_pipeline(
    configuration: Path = STABLE_DIFFUSION_2, *, dtype: torch.dtype, device: str = "cpu", seed: int = 0
) -> StableDiffusionPipeline:
    """Build a Stable Diffusion pipeline from its configuration files, with random weights and a byte tokenizer.

    Args:
        configuration: a diffusers folder; weights and vocabulary are not needed.
        dtype: of the weights, which are never held in another precision.
        device: where they are drawn.
        seed: of the weights.
    """
    random = torch.Generator(device).manual_seed(seed)

    def build(kind: Callable[[], torch.nn.Module]) -> Any:  # noqa: ANN401 - diffusers and transformers share no type
        return _fill(kind, dtype=dtype, device=device, random=random)

    with quiet():
        pipeline = StableDiffusionPipeline(
            vae=build(lambda: AutoencoderKL.from_config(_read(configuration, "vae"))),
            text_encoder=build(lambda: CLIPTextModel(CLIPTextConfig(**_read(configuration, "text_encoder")))),
            tokenizer=byte_tokenizer(_read(configuration, "tokenizer", "tokenizer_config.json")["model_max_length"]),
            unet=build(lambda: UNet2DConditionModel.from_config(_read(configuration, "unet"))),
            scheduler=DDIMScheduler.from_config(_read(configuration, "scheduler", "scheduler_config.json")),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def random_unet(
    configuration: Path = STABLE_DIFFUSION_2, *, dtype: torch.dtype, device: str = "cpu", seed: int = 0
) -> UNet2DConditionModel:
    """Build the U-Net of a configuration with random weights."""
    random = torch.Generator(device).manual_seed(seed)
    with quiet():
        network: UNet2DConditionModel = _fill(
            lambda: UNet2DConditionModel.from_config(_read(configuration, "unet")),
            dtype=dtype,
            device=device,
            random=random,
        )
    return network


def byte_tokenizer(length: int) -> CLIPTokenizer:
    """Return a CLIP tokenizer of single bytes, 514 tokens: the published vocabulary is not at hand."""
    alphabet = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    words = [*alphabet, *(f"{letter}</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
        Path(folder, "merges.txt").write_text("#version: 0.2\n")
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=length)
    return tokenizer


def _fill(
    kind: Callable[[], torch.nn.Module], *, dtype: torch.dtype, device: str, random: torch.Generator
) -> torch.nn.Module:
    """Build a network without memory, then draw its weights in place, so that they are held once."""
    with torch.device("meta"):
        shapes = kind()
    network = shapes.to(dtype).to_empty(device=device)
    with torch.no_grad():
        for module in network.modules():
            for name, weight in module.named_parameters(recurse=False):
                _draw(weight, name, module, random)
    _reset_buffers(network)
    return network.eval()


def _draw(weight: torch.nn.Parameter, name: str, module: torch.nn.Module, random: torch.Generator) -> None:
    """Draw weights that keep the size of what passes through them; norms begin as the identity."""
    if name == "bias":
        weight.zero_()
    elif isinstance(module, torch.nn.LayerNorm | torch.nn.GroupNorm):
        weight.fill_(1.0)
    else:
        bound = math.sqrt(3 / max(1, weight[0].numel())) if weight.ndim > 1 else 0.1
        weight.uniform_(-bound, bound, generator=random)


def _reset_buffers(network: torch.nn.Module) -> None:
    """Give the positions of a text encoder their values, the only buffers there are."""
    for name, buffer in network.named_buffers():
        assert name.endswith("position_ids"), f"the buffer '{name}' has no known value"
        buffer.copy_(torch.arange(buffer.shape[-1]).expand_as(buffer))


def _read(configuration: Path, part: str, name: str = "config.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((configuration / part / name).read_text(encoding="utf-8"))
    return found
