"""The classifier Protocol on top of any torch network: fit, predict, save and restore."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from tckr_bench.errors import TckrError
from tckr_plugins.classifiers.network import ImageNetwork, predict
from tckr_plugins.classifiers.training import channel_statistics, train

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from tckr_bench.components import Context
    from tckr_bench.records import Logits, TrainingData, TrainingHistory
    from tckr_plugins.classifiers.options import TrainingOptions

FORMAT = 1
WEIGHTS_FILE = "model.safetensors"
DESCRIPTION_FILE = "classifier.json"


@dataclass(frozen=True)
class Body:
    """A network from normalised images (n, 3, h, w) to logits.

    `statistics` are the mean and deviation (0-255) of its pretraining, None to use the training images' own.
    """

    module: torch.nn.Module
    statistics: tuple[torch.Tensor, torch.Tensor] | None = None


class Architecture(Protocol):
    """Builds the network of a classifier."""

    @property
    def image_size(self) -> int:
        """Side in pixels the network works at."""

    def describe(self) -> Mapping[str, Any]:
        """Return, as JSON values, everything that decides the shape of the weights."""

    def build(self, class_count: int, *, pretrained: bool) -> Body:
        """Build the network, drawing from torch's random state; `pretrained` loads what the options name."""


class NetworkClassifier(ABC):
    """A classifier made of an architecture and a way to train it; its logits are released at a temperature."""

    def __init__(self, architecture: Architecture, *, temperature: float) -> None:
        self._architecture = architecture
        self._temperature = temperature
        self._network: ImageNetwork | None = None
        self._class_count = 0

    @abstractmethod
    def _statistics(self, body: Body, data: TrainingData) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation of each input channel, (3,) each, in 0-255."""

    @abstractmethod
    def _train(self, network: ImageNetwork, data: TrainingData, *, seed: int, context: Context) -> TrainingHistory:
        """Train a network in place from a seed of its own."""

    def fit(self, data: TrainingData, *, seed: int, context: Context) -> TrainingHistory:
        """Train from the given seed alone; torch's global random state is left as it was.

        Raises:
            TckrError: no training images, diverged training, or pretrained weights that cannot be had.
        """
        initial_seed, order_seed = (int(word) for word in np.random.SeedSequence(seed).generate_state(2))
        device = torch.device(context.device)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(initial_seed)  # initial weights, and dropout where a network has it
            self._class_count = len(data.class_names)
            body = self._architecture.build(self._class_count, pretrained=True)
            self._network = self._wrap(body, self._statistics(body, data), context.device)
            return self._train(self._network, data, seed=order_seed, context=context)

    def predict(self, images: npt.NDArray[Any], *, context: Context) -> Logits:
        """Return logits (n, classes), divided by the temperature, for images (n, h, w, 3) in 0-255."""
        assert self._network is not None, "fit or restore before predict"
        logits = predict(self._network.to(context.device), images, device=context.device)
        return logits / np.float32(self._temperature)

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `classifier.json`."""
        from safetensors.torch import save_file

        assert self._network is not None, "fit or restore before save"
        weights = {name: value.cpu().contiguous() for name, value in self._network.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / WEIGHTS_FILE)
        text = json.dumps(self._description(self._class_count), indent=2, sort_keys=True)
        (folder / DESCRIPTION_FILE).write_text(text + "\n", encoding="utf-8")

    def restore(self, folder: Path, *, context: Context) -> None:
        """Read what `save` wrote; predictions are the same to the bit on the same device.

        Raises:
            TckrError: the folder holds no classifier, or one of another architecture.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        class_count = self._read_class_count(folder)
        try:
            weights = load_file(folder / WEIGHTS_FILE)
        except (OSError, SafetensorError) as error:
            raise TckrError(f"cannot read {folder / WEIGHTS_FILE} ({error}); train the classifier again") from error
        with torch.random.fork_rng(devices=[]):
            body = self._architecture.build(class_count, pretrained=False)
        network = self._wrap(body, (torch.zeros(3), torch.ones(3)), context.device)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise TckrError(
                f"the weights in {folder} do not fit the classifier they name; train the classifier again"
            ) from error
        self._network, self._class_count = network.eval(), class_count

    def _wrap(self, body: Body, statistics: tuple[torch.Tensor, torch.Tensor], device: str) -> ImageNetwork:
        mean, deviation = statistics
        network = ImageNetwork(body.module, image_size=self._architecture.image_size, mean=mean, deviation=deviation)
        return network.to(device).to(memory_format=torch.channels_last)

    def _description(self, class_count: int) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "architecture": dict(self._architecture.describe()),
            "class_count": class_count,
        }

    def _read_class_count(self, folder: Path) -> int:
        """Read `classifier.json` and check that it describes this architecture."""
        path = folder / DESCRIPTION_FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TckrError(f"cannot read {path} ({error}); train the classifier again") from error
        class_count = found.get("class_count") if isinstance(found, dict) else None
        if not isinstance(class_count, int) or found != self._description(class_count):
            raise TckrError(
                f"{path} describes another classifier than the options do (found {found}); "
                "restore it with the options it was trained with"
            )
        return class_count


class TorchClassifier(NetworkClassifier):
    """A classifier made of an architecture and the shared training loop."""

    def __init__(self, architecture: Architecture, options: TrainingOptions) -> None:
        super().__init__(architecture, temperature=options.temperature)
        self._options = options

    def _statistics(self, body: Body, data: TrainingData) -> tuple[torch.Tensor, torch.Tensor]:
        known = body.statistics if self._options.normalisation == "pretraining" else None
        return known or channel_statistics(data.training.images)

    def _train(self, network: ImageNetwork, data: TrainingData, *, seed: int, context: Context) -> TrainingHistory:
        return train(network, data, options=self._options, seed=seed, context=context)
