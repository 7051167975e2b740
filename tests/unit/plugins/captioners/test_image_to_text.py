"""The image-to-text captioner, on a small BLIP-2 with random weights in the real file format."""

import numpy as np
import pytest

from tckr_bench.components import Context
from tckr_bench.errors import TckrError
from tckr_bench.plugins import default_registry
from tckr_bench.testing import check_captioner, fake_images

WORDS = ["a", "the", "red", "blue", "cat", "dog", "sits", "on", "grass", "with", "one", "small"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        Blip2Config,
        Blip2ForConditionalGeneration,
        Blip2Processor,
        Blip2QFormerConfig,
        Blip2VisionConfig,
        BlipImageProcessor,
        OPTConfig,
        PreTrainedTokenizerFast,
        set_seed,
    )

    set_seed(0)
    vocabulary = {word: index for index, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *WORDS, "<image>"])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Blip2Config(
        vision_config=Blip2VisionConfig(**sizes, image_size=28, patch_size=14),
        qformer_config=Blip2QFormerConfig(**sizes, encoder_hidden_size=16, vocab_size=len(vocabulary)),
        text_config=OPTConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            ffn_dim=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            word_embed_proj_dim=16,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
        num_query_tokens=4,
        image_token_index=vocabulary["<image>"],
    )
    folder = tmp_path_factory.mktemp("blip2")
    Blip2ForConditionalGeneration(config).save_pretrained(folder)
    processor = BlipImageProcessor(size={"height": 28, "width": 28})
    Blip2Processor(processor, tokenizer, num_query_tokens=4).save_pretrained(folder)
    return folder


def captioner(**options):
    registry = default_registry()
    return registry.load(registry.use("captioner", "blip2", label="blip2", options=options))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_captions_follow_the_papers_form_and_do_not_depend_on_the_batch(model):
    check_captioner(captioner(model=str(model)))
    data = fake_images(5)
    texts = [
        captioner(model=str(model), batch_size=size).caption(
            data.images, data.labels, class_names=("cat", "dog", "cow"), context=Context()
        )
        for size in (1, 5)
    ]
    assert texts[0] == texts[1]
    assert [text.split(": ")[0] for text in texts[0]] == ["cat", "dog", "cow", "cat", "dog"]
    assert all(len(text.split()) <= 1 + 20 for text in texts[0])


def test_a_model_that_is_not_there_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(TckrError, match="cannot be loaded") as caught:
        captioner(model=str(tmp_path / "none")).caption(
            np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, np.int64), class_names=("cat",), context=Context()
        )
    assert "\n" not in str(caught.value)
