"""Run folders made with numpy: a plausible pipeline's evidence, without a pipeline."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from audited_runs import audited_run

from tckr_bench.judging.gates import with_gates
from tckr_bench.judging.rows import build_leaderboard
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import (
    AttackScores,
    CellEvidence,
    CellRecord,
    ComponentUse,
    DatasetDescription,
    Measurement,
    Method,
    StepCost,
    ThreatModel,
)
from tckr_bench.results import examination
from tckr_bench.results.files import (
    SavedRun,
    file_reference,
    pictures_path,
    read_run,
    record_folder,
    scores_name,
    write_saved_run,
)
from tckr_bench.results.identity import identity_of
from tckr_bench.results.pictures import PicturePair, write_pictures
from tckr_bench.results.recomputation import compute_measurements
from tckr_bench.results.records import (
    SCHEMA_VERSION,
    FileReference,
    ResultRecord,
    RunInformation,
    RunProvenance,
    SeedResult,
    StageCounts,
)
from tckr_bench.results.scores import narrowed, read_scores, write_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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


def stage_costs(method: Method) -> tuple[StepCost, ...]:
    kinds = [("prepare", 3.0), ("train", 212.0), ("shadow", 1630.0), ("attack", 2.5), ("measure", 4.0)]
    if method.synthetic:
        kinds[1:1] = [("caption", 9.0), ("adapt", 181.0), ("generate", 140.0 * method.cardinality)]
    return tuple(StepCost(kind, f"{kind}er", "cpu", 1, seconds * 1.1, seconds, 700 * 2**20) for kind, seconds in kinds)


def stage_keys(method: Method, seed: int) -> dict[str, tuple[str, ...]]:
    """Keys that no store has, different for every cell."""
    names = [step.kind for step in stage_costs(method) if step.kind not in ("shadow", "attack")]
    return {kind: (hashlib.sha256(f"{kind} {method.name} {seed}".encode()).hexdigest(),) for kind in names}


def samples_for(key: tuple[int, ...], kind: str = "sample") -> list[PicturePair]:
    generator = np.random.default_rng(key)
    rows, columns = np.mgrid[0:32, 0:32]
    pairs = []
    for label in range(5):
        real = np.repeat((((rows + columns * (1 + label)) * 4) % 256)[..., None], 3, axis=2).astype(np.uint8)
        noisy = np.clip(real + generator.normal(0, 20, real.shape), 0, 255).astype(np.uint8)
        pairs.append(PicturePair(kind, label, f"a photo of a {CLASSES[label]}, dark, narrow", real, noisy))
    return pairs


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
        cost=stage_costs(planned.method),
        keys=stage_keys(planned.method, seed),
        failure=planned.failure,
    )


def all_metrics() -> tuple[ComponentUse, ...]:
    """Every installed metric, as a matrix that names none has them."""
    registry = default_registry()
    names = [entry.component.name for entry in registry.family("metric")]
    return tuple(registry.use("metric", name, label=name, options={}) for name in names)


def make_run(folder: Path, plan: Plan) -> Path:
    """Write a run folder whose measurements are what the real metrics make of its scores."""
    cells, evidence, pictures = [], {}, {}
    for number, dataset in enumerate(plan.datasets):
        for seed in plan.seeds:
            teacher = None
            for index, planned in enumerate(plan.cells):
                cell = record_for(planned, dataset, seed, plan.examples)
                cells.append(cell)
                if planned.failure:
                    continue
                key, place = (plan.salt, number, seed, index), (dataset, planned.method.name, seed)
                evidence[place] = evidence_for(planned, examples=plan.examples, key=key, teacher=teacher)
                teacher = evidence[place].test_logits if planned.method.role == "baseline" else teacher
                if planned.samples:
                    pictures.setdefault(place[:2], samples_for(key))
    return write_made_run(folder, cells, evidence, pictures=pictures)


def write_made_run(folder: Path, cells: Iterable[CellRecord], evidence, *, pictures, **information) -> Path:
    """Write a run of cells with evidence by dataset, method and seed, and pictures by dataset and method.

    Measurements are those that the metrics of the run make of the evidence as it is saved.
    """
    metrics = information.setdefault("metrics", all_metrics())
    compute = information.pop("compute", compute_measurements)
    run = results_of(cells, folder, **information)
    records = []
    for record in run.records:
        name = (record.dataset, record.method.name)
        seeds = [
            result
            if result.status == "failed"
            else _with_scores(folder, record, result, evidence[(*name, result.seed)])
            for result in record.seeds
        ]
        measured = [
            dataclasses.replace(it, measurements=tuple(compute(read_scores(_scores_path(folder, record, it)), metrics)))
            if it.scores
            else it
            for it in seeds
        ]
        if name in pictures:
            path = pictures_path(folder, record)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_pictures(pictures[name], path)
        records.append(dataclasses.replace(record, seeds=tuple(measured)))
    write_saved_run(with_gates(named(dataclasses.replace(run, records=tuple(records)))))
    return folder


def _scores_path(folder: Path, record: ResultRecord, result: SeedResult) -> Path:
    return record_folder(folder, record) / scores_name(record, result.seed)


def _with_scores(folder: Path, record: ResultRecord, result: SeedResult, evidence: CellEvidence) -> SeedResult:
    path = _scores_path(folder, record, result)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_scores(narrowed(evidence), path)
    return dataclasses.replace(result, scores=file_reference(path))


def named(run: SavedRun) -> SavedRun:
    """Return a run under the name that follows from its scores."""
    information = dataclasses.replace(run.information, submission=identity_of(run.records))
    return with_information(run, information)


def with_information(run: SavedRun, information: RunInformation) -> SavedRun:
    records = tuple(dataclasses.replace(record, run=information) for record in run.records)
    return dataclasses.replace(run, information=information, records=records)


def change_run(folder: Path, change: Callable[[ResultRecord], ResultRecord | None], **information) -> SavedRun:
    """Write a run's records again, each as `change` has it; one for which that is None is left out."""
    run = read_run(folder)
    records = tuple(changed for record in run.records if (changed := change(record)) is not None)
    run = dataclasses.replace(run, records=records)
    run = with_information(run, dataclasses.replace(run.information, **information))
    write_saved_run(run)
    return run


