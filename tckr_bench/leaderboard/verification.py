"""Check the folder of results, run by run and record against record: nothing on the board is believed.

What is shown follows from the saved scores, the gates follow from the controls of the same run, nothing was left out of
a run, and nothing was submitted twice. Whether scores are honest, no file can tell: only running the run's command
again can.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, PluginError
from tckr_bench.judging import metric_names
from tckr_bench.judging.gates import gates_of
from tckr_bench.leaderboard.requirements import faults_of_data
from tckr_bench.plugin.registry import default_registry
from tckr_bench.results.examination import ExaminationTask, examine_all
from tckr_bench.results.files import (
    PICTURES,
    RUN_FILE,
    Fault,
    dump_record,
    dump_run,
    files_of,
    pictures_path,
    record_files,
    record_path,
    run_files,
    scan_runs,
)
from tckr_bench.results.identity import identity_of
from tckr_bench.results.pictures import may_be_shown
from tckr_bench.text import listing, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tckr_bench.leaderboard.tracks import Track
    from tckr_bench.results.examination import Examined
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import ResultRecord, RunInformation

    Seed = tuple[str, str, int]
    Examinations = Mapping[Seed, Examined]

NEEDED_METRICS = (
    metric_names.ACCURACY,
    metric_names.GAP,
    metric_names.AOP,
    metric_names.AUC,
    "canary-auc",
    metric_names.TPR,
    metric_names.WORST_AUC,
    metric_names.WORST_TPR,
)
"""Metrics that the ranking and the gates rest on."""
MOST_FILES = 20_000
SHOWN_DIGITS = 8
HIDDEN = (".gitkeep", "README.md")
OF_THE_DATASET = ("description", "splits", "protocol")
"""What all records of a run on one dataset have in common."""


@dataclass(frozen=True)
class Verification:
    """What was checked: records, seeds with scores, measurements computed anew; and what is wrong, file by file."""

    records: int
    seeds: int
    measurements: int
    faults: tuple[Fault, ...]


def verify_results(
    root: Path,
    tracks: Sequence[Track],
    *,
    only: Sequence[Path] = (),
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Check every run below the folder of results, or those that some files or folders are of.

    Args:
        root: the folder of results.
        tracks: the tracks there are.
        only: folders of runs, or files in them; all runs where none is named.
        jobs: processes at a time.
        progress: told how many score files that were not checked before were looked into.

    Raises:
        LeaderboardError: the folder is not there, or a path named is of no run of it.
    """
    if not root.is_dir():
        raise LeaderboardError(
            f"{root} is not a folder of results; give the one that holds <track>/<submission>/run.json"
        )
    runs, faults = scan_runs(root)
    chosen = _chosen(root, runs, only, faults)
    found = [] if only else [*faults, *_strays(root, runs), *_alike(root, runs)]
    known = {track.name: track for track in tracks}
    tasks = [task for run in chosen if not _bars_to(run, known.get(run.information.track)) for task in _tasks(run)]
    examined = dict(zip(map(_seed_of, tasks), examine_all(tasks, jobs=jobs, progress=progress), strict=True))
    for run in chosen:
        where = run.folder.relative_to(root).as_posix()
        own = {key[1:]: result for key, result in examined.items() if key[0] == run.folder}
        run_faults = _faults_of_run(run, known.get(run.information.track), own)
        found += [Fault(f"{where}/{fault.file}", fault.what) for fault in run_faults]
    found += _repeated(root, chosen, examined)
    return Verification(
        records=sum(len(run.records) for run in chosen),
        seeds=sum(task.seed is not None for task in tasks),
        measurements=sum(len(result.measurements) for result in examined.values()),
        faults=tuple(found),
    )


