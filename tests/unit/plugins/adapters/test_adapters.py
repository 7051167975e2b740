"""Laws of every adapter."""

from dataclasses import replace

import numpy as np
import pytest

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry

TRAINED = ["lora", "dora", "dp-lora", "full", "textual-inversion"]


@pytest.fixture(scope="module")
def written(tiny_model, tmp_path_factory, lab):
    """Folder of weights that each adapter wrote."""
    folders = {}
    for adapter in TRAINED:
        folders[adapter] = tmp_path_factory.mktemp(adapter)
        lab.adapt(lab.stable_diffusion(tiny_model), folders[adapter], adapter)
    return folders


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("adapter", TRAINED)
def test_the_same_seed_gives_the_same_bytes(lab, tiny_model, written, tmp_path, adapter):
    import torch

    torch.manual_seed(123)  # the process's own random state is neither looked at nor changed
    before = torch.get_rng_state()
    generator = lab.stable_diffusion(tiny_model)
    again = lab.adapt(generator, tmp_path / "again", adapter)
    assert torch.equal(before, torch.get_rng_state())
    assert again == contents(written[adapter])
    assert again != lab.adapt(generator, tmp_path / "other", adapter, seed=1)


@pytest.mark.parametrize("adapter", TRAINED)
def test_adapting_leaves_the_generator_as_it_was(lab, tiny_model, tmp_path, adapter):
    generator = lab.stable_diffusion(tiny_model)
    plain = generator.generate(lab.request, context=Context())
    lab.adapt(generator, tmp_path / "first", adapter)
    assert np.array_equal(plain, generator.generate(lab.request, context=Context()))
    assert contents(tmp_path / "first") == lab.adapt(generator, tmp_path / "second", adapter)


@pytest.mark.parametrize("adapter", TRAINED)
def test_restored_weights_make_other_images_and_the_same_each_time(lab, tiny_model, written, tmp_path, adapter):
    generator = lab.stable_diffusion(tiny_model)
    plain = generator.generate(lab.request, context=Context())
    generator.restore(written[adapter])
    adapted = generator.generate(lab.request, context=Context())
    assert lab.largest_difference(plain, adapted) > 10
    generator.restore(written[adapter])
    assert np.array_equal(adapted, generator.generate(lab.request, context=Context()))
    generator.restore(tmp_path)
    assert np.array_equal(plain, generator.generate(lab.request, context=Context()))


@pytest.mark.parametrize(
    ("adapter", "options"),
    [
        ("lora", {"alpha": 8.0}),
        ("dora", {"alpha": 2.0}),
        ("full", {}),
        ("full", {"parts": "cross-attention"}),
        ("textual-inversion", {"vectors_per_class": 2}),
    ],
)
def test_what_is_restored_computes_what_was_trained(lab, tiny_model, tmp_path, monkeypatch, adapter, options):
    """The denoiser and the text encoder, as they were at the moment of saving, and as they are restored."""
    import torch
    from tckr_plugins.adapters.training import _Training
    from tckr_plugins.generators.stable_diffusion import encode_prompts

    texts = ["cat: 1", "dog: 2", "a cat and a dog"]
    generator = torch.Generator().manual_seed(0)
    noisy, level = torch.randn(3, 4, 8, 8, generator=generator), torch.tensor([10, 500, 900])
    outputs = {}

    def run(self, examples, encoding, random):
        report = original(self, examples, encoding, random)
        self._unet.eval()
        with torch.no_grad():
            # A frozen encoding knows its own prompts only.
            embeddings = encoding(texts) if adapter == "textual-inversion" else encoding._encode(texts)
            outputs["trained"] = self._unet(noisy, level, embeddings)[0]
        return report

    original = _Training.run
    monkeypatch.setattr(_Training, "run", run)
    lab.adapt(lab.stable_diffusion(tiny_model), tmp_path, adapter, **options)
    restored = lab.stable_diffusion(tiny_model)
    for name, folder in (("plain", tmp_path / "nothing"), ("restored", tmp_path)):
        restored.restore(folder)
        pipeline = restored.pipeline
        with torch.no_grad():
            embeddings = encode_prompts(pipeline, [restored._weights.rewrite(text) for text in texts])
            outputs[name] = pipeline.unet(noisy, level, embeddings)[0]
    assert (outputs["plain"] - outputs["trained"]).abs().max() > 0.01
    assert torch.allclose(outputs["restored"], outputs["trained"], atol=2e-5)


