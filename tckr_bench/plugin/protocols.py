"""What the implementation of a component does: one Protocol per family, and what it is given to work with.

Arrays cross the boundary as numpy, so a plugin may use any framework.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import (
        AttackEvidence,
        CaptionBasis,
        CellEvidence,
        Copies,
        DatasetDescription,
        DenoisingProbe,
        EncodedImage,
        FoundCaptions,
        GenerationRequest,
        ImageCatalogue,
        Images,
        Indices,
        LabelledImages,
        Labels,
        Logits,
        Measurement,
        Prompts,
        ReleaseOutcome,
        Scores,
        Split,
        ThreatModel,
        TrainingData,
        TrainingHistory,
        Tuned,
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
        caption_basis: what the captions follow from; surface `captions`.
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
    caption_basis: CaptionBasis = "image"
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


@runtime_checkable
class NamedDataset(Dataset, Protocol):
    """A dataset whose images are files, so that what is written about them can name them."""

    def image_names(self, split: Split) -> tuple[str, ...]:
        """Return the path of each image's file within the dataset, in the order of `read`; none where it has none."""


class Captioner(Protocol):
    """Describes real images."""

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one full prompt per image (n), the class name included where the captioner uses it."""


@runtime_checkable
class WrittenCaptioner(Protocol):
    """Hands out captions that somebody wrote before; it sees no image and looks each up by its identity."""

    def look_up(
        self,
        identities: Indices,
        labels: Labels,
        *,
        catalogue: ImageCatalogue,
        class_names: Sequence[str],
        context: Context,
    ) -> FoundCaptions:
        """Return one full prompt per image (n), the same whichever others are asked for; None where there is none.

        `labels` (n,) are those an attacker holds, which of canaries are not the catalogue's.
        """


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

    def tune(self, data: TrainingData, *, accuracy: float, seed: int, context: Context) -> Tuned:
        """Return the options with which it just reaches an accuracy (0 to 1) on `data.validation`.

        Where none do, those that come nearest; what was reached is told either way.
        """


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
        """Return the measurements of a cell, each with its interval; none where the evidence does not allow one.

        They bear the names of the quantities that the component declares.
        """
