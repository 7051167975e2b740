"""Frozen records that pass between rooms; no bare dict crosses a module boundary.

Those without arrays are also the schema of the result files: pydantic reads and writes them as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy as np
    import numpy.typing as npt

    Images = npt.NDArray[np.uint8]
    """Images as uint8 of shape (n, height, width, 3), RGB, range 0-255.

    Synthetic images given to a classifier may be an array-like that lies on disk, `ImageChunks` of
    `tckr_bench.stages.chunks`: slice it, index it by arrays of integers or booleans, or call `numpy.asarray`, which
    reads all of it into memory.
    """
    Labels = npt.NDArray[np.int64]
    """Class indices of shape (n,), range 0 to classes - 1."""
    Logits = npt.NDArray[np.float32]
    """Classifier outputs before the softmax, shape (n, classes)."""
    Scores = npt.NDArray[np.float64]
    """Membership scores of shape (n,); higher means 'more likely a member'."""

Split = Literal["train", "validation", "test"]
TrainingProtocol = Literal["sound", "paper"]
Contamination = Literal["none", "classes", "images", "unknown"]
LabelKind = Literal["hard", "soft"]
Role = Literal["baseline", "method", "control"]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class LabelledImages:
    """Images (n, height, width, 3) uint8 with their labels (n,) int64."""

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        assert len(self.images) == len(self.labels), "one label per image"

    def __len__(self) -> int:
        return len(self.labels)


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
    """Prompts of n images: `texts`, the class of each (n,), and the real training image each describes (n,)."""

    texts: tuple[str, ...]
    labels: Labels
    sources: npt.NDArray[np.int64]

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


@dataclass(frozen=True)
class TrainingHistory:
    """What training reports: loss per epoch, validation accuracy per epoch (0-1), and the epoch that was kept."""

    losses: tuple[float, ...]
    validation_accuracies: tuple[float, ...]
    kept_epoch: int


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker is taken to see and own; printed beside every figure of the attack."""

    sees: str
    owns: str
    adaptive: bool = False


@dataclass(frozen=True)
class AttackEvidence:
    """What an attack may use for n challenge examples; who is a member is not in it.

    Attributes:
        target_logits: outputs of the attacked model, (n, classes) float32.
        labels: labels the attacker holds for the examples, (n,) int64.
        shadow_logits: outputs of K shadow models, (K, n, classes) float32; K may be 0.
        shadow_membership: which examples each shadow model was trained on, (K, n) bool.
    """

    target_logits: Logits
    labels: Labels
    shadow_logits: npt.NDArray[np.float32]
    shadow_membership: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AttackScores:
    """Saved outcome of one attack: scores (n,), true membership (n,) bool, and which examples are canaries."""

    attack: str
    scores: Scores
    members: npt.NDArray[np.bool_]
    canaries: npt.NDArray[np.bool_]
    threat_model: ThreatModel


@dataclass(frozen=True)
class CellEvidence:
    """Everything the figures of one cell are computed from; all of it is saved.

    Attributes:
        test_labels: labels of the real test images, (n,) int64.
        test_logits: outputs of the cell's classifier on them, (n, classes) float32.
        teacher_logits: outputs of the real-data teacher on them, (n, classes) float32.
        attacks: saved scores by attack label.
        primary_attack: label of the attack declared, before the run, as the one the board ranks by.
    """

    test_labels: Labels
    test_logits: Logits
    teacher_logits: Logits
    attacks: Mapping[str, AttackScores]
    primary_attack: str


@dataclass(frozen=True)
class Figure:
    """One number of the board with its 95 % interval and what it rests on.

    `attack` is the label of the attack whose scores it was computed from, empty for accuracies.
    """

    metric: str
    value: float
    low: float
    high: float
    interval: str
    examples: int
    attack: str = ""


@dataclass(frozen=True)
class Cost:
    """What a stage took: wall and CPU seconds, and the peak resident memory of its process in bytes."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class ComponentUse:
    """A component as a matrix uses it: enough to key a cache and to load it again, without importing it."""

    family: str
    name: str
    version: str
    label: str
    options: Mapping[str, Any]
    distribution: str = ""
    identity: str = ""


@dataclass(frozen=True)
class Method:
    """captioner x generator x adapter x classifier x labels x cardinality, or a baseline or control.

    A baseline or control that has no synthetic data has no captioner, generator and adapter.
    """

    name: str
    role: Role
    classifier: ComponentUse
    labels: LabelKind = "hard"
    cardinality: float = 1.0
    captioner: ComponentUse | None = None
    generator: ComponentUse | None = None
    adapter: ComponentUse | None = None

    @property
    def synthetic(self) -> bool:
        """Whether the method's classifier learns from generated images."""
        return self.generator is not None


@dataclass(frozen=True)
class Cell:
    """method x dataset x seed."""

    dataset: ComponentUse
    method: Method
    seed: int

    @property
    def slug(self) -> str:
        """A readable name, unique in a run and usable as a path: `dataset/method/seed-0`."""
        return f"{self.dataset.label}/{self.method.name}/seed-{self.seed}"


@dataclass(frozen=True)
class StageCost:
    """Provenance of one stage a cell rests on."""

    stage: str
    kind: str
    component: str
    cost: Cost
    device: str


@dataclass(frozen=True)
class CellRecord:
    """One row of the results: a cell, its figures, and where they come from.

    `status` is `ok` or `failed`; a failed cell has no figures and names the stage and the reason. `protocol` says how
    epochs were chosen: `sound` on validation images, `paper` on the test set. `contamination` says whether the base
    generator was pretrained on the dataset's images or classes; None where there is no generator.
    """

    dataset: str
    method: Method
    seed: int
    track: str
    status: Literal["ok", "failed"]
    figures: tuple[Figure, ...] = ()
    threat_models: Mapping[str, ThreatModel] = field(default_factory=dict)
    description: DatasetDescription | None = None
    protocol: TrainingProtocol = "sound"
    contamination: Contamination | None = None
    splits: Mapping[str, int] = field(default_factory=dict)
    stages: tuple[StageCost, ...] = ()
    failure: str = ""
