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
from tckr_bench.stats.ranking import auc, auc_between, delong_covariance, delong_variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.records import Bools, Floats

_DRAWS = 100_000
_CORRECTED_DRAWS = 20_000
_INDISTINCT = 2.5
"""How many standard errors of the difference an attack may lie behind the first and count as being as good."""


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


def corrected_auc(scores: Sequence[Floats], members: Sequence[Bools], *, seed: int = 0) -> Estimate:
    """Estimate the highest of k true AUCs without what the luckiest of k attacks gains by chance.

    The highest of k estimates exceeds the highest truth by the highest error of those attacks that chance may have put
    behind the first. That is drawn from their joint normal errors (DeLong's covariance on the logit scale; independent
    where members differ) and taken off: the value is the median of the draws, with their central 95 %. Attacks further
    behind than `_INDISTINCT` errors of the difference play no part (Andrews and Soares 2010: moment selection).

    Args:
        scores: k arrays (n,), finite.
        members: k arrays (n,) with at least one True and one False each.
        seed: of the draws.

    >>> scores, members = np.array([4.0, 2.0, 3.0, 1.0]), np.array([True, True, False, False])
    >>> alone = corrected_auc([scores], [members])
    >>> round(alone.value, 2), round(corrected_auc([scores, scores], [members, members]).value, 2)
    (0.75, 0.75)
    """
    index, estimate = highest_auc(scores, members, seed=seed)
    values = np.array([auc(row, mask) for row, mask in zip(scores, members, strict=True)])
    covariance = _covariance(scores, members)
    known = (values > 0) & (values < 1) & (np.diag(covariance) > 1e-12)
    if not known[index]:
        return estimate
    return less_luckiest(values[known], covariance[np.ix_(known, known)], seed=seed)


def less_luckiest(values: Floats, covariance: Floats, *, draws: int = _CORRECTED_DRAWS, seed: int = 0) -> Estimate:
    """Estimate the highest of k true AUCs from estimates of them, (k,), 0 to 1 each, with normal errors.

    Args:
        values: the estimates, none of them 0 or 1.
        covariance: of their errors, (k, k).
        draws: of the errors.
        seed: of the draws.

    >>> alone = less_luckiest(np.array([0.6]), np.array([[1e-4]]))
    >>> alike = less_luckiest(np.array([0.6, 0.6]), np.diag([4e-4, 4e-4]))  # the luckier of two gains half an error
    >>> round(alone.value, 2), round(alike.value, 2)
    (0.6, 0.59)
    """
    from scipy.special import expit, logit

    slopes = 1 / (values * (1 - values))
    places, errors = logit(values), covariance * np.outer(slopes, slopes)
    first = int(np.argmax(places))
    apart = np.diag(errors) + errors[first, first] - 2 * errors[first]
    near = places[first] - places <= _INDISTINCT * np.sqrt(np.maximum(apart, 0)) + 1e-12
    gains = _errors(errors[np.ix_(near, near)], draws, seed=seed).max(axis=1)
    low, value, high = (float(expit(places[first] - gain)) for gain in np.quantile(gains, [0.975, 0.5, 0.025]))
    return Estimate(value, low, high, f"DeLong (logit); less the luckiest of {int(near.sum())}")


def _covariance(scores: Sequence[Floats], members: Sequence[Bools]) -> Floats:
    """Return the covariance of k AUCs, (k, k): DeLong's, or 0 between attacks on different examples."""
    if all(np.array_equal(members[0], mask) for mask in members[1:]):
        few = min(members[0].sum(), (~members[0]).sum()) < 2
        return np.zeros((len(scores),) * 2) if few else delong_covariance(np.stack(scores), members[0])
    few = [min(mask.sum(), (~mask).sum()) < 2 for mask in members]
    pairs = zip(scores, members, few, strict=True)
    return np.diag([0.0 if none else delong_variance(row, mask) for row, mask, none in pairs])


def _errors(covariance: Floats, draws: int, *, seed: int) -> Floats:
    """Return normal errors of a covariance (k, k), singular or not: (draws, k)."""
    values, vectors = np.linalg.eigh(covariance)
    roots = vectors * np.sqrt(np.maximum(values, 0.0))
    found: Floats = np.random.default_rng(seed).standard_normal((draws, len(covariance))) @ roots.T
    return found


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
    reach = float(np.quantile(_errors(correlation, _DRAWS, seed=seed).max(axis=1), 1 - tail))
    return float(ndtr(-max(reach, normal_quantile(tail))))


def _named(estimate: Estimate, correction: str, *, count: int) -> Estimate:
    told = f"{estimate.method}; worst of {count}" + (f", lower end corrected: {correction}" if count > 1 else "")
    return Estimate(estimate.value, estimate.low, estimate.high, told)
