"""Run folders made with numpy: a plausible pipeline's evidence, without a pipeline."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from audited_runs import audited_run
from tckr_bench.results.run_files import RunProvenance, RunResults, StageCounts, cell_folder, write_results

from tckr_bench.records import (
    AttackScores,
    CellEvidence,
    CellRecord,
    ComponentUse,
    Cost,
    DatasetDescription,
    Measurement,
    Method,
    StageCost,
    ThreatModel,
)
from tckr_bench.results.evidence import EVIDENCE_FILE, SAMPLES_FILE, Samples, write_evidence, write_samples
from tckr_bench.results.verify import recompute_measurements

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = (
    "ankle boot",
    "bag",
    "coat",
    "dress",
    "pullover",
    "sandal",
    "shirt",
    "sneaker",
    "t-shirt",
    "trouser",
)
PRIMARY = "lira"
THREATS = {
    "loss": ThreatModel(sees="the probabilities of the released classifier", owns="nothing else"),
    "lira": ThreatModel(
        sees="the probabilities of the released classifier",
        owns="labelled images of the same kind, and the recipe, to train 16 shadow models",
    ),
}


def use(family: str, name: str, **options: object) -> ComponentUse:
    return ComponentUse(family, name, "1", name, options, "tckr-bench 0.1.0")


def synthetic(adapter: str, labels: str, cardinality: float = 1.0) -> Method:
    name = f"attributes-miniature-{adapter}-small-cnn-{labels}-{cardinality:g}x"
    return Method(
        name,
        "method",
        use("classifier", "small-cnn", epochs=20),
        labels=labels,
        cardinality=cardinality,
        captioner=use("captioner", "attributes"),
        generator=use("generator", "miniature", steps=10),
        adapter=use("adapter", adapter),
    )


def plain_method(name: str, role: str) -> Method:
    return Method(name, role, use("classifier", "small-cnn", epochs=20))


PROVENANCE = RunProvenance(
    started="2026-01-02T03:04:05+00:00",
    versions={"python": "3.11.2", "torch": "2.14.1", "diffusers": "0.35.0"},
    distributions={"tckr-bench": "0.1.0"},
    commit="0123456789abcdef0123456789abcdef01234567",
    dirty=True,
    platform="Linux",
    processor="a processor",
    device="cpu",
    cores=2,
    jobs=1,
)


@dataclass(frozen=True)
class Planned:
    """A cell to make: its method, accuracy, and how far members' scores lie above the others'."""

    method: Method
    accuracy: float = 0.8
    leak: float = 0.0
    canaries: float | None = None
    failure: str = ""
    samples: bool = False


DEFAULT_CELLS = (
    Planned(plain_method("teacher", "baseline"), 0.842, 0.45),
    Planned(synthetic("lora", "soft"), 0.815, 0.06, samples=True),
    Planned(synthetic("lora", "soft", 2), 0.822, 0.08),
    Planned(synthetic("lora", "hard"), 0.771, 0.10),
    Planned(synthetic("none", "soft"), 0.805, 0.0, samples=True),
    Planned(plain_method("memorizer", "control"), 0.838, 0.44),
    Planned(plain_method("noise", "control"), 0.1, 0.0),
    Planned(plain_method("overfit", "control"), 0.79, 1.6, canaries=5.0),
    Planned(plain_method("untrained", "control"), 0.1, 0.0),
    Planned(plain_method("outsider", "control"), 0.61, 0.0),
)


@dataclass(frozen=True)
class Plan:
    """A run to make."""

    cells: tuple[Planned, ...] = DEFAULT_CELLS
    datasets: tuple[str, ...] = ("fashion-mnist",)
    seeds: tuple[int, ...] = (0,)
    examples: int = 1000
    salt: int = 0

    def without(self, name: str) -> Plan:
        return dataclasses.replace(self, cells=tuple(cell for cell in self.cells if cell.method.name != name))

    def changed(self, name: str, **changes: object) -> Plan:
        cells = [dataclasses.replace(cell, **changes) if cell.method.name == name else cell for cell in self.cells]
        assert cells != list(self.cells), f"no cell is called {name}"
        return dataclasses.replace(self, cells=tuple(cells))


def logits_of(generator: np.random.Generator, labels: np.ndarray, accuracy: float) -> np.ndarray:
    """Logits that are right on the easiest examples, so that cells agree on those."""
    easiness = np.random.default_rng(7).random(len(labels)) + generator.normal(0, 0.05, len(labels))
    if accuracy <= 0.1:  # ignorance: the same few answers whatever is asked
        return (4 * np.eye(10)[generator.integers(3, size=len(labels))]).astype(np.float32)
    answer = np.where(np.argsort(np.argsort(easiness)) < round(accuracy * len(labels)), labels, (labels + 1) % 10)
    return (4 * np.eye(10)[answer] + generator.normal(0, 0.3, (len(labels), 10))).astype(np.float32)


def evidence_for(planned: Planned, *, examples: int, key: tuple[int, ...], teacher: np.ndarray | None) -> CellEvidence:
    generator = np.random.default_rng(key)
    labels = np.arange(examples, dtype=np.int64) % 10
    logits = logits_of(generator, labels, planned.accuracy)
    members = np.arange(2 * examples) < examples
    canaries = np.zeros(2 * examples, dtype=bool)
    if planned.canaries is not None:
        canaries[[*range(50), *range(examples, examples + 50)]] = True
    hardness = np.random.default_rng(11).normal(size=2 * examples)
    scores = {}
    for attack, strength in (("loss", 0.6), ("lira", 1.0)):
        found = 0.6 * hardness + 0.8 * generator.normal(size=2 * examples) + strength * planned.leak * members
        found[canaries & members] += planned.canaries or 0.0
        scores[attack] = AttackScores(attack, found, members, canaries, THREATS[attack])
    return CellEvidence(labels, logits, logits if teacher is None else teacher, scores, PRIMARY)


def stage_costs(method: Method) -> tuple[StageCost, ...]:
    kinds = [("prepare", 3.0), ("train", 212.0), ("shadow", 1630.0), ("attack", 2.5), ("measure", 4.0)]
    if method.synthetic:
        kinds[1:1] = [("caption", 9.0), ("adapt", 181.0), ("generate", 140.0 * method.cardinality)]
    return tuple(
        StageCost(f"{kind}-{index}", kind, f"{kind}er", Cost(seconds * 1.1, seconds, 700 * 2**20), "cpu")
        for index, (kind, seconds) in enumerate(kinds)
    )


def samples_for(key: tuple[int, ...]) -> Samples:
    generator = np.random.default_rng(key)
    rows, columns = np.mgrid[0:32, 0:32]
    real = np.stack([((rows + columns * (1 + index)) * 4 % 256) for index in range(5)])
    pictures = np.repeat(real[..., None], 3, axis=3).astype(np.uint8)
    noisy = np.clip(pictures + generator.normal(0, 20, pictures.shape), 0, 255).astype(np.uint8)
    labels = np.arange(5, dtype=np.int64)
    return Samples(pictures, noisy, labels, tuple(f"a photo of a {CLASSES[label]}, dark, narrow" for label in labels))


def record_for(planned: Planned, dataset: str, seed: int, examples: int) -> CellRecord:
    return CellRecord(
        dataset=dataset,
        method=planned.method,
        seed=seed,
        track="mini",
        status="failed" if planned.failure else "ok",
        threat_models={} if planned.failure else THREATS,
        description=DatasetDescription(
            dataset, CLASSES, {"train": examples, "test": examples}, "ab" * 32, "28x28", "the package", "MIT"
        ),
        splits={"train": examples - 100, "validation": 100, "test": examples},
        stages=stage_costs(planned.method),
        failure=planned.failure,
    )


def make_run(folder: Path, plan: Plan) -> Path:
    """Write a run folder whose measurements are what the real metrics make of its evidence."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for number, dataset in enumerate(plan.datasets):
        for seed in plan.seeds:
            teacher = None
            for index, planned in enumerate(plan.cells):
                record = record_for(planned, dataset, seed, plan.examples)
                if not planned.failure:
                    key = (plan.salt, number, seed, index)
                    evidence = evidence_for(planned, examples=plan.examples, key=key, teacher=teacher)
                    teacher = evidence.test_logits if planned.method.role == "baseline" else teacher
                    where = cell_folder(folder, record)
                    where.mkdir(parents=True)
                    write_evidence(evidence, where / EVIDENCE_FILE)
                    if planned.samples:
                        write_samples(samples_for(key), where / SAMPLES_FILE)
                    record = dataclasses.replace(record, measurements=tuple(recompute_measurements(folder, record)))
                records.append(record)
    write_results(results_of(records), folder)
    return folder


