"""Records on disk: where they lie, how they are named, and how they are read when anybody may have written them.

leaderboard/results/<track>/<dataset>/<slug>.json              a record
leaderboard/results/<track>/<dataset>/<slug>.seed-<n>.parquet  its scores, a file per seed
leaderboard/results/<track>/<dataset>/<slug>.images.parquet    its pictures, where they may be shown
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tckr_bench.errors import LeaderboardError, storage_error
from tckr_bench.leaderboard.records import SCHEMA_VERSION, FileReference, ResultRecord

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
SUBMISSION = re.compile(r"[0-9a-f]{16}")
DIGEST = re.compile(r"[0-9a-f]{64}")
MOST_RECORD_BYTES = 2 * 2**20
MOST_TEXT = 20_000
MOST_NUMBER = 1e15
MOST_DEPTH = 24
MOST_SEEDS = 100
MOST_PARTS = 60_000
MOST_OF_A_KIND = 200
RESULTS_FOLDER = Path("leaderboard") / "results"


@dataclass(frozen=True)
class Fault:
    """Something wrong with a file of the leaderboard: which, and what in words."""

    file: str
    what: str

    def __str__(self) -> str:
        from tckr_bench.text import plain

        return plain(f"{self.file}: {self.what}")


def record_folder(root: Path, record: ResultRecord) -> Path:
    """Return the folder a record and its files lie in."""
    return root / record.track / record.dataset


def record_path(root: Path, record: ResultRecord) -> Path:
    """Return the path of a record's file."""
    return record_folder(root, record) / f"{record.slug}.json"


def scores_name(record: ResultRecord, seed: int) -> str:
    """Return the name that a record's file of scores must have."""
    return f"{record.slug}.seed-{seed}.parquet"


def pictures_name(record: ResultRecord) -> str:
    """Return the name that a record's file of pictures must have."""
    return f"{record.slug}.images.parquet"


def file_reference(path: Path) -> FileReference:
    """Return name, sha256 and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileReference(path.name, digest, path.stat().st_size)


@functools.cache
def _schema() -> TypeAdapter[ResultRecord]:
    """Return what reads and writes records; it takes longer to make than a record to read."""
    return TypeAdapter(ResultRecord)


def dump_record(record: ResultRecord) -> bytes:
    """Return a record as the JSON text its file holds."""
    return _schema().dump_json(record, indent=1) + b"\n"


def write_record(record: ResultRecord, root: Path) -> Path:
    """Write a record in one step and return its path.

    Raises:
        StoreError: it cannot be written.
    """
    path = record_path(root, record)
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(dump_record(record))
        partial.replace(path)
    except OSError as error:
        raise storage_error(error, f"writing the record {path.name}") from error
    return path


def record_files(root: Path) -> Iterator[Path]:
    """Yield the record files below the folder of results, in order of track, dataset and name."""
    yield from sorted(path for path in root.glob("*/*/*.json"))


def read_record(path: Path) -> ResultRecord:
    """Read a record, which anybody may have written, and check that it can be shown.

    Raises:
        LeaderboardError: it is missing, too large, not a record of this schema, or holds what a record must not.
    """
    try:
        raw = json.loads(_content(path), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_number)
        if isinstance(raw, dict) and raw.get("schema_version") != SCHEMA_VERSION:
            version = str(raw.get("schema_version"))[:20]
            raise LeaderboardError(f"the record {path.name} has schema {version}, this version reads {SCHEMA_VERSION}")
        fault = fault_of_texts(raw) or _fault_of_amount(raw)
        if fault:
            raise ValueError(fault)
        record = _schema().validate_python(raw)
        fault = _unknown(raw, _schema().dump_python(record, mode="json")) or _fault_of(record)
    except OSError as error:
        raise LeaderboardError(f"the record {path.name} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:120]
        raise LeaderboardError(f"the record {path.name} is not one: {where}: {first['msg'][:200]}") from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise LeaderboardError(f"the record {path.name} is not one: {str(error)[:200] or 'too deep'}") from error
    if fault:
        raise LeaderboardError(f"the record {path.name} is not one: {fault}")
    return record


def _content(path: Path) -> bytes:
    """Return the bytes of a record's file, which must be a file, no pipe or device, of an allowed size."""
    if not path.is_file():
        raise LeaderboardError(f"the record {path.name} is no file")
    with path.open("rb") as file:
        content = file.read(MOST_RECORD_BYTES + 1)
    if len(content) > MOST_RECORD_BYTES:
        raise LeaderboardError(f"the record {path.name} has more than {MOST_RECORD_BYTES // 2**20} MiB")
    return content


