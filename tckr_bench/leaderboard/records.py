"""A result record: one method on one dataset of a track, over its seeds, with all that its measurements rest on.

These dataclasses are the published schema: pydantic reads and writes them, and `json_schema` describes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tckr_bench.records import (
    CellRecord,
    ComponentUse,
    Contamination,
    Cost,
    DatasetDescription,
    Measurement,
    Method,
    StageCost,
    ThreatModel,
    TrainingProtocol,
)
from tckr_bench.results.run_files import RunProvenance

SCHEMA_VERSION = 1
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class FileReference:
    """A file that lies beside a record: its name, its sha256 in hexadecimal, and its size in bytes."""

    name: str
    sha256: str
    size: int


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
class SeedResult:
    """A method on a dataset with one seed: measurements, the scores they are recomputed from, and what it took.

    A failed seed has no measurements and no scores; `failure` says why. It counts as chance in the ranking.
    """

    seed: int
    status: Literal["ok", "failed"]
    measurements: tuple[Measurement, ...] = ()
    scores: FileReference | None = None
    cost: tuple[StepCost, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class Gate:
    """A control of the record's run on its dataset, or a test of its challenge: whether it passed, and on what."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class ResultRecord:
    """One method on one dataset of a track.

    Attributes:
        submission: sixteen hexadecimal digits that name the submitted run by its scores; records of one submission are
            judged by the same controls and against the same real-data baseline.
        primary_attack: label of the attack declared before the run.
        attacks: the attacks of the run with their options; empty for runs that did not save them.
        images_generated: synthetic images the method trains on, per seed; 0 without a generator.
        gates: controls of the submission on this dataset.
        pictures: real images beside synthetic ones, where the dataset's licence lets them be shown.
        command: what makes the run again.
        recipe: the text of the matrix file the command names, where it does not ship with the program.
        run_seconds: CPU seconds of all stages of the run by kind, each counted once however many methods share it.
    """

    schema_version: int
    track: str
    submission: str
    method: Method
    description: DatasetDescription
    splits: Mapping[str, int]
    dataset: str
    protocol: TrainingProtocol
    contamination: Contamination | None
    primary_attack: str
    attacks: tuple[ComponentUse, ...]
    metrics: tuple[ComponentUse, ...]
    threat_models: Mapping[str, ThreatModel]
    seeds: tuple[SeedResult, ...]
    images_generated: int
    gates: tuple[Gate, ...]
    pictures: FileReference | None
    command: str
    recipe: str
    provenance: RunProvenance
    run_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The record's name among those of its track and dataset; a file name without ending."""
        return f"{self.method.name}-{self.submission[:8]}"

    @property
    def trusted(self) -> bool:
        """Whether every gate passed, and there is one."""
        return bool(self.gates) and all(gate.passed for gate in self.gates)


def cells_of(record: ResultRecord) -> tuple[CellRecord, ...]:
    """Return a record as the rows of results that a run would hold, one per seed, for the board's functions."""
    return tuple(
        CellRecord(
            dataset=record.dataset,
            method=record.method,
            seed=result.seed,
            track=record.track,
            status=result.status,
            measurements=result.measurements,
            threat_models=record.threat_models if result.status == "ok" else {},
            description=record.description,
            protocol=record.protocol,
            contamination=record.contamination,
            splits=record.splits,
            stages=tuple(_stage(step) for step in result.cost),
            failure=result.failure,
        )
        for result in record.seeds
    )


def _stage(step: StepCost) -> StageCost:
    cost = Cost(step.wall_seconds, step.cpu_seconds, step.peak_memory_bytes)
    return StageCost("", step.kind, step.component, cost, step.device)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a record, draft 2020-12.

    >>> json_schema()["properties"]["schema_version"]["const"]
    1
    """
    from pydantic import TypeAdapter

    schema = TypeAdapter(ResultRecord).json_schema(mode="serialization")
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:  # as `read_record` does: a key that is not known is refused
            part["additionalProperties"] = False
    return {"$schema": SCHEMA_DIALECT, "title": "tckr-bench result record", **schema}
