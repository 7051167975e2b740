"""How well an attack tells members (real training examples) from non-members (real test examples)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions
from tckr_plugins.late import stats
from tckr_plugins.metrics.measurements import challenges, enough_for, measurement
from tckr_plugins.metrics.options import ResamplingOptions
from tckr_plugins.metrics.quantities import area, rate

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class AucMia:
    """Area under the ROC curve of each attack, canaries left out, with DeLong's interval; 0.5 is blind."""

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and non-members."""
        return [
            measurement("auc-mia", stats.auc_interval(scores, members), examples=len(scores), attack=attack)
            for attack, scores, members in challenges(evidence, canaries=False)
        ]


class AucMiaBootstrap:
    """The same area with the percentile interval of a bootstrap of members and of non-members."""

    def __init__(self, *, replicates: int = 1000, seed: int = 0) -> None:
        self._replicates = replicates
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            estimate = stats.bootstrap_auc_interval(scores, members, replicates=self._replicates, seed=self._seed)
            found.append(measurement("auc-mia-bootstrap", estimate, examples=len(scores), attack=attack))
        return found


class CanaryAuc:
    """AUC of each attack among canaries only: those trained on against those held out.

    Canaries are mislabelled, so only memorising tells them apart: an attack that misses them in a classifier
    made to memorise is broken.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack; none where no canary was planted, or none was held out."""
        return [
            measurement("canary-auc", stats.auc_interval(scores, members), examples=len(scores), attack=attack)
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

    def __init__(self, metric: str, *, fpr: float) -> None:
        self._metric = metric
        self._fpr = fpr

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has members and enough non-members."""
        return [
            measurement(
                self._metric, stats.tpr_interval(scores, members, fpr=self._fpr), examples=len(scores), attack=attack
            )
            for attack, scores, members in challenges(evidence, canaries=False)
            if enough_for(members, fpr=self._fpr)
        ]


AUC_MIA = MetricComponent(
    "auc-mia",
    version="1",
    options=NoOptions,
    load=lambda _options: AucMia(),
    summary="how often an attack scores a member above a non-member",
    quantities=(area("auc-mia", "AUC", "how often an attack scores a member above a non-member; 0.5 is guessing"),),
)
AUC_MIA_BOOTSTRAP = MetricComponent(
    "auc-mia-bootstrap",
    version="1",
    options=ResamplingOptions,
    load=lambda options: AucMiaBootstrap(replicates=options.replicates, seed=options.seed),
    summary="the same, with an interval by bootstrap",
    quantities=(area("auc-mia-bootstrap", "AUC, bootstrap", "the same area, its interval by bootstrap"),),
)
CANARY_AUC = MetricComponent(
    "canary-auc",
    version="1",
    options=NoOptions,
    load=lambda _options: CanaryAuc(),
    summary="the same among planted, mislabelled examples only",
    quantities=(area("canary-auc", "planted canaries, AUC", "the same among canaries planted in the target itself"),),
)
TPR_AT_10_FPR = MetricComponent(
    "tpr-at-10-fpr",
    version="1",
    options=NoOptions,
    load=lambda _options: TprAtFpr("tpr-at-10-fpr", fpr=0.1),
    summary="share of members found at 10 % false alarms at most",
    quantities=(rate("tpr-at-10-fpr", "found at 10 % FPR", "members an attack finds at 10 % false alarms"),),
)
TPR_AT_1_FPR = MetricComponent(
    "tpr-at-1-fpr",
    version="2",
    options=NoOptions,
    load=lambda _options: TprAtFpr("tpr-at-1-fpr", fpr=0.01),
    summary="share of members found at 1 % false alarms at most",
    quantities=(rate("tpr-at-1-fpr", "found at 1 % FPR", "members an attack finds at 1 % false alarms"),),
)
TPR_AT_0_1_FPR = MetricComponent(
    "tpr-at-0-1-fpr",
    version="1",
    options=NoOptions,
    load=lambda _options: TprAtFpr("tpr-at-0-1-fpr", fpr=0.001),
    summary="the same at 0.1 %; needs 1,000 non-members",
    quantities=(rate("tpr-at-0-1-fpr", "found at 0.1 % FPR", "members an attack finds at 0.1 % false alarms"),),
)
