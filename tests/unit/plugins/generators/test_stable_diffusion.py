import json
import subprocess
import sys

import numpy as np
import pytest

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts


def load(model, **options):
    registry = default_registry()
    options = {"model": str(model), "steps": 3, "dtype": "float32", **options}
    return registry.load(registry.use("generator", "stable-diffusion", label="sd", options=options))


def ask(texts, seeds):
    count = len(texts)
    return GenerationRequest(Prompts(tuple(texts), np.zeros(count, dtype=np.int64), np.arange(count)), tuple(seeds))


REQUEST = ask(["a cat", "a dog", "a cat", "two birds", "a dog"], [5, 5, 7, 2**63 - 1, 0])


@pytest.fixture(scope="module")
def images(tiny_model):
    return load(tiny_model).generate(REQUEST, context=Context())


def largest_difference(left, right):
    return int(np.abs(left.astype(int) - right.astype(int)).max())


def test_images_have_the_size_of_the_model(tiny_model, images):
    assert load(tiny_model).image_size == 32
    assert images.shape == (5, 32, 32, 3)
    assert images.dtype == np.uint8


def test_the_option_sets_another_size(tiny_model):
    generator = load(tiny_model, image_size=16)
    assert generator.image_size == 16
    assert generator.generate(ask(["a"], [1]), context=Context()).shape == (1, 16, 16, 3)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_the_batch_size_changes_an_image_by_rounding_alone(tiny_model, images, batch_size):
    others = load(tiny_model, batch_size=batch_size).generate(REQUEST, context=Context())
    assert largest_difference(images, others) <= 2


def test_an_image_depends_on_its_own_prompt_and_seed_alone(tiny_model, images):
    generator = load(tiny_model)
    for index in (3, 0):
        alone = ask([REQUEST.prompts.texts[index]], [REQUEST.seeds[index]])
        assert largest_difference(images[index], generator.generate(alone, context=Context())[0]) <= 2


def test_prompt_and_seed_both_matter(images):
    same_seed_other_prompt, same_prompt_other_seed = images[1], images[2]
    assert not np.array_equal(images[0], same_seed_other_prompt)
    assert not np.array_equal(images[0], same_prompt_other_seed)


def test_the_same_request_gives_the_same_bytes(tiny_model, images):
    assert np.array_equal(images, load(tiny_model).generate(REQUEST, context=Context()))


def test_guidance_acts_on_the_difference_to_the_empty_prompt(tiny_model):
    request = ask(["", "a cat"], [3, 3])
    plain, guided = (
        load(tiny_model, guidance=guidance).generate(request, context=Context()) for guidance in (1.0, 5.0)
    )
    assert largest_difference(plain[0], guided[0]) <= 2  # no difference, so nothing to amplify
    assert largest_difference(plain[1], guided[1]) > 2


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_images_agree_with_the_pipeline_called_directly(tiny_model, images):
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(tiny_model)
    pipeline.set_progress_bar_config(disable=True)
    for index, (text, seed) in enumerate(zip(REQUEST.prompts.texts, REQUEST.seeds, strict=True)):
        result = pipeline(
            text,
            generator=torch.Generator().manual_seed(seed),
            num_inference_steps=3,
            guidance_scale=2.0,
            output_type="np",
        )
        assert largest_difference(images[index], np.round(result.images[0] * 255)) <= 2


def test_the_default_precision_changes_little(tiny_model, images):
    others = load(tiny_model, dtype="auto").generate(REQUEST, context=Context())
    assert np.abs(images.astype(int) - others.astype(int)).mean() < 4


def test_each_distinct_prompt_is_encoded_once(tiny_model, monkeypatch):
    from tckr_plugins.generators import sampling

    encoded = []
    original = sampling.encode_prompts

    def spy(pipeline, texts):
        encoded.extend(texts)
        return original(pipeline, texts)

    monkeypatch.setattr(sampling, "encode_prompts", spy)
    load(tiny_model, batch_size=2).generate(REQUEST, context=Context())
    assert sorted(encoded) == ["", "a cat", "a dog", "two birds"]


def test_progress_ends_at_one(tiny_model):
    seen = []
    load(tiny_model, batch_size=2).generate(REQUEST, context=Context(progress=seen.append))
    assert seen == [0.4, 0.8, 1.0]


def test_no_prompts_give_no_images(tiny_model):
    assert load(tiny_model).generate(ask([], []), context=Context()).shape == (0, 32, 32, 3)


def test_a_long_prompt_is_cut(tiny_model):
    images = load(tiny_model).generate(ask(["word " * 200], [1]), context=Context())
    assert images.shape == (1, 32, 32, 3)


def test_another_scheduler_is_used(tiny_model, images):
    others = load(tiny_model, scheduler="DDIMScheduler").generate(REQUEST, context=Context())
    assert not np.array_equal(images, others)


@pytest.mark.parametrize("name", ["NoSuchScheduler", "utils", "UNet2DConditionModel"])
def test_an_unknown_scheduler_is_one_sentence(tiny_model, name):
    with pytest.raises(TckrError, match=f"no scheduler '{name}'"):
        load(tiny_model, scheduler=name).generate(REQUEST, context=Context())


def test_a_folder_without_a_model_is_one_sentence(tmp_path):
    with pytest.raises(TckrError, match=r"no diffusers model is at '.*'.*name a folder"):
        load(tmp_path)


def test_an_incomplete_model_is_one_sentence(tiny_model, tmp_path):
    (tmp_path / "model_index.json").write_bytes((tiny_model / "model_index.json").read_bytes())
    with pytest.raises(TckrError, match="cannot be loaded"):
        load(tmp_path)


def test_a_pipeline_of_another_kind_is_one_sentence(tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableAudioPipeline"}))
    with pytest.raises(TckrError, match="is a StableAudioPipeline"):
        load(tmp_path)
    with pytest.raises(TckrError, match="cannot be loaded: AutoPipeline"):
        load(tmp_path, image_size=32).generate(REQUEST, context=Context())


def test_a_hub_id_that_cannot_be_reached_is_one_sentence(hub_cache):
    with pytest.raises(TckrError, match=r"'nobody/no-such-model' cannot be loaded") as caught:
        load("nobody/no-such-model")
    assert "\n" not in str(caught.value)


def test_the_identity_follows_the_weights(tiny_model, tmp_path):
    import shutil

    registry = default_registry()

    def identity(path):
        return registry.use("generator", "stable-diffusion", label="sd", options={"model": str(path)}).identity

    copy = tmp_path / "copy"
    shutil.copytree(tiny_model, copy)
    assert identity(copy) == identity(tiny_model) != ""
    (copy / "README.md").write_text("a model card")
    assert identity(copy) == identity(tiny_model)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert identity(copy) != identity(tiny_model)
    assert identity("somebody/some-model") == ""


def test_registering_imports_nothing_heavy():
    code = (
        "import sys, tckr_plugins.generators, tckr_plugins.adapters, tckr_plugins.captioners, tckr_plugins.datasets;"
        "heavy = {'torch', 'diffusers', 'transformers', 'datasets', 'sklearn', 'pyarrow', 'peft'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
