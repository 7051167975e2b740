"""The leaderboard as data: sheets with a row per entry, or a row per measurement, at full precision.

CSV, JSON, Parquet and data frames are all written from these, so that they cannot disagree. Texts are made plain here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from tckr_bench.leaderboard.lines import ESTIMATES, Line, directions, lines_of
from tckr_bench.text import plain

if TYPE_CHECKING:
    from tckr_bench.leaderboard.standings import Entry, Standings
    from tckr_bench.records import Better, Estimate, Measurement, Method, ThreatModel
    from tckr_bench.results.records import ResultRecord

Kind = Literal["text", "number", "count", "flag"]
"""What a column holds. Texts and numbers may be missing, whole counts and flags may not."""
Cell = str | float | int | bool | None
T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    """A column: its name, what it holds, and what that means."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Sheet:
    """Columns and rows; a row has a cell per column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class _Field(Generic[T]):
    """A column, and where its cells come from."""

    name: str
    kind: Kind
    meaning: str
    read: Callable[[T], Cell]


@dataclass(frozen=True)
class _Placed:
    """A line with the name of its track."""

    track: str
    line: Line

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
    better: Better | None

    @property
    def threat_model(self) -> ThreatModel | None:
        return self.record.threat_models.get(self.measurement.attack)


def entry_sheet(boards: Sequence[Standings]) -> Sheet:
    """Return a row per entry: its means over the track's datasets, or its measurements on one dataset."""
    lines = [_Placed(board.track.name, line) for board in boards for line in lines_of(board)]
    return _sheet(_ENTRY_FIELDS, lines)


def measurement_sheet(boards: Sequence[Standings]) -> Sheet:
    """Return a row per entry, dataset, seed, metric and attack: a measurement, its interval and its threat model."""
    better = directions()
    found = [
        _Measured(board.track.name, line.entry, record, result.seed, measurement, better.get(measurement.metric))
        for board in boards
        for line in lines_of(board)
        for record in line.records
        for result in record.seeds
        for measurement in result.measurements
    ]
    return _sheet(_MEASUREMENT_FIELDS, found)


def _sheet(fields: Sequence[_Field[T]], things: Sequence[T]) -> Sheet:
    columns = tuple(Column(field.name, field.kind, field.meaning) for field in fields)
    return Sheet(columns, tuple(tuple(_clean(field.read(thing)) for field in fields) for thing in things))


def _clean(cell: Cell) -> Cell:
    return plain(cell) if isinstance(cell, str) else cell


def _joined(words: Sequence[str], between: str = "; ") -> str | None:
    """Return words as one text; nothing where there are none."""
    return between.join(dict.fromkeys(words)) or None


def _estimate_fields(name: str, meaning: str) -> tuple[_Field[_Placed], ...]:
    def part(of: str) -> Callable[[_Placed], Cell]:
        def read(placed: _Placed) -> Cell:
            estimate: Estimate | None = getattr(placed.line, name)
            return None if estimate is None else float(getattr(estimate, of))

        return read

    return (
        _Field(name, "number", meaning, part("value")),
        _Field(f"{name}_low", "number", "lower end of its 95 % interval", part("low")),
        _Field(f"{name}_high", "number", "upper end of its 95 % interval", part("high")),
    )


def _method_fields(method_of: Callable[[T], Method]) -> tuple[_Field[T], ...]:
    def label(axis: str) -> Callable[[T], Cell]:
        def read(thing: T) -> Cell:
            use = getattr(method_of(thing), axis)
            return None if use is None else str(use.label)

        return read

    axes = ("captioner", "generator", "adapter", "classifier")
    return (
        *(_Field[T](axis, "text", f"{axis} of the method", label(axis)) for axis in axes),
        _Field("labels", "text", "hard, or soft by the teacher", lambda thing: method_of(thing).labels),
        _Field(
            "cardinality", "number", "synthetic over real training size", lambda thing: method_of(thing).cardinality
        ),
    )


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def _count(statuses: Any, wanted: object) -> int:  # noqa: ANN401 - any iterable
    return sum(status == wanted for status in statuses)


def _attacks(words: Sequence[str]) -> str | None:
    return _joined(words, " ")


_MEANINGS = {
    "accuracy": "share of real test images classified right (CAS)",
    "gap": "accuracy lost against the real-data baseline of the same submission",
    "auc": "AUC of membership inference by the worst attack; 0.5 is guessing",
    "tpr": "share of members that the worst attack finds at 1 % false alarms",
    "aop": "accuracy / (2 max(AUC, 0.5))^2, by the worst attack",
}