def measurement(metric: str, value: float, half: float = 0.02, attack: str = "") -> Measurement:
    return Measurement(metric, value, value - half, value + half, "made up", 1000, attack)


def measurements_for(
    accuracy: float, auc: float, *, half: float = 0.02, canary: float | None = None
) -> tuple[Measurement, ...]:
    found = [
        measurement("accuracy", accuracy, half),
        measurement("accuracy-gap", 0.84 - accuracy, half),
        measurement("auc-mia", auc, half, PRIMARY),
        measurement("auc-mia", 0.5 + (auc - 0.5) / 2, half, "loss"),
        measurement("tpr-at-1-fpr", auc / 20, half, PRIMARY),
        measurement("aop", accuracy / (2 * max(auc, 0.5)) ** 2, half, PRIMARY),
    ]
    return (*found, *([measurement("canary-auc", canary, half, PRIMARY)] if canary is not None else []))


def results_of(records) -> RunResults:
    counts = StageCounts(naive=80, unique=44, cached=4, ran=40, failed=0)
    return RunResults("default", "mini", PRIMARY, tuple(records), PROVENANCE, counts, {"total": 612.0})


def stated_record(method: Method, measurements=(), *, dataset="fashion-mnist", seed=0, failure="") -> CellRecord:
    record = record_for(Planned(method, failure=failure), dataset, seed, 1000)
    return dataclasses.replace(record, measurements=tuple(measurements))


