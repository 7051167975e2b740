"""What an attacker who has to guess gains: advantage, and the epsilon that his success refutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.stats import advantage, epsilon_lower_bound, halves
from tckr_plugins.metrics.measurements import challenges, enough_of_each, measurement, with_canaries

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class Advantage:
    """The most that TPR - FPR of an attack reaches at any threshold, 0 to 1, canaries left out.

    Thresholds are chosen on one half of the examples and judged on the other, both ways. Fewer than 20 members or
    non-members give no measurement.
    """

    higher_is_better = False

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has enough members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            if enough_of_each(members):
                estimate = advantage(scores, members, half=halves(members, seed=self._seed))
                found.append(measurement("advantage", estimate, examples=len(scores), attack=attack))
        return found


class EpsilonLower:
    """The epsilon, in nats, of every (epsilon, delta)-differential privacy that an attack refutes; canaries left out.

    A lower bound with one-sided 95 % confidence: value and lower end are the bound, the upper end is the point
    estimate. Fewer than 20 members or non-members give no measurement.
    """

    higher_is_better = False

    def __init__(self, *, delta: float = 1e-5, seed: int = 0) -> None:
        self._delta = delta
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that has enough members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            if enough_of_each(members):
                half = halves(members, seed=self._seed)
                estimate = epsilon_lower_bound(scores, members, half=half, delta=self._delta)
                found.append(measurement("epsilon-lower", estimate, examples=len(scores), attack=attack))
        return found


class AuditCanaryEpsilonLower:
    """The same bound over all pairs of a shadow model and a canary, which is in it or not.

    The halves are of canaries, so that no canary chooses the threshold it is judged by. For given canaries the pairs of
    one are separate trainings. `examples` counts pairs; fewer than 20 pairs in or out give no measurement.
    """

    higher_is_better = False

    def __init__(self, *, delta: float = 1e-5, seed: int = 0) -> None:
        self._delta = delta
        self._seed = seed

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack; none without enough canaries in and out, in either half."""
        found = []
        for attack, audit in with_canaries(evidence):
            members = audit.canary_membership
            drawn = halves(np.ones(members.shape[1], dtype=bool), seed=self._seed)
            if enough_of_each(members[:, drawn], fewest=10) and enough_of_each(members[:, ~drawn], fewest=10):
                half = np.broadcast_to(drawn, members.shape).ravel()
                scores = audit.canary_scores.ravel()
                estimate = epsilon_lower_bound(scores, members.ravel(), half=half, delta=self._delta)
                found.append(measurement("audit-canary-epsilon-lower", estimate, examples=scores.size, attack=attack))
        return found
