"""A run with every measurement recomputed from its saved scores; its files are believed only where they agree."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tckr_bench.errors import RunError
from tckr_bench.records import CellEvidence
from tckr_bench.results.examination import ExaminationTask, examine_all, scores_of
from tckr_bench.results.files import read_run
from tckr_bench.results.pictures import PicturePair, read_pictures
from tckr_bench.results.recomputation import revised_metrics
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tckr_bench.records import CellRecord
    from tckr_bench.results.examination import Examined
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import ResultRecord, SeedResult

CellKey = tuple[str, str, int]


@dataclass(frozen=True)
class Mismatch:
    """Something a run's files say that its scores do not bear out, or cannot be looked at."""

    dataset: str
    method: str
    what: str

    def __str__(self) -> str:
        return plain(f"{self.dataset}/{self.method}: {self.what}")


class SavedEvidence(Mapping[CellKey, CellEvidence]):
    """The evidence of a run's sound cells by dataset, method and seed; read when it is asked for, and kept.

    What cannot be read, or is not what its record names, is not there.
    """

    def __init__(self, run: Path, records: Sequence[ResultRecord], sound: Sequence[CellKey]) -> None:
        self._run = run
        self._records = {(record.dataset, record.method.name): record for record in records}
        self._sound = tuple(sound)
        self._read = functools.cache(self._evidence)

    def _evidence(self, key: CellKey) -> CellEvidence:
        return scores_of(self._run, self._records[key[:2]], key[2])

    def __getitem__(self, key: CellKey) -> CellEvidence:
        if key not in self._sound:
            raise KeyError(key)
        try:
            return self._read(key)
        except RunError as error:
            raise KeyError(key) from error

    def __iter__(self) -> Iterator[CellKey]:
        return iter(self._sound)

    def __len__(self) -> int:
        return len(self._sound)


@dataclass(frozen=True)
class Verified:
    """A run with its measurements recomputed.

    Attributes:
        run: the run; measurements are those that its scores give, wherever they could be read.
        mismatches: what its files say otherwise.
        control_limits: how far controls may go by their own evidence, by cell.
        evidence: of the cells whose scores are sound, by cell.
        revised: metrics that are installed in another version than the run had: theirs are recomputed, and may differ.
        outlines: of the outputs of the cells whose scores are sound, as `results.outputs` takes them.
    """

    run: SavedRun
    mismatches: tuple[Mismatch, ...]
    control_limits: Mapping[CellKey, float]
    evidence: Mapping[CellKey, CellEvidence]
    revised: tuple[str, ...] = ()
    outlines: Mapping[CellKey, tuple[float, ...]] = field(default_factory=dict)


def key_of(record: CellRecord) -> CellKey:
    """Return what tells a cell from every other one of its run."""
    return (record.dataset, record.method.name, record.seed)


def verified(
    run: Path, *, dataset: str | None = None, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> Verified:
    """Read a run, or the part of it on one dataset, and replace its measurements by those that its scores give.

    A seed without usable scores keeps its saved measurements and is listed as a mismatch.

    Raises:
        RunError: the folder holds no readable run.
    """
    saved = read_run(run)
    records = [record for record in saved.records if dataset in (None, record.dataset)]
    tasks = [
        ExaminationTask(saved.folder, record, result.seed)
        for record in records
        for result in record.seeds
        if result.status == "ok"
    ]
    examined = dict(zip(map(_key_of_task, tasks), examine_all(tasks, jobs=jobs, progress=progress), strict=True))
    mismatches = [Mismatch(*_named(fault.file), fault.what) for fault in saved.faults]
    mismatches += [Mismatch(key[0], key[1], fault) for key, found in examined.items() for fault in found.faults]
    renewed = tuple(_renewed(record, examined) for record in records)
    sound = [key for key, found in examined.items() if found.digest]
    limits = {key: found.control_limit for key, found in examined.items() if found.control_limit is not None}
    return Verified(
        replace(saved, records=renewed),
        tuple(mismatches),
        limits,
        SavedEvidence(saved.folder, records, sound),
        revised_metrics(saved.information.metrics),
        {key: examined[key].outline for key in sound},
    )


def _key_of_task(task: ExaminationTask) -> CellKey:
    assert task.seed is not None, "only scores are examined here"
    return (task.record.dataset, task.record.method.name, task.seed)


def _named(file: str) -> tuple[str, str]:
    """Return dataset and method of a record's file."""
    parts = file.removesuffix(".json").split("/")
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", file)


def _renewed(record: ResultRecord, examined: Mapping[CellKey, Examined]) -> ResultRecord:
    def renew(result: SeedResult) -> SeedResult:
        found = examined.get((record.dataset, record.method.name, result.seed))
        return result if found is None or not found.digest else replace(result, measurements=found.measurements)

    return replace(record, seeds=tuple(map(renew, record.seeds)))


def pictures_of(run: Path, record: ResultRecord, kind: str) -> tuple[PicturePair, ...]:
    """Return a record's pictures of a kind, `sample` or `copy`; none where it has none.

    Raises:
        RunError: the file is damaged or holds no pictures.
    """
    from tckr_bench.results.files import lies_inside, pictures_path

    path = pictures_path(run, record)
    if not path.is_file():
        return ()
    if not lies_inside(path, run):
        raise RunError(f"{path} lies outside the run {run}; the run has been tampered with")
    return tuple(pair for pair in read_pictures(path) if pair.kind == kind)
