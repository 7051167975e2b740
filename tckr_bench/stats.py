"""Intervals and ranks: everything statistical that stands behind a figure.

Every interval is two-sided with 95 % confidence unless told otherwise. Scores follow one convention: higher
means 'more likely a member', and members are the positive class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
_BOOTSTRAP_CELLS = 4_000_000  # replicates x examples held at once: 32 MB of weights


@dataclass(frozen=True)
class Estimate:
    """A value with its interval and the name of the method that made the interval."""

    value: float
    low: float
    high: float
    method: str


@dataclass(frozen=True)
class RocCurve:
    """Points of a ROC curve from (0, 0) to (1, 1), one per distinct score; all arrays are (k,).

    A point is what 'member if score >= threshold' gives; the first threshold is infinite.
    """

    false_positive_rates: Floats
    true_positive_rates: Floats
    thresholds: Floats


@dataclass(frozen=True)
class OperatingPoint:
    """True and false positive rate at one threshold, each with its interval."""

    threshold: float
    true_positive_rate: Estimate
    false_positive_rate: Estimate


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
    positives, negatives = _split(scores, members)
    rank_sum = float(midranks(np.concatenate([positives, negatives]))[: len(positives)].sum())
    pairs = len(positives) * len(negatives)
    return (rank_sum - len(positives) * (len(positives) + 1) / 2) / pairs


def delong_variance(scores: Floats, members: Bools) -> float:
    """Return DeLong's variance of the AUC; needs at least two members and two non-members.

    Source: DeLong et al. 1988; computed from midranks as in Sun and Xu 2014, in O(n log n).

    >>> delong_variance(np.array([1.0, 3.0, 0.0, 2.0]), np.array([True, True, False, False]))
    0.125
    """
    positives, negatives = _split(scores, members)
    count, others = len(positives), len(negatives)
    ranks = midranks(np.concatenate([positives, negatives]))
    above = (ranks[:count] - midranks(positives)) / others  # share of non-members each member outscores
    below = 1 - (ranks[count:] - midranks(negatives)) / count  # share of members that outscore each non-member
    return float(above.var(ddof=1) / count + below.var(ddof=1) / others)


def auc_interval(scores: Floats, members: Bools, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the AUC with DeLong's interval, taken on the logit scale so that it stays within 0 and 1.

    Where DeLong's variance says nothing (an AUC of 0 or 1, all scores tied, a single member or non-member)
    the interval is Clopper and Pearson's for min(members, non-members) trials instead. It is conservative:
    the variance of an AUC never exceeds A(1 - A) / min(members, non-members) (Birnbaum and Klose 1957).

    >>> auc_interval(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, True, False, False])).method
    'Clopper-Pearson on min(members, non-members)'
    """
    from scipy.special import expit, logit

    value = auc(scores, members)
    smaller = int(min(members.sum(), (~members).sum()))
    variance = delong_variance(scores, members) if smaller > 1 else 0.0
    if not 0 < value < 1 or variance <= np.finfo(np.float64).eps:
        low, high = _beta_interval(value * smaller, smaller, confidence)
        return Estimate(value, low, high, "Clopper-Pearson on min(members, non-members)")
    reach = _normal_quantile(confidence) * math.sqrt(variance) / (value * (1 - value))
    return Estimate(value, float(expit(logit(value) - reach)), float(expit(logit(value) + reach)), "DeLong (logit)")


def roc_curve(scores: Floats, members: Bools) -> RocCurve:
    """Return the ROC curve, one point per distinct score: tied scores are admitted together or not at all.

    >>> curve = roc_curve(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    >>> curve.false_positive_rates.tolist(), curve.true_positive_rates.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    positives, negatives = _split(scores, members)
    thresholds = np.unique(scores)[::-1]
    hits = len(positives) - np.searchsorted(np.sort(positives), thresholds, side="left")
    alarms = len(negatives) - np.searchsorted(np.sort(negatives), thresholds, side="left")
    return RocCurve(
        false_positive_rates=np.concatenate([[0.0], alarms / len(negatives)]),
        true_positive_rates=np.concatenate([[0.0], hits / len(positives)]),
        thresholds=np.concatenate([[np.inf], thresholds]),
    )


def tpr_at_fpr(scores: Floats, members: Bools, *, fpr: float = 0.01, confidence: float = CONFIDENCE) -> OperatingPoint:
    """Return the best true positive rate whose false positive rate does not exceed `fpr` (0 to 1).

    Nothing is interpolated: the threshold is an observed score, and tied scores that would break the limit
    are all left out. Both rates come with Clopper and Pearson's interval, the threshold taken as given.

    >>> point = tpr_at_fpr(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]), fpr=0.4)
    >>> point.true_positive_rate.value, point.false_positive_rate.value, point.threshold
    (0.5, 0.0, 3.0)
    """
    curve = roc_curve(scores, members)
    member_count, others = int(members.sum()), int((~members).sum())
    alarms = np.rint(curve.false_positive_rates * others)
    last = int(np.flatnonzero(alarms <= fpr * others + 1e-9)[-1])
    hits = round(curve.true_positive_rates[last] * member_count)
    return OperatingPoint(
        threshold=float(curve.thresholds[last]),
        true_positive_rate=clopper_pearson(hits, member_count, confidence=confidence),
        false_positive_rate=clopper_pearson(int(alarms[last]), others, confidence=confidence),
    )


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a proportion with the exact interval of Clopper and Pearson 1934; `trials` is at least 1.

    >>> estimate = clopper_pearson(0, 10)  # the upper end solves (1 - p) ** 10 = 0.025
    >>> estimate.low, round(estimate.high, 4)
    (0.0, 0.3085)
    """
    low, high = _beta_interval(successes, trials, confidence)
    return Estimate(successes / trials, low, high, "Clopper-Pearson")


