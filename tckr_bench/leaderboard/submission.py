"""From finished runs to records: measurements computed anew, gates judged, scores and pictures written beside them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, RunError, nearest, storage_error
from tckr_bench.judging.gates import judge_controls
from tckr_bench.leaderboard.admission import admit, refuse_unnameable
from tckr_bench.leaderboard.files import (
    file_reference,
    pictures_name,
    record_folder,
    scores_name,
    write_record,
)
from tckr_bench.leaderboard.identity import digest_of, digest_of_failure, identity_of
from tckr_bench.leaderboard.pictures import PicturePair, may_be_shown, write_pictures
from tckr_bench.leaderboard.records import SCHEMA_VERSION, Gate, ResultRecord, SeedResult, StepCost
from tckr_bench.leaderboard.scores import write_scores
from tckr_bench.plugin.registry import default_registry
from tckr_bench.results.run_files import RunResults, read_results
from tckr_bench.results.verify import (
    control_limit,
    copies_of,
    difference,
    evidence_of,
    has_limit,
    revised_metrics,
    samples_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.leaderboard.tracks import Track
    from tckr_bench.records import CellRecord, ComponentUse, Measurement
    from tckr_bench.results.evidence import Samples

    Compute = Callable[[Sequence[tuple[Path, CellRecord]], Sequence[ComponentUse]], list[tuple[Measurement, ...]]]

MOST_SAMPLES = 24
MOST_COPIES = 8
NEEDED_METRICS = (
    "accuracy",
    "accuracy-gap",
    "aop",
    "auc-mia",
    "canary-auc",
    "tpr-at-1-fpr",
    "worst-auc",
    "worst-tpr-at-1-fpr",
)
"""Metrics that the ranking and the gates rest on."""


@dataclass(frozen=True)
class Source:
    """A cell of a run: where the run lies, what it is, and its measurements as its scores give them."""

    run: Path
    results: RunResults
    cell: CellRecord
    measurements: tuple[Measurement, ...]
    digest: str


@dataclass(frozen=True)
class Submission:
    """Records ready to be written, without references to files yet, and the cells they come from."""

    identity: str
    records: tuple[ResultRecord, ...]
    sources: Mapping[tuple[str, str], tuple[Source, ...]]


def prepare_submission(runs: Sequence[Path], track: Track, *, compute: Compute) -> Submission:
    """Turn finished runs into records of one submission; nothing is written.

    Args:
        runs: run folders, each of other datasets.
        track: the track the records are for.
        compute: computes the measurements of cells from their evidence (`parallel.measurements_of_cells`).

    Raises:
        LeaderboardError: a run is not of the track's datasets, or its measurements do not follow from its scores.
        RunError: a run or its evidence cannot be read.
    """
    sources = [source for run in runs for source in _sources(run, track, compute)]
    _refuse_repeated(sources)
    identity = identity_of(((s.cell.dataset, s.cell.method.name, s.cell.seed), s.digest) for s in sources)
    grouped: dict[tuple[str, str], list[Source]] = {}
    for source in sorted(sources, key=lambda source: source.cell.seed):
        grouped.setdefault((source.cell.dataset, source.cell.method.name), []).append(source)
    gates = {dataset: _gates(sources, dataset) for dataset in {source.cell.dataset for source in sources}}
    records = [_record(found, track, identity, gates=gates[dataset]) for (dataset, _), found in grouped.items()]
    return Submission(identity, tuple(records), {key: tuple(found) for key, found in grouped.items()})


def write_submission(submission: Submission, root: Path) -> tuple[Path, ...]:
    """Write records, scores and pictures below the folder of results; the records last.

    Raises:
        LeaderboardError: `verify` would refuse one of them; none was written.
        StoreError: something cannot be written.
    """
    is_new = not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".submission-") as name:
            staging = Path(name)
            for record in submission.records:
                sources = submission.sources[record.dataset, record.method.name]
                whole = _with_files(record, sources, staging)
                write_record(whole, staging)
                admit(whole, staging)
            return tuple(_move(path, staging, root) for path in _records_last(staging))
    except OSError as error:
        raise storage_error(error, "writing the submission") from error
    finally:
        if is_new and root.is_dir() and not any(root.iterdir()):
            root.rmdir()


def _records_last(staging: Path) -> list[Path]:
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path.suffix == ".json")


def _move(path: Path, staging: Path, root: Path) -> Path:
    target = root / path.relative_to(staging)
    target.parent.mkdir(parents=True, exist_ok=True)
    return path.replace(target)


def _sources(run: Path, track: Track, compute: Compute) -> list[Source]:
    """Return the cells of a run with measurements computed from their scores.

    Raises:
        LeaderboardError: a measurement of the run is not what its scores give.
    """
    results = read_results(run)
    folder = run if run.is_dir() else run.parent
    _refuse_other_data(results, track, run)
    finished = [cell for cell in results.records if cell.status == "ok"]
    metrics = _installed(results.metrics)
    measurements = dict(zip(map(_key, finished), compute([(folder, cell) for cell in finished], metrics), strict=True))
    sources = []
    for cell in results.records:
        if cell.status != "ok":
            sources.append(Source(folder, results, cell, (), digest_of_failure(_reason(cell))))
            continue
        found = measurements[_key(cell)]
        _refuse_forged(cell, found, besides=revised_metrics(results.metrics))
        evidence = evidence_of(folder, cell)
        if {label: attack.threat_model for label, attack in evidence.attacks.items()} != dict(cell.threat_models):
            raise LeaderboardError(f"{'/'.join(map(str, _key(cell)))}: its threat models are not those of its scores")
        sources.append(Source(folder, results, cell, found, digest_of(evidence)))
    return sources


def _key(cell: CellRecord) -> tuple[str, str, int]:
    return (cell.dataset, cell.method.name, cell.seed)


def _installed(metrics: Sequence[ComponentUse]) -> tuple[ComponentUse, ...]:
    """Return the metrics of a run and those the ranking rests on, as they are installed here."""
    names = dict.fromkeys([*(use.name for use in metrics), *NEEDED_METRICS])
    return tuple(default_registry().use("metric", name, label=name, options={}) for name in names)


def _refuse_other_data(results: RunResults, track: Track, run: Path) -> None:
    for cell in results.records:
        refuse_unnameable(cell)
        wanted = track.datasets.get(cell.dataset)
        if wanted is None:
            hint = nearest(cell.dataset, track.datasets)
            raise LeaderboardError(f"the run {run} has the dataset '{cell.dataset}', track {track.name} has not{hint}")
        if cell.description is None:
            raise LeaderboardError(f"the run {run} does not say what the dataset '{cell.dataset}' is; run it again")
        sizes = {split: cell.splits.get(split, 0) for split in wanted.splits}
        other = wanted.fingerprint and cell.description.fingerprint != wanted.fingerprint
        if other or sizes != dict(wanted.splits):
            asked = " + ".join(f"{count:,} {split}" for split, count in wanted.splits.items())
            given = " + ".join(f"{count:,} {split}" for split, count in sizes.items())
            what = "other images" if other else f"{given} images"
            raise LeaderboardError(
                f"the run {run} has {what} of '{cell.dataset}' where track {track.name} asks for {asked}"
                f"{' of its own' if other else ''}; run `tckr-bench run --matrix {track.matrix}`"
            )


def _refuse_forged(cell: CellRecord, measurements: Sequence[Measurement], *, besides: Sequence[str]) -> None:
    found = {(measurement.metric, measurement.attack): measurement for measurement in measurements}
    for saved in cell.measurements:
        what = difference(saved, found.get((saved.metric, saved.attack)))
        if what and saved.metric not in besides:
            raise LeaderboardError(
                f"{cell.dataset}/{cell.method.name}/seed-{cell.seed}: {saved.metric} {what}; "
                "run `tckr-bench report` to see every measurement that does not follow from its scores"
            )


def _refuse_repeated(sources: Sequence[Source]) -> None:
    runs: dict[str, Path] = {}
    for source in sources:
        other = runs.setdefault(source.cell.dataset, source.run)
        if other != source.run:
            raise LeaderboardError(
                f"{other} and {source.run} both have the dataset '{source.cell.dataset}'; "
                "submit them apart, or run its methods and seeds in one matrix"
            )
    if not sources:
        raise LeaderboardError("there is nothing to submit: the runs have no cells")


def _gates(sources: Sequence[Source], dataset: str) -> tuple[Gate, ...]:
    own = [source for source in sources if source.cell.dataset == dataset]
    cells = [replace(source.cell, measurements=source.measurements) for source in own]
    first = own[0].results
    limits = {
        _key(source.cell): control_limit(source.cell, evidence_of(source.run, source.cell))
        for source in own
        if has_limit(source.cell)
    }
    return gates_of(cells, first.primary_attack, limits=limits)


def gates_of(
    cells: Sequence[CellRecord], primary: str, *, limits: Mapping[tuple[str, str, int], float]
) -> tuple[Gate, ...]:
    """Judge the controls of a submission on one dataset, by the rules of this version of the program."""
    from tckr_bench.results.run_files import RESULTS_FORMAT

    verdicts = judge_controls(cells, primary, control_limits=limits, results_format=RESULTS_FORMAT)
    baselines = [cell for cell in cells if cell.method.role == "baseline" and cell.status == "ok"]
    gates = tuple(Gate(verdict.control, verdict.passed, verdict.reason) for verdict in verdicts)
    return gates if baselines else (*gates, Gate("teacher", passed=False, reason="there is no real-data baseline"))


def _record(sources: Sequence[Source], track: Track, identity: str, *, gates: tuple[Gate, ...]) -> ResultRecord:
    first = sources[0]
    cell, results = first.cell, first.results
    if cell.description is None:
        raise RunError(f"the run {first.run} does not say what the dataset '{cell.dataset}' is; run it again")
    models = {label: model for source in sources for label, model in source.cell.threat_models.items()}
    return ResultRecord(
        schema_version=SCHEMA_VERSION,
        track=track.name,
        submission=identity,
        method=cell.method,
        description=cell.description,
        splits=cell.splits,
        dataset=cell.dataset,
        protocol=cell.protocol,
        contamination=next((s.cell.contamination for s in sources if s.cell.contamination), None),
        primary_attack=results.primary_attack,
        attacks=tuple(use for use in results.attacks if use.label in models),
        metrics=_installed(results.metrics),
        threat_models=models,
        seeds=tuple(_seed(source) for source in sources),
        images_generated=images_of(cell),
        gates=gates,
        pictures=None,
        command=results.command or f"tckr-bench run --matrix {results.matrix}",
        recipe=results.recipe,
        provenance=results.provenance,
        run_seconds={kind: round(seconds, 3) for kind, seconds in results.seconds.items()},
    )


def images_of(cell: CellRecord | ResultRecord) -> int:
    """Return how many synthetic images a method trains on, by its cardinality and the real training set's size."""
    return round(cell.method.cardinality * cell.splits.get("train", 0)) if cell.method.synthetic else 0


