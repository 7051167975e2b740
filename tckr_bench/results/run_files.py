"""The result files of a run: `results.json`, and a folder of evidence per cell.

<run>/results.json                                       every record, with provenance
<run>/cells/<dataset>/<method>/seed-<n>/evidence.safetensors
<run>/cells/<dataset>/<method>/seed-<n>/samples.safetensors     (methods with synthetic images)
<run>/cells/<dataset>/<method>/seed-<n>/copies.safetensors      (where an attack looked for copies)
<run>/report.html, leaderboard.csv, leaderboard.md       rendered from the above
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from tckr_bench.errors import RunError
from tckr_bench.records import CellRecord, ComponentUse

if TYPE_CHECKING:
    from tckr_bench.records import Cell

RESULTS_FORMAT = 2
"""1: one teacher, students, four controls. 2: also defences, the worst of several attacks, the control `outsider`."""
READABLE_FORMATS = (1, 2)
RESULTS_FILE = "results.json"


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
class RunResults:
    """All records of a run and what they rest on.

    `seconds` are CPU seconds of the unique stages by kind, whoever ran them; `wall_seconds` is what this execution
    took, from its first stage to its last. `command` makes the run again; `recipe` is the text of the matrix file it
    names, where that does not ship with the program.
    """

    matrix: str
    track: str
    primary_attack: str
    records: tuple[CellRecord, ...]
    provenance: RunProvenance
    stages: StageCounts
    seconds: Mapping[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    metrics: tuple[ComponentUse, ...] = ()
    attacks: tuple[ComponentUse, ...] = ()
    command: str = ""
    recipe: str = ""
    format: int = RESULTS_FORMAT


def cell_folder(run: Path, record: CellRecord | Cell) -> Path:
    """Return the folder of a cell's evidence inside a run."""
    dataset = record.dataset if isinstance(record.dataset, str) else record.dataset.label
    return run / "cells" / dataset / record.method.name / f"seed-{record.seed}"


def write_results(results: RunResults, run: Path) -> Path:
    """Write `results.json` atomically and return its path."""
    path = run / RESULTS_FILE
    partial = path.with_suffix(".partial")
    partial.write_bytes(TypeAdapter(RunResults).dump_json(results, indent=1) + b"\n")
    partial.replace(path)
    return path


def read_results(run: Path) -> RunResults:
    """Read the results of a run folder, or of its `results.json`.

    Raises:
        RunError: there are none, they are damaged, or another version of the program wrote them.
    """
    path = run if run.name == RESULTS_FILE else run / RESULTS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{run} holds no {RESULTS_FILE}; give the folder that `tckr-bench run` named") from error
    try:
        results = TypeAdapter(RunResults).validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{path} is not a results file: {where}: {first['msg']}") from error
    if results.format not in READABLE_FORMATS:
        known = " and ".join(map(str, READABLE_FORMATS))
        raise RunError(f"{path} has format {results.format}, this version reads {known}; run the matrix again")
    return results
