"""Text-to-image models through diffusers: encoded prompts are reused, images are made in batches."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from tckr_plugins.generators.denoising import denoising_errors, require_stable_diffusion
from tckr_plugins.generators.hub import locate
from tckr_plugins.generators.lora_files import check_lora_file
from tckr_plugins.generators.models import LORA_FILE, ModelError, local_folder
from tckr_plugins.generators.pipelines import (
    denoiser_configuration,
    denoiser_name,
    half_precision,
    is_plain,
    load_pipeline,
    own_image_size,
    place,
    quiet,
    resolve_dtype,
)
from tckr_plugins.generators.restoring import AdaptedWeights, apply_weights, find_weights
from tckr_plugins.generators.sampling import (
    EncodedSampler,
    PromptSampler,
    SampledBatches,
    default_batch_size,
    encode_prompts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from diffusers import DiffusionPipeline

    from tckr_bench.components import Context
    from tckr_bench.records import DenoisingProbe, GenerationRequest, Images
    from tckr_plugins.generators.hub import Source
    from tckr_plugins.generators.options import StableDiffusionOptions
    from tckr_plugins.generators.sampling import Sampler

__all__ = ["LORA_FILE", "StableDiffusion", "encode_prompts", "place", "quiet", "resolve_dtype"]


class StableDiffusion:
    """A text-to-image diffusers pipeline with, optionally, an adapter's weights in it."""

    def __init__(self, options: StableDiffusionOptions) -> None:
        local_folder(options.model)  # a mistyped path is told at once
        self._options = options
        self._weights = AdaptedWeights()
        self._pipeline: DiffusionPipeline | None = None
        self._precision = torch.float32
        self._bound = False
        self._batches: SampledBatches | None = None
        self._image_size = options.image_size or own_image_size(options, self._source)

    @property
    def image_size(self) -> int:
        """Width and height in pixels of what `generate` returns."""
        return self._image_size

    @property
    def pipeline(self) -> DiffusionPipeline:
        """The pipeline in float32, restored weights included: what an adapter trains."""
        if self._bound:  # compiled or offloaded for sampling: not to be trained
            self._pipeline = None
        return self._in_precision(torch.float32)

    def restore(self, weights: Path) -> None:
        """Take up the files of an adapter in a folder; without any, the model as it was published.

        Raises:
            ModelError: a file is damaged, or some of its tensors have no place in the model.
        """
        self._weights = find_weights(weights)
        if self._weights.lora is not None:  # told before gigabytes are read
            network = denoiser_configuration(self._source)
            if network is not None:
                check_lora_file(self._weights.lora, network).require_fit()
        # Unfusing would leave rounding errors behind, so a pipeline that changes is read afresh.
        self._pipeline = None

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return (n, image_size, image_size, 3) uint8.

        Image i depends on prompt i and seed i; other batch sizes change it by rounding alone.

        Raises:
            ModelError: the model is missing, refuses an option, or finds no memory for a single image.
        """
        sampler = self._sampler(context.device)
        texts = [self._weights.rewrite(text) for text in request.prompts.texts]
        # Neighbours with the same prompt share its encoding.
        order = sorted(range(len(request)), key=texts.__getitem__)
        images = np.empty((len(request), self._image_size, self._image_size, 3), dtype=np.uint8)

        def make(chosen: slice) -> None:
            indices = order[chosen]
            images[indices] = sampler.sample(
                [texts[index] for index in indices], [request.seeds[index] for index in indices]
            )

        for done in self._batches_on(context.device).run(len(order), make):
            context.progress(done / len(order))
        return images

    def denoising_errors(
        self, images: Images, prompts: Sequence[str], *, probe: DenoisingProbe, context: Context
    ) -> npt.NDArray[np.float64]:
        """Return how badly the adapted U-Net denoises each image, (n,); in float32, whatever images are made in.

        Images (n, h, w, 3) uint8 are taken as large as they are, which is how adapters learn them.

        Raises:
            NotApplicableError: the model is no Stable Diffusion 1 or 2, or predicts what no noise follows from.
            TckrError: the timestep is not in the model's schedule.
            ModelError: the weights are damaged, the errors are not numbers, or no image fits into the memory.
        """
        require_stable_diffusion(self._source, self._options.model)
        pipeline = self.pipeline
        place(pipeline, context.device, torch.float32)
        return denoising_errors(
            pipeline,
            images,
            [self._weights.rewrite(prompt) for prompt in prompts],
            probe=probe,
            batch_size=self._options.batch_size,
            context=context,
        )

    @cached_property
    def _source(self) -> Source:
        options = self._options
        return locate(options.model, revision=options.revision, variant=options.variant)

    def _sampler(self, device: str) -> Sampler:
        """Move the pipeline to a device in the precision that suits it; return what samples from it."""
        dtype = self._dtype_on(device)
        pipeline = self._in_precision(dtype)
        if not self._bound:
            self._move(pipeline, device, dtype)
        kind = EncodedSampler if is_plain(pipeline) else PromptSampler
        return kind(pipeline, self._options, self._image_size)

    def _dtype_on(self, device: str) -> torch.dtype:
        name = self._options.dtype
        if name != "auto" or torch.device(device).type == "cpu":
            return resolve_dtype(name, device)
        return resolve_dtype(name, device, half=half_precision(self._source))

    def _move(self, pipeline: DiffusionPipeline, device: str, dtype: torch.dtype) -> None:
        options, on_cpu = self._options, torch.device(device).type == "cpu"
        offloaded = options.offload != "none" and not on_cpu
        with quiet():
            if is_plain(pipeline):
                pipeline.to(dtype)
                self._precision = dtype
            if not on_cpu and hasattr(pipeline, "unet"):  # on the CPU the default layout samples a tenth faster
                pipeline.unet.to(memory_format=torch.channels_last)
                pipeline.vae.to(memory_format=torch.channels_last)
            if not offloaded:
                _fill(pipeline, device)
            elif options.offload == "model":
                pipeline.enable_model_cpu_offload(device=device)
            else:
                pipeline.enable_sequential_cpu_offload(device=device)
        if options.compile:
            getattr(pipeline, denoiser_name(pipeline)).compile()
        self._bound = options.compile or offloaded

    def _batches_on(self, device: str) -> SampledBatches:
        if self._batches is None:
            size = self._options.batch_size
            self._batches = SampledBatches(size or default_batch_size(self._image_size, device, self._precision))
        return self._batches

    def _in_precision(self, dtype: torch.dtype) -> DiffusionPipeline:
        """Return the pipeline in `dtype`, or in the float32 it is rounded from; else it is read afresh."""
        pipeline = self._pipeline
        if pipeline is not None and (
            self._precision == dtype or (is_plain(pipeline) and self._precision == torch.float32)
        ):
            return pipeline
        self._pipeline = None  # two would not fit
        pipeline = load_pipeline(self._options, self._source, dtype)
        apply_weights(self._weights, pipeline)
        self._pipeline, self._bound = pipeline, False
        self._precision = torch.float32 if is_plain(pipeline) else dtype
        return pipeline


def _fill(pipeline: DiffusionPipeline, device: str) -> None:
    """Move a whole pipeline to a device."""
    try:
        pipeline.to(device)
    except torch.cuda.OutOfMemoryError as error:
        raise ModelError(
            f"the model does not fit into the memory of '{device}'; set 'offload' to 'model' or 'sequential'"
        ) from error
