"""Laws of the denoising errors: published formulas, whatever the network predicts and whatever the batch."""

import json
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline
from tckr_plugins.adapters.examples import Batch, FrozenTextEncoding, encode_images
from tckr_plugins.adapters.training import denoising_loss
from tckr_plugins.generators.denoising import denoising_errors

from tckr_bench.errors import NotApplicableError, TckrError
from tckr_bench.plugin.protocols import Context, DiffusionGenerator
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import DenoisingProbe, GenerationRequest, Prompts
from tckr_bench.testing import fake_images

KINDS = ("denoising", "secmi", "pia", "rediffuse")
PREDICTIONS = ("epsilon", "v_prediction", "sample")
LEVELS = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))  # of Ho et al. 2020, a DDPMScheduler's default
SCALING = 0.5
IMAGES = fake_images(5, size=8).images
CLEAN = SCALING * (IMAGES.transpose(0, 3, 1, 2) / 127.5 - 1)
TEXTS = ("a", "bb", "ccc", "dddd", "")


class FakePipeline:
    """Latents are the pixels; a text is encoded as its length; `noise(noisy, timestep, lengths)` is predicted."""

    def __init__(self, noise, prediction="epsilon", **schedule):
        self.scheduler = DDPMScheduler(prediction_type=prediction, **schedule)
        self.device = self._execution_device = torch.device("cpu")
        self.vae = SimpleNamespace(
            encode=lambda pixels: SimpleNamespace(latent_dist=SimpleNamespace(mean=pixels)),
            decode=lambda latents, return_dict: (latents,),
            config=SimpleNamespace(scaling_factor=SCALING),
            dtype=torch.float32,
        )
        self.asked = []
        self._noise, self._prediction = noise, prediction

    def encode_prompt(self, texts, *_arguments, **_options):
        return (torch.tensor([float(len(text)) for text in texts]).view(-1, 1, 1),)

    def unet(self, noisy, timestep, embeddings, *, return_dict):
        assert not return_dict
        given = noisy.double().numpy()
        self.asked.append((given, timestep))
        noise, level = self._noise(given, timestep, embeddings.double().numpy()[..., None]), LEVELS[timestep]
        predicted = {
            "epsilon": lambda: noise,
            "v_prediction": lambda: (noise - np.sqrt(1 - level) * given) / np.sqrt(level),
            "sample": lambda: (given - np.sqrt(1 - level) * noise) / np.sqrt(level),
        }[self._prediction]()
        return (torch.from_numpy(predicted).float(),)


def smooth(noisy, timestep, lengths):
    """Predict something that depends on everything."""
    return 0.4 * noisy + np.sin(3 * noisy + lengths) + timestep / 1000


def errors_of(pipeline, probe, *, batch_size=None, images=IMAGES, texts=TEXTS, context=None):
    return denoising_errors(pipeline, images, texts, probe=probe, batch_size=batch_size, context=context or Context())


def lengths():
    return np.array([len(text) for text in TEXTS], dtype=float)[:, None, None, None]


