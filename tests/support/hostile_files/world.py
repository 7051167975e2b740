"""A tiny submission that is sound, teacher and student, which hostile files are made from by changing the student."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tckr_bench.judging.gates import gates_of
from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.leaderboard.verification import NEEDED_METRICS
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
    StepCost,
    ThreatModel,
)
from tckr_bench.results.files import (
    PICTURES,
    RECORDS,
    RUN_FILE,
    dump_record,
    dump_run,
    file_reference,
    read_run,
    scores_name,
)
from tckr_bench.results.identity import identity_of
from tckr_bench.results.pictures import PicturePair, write_pictures
from tckr_bench.results.recomputation import compute_measurements
from tckr_bench.results.records import (
    SCHEMA_VERSION,
    ResultRecord,
    RunInformation,
    RunProvenance,
    SeedResult,
    StageCounts,
)
from tckr_bench.results.scores import read_scores, write_scores

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

    `change` is given the folder of a sound submission, `<track>/<submission>`. `expected` is `refused` (a fault
    names it), `shown` (nothing is wrong with it: it is shown, as text) or `either`.
    """

    name: str
    change: Callable[[Folder], object]
    expected: str = REFUSED


@dataclass(frozen=True)
class Folder:
    """The folder of one sound submission, to be changed."""

    path: Path
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def run(self) -> Path:
        """The file of the run."""
        return self.path / RUN_FILE

    @property
    def records(self) -> Path:
        """The folder of its records on its dataset."""
        return self.path / RECORDS / DATASET

    @property
    def record(self) -> Path:
        """The student's record."""
        return self.records / f"{STUDENT}.json"

    @property
    def scores(self) -> Path:
        """The student's scores."""
        return self.records / f"{STUDENT}.seed-0.parquet"

    @property
    def pictures(self) -> Path:
        """The student's pictures."""
        return self.path / PICTURES / DATASET / f"{STUDENT}.parquet"

    @property
    def root(self) -> Path:
        """The folder of results."""
        return self.path.parent.parent

    def json(self, what: str = "record") -> dict:
        """The student's record, or the file of the run, as JSON."""
        return json.loads(getattr(self, what).read_text())

    def write(self, value: object, what: str = "record") -> None:
        """Write the student's record, or the file of the run, as JSON, whatever it is."""
        getattr(self, what).write_text(json.dumps(value))

    def sign(self) -> None:
        """Put sha256 and size of the scores as they are into the record, and the name they give, as an attacker would.

        The submission is elsewhere afterwards.
        """
        raw = self.json()
        if self.scores.is_file():
            reference = file_reference(self.scores)
            told = {"name": reference.name, "sha256": reference.sha256, "size": reference.size}
            raw["seeds"][0]["scores"] = told
        self.write(raw)
        name = identity_of(read_run(self.path).records)
        self.write({**self.json("run"), "submission": name}, "run")
        self.path.rename(self.path.with_name(name))


@dataclass(frozen=True)
class Samples:
    """The files of a sound submission as JSON."""

    record: dict
    run: dict


@dataclass(frozen=True)
class World:
    """A sound submission in a folder of its own, and the track it is of."""

    folder: Path
    track: Track

    @property
    def samples(self) -> Samples:
        """The student's record and the file of the run as JSON."""
        return Samples(Folder(self.folder).json(), Folder(self.folder).json("run"))

    def place(self, root: Path, track: str) -> Folder:
        """Copy the submission below a folder of results as one to a track of its own."""
        run = self.folder / RUN_FILE
        target = root / track / json.loads(run.read_text())["submission"]
        shutil.copytree(self.folder, target)
        (target / RUN_FILE).write_text(run.read_text().replace(f'"track":"{TRACK}"', f'"track":"{track}"'))
        return Folder(target)


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
    teacher = make_evidence(1, accuracy=1.0)
    student = make_evidence(2, accuracy=0.7, teacher=teacher.test_logits)
    drafts = [_draft(*item) for item in ((_method(TEACHER), teacher), (_method(STUDENT), student))]
    write_sealed(folder, drafts, {TEACHER: teacher, STUDENT: student})
    pictures = Folder(folder).pictures
    pictures.parent.mkdir(parents=True)
    write_pictures(make_pairs(), pictures)
    dataset = TrackDataset(SPLITS, len(CLASSES), FINGERPRINT)
    return World(
        folder, Track(TRACK, "A track", "Made up.", "mini", {DATASET: dataset}, attacks=(RequiredAttack("lira"),))
    )


