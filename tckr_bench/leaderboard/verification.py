"""Check the folder of results, record by record and record against record: nothing on the board is believed.

What is shown follows from the saved scores, the gates follow from the controls of the same submission, nothing was left
out of a submission, and nothing was submitted twice. Whether scores are honest, no file can tell: only running the
record's command again can.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, PluginError
from tckr_bench.leaderboard.examination import Examined, Task, died, examine
from tckr_bench.leaderboard.files import Fault, record_files, record_folder, record_path, scan_records
from tckr_bench.leaderboard.identity import digest_of_failure, identity_of
from tckr_bench.leaderboard.parallel import in_processes
from tckr_bench.leaderboard.records import ResultRecord, cells_of
from tckr_bench.leaderboard.requirements import faults_of_data
from tckr_bench.leaderboard.submission import NEEDED_METRICS, gates_of, images_of
from tckr_bench.plugin.registry import default_registry
from tckr_bench.text import listing, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tckr_bench.leaderboard.tracks import Track

    Key = tuple[str, str, str]
    Examinations = Mapping[tuple[Key, int], Examined]

MOST_FILES = 20_000
MOST_METRICS = 100
SHOWN_DIGITS = 8
HIDDEN = (".gitkeep", "README.md")
OF_THE_RUN = (
    "description",
    "splits",
    "protocol",
    "primary_attack",
    "metrics",
    "command",
    "recipe",
    "provenance",
    "run_seconds",
)
"""What all records of a submission on one dataset have in common: they are of one run."""


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
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Check every record below the folder of results, or those of some files and the submissions they belong to.

    Args:
        root: the folder of results.
        tracks: the tracks there are.
        only: record files; all where none is named.
        jobs: processes at a time.
        progress: told how many score files of how many were looked into.

    Raises:
        LeaderboardError: the folder is not there, or a file named is no record of it.
    """
    if not root.is_dir():
        raise LeaderboardError(f"{root} is not a folder of results; give the one that holds <track>/<dataset>/*.json")
    records, faults = scan_records(root)
    found = [*faults, *_strays(root, records)] if not only else []
    chosen = _chosen(root, records, only, faults)
    bars = {_key(record): _bars_to(record, tracks) for record in chosen}
    tasks = [task for record in chosen if not bars[_key(record)] for task in _tasks(root, record)]
    told = None if progress is None else (lambda done: progress(done, len(tasks)))
    results = in_processes(examine, tasks, jobs=jobs, died=died, progress=told)
    looked_into = {(_key(task.record), task.seed): result for task, result in zip(tasks, results, strict=True)}
    for record in chosen:
        own = [looked_into.get((_key(record), part)) for part in (*(seed.seed for seed in record.seeds), None)]
        found += _named(root, record, bars[_key(record)] or _faults_of_record(record))
        found += _named(root, record, [fault for result in own if result is not None for fault in result.faults])
    examined = _by_seed(chosen, looked_into)
    found += _faults_of_submissions(root, chosen, examined)
    found += _repeated(root, chosen, examined)
    measurements = sum(len(result.measurements) for result in results)
    seeds = sum(task.seed is not None for task in tasks)
    return Verification(len(chosen), seeds, measurements, tuple(found))


def _tasks(root: Path, record: ResultRecord) -> Iterator[Task]:
    """Yield what is to be looked into of a record: the scores of each seed, and its pictures."""
    yield from (Task(root, record, seed.seed) for seed in record.seeds if seed.scores is not None)
    if record.pictures is not None:
        yield Task(root, record, None)


def _by_seed(records: Sequence[ResultRecord], found: Mapping[tuple[Key, int | None], Examined]) -> Examinations:
    """Return what was found in each seed with scores; nothing of those that were not looked into."""
    keys = [(_key(record), seed.seed) for record in records for seed in record.seeds if seed.scores is not None]
    return {key: found.get(key, Examined(())) for key in keys}


def _key(record: ResultRecord) -> Key:
    return (record.track, record.dataset, record.slug)


