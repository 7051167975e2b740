"""Options of the built-in classifiers; importing this module imports nothing heavy."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from tckr_bench.components import ClassifierOptions


class TrainingOptions(ClassifierOptions):
    """The recipe of the training loop that every built-in classifier shares."""

    epochs: int = Field(
        default=20, ge=0, le=10_000, description="passes over the training images; 0 leaves it untrained"
    )
    augment: bool = Field(default=True, description="shift (and flip, where set) every training image at random")
    flip: bool = Field(
        default=False,
        description="augment with horizontal mirroring; off by default because digits are not symmetric",
    )
    padding: float = Field(
        default=0.1, ge=0, le=0.5, description="padding of the random crop, as a fraction of the side"
    )
    batch_size: int = Field(default=128, ge=1, le=65_536, description="training images per step")
    learning_rate: float = Field(default=5e-3, gt=0, le=10, description="peak learning rate of AdamW")
    weight_decay: float = Field(default=1e-3, ge=0, le=10, description="decoupled weight decay of AdamW")
    warmup: float = Field(default=0.2, ge=0, lt=1, description="fraction of the steps with a rising learning rate")
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="smoothing of hard labels; soft labels are left as they are"
    )


class SmallCnnOptions(TrainingOptions):
    """Options of `small-cnn`."""

    image_size: int = Field(
        default=32, ge=8, le=1024, description="side in pixels the network works at; other sizes are resized"
    )
    widths: tuple[int, ...] = Field(
        default=(16, 32, 64, 128),
        min_length=1,
        max_length=8,
        description="channels of the stem and of each stage, which halves the side",
    )

    @field_validator("widths")
    @classmethod
    def _positive(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if min(widths) < 1:
            raise ValueError("every width is at least 1")
        return widths


class TimmOptions(TrainingOptions):
    """Options of `timm`."""

    epochs: int = Field(
        default=20, ge=0, le=10_000, description="passes over the training images; 0 leaves it untrained"
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="peak learning rate of AdamW")
    model: str = Field(default="resnet18", min_length=1, description="name of a timm model, or hf-hub:owner/name")
    pretrained: bool = Field(
        default=False, description="start from the safetensors weights the hub holds for the model"
    )
    weights: str = Field(default="", description="start from this local .safetensors file instead, saved by timm")
    image_size: int = Field(
        default=224, ge=8, le=1024, description="side in pixels the network works at; other sizes are resized"
    )

    @model_validator(mode="after")
    def _one_source(self) -> TimmOptions:
        if self.weights and self.pretrained:
            raise ValueError("give either pretrained or weights, not both")
        if self.weights and not self.weights.endswith(".safetensors"):
            raise ValueError("weights must be a .safetensors file; no other format is read")
        return self
