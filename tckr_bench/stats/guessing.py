"""What an attacker who has to guess gains: thresholds are chosen on one half of the examples, judged on the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, Tails
from tckr_bench.stats.operating import roc_curve
from tckr_bench.stats.proportions import beta_interval, difference, wilson, wilson_ends

if TYPE_CHECKING:
    from tckr_bench.records import Bools, Floats


def halves(members: Bools, *, seed: int) -> Bools:
    """Draw half of the members and half of the non-members, rounded down, (n,).

    >>> members = np.array([True, True, False, False])
    >>> half = halves(members, seed=0)
    >>> half[members].sum(), half[~members].sum()
    (np.int64(1), np.int64(1))
    """
    generator = np.random.default_rng(seed)
    drawn = np.zeros(len(members), dtype=bool)
    for side in (members, ~members):
        drawn[generator.permutation(np.flatnonzero(side))[: side.sum() // 2]] = True
    return drawn


def advantage(scores: Floats, members: Bools, *, half: Bools, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the advantage: the most that TPR - FPR reaches at any threshold, 0 to 1 (Yeom et al. 2018).

    The best threshold of each half is judged on the other and the counts are added up: a threshold judged where it was
    chosen would gain from chance alone. The lower end is that of Newcombe's interval (1998, method 10). A chosen
    threshold falls short of the best one, so the upper end is the highest that Newcombe's intervals reach at any
    threshold on all examples. The best threshold is among them, so it errs no more often than one interval does.

    Args:
        scores: (n,) finite.
        members: (n,) with at least one True and one False in either half.
        half: (n,) which examples are the first half.
        confidence: of the interval, 0 to 1.

    >>> members, half = np.arange(200) < 100, np.arange(200) % 2 == 0
    >>> estimate = advantage(members.astype(float), members, half=half)
    >>> estimate.value, round(estimate.low, 3), estimate.high  # 1 - sqrt(2) * 1.96 ** 2 / (100 + 1.96 ** 2)
    (1.0, 0.948, 1.0)
    """
    hits = alarms = 0
    for chosen_on, judged_on in ((half, ~half), (~half, half)):
        curve = roc_curve(scores[chosen_on], members[chosen_on])
        best = curve.thresholds[np.argmax(curve.true_positive_rates - curve.false_positive_rates)]
        hits += int((scores[judged_on & members] >= best).sum())
        alarms += int((scores[judged_on & ~members] >= best).sum())
    count, others = int(members.sum()), int((~members).sum())
    rates = [wilson(*counts, confidence=confidence) for counts in ((hits, count), (alarms, others))]
    judged = difference(rates[0], rates[1], method="Newcombe, threshold chosen on the other half")
    value = max(0.0, judged.value)
    high = max(value, _highest_reach(scores, members, confidence))
    return Estimate(value, max(0.0, min(judged.low, value)), min(1.0, high), judged.method)


def _highest_reach(scores: Floats, members: Bools, confidence: float) -> float:
    """Return the highest upper end of Newcombe's intervals of TPR - FPR over all thresholds."""
    curve = roc_curve(scores, members)
    tail = (1 - confidence) / 2
    tpr, fpr = curve.true_positive_rates, curve.false_positive_rates
    _, above = wilson_ends(tpr, int(members.sum()), Tails(tail, tail))
    below, _ = wilson_ends(fpr, int((~members).sum()), Tails(tail, tail))
    return float((tpr - fpr + np.hypot(above - tpr, fpr - below)).max())


@dataclass(frozen=True)
class _Guess:
    """A threshold, and whether those at or above it are guessed to be members, or those below it non-members."""

    threshold: float
    members_first: bool

    def counts(self, scores: Floats, members: Bools) -> tuple[int, int, int, int]:
        """Return how many guesses are right, of how many, and how many are wrong, of how many."""
        guessed = (scores >= self.threshold) == self.members_first
        asked = members == self.members_first
        return int((guessed & asked).sum()), int(asked.sum()), int((guessed & ~asked).sum()), int((~asked).sum())


def epsilon_lower_bound(
    scores: Floats, members: Bools, *, half: Bools, delta: float = 1e-5, confidence: float = CONFIDENCE
) -> Estimate:
    """Bound from below the epsilon (nats) of any (epsilon, delta)-differential privacy the target could have.

    Such privacy allows no test with TPR > e^epsilon FPR + delta, nor with TNR > e^epsilon FNR + delta (Kairouz et al.
    2015), so a test refutes every epsilon below ln((TPR - delta) / FPR). Each half chooses a threshold and one of the
    two directions, by the bound they promise; the other half bounds both rates by Clopper and Pearson's limits (as
    Jagielski et al. 2020 and Nasr et al. 2021). The better of the two bounds counts; all four limits hold at once with
    the confidence given, by Bonferroni. Examples of a single training are taken for independent trials: strictly that
    is granted by many trainings, or by canaries in and out (Steinke et al. 2023).

    Returns:
        The bound as value and lower end, 0 where nothing is refuted; as upper end the point estimate, half an example
        added to each count.

    >>> members, half = np.arange(2000) < 1000, np.arange(2000) % 2 == 0
    >>> estimate = epsilon_lower_bound(members.astype(float), members, half=half)
    >>> a = 0.0125 ** (1 / 500)  # at least a of 500 members are found, and at most 1 - a of 500 non-members
    >>> round(estimate.value, 4) == round(math.log((a - 1e-5) / (1 - a)), 4), round(estimate.high, 3)
    (True, 6.909)
    """
    limit = (1 - confidence) / 4
    found = []
    for chosen_on, judged_on in ((half, ~half), (~half, half)):
        guess = _most_promising(scores[chosen_on], members[chosen_on], delta=delta, limit=limit)
        right, asked, wrong, others = guess.counts(scores[judged_on], members[judged_on])
        least = beta_interval(right, asked, Tails(limit, limit))[0]
        most = beta_interval(wrong, others, Tails(limit, limit))[1]
        likely = _epsilon((right + 0.5) / (asked + 1), (wrong + 0.5) / (others + 1), delta)
        sides = ("members", "non-members") if guess.members_first else ("non-members", "members")
        counts = f"{right} of {asked} {sides[0]} against {wrong} of {others} {sides[1]}"
        found.append((_epsilon(least, most, delta), likely, counts))
    bound, likely, counts = max(found)
    method = (
        f"{100 * confidence:g} % lower bound at delta {delta:g} (Clopper-Pearson), up to the point estimate; {counts}"
    )
    return Estimate(bound, bound, max(bound, likely), method)


def _epsilon(right: float, wrong: float, delta: float) -> float:
    return max(0.0, math.log(max(right - delta, 1e-300) / wrong))


def _most_promising(scores: Floats, members: Bools, *, delta: float, limit: float) -> _Guess:
    """Return the guess with the highest bound; Wilson's limits stand in for exact ones, which are slow to invert."""
    curve = roc_curve(scores, members)
    count, others = int(members.sum()), int((~members).sum())

    def promise(right: Floats, asked: int, wrong: Floats, rest: int) -> Floats:
        least, most = (
            wilson_ends(right, asked, Tails(limit, limit))[0],
            wilson_ends(wrong, rest, Tails(limit, limit))[1],
        )
        return np.asarray((least - delta) / most)

    tpr, fpr = curve.true_positive_rates, curve.false_positive_rates
    promises = np.stack([promise(tpr, count, fpr, others), promise(1 - fpr, others, 1 - tpr, count)])
    direction, place = np.unravel_index(np.argmax(promises), promises.shape)
    return _Guess(float(curve.thresholds[place]), members_first=bool(direction == 0))
