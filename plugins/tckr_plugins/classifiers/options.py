"""Options of the built-in classifiers; importing this module imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from tckr_bench.components import Options
from tckr_plugins.classifiers.ofa_configuration import resolve_configuration

PAPER_RECIPE: Mapping[str, Any] = {
    "image_size": 224,
    "epochs": 100,
    "batch_size": 96,
    "learning_rate": 1e-3,
    "weight_decay": 5e-5,
    "warmup": 0.0,
    "label_smoothing": 0.1,
    "flip": True,
    "padding": 0.1,
    "augmix": True,
    "mixup": 1.0,
    "patience": 30,
    "precision": "float16",
    "normalisation": "dataset",
}
"""Training as in Resmini et al. (arXiv 2504.04582) and its repository, whose schedule is made for 100 epochs."""


PICKLED = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".tar")


def weights_file(weights: str) -> Path:
    """Return the file that the option `weights` names: the file itself, or `model.safetensors` in the folder."""
    path = Path(weights).expanduser()
    return path / "model.safetensors" if path.is_dir() else path


def _without_pickle(weights: str) -> str:
    if weights.endswith(PICKLED):
        raise ValueError("weights must be a .safetensors file; no other format is read")
    return weights


class TrainingOptions(Options):
    """The recipe of the training loop that every built-in classifier shares."""

    recipe: Literal["plain", "paper"] = Field(
        default="plain",
        description="'paper' sets every option that is not given to the published recipe: 224 pixels, AdamW, AugMix, "
        "MixUp, label smoothing, patience 30",
    )

    epochs: int = Field(
        default=20, ge=0, le=10_000, description="passes over the training images; 0 leaves it untrained"
    )
    augment: bool = Field(default=True, description="shift (and flip, where set) every training image at random")
    flip: bool = Field(
        default=False,
        description="augment with horizontal mirroring; off by default because digits are not symmetric",
    )
    augmix: bool = Field(
        default=False, description="augment with AugMix (three chains of one to three operations, severity 3)"
    )
    mixup: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="alpha of MixUp, which blends pairs of images and their hard labels; 0 for none; soft labels are "
        "asked on the images as they are",
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
    temperature: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="divide the released logits by this: above 1 hides confidence, a defence of little strength",
    )
    patience: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="stop after so many epochs without a better validation accuracy; 0 for never",
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="arithmetic of training on a CUDA device; elsewhere it is always float32"
    )
    normalisation: Literal["pretraining", "dataset"] = Field(
        default="pretraining",
        description="mean and deviation of the input: the pretraining's, where there was one, or the training images'",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:  # noqa: ANN401 - pydantic passes whatever it was called with
        if isinstance(given, Mapping) and given.get("recipe") == "paper":
            own = {name: value for name, value in PAPER_RECIPE.items() if name in cls.model_fields}
            return own | dict(given)
        return given


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
    weights: str = Field(
        default="",
        description="start from this local .safetensors file instead, or from the folder with model.safetensors that "
        "timm saved",
    )
    image_size: int = Field(
        default=224, ge=8, le=1024, description="side in pixels the network works at; other sizes are resized"
    )

    @model_validator(mode="after")
    def _one_source(self) -> TimmOptions:
        if self.weights and self.pretrained:
            raise ValueError("give either pretrained or weights, not both")
        return self

    @field_validator("weights")
    @classmethod
    def _safe(cls, weights: str) -> str:
        return _without_pickle(weights)


class OfaOptions(TrainingOptions):
    """Options of `ofa-mobilenetv3`."""

    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="peak learning rate of AdamW")
    configuration: str = Field(
        default="oxford_pets",
        validate_default=True,
        description="'10_' and 20 blocks depth-kernel-expansion (0-0-0 for none) joined by '_', or the name of a "
        "dataset of the paper",
    )
    weights: str = Field(
        default="",
        description="start from this local .safetensors file, with the names of timm or of the Once-for-All package",
    )
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="dropout before the head; the paper's own head has none"
    )
    image_size: int = Field(
        default=224, ge=8, le=1024, description="side in pixels the network works at; other sizes are resized"
    )

    @field_validator("configuration")
    @classmethod
    def _resolve(cls, text: str) -> str:
        return resolve_configuration(text)

    @field_validator("weights")
    @classmethod
    def _safe(cls, weights: str) -> str:
        return _without_pickle(weights)


class DpSgdOptions(Options):
    """Options of `dp-sgd`."""

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
    clip_norm: float = Field(default=1.0, gt=0, le=1e6, description="largest norm of one image's gradient")
    network: Literal["edges", "cnn"] = Field(
        default="edges",
        description="'edges': a linear layer on fixed features, best for few images; 'cnn': small-cnn with group norms",
    )
    epochs: int = Field(
        default=60, ge=0, le=10_000, description="expected passes over the training images; 0 leaves it untrained"
    )
    augment: bool = Field(
        default=False,
        description="shift (and flip, where set) every training image at random; 'edges' is then much slower",
    )
    flip: bool = Field(default=False, description="augment with horizontal mirroring")
    padding: float = Field(
        default=0.1, ge=0, le=0.5, description="padding of the random crop, as a fraction of the side"
    )
    batch_size: int = Field(
        default=2048, ge=1, le=1_000_000, description="expected training images per step; each is drawn independently"
    )
    optimizer: Literal["adam", "sgd"] = Field(default="sgd", description="what takes the noisy gradient")
    learning_rate: float = Field(default=8.0, gt=0, le=1000, description="peak learning rate")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="momentum of sgd; the first beta of adam")
    weight_decay: float = Field(default=0.0, ge=0, le=10, description="decoupled weight decay (of sgd: as a penalty)")
    warmup: float = Field(
        default=0.0, ge=0, lt=1, description="fraction of the steps with a rising learning rate; a cosine follows"
    )
    temperature: float = Field(default=1.0, gt=0, le=1000, description="divide the released logits by this")
    image_size: int = Field(
        default=32, ge=8, le=1024, description="side in pixels the network works at; other sizes are resized"
    )
    widths: tuple[int, ...] = Field(
        default=(16, 32, 64),
        min_length=1,
        max_length=8,
        description="of 'cnn': channels of the stem and of each stage, which halves the side",
    )

    @field_validator("widths")
    @classmethod
    def _positive(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if min(widths) < 1:
            raise ValueError("every width is at least 1")
        return widths