def step(noisy, timestep, target):
    """Return noisy latents moved as in the authors' code of SecMI: by way of the clean latents."""
    noise = smooth(noisy, timestep, lengths())
    clean = (noisy - np.sqrt(1 - LEVELS[timestep]) * noise) / np.sqrt(LEVELS[timestep])
    return np.sqrt(LEVELS[target]) * clean + np.sqrt(1 - LEVELS[target]) * noise


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize(
    ("timestep", "path"),
    [
        (100, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
        (25, [0, 10, 20, 25]),
        (10, [0, 10]),
        (4, [0, 4]),
        (0, [0]),
    ],
)
def test_secmi_is_the_published_formula(prediction, timestep, path):
    noisy = CLEAN
    for start, target in pairwise(path):
        noisy = step(noisy, start, target)
    returned = step(step(noisy, timestep, timestep + 10), timestep + 10, timestep)
    expected = np.square(returned - noisy).mean(axis=(1, 2, 3))
    found = errors_of(FakePipeline(smooth, prediction), DenoisingProbe("secmi", timestep))
    np.testing.assert_allclose(found, expected, rtol=5e-3)  # of time 0 a clean sample tells the noise roughly


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("timestep", [1, 200, 999])
def test_pia_is_the_published_formula(prediction, timestep):
    first = smooth(CLEAN, 0, lengths())
    noisy = np.sqrt(LEVELS[timestep]) * CLEAN + np.sqrt(1 - LEVELS[timestep]) * first
    differences = first - smooth(noisy, timestep, lengths())
    expected = np.power(np.power(np.abs(differences), 4).mean(axis=(1, 2, 3)), 1 / 4)
    found = errors_of(FakePipeline(smooth, prediction), DenoisingProbe("pia", timestep))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("timestep", [0, 100, 900])
def test_denoising_is_the_mean_over_standard_normal_noises(prediction, timestep):
    pipeline = FakePipeline(smooth, prediction)
    found = errors_of(pipeline, DenoisingProbe("denoising", timestep, draws=3))
    assert [when for _, when in pipeline.asked] == [timestep] * 3
    noises = np.stack([given - np.sqrt(LEVELS[timestep]) * CLEAN for given, _ in pipeline.asked])
    noises /= np.sqrt(1 - LEVELS[timestep])
    predicted = np.stack([smooth(given, timestep, lengths()) for given, _ in pipeline.asked])
    np.testing.assert_allclose(found, np.square(noises - predicted).mean(axis=(0, 2, 3, 4)), rtol=1e-3)
    flat = noises.reshape(3 * len(IMAGES), -1)
    assert abs(flat.mean()) < 4 / np.sqrt(flat.size)
    assert flat.std() == pytest.approx(1, abs=4 / np.sqrt(2 * flat.size))
    assert np.abs(np.corrcoef(flat) - np.eye(len(flat))).max() < 0.4  # each draw of each image is another


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize(
    ("timestep", "path"), [(200, [200, 150, 100, 50]), (120, [120, 70, 20]), (50, [50]), (7, [7]), (0, [0])]
)
def test_rediffuse_is_the_published_formula(prediction, timestep, path):
    pipeline, draws = FakePipeline(smooth, prediction), 3
    found = errors_of(pipeline, DenoisingProbe("rediffuse", timestep, draws=draws))
    assert [when for _, when in pipeline.asked] == path * draws
    variations = []
    for noisy, _ in pipeline.asked[:: len(path)]:
        moved = noisy
        for start, target in pairwise(path):
            moved = step(moved, start, target)
        level, noise = LEVELS[path[-1]], smooth(moved, path[-1], lengths())
        clean = (moved - np.sqrt(1 - level) * noise) / np.sqrt(level)
        variations.append(np.clip(clean / SCALING / 2 + 0.5, 0, 1))
    expected = np.square(np.mean(variations, axis=0) - IMAGES.transpose(0, 3, 1, 2) / 255).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-2 if prediction == "sample" else 1e-3)


