"""Time sampling from Stable Diffusion 2 at its true size, with random weights: speed does not depend on their values.

The arithmetic of one image of 224 pixels in 20 guided steps is 6.1 TFLOP, so a device's peak gives a floor to compare
with. The published LoRA of the paper may be fused in, as a check that it loads.

    python benchmarks/full_size.py --device cuda --images 64 --batch-size 64 --steps 20
    python benchmarks/full_size.py --images 1 --steps 2
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import torch
from tckr_plugins.generators.architecture import random_pipeline
from tckr_plugins.generators.known_models import operations_per_image
from tckr_plugins.generators.options import StableDiffusionOptions
from tckr_plugins.generators.pipelines import resolve_dtype
from tckr_plugins.generators.restoring import AdaptedWeights, apply_weights
from tckr_plugins.generators.sampling import EncodedSampler

GUIDANCE = 2.0
NAME = "stable-diffusion-2"


def main() -> None:
    """Build, sample once to warm up, time, and print."""
    arguments = parse()
    dtype = resolve_dtype(arguments.dtype, arguments.device)
    pipeline = random_pipeline(dtype=dtype, device=arguments.device)
    if arguments.lora is not None:
        apply_weights(AdaptedWeights(lora=arguments.lora), pipeline)
    if torch.device(arguments.device).type != "cpu":
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
    if arguments.compile:
        pipeline.unet.compile()
    options = StableDiffusionOptions(model=NAME, steps=arguments.steps, guidance=GUIDANCE)
    sampler = EncodedSampler(pipeline, options, arguments.image_size)
    if arguments.warm_up:
        sample(sampler, min(arguments.images, arguments.batch_size), arguments.batch_size)
    start = time.perf_counter()
    sample(sampler, arguments.images, arguments.batch_size)
    report((time.perf_counter() - start) / arguments.images, arguments, dtype)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16", "float16"))
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--lora", type=Path, help="a file of low-rank weights to fuse in first")
    parser.add_argument("--compile", action="store_true", help="compile the U-Net")
    parser.add_argument("--warm-up", action="store_true", help="make one batch before the clock starts")
    return parser.parse_args()


def sample(sampler: EncodedSampler, count: int, batch_size: int) -> None:
    """Make images of distinct prompts in batches."""
    for start in range(0, count, batch_size):
        chosen = range(start, min(start + batch_size, count))
        images = sampler.sample([f"ship: a photograph, number {index}" for index in chosen], list(chosen))
        assert images.dtype == np.uint8


def report(seconds: float, arguments: argparse.Namespace, dtype: torch.dtype) -> None:
    """Print what was measured, and the speed in arithmetic against the count of operations."""
    size = arguments.image_size
    operations = operations_per_image(NAME, steps=arguments.steps, guidance=GUIDANCE, image_size=size)
    assert operations is not None
    on_gpu = torch.device(arguments.device).type == "cuda"
    device = torch.cuda.get_device_name(arguments.device) if on_gpu else platform.processor() or platform.machine()
    threads = "" if on_gpu else f", {torch.get_num_threads()} threads"
    print(f"device               {device} ({arguments.device}{threads}), {str(dtype).removeprefix('torch.')}")
    print(f"images               {arguments.images} of {size} px, {arguments.steps} steps, guidance {GUIDANCE:g}")
    print(f"seconds per image    {seconds:.3f}")
    print(f"TFLOP per image      {operations / 1e12:.2f}")
    print(f"TFLOP/s              {operations / 1e12 / seconds:.3f}")
    if on_gpu:
        print(f"peak memory          {torch.cuda.max_memory_allocated(arguments.device) / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
