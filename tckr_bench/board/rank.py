"""Order the records of a run into a leaderboard: pure, from figures alone.

Rows of a dataset stand in a fixed order: real-data baselines, methods by AOP, controls. More than one seed of
a method makes one row: the mean of its figures, with the spread between seeds kept apart from the interval.
Methods whose epochs were chosen on the test set (protocol `paper`) come after the others and are numbered anew.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tckr_bench.board.controls import CONTROLS, Verdict, judge_controls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.board.results import RunResults
    from tckr_bench.records import (
        CellRecord,
        Contamination,
        DatasetDescription,
        Figure,
        Method,
        ThreatModel,
        TrainingProtocol,
    )

ACCURACY, GAP, AUC = "accuracy", "accuracy-gap", "auc-mia"
TPR, AOP = "tpr-at-1-fpr", "aop"

RANKED_BY = AOP

EVALUATION_STAGES = ("shadow", "attack", "measure")
"""Kinds of stages that judge a method; every other kind makes it."""
SEEDS_INTERVAL = "mean of the seeds' 95 % intervals (sampling of examples; the spread between seeds is apart)"
_ROLE_ORDER = {"baseline": 0, "method": 1, "control": 2}
_PROTOCOL_ORDER = {"sound": 0, "paper": 1}
_WORST_FIRST: tuple[Contamination, ...] = ("images", "classes", "unknown", "none")
CellKey = tuple[str, str, int]


@dataclass(frozen=True)
class Estimate:
    """One number of a row with its 95 % interval; `spread`: standard deviation between seeds."""

    value: float
    low: float
    high: float
    interval: str
    seeds: int = 1
    spread: float | None = None

    @property
    def error(self) -> float:
        """Standard error implied by the 95 % interval."""
        return (self.high - self.low) / (2 * 1.959964)


@dataclass(frozen=True)
class Row:
    """A method on a dataset, over its seeds.

    `failures` names what failed, per seed; `status` is `failed` if no seed has figures, `partial` if some
    have not. Costs are CPU seconds of all stages a seed rests on, whether shared or not, averaged over seeds:
    those that make the method (to a trained classifier), and those that judge it (shadow models, attacks,
    metrics).
    """

    dataset: str
    method: Method
    status: Literal["ok", "partial", "failed"]
    records: tuple[CellRecord, ...]
    estimates: Mapping[tuple[str, str], Estimate]
    primary_attack: str
    making_seconds: float
    judging_seconds: float
    failures: tuple[str, ...] = ()
    rank: int | None = None
    pareto: bool = False

    def get(self, metric: str, attack: str | None = None) -> Estimate | None:
        """Return a figure; of the primary attack where none is named and the metric has one per attack."""
        if attack is not None:
            return self.estimates.get((metric, attack))
        return self.estimates.get((metric, self.primary_attack)) or self.estimates.get((metric, ""))

    @property
    def protocol(self) -> TrainingProtocol:
        """How epochs were chosen: `paper`, on the test set, if any seed did so."""
        return "paper" if any(record.protocol == "paper" for record in self.records) else "sound"

    @property
    def contamination(self) -> Contamination | None:
        """The worst that is known of the base generator's pretraining over the seeds; None without a generator."""
        found = {record.contamination for record in self.records}
        return next((kind for kind in _WORST_FIRST if kind in found), None)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that have figures."""
        return tuple(record.seed for record in self.records if record.status == "ok")


@dataclass(frozen=True)
class DatasetBoard:
    """Everything of one dataset; unless `trusted`, no row of it may be believed, and `reasons` says why."""

    dataset: str
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    reasons: tuple[str, ...]
    description: DatasetDescription | None = None
    splits: Mapping[str, int] = field(default_factory=dict)
    threat_models: Mapping[str, ThreatModel] = field(default_factory=dict)

    @property
    def trusted(self) -> bool:
        """Whether every control is there and behaved as it must."""
        return not self.reasons

    @property
    def candidates(self) -> tuple[Row, ...]:
        """Baselines and methods, in order."""
        return tuple(row for row in self.rows if row.method.role != "control")

    @property
    def controls(self) -> tuple[Row, ...]:
        """Rows whose answer is known."""
        return tuple(row for row in self.rows if row.method.role == "control")

    def baseline_of(self, row: Row) -> Row | None:
        """Return the real-data baseline with the row's classifier, or the only one there is."""
        return baseline_for(row.method, [entry for entry in self.rows if entry.method.role == "baseline"])

    @property
    def best(self) -> Row | None:
        """The synthetic method of rank 1; of protocol `sound` if any is."""
        return next((row for row in self.rows if row.rank == 1), None)


