"""LiRA, the likelihood-ratio attack: online and offline, with plain and altered queries."""

from __future__ import annotations

import math
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
    from collections.abc import Iterator

    from tckr_bench.records import AttackEvidence, Bools, Floats, Logits, Scores, ShadowLogits


class LiraOptions(ShadowOptions):
    """Options of `lira`."""

    mode: Literal["online", "offline"] = Field(
        default="online", description="use shadow models trained with and without the example, or those without alone"
    )
    tail: Literal["one-sided", "two-sided"] = Field(
        default="one-sided",
        description="offline alone: only more confidence than the shadows' speaks for a member, or any deviation",
    )
    variance: Literal["fixed", "per-example"] = Field(
        default="fixed",
        description="pool the variance over the examples (better with few shadows), or estimate it for each",
    )
    queries: Literal["plain", "all"] = Field(
        default="plain",
        description="ask about the example alone, or its altered copies as well (augmented_queries in the matrix)",
    )


class LiraAttack:
    """Score each example by how much likelier the target's confidence is if it was trained on the example.

    Formula: phi = log p_y - log sum_{k != y} p_k (logit scaling) is taken of the target and of every shadow
    model. For each example i the shadows trained on it give a Gaussian N(mu_i_in, s_in^2), the others
    N(mu_i_out, s_out^2). `online`: s(x_i) = log N(phi_target; mu_i_in, s_in^2) - log N(phi_target; mu_i_out,
    s_out^2). `offline` looks at the shadows not trained on the example alone: `one-sided` is
    -log Pr[N(mu_i_out, s_out^2) > phi_target], which orders as the paper's 1 - Pr[...] does and still tells
    apart the members whose probability rounds to 1; `two-sided` is -log N(phi_target; mu_i_out, s_out^2), as in
    the published code, which also takes a target that is less sure than the shadows for a member's.
    The means are always per example. `variance="fixed"` pools the squared deviations from those means over
    all examples, one pool for IN and one for OUT, divided by observations minus means; `"per-example"`
    estimates both variances for each example (divided by observations minus one). (The published code takes
    medians, divides by observations, and pools the means with the variance; the differences are on purpose.)
    `queries="all"` scores the example itself and each altered copy of it so, every query with Gaussians of its own,
    and averages the log scores, as the published code does: the sum over the queries is the log-likelihood ratio of
    Gaussians with diagonal covariance, and the mean keeps the scale of a single query.
    Source: Carlini et al. 2022, Membership Inference Attacks From First Principles, sections IV to VI.
    Threat model: the attacker sees the target's outputs for the example and knows its label, knows the
    training recipe of the attacked classifier, and owns data of the same distribution to train shadow models: online
    with and without the example, offline without it. Unless the shadows are adaptive, they do not repeat the making
    of synthetic data.
    """

    def __init__(
        self,
        *,
        mode: Literal["online", "offline"] = "online",
        tail: Literal["one-sided", "two-sided"] = "one-sided",
        variance: Literal["fixed", "per-example"] = "fixed",
        queries: Literal["plain", "all"] = "plain",
    ) -> None:
        self.mode = mode
        self.tail = tail
        self.variance = variance
        self.queries = queries

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        copies = ", also for altered copies of the example" if self.queries == "all" else ""
        how = "with and without" if self.mode == "online" else "without"
        return ThreatModel(
            sees=f"class probabilities of the released classifier{copies}",
            owns="the label of the example, the classifier's training recipe, and data of the same "
            f"distribution to train shadow models {how} the example",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the log-likelihood ratio (online) or log tail probability (offline) of each example, (n,) float64.

        Raises:
            TckrError: there are too few shadow models, some example is never IN or never OUT, logits are not
                finite, or altered copies are wanted and were not asked about.
        """
        require = require_both_sides if self.mode == "online" else require_outside
        require(evidence.shadow_membership, attack="lira", needed=1 if self.variance == "fixed" else 2)
        found: list[Floats] = []
        for target_logits, shadow_logits in self._queries(evidence):
            target = of_target(logit_scaled_confidence, target_logits, evidence.labels)
            shadows = of_shadows(logit_scaled_confidence, shadow_logits, evidence.labels)
            found.append(self._score_query(target, shadows, evidence.shadow_membership))
        mean: Floats = np.mean(found, axis=0)
        return mean

    def _queries(self, evidence: AttackEvidence) -> Iterator[tuple[Logits, ShadowLogits]]:
        """Yield, for each query, the outputs of the target (n, classes) and of the shadows (K, n, classes)."""
        target, shadows = evidence.target_queries, evidence.shadow_queries
        if self.queries == "all" and (target is None or shadows is None):
            raise TckrError(
                "the attack 'lira' with queries 'all' was given no altered copies of the examples; set "
                "augmented_queries in the matrix to 4, say"
            )
        yield evidence.target_logits, evidence.shadow_logits
        if self.queries == "all" and target is not None and shadows is not None:
            for index, of_copy in enumerate(target):
                yield of_copy, shadows[:, index]

    def _score_query(self, target: Floats, shadows: Floats, membership: Bools) -> Floats:
        """Return the scores that one query gives, target (n,), shadows and membership (K, n) -> (n,)."""
        outside = moments(shadows, ~membership)
        if self.mode == "online":
            return self._log_density(target, moments(shadows, membership)) - self._log_density(target, outside)
        if self.tail == "two-sided":
            constant = 0.5 * math.log(2 * math.pi)
            return constant - self._log_density(target, outside)
        from scipy.special import log_ndtr

        survival: Floats = log_ndtr((outside.means - target) / np.sqrt(self._variance(outside)))
        return -survival

    def _log_density(self, target: Floats, side: Moments) -> Floats:
        """Return the log density of target (n,) under the Gaussians of one side, less a constant."""
        variance = self._variance(side)
        density: Floats = -0.5 * (np.log(variance) + (target - side.means) ** 2 / variance)
        return density

    def _variance(self, side: Moments) -> Floats:
        """Return the variance of each example, (n,), pooled or its own."""
        if self.variance == "per-example":
            return np.maximum(side.squares / (side.counts - 1), SMALLEST_VARIANCE)
        spare = int((side.counts - 1).sum())
        if spare < 1:
            raise TckrError("the attack 'lira' cannot estimate a variance from one shadow model per side; train more")
        return np.full_like(side.means, max(side.squares.sum() / spare, SMALLEST_VARIANCE))


LIRA = AttackComponent(
    "lira",
    version="1",
    options=LiraOptions,
    load=lambda options: LiraAttack(
        mode=options.mode, tail=options.tail, variance=options.variance, queries=options.queries
    ),
    summary="likelihood ratio against shadow models trained with and without the example (LiRA)",
    shadows=shadows_of,
)
