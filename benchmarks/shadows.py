"""Measure banks of shadow models, the cost of the privacy audit.

Without an option: models per minute of wall-clock time on two cores, in one run. The naive way is one process with both
cores that trains model after model, each with a `DataLoader` that decodes and augments every image in every epoch by
PIL; a second row gives it two loading processes. Ours is two workers of one thread, as the engine starts them, that map
the images decoded once; a model is a mask. Rounds alternate, so that a busy minute of the machine hits all.

    python benchmarks/shadows.py                # models per minute; --quick for a small run
    python benchmarks/shadows.py --together     # several models in one network, against one after another
    python benchmarks/shadows.py --curve        # what an attack finds against the number of shadow models
    python benchmarks/shadows.py --scoring      # seconds to score 20,000 examples with 256 shadow models
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from shadow_models import curve, scoring, together
from shadow_models.naive import NaiveShadows
from shadow_models.workers import shadow_into, workers
from shadow_models.world import STORED_SIDE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import ProcessPoolExecutor

    Way = Callable[[Sequence[int]], float]

CORES = 2
OURS = "two workers, a mask each"
NAIVE = {"a DataLoader each": 0, "a DataLoader each, two loading processes": CORES}


@dataclass(frozen=True)
class Scale:
    """How much is measured, and how the naive way is set up.

    Attributes:
        models: shadow models of a round.
        rounds: of all ways in turn.
        threads: of the naive way's process.
        stored: side in pixels of the files that the naive way decodes; above 28 they are JPEG, as photographs are.
    """

    models: int
    rounds: int
    threads: int
    stored: int


def main() -> None:
    """Run what was asked for."""
    arguments = _parse()
    if arguments.together:
        together.measure(rounds=2 if arguments.quick else arguments.rounds)
    elif arguments.scoring:
        scoring.measure(shadows=16 if arguments.quick else 256, examples=1000 if arguments.quick else 20_000)
    elif arguments.curve:
        arguments.bank.mkdir(parents=True, exist_ok=True)
        size, count = (8, 2) if arguments.quick else (arguments.shadows, arguments.targets)
        curve.measure(arguments.bank, size=size, count=count, quick=arguments.quick)
    elif arguments.quick:
        compare(Scale(models=2, rounds=1, threads=1, stored=arguments.stored), per_side=200, epochs=2)
    else:
        scale = Scale(arguments.models, arguments.rounds, arguments.threads, arguments.stored)
        compare(scale, per_side=None, epochs=arguments.epochs)


def compare(scale: Scale, *, per_side: int | None, epochs: int) -> None:
    """Train shadow models each way in alternating rounds, and print models per minute."""
    torch.set_num_threads(scale.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        World.packaged(per_side=per_side).save(folder)
        with workers(folder, count=CORES) as pool:
            ways: dict[str, Way] = {OURS: partial(ours, pool, folder, epochs=epochs)}
            for label, loaders in NAIVE.items():
                shadows = NaiveShadows(per_side=per_side, epochs=epochs, loaders=loaders, stored=scale.stored)
                ways[label] = partial(naive, shadows)
            print(f"{CORES} cores, {epochs} epochs; naive: {scale.threads} threads, files of {scale.stored} pixels")
            report(time_all(ways, models=scale.models, rounds=scale.rounds), models=scale.models)


def ours(pool: ProcessPoolExecutor, folder: Path, indices: Sequence[int], *, epochs: int) -> float:
    """Train shadow models in the workers, leave their logits on disk, and return seconds of processor time."""
    started = [
        pool.submit(shadow_into, str(folder / f"{index}.safetensors"), index, epochs=epochs) for index in indices
    ]
    return sum(one.result() for one in started)


def naive(shadows: NaiveShadows, indices: Sequence[int]) -> float:
    """Train shadow models one after another in this process, and return seconds of its and its loaders' time."""
    start = _processor_seconds()
    for index in indices:
        shadows.train(index)
    return _processor_seconds() - start


def time_all(ways: Mapping[str, Way], *, models: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (wall-clock, processor) seconds per round of each way, after a model for each core to warm up."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for count in range(rounds + 1):
        indices = range(count * models, (count + 1) * models)
        for name, run in ways.items():
            start = time.perf_counter()
            processor = run(indices if count else range(CORES))
            if count:
                seconds[name].append((time.perf_counter() - start, processor))
    return seconds


def report(seconds: Mapping[str, Sequence[tuple[float, float]]], *, models: int) -> None:
    """Print the medians of each way, and how many times faster ours is."""
    medians = {name: [statistics.median(kind) for kind in zip(*found, strict=True)] for name, found in seconds.items()}
    names = f"{'models/min':>10} {'ours is':>8} {'processor s/model':>18} {'ratio':>7}"
    print(f"{'way':42} {names}")
    for name, (wall, processor) in medians.items():
        ratios = [value / mine for value, mine in zip((wall, processor), medians[OURS], strict=True)]
        speeds = f"{60 * models / wall:10.2f} {ratios[0]:7.2f}x {processor / models:18.2f} {ratios[1]:6.2f}x"
        print(f"{name:42} {speeds}")


def _processor_seconds() -> float:
    """Return the processor time of this process and of those it started that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--together", action="store_true", help="grouped convolution and vmap against a plain loop")
    what.add_argument("--curve", action="store_true", help="AUC against the number of shadow models")
    what.add_argument("--scoring", action="store_true", help="time of each attack's scores")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs")
    parser.add_argument("--models", type=int, default=2, help="shadow models of a round")
    parser.add_argument("--epochs", type=int, default=20, help="of each shadow model")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds")
    parser.add_argument("--threads", type=int, default=CORES, help="of the naive way; a busy machine makes two wait")
    parser.add_argument(
        "--stored", type=int, default=STORED_SIDE, help="pixels of the naive way's files; JPEG above 28"
    )
    parser.add_argument("--shadows", type=int, default=64, help="of the bank of --curve, a power of two")
    parser.add_argument("--targets", type=int, default=8, help="of --curve: further models that are attacked")
    parser.add_argument("--bank", type=Path, default=Path("runs/shadow-bank"), help="where --curve keeps its models")
    return parser.parse_args()


if __name__ == "__main__":
    main()
