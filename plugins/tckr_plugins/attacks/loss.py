"""The loss attack: members are fitted better than non-members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import AttackComponent, NoOptions
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.signals import of_target
from tckr_plugins.late import classification

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Scores


class LossAttack:
    """Score each example by minus its cross-entropy under the target, log p(y | x).

    Formula: s(x, y) = z_y - log sum_k exp z_k, with z the target's logits.
    Source: Yeom et al. 2018, Privacy Risk in Machine Learning.
    Threat model: the attacker sees the target's outputs for the example and knows its label; owns nothing
    else. It cannot tell a member from an easy example, so it understates the risk of a capable attacker.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="class probabilities of the released classifier", owns="the label of the example")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return log p(label) of each example, (n,) float64, at most 0.

        Raises:
            TckrError: the target's logits are not all numbers.
        """
        return of_target(classification.log_likelihood, evidence.target_logits, evidence.labels)


LOSS = AttackComponent(
    "loss",
    version="1",
    options=NoOptions,
    load=lambda _options: LossAttack(),
    summary="minus the cross-entropy: members are fitted better",
)
