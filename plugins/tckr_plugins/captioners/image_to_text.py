"""Captions by an image-to-text model of transformers, in batches."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.utils import logging

from tckr_bench.errors import first_line
from tckr_plugins.captioners.models import CaptionModelError, fetch
from tckr_plugins.captioners.templates import fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels
    from tckr_plugins.captioners.models import ImageToTextOptions


class ImageToTextCaptioner:
    """Writes the class name and what a model says of the image, as the paper does: `"<class name>: <caption>"`."""

    def __init__(self, options: ImageToTextOptions) -> None:
        self._options = options

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one prompt per image (n, h, w, 3), decoded greedily.

        Image i alone decides caption i; other batch sizes change it by rounding at most.

        Raises:
            TckrError: the model is not there, is no image-to-text model, or one image alone exhausts the memory.
        """
        assert len(images) == len(labels), "one label per image"
        describer = _Describer(self._options, context.device)
        captions: list[str] = []
        size = self._options.batch_size
        while len(captions) < len(images):
            batch = images[len(captions) : len(captions) + size]
            described = _unless_memory_ends(describer, batch)
            if described is not None:
                captions += described
                context.progress(len(captions) / len(images))
            elif size == 1:
                raise CaptionModelError(
                    f"the captioning model '{self._options.model}' does not fit into the memory of {context.device} "
                    "with a single image; use a smaller model, or another device"
                )
            else:
                size = (min(size, len(batch)) + 1) // 2
        template = self._options.template
        return [
            fill(template, class_name=class_names[label], caption=caption)
            for label, caption in zip(labels.tolist(), captions, strict=True)
        ]


def _unless_memory_ends(describer: _Describer, batch: Images) -> list[str] | None:
    """Describe a batch, or return None where memory does not suffice for it."""
    try:
        return describer.describe(batch)
    except torch.OutOfMemoryError:
        pass
    # Only here is the failed attempt's own memory free to be given back: its frames went with the exception.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


class _Describer:
    """A loaded model with its processor."""

    def __init__(self, options: ImageToTextOptions, device: str) -> None:
        self._options = options
        self._processor, self._model = _load(options, device)
        self._model.to(device).eval()

    def describe(self, batch: Images) -> list[str]:
        """Return what the model says of each image of a batch, stripped, without the question."""
        inputs = self._inputs(batch)
        with torch.inference_mode():
            tokens = self._model.generate(
                **inputs, max_new_tokens=self._options.max_new_tokens, do_sample=False, num_beams=1
            )
        tokenizer = self._processor.tokenizer
        texts = [text.strip() for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)]
        if not self._options.question:
            return texts
        # Some models return the question with their answer, others do not; its ids tell how it reads when decoded.
        question = tokenizer.batch_decode(inputs["input_ids"][:1], skip_special_tokens=True)[0].strip()
        return [text.removeprefix(question).strip() for text in texts]

    def _inputs(self, batch: Images) -> dict[str, torch.Tensor]:
        images, question = list(batch), self._options.question
        if question:
            made = self._processor(images=images, text=[question] * len(images), return_tensors="pt")
        else:
            made = {"pixel_values": self._processor.image_processor(images, return_tensors="pt")["pixel_values"]}
        model = self._model
        return {
            name: value.to(model.device, model.dtype if value.is_floating_point() else value.dtype)
            for name, value in made.items()
        }


def resolve_dtype(name: str, device: str) -> torch.dtype:
    """Return the precision an option names; `auto` is half precision, the paper's, wherever that is fast.

    >>> resolve_dtype("auto", "cuda"), resolve_dtype("auto", "cpu")
    (torch.float16, torch.float32)
    """
    if name == "auto":
        name = "float32" if torch.device(device).type == "cpu" else "float16"
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _load(options: ImageToTextOptions, device: str) -> tuple[Any, Any]:
    """Read processor and model from their folder; nothing is fetched here, and no code of the model's is run.

    Raises:
        CaptionModelError: the files are not those of an image-to-text model.
    """
    folder = fetch(options)
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _without_bars():
            processor = AutoProcessor.from_pretrained(folder, **local)
            model = AutoModelForImageTextToText.from_pretrained(
                folder, dtype=resolve_dtype(options.dtype, device), use_safetensors=True, **local
            )
    except (OSError, ValueError, KeyError) as error:
        raise CaptionModelError(
            f"the captioning model '{options.model}' cannot be loaded ({first_line(error)}); name a complete "
            "image-to-text model with safetensors weights"
        ) from error
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise CaptionModelError(
            f"the model '{options.model}' does not bring both an image processor and a tokenizer; name another model"
        )
    _complete_blip2(processor, model)
    return processor, model


@contextmanager
def _without_bars() -> Iterator[None]:
    """Hide the loading bars of transformers, here only: a run shows progress of its own."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _complete_blip2(processor: Any, model: Any) -> None:  # noqa: ANN401 - transformers has no types
    """Give BLIP-2 files saved before 2024-10 what current transformers reads from newer ones.

    Since then the query embeddings are scattered onto image tokens in the input, so the configuration must name that
    token (`image_token_index`) and the processor the number of queries; older files do neither. The processor has
    added the token to the tokenizer by now. Which embedding the token has does not matter: it is overwritten.
    """
    config = model.config
    if config.model_type != "blip-2":
        return
    if getattr(processor, "num_query_tokens", None) is None:
        processor.num_query_tokens = config.num_query_tokens
    if getattr(config, "image_token_index", None) is None:
        index = processor.tokenizer.convert_tokens_to_ids(str(processor.image_token))
        if index >= model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(index + 1, mean_resizing=False)
        config.image_token_index = index
