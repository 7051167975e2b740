import json

import numpy as np
import pytest

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context

LORA_FILE = "pytorch_lora_weights.safetensors"


@pytest.fixture(scope="module")
def generator(lab, tiny_model):
    return lab.stable_diffusion(tiny_model)


@pytest.fixture(scope="module")
def whole(lab, generator, tmp_path_factory):
    """Weights after four steps on batches of four."""
    from safetensors.numpy import load

    return load(lab.adapt(generator, tmp_path_factory.mktemp("whole"))[LORA_FILE])


def assert_equal_up_to_rounding(written, whole):
    from safetensors.numpy import load

    others = load(written[LORA_FILE])
    assert set(others) == set(whole)
    for name, tensor in whole.items():
        # AdamW divides by the gradient's size, so rounding shows where the gradient is about nothing.
        assert np.median(np.abs(others[name] - tensor)) < 1e-4, name


def report_of(written):
    return json.loads(written["adaptation.json"])


def fail_above(monkeypatch, limit, *, after_backward=False):
    """Let the accelerator hold at most `limit` images; return the sizes of the batches that were tried."""
    import torch
    from tckr_plugins.adapters import training

    original, tried = training.denoising_loss, []

    def loss(unet, scheduler, batch, encoding):
        tried.append(len(batch))
        found = original(unet, scheduler, batch, encoding)
        if len(batch) > limit:
            if after_backward:  # gradients are there already when the memory runs out
                found.backward()
            raise torch.OutOfMemoryError("no memory")
        return found

    monkeypatch.setattr(training, "denoising_loss", loss)
    return tried


@pytest.mark.parametrize("sizes", [(1, 4), (2, 2), (3, 2)])
def test_accumulated_batches_are_one_large_batch(lab, generator, tmp_path, sizes):
    from safetensors.numpy import load

    batch_size, accumulation = sizes
    large = load(lab.adapt(generator, tmp_path / "large", batch_size=batch_size * accumulation)[LORA_FILE])
    parts = lab.adapt(generator, tmp_path / "parts", batch_size=batch_size, accumulation=accumulation)
    assert_equal_up_to_rounding(parts, large)
    assert report_of(parts)["images_at_once"] == batch_size


@pytest.mark.parametrize("after_backward", [False, True])
def test_where_memory_runs_out_smaller_batches_learn_the_same(
    lab, generator, whole, tmp_path, monkeypatch, after_backward
):
    tried = fail_above(monkeypatch, 1, after_backward=after_backward)
    written = lab.adapt(generator, tmp_path, batch_size=4)
    assert tried == [4, 2, *[1] * 16]  # halved once and for all, no step lost
    assert_equal_up_to_rounding(written, whole)
    assert report_of(written)["images_at_once"] == 1
    assert report_of(written)["images_seen"] == 16


def test_no_memory_for_one_image_is_one_sentence(lab, generator, tmp_path, monkeypatch):
    fail_above(monkeypatch, 0)
    with pytest.raises(TckrError, match=r"does not hold the training of one image; set .* 'gradient_checkpointing'"):
        lab.adapt(generator, tmp_path)


def test_gradient_checkpointing_changes_memory_alone(lab, generator, whole, tmp_path):
    assert_equal_up_to_rounding(lab.adapt(generator, tmp_path, gradient_checkpointing=True), whole)
    assert not generator.pipeline.unet.is_gradient_checkpointing


def test_low_precision_changes_little(lab, generator, tmp_path):
    full, low = (
        report_of(lab.adapt(generator, tmp_path / name, precision=name, steps=20, learning_rate=1e-3))
        for name in ("float32", "bfloat16")
    )
    assert full != low
    assert low["last_loss"] == pytest.approx(full["last_loss"], rel=0.02)


def test_a_processor_takes_float32_for_float16(lab, generator, whole, tmp_path):
    from safetensors.numpy import load

    written = load(lab.adapt(generator, tmp_path, precision="float16")[LORA_FILE])
    assert all(np.array_equal(written[name], tensor) for name, tensor in whole.items())


def test_progress_rises_to_one_in_the_steps_of_the_epochs(lab, generator, tmp_path):
    seen = []
    written = lab.adapt(generator, tmp_path, steps=None, epochs=2, batch_size=3, context=Context(progress=seen.append))
    # Eight images in batches of three are three steps, and the last of them sees two images.
    assert seen == pytest.approx([step / 6 for step in range(1, 7)])
    assert report_of(written)["steps"] == 6
    assert report_of(written)["images_seen"] == 16


def test_the_target_of_a_velocity_model_is_the_velocity():
    import torch
    from diffusers import DDPMScheduler
    from tckr_plugins.adapters.examples import Batch
    from tckr_plugins.adapters.training import prediction_target

    scheduler = DDPMScheduler(prediction_type="v_prediction")
    latents, noise, level = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 5.0), torch.tensor([400])
    batch = Batch(latents, noise, level, ("",))
    signal = scheduler.alphas_cumprod[400].item()
    # v = sqrt(a) * noise - sqrt(1 - a) * latents (Salimans and Ho 2022, appendix D)
    expected = signal**0.5 * 5 - (1 - signal) ** 0.5 * 3
    assert prediction_target(scheduler, batch).item() == pytest.approx(expected, rel=1e-5)
    assert prediction_target(DDPMScheduler(prediction_type="epsilon"), batch) is noise
    assert prediction_target(DDPMScheduler(prediction_type="sample"), batch) is latents


def test_a_model_that_predicts_noise_is_trained(lab, tiny_noise_model, tmp_path):
    options = {"steps": 100, "batch_size": 8, "learning_rate": 0.01}
    report = report_of(lab.adapt(lab.stable_diffusion(tiny_noise_model), tmp_path, **options))
    assert report["last_loss"] < 0.97 * report["first_loss"]
