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

from tckr_bench.board.text import plain
from tckr_bench.errors import LeaderboardError, PluginError
from tckr_bench.leaderboard.examination import Examined, Task, died, examine
from tckr_bench.leaderboard.files import Fault, file_reference, record_folder, record_path, scan_records
from tckr_bench.leaderboard.parallel import in_processes
from tckr_bench.leaderboard.pictures import may_be_shown, read_pictures
from tckr_bench.leaderboard.records import ResultRecord, cells_of
from tckr_bench.leaderboard.requirements import faults_of_data
from tckr_bench.leaderboard.submission import NEEDED_METRICS, digest_of_failure, gates_of, identity_of, images_of
from tckr_bench.plugins import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tckr_bench.leaderboard.tracks import Track

    Examinations = Mapping[tuple[ResultRecord, int], Examined]

MOST_FILES = 20_000
HIDDEN = (".gitkeep", "README.md")


@dataclass(frozen=True)
class Verification:
    """What was checked: records, seeds with scores, figures computed anew; and what is wrong, file by file."""

    records: int
    seeds: int
    figures: int
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
    tasks = [Task(root, record, seed.seed) for record in chosen for seed in record.seeds if seed.scores is not None]
    told = None if progress is None else (lambda done: progress(done, len(tasks)))
    results = in_processes(examine, tasks, jobs=jobs, died=died, progress=told)
    examined = {(_key(task.record), task.seed): result for task, result in zip(tasks, results, strict=True)}
    for record in chosen:
        own = {seed.seed: examined[_key(record), seed.seed] for seed in record.seeds if seed.scores is not None}
        found += _named(root, record, _faults_of_record(root, record, tracks))
        found += _named(root, record, [fault for result in own.values() for fault in result.faults])
    found += _faults_of_submissions(root, chosen, examined)
    found += _repeated(root, chosen, examined)
    figures = sum(len(result.figures) for result in results)
    return Verification(len(chosen), len(tasks), figures, tuple(found))


def _key(record: ResultRecord) -> tuple[str, str, str]:
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
    named = {record_path(root, record) for record in records}
    for record in records:
        folder = record_folder(root, record)
        references = [*(seed.scores for seed in record.seeds), record.pictures]
        named |= {folder / reference.name for reference in references if reference is not None}
    for count, path in enumerate(sorted(root.rglob("*"))):
        where = path.relative_to(root).as_posix()
        if count > MOST_FILES:
            yield Fault(plain(where), f"there are more than {MOST_FILES:,} files")
            return
        if path.is_symlink():
            yield Fault(plain(where), "it is a link; only files are taken")
        elif path.is_file() and path not in named and path.suffix != ".json" and path.name not in HIDDEN:
            yield Fault(plain(where), "no record names this file")


def _faults_of_record(root: Path, record: ResultRecord, tracks: Sequence[Track]) -> list[str]:
    """Return what is wrong with a record, its own scores apart."""
    track = next((track for track in tracks if track.name == record.track), None)
    faults = [f"there is no track {record.track}"] if track is None else list(faults_of_data(record, track))
    if record.images_generated != images_of(record):
        faults.append(f"it generated {images_of(record):,} images by its cardinality, not {record.images_generated:,}")
    return [*faults, *_faults_of_metrics(record), *_faults_of_pictures(root, record)]


def _faults_of_metrics(record: ResultRecord) -> list[str]:
    """Return which metrics are not those installed here: their figures could not be recomputed as they were."""
    registry = default_registry()
    installed = {entry.component.name: entry.component.version for entry in registry.family("metric")}
    faults = []
    for use in record.metrics:
        try:
            registry.get("metric", use.name)
        except PluginError as error:
            faults.append(str(error))
            continue
        if installed[use.name] != use.version:
            faults.append(
                f"the metric {use.name} is installed in version {installed[use.name]}, the record has {use.version}"
            )
        elif registry.use("metric", use.name, label=use.name, options={}).options != use.options:
            faults.append(f"the metric {use.name} has options of its own; a record has every metric as it is")
    names = [use.name for use in record.metrics]
    if len(set(names)) != len(names) or any(use.label != use.name for use in record.metrics):
        faults.append("its metrics are not each there once, under their own names")
    lacking = [entry for entry in NEEDED_METRICS if entry not in names]
    return [*faults, *([f"it lacks the metrics {', '.join(lacking)}"] if lacking else [])]


def _faults_of_pictures(root: Path, record: ResultRecord) -> list[str]:
    if record.pictures is None:
        return []
    if not may_be_shown(record.description.licence):
        return [f"the licence of {record.dataset} does not let its images be shown; leave the pictures out"]
    path = record_folder(root, record) / record.pictures.name
    try:
        if path.is_symlink() or not path.is_file() or file_reference(path) != record.pictures:
            return [f"its pictures {record.pictures.name} are not the file the record names"]
        pairs = read_pictures(path)
    except LeaderboardError as error:
        return [str(error)]
    classes = len(record.description.class_names)
    return ["a picture is of a class that the dataset does not have"] if any(p.label >= classes for p in pairs) else []


def _faults_of_submissions(
    root: Path, records: Sequence[ResultRecord], examined: Mapping[tuple[tuple[str, str, str], int], Examined]
) -> Iterator[Fault]:
    """Yield faults of submissions as wholes: what was left out, gates, teachers, test images."""
    groups: dict[tuple[str, str], list[ResultRecord]] = defaultdict(list)
    for record in records:
        groups[record.track, record.submission].append(record)
    for (_, submission), own in groups.items():
        where = record_path(root, own[0]).parent.parent.relative_to(root).as_posix()
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


def _faults_on_dataset(
    root: Path, records: Sequence[ResultRecord], examined: Mapping[tuple[tuple[str, str, str], int], Examined]
) -> Iterator[Fault]:
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
        replace(cell, figures=found[record.method.name, cell.seed].figures) if cell.status == "ok" else cell
        for record in records
        for cell in cells_of(record)
    ]
    gates = gates_of(cells, records[0].primary_attack, limits=limits)
    labels = {result.labels for result in found.values()}
    for record in records:
        faults = []
        if sorted(record.gates, key=str) != sorted(gates, key=str):
            faults.append("its gates are not those that the controls of its submission give")
        if record.description != records[0].description or record.splits != records[0].splits:
            faults.append("it describes its dataset otherwise than the rest of its submission")
        if record.primary_attack != records[0].primary_attack:
            faults.append("its primary attack is not that of the rest of its submission")
        yield from _named(root, record, [*faults, *_faults_of_teacher(record, records, found)])
    if len(labels) > 1:
        yield Fault(
            record_folder(root, records[0]).relative_to(root).as_posix(),
            f"submission {records[0].submission} has more than one set of test labels",
        )


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
    return faults


def _repeated(
    root: Path, records: Sequence[ResultRecord], examined: Mapping[tuple[tuple[str, str, str], int], Examined]
) -> Iterator[Fault]:
    """Yield a fault where the scores of one record are those of another, or one method has two of one submission."""
    first: dict[str, str] = {}
    for record in records:
        where = record_path(root, record).relative_to(root).as_posix()
        for seed in record.seeds:
            result = examined.get((_key(record), seed.seed))
            if result is None or not result.digest:
                continue
            other = first.setdefault(f"{record.track} {result.digest}", where)
            if other != where:
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
