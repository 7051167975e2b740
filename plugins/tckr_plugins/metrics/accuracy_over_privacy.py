"""AOP: one number for accuracy and privacy together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, Quantity
from tckr_plugins.late import classification, drawing, stats
from tckr_plugins.metrics.measurements import measurement, on_the_classifier
from tckr_plugins.metrics.options import SeedOptions

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class AccuracyOverPrivacy:
    """AOP = accuracy / (2 max(AUC, 0.5))^2 by the worst attack on the classifier, 0 to 1; the measurement names it.

    Its interval is of draws of both: the lower end takes the attack that looks worst for the worst, the upper end
    allows for its having been the luckiest of all that were tried. `examples` counts the attack's examples. Source:
    Resmini et al. 2025 (arXiv 2504.04582).
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without test images or an attack on the classifier."""
        tried = on_the_classifier(evidence)
        if not tried.attacks or not len(evidence.test_labels):
            return []
        right = classification.correct(evidence.test_logits, evidence.test_labels)
        index, auc = stats.highest_auc(tried.scores, tried.members, seed=self._seed)
        corrected = stats.corrected_auc(tried.scores, tried.members, seed=self._seed)
        accuracy = stats.wilson(int(right.sum()), len(right))
        estimate = drawing.over_privacy(accuracy, auc, corrected, seed=self._seed)
        return [measurement("aop", estimate, examples=len(tried.scores[index]), attack=tried.attacks[index])]


AOP = MetricComponent(
    "aop",
    version="4",
    options=SeedOptions,
    load=lambda options: AccuracyOverPrivacy(seed=options.seed),
    summary="accuracy over privacy: accuracy / (2 max(AUC, 0.5))^2 by the worst attack",
    quantities=(
        Quantity("aop", "AOP", "accuracy / (2 max(AUC, 0.5))², by the worst attack", better="higher", low=0, high=1),
    ),
)
