"""A dataset, its artifacts, and a registry to which a test adds components that misbehave."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tckr_bench.plugin.components import COMPONENTS
from tckr_bench.plugin.options import NoOptions
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import Registration, Registry
from tckr_bench.records import (
    DatasetDescription,
    LabelledImages,
    Measurement,
    Quantity,
    ThreatModel,
    TrainingHistory,
)
from tckr_bench.stages import attack, caption, measure, prepare, train
from tckr_bench.stages.request import stage_request

CLASSES = ("cat", "dog", "owl")
COUNTS = {"train": 24, "validation": 6, "test": 12}


@dataclass
class FakeDataset:
    """Images that are all unlike; a test changes what is described, and what a split gives."""

    class_names: tuple = CLASSES
    counts: dict = field(default_factory=lambda: dict(COUNTS))
    splits: dict = field(default_factory=dict)

    def describe(self):
        return DatasetDescription("fake", self.class_names, self.counts, "f" * 64, "8x8", "here", "MIT")

    def read(self, split, *, size):
        if split in self.splits:
            return self.splits[split]
        count = COUNTS[split]
        images = np.zeros((count, size, size, 3), dtype=np.uint8)
        images[:, 0, 0, 0] = np.arange(count)
        images[:, 0, 0, 1] = ("train", "validation", "test").index(split)
        return LabelledImages(images, np.arange(count, dtype=np.int64) % len(CLASSES))


class FakeAttack:
    threat_model = ThreatModel(sees="logits", owns="nothing")

    def score(self, evidence):
        return evidence.target_logits[:, 0].astype(np.float64)


@dataclass
class FakeMetric:
    name: str

    def compute(self, evidence):
        return [Measurement(self.name, 0.5, 0.4, 0.6, "made up", len(evidence.test_labels))]


class World:
    """Artifacts of one cell; stages run as a worker would run them, without its store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, Registry()

    def add(self, family, name, implementation, distribution="somebody 1", **declared):
        component = COMPONENTS[family](name, "1", NoOptions, lambda _options: implementation, f"the {name}", **declared)
        self.registry.add(Registration(family=family, component=component, distribution=distribution))
        return self.registry.use(family, name, label=name, options={})

    def new(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def run(self, stage, kind, *, components, parents=(), parameters=(), name=None):
        folder = self.new(name or kind)
        request = stage_request(
            stage,
            kind=kind,
            components=components,
            parents={role: tuple(places) for role, places in dict(parents).items()},
            parameters=dict(parameters),
            seed=0,
        )
        stage.run(request, folder, Context())
        return folder

    def prepared(self, dataset=None, name="prepare", **changes):
        use = self.add("dataset", name, dataset or FakeDataset())
        parameters = {"fingerprint": "f" * 64, "image_size": 8, "validation_fraction": 0.2, **changes}
        return self.run(prepare, "prepare", components={"dataset": use}, parameters=parameters, name=name)

    def captioned(self, captioner, name, *, data, sample, basis="image"):
        use = self.add("captioner", name, captioner, basis=basis)
        parents, parameters = {"data": [data]}, {"sample": asdict(sample)}
        return self.run(
            caption, "caption", components={"captioner": use}, parents=parents, parameters=parameters, name=name
        )

    def trained(self, name="target"):
        folder, generator = self.new(name), np.random.default_rng(0)
        challenge, test, validation = COUNTS["train"] + COUNTS["test"], COUNTS["test"], COUNTS["validation"]
        arrays = {
            part: generator.normal(size=(count, len(CLASSES))).astype(np.float32)
            for part, count in (("challenge", challenge), ("test", test), ("validation", validation))
        }
        queries = np.zeros((0, challenge, len(CLASSES)), np.float32)
        train.write_arrays(folder / train.PREDICTIONS_FILE, {**arrays, "queries": queries})
        history = train.TypeAdapter(TrainingHistory).dump_json(TrainingHistory((1.0,), (0.5,), 0))
        (folder / train.HISTORY_FILE).write_bytes(history)
        return folder

    def attacked(self, implementation, name, *, data, target):
        use = self.add("attack", name, implementation)
        parents = {"data": [data], "target": [target]}
        return self.run(attack, "attack", components={"attack": use}, parents=parents, name=name)

    def measured(self, metrics, *, data, target, attacks=()):
        uses = [
            self.add("metric", name, metric, quantities=(Quantity(name, name, f"what {name} measures"),))
            for name, metric in metrics.items()
        ]
        parents = {"data": [data], "target": [target], "teacher": [target], "attacks": attacks}
        parameters = {"attacks": [path.name for path in attacks], "primary_attack": "fine"}
        components = {use.label: use for use in uses}
        return self.run(measure, "measure", components=components, parents=parents, parameters=parameters)
