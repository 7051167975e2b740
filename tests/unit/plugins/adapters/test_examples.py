import pytest


@pytest.fixture(scope="module")
def pipeline(lab, tiny_model):
    return lab.stable_diffusion(tiny_model).pipeline


def batches(examples, size, dropout=0.0):
    import torch

    return examples.batches(size, dropout, levels=1000, random=torch.Generator().manual_seed(0))


def test_an_epoch_sees_every_image_once(lab, pipeline):
    from tckr_plugins.adapters.examples import Examples

    from tckr_bench.records import Prompts

    images, prompts = lab.dark_images(7)
    named = Prompts(tuple(f"image {index}" for index in range(7)), prompts.labels, prompts.sources)
    drawn = batches(Examples(pipeline, images, named, flip=False), 3)
    first, second = ([text for _ in range(3) for text in next(drawn).texts] for _ in range(2))
    assert sorted(first) == sorted(second) == sorted(named.texts)
    assert first != second


def test_the_share_of_emptied_prompts_is_the_option_s(lab, pipeline):
    from tckr_plugins.adapters.examples import Examples

    drawn = batches(Examples(pipeline, *lab.dark_images(8), flip=False), 8, dropout=0.25)
    texts = [text for _ in range(100) for text in next(drawn).texts]
    assert 0.2 < texts.count("") / len(texts) < 0.3


def test_half_of_the_images_are_mirrored(lab, pipeline):
    import numpy as np
    import torch
    from tckr_plugins.adapters.examples import Examples, encode_images

    images, prompts = lab.dark_images(1)
    means = [encode_images(pipeline, view)[0] for view in (images, images[:, :, ::-1])]
    assert not torch.equal(*means)
    drawn = batches(Examples(pipeline, images, prompts, flip=True), 1)
    nearest = [
        int(np.argmin([(batch.latents - mean).abs().sum() for mean in means]))
        for batch in (next(drawn) for _ in range(100))
    ]
    assert 30 < sum(nearest) < 70


def test_images_and_prompts_are_encoded_the_same_in_smaller_portions(lab, pipeline, monkeypatch):
    import torch
    from tckr_plugins.adapters import examples

    images, _ = lab.dark_images(5)
    whole = examples.encode_images(pipeline, images)
    monkeypatch.setattr(examples, "_ENCODING_BATCH", 2)
    for left, right in zip(whole, examples.encode_images(pipeline, images), strict=True):
        assert torch.allclose(left, right, atol=1e-5)


def test_prompts_that_memory_does_not_hold_are_encoded_when_needed(pipeline, monkeypatch):
    import torch
    from tckr_plugins.adapters import examples
    from tckr_plugins.generators.stable_diffusion import encode_prompts

    texts = ["cat: 1", "dog: 2", "cat: 1"]
    known = examples.FrozenTextEncoding(pipeline, texts, torch.float32)(["dog: 2", "", "cat: 1"])
    monkeypatch.setattr(examples, "_EMBEDDINGS_BUDGET", 0)
    fresh = examples.FrozenTextEncoding(pipeline, texts, torch.float32)(["dog: 2", "", "cat: 1"])
    assert torch.allclose(known, fresh, atol=1e-5)
    with torch.no_grad():
        assert torch.allclose(known, encode_prompts(pipeline, ["dog: 2", "", "cat: 1"]), atol=1e-5)
