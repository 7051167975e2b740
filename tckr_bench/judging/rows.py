"""Order the records of a run into a leaderboard: pure, from measurements alone.

Rows of a dataset stand in a fixed order: real-data baselines, defended classifiers, methods by AOP, controls. More
than one seed of a method makes one row: the mean of its measurements, with the spread between seeds kept apart from the
interval. Methods whose epochs were chosen on the test set (protocol `paper`) come after the others and are numbered
anew. Rows that cannot be trusted are not ranked at all.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tckr_bench.judging.estimates import combine, over_privacy, usable
from tckr_bench.judging.gates import CONTROLS, OUTSIDER, Verdict, judge_controls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.records import (
        CellRecord,
        Contamination,
        DatasetDescription,
        Estimate,
        Measurement,
        Method,
        ThreatModel,
        TrainingProtocol,
    )
    from tckr_bench.results.run_files import RunResults

ACCURACY, GAP, AUC = "accuracy", "accuracy-gap", "auc-mia"
TPR, AOP = "tpr-at-1-fpr", "aop"
WORST_AUC, WORST_TPR, WORST_AOP = "worst-auc", "worst-tpr-at-1-fpr", "worst-aop"
PROVED, FOUND = "epsilon-accounted", "epsilon-lower"
PUBLISHED = "best-published-auc"
WORST = {AUC: WORST_AUC, TPR: WORST_TPR}
"""What the worst of all attacks on the classifier reaches, by the metric it is the worst in."""

RANKED_BY = AOP

EVALUATION_STAGES = ("shadow", "shadow-caption", "shadow-adapt", "shadow-generate", "attack", "measure")
"""Kinds of stages that judge a method, whole shadow pipelines among them; every other kind makes it."""
ROLE_ORDER = {"baseline": 0, "defended": 1, "method": 2, "control": 3}
_PROTOCOL_ORDER = {"sound": 0, "paper": 1}
_WORST_FIRST: tuple[Contamination, ...] = ("images", "classes", "unknown", "none")
CellKey = tuple[str, str, int]


@dataclass(frozen=True)
class Risk:
    """How far attacks on a row's classifier get.

    Attributes:
        estimate: of the worst attack, with an interval that allows for having tried them all; of the primary attack
            where a run has no measurement of the worst.
        attacks: labels of the attacks that reached it; more than one where they differ between seeds.
        worst: whether it is the worst of all attacks.
    """

    estimate: Estimate
    attacks: tuple[str, ...]
    worst: bool


@dataclass(frozen=True)
class Row:
    """A method on a dataset, over its seeds.

    `failures` names what failed, per seed; `status` is `failed` if no seed has measurements, `partial` if some
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
    worst_attacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, metric: str, attack: str | None = None) -> Estimate | None:
        """Return a measurement; of the primary attack where none is named and the metric has one per attack."""
        if attack is not None:
            return self.estimates.get((metric, attack))
        return self.estimates.get((metric, self.primary_attack)) or self.estimates.get((metric, ""))

    def risk(self, metric: str) -> Risk | None:
        """Return what the worst attack reaches in AUC or TPR; what the primary does where no worst is known."""
        worst = self.estimates.get((WORST[metric], ""))
        if worst is not None:
            return Risk(worst, self.worst_attacks[WORST[metric]], worst=True)
        own = self.get(metric)
        return None if own is None else Risk(own, (self.primary_attack,), worst=False)

    @property
    def found_epsilon(self) -> Estimate | None:
        """The largest epsilon that the worst attack rules out, in nats: low is that bound, high its estimate."""
        risk = self.risk(AUC)
        return None if risk is None else self.get(FOUND, risk.attacks[0])

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
        """Seeds that have measurements."""
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
        """Baselines, defences and methods, in order."""
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


def build_leaderboard(
    results: RunResults,
    *,
    control_limits: Mapping[CellKey, float] | None = None,
    doubts: Mapping[str, Sequence[str]] | None = None,
) -> Leaderboard:
    """Order a run into boards, one per dataset, and judge its controls.

    Args:
        results: the records of the run.
        control_limits: how far controls may go by their own evidence, by cell (`verify.control_limits`); without it the
            bound for any classifier is used, and a memorizer must release every member.
        doubts: further reasons, by dataset, why its rows cannot be trusted.
    """
    names = dict.fromkeys(record.dataset for record in results.records)
    boards = tuple(
        _board(
            [record for record in results.records if record.dataset == name],
            results.primary_attack,
            control_limits=control_limits or {},
            results_format=results.format,
            doubts=tuple((doubts or {}).get(name, ())),
        )
        for name in names
    )
    return Leaderboard(results.matrix, results.track, results.primary_attack, boards)


