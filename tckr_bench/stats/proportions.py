"""Intervals of proportions and of their differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, Tails, normal_quantile, tails_of

if TYPE_CHECKING:
    from tckr_bench.records import Bools, Floats


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a proportion with the exact interval of Clopper and Pearson 1934; `trials` is at least 1.

    >>> estimate = clopper_pearson(0, 10)  # the upper end solves (1 - p) ** 10 = 0.025
    >>> estimate.low, round(estimate.high, 4)
    (0.0, 0.3085)
    """
    low, high = beta_interval(successes, trials, tails_of(confidence))
    return Estimate(successes / trials, low, high, "Clopper-Pearson")


def beta_interval(successes: float, trials: float, tails: Tails) -> tuple[float, float]:
    """Return the ends of Clopper and Pearson's interval; `successes` need not be whole.

    >>> low, high = beta_interval(10, 10, Tails(0.05, 0.05))  # the lower end solves p ** 10 = 0.05
    >>> round(low, 4), high
    (0.7411, 1.0)
    """
    from scipy.special import betaincinv

    low = betaincinv(successes, trials - successes + 1, tails.above) if successes > 0 else 0.0
    high = betaincinv(successes + 1, trials - successes, 1 - tails.below) if successes < trials else 1.0
    return float(low), float(high)


def wilson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a proportion with the score interval of Wilson 1927; `trials` is at least 1.

    >>> estimate = wilson(5, 10)
    >>> round(estimate.low, 3), round(estimate.high, 3)
    (0.237, 0.763)
    """
    share = np.array([successes / trials])
    (low,), (high,) = wilson_ends(share, trials, tails_of(confidence))
    return Estimate(successes / trials, float(low), float(high), "Wilson")


def wilson_ends(shares: Floats, trials: int, tails: Tails) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's intervals of many proportions of as many trials, (k,) each.

    >>> low, high = wilson_ends(np.array([0.0, 1.0]), 10, Tails(0.025, 0.025))  # 1 / (1 + 10 / 1.96 ** 2)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.722], [0.278, 1.0])
    """
    ends = []
    for side, tail in ((-1, tails.above), (1, tails.below)):
        squared = normal_quantile(tail) ** 2
        centres = (trials * shares + squared / 2) / (trials + squared)
        reaches = np.sqrt(squared * (trials * shares * (1 - shares) + squared / 4)) / (trials + squared)
        ends.append(centres + side * reaches)
    return np.clip(ends[0], 0.0, shares), np.clip(ends[1], shares, 1.0)  # against rounding


def difference(first: Estimate, second: Estimate, *, method: str) -> Estimate:
    """Estimate `first` minus `second` from the intervals of two independent estimates.

    Each end lies as far out as the two errors that lead there, added in quadrature: the method of variance estimates
    recovery (Zou and Donner 2008); of two Wilson intervals it is Newcombe's method 10 (1998).

    >>> found = difference(Estimate(0.5, 0.47, 0.53, ""), Estimate(0.1, 0.06, 0.14, ""), method="")
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.4, 0.35, 0.45)
    """
    value = first.value - second.value
    down = math.hypot(first.value - first.low, second.high - second.value)
    up = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, value - down, value + up, method)


def paired_difference(first: Bools, second: Bools, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the accuracy of `first` minus that of `second`, judged on the same examples.

    Only the examples on which the two disagree carry information; the interval is the adjusted Wald interval
    of Bonett and Price 2012 (one imagined disagreement each way), cut at -1 and 1.

    Args:
        first: (n,) whether the first is right on each example, n at least 1.
        second: (n,) whether the second is.
        confidence: of the interval, 0 to 1.

    >>> right, wrong = np.array([True, True, True, False]), np.array([True, False, False, False])
    >>> estimate = paired_difference(right, wrong)  # 2 of 4 for the first alone, none for the second
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (0.5, -0.263, 0.93)
    """
    count = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    shares = (only_first + 1) / (count + 2), (only_second + 1) / (count + 2)
    centre = shares[0] - shares[1]
    reach = normal_quantile((1 - confidence) / 2) * math.sqrt((sum(shares) - centre**2) / (count + 2))
    value = (only_first - only_second) / count
    return Estimate(value, max(-1.0, centre - reach), min(1.0, centre + reach), "Bonett-Price (paired)")
