"""A run's records on disk: where they lie, and how they are read when anybody may have written them.

<run>/run.json                                    what all records have in common
<run>/records/<dataset>/<method>.json             a record
<run>/records/<dataset>/<method>.seed-<n>.parquet its scores, a file per seed
<run>/pictures/<dataset>/<method>.parquet         synthetic images, beside real ones where these may be shown; no
                                                  measurement rests on them
<run>/report/, events.jsonl, logs/                made from these, or beside them

A folder of submissions holds runs: <results>/<track>/<submission>/run.json and so on, without what is made from them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from tckr_bench.errors import RunError, storage_error
from tckr_bench.results.hostile_json import read_json, schema_of
from tckr_bench.results.records import FileReference, ResultRecord, RunInformation, StoredRecord
from tckr_bench.results.scores import MOST_BYTES

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
SUBMISSION = re.compile(r"[0-9a-f]{16}")
DIGEST = re.compile(r"[0-9a-f]{64}")
RUN_FILE, RECORDS, PICTURES = "run.json", "records", "pictures"
MOST_RECORD_BYTES = 2 * 2**20
MOST_RUN_BYTES = 16 * 2**20
MOST_SEEDS = 100
MOST_PARTS = 60_000
MOST_RUN_PARTS = 200_000
MOST_OF_A_KIND = 200
RESULTS_FOLDER = Path("leaderboard") / "results"
REPORT = Path("report") / "index.html"
"""Where the pages of a run begin, in its folder."""


@dataclass(frozen=True)
class Fault:
    """Something wrong with a file of a run: which, and what in words."""

    file: str
    what: str

    def __str__(self) -> str:
        from tckr_bench.text import plain

        return plain(f"{self.file}: {self.what}")


@dataclass(frozen=True)
class SavedRun:
    """A run as its folder holds it: what its records have in common, the records, and what could not be read."""

    folder: Path
    information: RunInformation
    records: tuple[ResultRecord, ...]
    faults: tuple[Fault, ...] = ()


def submission_folder(root: Path, record: ResultRecord | RunInformation) -> Path:
    """Return the folder of a run below a folder of submissions."""
    return root / record.track / record.submission


def record_folder(run: Path, record: StoredRecord) -> Path:
    """Return the folder a record and its scores lie in."""
    return run / RECORDS / record.dataset


def record_path(run: Path, record: StoredRecord) -> Path:
    """Return the path of a record's file."""
    return record_folder(run, record) / f"{record.method.name}.json"


def scores_name(record: StoredRecord, seed: int) -> str:
    """Return the name that a record's file of scores must have."""
    return f"{record.method.name}.seed-{seed}.parquet"


def pictures_path(run: Path, record: StoredRecord) -> Path:
    """Return the path of a record's pictures, which need not be there."""
    return run / PICTURES / record.dataset / f"{record.method.name}.parquet"


def file_reference(path: Path) -> FileReference:
    """Return name, sha256 and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileReference(path.name, digest, path.stat().st_size)


def dump_record(record: StoredRecord) -> bytes:
    """Return a record as the JSON text its file holds."""
    stored = StoredRecord(**{part.name: getattr(record, part.name) for part in fields(StoredRecord)})
    return schema_of(StoredRecord).dump_json(stored, indent=1) + b"\n"


def dump_run(information: RunInformation) -> bytes:
    """Return what a run's file holds."""
    return schema_of(RunInformation).dump_json(information, indent=1) + b"\n"


def write_record(record: StoredRecord, run: Path) -> Path:
    """Write a record in one step and return its path.

    Raises:
        StoreError: it cannot be written.
    """
    return _written(record_path(run, record), dump_record(record))


def write_run(information: RunInformation, run: Path) -> Path:
    """Write a run's file in one step and return its path; write it last, for it says that the run is whole.

    Raises:
        StoreError: it cannot be written.
    """
    return _written(run / RUN_FILE, dump_run(information))


def write_saved_run(run: SavedRun) -> None:
    """Write a run's records and then its file; what its records do not name is removed.

    Raises:
        StoreError: something cannot be written.
    """
    named = {run.folder / name for name in files_of(run)}
    named |= {pictures_path(run.folder, record) for record in run.records if _finished(record)}
    try:
        (run.folder / RUN_FILE).unlink(missing_ok=True)
        for record in run.records:
            write_record(record, run.folder)
        for path in (path for part in (RECORDS, PICTURES) for path in (run.folder / part).rglob("*")):
            if path.is_file() and path not in named:
                path.unlink()
    except OSError as error:
        raise storage_error(error, f"writing the run {run.folder}") from error
    write_run(run.information, run.folder)


