"""Train the miniature's tokenizer: a small byte-level BPE in CLIP's own form."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

VOCABULARY_SIZE = 1200
START, END, SUFFIX = "<|startoftext|>", "<|endoftext|>", "</w>"
CLIP_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def learn_merges(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Learn byte-pair merges from lower-cased ``texts``, most frequent first."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=SUFFIX))
    words = pre_tokenizers.Split(Regex(CLIP_WORDS), behavior="removed", invert=True)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, level])
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY_SIZE, end_of_word_suffix=SUFFIX, show_progress=False)
    tokenizer.train_from_iterator((text.lower() for text in texts), trainer)
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def build_vocabulary(merges: list[tuple[str, str]]) -> dict[str, int]:
    """Number every byte, every byte that ends a word, every merge and the two marks."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*alphabet, *(letter + SUFFIX for letter in alphabet)]
    pieces += [left + right for left, right in merges]
    return {piece: index for index, piece in enumerate(dict.fromkeys([*pieces, START, END]))}


def build_tokenizer(texts: Iterable[str], maximum_length: int) -> CLIPTokenizer:
    """Build a tokenizer that is short on ``texts`` and falls back to bytes on anything else."""
    merges = learn_merges(texts)
    return CLIPTokenizer(vocab=build_vocabulary(merges), merges=merges, model_max_length=maximum_length)


def save_tokenizer(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Save ``tokenizer`` with CLIP's two plain files beside the ones of ``transformers``."""
    tokenizer.save_pretrained(folder)
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    vocabulary = json.dumps(model["vocab"], ensure_ascii=False)
    (folder / "vocab.json").write_text(vocabulary + "\n", encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
