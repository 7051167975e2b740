"""How well an attack tells members (real training examples) from non-members (real test examples)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.stats import auc_interval, bootstrap_auc_interval, tpr_interval
from tckr_plugins.metrics.measurements import challenges, enough_for, measurement

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class AucMia:
    """Area under the ROC curve of each attack, canaries left out, with DeLong's interval; 0.5 is blind."""

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and non-members."""
        return [
            measurement("auc-mia", auc_interval(scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=False)
        ]


class AucMiaBootstrap:
    """The same area with the percentile interval of a bootstrap of members and of non-members."""

    higher_is_better = False

    def __init__(self, *, replicates: int = 1000, seed: int = 0) -> None:
        self._replicates = replicates
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            estimate = bootstrap_auc_interval(scores, members, replicates=self._replicates, seed=self._seed)
            found.append(measurement("auc-mia-bootstrap", estimate, examples=len(scores), attack=attack))
        return found


class CanaryAuc:
    """AUC of each attack among canaries only: those trained on against those held out.

    Canaries are mislabelled, so only memorising tells them apart: an attack that misses them in a classifier
    made to memorise is broken.
    """

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack; none where no canary was planted, or none was held out."""
        return [
            measurement("canary-auc", auc_interval(scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=True)
        ]


class TprAtFpr:
    """Share of members found when at most a given share of non-members is taken for members, canaries left out.

    Tied scores are admitted together or not at all, and the false positive rate is never exceeded; a constant
    score finds nobody. The interval holds the rate at the threshold whose *true* false positive rate is the one
    given: the threshold rests on a few non-members, so Clopper and Pearson's interval of the members alone would be too
    narrow by far. Its method names the counts and the false positive rate that was realised, which lies below the one
    given where scores are tied. Fewer non-members than allow a single false alarm give no measurement.
    """

    higher_is_better = False

    def __init__(self, metric: str, *, fpr: float) -> None:
        self._metric = metric
        self._fpr = fpr

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and enough non-members."""
        return [
            measurement(self._metric, tpr_interval(scores, members, fpr=self._fpr), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=False)
            if enough_for(members, fpr=self._fpr)
        ]
