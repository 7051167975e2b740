"""The worst of several: the highest of k estimates, and an interval that allows for having looked at all of them.

The truth asked for is the highest of the k true values. An interval lies below it only if the estimate of the attack
that is truly worst does, so its upper end needs no correction: it is the highest of the upper ends. It lies above it
if any of the k estimates errs upwards, so the lower ends are those of a smaller tail, and the highest of them counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, Tails, normal_quantile
from tckr_bench.stats.operating import tpr_between
from tckr_bench.stats.ranking import auc_between, delong_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.records import Bools, Floats

_DRAWS = 100_000


def highest(estimates: Sequence[Estimate]) -> tuple[int, Estimate]:
    """Return which of several estimates has the highest value, and that value with the highest of both ends.

    >>> highest([Estimate(0.6, 0.5, 0.7, "a"), Estimate(0.65, 0.4, 0.8, "b")]) == (1, Estimate(0.65, 0.5, 0.8, "b"))
    True
    """
    index = max(range(len(estimates)), key=lambda place: estimates[place].value)
    low, high = (max(ends) for ends in zip(*((part.low, part.high) for part in estimates), strict=True))
    return index, Estimate(estimates[index].value, low, high, estimates[index].method)


def highest_auc(
    scores: Sequence[Floats], members: Sequence[Bools], *, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[int, Estimate]:
    """Return which of k attacks has the highest AUC, and that AUC with an interval corrected for having tried k.

    On the same examples, how far the highest of k standardised errors may reach follows from DeLong's covariance: a
    quantile of the maximum of correlated normal variables, by simulation. On different ones Bonferroni's correction
    takes its place.

    Args:
        scores: k arrays (n,), finite.
        members: k arrays (n,) with at least one True and one False each.
        confidence: of the interval, 0 to 1.
        seed: of the simulation.

    >>> scores, members = np.array([4.0, 2.0, 3.0, 1.0]), np.array([True, True, False, False])
    >>> index, estimate = highest_auc([-scores, scores], [members, members])
    >>> index, estimate.value
    (1, 0.75)
    """
    tail = (1 - confidence) / 2
    shared = all(np.array_equal(members[0], mask) for mask in members[1:])
    corrected = _joint_tail(np.stack(scores), members[0], tail, seed) if shared else tail / len(scores)
    found = [auc_between(row, mask, Tails(corrected, tail)) for row, mask in zip(scores, members, strict=True)]
    index, estimate = highest(found)
    return index, _named(estimate, "maximum of correlated errors" if shared else "Bonferroni", count=len(scores))


def highest_auc_apart(
    scores: Sequence[Floats], members: Sequence[Bools], *, confidence: float = CONFIDENCE
) -> tuple[int, Estimate]:
    """Return the same for k groups that share no example, such as classes: their errors are independent (Sidak 1967).

    >>> scores, members = np.array([4.0, 2.0, 3.0, 1.0]), np.array([True, True, False, False])
    >>> highest_auc_apart([scores, -scores], [members, members])[0]
    0
    """
    tail = (1 - confidence) / 2
    corrected = -float(np.expm1(np.log1p(-tail) / len(scores)))
    found = [auc_between(row, mask, Tails(corrected, tail)) for row, mask in zip(scores, members, strict=True)]
    index, estimate = highest(found)
    return index, _named(estimate, "Sidak", count=len(scores))


def highest_tpr(
    scores: Sequence[Floats], members: Sequence[Bools], *, fpr: float, confidence: float = CONFIDENCE
) -> tuple[int, Estimate]:
    """Return the same for the true positive rate at `fpr`, by Bonferroni's correction; equal scores count once.

    >>> scores, members = np.arange(2000.0), np.arange(2000) >= 1000
    >>> highest_tpr([-scores, scores], [members, members], fpr=0.01)[1].value
    1.0
    """
    tail = (1 - confidence) / 2
    tails = Tails(tail / len({row.tobytes() for row in scores}), tail)
    found = [tpr_between(row, mask, fpr=fpr, tails=tails) for row, mask in zip(scores, members, strict=True)]
    index, estimate = highest(found)
    return index, _named(estimate, "Bonferroni", count=len(scores))


def _joint_tail(scores: Floats, members: Bools, tail: float, seed: int) -> float:
    """Return the tail of a single attack with which any of k errs as rarely as `tail`."""
    from scipy.special import ndtr

    if len(scores) == 1 or min(members.sum(), (~members).sum()) < 2:
        return tail / len(scores)
    covariance = delong_covariance(scores, members)
    deviations = np.sqrt(np.diag(covariance))
    usual = deviations > 1e-9
    correlation = np.eye(len(scores))
    scale = np.where(usual, deviations, 1.0)
    correlation[np.ix_(usual, usual)] = (covariance / np.outer(scale, scale))[np.ix_(usual, usual)]
    values, vectors = np.linalg.eigh(correlation)
    roots = vectors * np.sqrt(np.maximum(values, 0.0))
    errors = np.random.default_rng(seed).standard_normal((_DRAWS, len(scores))) @ roots.T
    reach = float(np.quantile(errors.max(axis=1), 1 - tail))
    return float(ndtr(-max(reach, normal_quantile(tail))))


def _named(estimate: Estimate, correction: str, *, count: int) -> Estimate:
    told = f"{estimate.method}; worst of {count}" + (f", lower end corrected: {correction}" if count > 1 else "")
    return Estimate(estimate.value, estimate.low, estimate.high, told)