def test_rediffuse_averages_noise_away_and_keeps_what_is_always_wrong():
    """A denoiser without a view of its own leaves noise in each variation; one that is always off leaves that."""

    def off(noisy, timestep, _lengths):
        level = LEVELS[timestep]
        return (noisy - np.sqrt(level) * (CLEAN + 0.02)) / np.sqrt(1 - level)

    grey = np.full_like(IMAGES, 128)
    few, many = (
        errors_of(FakePipeline(lambda noisy, *_: 0 * noisy), DenoisingProbe("rediffuse", 50, draws=n), images=grey)
        for n in (1, 100)
    )
    np.testing.assert_allclose(few / many, 100, rtol=0.5)
    found = errors_of(FakePipeline(off), DenoisingProbe("rediffuse", 200, draws=2), images=IMAGES)
    bright = np.clip(IMAGES / 255 + 0.02 / SCALING / 2, 0, 1) - IMAGES / 255
    np.testing.assert_allclose(found, np.square(bright).mean(axis=(1, 2, 3)), rtol=1e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_who_knows_the_image_makes_no_error(kind, prediction):
    def knowing(noisy, timestep, _lengths):
        return (noisy - np.sqrt(LEVELS[timestep]) * CLEAN) / np.sqrt(1 - LEVELS[timestep])

    for timestep in (50, 400):
        found = errors_of(FakePipeline(knowing, prediction), DenoisingProbe(kind, timestep))
        np.testing.assert_allclose(found, 0, atol=1e-3 if kind == "pia" else 1e-6)  # a norm, and two squares


def test_a_constant_error_is_found_as_it_is():
    def biased(noisy, timestep, lengths):
        return (noisy - np.sqrt(LEVELS[timestep]) * CLEAN) / np.sqrt(1 - LEVELS[timestep]) + lengths / 2

    found = errors_of(FakePipeline(biased), DenoisingProbe("denoising", 300, draws=2))
    np.testing.assert_allclose(found, [0.25, 1.0, 2.25, 4.0, 0.0], rtol=1e-4, atol=1e-8)


def test_at_no_signal_a_velocity_tells_the_noise():
    pipeline = FakePipeline(smooth, "v_prediction", rescale_betas_zero_snr=True)
    np.testing.assert_allclose(errors_of(pipeline, DenoisingProbe("denoising", 999)), 0, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_and_order_do_not_matter(kind):
    probe, order = DenoisingProbe(kind, 100, draws=2, seed=3), [3, 1, 4, 0, 2]
    whole = errors_of(FakePipeline(smooth), probe)
    for size in (1, 2, 3):
        np.testing.assert_allclose(errors_of(FakePipeline(smooth), probe, batch_size=size), whole, rtol=1e-4)
    mixed = errors_of(
        FakePipeline(smooth), probe, images=IMAGES[order], texts=[TEXTS[index] for index in order], batch_size=2
    )
    np.testing.assert_allclose(mixed, whole[order], rtol=1e-4)


@pytest.mark.parametrize("kind", ["denoising", "rediffuse"])
def test_noise_follows_the_seed_and_the_timestep(kind):
    def noise_of(probe):
        pipeline = FakePipeline(smooth)
        errors_of(pipeline, probe)
        return (pipeline.asked[0][0] - np.sqrt(LEVELS[probe.timestep]) * CLEAN) / np.sqrt(1 - LEVELS[probe.timestep])

    first = noise_of(DenoisingProbe(kind, 300))
    assert np.array_equal(first, noise_of(DenoisingProbe(kind, 300)))
    for other in (DenoisingProbe(kind, 300, seed=1), DenoisingProbe(kind, 500)):
        assert abs(np.corrcoef(first.ravel(), noise_of(other).ravel())[0, 1]) < 0.15


def test_no_other_random_state_is_used():
    before = torch.get_rng_state()
    errors_of(FakePipeline(smooth), DenoisingProbe("denoising", 100))
    assert torch.equal(before, torch.get_rng_state())


def test_progress_ends_at_one():
    seen = []
    errors_of(FakePipeline(smooth), DenoisingProbe("pia", 9), batch_size=2, context=Context(progress=seen.append))
    assert seen == [0.4, 0.8, 1.0]


@pytest.mark.parametrize(("kind", "timestep", "largest"), [("pia", 1000, 999), ("secmi", 990, 989), ("pia", -1, 999)])
def test_a_timestep_out_of_the_schedule_is_one_sentence(kind, timestep, largest):
    pipeline = FakePipeline(smooth)
    with pytest.raises(TckrError, match=f"timestep {timestep} is not .* of 1000 steps; .* from 0 to {largest}$"):
        errors_of(pipeline, DenoisingProbe(kind, timestep))
    assert not pipeline.asked
    errors_of(pipeline, DenoisingProbe(kind, largest))


def test_an_unknown_prediction_is_not_applicable():
    pipeline = FakePipeline(smooth)
    pipeline.scheduler.register_to_config(prediction_type="flow_prediction")
    with pytest.raises(NotApplicableError, match="predicts 'flow_prediction'"):
        errors_of(pipeline, DenoisingProbe("pia", 9))


def test_what_is_no_number_is_said():
    with pytest.raises(TckrError, match="not numbers"):
        errors_of(FakePipeline(lambda noisy, *_: noisy * np.nan), DenoisingProbe("denoising", 9))


# The same with real networks, through the generator.

PICTURES = fake_images(6).images
PROMPTS = ("a cat", "a dog", "two birds", "a cat", "", "a long sentence that is cut " * 5)


def load(family, name, **options):
    registry = default_registry()
    return registry.load(registry.use(family, name, label=name, options=options))


def stable_diffusion(model, **options):
    return load("generator", "stable-diffusion", **{"model": str(model), "steps": 2, **options})


def ask(generator, probe, *, prompts=PROMPTS):
    return generator.denoising_errors(PICTURES, prompts, probe=probe, context=Context())


@pytest.fixture(scope="module")
def adapted(tiny_model, tmp_path_factory):
    """A folder of LoRA weights that move the tiny model far."""
    folder = tmp_path_factory.mktemp("lora")
    prompts = Prompts(PROMPTS, np.zeros(6, dtype=np.int64), np.arange(6))
    load("adapter", "lora", steps=4, learning_rate=0.05).adapt(
        stable_diffusion(tiny_model), PICTURES, prompts, weights=folder, seed=0, context=Context()
    )
    return folder


@pytest.mark.parametrize("fixture", ["tiny_model", "tiny_noise_model"])
@pytest.mark.parametrize("timestep", [20, 600])
def test_errors_are_the_losses_that_adapters_train_on(fixture, timestep, request):
    """Up to a factor: a velocity's error is the noise's over the share of the signal."""
    generator = stable_diffusion(request.getfixturevalue(fixture))
    asked = []
    handle = generator.pipeline.unet.register_forward_pre_hook(lambda _, given: asked.append(given[0]))
    found = ask(generator, DenoisingProbe("denoising", timestep))
    handle.remove()
    pipeline = generator.pipeline
    scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    level = float(scheduler.alphas_cumprod[timestep])
    latents, noisy = encode_images(pipeline, PICTURES)[0], asked[0].clone()
    noise = (noisy - level**0.5 * latents) / (1 - level) ** 0.5
    batch = Batch(latents, noise, torch.full((6,), timestep), PROMPTS)
    encoding = FrozenTextEncoding(pipeline, PROMPTS, torch.float32)
    with torch.no_grad():
        losses = [denoising_loss(pipeline.unet, scheduler, batch.part(slice(i, i + 1)), encoding) for i in range(6)]
    factor = level if fixture == "tiny_model" else 1
    np.testing.assert_allclose(found, factor * np.array(losses), rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_adapted_weights_are_in_force(kind, tiny_model, adapted):
    probe = DenoisingProbe(kind, 30)
    generator = stable_diffusion(tiny_model)
    plain = ask(generator, probe)
    generator.restore(adapted)
    found = ask(generator, probe)
    assert np.abs(found / plain - 1).min() > 1e-3
    reference = StableDiffusionPipeline.from_pretrained(tiny_model, safety_checker=None)
    reference.load_lora_weights(adapted)  # beside the weights, where the generator fuses them
    expected = denoising_errors(reference, PICTURES, PROMPTS, probe=probe, batch_size=None, context=Context())
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    generator.restore(adapted / "nothing")
    np.testing.assert_array_equal(ask(generator, probe), plain)


@pytest.mark.parametrize("kind", KINDS)
def test_what_images_are_made_in_does_not_matter(kind, tiny_model, adapted):
    probe = DenoisingProbe(kind, 30)
    exact, coarse = (stable_diffusion(tiny_model, dtype=dtype) for dtype in ("float32", "bfloat16"))
    for generator in (exact, coarse):
        generator.restore(adapted)
    prompts = Prompts(PROMPTS[:1], np.zeros(1, dtype=np.int64), np.arange(1))
    coarse.generate(GenerationRequest(prompts, (1,)), context=Context())
    np.testing.assert_array_equal(ask(coarse, probe), ask(exact, probe))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_batches_of_real_networks_change_errors_by_rounding_alone(kind, batch_size, tiny_model):
    probe = DenoisingProbe(kind, 30, draws=2)
    whole, parts = (ask(stable_diffusion(tiny_model, batch_size=size), probe) for size in (None, batch_size))
    np.testing.assert_allclose(parts, whole, rtol=1e-3)


def test_prompts_matter_and_learned_words_replace_them(tiny_model, tmp_path):
    probe, generator = DenoisingProbe("pia", 300), stable_diffusion(tiny_model)
    cats, dogs = (ask(generator, probe, prompts=(text,) * 6) for text in ("a cat", "a dog"))
    assert np.abs(cats / dogs - 1).min() > 1e-6
    (tmp_path / "prompt_tokens.json").write_text(json.dumps({"cat": "dog"}))
    generator.restore(tmp_path)
    np.testing.assert_array_equal(ask(generator, probe, prompts=("a cat",) * 6), dogs)


def test_images_may_be_larger_than_the_model_makes(tiny_model):
    larger = PICTURES.repeat(2, axis=1).repeat(2, axis=2)
    found = stable_diffusion(tiny_model).denoising_errors(
        larger, PROMPTS, probe=DenoisingProbe("pia", 300), context=Context()
    )
    assert found.shape == (6,)


@pytest.mark.parametrize("kind", ["StableDiffusionXLPipeline", "FluxPipeline"])
def test_another_pipeline_is_not_applicable_before_its_weights_are_read(kind, tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": kind}))
    generator = stable_diffusion(tmp_path, image_size=32)
    assert isinstance(generator, DiffusionGenerator)
    with pytest.raises(NotApplicableError, match=f"a {kind}, cannot be asked") as caught:
        ask(generator, DenoisingProbe("pia", 200))
    assert "\n" not in str(caught.value)
