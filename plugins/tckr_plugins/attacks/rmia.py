"""RMIA, the robust membership-inference attack: an example's likelihood ratio against those of a population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackComponent
from tckr_bench.errors import TckrError
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.shadow_models import require_both_sides, require_outside
from tckr_plugins.attacks.shadow_options import ShadowOptions, shadows_of
from tckr_plugins.attacks.signals import of_shadows, of_target
from tckr_plugins.late import classification, np

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Bools, Floats, References, Scores


class RmiaOptions(ShadowOptions):
    """Options of `rmia`."""

    mode: Literal["online", "offline"] = Field(
        default="online", description="use shadow models trained with and without the example, or those without alone"
    )
    gamma: float = Field(default=1.0, gt=0, description="by how much an example must outdo one of the population")
    offline_a: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="offline alone: 1 if training leaves probabilities as they are, 0 if it lifts them to 1",
    )


class RmiaAttack:
    """Score each example by how many others of a population it outdoes in likelihood under the target.

    Formula: r(x) = p_target(y | x) / Pr(x) and s(x) = the share of population examples z with r(x) / r(z) > gamma.
    Pr(x) is the mean of p(y | x) over models with and without x. `online`: half the mean over the shadows trained
    on x plus half that over the others. `offline`: 1/2 ((1 + a) Pr_out(x) + 1 - a), with Pr_out the mean over the
    shadows not trained on x and `a` (`offline_a`) standing in for how far training lifts a probability towards 1.
    The population is the references, of which every shadow is OUT - online, Pr(z) is then their plain mean - or,
    where there are none, the other challenge examples. The published code writes the same ratios, strict inequality
    and interpolation with probabilities; here they are logarithms, so that small ones do not round to 0. The paper's
    Taylor softmax, trimmed mean and votes over augmented queries are left out, as in the authors' current tool.
    Examples that outdo equally many share a score in the paper, of which there are no more than population examples,
    so that a rate at few false alarms jumps. Here they are told apart by log r(x), within the step to the next count
    (`told_apart`): no count changes its place, and an example that shares its count with none scores as published.
    Source: Zarifzadeh, Liu and Shokri 2024, Low-Cost High-Power Membership Inference Attacks, sections 3 and 4;
    Privacy Meter.
    Threat model: the attacker sees the target's outputs for the example and for a population of the same
    distribution, knows their labels and the training recipe of the attacked classifier, and trains shadow models:
    online with and without the example, offline without it.
    """

    def __init__(
        self, *, mode: Literal["online", "offline"] = "online", gamma: float = 1.0, offline_a: float = 0.3
    ) -> None:
        self.mode = mode
        self.gamma = gamma
        self.offline_a = offline_a

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        how = "with and without" if self.mode == "online" else "without"
        return ThreatModel(
            sees="class probabilities of the released classifier, also for other examples of the same distribution",
            owns="the labels of the examples, the classifier's training recipe, and data of the same "
            f"distribution to train shadow models {how} the example",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the share of the population each example outdoes, (n,) float64, 0 to less than 1 and one step.

        Raises:
            TckrError: there are no shadow models, some example is never IN or never OUT, there is no population,
                or logits are not finite.
        """
        require = require_both_sides if self.mode == "online" else require_outside
        require(evidence.shadow_membership, attack="rmia")
        target = of_target(classification.log_likelihood, evidence.target_logits, evidence.labels)
        shadows = of_shadows(classification.log_likelihood, evidence.shadow_logits, evidence.labels)
        ratios = target - self._log_marginal(shadows, evidence.shadow_membership)
        if evidence.references is not None:
            population = self._reference_ratios(evidence.references)
            shares = share_outdone(ratios, population, gamma=self.gamma)
            return told_apart(shares, ratios, step=1 / len(population))
        if len(ratios) < 2:
            raise TckrError(
                "the attack 'rmia' needs a population to compare with, but there is one example and no validation "
                "split; use a protocol with a validation split, or more challenge examples"
            )
        return told_apart(share_outdone(ratios, None, gamma=self.gamma), ratios, step=1 / (len(ratios) - 1))

    def _reference_ratios(self, references: References) -> Floats:
        target = of_target(classification.log_likelihood, references.target_logits, references.labels)
        shadows = of_shadows(classification.log_likelihood, references.shadow_logits, references.labels)
        return target - self._log_marginal(shadows, np.zeros(shadows.shape, dtype=bool))

    def _log_marginal(self, shadows: Floats, membership: Bools) -> Floats:
        """Return log Pr(x) of n examples from log p(y | x) of K shadows, both (K, n); references are OUT of all."""
        outside = _log_mean(shadows, ~membership)
        if self.mode == "offline":
            lifted = outside + np.log1p(self.offline_a)
            rest = np.log1p(-self.offline_a) if self.offline_a < 1 else -np.inf
            marginal: Floats = np.logaddexp(lifted, rest) - np.log(2)
            return marginal
        if not membership.any():
            return outside
        both: Floats = np.logaddexp(_log_mean(shadows, membership), outside) - np.log(2)
        return both


def share_outdone(ratios: Floats, population: Floats | None, *, gamma: float) -> Floats:
    """Return the share of a population whose ratio each example's exceeds more than `gamma` times, 0 to 1.

    Ratios are logarithms, (n,) of the examples and (m,) of the population; without a population it is the other
    examples, n >= 2. Counted on the sorted population, in (n + m) log m.

    >>> share_outdone(np.log([1.0, 6.0]), np.log([0.5, 2.0, 4.0]), gamma=2.0).round(4).tolist()
    [0.0, 0.6667]
    """
    limits = ratios - np.log(gamma)
    if population is not None:
        found: Floats = np.searchsorted(np.sort(population), limits, side="left") / len(population)
        return found
    outdone = np.searchsorted(np.sort(ratios), limits, side="left") - (ratios < limits)
    others: Floats = outdone / (len(ratios) - 1)
    return others


def told_apart(shares: Floats, ratios: Floats, *, step: float) -> Floats:
    """Return shares (n,) with those that are equal spread, in the order of their ratios, over less than a step.

    Of k different ratios with one share the lowest keeps it, and each next one has 1 / k of the step more; equal ratios
    stay equal. `step` is how far different shares lie apart at least, and a higher ratio never has a lower share, as
    `share_outdone` has it.

    >>> told_apart(np.array([0.5, 0.0, 0.5, 0.5]), np.array([1.6, 0.3, 1.2, 1.6]), step=0.25).tolist()
    [0.625, 0.0, 0.5, 0.625]
    """
    values, places = np.unique(ratios, return_inverse=True)
    counted = np.empty(len(values))
    counted[places] = shares
    _, starts, sizes = np.unique(counted, return_index=True, return_counts=True)
    within = (np.arange(len(values)) - np.repeat(starts, sizes)) / np.repeat(sizes, sizes)
    found: Floats = shares + step * within[places]
    return found


def _log_mean(values: Floats, chosen: Bools) -> Floats:
    """Return log of the mean exp of the chosen values, (K, n) -> (n,); at least one is chosen of each column."""
    from scipy.special import logsumexp

    mean: Floats = logsumexp(np.where(chosen, values, -np.inf), axis=0) - np.log(chosen.sum(axis=0))
    return mean


RMIA = AttackComponent(
    "rmia",
    version="2",
    options=RmiaOptions,
    load=lambda options: RmiaAttack(mode=options.mode, gamma=options.gamma, offline_a=options.offline_a),
    summary="likelihood ratio against shadow models, ranked in a population (Zarifzadeh et al. 2024)",
    shadows=shadows_of,
)
