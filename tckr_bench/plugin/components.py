"""What a plugin provides: a `Component` per implementation and, behind it, one Protocol per family.

A component's name, version and options identify it before anything heavy is imported; `load` imports late.
Arrays cross the boundary as numpy, so a plugin may use any framework.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tckr_bench.errors import OptionError, nearest
from tckr_bench.plugin.observing import Observer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import (
        AttackEvidence,
        CellEvidence,
        Copies,
        DatasetDescription,
        DenoisingProbe,
        EncodedImage,
        GenerationRequest,
        Images,
        LabelledImages,
        Labels,
        Logits,
        Measurement,
        Pretraining,
        Prompts,
        ReleaseOutcome,
        Scores,
        Split,
        Surface,
        ThreatModel,
        TrainingData,
        TrainingHistory,
    )

FAMILIES = ("dataset", "captioner", "generator", "adapter", "classifier", "attack", "metric", "observer")

T_co = TypeVar("T_co", covariant=True)
Direction = Literal["higher", "lower", "neither"]
"""Which way a metric is better: more accuracy, less of what an attack finds, or neither."""


class Options(BaseModel):
    """Options of a component: a frozen, validated model; give each field a default and a `description`."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ClassifierOptions(Options):
    """Options every classifier has, because the controls turn them: an untrained one, and one that memorises."""

    epochs: int = 20
    augment: bool = True


class AdapterOptions(Options):
    """Options of every adapter that learns: how much of the training set the harness gives it."""

    sample_fraction: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the training images to adapt to, drawn evenly from the classes; at least one of each",
    )


class AttackOptions(Options):
    """Options every attack has: how many shadow models it wants trained (0 for none)."""

    shadows: int = 0


class ShadowAttackOptions(AttackOptions):
    """Options of every attack that compares with shadow models."""

    shadows: int = Field(
        default=16,
        ge=2,
        le=4096,
        description="shadow models, each trained on a random half of the challenge examples",
    )
    adaptive: bool = Field(
        default=False,
        description="shadow models repeat the whole pipeline of the target (caption, adapt, generate, teacher, "
        "student) on their half, instead of learning from the real images",
    )


@dataclass(frozen=True)
class Context:
    """What the harness tells a component about where it runs.

    Attributes:
        device: a torch device string, `cpu`, `cuda` or `mps`.
        progress: call it with the fraction done, 0 to 1; cheap, may be called often.
    """

    device: str = "cpu"
    progress: Callable[[float], None] = lambda _fraction: None


@dataclass(frozen=True)
class Component(Generic[T_co]):
    """One implementation, as registered by a plugin.

    Attributes:
        name: what a matrix file calls it; unique within its family.
        version: part of every cache key; raise it whenever the output for the same input changes.
        options: the `Options` model; its defaults are the component's defaults.
        load: imports what is heavy and returns the implementation of the family's Protocol.
        summary: one line for `tckr-bench plugins list`.
        identity: hash of what the options point at (weights in a folder, say), where that can change.
        argument: the option that `name:value` sets, such as `imagefolder:photos`; empty where there is none.
        groups: names that stand for this component and others, such as `paper-ten` for ten datasets.
        published: for a dataset, its description as published, for plans where the data is not at hand.
        operations: floating-point operations of one unit of the component's stage - an image captioned, adapted to,
            generated, or trained on for one epoch - for forecasts of large models; None where it is not known.
        pretraining: for a generator, what its weights have seen.
        surface: for an attack, what it looks at; `classifier` makes it an `Attack`, any other a `ReleaseAttack`.
        better: for a metric, which way its measurements are better; no part of any cache key.
    """

    name: str
    version: str
    options: type[Options]
    load: Callable[[Any], T_co]
    summary: str
    identity: Callable[[Any], str] = lambda _options: ""
    argument: str = ""
    groups: tuple[str, ...] = ()
    published: Callable[[Any], DatasetDescription | None] = lambda _options: None
    operations: Callable[[Any], float | None] = lambda _options: None
    pretraining: Callable[[Any], Pretraining | None] = lambda _options: None
    surface: Surface = "classifier"
    better: Direction | None = None

    def parse_options(self, given: Mapping[str, Any]) -> Options:
        """Validate options given by a user.

        Raises:
            OptionError: one sentence with the nearest right name, or the value found and what is allowed.
        """
        unknown = sorted(set(given) - set(self.options.model_fields))
        if unknown:
            hint = nearest(unknown[0], self.options.model_fields)
            raise OptionError(f"component '{self.name}' has no option '{unknown[0]}'{hint}")
        try:
            return self.options.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "options"
            raise OptionError(
                f"option '{where}' of component '{self.name}' cannot be {first['input']!r}: {first['msg']}"
            ) from error