def _finished(record: ResultRecord) -> bool:
    return any(result.status == "ok" for result in record.seeds)


def _written(path: Path, content: bytes) -> Path:
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise storage_error(error, f"writing {path.name}") from error
    return path


def files_of(run: SavedRun) -> Iterator[Path]:
    """Yield the names of a run's records and of the scores they name, below its folder."""
    for record in run.records:
        yield record_path(Path(), record)
        folder = record_folder(Path(), record)
        yield from (folder / scores_name(record, result.seed) for result in record.seeds if result.scores is not None)


def copy_run(run: SavedRun, target: Path, *, pictured: Callable[[ResultRecord], bool]) -> None:
    """Copy a run to a folder: its records and scores, pictures of some records, and last its own file; nothing else.

    Raises:
        RunError: a file is not there, is too large, or is a link: anybody may have written the folder.
        OSError: a copy cannot be written.
    """
    pictures = [pictures_path(Path(), record) for record in run.records if pictured(record)]
    for name in (*files_of(run), *(name for name in pictures if (run.folder / name).exists())):
        source = run.folder / name
        if source.is_symlink() or not source.is_file() or not lies_inside(source, run.folder):
            raise RunError(f"{name} of the run {run.folder} is not there, or is a link")
        if source.stat().st_size > MOST_BYTES:
            raise RunError(f"{name} of the run {run.folder} has more than {MOST_BYTES // 2**20} MiB")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / name)
    write_run(run.information, target)


def record_files(run: Path) -> Iterator[Path]:
    """Yield the record files of a run, in order of dataset and name."""
    yield from sorted((run / RECORDS).glob("*/*.json"))


def run_files(root: Path) -> Iterator[Path]:
    """Yield the run files below a folder of submissions, in order of track and submission."""
    yield from sorted(root.glob(f"*/*/{RUN_FILE}"))


def read_information(path: Path) -> RunInformation:
    """Read a run's file, which anybody may have written, and check that it can be shown.

    Raises:
        RunError: it is missing, too large, not of this schema, or holds what it must not.
    """
    information = read_json(path, RunInformation, what="run file", most=MOST_RUN_BYTES, parts=MOST_RUN_PARTS)
    fault = _fault_of_information(information)
    if fault:
        raise RunError(f"the run file {path.name} is not valid: {fault}")
    return information


def read_record(path: Path, run: RunInformation) -> ResultRecord:
    """Read a record of a run, which anybody may have written, and check that it can be shown.

    Raises:
        RunError: it is missing, too large, not a record of this schema, or holds what a record must not.
    """
    stored = read_json(path, StoredRecord, what="record", most=MOST_RECORD_BYTES, parts=MOST_PARTS)
    record = ResultRecord(**{part.name: getattr(stored, part.name) for part in fields(StoredRecord)}, run=run)
    fault = _fault_of(record)
    if fault:
        raise RunError(f"the record {path.name} is not valid: {fault}")
    return record