def _named(root: Path, record: ResultRecord, faults: Sequence[str]) -> list[Fault]:
    where = record_path(root, record).relative_to(root).as_posix()
    return [Fault(where, fault) for fault in faults]


def _chosen(
    root: Path, records: Sequence[ResultRecord], only: Sequence[Path], faults: Sequence[Fault]
) -> Sequence[ResultRecord]:
    """Return the records of the files named, and all others of their submissions; every record where none is."""
    if not only:
        return records
    paths = {record_path(root, record).resolve(): record for record in records}
    submissions = set()
    for path in only:
        record = paths.get(path.resolve())
        if record is None:
            known = {(root / fault.file).resolve(): fault for fault in faults}
            fault = known.get(path.resolve())
            raise LeaderboardError(str(fault) if fault else f"{path} is no record below {root}")
        submissions.add((record.track, record.submission))
    return [record for record in records if (record.track, record.submission) in submissions]


def _strays(root: Path, records: Sequence[ResultRecord]) -> Iterator[Fault]:
    """Yield a fault for each file that no record names, each link, and for too many files."""
    named = set(record_files(root))  # those that are no records are faults already
    for record in records:
        folder = record_folder(root, record)
        references = [*(seed.scores for seed in record.seeds), record.pictures]
        named |= {folder / reference.name for reference in references if reference is not None}
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


def _bars_to(record: ResultRecord, tracks: Sequence[Track]) -> list[str]:
    """Return why the measurements of a record are not even recomputed: track and metrics bound how long that takes."""
    track = next((track for track in tracks if track.name == record.track), None)
    faults = [f"there is no track {record.track}"] if track is None else list(faults_of_data(record, track))
    return [*faults, *_faults_of_metrics(record)]


def _faults_of_record(record: ResultRecord) -> list[str]:
    """Return what is wrong with a record, its scores and pictures apart."""
    faults = []
    if record.images_generated != images_of(record):
        faults.append(f"it generated {images_of(record):,} images by its cardinality, not {record.images_generated:,}")
    return [*faults, *_faults_of_method(record)]


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
    if record.attacks and ({use.label: use.surface for use in record.attacks}) != surfaces:
        faults.append("its attacks are not those of its threat models")
    return faults


def _faults_of_metrics(record: ResultRecord) -> list[str]:
    """Return which metrics are not those installed here: their measurements could not be recomputed as they were."""
    registry = default_registry()
    names = [use.name for use in record.metrics]
    if len(set(names)) != len(names) or any(use.label != use.name for use in record.metrics):
        return ["its metrics are not each there once, under their own names"]
    faults = []
    for use in record.metrics[:MOST_METRICS]:
        try:
            wanted = registry.use("metric", use.name, label=use.name, options={})
        except PluginError as error:
            faults.append(str(error))
            continue
        if wanted.version != use.version:
            faults.append(
                f"the metric {use.name} is installed in version {wanted.version}, the record has {use.version}"
            )
        elif wanted.options != use.options:
            faults.append(f"the metric {use.name} has options of its own; a record has every metric as it is")
        elif replace(use, distribution=wanted.distribution) != wanted:
            faults.append(f"the metric {use.name} is not described as it is installed")
    lacking = [entry for entry in NEEDED_METRICS if entry not in names]
    return [*faults, *([f"it lacks the metrics {', '.join(lacking)}"] if lacking else [])]


def _faults_of_submissions(root: Path, records: Sequence[ResultRecord], examined: Examinations) -> Iterator[Fault]:
    """Yield faults of submissions as wholes: what was left out, gates, teachers, test images."""
    groups: dict[tuple[str, str], list[ResultRecord]] = defaultdict(list)
    for record in records:
        groups[record.track, record.submission].append(record)
    shown: dict[tuple[str, str], str] = {}
    for (_, submission), own in groups.items():
        where = record_path(root, own[0]).parent.parent.relative_to(root).as_posix()
        short = (own[0].track, submission[:SHOWN_DIGITS])
        if shown.setdefault(short, submission) != submission:
            yield Fault(where, f"submission {submission} has the first {SHOWN_DIGITS} digits of {shown[short]}")
        digests = []
        for record in own:
            for seed in record.seeds:
                result = examined.get((_key(record), seed.seed))
                digest = result.digest if result else digest_of_failure(seed.failure)
                digests.append(((record.dataset, record.method.name, seed.seed), digest))
        if identity_of(digests) != submission:
            yield Fault(where, f"submission {submission} is not made of these records: one is missing or was changed")
        for dataset in dict.fromkeys(record.dataset for record in own):
            yield from _faults_on_dataset(root, [record for record in own if record.dataset == dataset], examined)


