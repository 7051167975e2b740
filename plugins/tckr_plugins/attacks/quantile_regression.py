"""Quantile regression: how confident the target would be of an example that looks so, had it not seen it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackComponent, Options
from tckr_bench.errors import TckrError
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.signals import logit_scaled_confidence, of_target
from tckr_plugins.attacks.thumbnails import common_side, thumbnails
from tckr_plugins.late import np

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Floats, Images, Labels, References, Scores

SIDE = 8  # of the thumbnails that the regression looks at
MOST_COMPONENTS = 32
REFERENCES_PER_COMPONENT = 8
FEWEST_REFERENCES = 20
FOLDS = 5
PENALTIES = (-2, 4, 13)  # of ridge regression: the first and the last power of ten, and how many
QUANTILE_PENALTY = 1e-3
SMALLEST_DEVIATION = 1e-6  # a target that says the same of all would otherwise have infinite scores
EULER_GAMMA = 0.5772156649015329
MEAN_LOG_OF_GAUSSIAN = -0.5 * (EULER_GAMMA + math.log(2))  # E log |Z|, Z a standard Gaussian


class QuantileRegressionOptions(Options):
    """Options of `quantile-regression`."""

    regression: Literal["gaussian", "quantile"] = Field(
        default="gaussian", description="predict the mean and deviation of a non-member's confidence, or its quantile"
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="which quantile, where a quantile is predicted")


class QuantileRegressionAttack:
    """Score each example by how far the target's confidence lies above what is predicted of a non-member.

    Formula: phi(x, y) = log p_y - log sum_{k != y} p_k under the target is regressed, on the references (examples
    known not to be members), from the example: the leading principal components of its 8 x 8 thumbnail, and its label.
    `gaussian` predicts a mean m(x, y) and a deviation s(x, y), both by ridge regression (penalties by
    leave-one-out), the deviation from log |phi - m| of held-out fifths; s = (phi - m) / s orders by the quantile of
    that Gaussian. `quantile` predicts the quantile q(x, y) at a `level` by linear quantile regression; s = phi - q,
    positive for the examples that a test with a false-alarm rate of 1 - level calls members.
    Source: Bertran et al. 2023, Scalable Membership Inference Attacks via Quantile Regression, sections 2 and 3, which
    learns with a network from full-size images and takes the hinge z_y - max_{k != y} z_k for phi.
    Threat model: the attacker sees the target's outputs for the example and for non-members, and owns the example, its
    label, and labelled examples of the same distribution that are not members; it trains no shadow model and need not
    know the target's recipe.
    """

    def __init__(self, *, regression: Literal["gaussian", "quantile"] = "gaussian", level: float = 0.95) -> None:
        self.regression = regression
        self.level = level

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="class probabilities of the released classifier, also for non-members of the same distribution",
            owns="the example, its label, and labelled non-members of the same distribution",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return deviations (gaussian) or confidence (quantile) above the prediction of each example, (n,) float64.

        Raises:
            TckrError: images or references are not at hand or too few, or logits are not finite.
        """
        images, references = _require(evidence)
        signal = of_target(logit_scaled_confidence, evidence.target_logits, evidence.labels)
        known_signal = of_target(logit_scaled_confidence, references.target_logits, references.labels)
        known, asked = _features(references, images, evidence.labels, classes=evidence.target_logits.shape[1])
        if self.regression == "quantile":
            return signal - _predicted_quantile(known, known_signal, asked, level=self.level)
        return _standardised(known, known_signal, asked, signal)


def _require(evidence: AttackEvidence) -> tuple[Images, References]:
    images, references = evidence.images, evidence.references
    if images is None or references is None:
        raise TckrError(
            "the attack 'quantile-regression' learns from images known not to be members, but there is no validation "
            "split; use a protocol with a validation split"
        )
    if len(references.labels) < FEWEST_REFERENCES:
        raise TckrError(
            f"the attack 'quantile-regression' needs {FEWEST_REFERENCES} or more images known not to be members, but "
            f"the validation split has {len(references.labels)}; make it larger"
        )
    return images, references


def _features(references: References, images: Images, labels: Labels, *, classes: int) -> tuple[Floats, Floats]:
    """Return what the regression looks at, of the m references and the n examples: (m, d) and (n, d)."""
    side = common_side(references.images, images, largest=SIDE)
    known, asked = (thumbnails(part, side=side).reshape(len(part), -1) / 255.0 for part in (references.images, images))
    count = min(MOST_COMPONENTS, known.shape[1], len(known) // REFERENCES_PER_COMPONENT)
    centre = known.mean(axis=0)
    components = np.linalg.svd(known - centre, full_matrices=False)[2][:count].T
    of_class = np.eye(classes)
    return (
        np.hstack([(known - centre) @ components, of_class[references.labels]]),
        np.hstack([(asked - centre) @ components, of_class[labels]]),
    )


def _standardised(known: Floats, known_signal: Floats, asked: Floats, signal: Floats) -> Floats:
    """Return how many predicted deviations each signal lies above its predicted mean, (n,)."""
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold, cross_val_predict

    penalties = np.logspace(*PENALTIES)
    ridge = RidgeCV(alphas=penalties)
    residuals = known_signal - cross_val_predict(ridge, known, known_signal, cv=KFold(FOLDS))
    logs = np.log(np.maximum(np.abs(residuals), SMALLEST_DEVIATION)) - MEAN_LOG_OF_GAUSSIAN
    deviations = np.exp(RidgeCV(alphas=penalties).fit(known, logs).predict(asked))
    means = ridge.fit(known, known_signal).predict(asked)
    found: Floats = (signal - means) / np.maximum(deviations, SMALLEST_DEVIATION)
    return found


def _predicted_quantile(known: Floats, known_signal: Floats, asked: Floats, *, level: float) -> Floats:
    """Return the quantile of a non-member's signal that is predicted of each example, (n,)."""
    from sklearn.linear_model import QuantileRegressor

    model = QuantileRegressor(quantile=level, alpha=QUANTILE_PENALTY, solver="highs").fit(known, known_signal)
    predicted: Floats = model.predict(asked)
    return predicted


QUANTILE_REGRESSION = AttackComponent(
    "quantile-regression",
    version="1",
    options=QuantileRegressionOptions,
    load=lambda options: QuantileRegressionAttack(regression=options.regression, level=options.level),
    summary="confidence above what is predicted of a non-member that looks so (Bertran et al. 2023)",
)
