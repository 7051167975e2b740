"""A value with its interval, and what every interval is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate

if TYPE_CHECKING:
    from tckr_bench.records import Bools, Floats


CONFIDENCE = 0.95


@dataclass(frozen=True)
class Tails:
    """How often an interval may lie above the truth, and how often below it: 0.025 each for 95 %."""

    above: float
    below: float


def tails_of(confidence: float) -> Tails:
    """Return the equal tails of a two-sided interval.

    >>> tails_of(0.5)
    Tails(above=0.25, below=0.25)
    """
    return Tails((1 - confidence) / 2, (1 - confidence) / 2)


def normal_quantile(tail: float) -> float:
    """Return how many standard deviations leave `tail` (0 to 1) of a normal distribution beyond them.

    >>> round(normal_quantile(0.025), 3)
    1.96
    """
    from scipy.special import ndtri

    return float(-ndtri(tail))


def split(scores: Floats, members: Bools) -> tuple[Floats, Floats]:
    """Return the scores of members and of non-members; there is at least one of each.

    >>> [part.tolist() for part in split(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]))]
    [[3.0, 1.0], [2.0]]
    """
    assert scores.shape == members.shape, "one score per example"
    assert members.any(), "at least one member"
    assert not members.all(), "at least one non-member"
    assert np.isfinite(scores).all(), "finite scores"
    return scores[members], scores[~members]


def percentile_interval(samples: Floats, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the central interval of bootstrap samples.

    >>> percentile_interval(np.arange(101.0), confidence=0.5)
    (25.0, 75.0)
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def deviation_interval(values: Floats, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the standard deviation behind independent normal values (n,), n at least 2.

    The interval is s sqrt((n - 1) / q) with q the quantiles of chi-square with n - 1 degrees of freedom.

    >>> estimate = deviation_interval(np.array([1.0, 3.0]))  # s = sqrt 2; quantiles 0.000982 and 5.024
    >>> round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 1)
    (1.414, 0.631, 45.1)
    """
    from scipy.special import chdtri

    freedom = len(values) - 1
    assert freedom > 0, "at least two values"
    value, tail = float(np.std(values, ddof=1)), (1 - confidence) / 2
    low, high = (value * float(np.sqrt(freedom / chdtri(freedom, beyond))) for beyond in (tail, 1 - tail))
    return Estimate(value, low, high, f"chi-square, {freedom} degrees of freedom")


def deviations_from(value: float, values: Floats, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return how many standard deviations a value lies from the mean of others (n,), n at least 2, not all equal.

    The interval is where another of them would lie about it: Student's t with n - 1 degrees of freedom times
    sqrt(1 + 1/n).

    >>> estimate = deviations_from(7.0, np.array([1.0, 3.0]))  # mean 2, sd sqrt 2; 12.706 sqrt(3/2) to either side
    >>> round(estimate.value, 3), round(estimate.high - estimate.value, 2)
    (3.536, 15.56)
    """
    from scipy.special import stdtrit

    freedom = len(values) - 1
    assert freedom > 0, "at least two values"
    deviations = float((value - np.mean(values)) / np.std(values, ddof=1))
    reach = float(stdtrit(freedom, 1 - (1 - confidence) / 2)) * float(np.sqrt(1 + 1 / len(values)))
    return Estimate(deviations, deviations - reach, deviations + reach, f"Student, {freedom} degrees of freedom")
