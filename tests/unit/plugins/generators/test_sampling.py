"""Laws of batches: memory that runs out costs speed alone."""

import numpy as np
import pytest
import torch
from tckr_plugins.generators import sampling
from tckr_plugins.generators.sampling import SampledBatches, default_batch_size, to_pixels

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts


def run(batches, count, *, room):
    made, tried = [], []

    def make(chosen):
        tried.append(chosen.stop - chosen.start)
        if tried[-1] > room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        made.extend(range(chosen.start, chosen.stop))

    done = list(batches.run(count, make))
    return made, tried, done


def test_a_batch_that_does_not_fit_is_halved_for_good():
    batches = SampledBatches(8)
    made, tried, done = run(batches, 7, room=2)
    assert made == list(range(7))
    assert tried == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert done == [1, 2, 3, 4, 5, 6, 7]
    assert run(batches, 2, room=2)[1] == [1, 1]


def test_no_memory_for_one_image_is_one_sentence():
    with pytest.raises(TckrError, match=r"no memory for a single image; set 'offload'"):
        run(SampledBatches(4), 4, room=0)


def test_images_are_the_same_when_memory_runs_out(tiny_model, monkeypatch):
    registry = default_registry()
    options = {"model": str(tiny_model), "steps": 2, "dtype": "float32"}
    prompts = Prompts(("a", "b", "c"), np.zeros(3, dtype=np.int64), np.arange(3))
    request = GenerationRequest(prompts, (1, 2, 3))

    def load():
        return registry.load(registry.use("generator", "stable-diffusion", label="sd", options=options))

    expected = load().generate(request, context=Context())
    original = sampling.EncodedSampler.sample

    def small(self, texts, seeds):
        if len(texts) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return original(self, texts, seeds)

    monkeypatch.setattr(sampling.EncodedSampler, "sample", small)
    found = load().generate(request, context=Context())
    assert np.abs(found.astype(int) - expected).max() <= 2


def test_the_default_batch_follows_the_free_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (16 * 2**30, 24 * 2**30))
    sizes = [default_batch_size(size, "cuda", torch.float16) for size in (32, 224, 512, 1024, 4096)]
    assert sizes == [64, 64, 25, 6, 1]
    assert default_batch_size(512, "cuda", torch.float32) == 12


def test_images_that_are_not_numbers_are_one_sentence():
    with pytest.raises(TckrError, match=r"not numbers.*set the option 'dtype'"):
        to_pixels(np.array([0.5, np.nan]), "some model")


def test_compiling_and_training_use_different_networks(tiny_model, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(self))
    registry = default_registry()
    options = {"model": str(tiny_model), "steps": 2, "dtype": "float32", "compile": True}
    generator = registry.load(registry.use("generator", "stable-diffusion", label="sd", options=options))
    prompts = Prompts(("a",), np.zeros(1, dtype=np.int64), np.arange(1))
    for _ in range(2):
        generator.generate(GenerationRequest(prompts, (1,)), context=Context())
    assert len(compiled) == 1
    assert generator.pipeline.unet is not compiled[0]


def test_another_autoencoder_decodes(tiny_model, tiny_noise_model, tmp_path):
    import shutil

    from diffusers import AutoencoderKL

    shutil.copytree(tiny_model / "vae", tmp_path / "vae")
    other = AutoencoderKL.from_pretrained(tmp_path / "vae")
    with torch.no_grad():
        other.decoder.conv_out.bias += 0.5
    other.save_pretrained(tmp_path / "vae")
    registry = default_registry()
    prompts = Prompts(("a",), np.zeros(1, dtype=np.int64), np.arange(1))
    made, identities = [], set()
    for vae in (None, str(tiny_model), str(tmp_path / "vae")):
        options = {"model": str(tiny_model), "steps": 2, "dtype": "float32", "vae": vae}
        use = registry.use("generator", "stable-diffusion", label="sd", options=options)
        identities.add(use.identity)
        made.append(registry.load(use).generate(GenerationRequest(prompts, (1,)), context=Context()))
    assert np.array_equal(made[0], made[1])
    assert made[2].mean() > made[0].mean() + 30
    assert len(identities) == 3