def change_evidence(folder: Path, change: Callable[[CellEvidence], CellEvidence], only: str = "") -> None:
    """Save other scores of a run, of one method or of all, with the measurements and models they give."""

    def changed(record: ResultRecord) -> ResultRecord:
        if only not in ("", record.method.name):
            return record
        seeds, models = [], {}
        for result in record.seeds:
            if result.scores is not None:
                path = _scores_path(folder, record, result)
                evidence = change(read_scores(path))
                models = {label: attack.threat_model for label, attack in evidence.attacks.items()}
                found = _with_scores(folder, record, result, evidence)
                measurements = tuple(compute_measurements(evidence, record.metrics))
                result = dataclasses.replace(found, measurements=measurements)
            seeds.append(result)
        return dataclasses.replace(record, seeds=tuple(seeds), threat_models=models)

    change_run(folder, changed)


def measurement(metric: str, value: float, half: float = 0.02, attack: str = "") -> Measurement:
    return Measurement(metric, value, value - half, value + half, "made up", 1000, attack)


def measurements_for(
    accuracy: float,
    auc: float,
    *,
    half: float = 0.02,
    canary: float | None = None,
    worst: tuple[str, float] | None = None,
) -> tuple[Measurement, ...]:
    """Measurements of a cell under two attacks, whose worst is the declared one, or the one that is named."""
    attack, most = worst or (PRIMARY, auc)
    found = [
        measurement("accuracy", accuracy, half),
        measurement("accuracy-gap", 0.84 - accuracy, half),
        measurement("auc-mia", auc, half, PRIMARY),
        measurement("auc-mia", 0.5 + (auc - 0.5) / 2, half, "loss"),
        measurement("tpr-at-1-fpr", auc / 20, half, PRIMARY),
        measurement("worst-auc", most, half, attack),
        measurement("worst-tpr-at-1-fpr", most / 20, half, attack),
        measurement("aop", accuracy / (2 * max(most, 0.5)) ** 2, half, attack),
    ]
    return (*found, *([measurement("canary-auc", canary, half, PRIMARY)] if canary is not None else []))