@dataclass(frozen=True)
class ReleaseEvidence:
    """What an attack on anything but the classifier may use for n challenge examples.

    Attributes:
        images: the examples, (n, height, width, 3) uint8.
        labels: (n,) int64.
        class_names: in label order.
        prompts: what the method's captioner says of each example, n texts, member or not; surfaces `generator` and
            `captions`, else empty.
        generator: the adapted generator, restored; surface `generator`.
        synthetic: the m synthetic images the classifier learned from, with their labels; surface `images`.
        released_prompts: the prompts the synthetic images were made from, in order; surface `captions`.
        references: examples known not to be members (the validation split, maybe empty); surface `images`.
        members: who is a member, (n,) bool; surface `data` alone, which tests the challenge and attacks nothing.
    """

    images: Images
    labels: Labels
    class_names: tuple[str, ...]
    prompts: tuple[str, ...] = ()
    generator: Generator | None = None
    synthetic: LabelledImages | None = None
    released_prompts: tuple[str, ...] = ()
    references: LabelledImages | None = None
    members: npt.NDArray[np.bool_] | None = None


class Dataset(Protocol):
    """A real dataset with class names and the splits `train` and `test`, and `validation` where it has one."""

    def describe(self) -> DatasetDescription:
        """Return names, counts and the content fingerprint without decoding images.

        Raises:
            DatasetError: the data is not there or not usable; the sentence says what to do.
        """

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Decode a split to `size` x `size` RGB, in a fixed order."""


@runtime_checkable
class InspectableDataset(Dataset, Protocol):
    """A dataset whose stored images can be checked one by one before a run: damaged files, duplicates, sizes."""

    def encoded_images(self, split: Split) -> Iterator[EncodedImage]:
        """Yield every image of a split as it is stored, in the order of `read`; nothing is decoded."""


class Captioner(Protocol):
    """Describes real images."""

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one full prompt per image (n), the class name included where the captioner uses it."""


class Generator(Protocol):
    """Makes images from prompts."""

    @property
    def image_size(self) -> int:
        """Width and height in pixels of what `generate` returns."""

    def restore(self, weights: Path) -> None:
        """Take up the weights an adapter left in a folder; an empty folder means none."""

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return (n, image_size, image_size, 3) uint8; image i depends on prompt i and seed i alone."""


@runtime_checkable
class DiffusionGenerator(Generator, Protocol):
    """A generator whose denoiser can be asked how well it knows an image: attacks on released weights need it."""

    def denoising_errors(
        self, images: Images, prompts: Sequence[str], *, probe: DenoisingProbe, context: Context
    ) -> npt.NDArray[np.float64]:
        """Return one error per image (n,), lower where the denoiser knows the image better."""


class Adapter(Protocol):
    """Fits a generator to real images and their prompts; the product is weights in a folder."""

    def adapt(
        self,
        generator: Generator,
        images: Images,
        prompts: Prompts,
        *,
        weights: Path,
        seed: int,
        context: Context,
    ) -> None:
        """Write to the folder `weights` what `Generator.restore` needs."""


class Classifier(Protocol):
    """Learns labels from images."""

    def fit(self, data: TrainingData, *, seed: int, context: Context) -> TrainingHistory:
        """Train from scratch (or from the pretrained weights the options name)."""

    def predict(self, images: npt.NDArray[Any], *, context: Context) -> Logits:
        """Return logits (n, classes) for images (n, h, w, 3), uint8 or float32 in 0-255."""

    def save(self, folder: Path) -> None:
        """Write the trained weights to a folder, as safetensors and JSON."""

    def restore(self, folder: Path, *, context: Context) -> None:
        """Read what `save` wrote."""


@runtime_checkable
class TunableClassifier(Classifier, Protocol):
    """A defended classifier that can trade privacy for accuracy: what utility-matched baselines need."""

    def tune(self, data: TrainingData, *, accuracy: float, seed: int, context: Context) -> Mapping[str, float]:
        """Return the options with which it just reaches an accuracy (0 to 1) on `data.validation`."""


class Attack(Protocol):
    """Scores how much each challenge example looks like a member of the target's training set."""

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return one float64 score per example (n,); higher means member."""


class ReleaseAttack(Protocol):
    """An attack on what is released beside the classifier; see `ReleaseEvidence` for what each surface offers."""

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return one float64 score per example; higher means member.

        Raises:
            NotApplicableError: what was released does not allow this attack (another kind of generator, say).
        """


@runtime_checkable
class CopyAttack(ReleaseAttack, Protocol):
    """A release attack that, once its scores are judged, also tells how close the synthetic images come to real ones.

    The attacker does not know who is a member; the harness does, and asks for the distances to either side.
    """

    def copies(self, evidence: ReleaseEvidence, *, members: npt.NDArray[np.bool_]) -> Copies:
        """Return the distance of each synthetic image it looks at to the nearest member and the nearest non-member."""


class Metric(Protocol):
    """A pure function of saved evidence."""

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return the measurements of a cell, each with its interval; none where the evidence does not allow one."""


Implementation = Dataset | Captioner | Generator | Adapter | Classifier | Attack | ReleaseAttack | Metric | Observer

__all__ = [
    "FAMILIES",
    "Adapter",
    "AdapterOptions",
    "Attack",
    "AttackOptions",
    "Captioner",
    "Classifier",
    "ClassifierOptions",
    "Component",
    "Context",
    "CopyAttack",
    "Dataset",
    "DiffusionGenerator",
    "Direction",
    "Generator",
    "Implementation",
    "InspectableDataset",
    "Metric",
    "Options",
    "ReleaseAttack",
    "ReleaseEvidence",
    "ShadowAttackOptions",
    "TunableClassifier",
]