def faults_of_run(
    run: SavedRun, track: Track | None, *, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> list[Fault]:
    """Return what is wrong with a run as a submission to a track, file by file below its folder."""
    if run.faults:
        return list(run.faults)
    tasks = [] if _bars_to(run, track) else list(_tasks(run))
    results = examine_all(tasks, jobs=jobs, progress=progress)
    return _faults_of_run(run, track, {_seed_of(task)[1:]: it for task, it in zip(tasks, results, strict=True)})


def _seed_of(task: ExaminationTask) -> tuple[Path, str, str, int]:
    return (task.run, task.record.dataset, task.record.method.name, -1 if task.seed is None else task.seed)


def _tasks(run: SavedRun) -> Iterator[ExaminationTask]:
    """Yield what is to be looked into of a run: the scores of each seed, and pictures."""
    for record in run.records:
        yield from (ExaminationTask(run.folder, record, seed.seed) for seed in record.seeds if seed.scores is not None)
        if pictures_path(run.folder, record).exists():
            yield ExaminationTask(run.folder, record, None)


def _faults_of_run(run: SavedRun, track: Track | None, examined: Mapping[Seed, Examined]) -> list[Fault]:
    bars = _bars_to(run, track)
    found = [Fault(RUN_FILE, fault) for fault in [*bars, *_faults_of_identity(run)]]
    for record in run.records:
        own = [examined.get((record.dataset, record.method.name, seed.seed)) for seed in record.seeds]
        own.append(examined.get((record.dataset, record.method.name, -1)))
        faults = [] if bars else [*_faults_of_record(record), *_faults_of_licence(run, record)]
        faults += [fault for result in own if result is not None for fault in result.faults]
        found += _named(record, faults)
    for dataset in dict.fromkeys(record.dataset for record in run.records):
        found += _faults_on_dataset([it for it in run.records if it.dataset == dataset], examined)
    return found


def _named(record: ResultRecord, faults: Sequence[str]) -> list[Fault]:
    where = record_path(Path(), record).as_posix()
    return [Fault(where, fault) for fault in faults]


def _faults_of_identity(run: SavedRun) -> list[str]:
    """Return whether a run is not made of these records: one is missing, was added or was changed."""
    if identity_of(run.records) == run.information.submission:
        return []
    return [f"submission {run.information.submission} is not made of these records: one is missing or was changed"]


def _chosen(root: Path, runs: Sequence[SavedRun], only: Sequence[Path], faults: Sequence[Fault]) -> Sequence[SavedRun]:
    """Return the runs that the paths named lie in; every run where none is."""
    if not only:
        return runs
    chosen = []
    for path in only:
        inside = [run for run in runs if path.resolve().is_relative_to(run.folder.resolve())]
        if not inside:
            broken = [it for it in faults if path.resolve().is_relative_to((root / it.file).parent.resolve())]
            raise LeaderboardError(str(broken[0]) if broken else f"{path} is of no run below {root}")
        chosen += [run for run in inside if run not in chosen]
    return chosen


def _strays(root: Path, runs: Sequence[SavedRun]) -> Iterator[Fault]:
    """Yield a fault for each file that no record names, each link, and for too many files."""
    named = set(run_files(root))  # those that are none are faults already
    for path in run_files(root):
        named |= set(record_files(path.parent))
    for run in runs:
        named |= {run.folder / name for name in files_of(run)}
        named |= {pictures_path(run.folder, record) for record in run.records}
    alike: dict[str, str] = {}
    for count, path in enumerate(sorted(root.rglob("*"))):
        where = path.relative_to(root).as_posix()
        if count > MOST_FILES:
            yield Fault(plain(where), f"there are more than {MOST_FILES:,} files")
            return
        if path.is_symlink():
            yield Fault(plain(where), "it is a link; only files are taken")
        elif not path.is_dir() and path not in named and not _is_hidden(path, root):
            yield Fault(plain(where), "no record names this file" if path.is_file() else "it is no file")
        other = alike.setdefault(where.lower(), where)
        if other != where:
            yield Fault(plain(where), f"only capitals tell it from {other}: not every system keeps both")


def _is_hidden(path: Path, root: Path) -> bool:
    return path.is_file() and path.name in HIDDEN and (path.parent == root or not path.stat().st_size)


def _alike(root: Path, runs: Sequence[SavedRun]) -> Iterator[Fault]:
    """Yield a fault where two submissions to a track cannot be told apart by the digits that are shown."""
    shown: dict[tuple[str, str], str] = {}
    for run in runs:
        submission = run.information.submission
        first = shown.setdefault((run.information.track, submission[:SHOWN_DIGITS]), submission)
        if first != submission:
            where = run.folder.relative_to(root).as_posix()
            yield Fault(where, f"submission {submission} has the first {SHOWN_DIGITS} digits of {first}")


def _bars_to(run: SavedRun, track: Track | None) -> list[str]:
    """Return why measurements of a run are not even recomputed: track and metrics bound how long that takes."""
    if track is None:
        return [f"there is no track {run.information.track}"]
    data = [f"{record.dataset}: {fault}" for record in run.records for fault in faults_of_data(record, track)]
    return [*dict.fromkeys(data), *_faults_of_metrics(run.information)]


def _faults_of_record(record: ResultRecord) -> list[str]:
    """Return what is wrong with a record, its scores and pictures apart."""
    images = record.method.generated_images(record.splits.get("train", 0))
    faults = []
    if record.images_generated != images:
        faults.append(f"it generated {images:,} images by its cardinality, not {record.images_generated:,}")
    return [*faults, *_faults_of_method(record)]


def _faults_of_licence(run: SavedRun, record: ResultRecord) -> list[str]:
    shown = pictures_path(run.folder, record).exists()
    if shown and not may_be_shown(record.description.licence):
        return [f"the licence of {record.dataset} does not let its images be shown; leave {PICTURES} out"]
    return []


def _faults_of_method(record: ResultRecord) -> list[str]:
    """Return where a method's parts do not make what its name and role say, or its attacks do not fit together."""
    method = record.method
    parts = (method.captioner, method.generator, method.adapter)
    labels = [part.label for part in (*parts, method.classifier) if part is not None]
    name = "-".join([*labels, method.labels, f"{method.cardinality:g}x"])
    faults = []
    if (method.role == "method" and (None in parts or method.name != name)) or (
        method.role in ("baseline", "defended") and parts != (None, None, None)
    ):
        faults.append("its captioner, generator, adapter, labels and cardinality are not those of its role and name")
    families = ("captioner", "generator", "adapter", "classifier")
    told = zip(families, (*parts, method.classifier), strict=True)
    if any(part is not None and part.family != family for family, part in told):
        faults.append("a part of its method says that it is of another family")
    finished = any(seed.status == "ok" for seed in record.seeds)
    if (record.contamination is not None) != (method.synthetic and finished):
        faults.append("what its generator knew beforehand is said without a generator, or not said")
    steps = [step for seed in record.seeds for step in seed.cost]
    if any(min(step.stages, step.wall_seconds, step.cpu_seconds, step.peak_memory_bytes) < 0 for step in steps):
        faults.append("a cost is less than nothing")
    surfaces = {label: model.surface for label, model in record.threat_models.items()}
    if {use.label: use.surface for use in record.attacks} != surfaces:
        faults.append("its attacks are not those of its threat models")
    return faults


def _faults_of_metrics(run: RunInformation) -> list[str]:
    """Return which metrics are not those installed here: their measurements could not be recomputed as they were."""
    registry = default_registry()
    names = [use.name for use in run.metrics]
    if len(set(names)) != len(names) or any(use.label != use.name for use in run.metrics):
        return ["its metrics are not each there once, under their own names"]
    faults = []
    for use in run.metrics:
        try:
            wanted = registry.use("metric", use.name, label=use.name, options={})
        except PluginError as error:
            faults.append(str(error))
            continue
        if wanted.version != use.version:
            faults.append(f"the metric {use.name} is installed in version {wanted.version}, the run has {use.version}")
        elif wanted.options != use.options:
            faults.append(f"the metric {use.name} has options of its own; a submission has every metric as it is")
        elif replace(use, distribution=wanted.distribution) != wanted:
            faults.append(f"the metric {use.name} is not described as it is installed")
    lacking = [entry for entry in NEEDED_METRICS if entry not in names]
    return [*faults, *([f"it lacks the metrics {', '.join(lacking)}"] if lacking else [])]


def _faults_on_dataset(records: Sequence[ResultRecord], examined: Mapping[Seed, Examined]) -> Iterator[Fault]:
    found = {
        (record.method.name, seed.seed): examined.get((record.dataset, record.method.name, seed.seed))
        for record in records
        for seed in record.seeds
        if seed.scores is not None
    }
    known = {key: result for key, result in found.items() if result is not None and result.digest}
    if len(known) < len(found):
        return  # said already: without its scores nothing can be compared
    limits = {
        (records[0].dataset, *key): result.control_limit
        for key, result in known.items()
        if result.control_limit is not None
    }
    gates = gates_of([_renewed(record, known) for record in records], limits)
    for record in records:
        faults = []
        if sorted(record.gates, key=str) != sorted(gates, key=str):
            faults.append("its gates are not those that the controls of its run give")
        faults += _faults_of_company(record, records)
        yield from _named(record, [*faults, *_faults_of_teacher(record, records, known)])
    if len({result.labels for result in known.values()}) > 1:
        yield Fault(f"records/{records[0].dataset}", "its records have more than one set of test labels")


def _renewed(record: ResultRecord, known: Mapping[tuple[str, int], Examined]) -> ResultRecord:
    """Return a record with the measurements that its scores give."""
    seeds = (
        replace(seed, measurements=known[record.method.name, seed.seed].measurements) if seed.scores else seed
        for seed in record.seeds
    )
    return replace(record, seeds=tuple(seeds))


def _faults_of_company(record: ResultRecord, records: Sequence[ResultRecord]) -> list[str]:
    """Return what a record says otherwise than the rest of its run on the dataset."""
    told = [name for name in OF_THE_DATASET if getattr(record, name) != getattr(records[0], name)]
    words = listing([name.replace("_", " ") for name in told])
    return [f"it says otherwise than the rest of its run: {words}"] if told else []


def _faults_of_teacher(
    record: ResultRecord, records: Sequence[ResultRecord], found: Mapping[tuple[str, int], Examined]
) -> list[str]:
    """Return whether the teacher in a record's scores is none of its run's teachers with that seed."""
    faults = []
    baselines = [other for other in records if other.method.role == "baseline"]
    for seed in record.seeds:
        result = found.get((record.method.name, seed.seed))
        teachers = {found[t.method.name, seed.seed].outputs for t in baselines if (t.method.name, seed.seed) in found}
        if result is not None and result.teacher not in teachers:
            faults.append(f"the teacher of seed {seed.seed} is no teacher of its run")
        if result is not None and record.method.role == "method" and result.outputs in teachers:
            faults.append(f"the outputs of seed {seed.seed} are those of a teacher, trained on real data")
    return faults


def _repeated(
    root: Path, runs: Sequence[SavedRun], examined: Mapping[tuple[Path, str, str, int], Examined]
) -> Iterator[Fault]:
    """Yield a fault where the scores of one record are those of another: submitted twice."""
    first: dict[str, str] = {}
    for run in runs:
        for record in run.records:
            where = record_path(run.folder, record).relative_to(root).as_posix()
            for seed in record.seeds:
                result = examined.get((run.folder, record.dataset, record.method.name, seed.seed))
                if result is None or not result.digest:
                    continue
                own = f"{where} seed {seed.seed}"
                other = first.setdefault(f"{record.track} {result.digest}", own)
                if other != own:
                    yield Fault(where, f"the scores of seed {seed.seed} are those of {other}: submitted twice")


def verified_digest(records: Sequence[ResultRecord]) -> str:
    """Return a sha256 of records as they are; a page that carries it was built from these.

    >>> verified_digest([]) == verified_digest([])
    True
    """
    digest = hashlib.sha256()
    for record in sorted(records, key=lambda record: (record.track, record.dataset, record.slug)):
        digest.update(dump_record(record) + dump_run(record.run))
    return digest.hexdigest()
