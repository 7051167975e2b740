"""Reading diffusers pipelines: their size before their weights, their parts, their place and precision."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from diffusers import AutoPipelineForText2Image, DiffusionPipeline, StableDiffusionPipeline, UNet2DConditionModel

from tckr_bench.errors import first_line
from tckr_plugins.generators.hub import locate
from tckr_plugins.generators.models import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_plugins.generators.hub import Source
    from tckr_plugins.generators.options import StableDiffusionOptions

_DENOISERS = ("unet", "transformer")
_FLUX_LATENT_SIDE = 128  # FluxPipeline.default_sample_size; its configuration has none

# Remarks on the libraries' own use of each other, which a user can do nothing about.
_REMARKS: tuple[tuple[type[Warning], str], ...] = (
    (FutureWarning, r"The configuration file of this scheduler"),
    (UserWarning, r"The `local_dir_use_symlinks` argument is deprecated"),
    (FutureWarning, r"`torch_dtype` is deprecated"),  # the only name that all supported releases know
    (DeprecationWarning, r"__array__ implementation doesn't accept a copy keyword"),
)


def is_plain(pipeline: DiffusionPipeline) -> bool:
    """Return whether a pipeline is Stable Diffusion 1 or 2, whose prompts and noise can be given as tensors."""
    return isinstance(pipeline, StableDiffusionPipeline)


def denoiser_name(pipeline: DiffusionPipeline) -> str:
    """Return which part of a pipeline predicts the noise: `unet` or `transformer`.

    Raises:
        ModelError: it has neither.
    """
    for name in _DENOISERS:
        if getattr(pipeline, name, None) is not None:
            return name
    raise ModelError(f"a {type(pipeline).__name__} has neither a U-Net nor a transformer; use another model")


def load_pipeline(options: StableDiffusionOptions, source: Source, dtype: torch.dtype) -> DiffusionPipeline:
    """Read a text-to-image pipeline to the CPU.

    Stable Diffusion 1 and 2 are read in float32, so that weights can be fused into them exactly; others, which may
    be many times larger, in `dtype`.

    Raises:
        ModelError: the model is missing, incomplete, or no text-to-image pipeline.
    """
    with quiet(), explained(options.model):
        index = _index(source)
        plain = index["_class_name"] == StableDiffusionPipeline.__name__
        precision = torch.float32 if plain else dtype
        pipeline = AutoPipelineForText2Image.from_pretrained(
            source.path,
            revision=source.commit,
            variant=options.variant,
            torch_dtype=precision,
            use_safetensors=True,
            **_parts(options, index, precision),
        )
    pipeline.set_progress_bar_config(disable=True)
    if plain:
        place(pipeline, "cpu", torch.float32)
    if options.scheduler is not None:
        pipeline.scheduler = _scheduler(options.scheduler, pipeline)
    return pipeline


def own_image_size(options: StableDiffusionOptions, source: Source) -> int:
    """Read the size a model was made for from its configuration, before its weights.

    Raises:
        ModelError: the configuration is missing, or does not say.
    """
    with quiet(), explained(options.model):
        index = _index(source)
        denoiser = next((name for name in _DENOISERS if index.get(name)), None)
        if denoiser is None or not index.get("vae"):
            raise ModelError(
                f"the model '{options.model}' is a {index['_class_name']}, which does not say how large its "
                "images are; set the option 'image_size'"
            )
        network, autoencoder = (
            UNet2DConditionModel.load_config(source.path, subfolder=name, revision=source.commit)
            for name in (denoiser, "vae")
        )
    side = network.get("sample_size") or (_FLUX_LATENT_SIDE if index["_class_name"].startswith("Flux") else None)
    levels = autoencoder.get("block_out_channels") or autoencoder.get("encoder_block_out_channels")
    if not isinstance(side, int) or not levels:
        raise ModelError(
            f"the model '{options.model}' does not say how large its images are; set the option 'image_size'"
        )
    return int(side * 2 ** (len(levels) - 1))


def denoiser_configuration(source: Source) -> dict[str, Any] | None:
    """Return the configuration of a model's U-Net; None for a model that has none."""
    with quiet(), explained(source.path):
        if not _index(source).get("unet"):
            return None
        return _part_configuration(source, "unet")


def half_precision(source: Source) -> torch.dtype:
    """Return the half precision a model computes safely in: transformers overflow the range of float16."""
    with quiet(), explained(source.path):
        return torch.bfloat16 if _index(source).get("transformer") else torch.float16


def _index(source: Source) -> dict[str, Any]:
    index: dict[str, Any] = DiffusionPipeline.load_config(source.path, revision=source.commit)
    return index


def _part_configuration(source: Source, name: str) -> dict[str, Any]:
    """Read the configuration of a network; the method of any network's class does."""
    found: dict[str, Any] = UNet2DConditionModel.load_config(source.path, subfolder=name, revision=source.commit)
    return found


def _parts(options: StableDiffusionOptions, index: dict[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """Return the parts of a pipeline that are not read from its folder."""
    parts: dict[str, Any] = {}
    if "safety_checker" in index:
        parts |= {"safety_checker": None, "requires_safety_checker": False}
    if index["_class_name"].startswith("StableDiffusionXL"):
        parts["add_watermarker"] = False  # a class must not be told by a mark that its images bear
    if options.vae is not None:
        parts["vae"] = _autoencoder(options.vae, dtype)
    return parts


def _autoencoder(model: str, dtype: torch.dtype) -> Any:  # noqa: ANN401 - autoencoders share no base type
    """Read the autoencoder that the option `vae` names: a folder with its config.json, a pipeline's, or a hub id."""
    from diffusers import AutoModel

    from tckr_plugins.generators.models import part_folder

    folder = part_folder(model, "vae")
    if folder is not None:
        return AutoModel.from_pretrained(str(folder), torch_dtype=dtype, use_safetensors=True)
    source = locate(model, revision=None)
    return AutoModel.from_pretrained(source.path, revision=source.commit, torch_dtype=dtype, use_safetensors=True)


@contextmanager
def explained(model: str) -> Iterator[None]:
    """Turn what a missing or incomplete model raises into one sentence."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"the model '{model}' cannot be loaded: {first_line(error)}; name a complete "
            "diffusers folder, download the hub id while online, or use 'miniature'"
        ) from error


def place(pipeline: DiffusionPipeline, device: str, dtype: torch.dtype) -> None:
    """Move a pipeline's networks to a device in a precision."""
    with quiet():
        pipeline.to(device, dtype)


def resolve_dtype(name: str, device: str, *, half: torch.dtype = torch.float16) -> torch.dtype:
    """Return the precision an option names; `auto` is the fastest that the device computes natively.

    `half` is what `auto` means on a GPU.

    >>> resolve_dtype("float32", "cpu")
    torch.float32
    """
    if name == "auto":
        if torch.device(device).type != "cpu":
            return half
        # Where bfloat16 is emulated it is slower than float32, so only a processor's own counts.
        native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        return torch.bfloat16 if native else torch.float32
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _scheduler(name: str, pipeline: DiffusionPipeline) -> Any:  # noqa: ANN401 - schedulers share no base type
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
