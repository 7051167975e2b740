"""BLIP and BLIP-2 small enough for tests, with random weights, saved in the files of the published ones."""

import json

WORDS = ["a", "the", "red", "blue", "cat", "dog", "sits", "on", "grass", "with", "one", "small"]
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
QUERIES = 4


def _opt_tokenizer(folder):
    """A tokenizer of OPT's kind: byte-level words, `</s>` before and after, and the image token at the end."""
    from transformers import GPT2Tokenizer

    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *WORDS, *(f"Ġ{word}" for word in WORDS)]
    letters = sorted({letter for word in vocabulary[4:] for letter in word} - set(vocabulary))
    merges = []
    for word in vocabulary[4:]:
        merges += [f"{word[:end]} {word[end]}" for end in range(1, len(word))]
    parts = [left + right for left, right in (merge.split(" ") for merge in merges)]
    names = list(dict.fromkeys([*vocabulary, *letters, *parts]))
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({name: index for index, name in enumerate(names)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *dict.fromkeys(merges)]) + "\n")
    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return GPT2Tokenizer.from_pretrained(str(folder), **special)


def build_tiny_blip2(folder):
    """Save a random BLIP-2 with OPT, as published since transformers 4.46."""
    import torch
    from transformers import (
        Blip2Config,
        Blip2ForConditionalGeneration,
        Blip2Processor,
        Blip2QFormerConfig,
        Blip2VisionConfig,
        BlipImageProcessor,
        OPTConfig,
    )

    tokenizer = _opt_tokenizer(folder / "words")
    processor = Blip2Processor(
        BlipImageProcessor(size={"height": 28, "width": 28}), tokenizer, num_query_tokens=QUERIES
    )
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    config = Blip2Config(
        vision_config=Blip2VisionConfig(**SIZES, image_size=28, patch_size=14),
        qformer_config=Blip2QFormerConfig(**SIZES, encoder_hidden_size=16, vocab_size=len(tokenizer)),
        text_config=OPTConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            ffn_dim=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            word_embed_proj_dim=16,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        ),
        num_query_tokens=QUERIES,
        image_token_index=image_token,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Blip2ForConditionalGeneration(config)
        _enliven(network)
    network.save_pretrained(folder / "model")
    processor.save_pretrained(folder / "model")
    return folder / "model"


def build_tiny_blip(folder):
    """Save a random BLIP captioning model."""
    import torch
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
        BlipTextConfig,
        BlipVisionConfig,
    )

    words = folder / "vocab.txt"
    words.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", *WORDS]) + "\n")
    tokenizer = BertTokenizer.from_pretrained(str(folder), bos_token="[DEC]")
    config = BlipConfig(
        vision_config=BlipVisionConfig(**SIZES, image_size=28, patch_size=14).to_dict(),
        text_config=BlipTextConfig(
            **SIZES,
            encoder_hidden_size=16,
            vocab_size=len(tokenizer),
            max_position_embeddings=64,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=2,
            sep_token_id=tokenizer.sep_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ).to_dict(),
        projection_dim=16,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = BlipForConditionalGeneration(config)
        _enliven(network)
    network.save_pretrained(folder / "model")
    BlipProcessor(BlipImageProcessor(size={"height": 28, "width": 28}), tokenizer).save_pretrained(folder / "model")
    return folder / "model"


def _enliven(network):
    """Spread the weights, so that different images get different captions."""
    import torch

    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.ndim > 1 or "query" in name or "class_embedding" in name:
                value.normal_(0, 0.6)
