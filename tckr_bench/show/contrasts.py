"""Contrasts of each row with real data, on the same examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import Side, attack_differences, mean_estimate, paired_differences, worst_attacks_of
from tckr_bench.judging.quantities import quantity_of
from tckr_bench.results.verify import key_of
from tckr_bench.show.shown import ABSENT, Shown, measured
from tckr_bench.show.tables import method_label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tckr_bench.judging.rows import DatasetBoard, Risk, Row
    from tckr_bench.records import AttackScores, CellEvidence, CellRecord, Estimate
    from tckr_bench.results.verify import CellKey

    Evidence = Mapping[CellKey, CellEvidence]


@dataclass(frozen=True)
class Contrast:
    """A row against real data: the change in the declared attack's AUC, in the worst attack's AUC and its TPR.

    `verdict` says what the change in the worst attack's AUC comes to.
    """

    name: str
    declared: Shown
    worst: Shown
    rate: Shown
    verdict: str


def contrasts(evidence: Evidence, board: DatasetBoard, names: Mapping[str, str]) -> tuple[Contrast, ...]:
    """Contrast every defended and synthetic row with its real-data baseline, each under its own worst attack."""
    made = []
    for row in board.candidates:
        baseline = board.baseline_of(row)
        if row.method.role == "baseline" or row.status == "failed" or baseline is None or baseline.status == "failed":
            continue
        declared = paired(evidence, (row, row.primary_attack), (baseline, row.primary_attack), tpr=False)
        own, reference = row.risk(metric_names.AUC), baseline.risk(metric_names.AUC)
        worst = _between_worst(evidence, (row, own), (baseline, reference)) if own and reference else {}
        if declared or worst:
            change = worst.get(metric_names.AUC)
            auc, rate = quantity_of(metric_names.AUC), quantity_of(metric_names.TPR)
            shown = [measured(auc, part) for part in (declared.get(metric_names.AUC), worst.get(metric_names.AUC))]
            name = method_label(row, names)
            made.append(
                Contrast(name, shown[0], shown[1], measured(rate, worst.get(metric_names.TPR)), _verdict(change))
            )
    return tuple(made)


def best_differences(evidence: Evidence, board: DatasetBoard) -> Mapping[str, Estimate]:
    """Pair the best method with its baseline by their evidence; with more than one seed nothing is paired."""
    best = board.best
    baseline = board.baseline_of(best) if best else None
    if best is None or baseline is None or len(best.seeds) != 1 or best.seeds != baseline.seeds:
        return {}
    own, reference = (side_of(evidence, _finished(row)) for row in (best, baseline))
    return {} if own is None or reference is None else paired_differences(own, reference)


def side_of(evidence: Evidence, record: CellRecord) -> Side | None:
    """Return a cell as one side of a difference; None without sound scores."""
    cell = evidence.get(key_of(record))
    return None if cell is None else Side(cell, worst_attacks_of(record))


def _finished(row: Row) -> CellRecord:
    return next(record for record in row.records if record.status == "ok")


def paired(
    evidence: Evidence, own: tuple[Row, str], other: tuple[Row, str], *, tpr: bool = True
) -> Mapping[str, Estimate]:
    """Estimate by how much one row's attack gets further than another's, seed by seed on the same examples.

    Empty where some seed has no evidence of both, or not the same examples.
    """
    return _paired(evidence, (own[0], lambda _: own[1]), (other[0], lambda _: other[1]), tpr=tpr)


def _between_worst(evidence: Evidence, own: tuple[Row, Risk], other: tuple[Row, Risk]) -> Mapping[str, Estimate]:
    """Compare what is worst in AUC with each other, and what is worst in TPR, seed by seed."""
    changes: dict[str, Estimate] = {}
    for metric in metric_names.WORST:
        sides = [(row, lambda record, metric=metric: _worst_attack(record, metric)) for row, _ in (own, other)]
        paired_so = _paired(evidence, sides[0], sides[1], tpr=metric == metric_names.TPR)
        changes |= {metric: paired_so[metric]} if metric in paired_so else {}
    return changes


def _worst_attack(record: CellRecord, metric: str) -> str:
    return next(
        (measurement.attack for measurement in record.measurements if measurement.metric == metric_names.WORST[metric]),
        "",
    )


Choice = tuple["Row", "Callable[[CellRecord], str]"]


def _paired(evidence: Evidence, own: Choice, other: Choice, *, tpr: bool) -> Mapping[str, Estimate]:
    by_seed = []
    for seed in own[0].seeds:
        sides = [_scores(evidence, choice, seed) for choice in (own, other)]
        by_seed.append(attack_differences(sides[0], sides[1], tpr=tpr))
    shared = [metric for metric in metric_names.WORST if by_seed and all(metric in entry for entry in by_seed)]
    return {metric: mean_estimate([entry[metric] for entry in by_seed]) for metric in shared}


def _scores(evidence: Evidence, choice: Choice, seed: int) -> AttackScores | None:
    row, attack = choice
    record = next((entry for entry in row.records if entry.seed == seed), None)
    cell = evidence.get(key_of(record)) if record is not None else None
    return cell.attacks.get(attack(record)) if cell is not None and record is not None else None


def _verdict(change: Estimate | None) -> str:
    if change is None:
        return ABSENT.value
    if change.low <= 0 <= change.high:
        return "cannot be told apart"
    return "safer than real data" if change.high < 0 else "less safe than real data"
