"""The image-to-text captioners, on small models with random weights in the real file formats."""

import json
import shutil
import time

import numpy as np
import pytest

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.testing import check_captioner

NAMES = ("cat", "dog", "cow")
# Remarks on transformers' own use of itself and of torchvision.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")


def captioner(name="blip2", **options):
    registry = default_registry()
    return registry.load(registry.use("captioner", name, label=name, options=options))


def captions(images, name="blip2", **options):
    labels = np.arange(len(images)) % 3
    options = {"template": "{caption}", **options}
    return captioner(name, **options).caption(images, labels, class_names=NAMES, context=Context())


@pytest.fixture(params=["blip2", "blip"])
def saved(request):
    """A name of a captioner and a model for it."""
    return request.param, str(request.getfixturevalue(f"{request.param}_model"))


def test_contract_is_kept(saved):
    check_captioner(captioner(saved[0], model=saved[1]))


def test_prompt_has_the_papers_form(saved, pictures):
    name, model = saved
    bare = captions(pictures, name, model=model)
    full = captions(pictures, name, model=model, template="{class_name}: {caption}")
    assert full == [f"{NAMES[index % 3]}: {caption}" for index, caption in enumerate(bare)]
    assert captioner(name, model=model)._options.template == "{class_name}: {caption}"


def test_captions_do_not_depend_on_the_batch(saved, pictures):
    name, model = saved
    whole = captions(pictures, name, model=model, batch_size=7)
    assert whole == captions(pictures, name, model=model, batch_size=1)
    assert whole == captions(pictures, name, model=model, batch_size=3)
    assert whole[::-1] == captions(pictures[::-1], name, model=model, batch_size=3)
    assert len(set(whole)) > 1, "a model that says the same of every image shows nothing"


def test_one_implementation_serves_every_name(saved, pictures):
    name, model = saved
    assert captions(pictures, "image-to-text", model=model) == captions(pictures, name, model=model)


def test_captions_are_what_transformers_itself_says(saved, pictures):
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    name, model = saved
    processor = AutoProcessor.from_pretrained(model)
    network = AutoModelForImageTextToText.from_pretrained(model).eval()
    expected = []
    for picture in pictures:
        given = {"text": ""} if name == "blip2" else {}
        inputs = processor(images=picture, return_tensors="pt", **given)
        if name == "blip2":  # the published recipe gives the processor no text; its own prefix is the image tokens
            inputs = {"pixel_values": inputs["pixel_values"]}
        with torch.inference_mode():
            tokens = network.generate(**inputs, max_new_tokens=20, do_sample=False)
        expected.append(processor.decode(tokens[0], skip_special_tokens=True).strip())
    assert captions(pictures, name, model=model) == expected


def test_caption_has_no_more_tokens_than_asked_for(saved, pictures):
    name, model = saved
    for limit in (1, 3):
        words = [caption.split() for caption in captions(pictures, name, model=model, max_new_tokens=limit)]
        assert max(map(len, words)) <= limit


def test_question_steers_the_model_and_is_not_part_of_the_caption(saved, pictures):
    name, model = saved
    asked = captions(pictures, name, model=model, question="a red dog")
    assert asked != captions(pictures, name, model=model)
    assert not any(caption.startswith("a red dog") for caption in asked)
    assert asked == captions(pictures, name, model=model, question="a red dog", batch_size=1)


def test_blip2_files_of_before_image_tokens_give_the_same_captions(blip2_model, pictures, tmp_path):
    """Such files name neither the image token nor the number of queries, and their tokenizer lacks the token."""
    old = tmp_path / "old"
    shutil.copytree(blip2_model, old)
    config = json.loads((old / "config.json").read_text())
    del config["image_token_index"]
    (old / "config.json").write_text(json.dumps(config))
    settings = json.loads((old / "processor_config.json").read_text())
    del settings["num_query_tokens"]
    (old / "processor_config.json").write_text(json.dumps(settings))
    words = json.loads((old / "tokenizer.json").read_text())
    words["added_tokens"] = [token for token in words["added_tokens"] if token["content"] != "<image>"]
    (old / "tokenizer.json").write_text(json.dumps(words))
    for options in ({}, {"question": "a red dog"}):
        new = captions(pictures, model=str(blip2_model), **options)
        assert captions(pictures, model=str(old), **options) == new


def _running_out(monkeypatch, most):
    """Let batches of more than `most` images run out of memory; return the list of batch sizes tried."""
    import torch
    from transformers import Blip2ForConditionalGeneration

    tried = []
    generate = Blip2ForConditionalGeneration.generate

    def limited(self, pixel_values, **inputs):
        tried.append(len(pixel_values))
        if len(pixel_values) > most:
            raise torch.OutOfMemoryError("out of memory")
        return generate(self, pixel_values, **inputs)

    monkeypatch.setattr(Blip2ForConditionalGeneration, "generate", limited)
    return tried


def test_batch_is_halved_until_it_fits_and_captions_stay(blip2_model, pictures, monkeypatch):
    expected = captions(pictures, model=str(blip2_model))
    tried = _running_out(monkeypatch, 2)
    assert captions(pictures, model=str(blip2_model), batch_size=16) == expected
    assert tried == [7, 4, 2, 2, 2, 1]


def test_one_image_too_many_is_one_sentence(blip2_model, pictures, monkeypatch):
    _running_out(monkeypatch, 0)
    with pytest.raises(TckrError, match="does not fit into the memory of cpu with a single image") as caught:
        captions(pictures, model=str(blip2_model))
    assert "\n" not in str(caught.value)


def test_no_image_gives_no_caption(blip2_model, pictures):
    assert captions(pictures[:0], model=str(blip2_model)) == []


def test_half_precision_is_for_devices_that_are_fast_at_it():
    import torch
    from tckr_plugins.captioners.image_to_text import resolve_dtype

    assert resolve_dtype("auto", "cuda:1") == torch.float16
    assert resolve_dtype("auto", "cpu") == torch.float32
    assert resolve_dtype("bfloat16", "cuda") == torch.bfloat16


def test_a_folder_without_a_usable_model_is_one_sentence(tmp_path, pictures, blip2_model):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TckrError, match=r"there is no config\.json"):
        captioner(model=str(tmp_path / "empty"))
    broken = tmp_path / "broken"
    shutil.copytree(blip2_model, broken)
    (broken / "model.safetensors").unlink()
    with pytest.raises(TckrError, match="cannot be loaded") as caught:
        captions(pictures, model=str(broken))
    assert "\n" not in str(caught.value)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({"model_type": "no such model", "a": config}))
    with pytest.raises(TckrError, match="cannot be loaded"):
        captions(pictures, model=str(broken))


def test_a_model_must_be_named():
    with pytest.raises(OptionError, match="write image-to-text:FOLDER_OR_HUB_ID"):
        captioner("image-to-text")


def test_a_pickle_is_not_read(tmp_path, pictures, blip2_model):
    import torch

    folder = tmp_path / "pickled"
    shutil.copytree(blip2_model, folder)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(TckrError, match="cannot be loaded"):
        captions(pictures, model=str(folder))


def test_template_needs_the_caption():
    with pytest.raises(OptionError, match=r"write \{caption\} where the caption belongs"):
        captioner(template="{class_name}")


@pytest.mark.parametrize("name", ["blip2", "blip"])
def test_offline_and_not_cached_fails_fast_in_one_sentence(name, monkeypatch, hub_cache, pictures):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with pytest.raises(TckrError, match="is not in the cache and cannot be fetched") as caught:
        captions(pictures, name)
    assert "\n" not in str(caught.value)
    assert waits == []
