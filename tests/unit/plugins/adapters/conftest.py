"""A generator, images and prompts to adapt to, and how the tests adapt."""

from types import SimpleNamespace

import numpy as np
import pytest

from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts


def load(family, name, **options):
    registry = default_registry()
    return registry.load(registry.use(family, name, label=name, options=options))


def stable_diffusion(model, **options):
    return load("generator", "stable-diffusion", **{"model": str(model), "steps": 3, "dtype": "float32", **options})


def dark_images(count=8):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 40, (count, 32, 32, 3), dtype=np.uint8)
    texts = tuple(f"{'cat' if index % 2 else 'dog'}: {index % 3}" for index in range(count))
    return images, Prompts(texts, np.arange(count) % 2, np.arange(count))


# Steps so large that four of them change the images of a random model.
LARGE_STEPS = {
    "lora": {"learning_rate": 0.05},
    "lora-paper": {"learning_rate": 0.05},
    "dora": {"learning_rate": 0.05},
    "dp-lora": {"learning_rate": 0.05, "noise_multiplier": 0.01},
    "full": {"learning_rate": 0.01},
    "textual-inversion": {"learning_rate": 1.0},
}


def adapt(generator, folder, adapter="lora", *, seed=0, data=None, context=None, **options):
    """Train for a few large steps; return what was written, by file name."""
    images, prompts = data or dark_images()
    options = {"steps": 4, "batch_size": 4, **LARGE_STEPS[adapter], **options}
    load("adapter", adapter, **options).adapt(
        generator, images, prompts, weights=folder, seed=seed, context=context or Context()
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def largest_difference(left, right):
    return int(np.abs(left.astype(int) - right.astype(int)).max())


@pytest.fixture(scope="session")
def lab():
    """The functions above, and four images to ask for."""
    return SimpleNamespace(
        load=load,
        stable_diffusion=stable_diffusion,
        dark_images=dark_images,
        adapt=adapt,
        largest_difference=largest_difference,
        request=GenerationRequest(dark_images(4)[1], (1, 2, 3, 4)),
    )