def _seed(source: Source) -> SeedResult:
    cell = source.cell
    return SeedResult(cell.seed, cell.status, source.measurements, None, _cost(cell), _reason(cell))


def _reason(cell: CellRecord) -> str:
    """Return why a cell failed; nothing of one that did not."""
    return cell.failure or "no reason given" if cell.status == "failed" else ""


def _cost(cell: CellRecord) -> tuple[StepCost, ...]:
    """Return what a cell's stages took, added up by kind, component and device."""
    steps: dict[tuple[str, str, str], StepCost] = {}
    for stage in cell.stages:
        key = (stage.kind, stage.component, stage.device)
        known = steps.get(key, StepCost(*key, 0, 0.0, 0.0, 0))
        steps[key] = replace(
            known,
            stages=known.stages + 1,
            wall_seconds=round(known.wall_seconds + stage.cost.wall_seconds, 3),
            cpu_seconds=round(known.cpu_seconds + stage.cost.cpu_seconds, 3),
            peak_memory_bytes=max(known.peak_memory_bytes, stage.cost.peak_memory_bytes),
        )
    return tuple(steps.values())


def _with_files(record: ResultRecord, sources: Sequence[Source], staging: Path) -> ResultRecord:
    """Write a record's scores and pictures and return it with references to them."""
    folder = record_folder(staging, record)
    folder.mkdir(parents=True, exist_ok=True)
    seeds = []
    for result, source in zip(record.seeds, sources, strict=True):
        if result.status != "ok":
            seeds.append(result)
            continue
        path = folder / scores_name(record, result.seed)
        write_scores(evidence_of(source.run, source.cell), path)
        seeds.append(replace(result, scores=file_reference(path)))
    pairs = _pairs(record, sources)
    if not pairs:
        return replace(record, seeds=tuple(seeds))
    path = folder / pictures_name(record)
    write_pictures(pairs, path)
    return replace(record, seeds=tuple(seeds), pictures=file_reference(path))


def _pairs(record: ResultRecord, sources: Sequence[Source]) -> list[PicturePair]:
    """Return pictures of the first seed that has any, where the dataset's licence lets them be shown."""
    if not may_be_shown(record.description.licence):
        return []
    for source in sources:
        samples, copies = samples_of(source.run, source.cell), copies_of(source.run, source.cell)
        if samples is not None or copies is not None:
            return [*_chosen(samples, "sample"), *_chosen(copies, "copy")]
    return []


def _chosen(samples: Samples | None, kind: str) -> list[PicturePair]:
    """Return some pairs: samples spread over the classes they are ordered by, copies from the surest on."""
    if samples is None:
        return []
    count = len(samples.prompts)
    most = min(count, MOST_SAMPLES if kind == "sample" else MOST_COPIES)
    spread = [round(index * (count - 1) / max(1, most - 1)) for index in range(most)]
    chosen = spread if kind == "sample" else range(most)
    return [
        PicturePair(
            "sample" if kind == "sample" else "copy",
            int(samples.labels[index]),
            samples.prompts[index],
            samples.real[index],
            samples.synthetic[index],
        )
        for index in chosen
    ]
