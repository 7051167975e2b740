"""Images, prompts, and what a classifier learns from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records.arrays import Images, Indices, Labels
    from tckr_bench.records.contract import CaptionBasis

Split = Literal["train", "validation", "test"]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class LabelledImages:
    """Images (n, height, width, 3) uint8 with their labels (n,) int64.

    `identities` (n,) tell which image of its dataset each is, by its place in the dataset's `ImageCatalogue`: what is
    left out, held out or drawn afterwards changes places, and never an identity. None where images are of no dataset.
    """

    images: Images
    labels: Labels
    identities: Indices | None = None

    def __post_init__(self) -> None:
        assert len(self.images) == len(self.labels), "one label per image"
        assert self.identities is None or len(self.identities) == len(self.labels), "one identity per image"

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: npt.NDArray[Any] | slice) -> LabelledImages:
        """Return some of the images, by a mask (n,) bool, indices or a slice, with their labels and identities."""
        identities = None if self.identities is None else self.identities[chosen]
        return LabelledImages(self.images[chosen], self.labels[chosen], identities)


@dataclass(frozen=True)
class ImageCatalogue:
    """All images of a dataset as it delivers them, before any is left out: those of train, then validation, then test.

    Attributes:
        counts: how many each of these splits has; 0 where the dataset has no validation split of its own.
        labels: the class of each, (n,) int64.
        names: the path of each one's file within the dataset, n texts; none where its images are no files.
    """

    counts: tuple[int, int, int]
    labels: Labels
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert sum(self.counts) == len(self.labels), "one label per image"
        assert len(self.names) in (0, len(self.labels)), "one name per image, or none at all"

    def places(self, split: Split) -> slice:
        """Return where the images of a split stand.

        >>> ImageCatalogue((3, 0, 2), [0, 1, 0, 0, 1]).places("test")
        slice(3, 5, None)
        """
        index = SPLITS.index(split)
        start = sum(self.counts[:index])
        return slice(start, start + self.counts[index])


@dataclass(frozen=True)
class FoundCaptions:
    """What a file of captions has for n images: the prompt of each, None where there is none, and what is left over."""

    texts: tuple[str | None, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetDescription:
    """What is known of a dataset before an image is decoded.

    `fingerprint` is a sha256 of the content of the source files: the root of every cache key below it.
    """

    name: str
    class_names: tuple[str, ...]
    counts: Mapping[str, int]
    fingerprint: str
    native_size: str
    source: str
    licence: str


@dataclass(frozen=True)
class EncodedImage:
    """One image of a dataset as it is stored: what to call it, its class index, and how to open its bytes."""

    name: str
    label: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class Pretraining:
    """What a generator's weights have seen before any adaptation, as far as its authors say.

    Attributes:
        images_of: names of datasets whose own training images were in it -> the classes these images are of.
        class_names: all classes whose images were in it, from whatever source.
        source: one sentence on the images, for people.
        known: whether the list is complete; False for images scraped from the web.
    """

    images_of: Mapping[str, tuple[str, ...]]
    class_names: tuple[str, ...]
    source: str
    known: bool = True


@dataclass(frozen=True)
class Prompts:
    """Prompts of n images: `texts`, the class of each (n,), and the real training image each describes (n,).

    `basis` is what the texts follow from.
    """

    texts: tuple[str, ...]
    labels: Labels
    sources: Indices
    basis: CaptionBasis = "image"

    def __post_init__(self) -> None:
        assert len(self.texts) == len(self.labels) == len(self.sources), "one text, label and source per image"

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class GenerationRequest:
    """n images to make: a prompt and a seed of its own for each, so that image i never depends on its batch.

    `ranks` counts, for each image, the images of its class that come before it in the whole sequence (0 for the
    first); `class_names` are those of the prompts' labels. Both serve generators that look images up.
    """

    prompts: Prompts
    seeds: tuple[int, ...]
    ranks: tuple[int, ...] = ()
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.prompts) == len(self.seeds), "one seed per prompt"
        assert len(self.ranks) in (0, len(self.seeds)), "one rank per prompt, or none known"

    def __len__(self) -> int:
        return len(self.seeds)


@dataclass(frozen=True)
class TrainingData:
    """What a classifier learns from.

    `teacher`, where given, maps images (n, height, width, 3), uint8 or float32 in 0-255, to class probabilities
    (n, classes) float32: the soft labels of Generative Knowledge Distillation, asked for on every augmented
    batch. `validation` is None where no epoch may be chosen (shadow models).
    """

    training: LabelledImages
    class_names: tuple[str, ...]
    validation: LabelledImages | None = None
    teacher: Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]] | None = None


MATCHED_WITHIN = 0.005
"""How far below the accuracy wanted a matched defence may stay, half a percentage point."""


@dataclass(frozen=True)
class Matching:
    """How a defence was matched to a student: the accuracy wanted, and the one reached, on validation images, 0 to 1.

    `trainings` is how many the search for its options took, each on the real images.
    """

    wanted: float
    reached: float
    trainings: int

    @property
    def met(self) -> bool:
        """Whether the accuracy wanted was reached, to within half a percentage point."""
        return self.wanted - self.reached <= MATCHED_WITHIN + 1e-9


@dataclass(frozen=True)
class Tuned:
    """The options that a defence was tuned to, by name, and how far they match."""

    options: Mapping[str, float]
    matching: Matching


@dataclass(frozen=True)
class PrivacyGuarantee:
    """What training proves: (epsilon, delta)-differential privacy of the training images, by an accountant.

    Attributes:
        epsilon: in nats, of one training that sees an image or does not.
        delta: chance with which it may fail.
        accountant: how it was counted, for people.
        leaves_out: what saw the real images and is not counted, in words, such as "the search for its options".
        matching: of a defence that was matched to a student.
    """

    epsilon: float
    delta: float
    accountant: str
    leaves_out: tuple[str, ...] = ()
    matching: Matching | None = None


@dataclass(frozen=True)
class TrainingHistory:
    """What training reports: loss per epoch, validation accuracy per epoch (0-1), and the epoch that was kept.

    `guarantee` is what differentially private training proves; None where nothing is proved.
    """

    losses: tuple[float, ...]
    validation_accuracies: tuple[float, ...]
    kept_epoch: int
    guarantee: PrivacyGuarantee | None = None
