"""A tiny submission that is sound, teacher and student, which hostile files are made from by changing the student."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tckr_bench.results.run_files import RunProvenance

from tckr_bench.leaderboard.submission import (
    NEEDED_METRICS,
    digest_of,
    digest_of_failure,
    gates_of,
    identity_of,
    images_of,
)
from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import (
    AttackScores,
    CellEvidence,
    ComponentUse,
    Copies,
    DatasetDescription,
    Method,
    ShadowAudit,
    Shadows,
    ThreatModel,
)
from tckr_bench.results.files import dump_record, file_reference, pictures_name, scores_name
from tckr_bench.results.pictures import PicturePair, write_pictures
from tckr_bench.results.records import SCHEMA_VERSION, ResultRecord, SeedResult, StepCost, cells_of
from tckr_bench.results.scores import read_scores, write_scores
from tckr_bench.results.verify import compute_measurements

DATASET, CLASSES = "digits", ("zero", "one", "two")
SPLITS = {"train": 24, "validation": 6, "test": 12}
FINGERPRINT = "ab" * 32
TRACK, TEACHER = "mini", "teacher"
STUDENT = "attributes-miniature-lora-small-cnn-soft-1x"
MODELS = {
    "lira": ThreatModel("class probabilities", "shadow models"),
    "loss": ThreatModel("class probabilities", "the label"),
}
REFUSED, SHOWN, EITHER = "refused", "shown", "either"


@dataclass(frozen=True)
class Hostile:
    """A hostile submission: its name, what it changes in a sound one, and what a correct program does with it.

    `change` is given the folder of a sound submission's dataset, `<track>/digits`. `expected` is `refused` (a fault
    names it), `shown` (nothing is wrong with it: it is shown, as text) or `either`.
    """

    name: str
    change: Callable[[Folder], object]
    expected: str = REFUSED


@dataclass(frozen=True)
class Folder:
    """The folder of one sound submission, to be changed."""

    path: Path
    teacher: str
    student: str
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def record(self) -> Path:
        """The student's record."""
        return self.path / f"{self.student}.json"

    @property
    def scores(self) -> Path:
        """The student's scores."""
        return self.path / f"{self.student}.seed-0.parquet"

    @property
    def pictures(self) -> Path:
        """The student's pictures."""
        return self.path / f"{self.student}.images.parquet"

    @property
    def root(self) -> Path:
        """The folder of results."""
        return self.path.parent.parent

    def json(self) -> dict:
        """The student's record as JSON."""
        return json.loads(self.record.read_text())

    def write(self, value: object) -> None:
        """Write the student's record as JSON, whatever it is."""
        self.record.write_text(json.dumps(value))

    def sign(self) -> None:
        """Put the sha256 and the size of the files as they are now into the student's record, as an attacker would."""
        raw = self.json()
        for part, path in ((raw["seeds"][0], self.scores), (raw, self.pictures)):
            key = "scores" if path is self.scores or path == self.scores else "pictures"
            if path.is_file():
                reference = file_reference(path)
                part[key] = {"name": reference.name, "sha256": reference.sha256, "size": reference.size}
        self.write(raw)


@dataclass(frozen=True)
class World:
    """A sound submission in a folder of its own, and the track it is of."""

    folder: Path
    track: Track
    teacher: str
    student: str

    def place(self, root: Path, track: str) -> Folder:
        """Copy the submission below a folder of results as one to a track of its own."""
        target = root / track / DATASET
        target.mkdir(parents=True)
        for path in sorted(self.folder.iterdir()):
            if path.suffix == ".json":
                text = path.read_text()
                (target / path.name).write_text(text.replace(f'"track":"{TRACK}"', f'"track":"{track}"'))
            else:
                shutil.copyfile(path, target / path.name)
        return Folder(target, self.teacher, self.student)


def make_evidence(seed: int, *, accuracy: float, teacher: np.ndarray | None = None) -> CellEvidence:
    """Make up the evidence of a cell."""
    generator = np.random.default_rng(seed)
    labels = np.arange(SPLITS["test"]) % len(CLASSES)
    logits = generator.normal(size=(len(labels), len(CLASSES))).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 3 * accuracy
    members = np.arange(20) < 10
    canaries = np.arange(20) % 5 == 0
    attacks = {}
    for label, model in MODELS.items():
        scores = generator.normal(size=20) + members
        audit = None
        if label == "lira":
            inside = generator.random((2, 5)) < 0.5
            audit = ShadowAudit(np.array([0.5, 0.6]), generator.random(16), generator.normal(size=(2, 5)), inside)
        copies = Copies(generator.random(7), generator.random(7)) if label == "loss" else None
        attacks[label] = AttackScores(
            label, scores, members, canaries, model, labels=np.arange(20) % 3, audit=audit, copies=copies
        )
    return CellEvidence(labels, logits, logits if teacher is None else teacher, attacks, "lira")


def make_pairs(count: int = 4) -> list[PicturePair]:
    """Make up pictures."""
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (count, 2, 8, 8, 3), dtype=np.uint8)
    return [
        PicturePair("copy" if index % 2 else "sample", index % 3, f"a caption {index}", *pixels[index])
        for index in range(count)
    ]


