"""Compare the shared training loop with the naive way, in one run on one thread.

The naive way is the usual one: a `Dataset` that decodes each image and runs PIL transforms on it in every epoch,
behind a `DataLoader`. Network, optimiser and batch size are the same. Rounds alternate, so that a busy minute of the
machine hits both; the medians are printed.

    python benchmarks/classifier_training.py --images 2000 --rounds 5
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from tckr_plugins.classifiers import small_cnn
from tckr_plugins.classifiers.augmentation import shift_and_flip
from tckr_plugins.classifiers.options import SmallCnnOptions
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = 10
SIDE = 32


class DecodedEveryEpoch(Dataset[Any]):
    """Images kept as PNG files are: decoded and transformed anew each time they are asked for."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.files = [_png(image) for image in images]
        self.labels = labels
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(SIDE, padding=round(0.1 * SIDE)),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize([0.5] * 3, [0.25] * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(io.BytesIO(self.files[index])) as image:
            return self.transform(image.convert("RGB")), int(self.labels[index])


def main() -> None:
    """Run both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000, help="training images per epoch")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each way, alternating")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, size=(arguments.images, 4, 4, 3), dtype=np.uint8)
    images = coarse.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)  # flat patches: PNG decodes them fast
    labels = generator.integers(CLASSES, size=arguments.images)
    dataset = DecodedEveryEpoch(images, labels)
    ways = {
        "shared loop": lambda: shared_epoch(images, labels),
        "PIL transform per image": naive_epoch(dataset),
        "shared loop, data path only": lambda: shared_data_path(images),
        "PIL transform, data path only": lambda: naive_data_path(dataset),
    }
    report(measure(ways, rounds=arguments.rounds), images=arguments.images)


def shared_epoch(images: np.ndarray, labels: np.ndarray) -> None:
    """Train `small-cnn` for one epoch through the shared loop."""
    data = TrainingData(LabelledImages(images, labels), tuple(map(str, range(CLASSES))))
    small_cnn.load(SmallCnnOptions(epochs=1, flip=True)).fit(data, seed=0, context=Context())


def shared_data_path(images: np.ndarray) -> None:
    """Augment and normalise every image once, in batches."""
    generator = torch.Generator().manual_seed(0)
    for batch in torch.split(torch.from_numpy(images), SmallCnnOptions().batch_size):
        _ = (shift_and_flip(batch, generator=generator, flip=True).float() - 127.5) / 63.75


def naive_data_path(dataset: DecodedEveryEpoch) -> None:
    """Decode, transform and collate every image once."""
    for _batch in DataLoader(dataset, batch_size=SmallCnnOptions().batch_size, shuffle=True):
        pass


def naive_epoch(dataset: DecodedEveryEpoch) -> Callable[[], None]:
    """Return a function that trains the same network for one epoch through a DataLoader."""
    options = SmallCnnOptions()
    loader = DataLoader(dataset, batch_size=options.batch_size, shuffle=True)

    def run() -> None:
        network = small_cnn.SmallCnn(class_count=CLASSES, widths=options.widths)
        optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate)
        for batch, targets in loader:
            loss = torch.nn.functional.cross_entropy(network(batch), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def measure(ways: dict[str, Callable[[], None]], *, rounds: int) -> dict[str, list[float]]:
    """Return CPU seconds per epoch of each way, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for count in range(rounds + 1):
        for name, run in ways.items():
            start = time.process_time()
            run()
            if count:
                seconds[name].append(time.process_time() - start)
    return seconds


def report(seconds: dict[str, list[float]], *, images: int) -> None:
    """Print median images per CPU second, and the speed-up over the naive way that follows each row."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    names = list(medians)
    print(f"{'one thread, 32x32':32} {'images/s':>9} {'ratio':>6}")
    for shared, naive in zip(names[::2], names[1::2], strict=True):
        for name in (shared, naive):
            print(f"{name:32} {images / medians[name]:9.0f} {medians[naive] / medians[name]:6.2f}")


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
