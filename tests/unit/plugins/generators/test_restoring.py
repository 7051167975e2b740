"""Laws of what an adapter leaves: whole networks, learned tokens, and the words they stand for."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tckr_plugins.generators.models import EMBEDDINGS_FILE, PROMPT_TOKENS_FILE, UNET_FILE

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts


def load(model, **options):
    registry = default_registry()
    options = {"model": str(model), "steps": 2, "dtype": "float32", **options}
    return registry.load(registry.use("generator", "stable-diffusion", label="sd", options=options))


def images(generator, *texts):
    count = len(texts)
    prompts = Prompts(texts, np.zeros(count, dtype=np.int64), np.arange(count))
    return generator.generate(GenerationRequest(prompts, (3,) * count), context=Context())


def test_a_whole_network_replaces_the_models_own(tiny_model, tmp_path):
    generator = load(tiny_model)
    plain = images(generator, "a cat")
    state = {name: tensor * 1.5 for name, tensor in generator.pipeline.unet.state_dict().items()}
    save_file(state, tmp_path / UNET_FILE)
    generator.restore(tmp_path)
    found = generator.pipeline.unet.state_dict()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert not np.array_equal(images(generator, "a cat"), plain)
    (tmp_path / "empty").mkdir()
    generator.restore(tmp_path / "empty")
    assert np.array_equal(images(generator, "a cat"), plain)


@pytest.mark.parametrize("wrong", ["missing", "further", "shape"])
def test_a_network_of_another_model_is_one_sentence(tiny_model, tmp_path, wrong):
    generator = load(tiny_model)
    state = dict(generator.pipeline.unet.state_dict())
    if wrong == "missing":
        del state["conv_in.bias"]
    elif wrong == "further":
        state["conv_in.scale"] = torch.ones(1)
    else:
        state["conv_in.bias"] = torch.ones(3)
    save_file(state, tmp_path / UNET_FILE)
    generator.restore(tmp_path)
    with pytest.raises(TckrError, match=r"1 tensors differ, first 'conv_in\.(bias|scale)'"):
        images(generator, "a cat")


def test_learned_tokens_stand_for_class_words(tiny_model, tmp_path):
    random = torch.Generator().manual_seed(0)
    learned = {"<cat>": torch.randn(2, 16, generator=random), "<dog>": torch.randn(1, 16, generator=random)}
    save_file(learned, tmp_path / EMBEDDINGS_FILE)
    (tmp_path / PROMPT_TOKENS_FILE).write_text(json.dumps({"cat": "<cat>", "dog": "<dog>"}))
    generator = load(tiny_model)
    plain = images(generator, "cat: a", "dog: a", "bird: a")
    generator.restore(tmp_path)
    adapted = images(generator, "cat: a", "dog: a", "bird: a")
    assert [np.array_equal(*pair) for pair in zip(plain, adapted, strict=True)] == [False, False, True]
    tokenizer, encoder = generator.pipeline.tokenizer, generator.pipeline.text_encoder
    table = encoder.get_input_embeddings().weight
    for index, name in enumerate(("<cat>", "<cat>_1")):
        assert torch.equal(table[tokenizer.convert_tokens_to_ids(name)], learned["<cat>"][index])
    written = images(generator, "<cat>: a", "dog: a", "bird: a")
    assert np.array_equal(written, adapted)


@pytest.mark.parametrize(
    ("name", "width", "message"), [("<cat>", 17, r"needs \(vectors, 16\)"), ("a", 16, "already a word")]
)
def test_tokens_of_another_model_are_one_sentence(tiny_model, tmp_path, name, width, message):
    save_file({name: torch.ones(1, width)}, tmp_path / EMBEDDINGS_FILE)
    generator = load(tiny_model)
    generator.restore(tmp_path)
    with pytest.raises(TckrError, match=message):
        images(generator, "a cat")


@pytest.mark.parametrize("text", ["[1]", '{"cat": 1}', "{"])
def test_damaged_prompt_tokens_are_one_sentence(tiny_model, tmp_path, text):
    (tmp_path / PROMPT_TOKENS_FILE).write_text(text)
    with pytest.raises(TckrError, match=r"prompt_tokens\.json"):
        load(tiny_model).restore(tmp_path)
