"""Components in use, methods and cells, and the rows of the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tckr_bench.records.contract import Shadows
from tckr_bench.records.data import DatasetDescription
from tckr_bench.records.estimate import Z_95
from tckr_bench.records.membership import Surface, ThreatModel

TrainingProtocol = Literal["sound", "paper"]
Contamination = Literal["none", "classes", "images", "unknown"]
LabelKind = Literal["hard", "soft"]
Role = Literal["baseline", "defended", "method", "control"]


@dataclass(frozen=True)
class Measurement:
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

    @property
    def error(self) -> float:
        """Standard error implied by the 95 % interval."""
        return (self.high - self.low) / (2 * Z_95)


@dataclass(frozen=True)
class Cost:
    """What a stage took: wall and CPU seconds, and the peak resident memory of its process in bytes."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class ComponentUse:
    """A component as a matrix uses it: enough to key a cache and to load it again, without importing it.

    The last four are what the component declares for these options. They follow from name, version and options, and
    are no part of a key of their own; a family that does not have one leaves it as it is.

    Attributes:
        surface: what an attack looks at.
        shadows: the shadow models an attack wants trained.
        work: how often a classifier sees each training image, 1 at least; the share of them that an adapter is given.
        image_size: the side in pixels of what a generator makes; None where it is not known.
    """

    family: str
    name: str
    version: str
    label: str
    options: Mapping[str, Any]
    distribution: str = ""
    identity: str = ""
    surface: Surface = "classifier"
    shadows: Shadows = field(default_factory=Shadows)
    work: float = 1.0
    image_size: int | None = None


@dataclass(frozen=True)
class Method:
    """captioner x generator x adapter x classifier x labels x cardinality, or a baseline, defence or control.

    What has no synthetic data has no captioner, generator and adapter. A `defended` method trains on real data with a
    defence of its own; `matched` says that the defence is tuned to the first student's validation accuracy.
    """

    name: str
    role: Role
    classifier: ComponentUse
    labels: LabelKind = "hard"
    cardinality: float = 1.0
    captioner: ComponentUse | None = None
    generator: ComponentUse | None = None
    adapter: ComponentUse | None = None
    matched: bool = False

    @property
    def synthetic(self) -> bool:
        """Whether the method's classifier learns from generated images."""
        return self.generator is not None

    def generated_images(self, training_images: int) -> int:
        """Return how many synthetic images its classifier learns from, at least one; 0 of a method without a generator.

        Args:
            training_images: how many real images train.
        """
        return max(1, round(self.cardinality * training_images)) if self.synthetic else 0


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
class StepCost:
    """What all stages of one kind and component took together, on one device; memory is the largest of them."""

    kind: str
    component: str
    device: str
    stages: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class CellRecord:
    """One row of the results: a cell, its measurements, and where they come from.

    `status` is `ok` or `failed`; a failed cell has no measurements and names the stage and the reason. `protocol` says
    how epochs were chosen: `sound` on validation images, `paper` on the test set. `contamination` says whether the base
    generator was pretrained on the dataset's images or classes; None where there is no generator. `failed` names the
    attacks and metrics that failed on the cell, whose measurements it is without, and the reason. `same_outputs` names
    the methods whose outputs its own determine, and whose worst attack counts as its own.
    """

    dataset: str
    method: Method
    seed: int
    track: str
    status: Literal["ok", "failed"]
    measurements: tuple[Measurement, ...] = ()
    threat_models: Mapping[str, ThreatModel] = field(default_factory=dict)
    description: DatasetDescription | None = None
    protocol: TrainingProtocol = "sound"
    contamination: Contamination | None = None
    splits: Mapping[str, int] = field(default_factory=dict)
    cost: tuple[StepCost, ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failure: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)
    same_outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """A control of a run on a dataset, or a test of its challenge: whether it passed, and on what."""

    name: str
    passed: bool
    reason: str


def attacks_on(records: Iterable[CellRecord], *, surface: Surface) -> list[str]:
    """Return the labels of the attacks that look at a surface, in order of appearance."""
    models = (item for record in records for item in record.threat_models.items())
    return list(dict.fromkeys(label for label, model in models if model.surface == surface))
