"""What a table shows of each entry: over the datasets of its track, or on one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging.quantities import COSTS, estimates_of
from tckr_bench.show.limits import limits
from tckr_bench.show.lines import Line, costs_of_row, worst_words

if TYPE_CHECKING:
    from tckr_bench.judging.rows import Row
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.records import Gate
    from tckr_bench.results.records import ResultRecord


@dataclass(frozen=True)
class EntryLine:
    """An entry as a table shows it.

    Attributes:
        entry: who; rank and Pareto front are of the track, or of the dataset.
        dataset: which dataset the measurements are of; empty for means over the track's.
        results: what the measurements are of.
        line: what every table of a board has.
    """

    entry: Entry
    dataset: str
    results: tuple[DatasetResult, ...]
    line: Line

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it is not ranked, and what failed; that controls are not ranked goes without saying."""
        failures = [f"on {it.record.dataset}, {failure}" for it in self.results for failure in it.row.failures]
        return (*(self.entry.reasons if self.entry.standing != "control" else ()), *failures)

    @property
    def row(self) -> Row | None:
        """The one row its measurements are of; None over a track."""
        return self.results[0].row if self.dataset else None

    @property
    def records(self) -> tuple[ResultRecord, ...]:
        """The records its measurements are of."""
        return tuple(result.record for result in self.results)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates of those records."""
        return tuple(gate for record in self.records for gate in record.gates)


def lines_of(standings: Standings) -> tuple[EntryLine, ...]:
    """Return a line per entry, in the order of the standings: means over the track, or what one dataset gave."""
    return tuple(_line(entry, standings.dataset) for entry in standings.entries)


def _line(entry: Entry, dataset: str | None) -> EntryLine:
    results = tuple(entry.results.values()) if dataset is None else (entry.results[dataset],)
    rows = [result.row for result in results]
    costs = [costs_of_row(row) for row in rows]
    shown = Line(
        name=entry.name,
        family=entry.family,
        details=(*_standing(entry), *(worst_words(rows[0]) if dataset else ())),
        rank=entry.rank,
        rank_low=entry.rank_low,
        rank_high=entry.rank_high,
        estimates=entry.estimates if dataset is None else estimates_of(rows[0]),
        costs={cost.name: sum(own[cost.name] for own in costs) for cost in COSTS},
        pareto=entry.pareto,
        limits=tuple(dict.fromkeys(key for row in rows for key in limits(row))),
    )
    return EntryLine(entry, dataset or "", results, shown)


def _standing(entry: Entry) -> tuple[str, ...]:
    return () if entry.standing in ("ranked", "control") else (f"not ranked: {entry.standing}",)
