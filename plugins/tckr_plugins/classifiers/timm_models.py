"""Any timm model as a classifier, from random weights, from the hub's safetensors or from a local file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import timm
import torch

from tckr_bench.errors import OptionError, TckrError, nearest
from tckr_plugins.classifiers.hub import HUB_PREFIX, WEIGHTS_FILE, hub_id, pinned
from tckr_plugins.classifiers.options import weights_file
from tckr_plugins.classifiers.torch_classifier import Body, TorchClassifier
from tckr_plugins.classifiers.weights import read_weights, take_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_plugins.classifiers.options import TimmOptions


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
            path = weights_file(self.options.weights)
            take_up(module, read_weights(path), heads=_heads(module), path=path)
        elif not from_hub:
            return Body(module)
        return Body(module, statistics=_statistics(module))

    def _create(self, class_count: int, *, from_hub: bool) -> torch.nn.Module:
        name, overlay = self._source(from_hub=from_hub)
        known = timm.get_pretrained_cfg(name, allow_unregistered=True)
        size = {"img_size": self.image_size} if known is not None and known.fixed_input_size else {}
        try:
            module: torch.nn.Module = timm.create_model(
                name,
                pretrained=from_hub,
                pretrained_cfg_overlay=overlay,
                num_classes=class_count,
                in_chans=3,
                **size,
            )
        except (OSError, RuntimeError, ValueError) as error:
            if not (from_hub or HUB_PREFIX.match(name)):
                raise
            raise TckrError(
                f"the model '{self.options.model}' cannot be had from the hub ({error}); "
                "go online, or point the option weights to a local .safetensors file"
            ) from error
        return module

    def _source(self, *, from_hub: bool) -> tuple[str, dict[str, str] | None]:
        """Return the model's name and where its weights lie: the commit the cache holds comes before the network."""
        model = self.options.model
        if HUB_PREFIX.match(model):
            file = WEIGHTS_FILE if from_hub else "config.json"
            name = f"hf-hub:{pinned(hub_id(model) or '', file=file)}"
            return name, {"hf_hub_filename": WEIGHTS_FILE, "url": ""} if from_hub else None
        repository = hub_id(model) if from_hub else None
        if repository is None:
            return model, None
        return model, {"hf_hub_id": pinned(repository), "hf_hub_filename": WEIGHTS_FILE, "url": ""}


def load(options: TimmOptions) -> TorchClassifier:
    """Return an untrained timm classifier.

    Raises:
        OptionError: timm knows no such model.
    """
    if not HUB_PREFIX.match(options.model) and not timm.is_model(options.model):
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