def stated_cells(**changes) -> dict[str, CellRecord]:
    """Records of a sound run, from stated measurements; changes replace a cell's measurements, or drop it with None."""
    stated = {
        "teacher": measurements_for(0.84, 0.62),
        "memorizer": measurements_for(0.83, 0.61),
        "noise": measurements_for(0.11, 0.505),
        "overfit": measurements_for(0.80, 0.70, canary=0.99),
        "untrained": measurements_for(0.10, 0.495),
        "outsider": measurements_for(0.61, 0.502),
    } | changes
    roles = {"teacher": "baseline"}
    records = {
        name: stated_record(plain_method(name, roles.get(name, "control")), measurements)
        for name, measurements in stated.items()
        if measurements is not None
    }
    for method, measurements in (
        (synthetic("lora", "soft"), measurements_for(0.82, 0.53)),
        (synthetic("lora", "hard"), measurements_for(0.77, 0.55)),
        (synthetic("none", "soft"), measurements_for(0.70, 0.51)),
    ):
        records[method.name] = stated_record(method, measurements)
    return records


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory) -> Path:
    """A sound run of one dataset; not to be changed."""
    return make_run(tmp_path_factory.mktemp("runs") / "default-1", Plan(examples=120))


@pytest.fixture(scope="session")
def audited(tmp_path_factory, made) -> Path:
    """A privacy audit of several attacks, defences, students and controls; not to be changed."""
    return audited_run(tmp_path_factory.mktemp("audits") / "audit", made, examples=120)


@pytest.fixture
def run_copy(whole_run, tmp_path) -> Path:
    """A copy of the sound run, free to break."""
    shutil.copytree(whole_run, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """The makers of this module, for tests: test folders are no packages."""
    return SimpleNamespace(
        measurement=measurement,
        measurements_for=measurements_for,
        results_of=results_of,
        stated_record=stated_record,
        stated_cells=stated_cells,
        synthetic=synthetic,
        plain_method=plain_method,
        use=use,
        Plan=Plan,
        Planned=Planned,
        make_run=make_run,
        logits_of=logits_of,
        samples_for=samples_for,
    )
