"""What an attacker who has to guess gains: advantage, and the epsilon that his success refutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, Quantity
from tckr_plugins.late import stats
from tckr_plugins.metrics.measurements import challenges, enough_of_each, measurement, with_canaries
from tckr_plugins.metrics.options import EpsilonOptions, GaussianEpsilonOptions, SeedOptions
from tckr_plugins.metrics.quantities import epsilon

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class Advantage:
    """The most that TPR - FPR of an attack reaches at any threshold, 0 to 1, canaries left out.

    Thresholds are chosen on one half of the examples and judged on the other, both ways. Fewer than 20 members or
    non-members give no measurement.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has enough members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            if enough_of_each(members):
                estimate = stats.advantage(scores, members, half=stats.halves(members, seed=self._seed))
                found.append(measurement("advantage", estimate, examples=len(scores), attack=attack))
        return found


class EpsilonLower:
    """The epsilon, in nats, of every (epsilon, delta)-differential privacy that an attack refutes; canaries left out.

    A lower bound with one-sided 95 % confidence from one training (`stats.epsilon_lower_bound`): value and lower end
    are the bound, the upper end is the point estimate. It is about leaving an example out or putting it in, of the
    training of this classifier alone, and takes the split into members and others for a draw of independent coins.
    Fewer than 20 members or non-members give no measurement.
    """

    metric = "epsilon-lower"
    gaussian = False

    def __init__(self, *, delta: float = 1e-5, seed: int = 0) -> None:
        self._delta = delta
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has enough members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            if enough_of_each(members):
                estimate = stats.epsilon_lower_bound(
                    scores, members, seed=self._seed, delta=self._delta, gaussian=self.gaussian
                )
                found.append(measurement(self.metric, estimate, examples=len(scores), attack=attack))
        return found


class EpsilonLowerGaussian(EpsilonLower):
    """The same of a training whose privacy is that of Gaussian noise, as of DP-SGD it nearly is: a higher bound.

    It is measured where the training proves an epsilon, and nowhere else: of other trainings nothing says that their
    privacy is of that kind.
    """

    metric = "epsilon-lower-gaussian"
    gaussian = True

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack; none where nothing is proved."""
        return [] if evidence.guarantee is None else super().compute(evidence)


class AuditCanaryEpsilonLower:
    """The same bound as `epsilon-lower` over all pairs of a shadow model and a canary, which is in it or not.

    The coins of a canary are those of the shadow models, each a separate training; of two shadow models that share out
    the examples between them one coin decides, and is taken for two. `examples` counts pairs; fewer than 20 pairs in or
    out give no measurement.
    """

    def __init__(self, *, delta: float = 1e-5, seed: int = 0) -> None:
        self._delta = delta
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack; none without enough canaries in and out."""
        found = []
        for attack, audit in with_canaries(evidence):
            members, scores = audit.canary_membership.ravel(), audit.canary_scores.ravel()
            if enough_of_each(members):
                estimate = stats.epsilon_lower_bound(scores, members, seed=self._seed, delta=self._delta)
                found.append(measurement("audit-canary-epsilon-lower", estimate, examples=scores.size, attack=attack))
        return found


ADVANTAGE = MetricComponent(
    "advantage",
    version="1",
    options=SeedOptions,
    load=lambda options: Advantage(seed=options.seed),
    summary="the most that TPR - FPR reaches, thresholds judged on other examples",
    quantities=(
        Quantity(
            "advantage",
            "advantage",
            "the most that TPR - FPR of an attack reaches",
            unit="points",
            scale=100,
            digits=1,
            better="lower",
            low=-1,
            high=1,
        ),
    ),
)
EPSILON_LOWER = MetricComponent(
    "epsilon-lower",
    version="2",
    options=EpsilonOptions,
    load=lambda options: EpsilonLower(delta=options.delta, seed=options.seed),
    summary="the epsilon of differential privacy that an attack refutes",
    quantities=(epsilon("epsilon-lower", "ε at least", "the epsilon of differential privacy that an attack refutes"),),
)
EPSILON_LOWER_GAUSSIAN = MetricComponent(
    "epsilon-lower-gaussian",
    version="1",
    options=GaussianEpsilonOptions,
    load=lambda options: EpsilonLowerGaussian(delta=options.delta, seed=options.seed),
    summary="the epsilon that an attack refutes of a proved training, if its privacy is that of Gaussian noise",
    quantities=(
        epsilon(
            "epsilon-lower-gaussian",
            "ε at least, if Gaussian",
            "the epsilon that an attack refutes of a proved training, if its privacy is that of Gaussian noise",
        ),
    ),
)
AUDIT_CANARY_EPSILON_LOWER = MetricComponent(
    "audit-canary-epsilon-lower",
    version="2",
    options=EpsilonOptions,
    load=lambda options: AuditCanaryEpsilonLower(delta=options.delta, seed=options.seed),
    summary="the epsilon refuted on canaries, in and out of shadow models",
    quantities=(
        epsilon(
            "audit-canary-epsilon-lower",
            "canaries, ε at least",
            "the epsilon refuted on canaries, in and out of shadow models",
        ),
    ),
)
