"""AOP: one number for accuracy and privacy together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.stats import Estimate, auc, bootstrap_auc, bootstrap_mean, percentile_interval
from tckr_bench.stats.classification import accuracy_over_privacy, correct
from tckr_plugins.metrics.measurements import challenges, measurement

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import CellEvidence, Measurement, Scores


class AccuracyOverPrivacy:
    """AOP = accuracy / (2 max(AUC, 0.5))^2 of each attack, 0 to 1, canaries left out.

    AOP is the lower of accuracy / (2 AUC)^2 and the accuracy itself, and so are the ends of its interval: each the
    lower of the two percentile bootstraps. (Percentiles of the AOP of resamples miss the truth at an AUC of 0.5, where
    max(AUC, 0.5) errs upwards, and that of a resample once more.) Test images, members and non-members are each
    resampled with replacement. That a test image may be a non-member as well is not used, since saved scores do not say
    which. `examples` counts the attack's examples. Source: Resmini et al. 2025 (arXiv 2504.04582).
    """

    higher_is_better = True

    def __init__(self, *, replicates: int = 1000, seed: int = 0) -> None:
        self._replicates = replicates
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and non-members; none without test images."""
        if not len(evidence.test_labels):
            return []
        right = correct(evidence.test_logits, evidence.test_labels)
        generator = np.random.default_rng([self._seed, 0])
        accuracies = bootstrap_mean(right, replicates=self._replicates, generator=generator)
        return [
            measurement("aop", self._estimate(right, accuracies, scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=False)
        ]

    def _estimate(
        self, right: npt.NDArray[np.bool_], accuracies: Scores, scores: Scores, members: npt.NDArray[np.bool_]
    ) -> Estimate:
        generator = np.random.default_rng([self._seed, 1])
        aucs = bootstrap_auc(scores, members, replicates=self._replicates, generator=generator)
        divided = percentile_interval(accuracies / (2 * np.maximum(aucs, 1e-9)) ** 2)
        low, high = (min(ends) for ends in zip(divided, percentile_interval(accuracies), strict=True))
        value = accuracy_over_privacy(float(right.mean()), auc(scores, members))
        return Estimate(value, min(low, value), max(high, value), f"bootstrap ({self._replicates} resamples)")
