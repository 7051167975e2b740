"""Gathers what an execution left in the store into the records of a run."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tckr_bench.datasets.contamination import judge_contamination
from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.engine.graph import Stage
from tckr_bench.engine.matrix import Matrix
from tckr_bench.engine.outcome import Failure, Outcome
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
from tckr_bench.plugin.components import GeneratorComponent
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Cell, Contamination, DatasetDescription, StepCost
from tckr_bench.results.files import SavedRun, file_reference, pictures_path, record_folder, scores_name
from tckr_bench.results.identity import identity_of
from tckr_bench.results.pictures import may_be_shown
from tckr_bench.results.records import (
    SCHEMA_VERSION,
    ResultRecord,
    RunInformation,
    RunProvenance,
    SeedResult,
    StageCounts,
)
from tckr_bench.stages.isolation import ComponentFailure, read_failures
from tckr_bench.stages.measure import ALONE_FILE, PICTURES_FILE, SCORES_FILE, read_measured

KEPT_KINDS = ("prepare", "caption", "adapt", "generate", "train", "measure")
"""Kinds of stages whose keys a run names: those that a cell's classifier and images come from."""


@dataclass(frozen=True)
class RunSettings:
    """Where a run goes, how it is executed, when it began, what was typed, and the matrix file, if it does not ship.

    `show_real_images` lets the run's folder hold real images and their captions whatever the dataset's licence.
    """

    out: Path
    jobs: int
    device: str
    fail_fast: bool = False
    command: str = ""
    recipe: str = ""
    started: str = ""
    show_real_images: bool = False


def collect(plan: Plan, outcome: Outcome, store: Store, settings: RunSettings) -> SavedRun:
    """Copy every cell's scores and pictures to the run folder, and return the records, gates not judged yet."""
    by_method: dict[tuple[str, str], list[Cell]] = {}
    for cell in plan.graph.cells.values():
        by_method.setdefault((cell.dataset.label, cell.method.name), []).append(cell)
    information = _information(plan, outcome, store, settings)
    collector = _Collector(plan, outcome, store, settings, information)
    records = [collector.record(sorted(cells, key=lambda cell: cell.seed)) for cells in by_method.values()]
    information = replace(information, submission=identity_of(records))
    return SavedRun(settings.out, information, tuple(replace(record, run=information) for record in records))


@dataclass(frozen=True)
class _Collector:
    """Makes records of the cells of a run."""

    plan: Plan
    outcome: Outcome
    store: Store
    settings: RunSettings
    information: RunInformation

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.settings.out

    def record(self, cells: list[Cell]) -> ResultRecord:
        """Return the record of a method on a dataset from its cells, one per seed."""
        first, dataset = cells[0], cells[0].dataset.label
        description = self.plan.descriptions[dataset]
        splits = self.plan.split_sizes(dataset)
        record = ResultRecord(
            schema_version=SCHEMA_VERSION,
            dataset=dataset,
            method=first.method,
            description=description,
            splits=splits,
            protocol=self.plan.matrix.file.protocol,
            contamination=None,
            threat_models={},
            seeds=(),
            images_generated=first.method.generated_images(splits["train"]),
            gates=(),
            run=self.information,
        )
        for cell in cells:
            record = self._with_seed(record, cell)
        finished = any(result.status == "ok" for result in record.seeds)
        return replace(record, contamination=_contamination(first, description) if finished else None)

    def _with_seed(self, record: ResultRecord, cell: Cell) -> ResultRecord:
        key = self.plan.graph.leaves[cell.slug]
        failure = self._failure(key)
        if failure is not None:
            why = f"{failure.stage.kind} ({failure.stage.label}): {failure.message}"
            return replace(record, seeds=(*record.seeds, SeedResult(cell.seed, "failed", failure=why)))
        artifact = self.store.path(key)
        measured, failures = read_measured(artifact), read_failures(artifact)
        _write_logs(failures, self.run, cell.slug)
        scores = record_folder(self.run, record) / scores_name(record, cell.seed)
        _copy(artifact / SCORES_FILE, scores)
        if not any(result.status == "ok" for result in record.seeds):
            _copy_pictures(_pictures_of(record, artifact, self.settings), pictures_path(self.run, record))
        result = SeedResult(
            seed=cell.seed,
            status="ok",
            measurements=measured.measurements,
            scores=file_reference(scores),
            cost=_cost(self.plan.graph.ancestry(key), self.store),
            failed={failure.label: failure.reason for failure in failures},
        )
        models = {**record.threat_models, **measured.threat_models}
        return replace(record, seeds=(*record.seeds, result), threat_models=models)

    def _failure(self, key: str) -> Failure | None:
        """Return why a cell has no measurements; None where it has."""
        failure = self.outcome.failures.get(key)
        done = key in self.plan.cached or key in self.outcome.ran or key in self.outcome.found
        if failure is None and not done:
            return Failure(self.plan.graph.stages[key], "parent", "the run stopped before it")
        return failure


