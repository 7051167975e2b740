"""AOP: one number for accuracy and privacy together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.metrics import accuracy_over_privacy, correct
from tckr_bench.stats import Estimate, auc, bootstrap_auc, bootstrap_mean, percentile_interval
from tckr_plugins.metrics.figures import challenges, figure

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import CellEvidence, Figure, Scores


class AccuracyOverPrivacy:
    """AOP = accuracy / (2 max(AUC, 0.5))^2 of each attack, 0 to 1, canaries left out.

    The interval is the percentile bootstrap: test images, members and non-members are each resampled with
    replacement. That a test image may be a non-member as well is not used, since saved scores do not say
    which. `examples` counts the attack's examples. Source: Resmini et al. 2025 (arXiv 2504.04582).
    """

    higher_is_better = True

    def __init__(self, *, replicates: int = 1000, seed: int = 0) -> None:
        self._replicates = replicates
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Figure]:
        """Return one figure per attack that has members and non-members; none without test images."""
        if not len(evidence.test_labels):
            return []
        right = correct(evidence.test_logits, evidence.test_labels)
        return [
            figure("aop", self._estimate(right, scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=False)
        ]

    def _estimate(self, right: npt.NDArray[np.bool_], scores: Scores, members: npt.NDArray[np.bool_]) -> Estimate:
        generator = np.random.default_rng(self._seed)
        accuracies = bootstrap_mean(right, replicates=self._replicates, generator=generator)
        aucs = bootstrap_auc(scores, members, replicates=self._replicates, generator=generator)
        pairs = zip(accuracies.tolist(), aucs.tolist(), strict=True)
        low, high = percentile_interval(np.array([accuracy_over_privacy(*pair) for pair in pairs]))
        value = accuracy_over_privacy(float(right.mean()), auc(scores, members))
        return Estimate(value, low, high, f"bootstrap ({self._replicates} resamples)")
