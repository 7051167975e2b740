"""What audits of the shadow models tell: the spread between trainings, and canaries one by one, in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions, Quantity
from tckr_plugins.late import stats
from tckr_plugins.metrics.measurements import audits, challenges, enough_for, measurement, with_canaries
from tckr_plugins.metrics.options import ResamplingOptions
from tckr_plugins.metrics.quantities import area, rate

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class AucBetweenTrainings:
    """Standard deviation of an attack's AUC between trainings: over the shadow models, each attacked in turn.

    It is apart from what the interval of an AUC tells, how far the examples of one training could mislead. The interval
    takes trainings for independent and their AUCs for normal (chi-square). `examples` counts trainings.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack with two shadow models or more."""
        return [
            measurement(
                "auc-between-trainings", stats.deviation_interval(audit.aucs), examples=len(audit.aucs), attack=attack
            )
            for attack, audit in audits(evidence)
            if len(audit.aucs) > 1
        ]


class TprBetweenTrainings:
    """Standard deviation of an attack's TPR at 1 % FPR between trainings, as `AucBetweenTrainings` is of its AUC."""

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack with two shadow models or more, and enough non-members."""
        return [
            measurement(
                "tpr-between-trainings", stats.deviation_interval(audit.tprs), examples=len(audit.tprs), attack=attack
            )
            for attack, audit in audits(evidence)
            if audit.tprs is not None and len(audit.tprs) > 1
        ]


class AucFromShadows:
    """How far an attack's AUC lies from those of the shadow models, each attacked in turn, in standard deviations.

    The target is one training among them if everything is made alike. The interval is where another shadow model would
    lie about it, by Student's distribution. `examples` counts shadow models.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack; none where the shadow models' AUCs do not differ."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            audit = evidence.attacks[attack].audit
            if audit is not None and len(audit.aucs) > 1 and audit.aucs.std() > 0:
                estimate = stats.deviations_from(stats.auc(scores, members), audit.aucs)
                found.append(measurement("auc-from-shadows", estimate, examples=len(audit.aucs), attack=attack))
        return found


class AuditCanaryAuc:
    """AUC of an attack on canaries, over all pairs of a shadow model and a canary, which is in it or not.

    Pairs of one canary are not independent, so the bootstrap draws canaries. `examples` counts pairs.
    """

    def __init__(self, *, replicates: int = 1000, seed: int = 0) -> None:
        self._replicates = replicates
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack; none without canaries in and out."""
        found = []
        for attack, audit in with_canaries(evidence):
            estimate = stats.clustered_auc_interval(
                audit.canary_scores, audit.canary_membership, replicates=self._replicates, seed=self._seed
            )
            found.append(measurement("audit-canary-auc", estimate, examples=audit.canary_scores.size, attack=attack))
        return found


class AuditCanaryTprAt1Fpr:
    """Share of pairs of a shadow model and a canary in it that are found when at most 1 % of the others are.

    Each resample of the canaries sets its own threshold. Fewer than 100 pairs of a canary and a model it is not in
    give no measurement. `examples` counts pairs.
    """

    def __init__(self, *, replicates: int = 1000, seed: int = 0) -> None:
        self._replicates = replicates
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack; none without canaries in and enough of them out."""
        found = []
        for attack, audit in with_canaries(evidence):
            if enough_for(audit.canary_membership, fpr=0.01):
                estimate = stats.clustered_tpr_interval(
                    audit.canary_scores, audit.canary_membership, fpr=0.01, replicates=self._replicates, seed=self._seed
                )
                examples = audit.canary_scores.size
                found.append(measurement("audit-canary-tpr-at-1-fpr", estimate, examples=examples, attack=attack))
        return found


AUC_BETWEEN_TRAININGS = MetricComponent(
    "auc-between-trainings",
    version="1",
    options=NoOptions,
    load=lambda _options: AucBetweenTrainings(),
    summary="spread of an attack's AUC over shadow models",
    quantities=(
        Quantity(
            "auc-between-trainings",
            "AUC between trainings, ±",
            "standard deviation of an attack's AUC between trainings",
            low=0,
        ),
    ),
)
TPR_BETWEEN_TRAININGS = MetricComponent(
    "tpr-between-trainings",
    version="1",
    options=NoOptions,
    load=lambda _options: TprBetweenTrainings(),
    summary="spread of an attack's TPR at 1 % FPR over shadow models",
    quantities=(
        Quantity(
            "tpr-between-trainings",
            "TPR@1% between trainings, ±",
            "standard deviation of an attack's TPR at 1 % false alarms between trainings",
            unit="points",
            scale=100,
            digits=1,
            low=0,
        ),
    ),
)
AUC_FROM_SHADOWS = MetricComponent(
    "auc-from-shadows",
    version="1",
    options=NoOptions,
    load=lambda _options: AucFromShadows(),
    summary="how far an attack's AUC lies from those of the shadow models",
    quantities=(
        Quantity(
            "auc-from-shadows",
            "AUC from shadow models, sd",
            "standard deviations that an attack's AUC lies from its AUCs on the shadow models",
            digits=1,
        ),
    ),
)
AUDIT_CANARY_AUC = MetricComponent(
    "audit-canary-auc",
    version="1",
    options=ResamplingOptions,
    load=lambda options: AuditCanaryAuc(replicates=options.replicates, seed=options.seed),
    summary="AUC on canaries, in and out of shadow models",
    quantities=(area("audit-canary-auc", "canaries, AUC", "AUC on canaries, in and out of shadow models"),),
)
AUDIT_CANARY_TPR_AT_1_FPR = MetricComponent(
    "audit-canary-tpr-at-1-fpr",
    version="1",
    options=ResamplingOptions,
    load=lambda options: AuditCanaryTprAt1Fpr(replicates=options.replicates, seed=options.seed),
    summary="TPR at 1 % FPR on the same canaries",
    quantities=(
        rate(
            "audit-canary-tpr-at-1-fpr",
            "canaries at 1 % FPR",
            "canaries found at 1 % false alarms, in and out of shadow models",
        ),
    ),
)
