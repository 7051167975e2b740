import numpy as np
import pytest

from tckr_bench.components import Context
from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugins import default_registry
from tckr_bench.records import GenerationRequest, Prompts

LORA_FILE = "pytorch_lora_weights.safetensors"
OPTIONS = {"steps": 3, "batch_size": 4, "learning_rate": 0.05}


def load(family, name, **options):
    registry = default_registry()
    return registry.load(registry.use(family, name, label=name, options=options))


def stable_diffusion(model):
    return load("generator", "stable-diffusion", model=str(model), steps=3, dtype="float32")


def dark_images(count=8):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 40, (count, 32, 32, 3), dtype=np.uint8)
    texts = tuple(f"{'cat' if index % 2 else 'dog'}: {index % 3}" for index in range(count))
    return images, Prompts(texts, np.arange(count) % 2, np.arange(count))


REQUEST = GenerationRequest(dark_images(4)[1], (1, 2, 3, 4))


def adapt(generator, folder, *, seed=0, **options):
    images, prompts = dark_images()
    load("adapter", "lora", **{**OPTIONS, **options}).adapt(
        generator, images, prompts, weights=folder, seed=seed, context=Context()
    )
    return (folder / LORA_FILE).read_bytes()


@pytest.fixture(scope="module")
def weights(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    adapt(stable_diffusion(tiny_model), folder)
    return folder


def largest_difference(left, right):
    return int(np.abs(left.astype(int) - right.astype(int)).max())


def test_the_same_seed_gives_the_same_bytes(tiny_model, weights, tmp_path):
    import torch

    torch.manual_seed(123)  # the process's own random state is not looked at
    again = adapt(stable_diffusion(tiny_model), tmp_path / "again")
    assert again == (weights / LORA_FILE).read_bytes()
    assert again != adapt(stable_diffusion(tiny_model), tmp_path / "other", seed=1)


def test_the_process_random_state_is_left_alone(tiny_model, tmp_path):
    import torch

    before = torch.get_rng_state()
    adapt(stable_diffusion(tiny_model), tmp_path)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_diffusers_reads_the_file_and_makes_the_same_images(tiny_model, weights):
    import torch
    from diffusers import StableDiffusionPipeline

    generator = stable_diffusion(tiny_model)
    plain = generator.generate(REQUEST, context=Context())
    generator.restore(weights)
    ours = generator.generate(REQUEST, context=Context())
    assert largest_difference(plain, ours) > 10

    pipeline = StableDiffusionPipeline.from_pretrained(tiny_model)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_lora_weights(weights)
    theirs = pipeline(
        list(REQUEST.prompts.texts),
        generator=[torch.Generator().manual_seed(seed) for seed in REQUEST.seeds],
        num_inference_steps=3,
        guidance_scale=2.0,
        output_type="np",
    ).images
    assert largest_difference(ours, np.round(theirs * 255)) <= 2


def test_restoring_nothing_gives_the_published_model_back(tiny_model, weights, tmp_path):
    generator = stable_diffusion(tiny_model)
    plain = generator.generate(REQUEST, context=Context())
    generator.restore(weights)
    generator.generate(REQUEST, context=Context())
    generator.restore(tmp_path)
    assert np.array_equal(plain, generator.generate(REQUEST, context=Context()))


def test_adapting_leaves_the_generator_as_it_was(tiny_model, tmp_path):
    generator = stable_diffusion(tiny_model)
    plain = generator.generate(REQUEST, context=Context())
    adapt(generator, tmp_path)
    assert np.array_equal(plain, generator.generate(REQUEST, context=Context()))


def test_a_generator_that_sampled_in_low_precision_is_trained_in_full(tiny_model, weights, tmp_path):
    generator = load("generator", "stable-diffusion", model=str(tiny_model), steps=1, dtype="bfloat16")
    generator.generate(REQUEST, context=Context())
    assert adapt(generator, tmp_path) == (weights / LORA_FILE).read_bytes()


def test_the_scale_is_in_the_file(tiny_model, weights, tmp_path):
    from safetensors.numpy import load_file

    adapt(stable_diffusion(tiny_model), tmp_path, steps=1, alpha=8.0)
    names = [name for name in load_file(tmp_path / LORA_FILE) if "lora.up" in name or "lora_B" in name]
    first, scaled = load_file(weights / LORA_FILE), load_file(tmp_path / LORA_FILE)
    assert names
    assert set(first) == set(scaled)
    # One step of AdamW moves a weight that starts at zero by the learning rate; alpha / rank doubles it.
    assert max(np.abs(scaled[name]).max() for name in names) == pytest.approx(2 * 0.05, rel=1e-3)


@pytest.mark.parametrize("model", ["tiny_model", "tiny_noise_model"])
def test_training_lowers_the_loss(model, request, monkeypatch, tmp_path):
    from tckr_plugins.adapters import lora

    losses = []
    original = lora._loss

    def spy(*arguments):
        losses.append(original(*arguments))
        return losses[-1]

    monkeypatch.setattr(lora, "_loss", spy)
    generator = stable_diffusion(request.getfixturevalue(model))
    adapt(generator, tmp_path, steps=60, batch_size=8, learning_rate=0.01)
    values = [loss.item() for loss in losses]
    assert np.mean(values[-15:]) < 0.97 * np.mean(values[:15])


def test_the_target_of_a_velocity_model_is_the_velocity():
    import torch
    from diffusers import DDPMScheduler
    from tckr_plugins.adapters import lora

    scheduler = DDPMScheduler(prediction_type="v_prediction")
    latents, noise, level = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 5.0), torch.tensor([400])
    batch = lora._Batch(latents, noise, level, torch.zeros(1, 1, 1))
    signal = scheduler.alphas_cumprod[400].item()
    # v = sqrt(a) * noise - sqrt(1 - a) * latents (Salimans and Ho 2022, appendix D)
    expected = signal**0.5 * 5 - (1 - signal) ** 0.5 * 3
    assert lora._target(scheduler, batch).item() == pytest.approx(expected, rel=1e-5)
    assert lora._target(DDPMScheduler(prediction_type="epsilon"), batch) is noise


