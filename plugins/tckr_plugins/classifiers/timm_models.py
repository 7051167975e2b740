"""Any timm model as a classifier, from random weights, from the hub's safetensors or from a local file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
import torch

from tckr_bench.errors import OptionError, TckrError, nearest
from tckr_plugins.classifiers.torch_classifier import Body, TorchClassifier
from tckr_plugins.classifiers.weights import read_weights, take_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_plugins.classifiers.options import TimmOptions

HUB_FILE = "model.safetensors"  # naming the file keeps timm from falling back to a pickled one


@dataclass(frozen=True)
class TimmArchitecture:
    """Builds a timm model with a head of its own."""

    options: TimmOptions

    @property
    def image_size(self) -> int:
        """Side in pixels the network works at."""
        return self.options.image_size

    def describe(self) -> Mapping[str, Any]:
        """Return what decides the shape of the weights and the use of the input."""
        return {"name": "timm", "model": self.options.model, "image_size": self.image_size}

    def build(self, class_count: int, *, pretrained: bool) -> Body:
        """Build the model; with `pretrained` take up the weights the options name, save for the head.

        Raises:
            TckrError: the weights cannot be fetched, or do not belong to the model.
        """
        from_hub = pretrained and self.options.pretrained
        module = self._create(class_count, from_hub=from_hub)
        if pretrained and self.options.weights:
            path = Path(self.options.weights)
            take_up(module, read_weights(path), heads=_heads(module), path=path)
        elif not from_hub:
            return Body(module)
        return Body(module, statistics=_statistics(module))

    def _create(self, class_count: int, *, from_hub: bool) -> torch.nn.Module:
        known = timm.get_pretrained_cfg(self.options.model, allow_unregistered=True)
        size = {"img_size": self.image_size} if known is not None and known.fixed_input_size else {}
        overlay = {"hf_hub_filename": HUB_FILE, "url": ""} if from_hub else None
        try:
            module: torch.nn.Module = timm.create_model(
                self.options.model,
                pretrained=from_hub,
                pretrained_cfg_overlay=overlay,
                num_classes=class_count,
                in_chans=3,
                **size,
            )
        except (OSError, RuntimeError, ValueError) as error:
            if not from_hub:
                raise
            raise TckrError(
                f"the pretrained weights of '{self.options.model}' cannot be had ({error}); "
                "go online, or point the option weights to a local .safetensors file"
            ) from error
        return module


def load(options: TimmOptions) -> TorchClassifier:
    """Return an untrained timm classifier.

    Raises:
        OptionError: timm knows no such model.
    """
    if not options.model.startswith("hf-hub:") and not timm.is_model(options.model):
        hint = nearest(options.model.split(".")[0], timm.list_models()) if timm.list_models() else ""
        raise OptionError(f"timm has no model '{options.model}'{hint}")
    return TorchClassifier(TimmArchitecture(options), options)


def _statistics(module: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean and deviation (0-255) the pretraining used."""
    config: Any = module.pretrained_cfg
    return 255 * torch.tensor(config["mean"]), 255 * torch.tensor(config["std"])


def _heads(module: torch.nn.Module) -> tuple[str, ...]:
    """Return the names of the layers that depend on the number of classes."""
    config: Any = module.pretrained_cfg
    heads = config.get("classifier") or ()
    return (heads,) if isinstance(heads, str) else tuple(heads)
