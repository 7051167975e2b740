"""A result record: one method on one dataset of a run, over its seeds, with all that its measurements rest on.

These dataclasses are the published schema: pydantic reads and writes them, and `json_schema` describes them. What all
records of a run have in common stands once, in the run's own file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tckr_bench.records import (
    CellRecord,
    ComponentUse,
    Contamination,
    DatasetDescription,
    Gate,
    Measurement,
    Method,
    StepCost,
    ThreatModel,
    TrainingProtocol,
)

SCHEMA_VERSION = 2
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

StageKeys = Mapping[str, tuple[str, ...]]
"""Keys in the store by kind of stage: of what a cell was made of, and of its measurement."""


@dataclass(frozen=True)
class FileReference:
    """A file that lies beside a record: its name, its sha256 in hexadecimal, and its size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class SeedResult:
    """A method on a dataset with one seed: measurements, the scores they are recomputed from, and what it took.

    A failed seed has no measurements and no scores; `failure` says why. It counts as chance in the ranking. `failed`
    names the attacks and metrics that failed on the seed, whose measurements it is without, and the reason.
    """

    seed: int
    status: Literal["ok", "failed"]
    measurements: tuple[Measurement, ...] = ()
    scores: FileReference | None = None
    cost: tuple[StepCost, ...] = ()
    failure: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunProvenance:
    """Where and with what a run was made."""

    started: str
    versions: Mapping[str, str]
    distributions: Mapping[str, str]
    commit: str
    dirty: bool | None
    platform: str
    processor: str
    device: str
    cores: int
    jobs: int
    device_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageCounts:
    """How much work a run was: stages if every cell did its own, unique stages, and those that ran this time."""

    naive: int
    unique: int
    cached: int
    ran: int
    failed: int


@dataclass(frozen=True)
class RunInformation:
    """What `run.json` says: what all records of a run have in common.

    Attributes:
        submission: sixteen hexadecimal digits that name the run by its scores.
        matrix: name of the matrix, and `matrix_digest` the sha256 of the matrix with all settings applied.
        primary_attack: label of the attack declared before the run.
        command: what makes the run again; `recipe` is the text of the matrix file it names, where that does not ship.
        seconds: CPU seconds of the unique stages by kind, each counted once however many methods share it.
        wall_seconds: what the last execution took, from its first stage to its last.
        keys: where the artifacts of each cell lie in the store, by `dataset/method/seed-n`.
    """

    schema_version: int
    submission: str
    track: str
    matrix: str
    matrix_digest: str
    primary_attack: str
    attacks: tuple[ComponentUse, ...]
    metrics: tuple[ComponentUse, ...]
    command: str
    recipe: str
    provenance: RunProvenance
    stages: StageCounts
    seconds: Mapping[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    keys: Mapping[str, StageKeys] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredRecord:
    """A record as its file holds it.

    Attributes:
        images_generated: synthetic images the method trains on, per seed; 0 without a generator.
        gates: controls of the run on this dataset.
        seeds: what each seed gave, in order of seeds.
    """

    schema_version: int
    dataset: str
    method: Method
    description: DatasetDescription
    splits: Mapping[str, int]
    protocol: TrainingProtocol
    contamination: Contamination | None
    threat_models: Mapping[str, ThreatModel]
    seeds: tuple[SeedResult, ...]
    images_generated: int
    gates: tuple[Gate, ...]


@dataclass(frozen=True, kw_only=True)
class ResultRecord(StoredRecord):
    """One method on one dataset, with the run it is of."""

    run: RunInformation

    @property
    def track(self) -> str:
        """What the record may be compared within."""
        return self.run.track

    @property
    def submission(self) -> str:
        """The name of its run, by the run's scores."""
        return self.run.submission

    @property
    def primary_attack(self) -> str:
        """Label of the attack declared before the run."""
        return self.run.primary_attack

    @property
    def attacks(self) -> tuple[ComponentUse, ...]:
        """The attacks of the run that the record has scores of, with their options."""
        return tuple(use for use in self.run.attacks if use.label in self.threat_models)

    @property
    def metrics(self) -> tuple[ComponentUse, ...]:
        """The metrics of the run."""
        return self.run.metrics

    @property
    def slug(self) -> str:
        """The record's name among those of its track and dataset."""
        return f"{self.method.name}-{self.submission[:8]}"

    @property
    def trusted(self) -> bool:
        """Whether every gate passed, and there is one."""
        return bool(self.gates) and all(gate.passed for gate in self.gates)


def cell_slug(dataset: str, method: str, seed: int) -> str:
    """Return the name of a cell in its run: `dataset/method/seed-0`."""
    return f"{dataset}/{method}/seed-{seed}"


def cells_of(record: ResultRecord) -> tuple[CellRecord, ...]:
    """Return a record cell by cell, one per seed."""
    return tuple(
        CellRecord(
            dataset=record.dataset,
            method=record.method,
            seed=result.seed,
            track=record.track,
            status=result.status,
            measurements=result.measurements,
            threat_models={
                label: model
                for label, model in record.threat_models.items()
                if result.status == "ok" and label not in result.failed
            },
            description=record.description,
            protocol=record.protocol,
            contamination=record.contamination,
            splits=record.splits,
            cost=result.cost,
            keys=record.run.keys.get(cell_slug(record.dataset, record.method.name, result.seed), {}),
            failure=result.failure,
            failed=result.failed,
        )
        for result in record.seeds
    )


def json_schema(part: Literal["record", "run"] = "record") -> dict[str, Any]:
    """Return the JSON Schema of a record's file, or of a run's, draft 2020-12.

    >>> json_schema()["properties"]["schema_version"]["const"]
    2
    """
    from pydantic import TypeAdapter

    types = {"record": StoredRecord, "run": RunInformation}
    schema = TypeAdapter(types[part]).json_schema(mode="serialization")
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    for known in (schema, *schema["$defs"].values()):
        if "properties" in known:  # as `read_record` does: a key that is not known is refused
            known["additionalProperties"] = False
    return {"$schema": SCHEMA_DIALECT, "title": f"tckr-bench {part}", **schema}
