"""The worst of what was tried: the attack that finds most, with the correction for having tried several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.stats import auc_interval, highest_auc, highest_tpr
from tckr_plugins.metrics.measurements import measurement, on_the_classifier

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement

PUBLISHED = "lira-paper"


class WorstAuc:
    """The highest AUC of the attacks on the classifier, canaries left out; the measurement names the attack.

    The interval is for the highest of the k true AUCs: its lower end allows for the luckiest of k errors, which are
    correlated, because all attacks are judged on the same examples.
    """

    higher_is_better = False

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without an attack on the classifier."""
        tried = on_the_classifier(evidence)
        if not tried.attacks:
            return []
        index, estimate = highest_auc(tried.scores, tried.members, seed=self._seed)
        return [measurement("worst-auc", estimate, examples=len(tried.scores[index]), attack=tried.attacks[index])]


class WorstTprAt1Fpr:
    """The highest TPR at 1 % FPR of the attacks on the classifier, canaries left out; the measurement names the attack.

    The interval is for the highest of the k true rates, its lower end corrected by Bonferroni.
    """

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without an attack on the classifier that has enough non-members."""
        tried = on_the_classifier(evidence, fpr=0.01)
        if not tried.attacks:
            return []
        index, estimate = highest_tpr(tried.scores, tried.members, fpr=0.01)
        examples = len(tried.scores[index])
        return [measurement("worst-tpr-at-1-fpr", estimate, examples=examples, attack=tried.attacks[index])]


class BestPublishedAuc:
    """The AUC the TCKR paper would report: that of the best variant of its attack, chosen on the evaluation data.

    Its variants are the attacks whose label begins with `lira-paper`. Nothing is corrected for the choice, as in the
    paper, so the interval is that of the chosen variant alone and the value errs upwards; it stands on no row and is no
    measure of privacy. Source: Resmini et al. 2025 (arXiv 2504.04582).
    """

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without a variant of the published attack."""
        tried = on_the_classifier(evidence)
        found = [
            (auc_interval(scores, members), label, len(scores))
            for label, scores, members in zip(tried.attacks, tried.scores, tried.members, strict=True)
            if label.startswith(PUBLISHED)
        ]
        if not found:
            return []
        best, label, examples = max(found, key=lambda entry: entry[0].value)
        told = replace(best, method=f"{label}, best of {len(found)}, uncorrected as published; {best.method}")
        return [measurement("best-published-auc", told, examples=examples)]
