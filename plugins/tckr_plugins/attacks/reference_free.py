"""Attacks that compare with nothing: what the target's outputs alone say of an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import AttackComponent, NoOptions
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.signals import of_target
from tckr_plugins.late import classification, np

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Floats, Labels, Logits, Scores


class ConfidenceAttack:
    """Score each example by the probability the target gives its label, p_y.

    Formula: s(x, y) = exp(z_y - log sum_k exp z_k), with z the target's logits. It orders as `loss` does, save that
    probabilities which round to 1 become equal.
    Source: Salem et al. 2019, ML-Leaks; Song and Mittal 2021, Systematic Evaluation of Privacy Risks.
    Threat model: the attacker sees the target's outputs for the example and knows its label; owns nothing else.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="class probabilities of the released classifier", owns="the label of the example")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return p(label) of each example, (n,) float64, 0 to 1.

        Raises:
            TckrError: the target's logits are not all numbers.
        """
        likelihood: Floats = np.exp(of_target(classification.log_likelihood, evidence.target_logits, evidence.labels))
        return likelihood


class EntropyAttack:
    """Score each example by minus the entropy of the target's prediction.

    Formula: s(x) = sum_k p_k log p_k.
    Source: Shokri et al. 2017, Membership Inference Attacks Against Machine Learning Models; Song and Mittal 2021.
    Threat model: the attacker sees the target's outputs for the example; owns nothing, not even the label. A wrong
    and confident prediction looks like a member's.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="class probabilities of the released classifier", owns="nothing else")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return minus the entropy of each prediction, (n,) float64, -log(classes) to 0.

        Raises:
            TckrError: the target's logits are not all numbers.
        """
        return of_target(negative_entropy, evidence.target_logits, evidence.labels)


class ModifiedEntropyAttack:
    """Score each example by minus the modified entropy of the target's prediction, which knows the label.

    Formula: s(x, y) = (1 - p_y) log p_y + sum_{k != y} p_k log(1 - p_k).
    Source: Song and Mittal 2021, Systematic Evaluation of Privacy Risks of Machine Learning Models, equation 6.
    Threat model: the attacker sees the target's outputs for the example and knows its label; owns nothing else.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="class probabilities of the released classifier", owns="the label of the example")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return minus the modified entropy of each prediction, (n,) float64, at most 0.

        Raises:
            TckrError: the target's logits are not all numbers.
        """
        return of_target(negative_modified_entropy, evidence.target_logits, evidence.labels)


class GapAttack:
    """Score each example by whether the target predicts its label: 1 if so, else 0.

    Formula: s(x, y) = [argmax_k z_k = y]. Its advantage is the gap between accuracy on members and on others, and
    an attack that learns nothing more than the gap has found overfitting alone.
    Source: Yeom et al. 2018, Privacy Risk in Machine Learning, adversary 1.
    Threat model: the attacker sees the target's predicted class for the example and knows its label; owns nothing
    else.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="the predicted class of the released classifier", owns="the label of the example")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return 1 where the prediction is right, else 0, (n,) float64.

        Raises:
            TckrError: the target's logits are not all numbers.
        """
        return of_target(_correctness, evidence.target_logits, evidence.labels)


def negative_entropy(logits: Logits, _labels: Labels) -> Floats:
    """Return sum_k p_k log p_k of each example, (n, classes) -> (n,) float64; p log p is 0 where p rounds to 0.

    >>> negative_entropy(np.zeros((1, 2), dtype=np.float32), np.array([0])).round(4).tolist()
    [-0.6931]
    """
    from scipy.special import log_softmax

    log_p = log_softmax(np.asarray(logits, dtype=np.float64), axis=1)
    entropy: Floats = (np.exp(log_p) * log_p).sum(axis=1)
    return entropy


def negative_modified_entropy(logits: Logits, labels: Labels) -> Floats:
    """Return (1 - p_y) log p_y + sum_{k != y} p_k log(1 - p_k) of each example, (n, classes >= 2) -> (n,) float64.

    >>> negative_modified_entropy(np.zeros((1, 2), dtype=np.float32), np.array([0])).round(4).tolist()
    [-0.6931]
    """
    from scipy.special import log_softmax

    log_p = log_softmax(np.asarray(logits, dtype=np.float64), axis=1)
    log_rest = _log_complement(log_p)
    own = labels[:, None]
    terms = np.exp(log_p) * log_rest
    own_term = np.exp(np.take_along_axis(log_rest, own, axis=1)) * np.take_along_axis(log_p, own, axis=1)
    np.put_along_axis(terms, own, own_term, axis=1)
    entropy: Floats = terms.sum(axis=1)
    return entropy


def _log_complement(log_p: Floats) -> Floats:
    """Return log(1 - p) of log p, (n, classes); for the likeliest class the other probabilities are summed.

    Only that class can have a p so near 1 that 1 - p loses its digits.
    """
    from scipy.special import logsumexp

    likeliest = log_p.argmax(axis=1)[:, None]
    others = log_p.copy()
    np.put_along_axis(others, likeliest, -np.inf, axis=1)
    complement: Floats = np.log1p(-np.exp(others))
    np.put_along_axis(complement, likeliest, logsumexp(others, axis=1, keepdims=True), axis=1)
    return complement


def _correctness(logits: Logits, labels: Labels) -> Floats:
    return classification.correct(logits, labels).astype(np.float64)


CONFIDENCE = AttackComponent(
    "confidence",
    version="1",
    options=NoOptions,
    load=lambda _options: ConfidenceAttack(),
    summary="the probability of the label",
)
ENTROPY = AttackComponent(
    "entropy",
    version="1",
    options=NoOptions,
    load=lambda _options: EntropyAttack(),
    summary="minus the entropy of the prediction",
)
MODIFIED_ENTROPY = AttackComponent(
    "modified-entropy",
    version="1",
    options=NoOptions,
    load=lambda _options: ModifiedEntropyAttack(),
    summary="minus an entropy that knows the label (Song and Mittal 2021)",
)
GAP = AttackComponent(
    "gap",
    version="1",
    options=NoOptions,
    load=lambda _options: GapAttack(),
    summary="whether the prediction is right (Yeom et al. 2018)",
)