@dataclass(frozen=True)
class Leaderboard:
    """The boards of a run, one per dataset, in the order of the matrix."""

    matrix: str
    track: str
    primary_attack: str
    boards: tuple[DatasetBoard, ...]

    @property
    def methods(self) -> tuple[Method, ...]:
        """Every method once, in order of appearance."""
        return tuple({row.method.name: row.method for board in self.boards for row in board.rows}.values())


def baseline_for(method: Method, baselines: Sequence[Row]) -> Row | None:
    """Return the baseline that shares the method's classifier, else the only baseline, else none."""
    same = [row for row in baselines if row.method.classifier.label == method.classifier.label]
    if same:
        return same[0]
    return baselines[0] if len(baselines) == 1 else None


def usable(figure: Figure) -> bool:
    """Return whether a figure and its interval are finite and in order."""
    values = (figure.low, figure.value, figure.high)
    return all(math.isfinite(value) for value in values) and figure.low <= figure.high


def combine(figures: Sequence[Figure]) -> Estimate:
    """Combine one figure over seeds: means of values and of bounds, and the standard deviation between seeds.

    The bounds are averaged, not narrowed: all seeds are measured on the same examples, so that their errors
    do not cancel, and the mean of the bounds is never too narrow for the error they share.

    >>> from tckr_bench.records import Figure
    >>> first = Figure("accuracy", value=0.8, low=0.7, high=0.9, interval="Wilson", examples=9)
    >>> second = Figure("accuracy", value=0.6, low=0.5, high=0.7, interval="Wilson", examples=9)
    >>> combine([first, second]).value
    0.7
    """
    if len(figures) == 1:
        only = figures[0]
        return Estimate(only.value, only.low, only.high, only.interval)
    values, lows, highs = ([getattr(figure, name) for figure in figures] for name in ("value", "low", "high"))
    mean = statistics.fmean
    return Estimate(mean(values), mean(lows), mean(highs), SEEDS_INTERVAL, len(figures), statistics.stdev(values))


def build_leaderboard(
    results: RunResults,
    *,
    chance_limits: Mapping[CellKey, float] | None = None,
    doubts: Mapping[str, Sequence[str]] | None = None,
) -> Leaderboard:
    """Order a run into boards, one per dataset, and judge its controls.

    Args:
        results: the records of the run.
        chance_limits: the largest accuracy that ignorance explains, by cell, where evidence gave one
            (`verify.chance_limits`); without it the bound for any classifier is used.
        doubts: further reasons, by dataset, why its rows cannot be trusted.
    """
    names = dict.fromkeys(record.dataset for record in results.records)
    boards = tuple(
        _board(
            [record for record in results.records if record.dataset == name],
            results.primary_attack,
            chance_limits=chance_limits or {},
            doubts=tuple((doubts or {}).get(name, ())),
        )
        for name in names
    )
    return Leaderboard(results.matrix, results.track, results.primary_attack, boards)


