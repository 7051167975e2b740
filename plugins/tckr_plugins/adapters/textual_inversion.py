"""New words for the classes (textual inversion, Gal et al. 2022, arXiv 2208.01618).

The networks stay as they are; what is learned is the embedding of one token, or a few, per class.
"""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from tckr_bench.errors import TckrError
from tckr_plugins.adapters.options import TextualInversionOptions
from tckr_plugins.adapters.training import Trainable, TrainedAdapter
from tckr_plugins.generators.models import EMBEDDINGS_FILE, PROMPT_TOKENS_FILE
from tckr_plugins.generators.restoring import AdaptedWeights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from diffusers import StableDiffusionPipeline
    from transformers import CLIPTextModel

    from tckr_bench.records import Prompts


class TextualInversionAdapter(TrainedAdapter[TextualInversionOptions]):
    """Learns what stands for each class's name in its prompts; writes embeddings and which name they replace."""

    name = "textual-inversion"

    @contextmanager
    def _prepare(
        self,
        pipeline: StableDiffusionPipeline,
        prompts: Prompts,
        random: torch.Generator,  # noqa: ARG002 - the base class fixes the arguments; nothing here is random
    ) -> Iterator[Trainable]:
        words = _words_of(prompts, self._options.vectors_per_class)
        encoder = pipeline.text_encoder
        encoder.requires_grad_(requires_grad=False)
        embedding = encoder.get_input_embeddings()
        tokenizer = copy.deepcopy(pipeline.tokenizer)
        begin = torch.cat([self._beginning(word, pipeline.tokenizer, embedding) for word in words])
        tokenizer.add_tokens([token for word in words for token in word.tokens])
        extended = _ExtendedEmbedding(embedding, begin)
        encoder.set_input_embeddings(extended)
        try:
            yield Trainable(
                parameters=[extended.learned],
                save=lambda folder: _save(words, extended.learned.detach(), folder),
                encoding=_TrainedTextEncoding(encoder, tokenizer, words),
            )
        finally:
            encoder.set_input_embeddings(embedding)

    def _beginning(self, word: _Word, tokenizer: Any, embedding: torch.nn.Embedding) -> torch.Tensor:  # noqa: ANN401
        """Return what the embeddings of a word begin as, (vectors, width): the mean over a known word's tokens."""
        known = self._options.initial_word or word.name
        ids = tokenizer(known, add_special_tokens=False).input_ids
        if not ids:
            raise TckrError(
                f"the generator's vocabulary has no token for '{known}'; set the option 'initial_word' of the adapter "
                f"'{self.name}'"
            )
        mean = embedding.weight[torch.tensor(ids, device=embedding.weight.device)].detach().mean(dim=0)
        return mean.expand(len(word.tokens), -1)


@dataclass(frozen=True)
class _Word:
    """The name of a class as its prompts have it, and the new tokens that stand for it, numbered as in diffusers."""

    name: str
    tokens: tuple[str, ...]


class _ExtendedEmbedding(torch.nn.Module):
    """A token embedding that stays as it is, and the learned embeddings of the tokens after its last."""

    def __init__(self, known: torch.nn.Embedding, begin: torch.Tensor) -> None:
        super().__init__()
        self.known = known
        self.learned = torch.nn.Parameter(begin.clone())

    @property
    def weight(self) -> torch.Tensor:
        """The embeddings of the known tokens, which text encoders look at for their precision."""
        return self.known.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of token ids (n, tokens), (n, tokens, width)."""
        first = self.known.num_embeddings
        known = self.known(ids.clamp(max=first - 1))
        learned = torch.nn.functional.embedding((ids - first).clamp(min=0), self.learned)
        return torch.where((ids >= first).unsqueeze(-1), learned, known)


class _TrainedTextEncoding:
    """Encodes prompts with the new words in them, afresh each time."""

    def __init__(self, encoder: CLIPTextModel, tokenizer: Any, words: Sequence[_Word]) -> None:  # noqa: ANN401
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._rewrite = AdaptedWeights(prompt_tokens={word.name: " ".join(word.tokens) for word in words}).rewrite
        self._ids_of: dict[str, torch.Tensor] = {}

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the embeddings of n prompts, (n, tokens, width); longer prompts are cut."""
        ids = torch.stack([self._ids(text) for text in texts])
        embeddings: torch.Tensor = self._encoder(ids.to(self._encoder.device))[0]
        return embeddings

    def _ids(self, text: str) -> torch.Tensor:
        """Return the token ids of a prompt (tokens,); each distinct prompt is looked at once."""
        if text not in self._ids_of:
            self._ids_of[text] = self._tokenizer(
                self._rewrite(text),
                padding="max_length",
                max_length=self._tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            ).input_ids[0]
        return self._ids_of[text]


def _words_of(prompts: Prompts, vectors: int) -> list[_Word]:
    """Return a new word for each class, named as its prompts name it before the colon.

    Raises:
        TckrError: the prompts of a class do not begin with one and the same name.
    """
    names: dict[int, str] = {}
    for label, text in zip(prompts.labels.tolist(), prompts.texts, strict=True):
        name = text.partition(":")[0]
        if not name.strip() or names.setdefault(label, name) != name:
            raise TckrError(
                f"the adapter 'textual-inversion' needs prompts of the form '<class name>: <caption>', and found "
                f"'{text[:60]}'; use a captioner that writes the class name first"
            )
    distinct = dict.fromkeys(name for _, name in sorted(names.items()))
    return [_Word(name, _tokens(index, vectors)) for index, name in enumerate(distinct)]


def _tokens(index: int, vectors: int) -> tuple[str, ...]:
    first = f"<class-{index}>"
    return (first, *(f"{first}_{number}" for number in range(1, vectors)))


def _save(words: Sequence[_Word], learned: torch.Tensor, folder: Path) -> None:
    """Write token -> (vectors, width), and class name -> token, as diffusers numbers words of several vectors."""
    vectors = len(words[0].tokens)
    parts = learned.cpu().split(vectors)  # type: ignore[no-untyped-call]
    embeddings = {word.tokens[0]: part.contiguous().clone() for word, part in zip(words, parts, strict=True)}
    save_file(embeddings, folder / EMBEDDINGS_FILE)
    tokens = {word.name: word.tokens[0] for word in words}
    (folder / PROMPT_TOKENS_FILE).write_text(json.dumps(tokens, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
