"""What an attacker who has to guess gains: no guess is chosen by what it is judged by.

The thresholds of the advantage are chosen on one half of the examples and judged on the other; what is guessed for a
bound of epsilon is fixed beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, Tails
from tckr_bench.stats.one_run import Guesses, refuted_epsilon, refuted_gaussian_epsilon
from tckr_bench.stats.operating import roc_curve
from tckr_bench.stats.proportions import difference, wilson, wilson_ends

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
class Rung:
    """A way to guess, fixed beforehand: the shares of the examples guessed from either end, and the chance to err.

    Attributes:
        members: the share with the highest scores, guessed to be members, 0 to 1 / 2.
        others: the share with the lowest scores, guessed to be non-members, 0 to 1 / 2.
        weight: the share of the whole chance to err that this way has.
    """

    members: float
    others: float
    weight: float


LADDER = (
    Rung(1 / 2, 1 / 2, 1 / 2),
    *(
        Rung(share * members, share * others, 1 / 12)
        for share in (1 / 8, 1 / 32)
        for members, others in ((1, 1), (1, 0), (0, 1))
    ),
)
"""To guess all examples, or a fourth or a sixteenth of them from both ends, or half as many from one (Bonferroni)."""


def epsilon_lower_bound(
    scores: Floats,
    members: Bools,
    *,
    seed: int,
    delta: float = 1e-5,
    confidence: float = CONFIDENCE,
    gaussian: bool = False,
) -> Estimate:
    """Bound from below the epsilon (nats) of any (epsilon, delta)-differential privacy the target could have.

    The highest scores are guessed to be members, the lowest non-members, as many as a rung of `LADDER` says, and the
    number of right guesses refutes an epsilon (`refuted_epsilon`, or of Gaussian privacy `refuted_gaussian_epsilon`).
    The highest of all rungs counts: each errs with its own part of the chance, so that together they err no more often
    than stated. No rung looks at who is a member before it guesses. Of the side with more examples so many are drawn
    as the other has, that a coin is fair; ties are broken by lot.

    It rests on who is a member having been drawn by independent coins. A split of stated size stands for them here.

    Args:
        scores: (n,) finite; higher means member.
        members: (n,) with at least one True and one False.
        seed: of what is drawn at random.
        delta: 0 to 1; above 0 where `gaussian`.
        confidence: of the bound, one-sided, 0 to 1.
        gaussian: take the mechanism for one like Gaussian noise, which refutes more and holds for those alone.

    Returns:
        The bound as value and lower end, 0 where nothing is refuted; as upper end the point estimate of the same
        guesses, the logit of the share that is right, half a guess added to right and wrong.

    >>> members = np.arange(2000) < 1000
    >>> estimate = epsilon_lower_bound(members.astype(float), members, seed=0, delta=0.0)
    >>> least = 0.025 ** (1 / 2000)  # all of 2000 guesses are right
    >>> round(estimate.value, 4) == round(math.log(least / (1 - least)), 4), round(estimate.high, 3)
    (True, 8.294)
    """
    refuted = refuted_gaussian_epsilon if gaussian else refuted_epsilon
    inside = _guessed(scores, members, seed)
    found = []
    for rung in LADDER:
        guesses = _guesses_of(rung, inside)
        found.append((refuted(guesses, delta=delta, level=(1 - confidence) * rung.weight), guesses))
    bound, best = max(found, key=lambda entry: entry[0])
    likely = math.log((best.right + 0.5) / (best.made - best.right + 0.5))
    kind = "Gaussian privacy, Mahloujifar et al. 2025" if gaussian else "Steinke et al. 2023"
    counts = f"{best.right} of {best.made} guesses right about {best.examples} examples"
    method = f"{100 * confidence:g} % lower bound at delta {delta:g} ({kind}), up to the point estimate; {counts}"
    return Estimate(bound, bound, max(bound, likely), method)


def _guessed(scores: Floats, members: Bools, seed: int) -> Bools:
    """Return who is a member, highest score first, of as many members as others, ties broken by lot, (m,)."""
    generator = np.random.default_rng(seed)
    count = min(int(members.sum()), int((~members).sum()))
    sides = [generator.permutation(np.flatnonzero(side))[:count] for side in (members, ~members)]
    drawn = generator.permutation(np.concatenate(sides))
    order: Bools = members[drawn][np.argsort(-scores[drawn], kind="stable")]
    return order


def _guesses_of(rung: Rung, inside: Bools) -> Guesses:
    """Count what a rung guesses right about examples, highest score first, of which some are `inside`, (m,)."""
    first, last = round(rung.members * len(inside)), round(rung.others * len(inside))
    right = int(inside[:first].sum()) + int((~inside[len(inside) - last :]).sum())
    return Guesses(right, first + last, len(inside))