def _board(
    records: Sequence[CellRecord],
    primary: str,
    *,
    chance_limits: Mapping[CellKey, float],
    doubts: tuple[str, ...],
) -> DatasetBoard:
    by_method: dict[str, list[CellRecord]] = {}
    for record in records:
        by_method.setdefault(record.method.name, []).append(record)
    rows = [_row(sorted(group, key=lambda record: record.seed), primary) for group in by_method.values()]
    ordered = _ranked(sorted(_with_pareto(rows), key=_order))
    verdicts = judge_controls(records, primary, chance_limits=chance_limits)
    described = next((record for record in records if record.description is not None), records[0])
    reasons = tuple(f"control {verdict.control}: {verdict.reason}" for verdict in verdicts if not verdict.passed)
    baselines = [row for row in rows if row.method.role == "baseline" and row.status != "failed"]
    lacking = () if baselines else ("there is no real-data baseline to compare with",)
    return DatasetBoard(
        dataset=records[0].dataset,
        rows=tuple(ordered),
        verdicts=verdicts,
        reasons=(*lacking, *reasons, *doubts),
        description=described.description,
        splits=described.splits,
        threat_models={label: model for record in records for label, model in record.threat_models.items()},
    )


def _row(records: Sequence[CellRecord], primary: str) -> Row:
    finished = [record for record in records if record.status == "ok"]
    figures: dict[tuple[str, str], list[Figure]] = {}
    for record in finished:
        for figure in record.figures:
            if usable(figure):
                figures.setdefault((figure.metric, figure.attack), []).append(figure)
    failures = tuple(
        f"seed {record.seed}: {record.failure or 'no reason given'}" for record in records if record.status == "failed"
    )
    return Row(
        dataset=records[0].dataset,
        method=records[0].method,
        status="failed" if not finished else "partial" if failures else "ok",
        records=tuple(records),
        estimates={key: combine(found) for key, found in figures.items()},
        primary_attack=primary,
        making_seconds=_seconds(finished or records, judging=False),
        judging_seconds=_seconds(finished or records, judging=True),
        failures=failures,
    )


def _seconds(records: Sequence[CellRecord], *, judging: bool) -> float:
    costs = [
        [stage.cost.cpu_seconds for stage in record.stages if (stage.kind in EVALUATION_STAGES) == judging]
        for record in records
    ]
    return statistics.fmean(map(sum, costs))


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether (accuracy, AUC) `one` is at least as good as `other` in both and better in one.

    AUCs below 0.5 count as 0.5: an attack that is worse than guessing by chance protects nobody better.

    >>> dominates((0.9, 0.55), (0.8, 0.6)), dominates((0.9, 0.48), (0.9, 0.5))
    (True, False)
    """
    (accuracy, auc), (other_accuracy, other_auc) = (one[0], max(one[1], 0.5)), (other[0], max(other[1], 0.5))
    return accuracy >= other_accuracy and auc <= other_auc and (accuracy, auc) != (other_accuracy, other_auc)


def _with_pareto(rows: Sequence[Row]) -> list[Row]:
    """Mark the baselines and methods that no other one of their protocol dominates in accuracy and AUC."""
    points: dict[str, dict[str, tuple[float, float]]] = {"sound": {}, "paper": {}}
    for row in rows:
        accuracy, auc = row.get(ACCURACY), row.get(AUC)
        if row.method.role != "control" and accuracy and auc:
            points[row.protocol][row.method.name] = (accuracy.value, auc.value)
    front = {
        name
        for group in points.values()
        for name, point in group.items()
        if not any(dominates(other, point) for other in group.values())
    }
    return [replace(row, pareto=row.method.name in front) for row in rows]


def _order(row: Row) -> tuple[int, int, int, float, str]:
    estimate = row.get(RANKED_BY)
    if row.method.role == "control":
        known = [index for index, name in enumerate(CONTROLS) if row.method.name.startswith(name)]
        return (2, 0, known[0] if known else len(CONTROLS), 0.0, row.method.name)
    value = -estimate.value if estimate else math.inf
    protocol = _PROTOCOL_ORDER[row.protocol]
    return (_ROLE_ORDER[row.method.role], protocol, int(estimate is None), value, row.method.name)


def _ranked(rows: Sequence[Row]) -> list[Row]:
    """Number the methods that have an AOP, in order, those of each protocol for themselves."""
    ranked: list[Row] = []
    places = {"sound": 0, "paper": 0}
    for row in rows:
        counts = row.method.role == "method" and row.get(RANKED_BY) is not None
        places[row.protocol] += counts
        ranked.append(replace(row, rank=places[row.protocol]) if counts else row)
    return ranked