def under_worst(cell: CellRecord, attack: str, auc: float, half: float = 0.02) -> CellRecord:
    """Return a cell whose worst attack is another one."""
    kept = [it for it in cell.measurements if it.metric not in ("worst-auc", "aop")]
    accuracy = next(it.value for it in kept if it.metric == "accuracy")
    kept += [
        measurement("worst-auc", auc, half, attack),
        measurement("aop", accuracy / (2 * max(auc, 0.5)) ** 2, half, attack),
    ]
    return dataclasses.replace(cell, measurements=tuple(kept))


def information_of(**changes) -> RunInformation:
    stated = RunInformation(
        schema_version=SCHEMA_VERSION,
        submission="ab" * 8,
        track="mini",
        matrix="default",
        matrix_digest="cd" * 32,
        primary_attack=PRIMARY,
        attacks=tuple(use("attack", label) for label in THREATS),
        metrics=(),
        command="tckr-bench run --matrix default",
        recipe="",
        provenance=PROVENANCE,
        stages=StageCounts(naive=80, unique=44, cached=4, ran=40, failed=0),
        seconds={"train": 612.0},
    )
    return dataclasses.replace(stated, **changes)


def results_of(cells: Iterable[CellRecord], folder: Path | None = None, **information) -> SavedRun:
    """Return the run that some cells make up, nothing of it on disk; `information` is of the run."""
    groups: dict[tuple[str, str], list[CellRecord]] = {}
    for cell in cells:
        groups.setdefault((cell.dataset, cell.method.name), []).append(cell)
    keys = {f"{cell.dataset}/{cell.method.name}/seed-{cell.seed}": cell.keys for own in groups.values() for cell in own}
    found = information_of(**{"keys": keys, **information})
    records = tuple(_record_of(own, found) for own in groups.values())
    return SavedRun(folder or Path("made-up"), found, records)


def _record_of(cells: Sequence[CellRecord], information: RunInformation) -> ResultRecord:
    first = cells[0]
    models = {label: model for cell in cells for label, model in cell.threat_models.items()}
    seeds = [
        SeedResult(
            seed=cell.seed,
            status=cell.status,
            measurements=cell.measurements,
            scores=FileReference(f"{first.method.name}.seed-{cell.seed}.parquet", "ef" * 32, 1)
            if cell.status == "ok"
            else None,
            cost=cell.cost,
            failure=cell.failure,
        )
        for cell in sorted(cells, key=lambda cell: cell.seed)
    ]
    synthetic = round(first.method.cardinality * first.splits.get("train", 0)) if first.method.synthetic else 0
    return ResultRecord(
        schema_version=SCHEMA_VERSION,
        dataset=first.dataset,
        method=first.method,
        description=first.description,
        splits=first.splits,
        protocol=first.protocol,
        contamination=first.contamination,
        threat_models=models,
        seeds=tuple(seeds),
        images_generated=synthetic,
        gates=(),
        run=information,
    )


def leaderboard_of(cells: Iterable[CellRecord], *, control_limits=None, doubts=None, **information):
    """Return the board that some cells make up."""
    return build_leaderboard(results_of(cells, **information), control_limits=control_limits or {}, doubts=doubts)


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


@pytest.fixture(scope="session", autouse=True)
def _examined_here():
    """Scores are looked into in this process: they are the tests' own, and a process for each call is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examination, "in_processes", serially)
        yield


def serially(work, tasks, *, jobs, died, progress=None):
    """Do what `in_processes` does, in this process."""
    results = []
    for task in tasks:
        results.append(work(task))
        if progress is not None:
            progress(len(results))
    return results


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
        write_made_run=write_made_run,
        change_run=change_run,
        change_evidence=change_evidence,
        leaderboard_of=leaderboard_of,
        under_worst=under_worst,
        logits_of=logits_of,
        samples_for=samples_for,
    )
