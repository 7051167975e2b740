"""Compare sampling through the plugin with one pipeline call per image, in one run on one thread.

The naive way is the usual one: the same pipeline, steps and guidance, called with one prompt at a time, in float32.
Rounds alternate, so that a busy minute of the machine hits all ways; the medians are printed.

    python benchmarks/generation.py --images 128 --rounds 3
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from tckr_plugins.generators.options import StableDiffusionOptions
from tckr_plugins.generators.stable_diffusion import StableDiffusion

from tckr_bench.plugin.protocols import Context
from tckr_bench.records import GenerationRequest, Prompts

if TYPE_CHECKING:
    from collections.abc import Callable

NAIVE = "one pipeline call per image"
CLASSES = ("trouser", "bag", "ankle boot", "t-shirt")
LIGHT = ("very dark", "dark", "medium", "bright", "very bright")


def main() -> None:
    """Run every way and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="miniature", help="a model as the generator's option names it")
    parser.add_argument("--images", type=int, default=128, help="images that the batched ways make per round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each way, alternating")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=DeprecationWarning, message="__array__ implementation")
    request = plan(arguments.images)
    few = plan(max(1, arguments.images // 8))  # the naive way is slow: a part of the work tells its speed
    options = StableDiffusionOptions(model=arguments.model)
    ways = {
        "plugin, default precision": (batched(options), request),
        "plugin, float32": (batched(options.model_copy(update={"dtype": "float32"})), request),
        NAIVE: (one_by_one(options), few),
    }
    report(measure(ways, rounds=arguments.rounds))


def plan(count: int) -> GenerationRequest:
    """Return a request for `count` images over 20 distinct prompts."""
    texts = [f"{CLASSES[i % 4]}: a {LIGHT[i % 5]} grey object on a black background" for i in range(count)]
    return GenerationRequest(
        Prompts(tuple(texts), np.zeros(count, dtype=np.int64), np.arange(count)), tuple(range(count))
    )


def batched(options: StableDiffusionOptions) -> Callable[[GenerationRequest], None]:
    """Return a function that samples through the plugin."""
    generator = StableDiffusion(options)
    return lambda request: (generator.generate(request, context=Context()), None)[1]


def one_by_one(options: StableDiffusionOptions) -> Callable[[GenerationRequest], None]:
    """Return a function that calls the pipeline once per image."""
    pipeline = StableDiffusion(options).pipeline

    def run(request: GenerationRequest) -> None:
        for text, seed in zip(request.prompts.texts, request.seeds, strict=True):
            pipeline(
                text,
                generator=torch.Generator().manual_seed(seed),
                num_inference_steps=options.steps,
                guidance_scale=options.guidance,
                output_type="np",
            )

    return run


Way = tuple["Callable[[GenerationRequest], None]", GenerationRequest]


def measure(ways: dict[str, Way], *, rounds: int) -> dict[str, list[float]]:
    """Return images per CPU second of each way and round, after one round to warm up."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for count in range(rounds + 1):
        for name, (run, request) in ways.items():
            start = time.process_time()
            run(request)
            if count:
                speeds[name].append(len(request) / (time.process_time() - start))
    return speeds


def report(speeds: dict[str, list[float]]) -> None:
    """Print the median of each way and its ratio to the naive one."""
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"{'one thread':32} {'images/s':>9} {'ratio':>6}")
    for name, speed in medians.items():
        print(f"{name:32} {speed:9.1f} {speed / medians[NAIVE]:6.2f}")


if __name__ == "__main__":
    main()
