"""How well an attack tells members (real training examples) from non-members (real test examples)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.stats import auc_interval, tpr_at_fpr
from tckr_plugins.metrics.figures import challenges, figure

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Figure

FALSE_POSITIVE_RATE = 0.01


class AucMia:
    """Area under the ROC curve of each attack, canaries left out, with DeLong's interval; 0.5 is blind."""

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Figure]:
        """Return one figure per attack that has members and non-members."""
        return [
            figure("auc-mia", auc_interval(scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=False)
        ]


class CanaryAuc:
    """AUC of each attack among canaries only: those trained on against those held out.

    Canaries are mislabelled, so only memorising tells them apart: an attack that misses them in a classifier
    made to memorise is broken.
    """

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Figure]:
        """Return one figure per attack; none where no canary was planted, or none was held out."""
        return [
            figure("canary-auc", auc_interval(scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=True)
        ]


class TprAt1Fpr:
    """Share of members found when at most 1 % of non-members are taken for members, canaries left out.

    Tied scores are admitted together or not at all, and the false positive rate is never exceeded; a constant
    score finds nobody. The interval is Clopper and Pearson's for the threshold found; its method names the
    false positive rate that was realised, which lies below 1 % where scores are tied or non-members are few.
    """

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Figure]:
        """Return one figure per attack that has members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            point = tpr_at_fpr(scores, members, fpr=FALSE_POSITIVE_RATE)
            alarms = point.false_positive_rate
            method = (
                f"{point.true_positive_rate.method} at a realised FPR of {100 * alarms.value:.2f} % "
                f"({100 * alarms.low:.2f}-{100 * alarms.high:.2f} %)"
            )
            estimate = replace(point.true_positive_rate, method=method)
            found.append(figure("tpr-at-1-fpr", estimate, examples=len(scores), attack=attack))
        return found
