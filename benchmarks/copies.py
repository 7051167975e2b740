"""Search for altered copies, and compare it in one run with trying every alteration and with looking for exact copies.

The naive way cuts every original in each way of the coarse grid, mirrored and not, fits the tone, and compares all
pixels with those of every copy. It is timed on a few copies and on a few more, and counted for all. Images are
Fashion-MNIST, the released ones those of the training split, mirrored, cropped and brightened; seconds are of the
processor.

    python benchmarks/copies.py --images 2000 --rounds 3
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
from tckr_plugins.attacks.alterations import CONTRASTS, nearest_altered, sampling, windows_tried
from tckr_plugins.attacks.copies import nearest_rows
from tckr_plugins.datasets.fashion import FashionMnist
from tckr_plugins.generators.controls import altered

from tckr_bench.stats import auc

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

NAIVE_COPIES = 2, 4
SIDE = 32


def main() -> None:
    """Time every way in alternation, and print medians, ratios and what each finds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000, help="real images, half of them members; synthetic ones")
    parser.add_argument("--rounds", type=int, default=3, help="searches of each way, alternating")
    arguments = parser.parse_args()
    examples, released = world(arguments.images)
    rows = [part.reshape(len(part), -1) for part in (examples, released)]
    ways = {
        "copies as they are, no alteration": lambda: nearest_rows(*rows)[0],
        "altered copies, in two steps": lambda: nearest_altered(examples, released, of="originals")[0],
        "every alteration, some copies": lambda: naive(examples, released[: NAIVE_COPIES[0]]),
        "every alteration, some more": lambda: naive(examples, released[: NAIVE_COPIES[1]]),
    }
    seconds, found = measure(ways, rounds=arguments.rounds)
    members = np.arange(arguments.images) < arguments.images // 2
    exact, ours, few, more = (statistics.median(values) for values in seconds.values())
    each = (more - few) / (NAIVE_COPIES[1] - NAIVE_COPIES[0])
    whole = few + each * (len(released) - NAIVE_COPIES[0])
    for name, value in zip(ways, (exact, ours), strict=False):
        print(f"{name:36} {value:8.2f} s   AUC {auc(-found[name], members):.3f}")
    print(f"{'every alteration, counted':36} {whole:8.0f} s   {each:.2f} s for each copy")
    print(f"ratio to every alteration {whole / ours:.0f}x; {ours / exact:.1f} times the search for copies as they are")


def world(count: int) -> tuple[Pixels, Pixels]:
    """Return as many real images, members first, and as many released ones, of which the members come first."""
    train, test = (FashionMnist().read(split, size=SIDE).images for split in ("train", "test"))
    members = train[: count // 2]
    released = np.stack([altered(image, seed=seed) for seed, image in enumerate(train[:count])])
    return np.concatenate([members, test[: count - len(members)]]), released


def naive(originals: Pixels, copies: Pixels) -> npt.NDArray[np.float64]:
    """Return the distance of each original to the nearest copy, over every alteration of the coarse grid."""
    windows = windows_tried()
    down, across = (sampling(windows[:, at], windows[:, at + 1], side=SIDE)[0] for at in (0, 2))
    targets = [shown.astype(np.float32).reshape(len(copies), -1) for shown in (copies, copies[:, :, ::-1])]
    best = np.full(len(originals), np.inf)
    for vertical, horizontal in zip(down, across, strict=True):
        rows = (vertical @ originals.reshape(len(originals), SIDE, -1)).reshape(originals.shape)
        views = (horizontal @ rows).reshape(len(originals), -1)
        apart = views - views.mean(axis=1, keepdims=True)
        for target in (one for side in targets for one in side):
            level = target.mean()
            contrast = np.clip(apart @ (target - level) / np.square(apart).sum(axis=1), *CONTRASTS)
            errors = np.clip(contrast[:, None] * apart + level, 0, 255) - target
            best = np.minimum(best, np.sqrt(np.square(errors).mean(axis=1)))
    return best


def measure(
    ways: dict[str, Callable[[], npt.NDArray[np.float64]]], *, rounds: int
) -> tuple[dict[str, list[float]], dict[str, npt.NDArray[np.float64]]]:
    """Return CPU seconds of each way and what it found; the rounds alternate."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for _ in range(rounds):
        for name, run in ways.items():
            start = time.process_time()
            found[name] = run()
            seconds[name].append(time.process_time() - start)
    return seconds, found


if __name__ == "__main__":
    main()
