"""The area under the ROC curve: how well scores rank members above non-members, and how sure that is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, Tails, normal_quantile, split, tails_of
from tckr_bench.stats.proportions import beta_interval, difference

if TYPE_CHECKING:
    from tckr_bench.records import Bools, Floats

DEGENERATE = "Clopper-Pearson on min(members, non-members)"
_EPSILON = float(np.finfo(np.float64).eps)


def midranks(values: Floats) -> Floats:
    """Return ranks from 1, ties sharing the mean of their ranks; values (n,) -> (n,), O(n log n).

    >>> midranks(np.array([10.0, 20.0, 20.0, 5.0])).tolist()
    [2.0, 3.5, 3.5, 1.0]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def auc(scores: Floats, members: Bools) -> float:
    """Return the area under the ROC curve: how often a member outscores a non-member, ties counting half.

    Args:
        scores: (n,) finite.
        members: (n,) with at least one True and one False.

    >>> auc(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    0.875
    """
    positives, negatives = split(scores, members)
    rank_sum = float(midranks(np.concatenate([positives, negatives]))[: len(positives)].sum())
    pairs = len(positives) * len(negatives)
    return (rank_sum - len(positives) * (len(positives) + 1) / 2) / pairs


def placements(scores: Floats, members: Bools) -> tuple[Floats, Floats]:
    """Return which share of non-members each member outscores, and which share of members outscores each non-member.

    Source: Sun and Xu 2014: from midranks, in O(n log n).

    >>> [part.tolist() for part in placements(np.array([1.0, 3.0, 0.0, 2.0]), np.array([True, True, False, False]))]
    [[0.5, 1.0], [1.0, 0.5]]
    """
    positives, negatives = split(scores, members)
    count, others = len(positives), len(negatives)
    ranks = midranks(np.concatenate([positives, negatives]))
    return (ranks[:count] - midranks(positives)) / others, 1 - (ranks[count:] - midranks(negatives)) / count


def delong_covariance(scores: Floats, members: Bools) -> Floats:
    """Return DeLong's covariance of the AUCs of k attacks on the same examples, (k, k).

    Args:
        scores: (k, n) finite.
        members: (n,) with at least two of each.

    Source: DeLong et al. 1988.

    >>> scores, members = np.array([[1.0, 3.0, 0.0, 2.0], [3.0, 1.0, 2.0, 0.0]]), np.array([True, True, False, False])
    >>> delong_covariance(scores, members).tolist()
    [[0.125, -0.125], [-0.125, 0.125]]
    """
    sides = zip(*(placements(row, members) for row in scores), strict=True)
    total = np.zeros((len(scores), len(scores)))
    for side in sides:
        centred = np.array(side) - np.mean(side, axis=1, keepdims=True)
        count = centred.shape[1]
        total += centred @ centred.T / ((count - 1) * count)
    return total


def delong_variance(scores: Floats, members: Bools) -> float:
    """Return DeLong's variance of the AUC; needs at least two members and two non-members.

    >>> delong_variance(np.array([1.0, 3.0, 0.0, 2.0]), np.array([True, True, False, False]))
    0.125
    """
    return float(delong_covariance(scores[None], members)[0, 0])


def auc_interval(scores: Floats, members: Bools, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the AUC with DeLong's interval, taken on the logit scale so that it stays within 0 and 1.

    Where DeLong's variance says nothing (an AUC of 0 or 1, all scores tied, a single member or non-member)
    the interval is Clopper and Pearson's for min(members, non-members) trials instead. It is conservative:
    the variance of an AUC never exceeds A(1 - A) / min(members, non-members) (Birnbaum and Klose 1957).

    >>> auc_interval(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, True, False, False])).method
    'Clopper-Pearson on min(members, non-members)'
    """
    return auc_between(scores, members, tails_of(confidence))


def auc_between(scores: Floats, members: Bools, tails: Tails) -> Estimate:
    """Estimate the AUC as `auc_interval` does, with tails that may differ.

    >>> estimate = auc_between(np.array([1.0, 3.0, 0.0, 2.0]), np.array([True, True, False, False]), Tails(0.5, 0.1))
    >>> round(estimate.low, 6), estimate.value
    (0.75, 0.75)
    """
    from scipy.special import expit, logit

    value = auc(scores, members)
    smaller = int(min(members.sum(), (~members).sum()))
    variance = delong_variance(scores, members) if smaller > 1 else 0.0
    if not 0 < value < 1 or variance <= _EPSILON:
        return Estimate(value, *beta_interval(value * smaller, smaller, tails), DEGENERATE)
    error = math.sqrt(variance) / (value * (1 - value))
    low, high = (
        float(expit(logit(value) + side * normal_quantile(tail) * error))
        for side, tail in ((-1, tails.above), (1, tails.below))
    )
    return Estimate(value, min(low, value), max(high, value), "DeLong (logit)")  # against rounding


def paired_auc_difference(first: Floats, second: Floats, members: Bools, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the AUC of `first` minus that of `second`, two attacks or targets scored on the same examples.

    The interval is normal with DeLong's covariance, cut at -1 and 1. Two rankings that agree differ by exactly 0; where
    the covariance says nothing else (two perfect attacks that order their examples differently, say) the two intervals
    are combined as if they were independent.

    >>> scores, members = np.array([[1.0, 3.0, 0.0, 2.0], [3.0, 1.0, 2.0, 0.0]]), np.array([True, True, False, False])
    >>> estimate = paired_auc_difference(scores[0], scores[1], members)  # 3/4 each; variance 1/8 + 1/8 + 2/8
    >>> estimate.value, round(estimate.high, 3)
    (0.0, 1.0)
    """
    value = auc(first, members) - auc(second, members)
    if np.array_equal(midranks(first), midranks(second)):
        return Estimate(0.0, 0.0, 0.0, "the same ranking")
    variance = 0.0
    if min(members.sum(), (~members).sum()) > 1:
        contrast = np.array([1.0, -1.0])
        variance = float(contrast @ delong_covariance(np.stack([first, second]), members) @ contrast)
    if variance <= _EPSILON:
        parts = [auc_interval(scores, members, confidence=confidence) for scores in (first, second)]
        return difference(parts[0], parts[1], method="intervals added in quadrature (no variance)")
    reach = normal_quantile((1 - confidence) / 2) * math.sqrt(variance)
    return Estimate(value, max(-1.0, value - reach), min(1.0, value + reach), "DeLong (paired)")
