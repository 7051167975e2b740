"""What the packaged miniature must be able to do: follow the class name and the attributes of a prompt."""

import numpy as np
import pytest

from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts

SEEDS = (11, 12, 13, 14)
OBJECT = "{name}: a {light} grey object, tall and {width}, compact, plain, evenly lit, centred on a black background"


def prompt(name="pullover", *, light="bright", width="broad"):
    return OBJECT.format(name=name, light=light, width=width)


def generate(texts, **options):
    """Return images by text, (4, 32, 32) grey levels each, every text with the same seeds."""
    registry = default_registry()
    generator = registry.load(registry.use("generator", "stable-diffusion", label="sd", options=options))
    asked = [text for text in texts for _ in SEEDS]
    prompts = Prompts(tuple(asked), np.zeros(len(asked), dtype=np.int64), np.arange(len(asked)))
    images = generator.generate(GenerationRequest(prompts, SEEDS * len(texts)), context=Context())
    return dict(zip(texts, images.mean(axis=3).reshape(len(texts), len(SEEDS), 32, 32), strict=True))


def occupied(images, axis):
    """Return the mean number of columns (axis 1) or rows (axis 2) that show an object."""
    return (images > 40).any(axis=axis).sum(axis=1).mean()


@pytest.fixture(scope="module")
def images():
    widths = [prompt("bag", width=width) for width in ("narrow", "wide")]
    lights = [prompt(light=light) for light in ("very dark", "medium", "very bright")]
    return generate([*widths, *lights, "trouser", "bag", "sneaker"])


def test_it_is_small_and_makes_small_images():
    from tckr_plugins.generators.models import local_folder

    folder = local_folder("miniature")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 15e6
    registry = default_registry()
    assert registry.load(registry.use("generator", "stable-diffusion", label="sd", options={})).image_size == 32


def test_the_width_of_the_prompt_is_the_width_of_the_object(images):
    narrow, wide = (occupied(images[prompt("bag", width=width)], axis=1) for width in ("narrow", "wide"))
    assert narrow + 6 < wide


def test_the_light_of_the_prompt_is_the_light_of_the_image(images):
    dark, medium, bright = (images[prompt(light=light)].mean() for light in ("very dark", "medium", "very bright"))
    assert dark + 20 < medium < bright - 20


def test_the_class_decides_the_shape(images):
    assert occupied(images["sneaker"], axis=2) + 8 < occupied(images["trouser"], axis=2)
    assert occupied(images["trouser"], axis=1) + 8 < occupied(images["bag"], axis=1)
