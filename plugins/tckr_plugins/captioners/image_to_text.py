"""Captions by an image-to-text model of transformers, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from tckr_bench.errors import TckrError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels
    from tckr_plugins.captioners import Blip2Options


class ImageToTextCaptioner:
    """Writes the class name and what a model says of the image, as the paper does: `"<class name>: <caption>"`."""

    def __init__(self, options: Blip2Options) -> None:
        self._options = options

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one prompt per image (n, h, w, 3); captions are decoded greedily, so they repeat.

        Raises:
            TckrError: the model is not there, or is not an image-to-text model.
        """
        processor, model = self._load(context.device)
        texts: list[str] = []
        for start in range(0, len(images), self._options.batch_size):
            batch = list(images[start : start + self._options.batch_size])
            pixels = processor.image_processor(batch, return_tensors="pt")["pixel_values"]
            with torch.inference_mode():
                tokens = model.generate(
                    pixel_values=pixels.to(model.device, model.dtype),
                    max_new_tokens=self._options.max_new_tokens,
                    do_sample=False,
                )
            texts += processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)
            context.progress(len(texts) / len(images))
        return [f"{class_names[label]}: {text.strip()}" for label, text in zip(labels.tolist(), texts, strict=True)]

    def _load(self, device: str) -> tuple[Any, Any]:
        options = self._options
        # Half precision is the paper's setting; on CPUs it is slow and, for some layers, not there at all.
        dtype = torch.float32 if device == "cpu" else torch.float16
        try:
            processor = AutoProcessor.from_pretrained(options.model, revision=options.revision)
            model = AutoModelForImageTextToText.from_pretrained(
                options.model, revision=options.revision, dtype=dtype, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise TckrError(
                f"the captioning model '{options.model}' cannot be loaded ({reason}); "
                "name a folder or a hub id that is in the cache, or allow the network"
            ) from error
        return processor, model.to(device).eval()