def lies_inside(path: Path, folder: Path) -> bool:
    """Return whether a path leads to a place inside a folder, links followed; links in a circle lead nowhere."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def read_run(folder: Path) -> SavedRun:
    """Read a run folder, or the folder of its run file; records that cannot be shown become faults.

    Raises:
        RunError: it holds no run file, or none of this schema.
    """
    run = folder.parent if folder.name == RUN_FILE else folder
    if not (run / RUN_FILE).is_file():
        raise RunError(f"{folder} holds no {RUN_FILE}; give the folder that `tckr-bench run` named")
    information = read_information(run / RUN_FILE)
    records, faults = [], []
    for path in record_files(run):
        where = path.relative_to(run).as_posix()
        try:
            if path.is_symlink() or not lies_inside(path, run):
                raise RunError("it is a link, or leads out of the folder of the run")
            record = read_record(path, information)
        except RunError as error:
            faults.append(Fault(where, str(error)))
            continue
        if record_path(run, record) != path:
            faults.append(Fault(where, f"its content belongs at {record_path(Path(), record).as_posix()}"))
            continue
        records.append(record)
    return SavedRun(run, information, tuple(records), tuple(faults))


def scan_runs(root: Path) -> tuple[tuple[SavedRun, ...], tuple[Fault, ...]]:
    """Read every run below a folder of submissions; what cannot be shown becomes a fault."""
    runs, faults = [], []
    for path in run_files(root):
        where = path.parent.relative_to(root).as_posix()
        try:
            if path.is_symlink() or not lies_inside(path, root):
                raise RunError("it is a link, or leads out of the folder of results")
            run = read_run(path.parent)
        except RunError as error:
            faults.append(Fault(f"{where}/{RUN_FILE}", str(error)))
            continue
        if submission_folder(root, run.information) != path.parent:
            belongs = submission_folder(Path(), run.information).as_posix()
            faults.append(Fault(f"{where}/{RUN_FILE}", f"its content belongs at {belongs}"))
            continue
        faults += [Fault(f"{where}/{fault.file}", fault.what) for fault in run.faults]
        runs.append(run)
    return tuple(runs), tuple(faults)


def read_records(root: Path) -> tuple[ResultRecord, ...]:
    """Read every record below a folder of submissions, in order of track, submission, dataset and name.

    Raises:
        RunError: there is no such folder, or a record cannot be read.
    """
    if not root.is_dir():
        raise RunError(f"{root} is not a folder of results; give the one that holds <track>/<submission>/{RUN_FILE}")
    runs, faults = scan_runs(root)
    if faults:
        raise RunError(f"{faults[0]}; `tckr-bench leaderboard verify` lists every fault")
    return tuple(record for run in runs for record in run.records)


def _fault_of_information(run: RunInformation) -> str:
    """Return what is wrong with the names and amounts of a run, or nothing."""
    kinds = {"attacks": run.attacks, "metrics": run.metrics}
    many = next((what for what, parts in kinds.items() if len(parts) > MOST_OF_A_KIND), "")
    if many:
        return f"it has more than {MOST_OF_A_KIND} {many}"
    if not NAME.fullmatch(run.track) or ".." in run.track:
        return "the track is not a name of letters, digits, '.', '_' and '-'"
    if not SUBMISSION.fullmatch(run.submission):
        return "the submission is not sixteen hexadecimal digits"
    keys = (key for kinds in run.keys.values() for found in kinds.values() for key in found)
    return "" if all(map(DIGEST.fullmatch, keys)) else "a key of its stages is no sha256"


def _fault_of(record: ResultRecord) -> str:
    """Return what is wrong with names, references and order of a record, or nothing."""
    kinds = {"gates": record.gates, "threat models": record.threat_models, "splits": record.splits}
    many = next((what for what, parts in kinds.items() if len(parts) > MOST_OF_A_KIND), "")
    if many:
        return f"it has more than {MOST_OF_A_KIND} {many}"
    return _fault_of_names(record) or _fault_of_seeds(record) or _fault_of_references(record)


def _fault_of_names(record: ResultRecord) -> str:
    for what, name in {"dataset": record.dataset, "method": record.method.name}.items():
        if not NAME.fullmatch(name) or ".." in name:
            return f"the {what} is not a name of letters, digits, '.', '_' and '-'"
    return ""


def _fault_of_seeds(record: ResultRecord) -> str:
    seeds = [result.seed for result in record.seeds]
    if not seeds or seeds != sorted(set(seeds)) or min(seeds) < 0:
        return "its seeds are not in order, each once"
    if len(seeds) > MOST_SEEDS:
        return f"it has more than {MOST_SEEDS} seeds"
    for result in record.seeds:
        if (result.status == "ok") != (result.scores is not None) or (
            result.status == "failed" and result.measurements
        ):
            return f"seed {result.seed} has scores or measurements that its status does not have"
        if result.status == "ok" and result.failure:
            return f"seed {result.seed} finished and has a failure that its status does not have"
        if result.scores is not None and result.scores.name != scores_name(record, result.seed):
            return f"the scores of seed {result.seed} must be called {scores_name(record, result.seed)}"
    return ""


def _fault_of_references(record: ResultRecord) -> str:
    references = (result.scores for result in record.seeds)
    if any(reference and not DIGEST.fullmatch(reference.sha256) for reference in references):
        return "a sha256 is not 64 hexadecimal digits"
    return ""