def loss_of(generator, images, prompts):
    """Mean loss on the images, at the same times and with the same noise each time."""
    import torch
    from diffusers import DDPMScheduler
    from tckr_plugins.adapters.examples import Examples, FrozenTextEncoding
    from tckr_plugins.adapters.training import denoising_loss

    pipeline = generator.pipeline
    texts = tuple(generator._weights.rewrite(text) for text in prompts.texts)
    examples = Examples(pipeline, images, replace(prompts, texts=texts), flip=False)
    encoding = FrozenTextEncoding(pipeline, texts, torch.float32)
    scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    drawn = examples.batches(len(images), 0.0, levels=1000, random=torch.Generator().manual_seed(5))
    with torch.no_grad():
        return np.mean([denoising_loss(pipeline.unet, scheduler, next(drawn), encoding).item() for _ in range(20)])


@pytest.mark.parametrize("adapter", TRAINED)
def test_what_is_learned_fits_the_images_better(lab, tiny_model, tmp_path, adapter):
    generator, data = lab.stable_diffusion(tiny_model), lab.dark_images()
    before = loss_of(generator, *data)
    rate = {"full": 1e-3, "textual-inversion": 0.03}.get(adapter, 0.01)
    lab.adapt(generator, tmp_path, adapter, steps=60, batch_size=8, learning_rate=rate, data=data)
    generator.restore(tmp_path)
    # New words tell a random network little; the others change what it computes.
    assert loss_of(generator, *data) < (0.999 if adapter == "textual-inversion" else 0.9) * before


@pytest.mark.parametrize("adapter", TRAINED)
def test_a_generator_without_a_pipeline_is_one_sentence(lab, tmp_path, adapter):
    with pytest.raises(TckrError, match=f"'{adapter}' cannot train a NoiseGenerator"):
        lab.adapt(lab.load("generator", "noise"), tmp_path, adapter)


def test_a_pipeline_of_another_family_is_one_sentence(lab, tmp_path):
    from diffusers import DiffusionPipeline

    class OtherPipeline(DiffusionPipeline):
        pass

    class Other:
        pipeline = OtherPipeline()

    with pytest.raises(TckrError, match="'full' cannot train a OtherPipeline, only a StableDiffusionPipeline"):
        lab.adapt(Other(), tmp_path, "full")


def test_no_images_is_one_sentence(lab, tiny_model, tmp_path):
    nothing = np.zeros((0, 32, 32, 3), dtype=np.uint8), lab.dark_images(0)[1]
    with pytest.raises(TckrError, match="no images to learn from"):
        lab.adapt(lab.stable_diffusion(tiny_model), tmp_path, data=nothing)


def test_none_writes_nothing(lab, tmp_path):
    images, prompts = lab.dark_images()
    lab.load("adapter", "none").adapt(
        lab.load("generator", "noise"), images, prompts, weights=tmp_path, seed=0, context=Context()
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("adapter", "options"),
    [
        ("lora", {"rank": 0}),
        ("lora", {"targets": ()}),
        ("lora", {"learning_rate": 0}),
        ("lora", {"prompt_dropout": 1.0}),
        ("lora", {"ranks": 4}),
        ("lora", {"precision": "int8"}),
        ("dora", {"accumulation": 0}),
        ("dp-lora", {"epsilon": 0}),
        ("dp-lora", {"delta": 1.0}),
        ("dp-lora", {"clip_norm": 0}),
        ("dp-lora", {"draws": 0}),
        ("dp-lora", {"gradient_clip": 1.0}),
        ("full", {"ema": 1.0}),
        ("full", {"parts": "nothing"}),
        ("textual-inversion", {"vectors_per_class": 0}),
    ],
)
def test_options_out_of_range_are_refused(adapter, options):
    with pytest.raises(OptionError):
        default_registry().use("adapter", adapter, label="x", options=options)


def test_the_paper_s_hyper_parameters_are_one_name_and_stand_in_the_record():
    used = default_registry().use("adapter", "lora-paper", label="x", options={"targets": ["to_q"]})
    paper = {
        "rank": 4,
        "alpha": None,
        "epochs": 3,
        "learning_rate": 1e-4,
        "weight_decay": 1e-2,
        "flip": True,
        "precision": "float16",
        "targets": ["to_q"],
    }
    assert {name: used.options[name] for name in paper} == paper
    assert used.options["batch_size"] * used.options["accumulation"] == 4


def test_operations_are_those_of_all_epochs():
    component = default_registry().get("adapter", "lora-paper").component
    assert component.operations(component.parse_options({})) == pytest.approx(3 * 0.28e12)
    assert component.operations(component.parse_options({"steps": 5})) is None