def _board(
    records: Sequence[CellRecord],
    primary: str,
    *,
    control_limits: Mapping[CellKey, float],
    results_format: int,
    doubts: tuple[str, ...],
) -> DatasetBoard:
    by_method: dict[str, list[CellRecord]] = {}
    for record in records:
        by_method.setdefault(record.method.name, []).append(record)
    rows = [row_of(sorted(group, key=lambda record: record.seed), primary) for group in by_method.values()]
    verdicts = judge_controls(records, primary, control_limits=control_limits, results_format=results_format)
    described = next((record for record in records if record.description is not None), records[0])
    reasons = tuple(f"control {verdict.control}: {verdict.reason}" for verdict in verdicts if not verdict.passed)
    baselines = [row for row in rows if row.method.role == "baseline" and row.status != "failed"]
    lacking = () if baselines else ("there is no real-data baseline to compare with",)
    reasons = (*lacking, *reasons, *doubts)
    ordered = sorted(rows, key=_order)
    return DatasetBoard(
        dataset=records[0].dataset,
        rows=tuple(ordered if reasons else _ranked(_with_pareto(ordered))),
        verdicts=verdicts,
        reasons=reasons,
        description=described.description,
        splits=described.splits,
        threat_models={label: model for record in records for label, model in record.threat_models.items()},
    )


def row_of(records: Sequence[CellRecord], primary: str) -> Row:
    """Return the row of one method on one dataset from its records, one per seed, in order of seeds."""
    finished = [record for record in records if record.status == "ok"]
    measurements: dict[tuple[str, str], list[Measurement]] = {}
    worst_attacks: dict[str, tuple[str, ...]] = {}
    for record in finished:
        for key, measurement in _usable_measurements(record).items():
            measurements.setdefault(key, []).append(measurement)
            if key[0] in WORST.values():
                worst_attacks[key[0]] = tuple(dict.fromkeys((*worst_attacks.get(key[0], ()), measurement.attack)))
    failures = tuple(
        f"seed {record.seed}: {record.failure or 'no reason given'}" for record in records if record.status == "failed"
    )
    return Row(
        dataset=records[0].dataset,
        method=records[0].method,
        status="failed" if not finished else "partial" if failures else "ok",
        records=tuple(records),
        estimates=_with_worst_aop({key: combine(found) for key, found in measurements.items()}),
        primary_attack=primary,
        making_seconds=_seconds(finished or records, judging=False),
        judging_seconds=_seconds(finished or records, judging=True),
        failures=failures,
        worst_attacks=worst_attacks,
    )


def _usable_measurements(record: CellRecord) -> dict[tuple[str, str], Measurement]:
    """Return a record's measurements by metric and attack; of the worst attack, whichever it is, by metric alone."""
    return {
        (measurement.metric, "" if measurement.metric in WORST.values() else measurement.attack): measurement
        for measurement in record.measurements
        if usable(measurement)
    }


def _with_worst_aop(estimates: Mapping[tuple[str, str], Estimate]) -> Mapping[tuple[str, str], Estimate]:
    """Add accuracy weighed against the worst attack, where it is known."""
    accuracy, auc = estimates.get((ACCURACY, "")), estimates.get((WORST_AUC, ""))
    if accuracy is None or auc is None:
        return estimates
    return {**estimates, (WORST_AOP, ""): over_privacy(accuracy, auc)}


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
    """Mark what no other row of its protocol dominates in accuracy and the worst attack's AUC; never a control."""
    points: dict[str, dict[str, tuple[float, float]]] = {"sound": {}, "paper": {}}
    for row in rows:
        accuracy, auc = row.get(ACCURACY), row.risk(AUC)
        if row.method.role != "control" and accuracy and auc:
            points[row.protocol][row.method.name] = (accuracy.value, auc.estimate.value)
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
        order = (*CONTROLS, OUTSIDER)
        known = [index for index, name in enumerate(order) if row.method.name.startswith(name)]
        return (ROLE_ORDER["control"], 0, known[0] if known else len(order), 0.0, row.method.name)
    value = -estimate.value if estimate else math.inf
    protocol = _PROTOCOL_ORDER[row.protocol]
    return (ROLE_ORDER[row.method.role], protocol, int(estimate is None), value, row.method.name)


def _ranked(rows: Sequence[Row]) -> list[Row]:
    """Number the methods that have an AOP, in order, those of each protocol for themselves."""
    ranked: list[Row] = []
    places = {"sound": 0, "paper": 0}
    for row in rows:
        counts = row.method.role == "method" and row.get(RANKED_BY) is not None
        places[row.protocol] += counts
        ranked.append(replace(row, rank=places[row.protocol]) if counts else row)
    return ranked
