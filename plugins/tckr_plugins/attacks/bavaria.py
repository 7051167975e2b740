"""BaVarIA, Bayesian variance inference: LiRA whose variances are shrunk as far as the data says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackComponent
from tckr_bench.errors import TckrError
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.shadow_models import (
    SMALLEST_VARIANCE,
    Moments,
    moments,
    require_both_sides,
    require_outside,
)
from tckr_plugins.attacks.shadow_options import ShadowOptions, shadows_of
from tckr_plugins.attacks.signals import logit_scaled_confidence, of_shadows, of_target
from tckr_plugins.late import np

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Floats, Scores

FEWEST_DEGREES, MOST_DEGREES = 2e-3, 1e6  # of a prior; beyond either nothing changes but rounding
SMALLEST_TAIL = 1e-290  # tail probabilities below this have lost digits


class BavariaOptions(ShadowOptions):
    """Options of `bavaria`."""

    mode: Literal["online", "offline"] = Field(
        default="online", description="use shadow models trained with and without the example, or those without alone"
    )
    predictive: Literal["t", "n"] = Field(
        default="t",
        description="Student's t, which knows how uncertain mean and variance are, or a Gaussian with that variance",
    )


class BavariaAttack:
    """Score each example as LiRA does, with a prior on its variances that is learned from all examples.

    Formula: with phi = log p_y - log sum_{k != y} p_k, the n shadows on one side (IN or OUT) of example i have mean m
    and squared deviations Q. The prior of their variance is scaled inverse chi-squared with nu_0 degrees and scale
    s_0^2; the prior of their mean is flat, which is the limit of the normal-inverse-gamma prior that keeps means
    per example. The variance is then (nu_0 s_0^2 + Q) / nu with nu = nu_0 + n - 1, between LiRA's `per-example`
    (nu_0 = 0) and `fixed` (nu_0 infinite), and phi of another model is predicted by `t`, Student's t with nu degrees
    around m with that variance times 1 + 1/n, or by `n`, the Gaussian around m with that variance. nu_0 and s_0^2
    come by empirical Bayes, for each side, from mean and variance of the log sample variances over the examples.
    `online`: s(x_i) = log predictive density of phi_target IN less OUT. `offline`: -log of the OUT tail above
    phi_target.
    Source: Brännvall 2026, Exponential-Family Membership Inference: From LiRA and RMIA to BaVarIA, arXiv 2603.11799.
    Built from the paper's abstract - conjugate normal-inverse-gamma priors, a Student-t predictive (BaVarIA-t) or a
    Gaussian with stabilised variance (BaVarIA-n) - and not checked against its text or code: the flat prior of the
    mean and the way the prior is learned (Smyth 2004, Linear Models and Empirical Bayes Methods, section 6.2)
    are choices made here.
    Threat model: as of `lira`: the attacker sees the target's outputs for the example and knows its label, knows the
    training recipe of the attacked classifier, and owns data of the same distribution to train shadow models: online
    with and without the example, offline without it.
    """

    def __init__(self, *, mode: Literal["online", "offline"] = "online", predictive: Literal["t", "n"] = "t") -> None:
        self.mode = mode
        self.predictive = predictive

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        how = "with and without" if self.mode == "online" else "without"
        return ThreatModel(
            sees="class probabilities of the released classifier",
            owns="the label of the example, the classifier's training recipe, and data of the same "
            f"distribution to train shadow models {how} the example",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the log predictive ratio (online) or minus the log tail (offline) of each example, (n,) float64.

        Raises:
            TckrError: there are too few shadow models, some example is never IN or never OUT, or logits are not
                finite.
        """
        membership = evidence.shadow_membership
        require = require_both_sides if self.mode == "online" else require_outside
        require(membership, attack="bavaria")
        target = of_target(logit_scaled_confidence, evidence.target_logits, evidence.labels)
        shadows = of_shadows(logit_scaled_confidence, evidence.shadow_logits, evidence.labels)
        outside = self._predict(moments(shadows, ~membership))
        if self.mode == "offline":
            return -outside.log_survival(target)
        return self._predict(moments(shadows, membership)).log_density(target) - outside.log_density(target)

    def _predict(self, side: Moments) -> Predictive:
        """Return what the shadows on one side predict of another model."""
        prior = fit_variance_prior(side)
        degrees = prior.degrees + side.counts.astype(np.float64) - 1
        variance = (prior.degrees * prior.scale + side.squares) / degrees
        if self.predictive == "n":
            return Predictive(side.means, np.sqrt(variance), np.full(degrees.shape, np.inf))
        return Predictive(side.means, np.sqrt(variance * (1 + 1 / side.counts)), degrees)


