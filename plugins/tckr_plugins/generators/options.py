"""Options of `stable-diffusion`; nothing heavy is imported here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tckr_bench.components import Options
from tckr_plugins.generators.models import MINIATURE, PACKAGED_MODELS

_PACKAGED = " or ".join(f"'{name}'" for name in PACKAGED_MODELS)


class StableDiffusionOptions(Options):
    """Which text-to-image model, and how it samples."""

    model: str = Field(
        default=MINIATURE,
        min_length=1,
        description=f"{_PACKAGED} (packaged, 32x32), the path of a diffusers folder, or a hub id",
    )
    revision: str | None = Field(
        default=None, description="commit, tag or branch of a hub id; pin it for a run to keep"
    )
    variant: str | None = Field(
        default=None, min_length=1, description="which of several sets of weight files, such as fp16; the plain if none"
    )
    vae: str | None = Field(
        default=None, min_length=1, description="another autoencoder: a folder or a hub id; the model's own if none"
    )
    steps: int = Field(default=10, ge=1, le=1000, description="denoising steps per image")
    guidance: float = Field(default=2.0, ge=0.0, le=50.0, description="classifier-free guidance; 1 and below is none")
    batch_size: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="images made at once; changes speed and memory only; by the free memory, at most 64, if none; "
        "halved where memory runs out",
    )
    image_size: int | None = Field(
        default=None,
        ge=8,
        le=4096,
        multiple_of=8,
        description="width and height in pixels; the model's own if none",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="precision of the networks; auto is half precision on a GPU, bfloat16 on a CPU that computes it "
        "natively, else float32",
    )
    scheduler: str | None = Field(
        default=None, description="diffusers scheduler class, such as DDIMScheduler; the model's own if none"
    )
    compile: bool = Field(default=False, description="compile the denoiser: a slow start, then faster steps")
    offload: Literal["none", "model", "sequential"] = Field(
        default="none",
        description="keep networks in main memory until a GPU needs them: whole, or layer by layer (slowest, smallest)",
    )
