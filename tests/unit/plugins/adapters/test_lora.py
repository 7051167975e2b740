import numpy as np
import pytest

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context

LORA_FILE = "pytorch_lora_weights.safetensors"


@pytest.fixture(scope="module")
def weights(lab, tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    lab.adapt(lab.stable_diffusion(tiny_model), folder)
    return folder


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_diffusers_reads_the_file_and_makes_the_same_images(lab, tiny_model, weights):
    import torch
    from diffusers import StableDiffusionPipeline

    generator = lab.stable_diffusion(tiny_model)
    plain = generator.generate(lab.request, context=Context())
    generator.restore(weights)
    ours = generator.generate(lab.request, context=Context())
    assert lab.largest_difference(plain, ours) > 10

    pipeline = StableDiffusionPipeline.from_pretrained(tiny_model)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_lora_weights(weights)
    theirs = pipeline(
        list(lab.request.prompts.texts),
        generator=[torch.Generator().manual_seed(seed) for seed in lab.request.seeds],
        num_inference_steps=3,
        guidance_scale=2.0,
        output_type="np",
    ).images
    assert lab.largest_difference(ours, np.round(theirs * 255)) <= 2


def test_a_generator_that_sampled_in_low_precision_is_trained_in_full(lab, tiny_model, weights, tmp_path):
    generator = lab.stable_diffusion(tiny_model, steps=1, dtype="bfloat16")
    generator.generate(lab.request, context=Context())
    assert lab.adapt(generator, tmp_path)[LORA_FILE] == (weights / LORA_FILE).read_bytes()


def test_the_scale_is_in_the_file(lab, tiny_model, weights, tmp_path):
    from safetensors.numpy import load_file

    lab.adapt(lab.stable_diffusion(tiny_model), tmp_path, steps=1, alpha=8.0)
    names = [name for name in load_file(tmp_path / LORA_FILE) if "lora.up" in name or "lora_B" in name]
    first, scaled = load_file(weights / LORA_FILE), load_file(tmp_path / LORA_FILE)
    assert names
    assert set(first) == set(scaled)
    # One step of AdamW moves a weight that starts at zero by the learning rate; alpha / rank doubles it.
    assert max(np.abs(scaled[name]).max() for name in names) == pytest.approx(2 * 0.05, rel=1e-3)


def test_flips_and_dropped_prompts_are_used(lab, tiny_model, weights, tmp_path):
    generator, plain = lab.stable_diffusion(tiny_model), (weights / LORA_FILE).read_bytes()
    assert lab.adapt(generator, tmp_path / "flip", flip=True)[LORA_FILE] != plain
    assert lab.adapt(generator, tmp_path / "drop", prompt_dropout=0.9)[LORA_FILE] != plain


@pytest.mark.parametrize("adapter", ["lora", "dora"])
def test_unknown_targets_are_one_sentence(lab, tiny_model, tmp_path, adapter):
    with pytest.raises(TckrError, match=f"option 'targets' of the adapter '{adapter}'"):
        lab.adapt(lab.stable_diffusion(tiny_model), tmp_path, adapter, targets=("to_nowhere",))


def test_the_paper_s_values_on_lora_are_lora_paper(lab, tiny_model, tmp_path):
    generator = lab.stable_diffusion(tiny_model)
    named = lab.adapt(generator, tmp_path / "named", "lora-paper")
    values = {"flip": True, "prompt_dropout": 0.0, "precision": "float16"}
    assert named == lab.adapt(generator, tmp_path / "spelled", "lora", **values)


def test_every_projection_of_dora_has_a_trained_magnitude(lab, tiny_model, tmp_path):
    from safetensors.numpy import load_file

    generator = lab.stable_diffusion(tiny_model)
    lab.adapt(generator, tmp_path, "dora")
    tensors, unet = load_file(tmp_path / LORA_FILE), generator.pipeline.unet.state_dict()
    magnitudes = [name for name in tensors if "magnitude" in name]
    assert len(magnitudes) == len(tensors) // 3
    for name in magnitudes:
        layer = name.removeprefix("unet.").partition(".lora_magnitude_vector")[0]
        # Liu et al. 2024, eq. 5: the magnitude begins as the norm of the weight's rows (of its columns, in the paper).
        begin = np.linalg.norm(unet[f"{layer}.weight"].numpy(), axis=1)
        moved = np.abs(tensors[name].ravel() - begin)
        assert 0.01 < moved.max() < 4 * 0.05 + 0.05, name