def _faults_on_dataset(root: Path, records: Sequence[ResultRecord], examined: Examinations) -> Iterator[Fault]:
    found = {
        (record.method.name, seed.seed): examined[_key(record), seed.seed]
        for record in records
        for seed in record.seeds
        if seed.scores is not None
    }
    if any(not result.digest for result in found.values()):
        return  # said already: without its scores nothing can be compared
    limits = {
        (record.dataset, record.method.name, seed.seed): limit
        for record in records
        for seed in record.seeds
        if seed.scores is not None and (limit := found[record.method.name, seed.seed].control_limit) is not None
    }
    cells = [
        replace(cell, measurements=found[record.method.name, cell.seed].measurements) if cell.status == "ok" else cell
        for record in records
        for cell in cells_of(record)
    ]
    gates = gates_of(cells, records[0].primary_attack, limits=limits)
    labels = {result.labels for result in found.values()}
    for record in records:
        faults = []
        if sorted(record.gates, key=str) != sorted(gates, key=str):
            faults.append("its gates are not those that the controls of its submission give")
        faults += _faults_of_company(record, records)
        yield from _named(root, record, [*faults, *_faults_of_teacher(record, records, found)])
    if len(labels) > 1:
        yield Fault(
            record_folder(root, records[0]).relative_to(root).as_posix(),
            f"submission {records[0].submission} has more than one set of test labels",
        )


def _faults_of_company(record: ResultRecord, records: Sequence[ResultRecord]) -> list[str]:
    """Return what a record says otherwise than the rest of its submission on the dataset, all of which is one run."""
    attacks = {use.label: use for other in reversed(records) for use in other.attacks}
    told = [name for name in OF_THE_RUN if getattr(record, name) != getattr(records[0], name)]
    told += ["attacks"] if any(attacks[use.label] != use for use in record.attacks) else []
    words = listing([name.replace("_", " ") for name in told])
    return [f"it says otherwise than the rest of its submission: {words}"] if told else []


def _faults_of_teacher(
    record: ResultRecord, records: Sequence[ResultRecord], found: Mapping[tuple[str, int], Examined]
) -> list[str]:
    """Return whether the teacher in a record's scores is none of the submission's teachers with that seed."""
    faults = []
    baselines = [other for other in records if other.method.role == "baseline"]
    for seed in record.seeds:
        result = found.get((record.method.name, seed.seed))
        teachers = {found[t.method.name, seed.seed].outputs for t in baselines if (t.method.name, seed.seed) in found}
        if result is not None and result.teacher not in teachers:
            faults.append(f"the teacher of seed {seed.seed} is no teacher of its submission")
        if result is not None and record.method.role == "method" and result.outputs in teachers:
            faults.append(f"the outputs of seed {seed.seed} are those of a teacher, trained on real data")
    return faults


def _repeated(root: Path, records: Sequence[ResultRecord], examined: Examinations) -> Iterator[Fault]:
    """Yield a fault where the scores of one record are those of another, or one method has two of one submission."""
    first: dict[str, str] = {}
    for record in records:
        where = record_path(root, record).relative_to(root).as_posix()
        for seed in record.seeds:
            result = examined.get((_key(record), seed.seed))
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
    from tckr_bench.leaderboard.files import dump_record

    digest = hashlib.sha256()
    for record in sorted(records, key=_key):
        digest.update(dump_record(record))
    return digest.hexdigest()