def holds_its_pictures(run: SavedRun, plan: Plan, store: Store, settings: RunSettings) -> bool:
    """Return whether a run's folder shows of real images what it may now, by the dataset's licence or as asked."""
    cells = {(cell.dataset.label, cell.method.name, cell.seed): slug for slug, cell in plan.graph.cells.items()}
    for record in run.records:
        first = next((result for result in record.seeds if result.status == "ok"), None)
        if first is None:
            continue
        slug = cells.get((record.dataset, record.method.name, first.seed))
        if slug is None:
            return False
        wanted = _pictures_of(record, store.path(plan.graph.leaves[slug]), settings)
        if _content(wanted) != _content(pictures_path(run.folder, record)):
            return False
    return True


def _pictures_of(record: ResultRecord, artifact: Path, settings: RunSettings) -> Path | None:
    """Return which pictures of a cell its run may hold, if any: real ones as well, or synthetic ones alone.

    What controls release is made of real images, however it is altered, so that nothing of it stands alone.
    """
    if settings.show_real_images or may_be_shown(record.description.licence):
        found = artifact / PICTURES_FILE
    elif record.method.role == "control":
        return None
    else:
        found = artifact / ALONE_FILE
    return found if found.is_file() else None


def _content(path: Path | None) -> bytes | None:
    return path.read_bytes() if path is not None and path.is_file() else None


def _copy_pictures(source: Path | None, target: Path) -> None:
    """Copy a cell's pictures where it may hold any; what an earlier run left there goes."""
    if source is not None:
        _copy(source, target)
    else:
        target.unlink(missing_ok=True)


def failure_log(run: Path, slug: str, label: str) -> Path:
    """Return where a run keeps the traceback of an attack or a metric that failed on a cell."""
    return run / "logs" / f"{label}-{slug.replace('/', '-')}.log"


def _write_logs(failures: Sequence[ComponentFailure], run: Path, slug: str) -> None:
    """Keep the traceback of every attack and metric that failed on a cell, one file for each."""
    for failure in failures:
        log = failure_log(run, slug, failure.label)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(failure.traceback, encoding="utf-8")


def matrix_digest(matrix: Matrix) -> str:
    """Return the sha256 of a matrix with every setting applied: two runs of the same one may be compared."""
    content = matrix.file.model_dump(mode="json", exclude={"summary", "track", "observer"})
    return fingerprint(content)


def _information(plan: Plan, outcome: Outcome, store: Store, settings: RunSettings) -> RunInformation:
    file = plan.matrix.file
    return RunInformation(
        schema_version=SCHEMA_VERSION,
        submission="",
        track=file.track,
        matrix=file.name,
        matrix_digest=matrix_digest(plan.matrix),
        primary_attack=file.primary_attack,
        attacks=plan.matrix.attacks,
        metrics=plan.matrix.metrics,
        command=settings.command,
        recipe=settings.recipe,
        provenance=_provenance(plan, settings),
        stages=StageCounts(
            naive=plan.graph.naive,
            unique=len(plan.graph.stages),
            cached=len({*plan.cached, *outcome.found} - outcome.ran.keys() - outcome.failures.keys()),
            ran=len(outcome.ran),
            failed=len(outcome.failures),
        ),
        seconds=_seconds_by_kind(plan, store),
        wall_seconds=outcome.wall_seconds,
        keys={slug: _keys(plan.graph.ancestry(key)) for slug, key in plan.graph.leaves.items()},
    )


def _keys(stages: Iterable[Stage]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for stage in stages:
        if stage.kind in KEPT_KINDS:
            found[stage.kind] = (*found.get(stage.kind, ()), stage.key)
    return found


def _contamination(cell: Cell, description: DatasetDescription) -> Contamination | None:
    """Return what the cell's generator knew of the dataset beforehand; None where the cell has no generator."""
    use = cell.method.generator
    if use is None:
        return None
    component = default_registry().component(GeneratorComponent, use.name)
    return judge_contamination(component.pretraining(component.parse_options(use.options)), description)


def _cost(stages: Iterable[Stage], store: Store) -> tuple[StepCost, ...]:
    """Return what a cell's stages took, added up by kind, component and device."""
    steps: dict[tuple[str, str, str], StepCost] = {}
    for stage in stages:
        provenance = store.provenance(stage.key)
        key, cost = (stage.kind, stage.component, provenance.device), provenance.cost
        known = steps.get(key, StepCost(*key, 0, 0.0, 0.0, 0))
        steps[key] = replace(
            known,
            stages=known.stages + 1,
            wall_seconds=round(known.wall_seconds + cost.wall_seconds, 3),
            cpu_seconds=round(known.cpu_seconds + cost.cpu_seconds, 3),
            peak_memory_bytes=max(known.peak_memory_bytes, cost.peak_memory_bytes),
        )
    return tuple(steps.values())


def _seconds_by_kind(plan: Plan, store: Store) -> Mapping[str, float]:
    """Return the CPU seconds of the run's unique stages, cached or not, by kind."""
    totals: dict[str, float] = {}
    for key, stage in plan.graph.stages.items():
        if (store.path(key) / "provenance.json").exists():
            totals[stage.kind] = totals.get(stage.kind, 0.0) + store.provenance(key).cost.cpu_seconds
    return {kind: round(seconds, 3) for kind, seconds in totals.items()}


def _provenance(plan: Plan, settings: RunSettings) -> RunProvenance:
    commit, dirty = source_commit()
    uses = [use for stage in plan.graph.stages.values() for use in stage.components.values()]
    return RunProvenance(
        started=settings.started,
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
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        raise RunError(f"cannot write {target}: {error.strerror}; choose another folder with --out") from error
