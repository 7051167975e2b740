"""Full fine-tuning of a Stable Diffusion U-Net, optionally with a moving average of its weights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

from tckr_plugins.adapters.options import FullOptions
from tckr_plugins.adapters.training import Trainable, TrainedAdapter
from tckr_plugins.generators.models import UNET_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from diffusers import StableDiffusionPipeline, UNet2DConditionModel

    from tckr_bench.records import Prompts

_PATTERNS = {"all": ("",), "attention": (".attn1.", ".attn2."), "cross-attention": (".attn2.",)}


class FullAdapter(TrainedAdapter[FullOptions]):
    """Trains the U-Net itself, or its attention; writes its whole state."""

    name = "full"

    @contextmanager
    def _prepare(
        self,
        pipeline: StableDiffusionPipeline,
        prompts: Prompts,  # noqa: ARG002 - the base class fixes the arguments
        random: torch.Generator,  # noqa: ARG002
    ) -> Iterator[Trainable]:
        unet = pipeline.unet
        patterns = _PATTERNS[self._options.parts]
        trained = [
            parameter for name, parameter in unet.named_parameters() if any(pattern in name for pattern in patterns)
        ]
        found = [parameter.detach().clone() for parameter in trained]
        average = _MovingAverage(trained, self._options.ema) if self._options.ema else None
        for parameter in trained:
            parameter.requires_grad_()

        def save(folder: Path) -> None:
            if average is not None:
                _assign(trained, average.values)
            self._save(unet, folder)

        try:
            yield Trainable(trained, save, after_step=average.update if average else lambda: None)
        finally:
            _assign(trained, found)

    def _save(self, unet: UNet2DConditionModel, folder: Path) -> None:
        dtype = getattr(torch, self._options.file_dtype)
        state = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in unet.state_dict().items()}
        save_file(state, folder / UNET_FILE)


class _MovingAverage:
    """The exponential moving average of weights: after each step, a share 1 - decay of the new ones is mixed in.

    It begins as the weights it averages, and follows them closely in the first steps: the decay is then
    (1 + steps) / (10 + steps), where that is smaller, as in TensorFlow's `ExponentialMovingAverage`.
    """

    def __init__(self, parameters: list[torch.nn.Parameter], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self._steps = 0
        self.values = [parameter.detach().clone() for parameter in parameters]

    @torch.no_grad()
    def update(self) -> None:
        """Mix the present weights in."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for value, parameter in zip(self.values, self._parameters, strict=True):
            value.lerp_(parameter, 1 - decay)


@torch.no_grad()
def _assign(parameters: list[torch.nn.Parameter], values: list[torch.Tensor]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
