"""The worst of what was tried: the attack that finds most, with the correction for having tried several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions
from tckr_plugins.late import stats
from tckr_plugins.metrics.measurements import measurement, on_the_classifier
from tckr_plugins.metrics.options import SeedOptions
from tckr_plugins.metrics.quantities import area, rate

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement

PUBLISHED = "lira-paper"


class WorstAuc:
    """The highest AUC of the attacks on the classifier, canaries left out; the measurement names the attack.

    The interval is for the highest of the k true AUCs: its lower end allows for the luckiest of k errors, which are
    correlated, because all attacks are judged on the same examples.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without an attack on the classifier."""
        tried = on_the_classifier(evidence)
        if not tried.attacks:
            return []
        index, estimate = stats.highest_auc(tried.scores, tried.members, seed=self._seed)
        return [measurement("worst-auc", estimate, examples=len(tried.scores[index]), attack=tried.attacks[index])]


class WorstAucCorrected:
    """The worst AUC less what the luckiest of so many attacks gains by chance; the measurement names the attack.

    What means and ranks are made of: a mean of highest values would lie above the truth, the further the more attacks.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without an attack on the classifier."""
        tried = on_the_classifier(evidence)
        if not tried.attacks:
            return []
        index, _ = stats.highest_auc(tried.scores, tried.members, seed=self._seed)
        estimate = stats.corrected_auc(tried.scores, tried.members, seed=self._seed)
        examples, attack = len(tried.scores[index]), tried.attacks[index]
        return [measurement("worst-auc-corrected", estimate, examples=examples, attack=attack)]


class WorstTprAt1Fpr:
    """The highest TPR at 1 % FPR of the attacks on the classifier, canaries left out; the measurement names the attack.

    The interval is for the highest of the k true rates, its lower end corrected by Bonferroni.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without an attack on the classifier that has enough non-members."""
        tried = on_the_classifier(evidence, fpr=0.01)
        if not tried.attacks:
            return []
        index, estimate = stats.highest_tpr(tried.scores, tried.members, fpr=0.01)
        examples = len(tried.scores[index])
        return [measurement("worst-tpr-at-1-fpr", estimate, examples=examples, attack=tried.attacks[index])]


class BestPublishedAuc:
    """The AUC the TCKR paper would report: that of the best variant of its attack, chosen on the evaluation data.

    Its variants are the attacks whose label begins with `lira-paper`. Nothing is corrected for the choice, as in the
    paper, so the interval is that of the chosen variant alone and the value errs upwards; it stands on no row and is no
    measure of privacy. Source: Resmini et al. 2025 (arXiv 2504.04582).
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without a variant of the published attack."""
        tried = on_the_classifier(evidence)
        found = [
            (stats.auc_interval(scores, members), label, len(scores))
            for label, scores, members in zip(tried.attacks, tried.scores, tried.members, strict=True)
            if label.startswith(PUBLISHED)
        ]
        if not found:
            return []
        best, label, examples = max(found, key=lambda entry: entry[0].value)
        told = replace(best, method=f"{label}, best of {len(found)}, uncorrected as published; {best.method}")
        return [measurement("best-published-auc", told, examples=examples)]


WORST_AUC = MetricComponent(
    "worst-auc",
    version="1",
    options=SeedOptions,
    load=lambda options: WorstAuc(seed=options.seed),
    summary="the highest AUC of all attacks on the classifier, corrected for that",
    quantities=(area("worst-auc", "worst AUC", "membership inference by the worst attack; 0.5 is guessing"),),
)
WORST_AUC_CORRECTED = MetricComponent(
    "worst-auc-corrected",
    version="1",
    options=SeedOptions,
    load=lambda options: WorstAucCorrected(seed=options.seed),
    summary="the same, less what the luckiest of so many attacks gains by chance",
    quantities=(
        area("worst-auc-corrected", "worst AUC, corrected", "worst AUC less what the luckiest of the attacks gains"),
    ),
)
WORST_TPR_AT_1_FPR = MetricComponent(
    "worst-tpr-at-1-fpr",
    version="1",
    options=NoOptions,
    load=lambda _options: WorstTprAt1Fpr(),
    summary="the highest TPR at 1 % FPR of all attacks on the classifier",
    quantities=(rate("worst-tpr-at-1-fpr", "TPR@1%", "members the worst attack finds at 1 % false alarms"),),
)
BEST_PUBLISHED_AUC = MetricComponent(
    "best-published-auc",
    version="1",
    options=NoOptions,
    load=lambda _options: BestPublishedAuc(),
    summary="the best variant of 'lira-paper', chosen on the evaluation data as the paper does; marked, "
    "and no row's own",
    quantities=(
        area(
            "best-published-auc",
            "AUC as published",
            "the best variant of the paper's attack, chosen on the evaluation data",
        ),
    ),
)
