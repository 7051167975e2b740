"""The calibrated loss: how much better the target fits an example than models that never saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import AttackComponent
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.shadow_models import moments, require_outside
from tckr_plugins.attacks.shadow_options import ShadowOptions, shadows_of
from tckr_plugins.attacks.signals import of_shadows, of_target
from tckr_plugins.late import classification

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Scores


class CalibratedLossAttack:
    """Score each example by its log-likelihood under the target, less that under shadows not trained on it.

    Formula: s(x, y) = log p_target(y | x) - mean over OUT shadows of log p(y | x). The mean measures how difficult
    the example is, so that easy examples no longer pass for members.
    Source: Watson, Guo, Cormode and Sablayrolles 2022, On the Importance of Difficulty Calibration in Membership
    Inference Attacks, section 3.
    Threat model: the attacker sees the target's outputs for the example and knows its label, knows the training recipe
    of the attacked classifier, and owns data of the same distribution to train shadow models without the example.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="class probabilities of the released classifier",
            owns="the label of the example, the classifier's training recipe, and data of the same "
            "distribution to train shadow models without the example",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the calibrated log-likelihood of each example, (n,) float64.

        Raises:
            TckrError: there are no shadow models, some example is never OUT, or logits are not finite.
        """
        require_outside(evidence.shadow_membership, attack="calibrated-loss")
        target = of_target(classification.log_likelihood, evidence.target_logits, evidence.labels)
        shadows = of_shadows(classification.log_likelihood, evidence.shadow_logits, evidence.labels)
        return target - moments(shadows, ~evidence.shadow_membership).means


CALIBRATED_LOSS = AttackComponent(
    "calibrated-loss",
    version="1",
    options=ShadowOptions,
    load=lambda _options: CalibratedLossAttack(),
    summary="log-likelihood less that under models which never saw the example (Watson et al. 2022)",
    shadows=shadows_of,
)
