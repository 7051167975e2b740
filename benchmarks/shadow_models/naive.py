"""Shadow models as they are usually trained: one `DataLoader` each, with PIL decoding and augmentation per image."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from tckr_plugins.classifiers.options import SmallCnnOptions
from tckr_plugins.classifiers.small_cnn import SmallCnn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms

from shadow_models.world import SIDE, STORED_SIDE, World

if TYPE_CHECKING:
    import numpy.typing as npt

PREPARE = [transforms.ToTensor(), transforms.Normalize([0.3] * 3, [0.35] * 3)]
PADDED = round(0.1 * SIDE)


class Files(Dataset[Any]):
    """Image files, already read from the disk: decoded and transformed each time they are asked for."""

    def __init__(self, files: list[bytes], labels: npt.NDArray[np.int64], *, augment: bool) -> None:
        self.files = files
        self.labels = labels
        crop = [transforms.RandomCrop(SIDE, padding=PADDED)] if augment else []
        self.transform = transforms.Compose([transforms.Resize(SIDE), *crop, *PREPARE])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(io.BytesIO(self.files[index])) as image:
            return self.transform(image.convert("RGB")), int(self.labels[index])


class NaiveShadows:
    """Trains shadow models one after another in this process."""

    def __init__(self, *, per_side: int | None, epochs: int, loaders: int, stored: int) -> None:
        self._world = World.packaged(per_side=per_side, side=STORED_SIDE)
        self._epochs = epochs
        self._loading: dict[str, Any] = {"num_workers": loaders, "persistent_workers": loaders > 0}
        files = [_encode(image, stored) for image in self._world.images]
        self._training = Files(files, self._world.labels, augment=True)
        self._challenge = Files(files, self._world.labels, augment=False)
        kept = [_encode(image, stored) for image in self._world.validation_images]
        self._validation = Files(kept, self._world.validation_labels, augment=False)

    def train(self, index: int) -> npt.NDArray[np.float32]:
        """Train shadow model `index`, keep its best epoch, and return its logits on the examples."""
        options = SmallCnnOptions()
        network = SmallCnn(class_count=10, widths=options.widths)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=options.weight_decay)
        half = Subset(self._training, np.flatnonzero(self._world.mask(index)).tolist())
        loader = DataLoader(half, batch_size=options.batch_size, shuffle=True, **self._loading)
        watched = DataLoader(self._validation, batch_size=512, **self._loading)
        best, weights = -1.0, network.state_dict()
        for _epoch in range(self._epochs):
            network.train()
            for images, labels in loader:
                optimizer.zero_grad()
                functional.cross_entropy(network(images), labels).backward()
                optimizer.step()
            accuracy = float((_logits(network, watched).argmax(1) == self._world.validation_labels).mean())
            if accuracy >= best:
                best, weights = accuracy, {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict(weights)
        return _logits(network, DataLoader(self._challenge, batch_size=512, **self._loading))


def _logits(network: torch.nn.Module, loader: DataLoader[Any]) -> npt.NDArray[np.float32]:
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(images) for images, _labels in loader]).numpy()


def _encode(image: npt.NDArray[np.uint8], side: int) -> bytes:
    """Return an image as its PNG file, or enlarged, as a JPEG file."""
    buffer = io.BytesIO()
    picture = Image.fromarray(image)
    if side > STORED_SIDE:
        picture.resize((side, side), Image.Resampling.BICUBIC).save(buffer, format="JPEG", quality=90)
    else:
        picture.convert("L").save(buffer, format="PNG")
    return buffer.getvalue()
