"""What attacks gain when their shadow models repeat the whole pipeline of a row, on the same examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.caveats import adaptive_attacks
from tckr_bench.judging.quantities import quantity_of
from tckr_bench.results.verify import key_of
from tckr_bench.show.contrasts import paired
from tckr_bench.show.shown import Shown, measured
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.judging.rows import DatasetBoard, Row
    from tckr_bench.records import AttackScores, Estimate, ThreatModel
    from tckr_bench.show.contrasts import Evidence


@dataclass(frozen=True)
class Gain:
    """An attack on a row with shadow models of the baseline and, adaptive, with shadow pipelines.

    `before` and `after` are its AUCs, `change` their paired difference, and `verdict` what that comes to.
    """

    row: str
    attack: str
    adaptive: str
    before: Shown
    after: Shown
    change: Shown
    verdict: str


def adaptive_gains(evidence: Evidence, board: DatasetBoard, names: Mapping[str, str]) -> tuple[Gain, ...]:
    """Return, for each synthetic row, what every attack that comes plain and adaptive gains by adapting."""
    gains, auc = [], quantity_of(metric_names.AUC)
    for row in board.candidates:
        if row.method.role != "method" or row.status == "failed":
            continue
        for label, adaptive in counterparts(evidence, board, row):
            before, after = row.get(metric_names.AUC, label), row.get(metric_names.AUC, adaptive)
            change = paired(evidence, (row, adaptive), (row, label), tpr=False).get(metric_names.AUC)
            if before is not None and after is not None and change is not None:
                gains.append(
                    Gain(
                        row=names[row.method.name],
                        attack=plain(label),
                        adaptive=plain(adaptive),
                        before=measured(auc, before),
                        after=measured(auc, after),
                        change=measured(auc, change),
                        verdict=_verdict(change),
                    )
                )
    return tuple(gains)


def counterparts(evidence: Evidence, board: DatasetBoard, row: Row) -> tuple[tuple[str, str], ...]:
    """Return pairs of attacks, plain and adaptive, that differ in nothing but what their shadow models repeat.

    On the real-data baseline such attacks are one and the same, so their scores there tell them. Where no pair is told
    so, the declared attack is set against the adaptive attack that sees and owns the same, else the first.
    """
    models = {label: model for record in row.records for label, model in record.threat_models.items()}
    adaptive = adaptive_attacks(row)
    others = [label for label, model in models.items() if model.surface == "classifier" and label not in adaptive]
    scores = _scores_on_the_baseline(evidence, board, row)
    pairs = []
    for label in adaptive:
        same = [other for other in others if _same(scores.get(other), scores.get(label))]
        pairs += [(other, label) for other in same[:1]]
    if not pairs and adaptive and row.primary_attack in others:
        pairs = [(row.primary_attack, _likest(models, row.primary_attack, adaptive))]
    return tuple(pairs)


def _scores_on_the_baseline(evidence: Evidence, board: DatasetBoard, row: Row) -> Mapping[str, AttackScores]:
    baseline = board.baseline_of(row)
    finished = [record for record in baseline.records if record.status == "ok"] if baseline is not None else []
    cell = evidence.get(key_of(finished[0])) if finished else None
    return cell.attacks if cell is not None else {}


def _same(one: AttackScores | None, other: AttackScores | None) -> bool:
    import numpy as np

    return one is not None and other is not None and np.array_equal(one.scores, other.scores)


def _likest(models: Mapping[str, ThreatModel], primary: str, adaptive: tuple[str, ...]) -> str:
    wanted = (models[primary].sees, models[primary].owns)
    same = [label for label in adaptive if (models[label].sees, models[label].owns) == wanted]
    return (same or list(adaptive))[0]


def _verdict(change: Estimate) -> str:
    if change.low <= 0 <= change.high:
        return "cannot be told apart"
    return "finds more" if change.low > 0 else "finds less"
