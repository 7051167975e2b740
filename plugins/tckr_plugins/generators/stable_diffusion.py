"""Stable Diffusion through a diffusers pipeline: encoded prompts are reused, images are made in batches."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, StableDiffusionPipeline, UNet2DConditionModel

from tckr_plugins.generators.models import LORA_FILE, ModelError, local_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tckr_bench.components import Context
    from tckr_bench.records import GenerationRequest, Images
    from tckr_plugins.generators import StableDiffusionOptions

# Remarks on the libraries' own use of each other, which a user can do nothing about.
_REMARKS: tuple[tuple[type[Warning], str], ...] = (
    (FutureWarning, r"The configuration file of this scheduler"),
    (UserWarning, r"The `local_dir_use_symlinks` argument is deprecated"),
    (DeprecationWarning, r"__array__ implementation doesn't accept a copy keyword"),
)


class StableDiffusion:
    """A text-to-image diffusers pipeline with, optionally, LoRA weights fused into its U-Net."""

    def __init__(self, options: StableDiffusionOptions) -> None:
        self._options = options
        self._model = str(local_folder(options.model) or options.model)
        self._weights: Path | None = None
        self._pipeline: StableDiffusionPipeline | None = None
        self._image_size = options.image_size or self._own_image_size()

    @property
    def image_size(self) -> int:
        """Width and height in pixels of what `generate` returns."""
        return self._image_size

    @property
    def pipeline(self) -> StableDiffusionPipeline:
        """The pipeline in float32, restored weights included: what an adapter trains."""
        return self._in_precision(torch.float32)

    def restore(self, weights: Path) -> None:
        """Take up the LoRA weights in a folder; without them, the model as it was published."""
        path = weights / LORA_FILE
        # Unfusing would leave rounding errors behind, so a pipeline that changes is read afresh.
        self._weights = path if path.is_file() else None
        self._pipeline = None

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return (n, image_size, image_size, 3) uint8.

        Image i depends on prompt i and seed i; other batch sizes change it by rounding alone.
        """
        pipeline = self._prepare(context.device)
        size = self._options.batch_size
        texts = request.prompts.texts
        # Neighbours with the same prompt share its encoding.
        order = sorted(range(len(request)), key=texts.__getitem__)
        images = np.empty((len(request), self._image_size, self._image_size, 3), dtype=np.uint8)
        encoder = _PromptEncoder(pipeline)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            embeddings = encoder.encode([texts[index] for index in chosen])
            seeds = [request.seeds[index] for index in chosen]
            with quiet():
                images[chosen] = self._sample(pipeline, embeddings, encoder.empty, seeds)
            context.progress((start + len(chosen)) / len(order))
        return images

    @torch.inference_mode()
    def _sample(
        self,
        pipeline: StableDiffusionPipeline,
        embeddings: torch.Tensor,
        empty: torch.Tensor,
        seeds: Sequence[int],
    ) -> Images:
        """Run the pipeline on encoded prompts (b, tokens, width); return (b, size, size, 3) uint8."""
        side = self._image_size // pipeline.vae_scale_factor
        shape = (pipeline.unet.config.in_channels, side, side)
        # Drawn on the CPU in float32 whatever the device and precision: a seed always means the same noise.
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        result = pipeline(
            prompt_embeds=embeddings,
            negative_prompt_embeds=empty.expand(len(seeds), -1, -1),
            latents=noise.to(embeddings.dtype),
            generator=generators,
            height=self._image_size,
            width=self._image_size,
            num_inference_steps=self._options.steps,
            guidance_scale=self._options.guidance,
            output_type="np",
        )
        images: Images = np.round(result.images * 255).astype(np.uint8)
        return images

    def _prepare(self, device: str) -> StableDiffusionPipeline:
        """Move the pipeline to a device in the precision that suits it."""
        dtype = resolve_dtype(self._options.dtype, device)
        pipeline = self._in_precision(dtype)
        place(pipeline, device, dtype)
        if torch.device(device).type != "cpu":  # on the CPU the default layout samples a tenth faster
            pipeline.unet.to(memory_format=torch.channels_last)
            pipeline.vae.to(memory_format=torch.channels_last)
        return pipeline

    def _in_precision(self, dtype: torch.dtype) -> StableDiffusionPipeline:
        """Return the pipeline as loaded, or in `dtype`; one that was rounded to another is read afresh."""
        if self._pipeline is None or self._pipeline.dtype not in (torch.float32, dtype):
            self._pipeline = self._load()
        return self._pipeline

    def _load(self) -> StableDiffusionPipeline:
        """Read the pipeline in float32 and fuse the restored weights into its U-Net."""
        with quiet(), self._explained():
            pipeline = DiffusionPipeline.from_pretrained(
                self._model,
                revision=self._options.revision,
                safety_checker=None,
                requires_safety_checker=False,
                use_safetensors=True,
            )
        pipeline.set_progress_bar_config(disable=True)
        place(pipeline, "cpu", torch.float32)
        if self._options.scheduler is not None:
            pipeline.scheduler = _scheduler(self._options.scheduler, pipeline)
        if self._weights is not None:
            with quiet():
                pipeline.load_lora_weights(self._weights.parent, weight_name=LORA_FILE)
                pipeline.fuse_lora()
                pipeline.unload_lora_weights()
        return pipeline

    def _own_image_size(self) -> int:
        """Read the size the model was made for from its configuration, before its weights."""
        with quiet(), self._explained():
            index = DiffusionPipeline.load_config(self._model, revision=self._options.revision)
            if index["_class_name"] != StableDiffusionPipeline.__name__:
                raise ModelError(
                    f"the model '{self._options.model}' is a {index['_class_name']}; "
                    "this generator needs a StableDiffusionPipeline"
                )
            where: dict[str, Any] = {
                "pretrained_model_name_or_path": self._model,
                "revision": self._options.revision,
            }
            unet = UNet2DConditionModel.load_config(subfolder="unet", **where)
            vae = AutoencoderKL.load_config(subfolder="vae", **where)
        return int(unet["sample_size"] * 2 ** (len(vae["block_out_channels"]) - 1))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a missing or incomplete model raises into one sentence."""
        try:
            yield
        except (OSError, ValueError, KeyError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelError(
                f"the model '{self._options.model}' cannot be loaded: {first.rstrip('.')}; name a complete "
                "diffusers folder, download the hub id while online, or use 'miniature'"
            ) from error


class _PromptEncoder:
    """Encodes prompts, each distinct one once as long as equal prompts arrive in neighbouring batches."""

    def __init__(self, pipeline: StableDiffusionPipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[str, torch.Tensor] = {}
        self.empty = self._run([""])[0]

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the embeddings of the texts, (n, tokens, width)."""
        distinct = list(dict.fromkeys(texts))
        new = [text for text in distinct if text not in self._known]
        known = {text: self._known[text] for text in distinct if text in self._known}
        if new:
            known.update(zip(new, self._run(new), strict=True))
        self._known = known
        return torch.stack([known[text] for text in texts])

    @torch.inference_mode()
    def _run(self, texts: list[str]) -> torch.Tensor:
        return encode_prompts(self._pipeline, texts)


