"""The leaderboard as data: sheets with a row per entry, or a row per measurement, at full precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tckr_bench.judging.quantities import quantity_of
from tckr_bench.leaderboard.lines import EntryLine, lines_of
from tckr_bench.show.lines import columns_shown
from tckr_bench.show.sheets import (
    Field,
    Sheet,
    attack_fields,
    cost_fields,
    estimate_fields,
    filled,
    joined,
    method_fields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.quantities import Column
    from tckr_bench.leaderboard.standings import Entry, Standings
    from tckr_bench.records import Better, Measurement, ThreatModel
    from tckr_bench.results.records import ResultRecord


@dataclass(frozen=True)
class _Placed:
    """A line with the name of its track."""

    track: str
    line: EntryLine

    @property
    def entry(self) -> Entry:
        return self.line.entry


@dataclass(frozen=True)
class _Measured:
    """A measurement with all that it is a measurement of."""

    track: str
    entry: Entry
    record: ResultRecord
    seed: int
    measurement: Measurement

    @property
    def threat_model(self) -> ThreatModel | None:
        return self.record.threat_models.get(self.measurement.attack)


def sheet_of(boards: Sequence[Standings], *, measurements: bool = False) -> Sheet:
    """Return a row per entry of some tracks; with `measurements` a row per measurement."""
    return (measurement_sheet if measurements else entry_sheet)(boards)


def entry_sheet(boards: Sequence[Standings]) -> Sheet:
    """Return a row per entry: its means over the track's datasets, or its measurements on one dataset."""
    lines = [_Placed(board.track.name, line) for board in boards for line in lines_of(board)]
    return filled(_entry_fields(columns_shown(it.line.line for it in lines)), lines)


def measurement_sheet(boards: Sequence[Standings]) -> Sheet:
    """Return a row per entry, dataset, seed, metric and attack: a measurement, its interval and its threat model."""
    found = [
        _Measured(board.track.name, line.entry, record, result.seed, measurement)
        for board in boards
        for line in lines_of(board)
        for record in line.records
        for result in record.seeds
        for measurement in result.measurements
    ]
    better = {name: quantity_of(name).better for name in {it.measurement.metric for it in found}}
    return filled(_measurement_fields(better), found)


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def _count(statuses: Any, wanted: object) -> int:  # noqa: ANN401 - any iterable
    return sum(status == wanted for status in statuses)


def _entry_fields(columns: Sequence[Column]) -> list[Field[_Placed]]:
    return [
        Field("track", "text", "what the entry is compared within", lambda it: it.track),
        Field(
            "dataset", "text", "what it was measured on; missing: all of the track", lambda it: it.line.dataset or None
        ),
        Field("rank", "number", "shared where chance explains it", lambda it: _number(it.entry.rank)),
        Field("rank_low", "number", "best rank of 95 % of the bootstrap", lambda it: _number(it.entry.rank_low)),
        Field("rank_high", "number", "worst rank of 95 % of the bootstrap", lambda it: _number(it.entry.rank_high)),
        Field("pareto", "flag", "on the track's front of accuracy and AUC", lambda it: it.entry.pareto),
        Field("standing", "text", "ranked, or why not", lambda it: it.entry.standing),
        Field("method", "text", "short name", lambda it: it.entry.name),
        Field("slug", "text", "name of its page", lambda it: it.entry.slug),
        Field("family", "text", "what kind of thing is released", lambda it: it.entry.family),
        Field("submission", "text", "the run it was submitted from", lambda it: it.entry.submission),
        *method_fields(lambda it: it.entry.method),
        *estimate_fields(columns, lambda it: it.line.line.estimates),
        *attack_fields(columns, lambda it: it.line.row),
        *cost_fields(lambda it: it.line.line.costs),
        Field("datasets", "count", "datasets the measurements are of", lambda it: len(it.line.results)),
        Field("seeds", "count", "seeds with measurements, over the datasets", lambda it: _seeds(it.line, "ok")),
        Field("failed_seeds", "count", "seeds that failed", lambda it: _seeds(it.line, "failed")),
        Field("gates_passed", "count", "gates that passed", lambda it: _gates(it.line, passed=True)),
        Field("gates_failed", "count", "gates that failed", lambda it: _gates(it.line, passed=False)),
        Field("limits", "text", "protocol and pretraining that limit it", lambda it: joined(it.line.line.limits, " ")),
        Field("missing", "text", "datasets of the track it lacks", lambda it: joined(it.entry.missing, " ")),
        Field("notes", "text", "why it is not ranked; what failed", lambda it: joined(it.line.notes)),
    ]


def _measurement_fields(better: Mapping[str, Better]) -> list[Field[_Measured]]:
    return [
        Field("track", "text", "what the entry is compared within", lambda it: it.track),
        Field("dataset", "text", "what it was measured on", lambda it: it.record.dataset),
        Field("method", "text", "short name of the entry", lambda it: it.entry.name),
        Field("slug", "text", "name of its page", lambda it: it.entry.slug),
        Field("family", "text", "what kind of thing is released", lambda it: it.entry.family),
        Field("standing", "text", "ranked, or why not", lambda it: it.entry.standing),
        Field("submission", "text", "the run it was submitted from", lambda it: it.entry.submission),
        *method_fields(lambda it: it.entry.method),
        Field("seed", "count", "seed of the run", lambda it: it.seed),
        Field("metric", "text", "what was computed", lambda it: it.measurement.metric),
        Field("better", "text", "which way is better", lambda it: better[it.measurement.metric]),
        Field("attack", "text", "whose scores it is of", lambda it: it.measurement.attack or None),
        Field("value", "number", "the measurement; fractions, not per cent", lambda it: float(it.measurement.value)),
        Field("low", "number", "lower end of its 95 % interval", lambda it: float(it.measurement.low)),
        Field("high", "number", "upper end of its 95 % interval", lambda it: float(it.measurement.high)),
        Field("interval", "text", "what kind of interval", lambda it: it.measurement.interval),
        Field("examples", "count", "how many examples it rests on", lambda it: it.measurement.examples),
        Field("sees", "text", "what the attacker sees", lambda it: it.threat_model.sees if it.threat_model else None),
        Field("owns", "text", "what the attacker owns", lambda it: it.threat_model.owns if it.threat_model else None),
        Field("surface", "text", "what is attacked", lambda it: it.threat_model.surface if it.threat_model else None),
        Field(
            "adaptive",
            "flag",
            "whether shadow models repeat the whole pipeline; false where there is no attack",
            lambda it: it.threat_model is not None and it.threat_model.adaptive,
        ),
    ]


def _seeds(line: EntryLine, status: str) -> int:
    return _count((result.status for record in line.records for result in record.seeds), status)


def _gates(line: EntryLine, *, passed: bool) -> int:
    return _count((gate.passed for gate in line.gates), passed)