def write_sealed(folder: Path, records: list[ResultRecord], evidence: dict[str, CellEvidence]) -> str:
    """Write records with all that follows from their evidence: files, gates and the name, which is returned."""
    where = folder / RECORDS / DATASET
    where.mkdir(parents=True, exist_ok=True)
    gates = gates_of(records, {})
    sealed = []
    for record in records:
        seeds = []
        for seed in record.seeds:
            if seed.status == "ok":
                path = where / scores_name(record, seed.seed)
                write_scores(evidence[record.method.name], path)
                seed = replace(seed, scores=file_reference(path))
            seeds.append(seed)
        sealed.append(replace(record, gates=gates, seeds=tuple(seeds)))
        (where / f"{record.method.name}.json").write_text(_compact(dump_record(sealed[-1])))
    name = identity_of(sealed)
    (folder / RUN_FILE).write_text(_compact(dump_run(replace(records[0].run, submission=name))))
    return name


def _compact(content: bytes) -> str:
    return json.dumps(json.loads(content), separators=(",", ":"))


def reseal(folder: Folder, change: Callable[[dict[str, CellEvidence], dict[str, ResultRecord]], object]) -> None:
    """Forge a submission with all that follows: change evidence and records by method, then write them anew.

    Measurements are computed from the changed evidence unless `change` returns False.
    """
    records = {record.method.name: record for record in read_run(folder.path).records}
    evidence = {name: copy.deepcopy(read_scores(folder.records / f"{name}.seed-0.parquet")) for name in records}
    compute = change(evidence, records)
    shutil.rmtree(folder.path)
    drafts = []
    for name, record in records.items():
        measurements = tuple(compute_measurements(evidence[name], record.metrics)) if compute is not False else None
        seeds = [
            s if measurements is None or s.status == "failed" else replace(s, measurements=measurements)
            for s in record.seeds
        ]
        drafts.append(replace(record, seeds=tuple(seeds)))
    name = write_sealed(folder.path, drafts, evidence)
    folder.path.rename(folder.path.with_name(name))


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
    run = _information()
    measurements = tuple(compute_measurements(evidence, run.metrics))
    return ResultRecord(
        schema_version=SCHEMA_VERSION,
        dataset=DATASET,
        method=method,
        description=DatasetDescription(DATASET, CLASSES, SPLITS, FINGERPRINT, "8x8", "made up", "MIT"),
        splits=SPLITS,
        protocol="sound",
        contamination="none" if method.synthetic else None,
        threat_models=MODELS,
        seeds=(SeedResult(0, "ok", measurements, None, (StepCost("train", "small-cnn", "cpu", 1, 2.0, 3.0, 4096),)),),
        images_generated=round(method.cardinality * SPLITS["train"]) if method.synthetic else 0,
        gates=(),
        run=run,
    )


def _information() -> RunInformation:
    registry = default_registry()
    return RunInformation(
        schema_version=SCHEMA_VERSION,
        submission="0" * 16,
        track=TRACK,
        matrix="mini",
        matrix_digest=hashlib.sha256(b"mini").hexdigest(),
        primary_attack="lira",
        attacks=tuple(
            ComponentUse("attack", label, "1", label, {"shadows": 2}, shadows=Shadows(2)) for label in MODELS
        ),
        metrics=tuple(registry.use("metric", name, label=name, options={}) for name in NEEDED_METRICS),
        command="tckr-bench run --matrix mini",
        recipe="",
        provenance=RunProvenance(
            "2026-01-02T03:04:05+00:00", {"python": "3"}, {"x": "1"}, "c" * 40, False, "Linux", "made up", "cpu", 2, 2
        ),
        stages=StageCounts(8, 4, 0, 4, 0),
        seconds={"train": 3.0},
        wall_seconds=4.0,
        keys={f"{DATASET}/{STUDENT}/seed-0": {"train": ("d" * 64,)}},
    )


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
