import numpy as np
import pytest


@pytest.fixture(scope="module")
def generator(lab, tiny_model):
    return lab.stable_diffusion(tiny_model)


def state(lab, generator, folder, **options):
    from safetensors.numpy import load

    return load(lab.adapt(generator, folder, "full", **options)["unet.safetensors"])


@pytest.mark.parametrize(("parts", "pattern"), [("all", ""), ("attention", ".attn"), ("cross-attention", ".attn2.")])
def test_only_the_named_parts_change(lab, generator, tmp_path, parts, pattern):
    trained = state(lab, generator, tmp_path, parts=parts)
    before = {name: tensor.numpy() for name, tensor in generator.pipeline.unet.state_dict().items()}
    assert set(trained) == set(before)
    changed = {name for name in before if not np.array_equal(trained[name], before[name])}
    assert changed
    assert all(pattern in name for name in changed)
    assert parts != "all" or len(changed) > 0.9 * len(before)


def test_the_moving_average_is_the_average(lab, generator, tmp_path):
    """Against the weights after each step, averaged here."""
    before = {name: tensor.numpy().copy() for name, tensor in generator.pipeline.unet.state_dict().items()}
    after = [state(lab, generator, tmp_path / f"{steps}", steps=steps) for steps in (1, 2, 3)]
    averaged = state(lab, generator, tmp_path / "average", steps=3, ema=0.25)
    name = "conv_in.weight"
    expected = before[name]
    for weights, decay in zip(after, (2 / 11, 3 / 12, 0.25), strict=True):
        expected = decay * expected + (1 - decay) * weights[name]
    assert np.allclose(averaged[name], expected, atol=1e-6)
    assert not np.allclose(averaged[name], after[-1][name], atol=1e-6)


def test_a_file_of_half_precision_is_half_as_large_and_nearly_the_same(lab, generator, tmp_path):
    whole = state(lab, generator, tmp_path / "whole")
    half = state(lab, generator, tmp_path / "half", file_dtype="float16")
    assert all(tensor.dtype == np.float16 for tensor in half.values())
    assert all(np.allclose(half[name], whole[name], atol=1e-3) for name in whole)
