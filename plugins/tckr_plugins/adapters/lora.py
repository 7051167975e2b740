"""Low-rank updates of a Stable Diffusion U-Net's attention (LoRA, Hu et al. 2022, arXiv 2106.09685).

With a magnitude per output beside each update it is DoRA (Liu et al. 2024, arXiv 2402.09353).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from tckr_bench.errors import TckrError
from tckr_plugins.adapters.options import LoraOptions, LowRankOptions
from tckr_plugins.adapters.training import Trainable, TrainedAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from diffusers import UNet2DConditionModel

    from tckr_bench.records import Prompts

_ADAPTER = "default"


class LoraAdapter(TrainedAdapter[LoraOptions]):
    """Trains low-rank updates; writes `pytorch_lora_weights.safetensors`, as diffusers saves and loads it."""

    name = "lora"
    _magnitudes = False

    def _prepare(
        self,
        pipeline: StableDiffusionPipeline,
        prompts: Prompts,  # noqa: ARG002 - the base class fixes the arguments
        random: torch.Generator,
    ) -> AbstractContextManager[Trainable]:
        return low_rank_updates(
            pipeline.unet, self._options, random=random, adapter=self.name, magnitudes=self._magnitudes
        )


class DoraAdapter(LoraAdapter):
    """Trains low-rank updates of the directions, and magnitudes beside them, of the same projections."""

    name = "dora"
    _magnitudes = True


@contextmanager
def low_rank_updates(
    unet: UNet2DConditionModel,
    options: LowRankOptions,
    *,
    random: torch.Generator,
    adapter: str,
    magnitudes: bool = False,
) -> Iterator[Trainable]:
    """Put trainable low-rank updates into a U-Net; take them out on leaving.

    Raises:
        TckrError: the U-Net has no projection of the names that the options give.
    """
    _insert(unet, options, random=random, adapter=adapter, magnitudes=magnitudes)
    try:
        yield Trainable(
            parameters=[parameter for parameter in unet.parameters() if parameter.requires_grad],
            save=lambda folder: _save(unet, options, folder),
        )
    finally:
        unet.unload_lora()


def _insert(
    unet: UNet2DConditionModel, options: LowRankOptions, *, random: torch.Generator, adapter: str, magnitudes: bool
) -> None:
    """Add trainable low-rank weights, drawn from `random` and not from the process's own state."""
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.rank if options.alpha is None else options.alpha,
        target_modules=list(options.targets),
        use_dora=magnitudes,
    )
    try:
        with torch.random.fork_rng(devices=[]):
            unet.add_adapter(config, _ADAPTER)
    except ValueError as error:
        unet._hf_peft_config_loaded = False  # diffusers believes it is, and would refuse the next adapter
        raise TckrError(
            f"no projection of the generator bears one of the names {', '.join(options.targets)}; "
            f"set the option 'targets' of the adapter '{adapter}'"
        ) from error
    for name, parameter in unet.named_parameters():
        if "lora_A" in name:
            parameter.data = _draw(parameter.shape, random).to(parameter.device)
        elif "lora_B" in name:
            parameter.data = torch.zeros_like(parameter, dtype=torch.float32)


def _save(unet: UNet2DConditionModel, options: LowRankOptions, folder: Path) -> None:
    scale = 1.0 if options.alpha is None else options.alpha / options.rank
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet, adapter_name=_ADAPTER))
    # The file holds no alpha: readers take it to be the rank, so the scale goes into one of the factors.
    scaled = {
        name: (tensor * scale if "lora_B" in name or "lora.up" in name else tensor).detach().cpu().contiguous()
        for name, tensor in sorted(state.items())
    }
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=scaled, safe_serialization=True)


def _draw(shape: torch.Size, random: torch.Generator) -> torch.Tensor:
    """Return the first factor as LoRA initialises it: uniform within 1 / sqrt(inputs)."""
    bound = 1 / math.sqrt(shape[1])
    return (torch.rand(shape, generator=random) * 2 - 1) * bound