@dataclass(frozen=True)
class VariancePrior:
    """A scaled inverse chi-squared distribution: as `degrees` observations of variance `scale` would say."""

    degrees: float
    scale: float


@dataclass(frozen=True)
class Predictive:
    """Student's t around `means` with `deviations` and `degrees`, each (n,); infinite degrees make it a Gaussian."""

    means: Floats
    deviations: Floats
    degrees: Floats

    def log_density(self, values: Floats) -> Floats:
        """Return the log density of values (n,)."""
        from scipy.stats import t

        density: Floats = t.logpdf(values, self.degrees, loc=self.means, scale=self.deviations)
        return density

    def log_survival(self, values: Floats) -> Floats:
        """Return the log probability of more than each value (n,), finite however far out."""
        from scipy.special import log_ndtr, stdtr

        distances = (values - self.means) / self.deviations
        gaussian = np.isinf(self.degrees)
        degrees = np.where(gaussian, 1.0, self.degrees)
        tail = stdtr(degrees, -distances)
        near = np.log(np.maximum(tail, SMALLEST_TAIL))
        of_t = np.where(tail < SMALLEST_TAIL, _log_far_tail(np.maximum(distances, 1.0), degrees), near)
        return np.where(gaussian, log_ndtr(-distances), of_t)


def _log_far_tail(distances: Floats, degrees: Floats) -> Floats:
    """Return the log tail of Student's t far out: its density times Mills' ratio, (nu + x^2) / ((nu + 1) x)."""
    from scipy.stats import t

    ratio = np.log(degrees + distances**2) - np.log((degrees + 1) * distances)
    tail: Floats = t.logpdf(distances, degrees) + ratio
    return tail


def fit_variance_prior(side: Moments) -> VariancePrior:
    """Return the prior under which the examples' sample variances spread as they do, by moments of their logarithms.

    Where they spread no more than the same variance everywhere would have them, the prior is that pooled variance
    with (all but) infinite degrees. Examples with one shadow model say nothing.

    >>> alike = Moments(np.array([3, 3]), np.zeros(2), np.array([4.0, 4.0]))
    >>> fit_variance_prior(alike)
    VariancePrior(degrees=1000000.0, scale=2.0)

    Raises:
        TckrError: every example has one shadow model.
    """
    from scipy.special import polygamma, psi

    spare = side.counts - 1
    if not spare.any():
        raise TckrError("the attack 'bavaria' cannot estimate a variance from one shadow model per side; train more")
    known = spare > 0
    half = spare[known] / 2
    logs = np.log(np.maximum(side.squares[known] / spare[known], SMALLEST_VARIANCE)) - psi(half) + np.log(half)
    spread = float(logs.var(ddof=1) - polygamma(1, half).mean()) if len(logs) > 1 else 0.0
    half_degrees = _inverse_trigamma(spread)
    if 2 * half_degrees >= MOST_DEGREES:
        return VariancePrior(MOST_DEGREES, max(float(side.squares.sum() / spare.sum()), SMALLEST_VARIANCE))
    return VariancePrior(2 * half_degrees, float(np.exp(logs.mean() + psi(half_degrees) - math.log(half_degrees))))


def _inverse_trigamma(value: float) -> float:
    """Return the x within half the allowed degrees whose trigamma is nearest the value; trigamma falls."""
    from scipy.optimize import brentq
    from scipy.special import polygamma

    low, high = FEWEST_DEGREES / 2, MOST_DEGREES / 2
    if value <= polygamma(1, high):
        return high
    if value >= polygamma(1, low):
        return low
    found = brentq(lambda log_x: math.log(polygamma(1, math.exp(log_x)) / value), math.log(low), math.log(high))
    return math.exp(found)


BAVARIA = AttackComponent(
    "bavaria",
    version="1",
    options=BavariaOptions,
    load=lambda options: BavariaAttack(mode=options.mode, predictive=options.predictive),
    summary="'lira' with variances between pooled and per example, by empirical Bayes; for few shadow models",
    shadows=shadows_of,
)