def test_flips_and_dropped_prompts_are_used(tiny_model, weights, tmp_path):
    plain = (weights / LORA_FILE).read_bytes()
    assert adapt(stable_diffusion(tiny_model), tmp_path / "flip", flip=True) != plain
    assert adapt(stable_diffusion(tiny_model), tmp_path / "drop", prompt_dropout=0.9) != plain


def test_an_epoch_sees_every_image_once(tiny_model):
    import torch
    from tckr_plugins.adapters import lora

    images, prompts = dark_images(7)
    examples = lora._Examples(stable_diffusion(tiny_model).pipeline, images, prompts, flip=False)
    seen = []
    examples._batch = lambda chosen, *_arguments, **_options: seen.extend(chosen.tolist())
    batches = examples.batches(3, 0.0, levels=1000, random=torch.Generator().manual_seed(0))
    for _ in range(3):
        next(batches)
    assert sorted(seen) == list(range(7))


def test_a_generator_without_a_pipeline_is_one_sentence(tmp_path):
    with pytest.raises(TckrError, match="cannot train a NoiseGenerator"):
        adapt(load("generator", "noise"), tmp_path)


def test_no_images_is_one_sentence(tiny_model, tmp_path):
    nothing = np.zeros((0, 32, 32, 3), dtype=np.uint8), dark_images(0)[1]
    with pytest.raises(TckrError, match="no images to learn from"):
        load("adapter", "lora").adapt(
            stable_diffusion(tiny_model), *nothing, weights=tmp_path, seed=0, context=Context()
        )


def test_unknown_targets_are_one_sentence(tiny_model, tmp_path):
    with pytest.raises(TckrError, match="option 'targets'"):
        adapt(stable_diffusion(tiny_model), tmp_path, targets=("to_nowhere",))


def test_none_writes_nothing(tmp_path):
    images, prompts = dark_images()
    load("adapter", "none").adapt(
        load("generator", "noise"), images, prompts, weights=tmp_path, seed=0, context=Context()
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [{"rank": 0}, {"targets": ()}, {"learning_rate": 0}, {"prompt_dropout": 1.0}, {"ranks": 4}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        default_registry().use("adapter", "lora", label="x", options=options)
