"""Laws of every other kind of pipeline: prompts and seeds decide, and neighbours in a batch do not."""

import numpy as np
import pytest
import tiny_pipelines

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts

KINDS = ("sdxl", "sdxl-turbo", "sd3", "pixart", "sana", "flux")
SIZES = {"sana": 32}  # it takes multiples of 32 alone
OWN_SIZES = {"flux": 256}  # its configuration has none: 128 latents at the side, here of 2 pixels each


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    assert tuple(tiny_pipelines.KINDS) == KINDS
    made = {}

    def model(kind):
        if kind not in made:
            made[kind] = tiny_pipelines.save_pipeline(kind, tmp_path_factory.mktemp("kinds") / kind)
        return made[kind]

    return model


def load(model, **options):
    registry = default_registry()
    options = {"model": str(model), "steps": 2, "dtype": "float32", "image_size": 16, **options}
    return registry.load(registry.use("generator", "stable-diffusion", label="sd", options=options))


def ask(texts, seeds):
    count = len(texts)
    return GenerationRequest(Prompts(tuple(texts), np.zeros(count, dtype=np.int64), np.arange(count)), tuple(seeds))


REQUEST = ask(["a cat", "a dog", "a cat", "two birds"], [5, 5, 7, 2**63 - 1])


def largest_difference(left, right):
    return int(np.abs(left.astype(int) - right.astype(int)).max())


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_depends_on_its_own_prompt_and_seed_alone(models, kind):
    size = SIZES.get(kind, 16)
    generator = load(models(kind), image_size=size)
    images = generator.generate(REQUEST, context=Context())
    assert images.shape == (4, size, size, 3)
    assert images.dtype == np.uint8
    alone = ask(REQUEST.prompts.texts[3:], REQUEST.seeds[3:])
    assert largest_difference(images[3], generator.generate(alone, context=Context())[0]) <= 2
    pairs = load(models(kind), image_size=size, batch_size=2).generate(REQUEST, context=Context())
    assert largest_difference(images, pairs) <= 2
    assert not np.array_equal(images[0], images[2])  # another seed
    assert load(models(kind), image_size=None).image_size == OWN_SIZES.get(kind, 16)


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_matters(models, kind):
    generator = load(models(kind), image_size=SIZES.get(kind, 16), guidance=20.0)
    one, other = generator.generate(ask(["a", "zzzz zz"], [5, 5]), context=Context())
    assert not np.array_equal(one, other)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_published_pipeline_makes_the_same_images(models):
    import torch
    from diffusers import StableDiffusionXLPipeline

    pipeline = StableDiffusionXLPipeline.from_pretrained(models("sdxl"), add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    result = pipeline(
        "a dog",
        generator=torch.Generator().manual_seed(5),
        num_inference_steps=2,
        guidance_scale=2.0,
        height=16,
        width=16,
        output_type="np",
    )
    images = load(models("sdxl")).generate(REQUEST, context=Context())
    assert largest_difference(images[1], np.round(result.images[0] * 255)) <= 2


def test_a_size_the_model_cannot_make_is_one_sentence(models):
    with pytest.raises(TckrError, match=r"refuses to sample: .*divisible by 32 but are 16 and 16") as caught:
        load(models("sana"), image_size=16).generate(REQUEST, context=Context())
    assert "\n" not in str(caught.value)
