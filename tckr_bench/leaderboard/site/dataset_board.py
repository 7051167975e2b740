"""A dataset of a track: who stands where on it alone, and each submission's own board, as a run of it would have it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.judging.rows import DatasetBoard
from tckr_bench.leaderboard.standings import standings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.rows import Row
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.records import Method
    from tckr_bench.results.records import ResultRecord

    Found = tuple[Entry, DatasetResult]

NO_CHECKS = "the submission brought no checks"


@dataclass(frozen=True)
class SubmissionBoard:
    """A submission on a dataset: its records, its rows with their ranks on the dataset, and what these are called."""

    submission: str
    records: tuple[ResultRecord, ...]
    board: DatasetBoard
    names: Mapping[str, str]

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods, in the order of the rows."""
        return tuple(row.method for row in self.board.rows)


def standings_on(name: str, standings: Standings) -> Standings:
    """Return who stands where on one dataset of a track, by the rule of the track; names are those of the track."""
    records = [result.record for entry in standings.entries for result in entry.results.values()]
    names = {entry.slug: entry.name for entry in standings.entries}
    found = standings_of(records, standings.track, dataset=name)
    entries = tuple(replace(entry, name=names.get(entry.slug, entry.name)) for entry in found.entries)
    return replace(found, entries=entries)


def found_on(name: str, standings: Standings) -> list[Found]:
    """Return the entries that have a record on a dataset, with what they reached there, in the order of the entries."""
    return [(entry, entry.results[name]) for entry in standings.entries if name in entry.results]


def submission_boards(found: Sequence[Found]) -> tuple[SubmissionBoard, ...]:
    """Part entries on a dataset by submission; each has controls and a baseline of its own."""
    groups: dict[str, list[Found]] = {}
    for entry, result in found:
        groups.setdefault(result.record.submission, []).append((entry, result))
    return tuple(_submission_board(submission, group) for submission, group in groups.items())


def _submission_board(submission: str, group: Sequence[Found]) -> SubmissionBoard:
    records = tuple(result.record for _, result in group)
    first = records[0]
    gates = tuple(dict.fromkeys(gate for record in records for gate in record.gates))
    unchecked = () if all(record.gates for record in records) else (NO_CHECKS,)
    board = DatasetBoard(
        dataset=first.dataset,
        rows=tuple(_ranked(entry, result) for entry, result in group),
        gates=gates,
        reasons=(*(f"control {gate.name}: {gate.reason}" for gate in gates if not gate.passed), *unchecked),
        description=first.description,
        splits=first.splits,
        threat_models={label: model for record in records for label, model in record.threat_models.items()},
    )
    return SubmissionBoard(submission, records, board, {entry.method.name: entry.name for entry, _ in group})


def _ranked(entry: Entry, result: DatasetResult) -> Row:
    return replace(result.row, rank=entry.rank, rank_low=entry.rank_low, rank_high=entry.rank_high, pareto=entry.pareto)