def lies_inside(path: Path, folder: Path) -> bool:
    """Return whether a path leads to a place inside a folder, links followed; links in a circle lead nowhere."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def scan_records(root: Path) -> tuple[tuple[ResultRecord, ...], tuple[Fault, ...]]:
    """Read every record below a folder; those that cannot be shown become faults."""
    records, faults = [], []
    for path in record_files(root):
        where = path.relative_to(root).as_posix()
        try:
            if path.is_symlink() or not lies_inside(path, root):
                raise LeaderboardError("it is a link, or leads out of the folder of results")
            record = read_record(path)
        except LeaderboardError as error:
            faults.append(Fault(where, str(error)))
            continue
        if record_path(root, record) != path:
            faults.append(Fault(where, f"its content belongs at {record_path(Path(), record).as_posix()}"))
            continue
        records.append(record)
    return tuple(records), tuple(faults)


def read_records(root: Path) -> tuple[ResultRecord, ...]:
    """Read every record below the folder of results, in order of track, dataset and name.

    Raises:
        LeaderboardError: there is no such folder, or a record cannot be read.
    """
    if not root.is_dir():
        raise LeaderboardError(f"{root} is not a folder of results; give the one that holds <track>/<dataset>/*.json")
    records, faults = scan_records(root)
    if faults:
        raise LeaderboardError(f"{faults[0]}; `tckr-bench leaderboard verify` lists every fault")
    return records


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


def _fault_of(record: ResultRecord) -> str:
    """Return what is wrong with names, references and order of a record, or nothing."""
    kinds = {
        "gates": record.gates,
        "attacks": record.attacks,
        "metrics": record.metrics,
        "threat models": record.threat_models,
        "splits": record.splits,
    }
    many = next((what for what, parts in kinds.items() if len(parts) > MOST_OF_A_KIND), "")
    if many:
        return f"it has more than {MOST_OF_A_KIND} {many}"
    return _fault_of_names(record) or _fault_of_seeds(record) or _fault_of_references(record)


def _fault_of_amount(raw: object) -> str:
    """Return whether a record has too many values; judged before the schema, which tells every fault of every value."""
    parts, count = [raw], 0
    while parts:
        part = parts.pop()
        inner = list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else []
        count += len(inner)
        if count > MOST_PARTS:
            return f"it has more than {MOST_PARTS:,} values"
        parts += inner
    return ""


def _fault_of_names(record: ResultRecord) -> str:
    names = {"track": record.track, "dataset": record.dataset, "method": record.method.name}
    for what, name in names.items():
        if not NAME.fullmatch(name) or ".." in name:
            return f"the {what} is not a name of letters, digits, '.', '_' and '-'"
    if not SUBMISSION.fullmatch(record.submission):
        return "the submission is not sixteen hexadecimal digits"
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
    if record.pictures is not None and record.pictures.name != pictures_name(record):
        return f"its pictures must be called {pictures_name(record)}"
    references = [result.scores for result in record.seeds] + [record.pictures]
    if any(reference and not DIGEST.fullmatch(reference.sha256) for reference in references):
        return "a sha256 is not 64 hexadecimal digits"
    return ""
