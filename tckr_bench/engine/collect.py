"""Gathers what an execution left in the store into the result files of a run."""

from __future__ import annotations

import datetime
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tckr_bench.datasets.contamination import judge_contamination
from tckr_bench.engine.executor import Failure, Outcome
from tckr_bench.engine.plan import Plan
from tckr_bench.engine.provenance import (
    device_name,
    devices_of,
    package_versions,
    processor,
    source_commit,
    usable_cores,
)
from tckr_bench.engine.store import Store
from tckr_bench.errors import RunError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Cell, CellRecord, Contamination, DatasetDescription, StageCost
from tckr_bench.results.evidence import COPIES_FILE, EVIDENCE_FILE, SAMPLES_FILE, read_evidence
from tckr_bench.results.run_files import RunProvenance, RunResults, StageCounts, cell_folder, write_results
from tckr_bench.stages.measure import read_measurements


@dataclass(frozen=True)
class RunSettings:
    """Where a run goes, how it is executed, what was typed, and the matrix file that names, if it does not ship."""

    out: Path
    jobs: int
    device: str
    fail_fast: bool = False
    command: str = ""
    recipe: str = ""


def collect(plan: Plan, outcome: Outcome, store: Store, settings: RunSettings) -> RunResults:
    """Write every cell's evidence and `results.json` to the run folder, and return the results."""
    records = []
    for slug, cell in plan.graph.cells.items():
        key = plan.graph.leaves[slug]
        failure = outcome.failures.get(key)
        if failure is None and key not in plan.cached and key not in outcome.ran and key not in outcome.found:
            failure = Failure(plan.graph.stages[key], "parent", "the run stopped before it")
        records.append(
            _failed_record(plan, cell, failure) if failure else _record(plan, cell, store, key=key, run=settings.out)
        )
    results = RunResults(
        matrix=plan.matrix.file.name,
        track=plan.matrix.file.track,
        primary_attack=plan.matrix.file.primary_attack,
        records=tuple(records),
        provenance=_provenance(plan, settings),
        stages=StageCounts(
            naive=plan.graph.naive,
            unique=len(plan.graph.stages),
            cached=len(plan.cached) + len(outcome.found),
            ran=len(outcome.ran),
            failed=len(outcome.failures),
        ),
        metrics=plan.matrix.metrics,
        attacks=plan.matrix.attacks,
        command=settings.command,
        recipe=settings.recipe,
        seconds=_seconds_by_kind(plan, store),
        wall_seconds=outcome.wall_seconds,
    )
    write_results(results, settings.out)
    return results


def _record(plan: Plan, cell: Cell, store: Store, *, key: str, run: Path) -> CellRecord:
    artifact = store.path(key)
    folder = cell_folder(run, cell)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (EVIDENCE_FILE, SAMPLES_FILE, COPIES_FILE):
        if (artifact / name).exists():
            _copy(artifact / name, folder / name)
    evidence = read_evidence(folder / EVIDENCE_FILE)
    description = plan.descriptions[cell.dataset.label]
    return CellRecord(
        dataset=cell.dataset.label,
        method=cell.method,
        seed=cell.seed,
        track=plan.matrix.file.track,
        protocol=plan.matrix.file.protocol,
        contamination=_contamination(cell, description),
        status="ok",
        measurements=read_measurements(artifact),
        threat_models={label: attack.threat_model for label, attack in evidence.attacks.items()},
        description=description,
        splits=plan.split_sizes(cell.dataset.label),
        stages=_stage_costs(plan, store, key),
    )


def _contamination(cell: Cell, description: DatasetDescription) -> Contamination | None:
    """Return what the cell's generator knew of the dataset beforehand; None where the cell has no generator."""
    use = cell.method.generator
    if use is None:
        return None
    component = default_registry().get("generator", use.name).component
    return judge_contamination(component.pretraining(component.parse_options(use.options)), description)


def _failed_record(plan: Plan, cell: Cell, failure: Failure) -> CellRecord:
    description = plan.descriptions[cell.dataset.label]
    return CellRecord(
        dataset=cell.dataset.label,
        method=cell.method,
        seed=cell.seed,
        track=plan.matrix.file.track,
        protocol=plan.matrix.file.protocol,
        status="failed",
        description=description,
        splits=plan.split_sizes(cell.dataset.label),
        failure=f"{failure.stage.kind} ({failure.stage.label}): {failure.message}",
    )


def _stage_costs(plan: Plan, store: Store, key: str) -> tuple[StageCost, ...]:
    costs = []
    for stage in plan.graph.ancestry(key):
        provenance = store.provenance(stage.key)
        costs.append(StageCost(stage.key, stage.kind, stage.component, provenance.cost, provenance.device))
    return tuple(costs)


def _seconds_by_kind(plan: Plan, store: Store) -> Mapping[str, float]:
    """Return the CPU seconds of the run's unique stages, cached or not, by kind."""
    totals: dict[str, float] = {}
    for key, stage in plan.graph.stages.items():
        if (store.path(key) / "provenance.json").exists():
            totals[stage.kind] = totals.get(stage.kind, 0.0) + store.provenance(key).cost.cpu_seconds
    return totals


def _provenance(plan: Plan, settings: RunSettings) -> RunProvenance:
    commit, dirty = source_commit()
    uses = [use for stage in plan.graph.stages.values() for use in stage.components.values()]
    return RunProvenance(
        started=datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), **package_versions()},
        distributions={f"{use.family} {use.name}": use.distribution for use in uses},
        commit=commit,
        dirty=dirty,
        platform=platform.platform(),
        processor=processor(),
        device=settings.device,
        device_names=tuple(device_name(device) for device in devices_of(settings.device)),
        cores=usable_cores(),
        jobs=settings.jobs,
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a file into the run in one step, so that a reader never sees half of it."""
    partial = target.with_suffix(".partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        raise RunError(f"cannot write {target}: {error.strerror}; choose another folder with --out") from error