def wilson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a proportion with the score interval of Wilson 1927; `trials` is at least 1.

    >>> estimate = wilson(5, 10)
    >>> round(estimate.low, 3), round(estimate.high, 3)
    (0.237, 0.763)
    """
    share = successes / trials
    squared = _normal_quantile(confidence) ** 2
    centre = (successes + squared / 2) / (trials + squared)
    reach = math.sqrt(squared * (trials * share * (1 - share) + squared / 4)) / (trials + squared)
    low, high = max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))  # against rounding
    return Estimate(share, low, high, "Wilson")


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
    reach = _normal_quantile(confidence) * math.sqrt((sum(shares) - centre**2) / (count + 2))
    value = (only_first - only_second) / count
    return Estimate(value, max(-1.0, centre - reach), min(1.0, centre + reach), "Bonett-Price (paired)")


def bootstrap_mean(values: npt.NDArray[Any], *, replicates: int, generator: np.random.Generator) -> Floats:
    """Return the mean of `values` (n,) in each of `replicates` resamples of the examples, (replicates,).

    >>> bootstrap_mean(np.array([True, True]), replicates=3, generator=np.random.default_rng(0)).tolist()
    [1.0, 1.0, 1.0]
    """
    count = len(values)
    chunks = _chunks(replicates, count)
    return np.concatenate([values[generator.integers(count, size=(chunk, count))].mean(axis=1) for chunk in chunks])


def bootstrap_auc(scores: Floats, members: Bools, *, replicates: int, generator: np.random.Generator) -> Floats:
    """Return the AUC in each of `replicates` resamples of members and of non-members, (replicates,).

    The two classes are resampled apart, so that no resample lacks one. Scores are sorted once: a resample is
    a set of weights on the distinct scores.

    >>> scores, members = np.array([2.0, 1.0]), np.array([True, False])
    >>> bootstrap_auc(scores, members, replicates=2, generator=np.random.default_rng(0)).tolist()
    [1.0, 1.0]
    """
    positives, negatives = _split(scores, members)
    distinct = np.unique(scores)
    found = []
    for chunk in _chunks(replicates, len(scores)):
        hits, alarms = (
            _resampled_counts(np.searchsorted(distinct, part), len(distinct), chunk, generator)
            for part in (positives, negatives)
        )
        below = np.cumsum(alarms, axis=1) - alarms / 2  # non-members a member of this score outranks
        found.append((hits * below).sum(axis=1) / (len(positives) * len(negatives)))
    return np.concatenate(found)


def percentile_interval(samples: Floats, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the central interval of bootstrap samples.

    >>> percentile_interval(np.arange(101.0), confidence=0.5)
    (25.0, 75.0)
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def _split(scores: Floats, members: Bools) -> tuple[Floats, Floats]:
    """Return the scores of members and of non-members."""
    assert scores.shape == members.shape, "one score per example"
    assert members.any(), "at least one member"
    assert not members.all(), "at least one non-member"
    assert np.isfinite(scores).all(), "finite scores"
    return scores[members], scores[~members]


def _normal_quantile(confidence: float) -> float:
    """Return how many standard deviations a two-sided normal interval reaches: 1.96 for 95 %."""
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


def _beta_interval(successes: float, trials: float, confidence: float) -> tuple[float, float]:
    """Return Clopper and Pearson's interval; `successes` need not be whole."""
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = betaincinv(successes, trials - successes + 1, tail) if successes > 0 else 0.0
    high = betaincinv(successes + 1, trials - successes, 1 - tail) if successes < trials else 1.0
    return float(low), float(high)


def _chunks(replicates: int, count: int) -> list[int]:
    """Return sizes of the blocks in which to draw replicates of `count` examples, to bound the memory."""
    size = max(1, _BOOTSTRAP_CELLS // max(count, 1))
    return [min(size, replicates - start) for start in range(0, replicates, size)]


def _resampled_counts(
    groups: npt.NDArray[np.intp], group_count: int, replicates: int, generator: np.random.Generator
) -> Floats:
    """Resample examples with replacement and count them by group: (n,) indices -> (replicates, groups)."""
    drawn = groups[generator.integers(len(groups), size=(replicates, len(groups)))]
    offsets = np.arange(replicates)[:, None] * group_count
    counts = np.bincount((drawn + offsets).ravel(), minlength=replicates * group_count)
    return counts.reshape(replicates, group_count).astype(np.float64)