def make_world(folder: Path) -> World:
    """Write a sound submission of a teacher and a student into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    teacher = make_evidence(1, accuracy=1.0)
    student = make_evidence(2, accuracy=0.7, teacher=teacher.test_logits)
    drafts = [_draft(*item) for item in ((_method(TEACHER), teacher), (_method(STUDENT), student))]
    write_sealed(folder, drafts, {"teacher": teacher, STUDENT: student}, pictured=STUDENT)
    names = {path.stem.rsplit("-", 1)[0]: path.stem for path in folder.glob("*.json")}
    dataset = TrackDataset(SPLITS, len(CLASSES), FINGERPRINT)
    track = Track(TRACK, "A track", "Made up.", "mini", {DATASET: dataset}, attacks=(RequiredAttack("lira"),))
    return World(folder, track, names["teacher"], names[STUDENT])


def write_sealed(
    folder: Path, records: list[ResultRecord], evidence: dict[str, CellEvidence], *, pictured: str = ""
) -> list[ResultRecord]:
    """Write records with all that follows from their evidence: gates, name of the submission, files."""
    cells = [cell for record in records for cell in cells_of(record)]
    gates = gates_of(cells, records[0].primary_attack, limits={})
    keys = [
        ((record.dataset, record.method.name, seed.seed), _digest(seed, evidence.get(record.method.name)))
        for record in records
        for seed in record.seeds
    ]
    sealed = []
    for record in records:
        record = replace(record, gates=gates, submission=identity_of(keys))
        seeds = []
        for seed in record.seeds:
            if seed.status == "ok":
                path = folder / scores_name(record, seed.seed)
                write_scores(evidence[record.method.name], path)
                seed = replace(seed, scores=file_reference(path))
            seeds.append(seed)
        record = replace(record, seeds=tuple(seeds))
        if record.method.name == pictured:
            path = folder / pictures_name(record)
            write_pictures(make_pairs(), path)
            record = replace(record, pictures=file_reference(path))
        text = json.dumps(json.loads(dump_record(record)), separators=(",", ":"))
        (folder / f"{record.slug}.json").write_text(text)
        sealed.append(record)
    return sealed


def reseal(folder: Folder, change: Callable[[dict[str, CellEvidence], dict[str, ResultRecord]], object]) -> None:
    """Forge a submission with all that follows: change evidence and records by method, then write them anew.

    Measurements are computed from the changed evidence unless `change` returns False.
    """
    from tckr_bench.results.files import read_record

    paths = {TEACHER: folder.path / f"{folder.teacher}.json", STUDENT: folder.record}
    records = {name: read_record(path) for name, path in paths.items()}
    evidence = {
        name: copy.deepcopy(read_scores(path.with_name(f"{path.stem}.seed-0.parquet"))) for name, path in paths.items()
    }
    compute = change(evidence, records)
    for path in folder.path.iterdir():
        path.unlink()
    drafts = []
    for name, record in records.items():
        measurements = tuple(compute_measurements(evidence[name], record.metrics)) if compute is not False else None
        seeds = [
            s if measurements is None or s.status == "failed" else replace(s, measurements=measurements)
            for s in record.seeds
        ]
        drafts.append(replace(record, seeds=tuple(seeds), pictures=None))
    write_sealed(folder.path, drafts, evidence)


def _digest(seed: SeedResult, evidence: CellEvidence | None) -> str:
    return digest_of_failure(seed.failure) if seed.status == "failed" else digest_of(evidence)


def _method(name: str) -> Method:
    classifier = ComponentUse("classifier", "small-cnn", "1", "small-cnn", {"epochs": 2, "widths": [4, 8]})
    if name == "teacher":
        return Method(name, "baseline", classifier)
    parts = {
        family: ComponentUse(family, part, "1", part, {"steps": 2})
        for family, part in (("captioner", "attributes"), ("generator", "miniature"), ("adapter", "lora"))
    }
    return Method(STUDENT, "method", classifier, "soft", 1.0, **parts)


def _draft(method: Method, evidence: CellEvidence) -> ResultRecord:
    registry = default_registry()
    metrics = tuple(registry.use("metric", name, label=name, options={}) for name in NEEDED_METRICS)
    measurements = tuple(compute_measurements(evidence, metrics))
    provenance = RunProvenance(
        "2026-01-02T03:04:05+00:00", {"python": "3"}, {"x": "1"}, "c" * 40, False, "Linux", "made up", "cpu", 2, 2
    )
    record = ResultRecord(
        schema_version=SCHEMA_VERSION,
        track=TRACK,
        submission="0" * 16,
        method=method,
        description=DatasetDescription(DATASET, CLASSES, SPLITS, FINGERPRINT, "8x8", "made up", "MIT"),
        splits=SPLITS,
        dataset=DATASET,
        protocol="sound",
        contamination="none" if method.synthetic else None,
        primary_attack="lira",
        attacks=tuple(
            ComponentUse("attack", label, "1", label, {"shadows": 2}, shadows=Shadows(2)) for label in MODELS
        ),
        metrics=metrics,
        threat_models=MODELS,
        seeds=(SeedResult(0, "ok", measurements, None, (StepCost("train", "small-cnn", "cpu", 1, 2.0, 3.0, 4096),)),),
        images_generated=0,
        gates=(),
        pictures=None,
        command="tckr-bench run --matrix mini",
        recipe="",
        provenance=provenance,
    )
    return replace(record, images_generated=images_of(record))


def paths_of(value: object, where: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield every path of a JSON value, itself first; of the entries of a list the first alone."""
    yield where
    if isinstance(value, dict):
        for key, part in value.items():
            yield from paths_of(part, (*where, key))
    if isinstance(value, list) and value:
        yield from paths_of(value[0], (*where, 0))


def at(value: object, where: tuple[object, ...]) -> object:
    """Return what lies at a path of a JSON value."""
    for key in where:
        value = value[key]
    return value


def put(value: object, where: tuple[object, ...], new: object) -> object:
    """Return a JSON value with something else at a path."""
    if not where:
        return new
    at(value, where[:-1])[where[-1]] = new
    return value
