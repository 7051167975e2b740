import json

import numpy as np
import pytest

from tckr_bench.errors import TckrError
from tckr_bench.records import Prompts


@pytest.fixture(scope="module")
def generator(lab, tiny_model):
    return lab.stable_diffusion(tiny_model)


def learned(lab, generator, folder, **options):
    from safetensors.numpy import load

    written = lab.adapt(generator, folder, "textual-inversion", **options)
    return load(written["learned_embeds.safetensors"]), json.loads(written["prompt_tokens.json"])


def embedding_of(generator, word):
    pipeline = generator.pipeline
    ids = pipeline.tokenizer(word, add_special_tokens=False).input_ids
    return pipeline.text_encoder.get_input_embeddings().weight.detach().numpy()[ids]


@pytest.mark.parametrize("vectors", [1, 3])
def test_each_class_has_its_own_vectors(lab, generator, tmp_path, vectors):
    embeddings, tokens = learned(lab, generator, tmp_path, vectors_per_class=vectors)
    assert tokens == {"dog": "<class-0>", "cat": "<class-1>"}  # in the order of the labels
    assert set(embeddings) == set(tokens.values())
    assert {tensor.shape for tensor in embeddings.values()} == {(vectors, 16)}
    assert not np.allclose(embeddings["<class-0>"], embeddings["<class-1>"])


@pytest.mark.parametrize(("word", "expected"), [(None, "dog"), ("bird", "bird")])
def test_a_word_begins_as_the_mean_of_its_name_s_tokens(lab, generator, tmp_path, word, expected):
    embeddings, _ = learned(lab, generator, tmp_path, initial_word=word, learning_rate=1e-9)
    tokens = embedding_of(generator, expected)
    assert len(tokens) > 1
    assert np.allclose(embeddings["<class-0>"][0], tokens.mean(axis=0), atol=1e-6)


def test_captions_with_other_names_are_told_apart(lab, generator, tmp_path):
    """A class that no prompt shows learns nothing; one that only another's captions show does."""
    images, prompts = lab.dark_images()
    texts = tuple(text if text.startswith("dog") else "cat: a dog" for text in prompts.texts)
    data = images, Prompts(texts, prompts.labels, prompts.sources)
    only_cats = images[1::2], Prompts(texts[1::2], prompts.labels[1::2], prompts.sources[1::2])
    both, _ = learned(lab, generator, tmp_path / "both", data=data)
    one, tokens = learned(lab, generator, tmp_path / "one", data=only_cats)
    assert set(both) == {"<class-0>", "<class-1>"}
    assert tokens == {"cat": "<class-0>"}
    assert set(one) == {"<class-0>"}


def test_prompts_of_class_names_alone_will_do(lab, generator, tmp_path):
    images, prompts = lab.dark_images()
    names = Prompts(tuple(text[:3] for text in prompts.texts), prompts.labels, prompts.sources)
    assert learned(lab, generator, tmp_path, data=(images, names))[1] == {"dog": "<class-0>", "cat": "<class-1>"}


@pytest.mark.parametrize("texts", [("a dog", "cat: 1", "a hound", "cat: 2"), (": x", "cat: 1"), ("", "cat")])
def test_prompts_without_a_class_name_are_one_sentence(lab, generator, tmp_path, texts):
    images, prompts = lab.dark_images(len(texts))
    with pytest.raises(TckrError, match=r"needs prompts of the form '<class name>: <caption>', and found '.*'; use"):
        learned(lab, generator, tmp_path, data=(images, Prompts(texts, prompts.labels, prompts.sources)))


def test_the_text_encoder_is_left_as_it_was(lab, tiny_model, tmp_path):
    import torch

    generator = lab.stable_diffusion(tiny_model)
    pipeline = generator.pipeline
    before, words = pipeline.text_encoder.get_input_embeddings(), len(pipeline.tokenizer)
    weight = before.weight.detach().clone()
    learned(lab, generator, tmp_path)
    assert pipeline.text_encoder.get_input_embeddings() is before
    assert torch.equal(before.weight, weight)
    assert len(pipeline.tokenizer) == words
