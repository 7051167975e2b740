"""Compare the batched AugMix with torchvision's, one image at a time, in one run on one thread.

torchvision draws one set of parameters for whatever it is given, so images have to be given one by one: as PIL images,
as a `Dataset` usually holds them, or as tensors. Rounds alternate, so that a busy minute of the machine hits all ways;
the medians are printed.

    python benchmarks/augmix.py --images 32 --size 224 --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import torch
from tckr_plugins.classifiers.augmix import augmix
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import pil_to_tensor, to_pil_image

if TYPE_CHECKING:
    from collections.abc import Callable

NAIVE = "torchvision, PIL image by PIL image"


def main() -> None:
    """Run every way and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=32, help="images in a batch")
    parser.add_argument("--size", type=int, default=224, help="their side in pixels")
    parser.add_argument("--rounds", type=int, default=5, help="batches of each way, alternating")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    shape = (arguments.images, arguments.size, arguments.size, 3)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    planes = images.permute(0, 3, 1, 2).contiguous()
    pictures = [to_pil_image(image) for image in planes]
    transform = v2.AugMix()
    ways = {
        "batched, parameters per image": lambda: augmix(images, generator=generator),
        "torchvision, tensor by tensor": lambda: torch.stack([transform(image) for image in planes]),
        NAIVE: lambda: torch.stack([pil_to_tensor(transform(picture)) for picture in pictures]),
    }
    report(measure(ways, rounds=arguments.rounds), images=arguments.images, size=arguments.size)


def measure(ways: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Return CPU seconds per batch of each way, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for count in range(rounds + 1):
        for name, run in ways.items():
            start = time.process_time()
            run()
            if count:
                seconds[name].append(time.process_time() - start)
    return seconds


def report(seconds: dict[str, list[float]], *, images: int, size: int) -> None:
    """Print median images per CPU second, and the speed-up over PIL images one by one."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{f'AugMix, one thread, {size}x{size}':36} {'images/s':>9} {'ratio':>6}")
    for name, median in medians.items():
        print(f"{name:36} {images / median:9.0f} {medians[NAIVE] / median:6.2f}")


if __name__ == "__main__":
    main()
