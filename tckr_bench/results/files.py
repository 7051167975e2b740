"""A run's records on disk: where they lie, and how they are read when anybody may have written them.

<run>/run.json                                    what all records have in common
<run>/records/<dataset>/<method>.json             a record
<run>/records/<dataset>/<method>.seed-<n>.parquet its scores, a file per seed
<run>/pictures/<dataset>/<method>.parquet         real images beside synthetic ones; no measurement rests on them
<run>/report/, events.jsonl, logs/                made from these, or beside them

A folder of submissions holds runs: <results>/<track>/<submission>/run.json and so on, without what is made from them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from tckr_bench.errors import RunError, storage_error
from tckr_bench.results.records import SCHEMA_VERSION, FileReference, ResultRecord, RunInformation, StoredRecord

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
SUBMISSION = re.compile(r"[0-9a-f]{16}")
DIGEST = re.compile(r"[0-9a-f]{64}")
RUN_FILE, RECORDS, PICTURES = "run.json", "records", "pictures"
MOST_RECORD_BYTES = 2 * 2**20
MOST_RUN_BYTES = 16 * 2**20
MOST_TEXT = 20_000
MOST_NUMBER = 1e15
MOST_DEPTH = 24
MOST_SEEDS = 100
MOST_PARTS = 60_000
MOST_OF_A_KIND = 200
RESULTS_FOLDER = Path("leaderboard") / "results"

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")


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


@functools.cache
def _schema(kind: Hashable) -> TypeAdapter[Any]:
    """Return what reads and writes a kind of file; it takes longer to make than a file to read."""
    return TypeAdapter(cast("type[Any]", kind))


def dump_record(record: StoredRecord) -> bytes:
    """Return a record as the JSON text its file holds."""
    stored = StoredRecord(**{part.name: getattr(record, part.name) for part in fields(StoredRecord)})
    return _schema(StoredRecord).dump_json(stored, indent=1) + b"\n"


def dump_run(information: RunInformation) -> bytes:
    """Return what a run's file holds."""
    return _schema(RunInformation).dump_json(information, indent=1) + b"\n"


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
    (run.folder / RUN_FILE).unlink(missing_ok=True)
    named = {write_record(record, run.folder) for record in run.records}
    named |= {
        record_folder(run.folder, record) / scores_name(record, result.seed)
        for record in run.records
        for result in record.seeds
        if result.scores is not None
    }
    for path in (run.folder / RECORDS).rglob("*"):
        if path.is_file() and path not in named:
            path.unlink()
    write_run(run.information, run.folder)


def _written(path: Path, content: bytes) -> Path:
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise storage_error(error, f"writing {path.name}") from error
    return path


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
    information = _read(path, RunInformation, most=MOST_RUN_BYTES, parts=20 * MOST_PARTS)
    fault = _fault_of_information(information)
    if fault:
        raise RunError(f"the run file {path.name} is not one: {fault}")
    return information


def read_record(path: Path, run: RunInformation) -> ResultRecord:
    """Read a record of a run, which anybody may have written, and check that it can be shown.

    Raises:
        RunError: it is missing, too large, not a record of this schema, or holds what a record must not.
    """
    stored = _read(path, StoredRecord, most=MOST_RECORD_BYTES, parts=MOST_PARTS)
    record = ResultRecord(**{part.name: getattr(stored, part.name) for part in fields(StoredRecord)}, run=run)
    fault = _fault_of(record)
    if fault:
        raise RunError(f"the record {path.name} is not one: {fault}")
    return record


def _read(path: Path, kind: type[T], *, most: int, parts: int) -> T:
    """Read a file of a kind, of an allowed size and number of values, each key known and each value as written."""
    what = "record" if kind is StoredRecord else "run file"
    try:
        content = _content(path, most=most, what=what)
        raw = json.loads(content, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_number)
        if isinstance(raw, dict) and raw.get("schema_version") != SCHEMA_VERSION:
            version = str(raw.get("schema_version"))[:20]
            raise RunError(f"the {what} {path.name} has schema {version}, this version reads {SCHEMA_VERSION}")
        fault = fault_of_texts(raw) or _fault_of_amount(raw, most=parts)
        if fault:
            raise ValueError(fault)
        found: T = _schema(cast("Hashable", kind)).validate_python(raw)
        fault = _unknown(raw, _schema(cast("Hashable", kind)).dump_python(found, mode="json"))
    except OSError as error:
        raise RunError(f"the {what} {path.name} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:120]
        raise RunError(f"the {what} {path.name} is not one: {where}: {first['msg'][:200]}") from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise RunError(f"the {what} {path.name} is not one: {str(error)[:200] or 'too deep'}") from error
    if fault:
        raise RunError(f"the {what} {path.name} is not one: {fault}")
    return found


def _content(path: Path, *, most: int, what: str) -> bytes:
    """Return the bytes of a file, which must be a file, no pipe or device, of an allowed size."""
    if not path.is_file():
        raise RunError(f"the {what} {path.name} is no file")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise RunError(f"the {what} {path.name} has more than {most // 2**20} MiB")
    return content


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


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse(text: str) -> float:
    raise ValueError(f"it holds {text}")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _unknown(raw: object, known: object, where: str = "") -> str:
    """Return a key of the raw JSON that it should not have or lacks, or a value of another kind, or nothing."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            if key not in known:
                return f"the schema has no {where}{key[:60]}"
            fault = _unknown(value, known[key], f"{where}{key[:60]}.")
            if fault:
                return fault
        return next((f"it lacks {where}{key}" for key in known if key not in raw), "")
    if isinstance(raw, list) and isinstance(known, list):
        faults = (_unknown(one, other, where) for one, other in zip(raw, known, strict=False))
        return next(filter(None, faults), "")
    if isinstance(raw, bool | str) != isinstance(known, bool | str) or raw != known:
        return f"{where.rstrip('.')} is {str(raw)[:60]!r}, which is not written as the schema has it"
    return ""


def fault_of_texts(value: object, depth: int = 0) -> str:
    """Return what a record's texts or numbers must not be, or nothing: endless, immense, or invisible characters."""
    if depth > MOST_DEPTH:
        return f"it is nested more than {MOST_DEPTH} levels deep"
    if isinstance(value, str):
        if len(value) > MOST_TEXT:
            return f"a text has more than {MOST_TEXT:,} characters"
        bad = next((character for character in value if not (character.isprintable() or character in "\n\t")), None)
        return f"a text holds the character U+{ord(bad):04X}" if bad else ""
    if isinstance(value, int | float):
        return "" if abs(value) <= MOST_NUMBER else "a number is too large"
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, (fault_of_texts(part, depth + 1) for part in parts)), "")


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


def _fault_of_amount(raw: object, *, most: int) -> str:
    """Return whether a record has too many values; judged before the schema, which tells every fault of every value."""
    parts, count = [raw], 0
    while parts:
        part = parts.pop()
        inner = list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else []
        count += len(inner)
        if count > most:
            return f"it has more than {most:,} values"
        parts += inner
    return ""


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
