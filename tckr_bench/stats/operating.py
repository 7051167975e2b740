"""What an attack finds at a bounded rate of false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, Tails, split, tails_of
from tckr_bench.stats.proportions import beta_interval, clopper_pearson

if TYPE_CHECKING:
    from tckr_bench.records import Bools, Floats


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


def roc_curve(scores: Floats, members: Bools) -> RocCurve:
    """Return the ROC curve, one point per distinct score: tied scores are admitted together or not at all.

    >>> curve = roc_curve(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    >>> curve.false_positive_rates.tolist(), curve.true_positive_rates.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    positives, negatives = split(scores, members)
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
    are all left out. Both rates come with Clopper and Pearson's interval, the threshold taken as given: how far the
    rate may lie from that of the threshold whose *true* false positive rate is `fpr` is told by `tpr_interval`.

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


def tpr_interval(scores: Floats, members: Bools, *, fpr: float, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the true positive rate at the threshold whose *true* false positive rate is `fpr`, 0 to 1.

    The value is that of `tpr_at_fpr`. Its interval has two independent sources, added in quadrature: members are few
    (Clopper and Pearson at the threshold found), and so are the non-members that set the threshold (the binomial
    interval of a quantile, interpolated as by Hettmansperger and Sheather 1986). Where even the strictest observed
    threshold may lie too low (fewer than 368 non-members at 1 %, 3,688 at 0.1 %) the lower end is 0.

    Args:
        scores: (n,) finite.
        members: (n,) with at least one True and one False.
        fpr: allowed share of false alarms, above 0 and below 1.
        confidence: of the interval, 0 to 1.

    >>> scores, members = np.arange(2000.0), np.arange(2000) >= 1000
    >>> estimate = tpr_interval(scores, members, fpr=0.01)  # every member outscores every non-member
    >>> estimate.value, round(estimate.low, 4), estimate.high  # 0.025 ** (1 / 1000), the threshold moves nobody
    (1.0, 0.9963, 1.0)
    """
    return tpr_between(scores, members, fpr=fpr, tails=tails_of(confidence))


def tpr_between(scores: Floats, members: Bools, *, fpr: float, tails: Tails) -> Estimate:
    """Estimate as `tpr_interval` does, with tails that may differ.

    >>> scores, members = np.zeros(2000), np.arange(2000) >= 1000
    >>> estimate = tpr_between(scores, members, fpr=0.01, tails=Tails(0.025, 0.05))
    >>> estimate.low, round(estimate.high, 4)  # 1 - 0.05 ** (1 / 1000): a constant score finds nobody at all
    (0.0, 0.003)
    """
    positives, negatives = split(scores, members)
    bars = np.concatenate([[np.inf], np.sort(negatives)[::-1], [-np.inf]])
    ordered = np.sort(positives)

    def found(rank: float) -> float:
        """Return the share of members above the non-member of this rank from the top, interpolated."""
        whole = math.floor(rank)
        ends = np.searchsorted(ordered, bars[whole : whole + 2], side="right")
        shares = [float(len(ordered) - end) / len(ordered) for end in ends.tolist()]
        return shares[0] if rank == whole else shares[0] + (rank - whole) * (shares[1] - shares[0])

    allowed = math.floor(fpr * len(negatives) + 1e-9)
    value = found(allowed + 1)
    low, high = beta_interval(round(value * len(ordered)), len(ordered), tails)
    strict, lax = _threshold_ranks(len(negatives), fpr, tails)
    down = math.hypot(value - low, value - min(found(strict), value))
    up = math.hypot(high - value, max(found(lax), value) - value)
    alarms = int((negatives > bars[allowed + 1]).sum())
    method = (
        f"Clopper-Pearson widened for the threshold; {round(value * len(ordered))} of {len(ordered)} members, "
        f"{alarms} of {len(negatives)} non-members (realised FPR of {100 * alarms / len(negatives):.2f} %)"
        + ("" if strict else "; too few non-members for a lower end")
    )
    return Estimate(value, max(0.0, value - down), min(1.0, value + up), method)


def _threshold_ranks(count: int, fpr: float, tails: Tails) -> tuple[float, float]:
    """Return between which ranks, from the top of `count` non-members, the true threshold lies as often as told.

    How many of them lie above it is binomial. Ranks are interpolated so that the tails are met, not undercut; a rank of
    0 stands for infinity, which nothing is interpolated with.
    """
    from scipy.special import bdtr, bdtrc

    places = np.arange(count + 1)
    at_most, more = bdtr(places, count, fpr), bdtrc(places, count, fpr)
    strict = int(np.argmax(at_most >= tails.above))
    lax = int(np.argmax(more <= tails.below))
    fewer = at_most[strict - 1] if strict else 0.0
    share = (tails.above - fewer) / (at_most[strict] - fewer) if strict else 0.0
    no_fewer = more[lax - 1] if lax else 1.0
    excess = (tails.below - more[lax]) / (no_fewer - more[lax])
    return strict + float(share), lax + 1 - float(excess)