_ENTRY_FIELDS: tuple[_Field[_Placed], ...] = (
    _Field("track", "text", "what the entry is compared within", lambda it: it.track),
    _Field(
        "dataset", "text", "what the measurements are of; missing: all of the track", lambda it: it.line.dataset or None
    ),
    _Field(
        "rank", "number", "on the track or dataset; shared where chance explains it", lambda it: _number(it.entry.rank)
    ),
    _Field("rank_low", "number", "best rank of 95 % of the bootstrap", lambda it: _number(it.entry.rank_low)),
    _Field("rank_high", "number", "worst rank of 95 % of the bootstrap", lambda it: _number(it.entry.rank_high)),
    _Field("pareto", "flag", "on the track's front of accuracy and AUC", lambda it: it.entry.pareto),
    _Field("standing", "text", "ranked, or why not", lambda it: it.entry.standing),
    _Field("method", "text", "short name", lambda it: it.entry.name),
    _Field("slug", "text", "name of its files", lambda it: it.entry.slug),
    _Field("family", "text", "what kind of thing is released", lambda it: it.entry.family),
    _Field("submission", "text", "the run it was submitted from", lambda it: it.entry.submission),
    *_method_fields(lambda it: it.entry.method),
    *(field for name in ESTIMATES for field in _estimate_fields(name, _MEANINGS[name])),
    _Field("auc_attack", "text", "which attack reached the AUC", lambda it: _attacks(it.line.auc_attacks)),
    _Field("tpr_attack", "text", "which attack reached the TPR", lambda it: _attacks(it.line.tpr_attacks)),
    _Field("pipeline_cpu_seconds", "number", "to a trained classifier", lambda it: float(it.line.pipeline_seconds)),
    _Field("evaluation_cpu_seconds", "number", "to attack it", lambda it: float(it.line.evaluation_seconds)),
    _Field("images", "count", "synthetic images per seed", lambda it: it.line.images),
    _Field("datasets", "count", "datasets the measurements are of", lambda it: len(it.line.results)),
    _Field("seeds", "count", "seeds with measurements, over the datasets", lambda it: _seeds(it.line, "ok")),
    _Field("failed_seeds", "count", "seeds that failed", lambda it: _seeds(it.line, "failed")),
    _Field("gates_passed", "count", "gates that passed", lambda it: _gates(it.line, passed=True)),
    _Field("gates_failed", "count", "gates that failed", lambda it: _gates(it.line, passed=False)),
    _Field("limits", "text", "protocol and pretraining, where they limit it", lambda it: _attacks(it.line.limits)),
    _Field("missing", "text", "datasets of the track it lacks", lambda it: _attacks(it.entry.missing)),
    _Field("notes", "text", "why it is not ranked; what failed", lambda it: _joined(it.line.notes)),
)

_MEASUREMENT_FIELDS: tuple[_Field[_Measured], ...] = (
    _Field("track", "text", "what the entry is compared within", lambda it: it.track),
    _Field("dataset", "text", "what it was measured on", lambda it: it.record.dataset),
    _Field("method", "text", "short name of the entry", lambda it: it.entry.name),
    _Field("slug", "text", "name of its files", lambda it: it.entry.slug),
    _Field("family", "text", "what kind of thing is released", lambda it: it.entry.family),
    _Field("standing", "text", "ranked, or why not", lambda it: it.entry.standing),
    _Field("submission", "text", "the run it was submitted from", lambda it: it.entry.submission),
    *_method_fields(lambda it: it.entry.method),
    _Field("seed", "count", "seed of the run", lambda it: it.seed),
    _Field("metric", "text", "what was computed", lambda it: it.measurement.metric),
    _Field("better", "text", "which way is better", lambda it: it.better),
    _Field("attack", "text", "whose scores it is of", lambda it: it.measurement.attack or None),
    _Field("value", "number", "the measurement; fractions, not per cent", lambda it: float(it.measurement.value)),
    _Field("low", "number", "lower end of its 95 % interval", lambda it: float(it.measurement.low)),
    _Field("high", "number", "upper end of its 95 % interval", lambda it: float(it.measurement.high)),
    _Field("interval", "text", "what kind of interval", lambda it: it.measurement.interval),
    _Field("examples", "count", "how many examples it rests on", lambda it: it.measurement.examples),
    _Field("sees", "text", "what the attacker sees", lambda it: it.threat_model.sees if it.threat_model else None),
    _Field("owns", "text", "what the attacker owns", lambda it: it.threat_model.owns if it.threat_model else None),
    _Field("surface", "text", "what is attacked", lambda it: it.threat_model.surface if it.threat_model else None),
    _Field(
        "adaptive",
        "flag",
        "whether shadow models repeat the whole pipeline; false where there is no attack",
        lambda it: it.threat_model is not None and it.threat_model.adaptive,
    ),
)


def _seeds(line: Line, status: str) -> int:
    return _count((result.status for record in line.records for result in record.seeds), status)


def _gates(line: Line, *, passed: bool) -> int:
    return _count((gate.passed for gate in line.gates), passed)