def encode_prompts(pipeline: StableDiffusionPipeline, texts: list[str]) -> torch.Tensor:
    """Return text embeddings (n, tokens, width) on the pipeline's device; longer prompts are cut."""
    with quiet():
        encoded: torch.Tensor = pipeline.encode_prompt(
            texts, pipeline.device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )[0]
    return encoded


def place(pipeline: StableDiffusionPipeline, device: str, dtype: torch.dtype) -> None:
    """Move a pipeline's networks to a device in a precision."""
    with quiet():
        pipeline.to(device, dtype)


def resolve_dtype(name: str, device: str) -> torch.dtype:
    """Return the precision an option names; `auto` is the fastest that the device computes natively.

    >>> resolve_dtype("float32", "cpu")
    torch.float32
    """
    if name == "auto":
        if torch.device(device).type != "cpu":
            return torch.float16
        # Where bfloat16 is emulated it is slower than float32, so only a processor's own counts.
        native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        return torch.bfloat16 if native else torch.float32
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _scheduler(name: str, pipeline: StableDiffusionPipeline) -> Any:  # noqa: ANN401 - schedulers share no base type
    import diffusers

    kind = getattr(diffusers, name, None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.SchedulerMixin):
        raise ModelError(
            f"diffusers has no scheduler '{name}'; name one of its classes, such as 'DDIMScheduler', or none"
        )
    return kind.from_config(pipeline.scheduler.config)  # type: ignore[attr-defined]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the loading bars and the remarks of diffusers and transformers on each other, here only."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    libraries = [library for library in (diffusers_logging, transformers_logging) if library.is_progress_bar_enabled()]
    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers")]
    levels = [logger.level for logger in loggers]
    for library in libraries:
        library.disable_progress_bar()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for category, message in _REMARKS:
                warnings.filterwarnings("ignore", message=message, category=category)
            yield
    finally:
        for library in libraries:
            library.enable_progress_bar()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
