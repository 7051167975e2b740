"""LiRA, the likelihood-ratio attack, in its online form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from tckr_bench.errors import TckrError
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.loss import require_finite

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import AttackEvidence, Labels, Scores

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

SMALLEST_VARIANCE = 1e-12  # shadows that all agree would otherwise make the likelihood ratio infinite


class LiraAttack:
    """Score each example by how much likelier the target's confidence is if it was trained on the example.

    Formula: phi = log p_y - log sum_{k != y} p_k (logit scaling) is taken of the target and of every shadow
    model. For each example i the shadows trained on it give a Gaussian N(mu_i_in, s_in^2), the others
    N(mu_i_out, s_out^2), and s(x_i) = log N(phi_target; mu_i_in, s_in^2) - log N(phi_target; mu_i_out,
    s_out^2).
    The means are always per example. `variance="fixed"` pools the squared deviations from those means over
    all examples, one pool for IN and one for OUT, divided by observations minus means; `"per-example"`
    estimates both variances for each example (divided by observations minus one).
    Source: Carlini et al. 2022, Membership Inference Attacks From First Principles, sections IV and VI.
    Threat model: the attacker sees the target's outputs for the example and knows its label, knows the
    training recipe of the attacked classifier, and owns data of the same distribution, the challenge examples
    included, to train shadow models. Not adaptive: the shadows do not repeat the making of synthetic data.
    """

    def __init__(self, *, variance: Literal["fixed", "per-example"] = "fixed") -> None:
        self.variance = variance

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="class probabilities of the released classifier",
            owns="the label of the example, the classifier's training recipe, and data of the same "
            "distribution to train shadow models with and without the example",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the log-likelihood ratio of each example, (n,) float64.

        Raises:
            TckrError: there are too few shadow models, some example is never IN or never OUT, or logits are not
                finite.
        """
        membership = evidence.shadow_membership
        self._require_shadows(membership)
        require_finite(evidence.target_logits, "the attacked classifier")
        require_finite(evidence.shadow_logits, "its shadow models")
        target = logit_scaled_confidence(evidence.target_logits, evidence.labels)
        shadows = np.stack([logit_scaled_confidence(logits, evidence.labels) for logits in evidence.shadow_logits])
        inside = self._log_density(target, shadows, membership)
        outside = self._log_density(target, shadows, ~membership)
        return inside - outside

    def _require_shadows(self, membership: Bools) -> None:
        if not len(membership):
            raise TckrError("the attack 'lira' was given no shadow models; set its option shadows to 16, say")
        needed = 1 if self.variance == "fixed" else 2
        counts = np.stack([membership.sum(axis=0), (~membership).sum(axis=0)])
        lacking = int((counts.min(axis=0) < needed).sum())
        if lacking:
            raise TckrError(
                f"the attack 'lira' needs every example in the training set of {needed} or more shadow "
                f"models and out of as many, but {lacking} of {membership.shape[1]} examples are not with "
                f"{len(membership)} shadow models; train more of them"
            )

    def _log_density(self, target: Floats, shadows: Floats, chosen: Bools) -> Floats:
        """Return the log density of target (n,) under the Gaussian of the chosen shadows, less a constant."""
        counts = chosen.sum(axis=0)
        means = np.where(chosen, shadows, 0.0).sum(axis=0) / counts
        squares = np.where(chosen, (shadows - means) ** 2, 0.0).sum(axis=0)
        if self.variance == "fixed":
            spare = int((counts - 1).sum())
            if spare < 1:
                raise TckrError(
                    "the attack 'lira' cannot estimate a variance from one shadow model per side; train more"
                )
            variance = np.full_like(target, squares.sum() / spare)
        else:
            variance = squares / (counts - 1)
        variance = np.maximum(variance, SMALLEST_VARIANCE)
        density: Floats = -0.5 * (np.log(variance) + (target - means) ** 2 / variance)
        return density


def logit_scaled_confidence(logits: npt.NDArray[np.float32], labels: Labels) -> Floats:
    """Return log p_y - log sum_{k != y} p_k for each example, (n, classes >= 2) -> (n,) float64.

    It equals z_y - log sum_{k != y} exp z_k: no probability is formed, so confident examples do not round to
    infinity.

    >>> logits = np.array([[2.0, 0.0], [0.0, 99.0]], dtype=np.float32)
    >>> logit_scaled_confidence(logits, np.array([0, 0])).tolist()
    [2.0, -99.0]
    """
    from scipy.special import logsumexp

    wide = np.asarray(logits, dtype=np.float64)
    own = labels[:, None]
    others = wide.copy()
    np.put_along_axis(others, own, -np.inf, axis=1)
    confidence: Floats = np.take_along_axis(wide, own, axis=1)[:, 0] - logsumexp(others, axis=1)
    return confidence
