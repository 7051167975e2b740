"""What each adapter that trains can be told; the defaults suit the packaged miniature."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tckr_bench.components import Options


class ShareOptions(Options):
    """Of how much of the training set an adapter learns."""

    sample_fraction: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the training images to adapt to, drawn evenly from the classes; at least one of each",
    )


class AdapterTrainingOptions(ShareOptions):
    """How a diffusion model is trained on the real images; every adapter that trains one has these."""

    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="constant rate of AdamW")
    weight_decay: float = Field(default=1e-2, ge=0, le=1, description="weight decay of AdamW")
    epochs: int = Field(default=2, ge=1, le=10_000, description="passes over the training images")
    steps: int | None = Field(default=None, ge=1, description="optimiser steps; instead of epochs where given")
    batch_size: int = Field(
        default=32, ge=1, le=4096, description="images at once; fewer where the accelerator's memory does not hold them"
    )
    accumulation: int = Field(
        default=1, ge=1, le=4096, description="batches whose gradients are averaged into one optimiser step"
    )
    flip: bool = Field(
        default=False,
        description="also learn mirror images; not for data where left and right matter, such as digits",
    )
    prompt_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="share of the prompts emptied, to keep guidance sound"
    )
    gradient_clip: float = Field(default=1.0, gt=0, description="largest norm of the gradient")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="arithmetic of the U-Net while it trains; auto is bfloat16 on an accelerator and float32 on a CPU, "
        "which also takes float32 for float16; weights stay float32",
    )
    gradient_checkpointing: bool = Field(
        default=False, description="compute activations twice instead of keeping them: slower, for little memory"
    )


class LowRankOptions(ShareOptions):
    """Which low-rank weights are trained."""

    rank: int = Field(default=4, ge=1, le=1024, description="rank of the update of each projection")
    alpha: float | None = Field(default=None, gt=0, description="scale of the update is alpha / rank; the rank if none")
    targets: tuple[str, ...] = Field(
        default=("to_q", "to_k", "to_v", "to_out.0"),
        min_length=1,
        description="attention projections that get one",
    )


class LoraOptions(LowRankOptions, AdapterTrainingOptions):
    """Which low-rank weights are trained, and how."""

    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, description="constant rate of AdamW; the paper uses 1e-4 for SD 2"
    )


class DpLoraOptions(LowRankOptions):
    """Which low-rank weights are trained, and how privately.

    In one large batch after another, noise that keeps a budget hardly grows with the epochs: time goes into those, not
    into draws. The defaults were chosen on validation images of the two packaged datasets.
    """

    epsilon: float = Field(
        default=8.0, gt=0, le=1e6, description="privacy budget of the whole training; the noise is chosen to keep it"
    )
    delta: float = Field(
        default=1e-5, gt=0, lt=1, description="chance with which the budget may fail; below 1 / training images"
    )
    noise_multiplier: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="deviation of the noise, in clipping norms; above 0 it replaces epsilon, which is then reported",
    )
    clip_norm: float = Field(default=0.01, gt=0, le=1e6, description="largest norm of one image's gradient")
    draws: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="timesteps and noises of an image in a step, averaged; more cost time and no privacy",
    )
    learning_rate: float = Field(default=1e-2, gt=0, le=1, description="constant rate of Adam")
    epochs: int = Field(default=20, ge=1, le=10_000, description="expected passes over the training images")
    steps: int | None = Field(default=None, ge=1, description="optimiser steps; instead of epochs where given")
    batch_size: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="expected training images per step, each drawn independently; the larger, the less noise",
    )
    flip: bool = Field(
        default=False,
        description="also learn mirror images; not for data where left and right matter, such as digits",
    )
    prompt_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="share of the prompts emptied, to keep guidance sound"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="arithmetic of the U-Net while it trains; auto is bfloat16 on an accelerator and float32 on a CPU; "
        "weights, norms and noise stay float32",
    )


class PaperLoraOptions(LoraOptions):
    """The same options with the paper's values: for a large model, at 224 pixels.

    The paper accumulates 4 batches of 1; one batch of 4 has the same gradient and keeps a GPU four times as busy.
    """

    learning_rate: float = Field(default=1e-4, gt=0, le=1, description="constant rate of AdamW")
    epochs: int = Field(default=3, ge=1, le=10_000, description="passes over the training images")
    batch_size: int = Field(
        default=4, ge=1, le=4096, description="images at once; fewer where the accelerator's memory does not hold them"
    )
    flip: bool = Field(default=True, description="also learn mirror images")
    prompt_dropout: float = Field(default=0.0, ge=0, lt=1, description="share of the prompts emptied")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="float16", description="arithmetic of the U-Net while it trains; a CPU takes float32 for float16"
    )


class FullOptions(AdapterTrainingOptions):
    """Which weights of the U-Net are trained, and how they are kept."""

    parts: Literal["all", "attention", "cross-attention"] = Field(
        default="all", description="what is trained: the whole U-Net, its attention, or its attention to the prompt"
    )
    learning_rate: float = Field(default=1e-4, gt=0, le=1, description="constant rate of AdamW")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the moving average of the weights that is kept; 0 for none"
    )
    file_dtype: Literal["float32", "float16"] = Field(default="float32", description="precision of the stored weights")


class TextualInversionOptions(AdapterTrainingOptions):
    """Which new words are learned, and how."""

    vectors_per_class: int = Field(default=1, ge=1, le=16, description="new tokens that stand for a class name")
    initial_word: str | None = Field(
        default=None, min_length=1, description="what the new tokens begin as; the class's own name if none"
    )
    learning_rate: float = Field(default=5e-3, gt=0, le=1, description="constant rate of AdamW")
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="weight decay of AdamW")
    prompt_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="share of the prompts emptied; the new words learn nothing from those"
    )
