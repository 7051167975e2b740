"""Bootstrap: what would have been found on other examples of the same kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, normal_quantile, percentile_interval, split, tails_of
from tckr_bench.stats.operating import tpr_at_fpr
from tckr_bench.stats.proportions import beta_interval
from tckr_bench.stats.ranking import DEGENERATE, auc

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import Bools, Floats

_SAME = 1e-12
_BOOTSTRAP_CELLS = 4_000_000  # replicates x examples held at once: 32 MB of weights


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
    positives, negatives = split(scores, members)
    order = np.argsort(negatives)
    ranked = negatives[order]
    first, last = (np.searchsorted(ranked, positives, side=side) for side in ("left", "right"))
    found = []
    for chunk in _chunks(replicates, len(scores)):
        hits, alarms = (_resampled_counts(len(part), chunk, generator) for part in (positives, negatives))
        below = np.zeros((chunk, len(negatives) + 1))  # non-members outranked, by place
        np.cumsum(alarms[:, order], axis=1, out=below[:, 1:])
        outranked = below[:, first] + below[:, last]
        found.append(np.einsum("bi,bi->b", hits, outranked) / (2 * len(positives) * len(negatives)))
    return np.concatenate(found)


def bootstrap_auc_interval(
    scores: Floats, members: Bools, *, replicates: int, seed: int = 0, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate the AUC with an interval from the resamples of `bootstrap_auc`.

    It is normal on the logit scale, with the standard deviation of the resamples: percentiles, which ignore how skewed
    the AUC is, lie too high where it is near 1. Where no resample differs (an AUC of 0 or 1, all scores tied) the
    interval is that of `auc_interval`.

    >>> scores, members = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, True, False, False])
    >>> bootstrap_auc_interval(scores, members, replicates=100).method
    'Clopper-Pearson on min(members, non-members)'
    """
    value = auc(scores, members)
    samples = bootstrap_auc(scores, members, replicates=replicates, generator=np.random.default_rng(seed))
    if not 0 < value < 1 or np.ptp(samples) < _SAME:
        smaller = int(min(members.sum(), (~members).sum()))
        return Estimate(value, *beta_interval(value * smaller, smaller, tails_of(confidence)), DEGENERATE)
    reach = normal_quantile((1 - confidence) / 2) * float(samples.std())
    return Estimate(value, *_on_the_logit_scale(value, reach), f"bootstrap ({replicates} resamples, logit)")


def clustered_auc_interval(
    scores: Floats, members: Bools, *, replicates: int, seed: int = 0, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate the AUC over m x c trials, c subjects with m trials each, by a bootstrap over the subjects.

    Trials of one subject are not independent, so it is subjects that are drawn, with all their trials. The AUC of a
    resample is a ratio of quadratic forms in how often each subject was drawn. The interval is normal on the logit
    scale, with the standard deviation of the resamples and a quantile of Student's t for c - 1 degrees of freedom:
    percentiles lie too high where the AUC is near 1. Where no resample differs it is that of Clopper and Pearson for c
    trials.

    Args:
        scores: (m, c) finite.
        members: (m, c) with at least one True and one False.
        replicates: resamples.
        seed: of the resampling.
        confidence: of the interval, 0 to 1.

    >>> scores = np.array([[2.0, 2.0], [1.0, 1.0]])
    >>> estimate = clustered_auc_interval(scores, scores > 1, replicates=100)
    >>> estimate.value, round(estimate.low, 4), estimate.high  # 0.025 ** (1 / 2)
    (1.0, 0.1581, 1.0)
    """
    from scipy.special import stdtrit

    value, subjects = auc(scores.ravel(), members.ravel()), scores.shape[1]
    drawn = _resampled_counts(subjects, replicates, np.random.default_rng(seed))
    pairs = (drawn @ members.sum(axis=0)) * (drawn @ (~members).sum(axis=0))
    usable = pairs > 0
    samples = np.einsum("bi,bi->b", drawn @ _wins(scores, members), drawn)[usable] / pairs[usable]
    if not 0 < value < 1 or np.ptp(samples) < _SAME:
        return _of_subjects(value, subjects, confidence)
    reach = float(stdtrit(subjects - 1, (1 + confidence) / 2)) * float(samples.std())
    method = f"bootstrap over {subjects} subjects ({len(samples)} resamples, logit)"
    return Estimate(value, *_on_the_logit_scale(value, reach), method)


def clustered_tpr_interval(
    scores: Floats, members: Bools, *, fpr: float, replicates: int, seed: int = 0, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate the TPR at `fpr` over m x c trials, c subjects with m trials each, by a bootstrap over the subjects.

    Each resample sets its own threshold, so that the percentile interval holds the error of the threshold as well. The
    value, as that of `tpr_at_fpr`, admits `fpr` n of n non-member trials; so many are more than `fpr` on average, since
    the next one may come at any time, so resamples admit `fpr` (n + 1) - 1. Where even the strictest observed threshold
    may lie too low (fewer than 368 non-member trials at 1 %) the lower end is 0. Arguments and the case in which no
    resample differs are those of `clustered_auc_interval`.

    >>> scores = np.array([[2.0, 2.0], [1.0, 1.0]])
    >>> clustered_tpr_interval(scores, scores > 1, fpr=0.01, replicates=100).value
    1.0
    """
    subjects = scores.shape[1]
    order = np.argsort(-scores.ravel(), kind="stable")
    ranked, inside = scores.ravel()[order], members.ravel()[order]
    of_subject = np.tile(np.arange(subjects), len(scores))[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # tied trials are admitted together
    generator = np.random.default_rng(seed)
    found = []
    for chunk in _chunks(replicates, scores.size):
        weights = _resampled_counts(subjects, chunk, generator)[:, of_subject]
        hits, alarms = (np.cumsum(weights * side, axis=1) for side in (inside, ~inside))
        admitted = (alarms[:, ends] <= fpr * (alarms[:, -1:] + 1) - 1 + 1e-9).sum(axis=1)
        reached = np.concatenate([np.zeros((chunk, 1)), hits[:, ends]], axis=1)[np.arange(chunk), admitted]
        usable = (hits[:, -1] > 0) & (alarms[:, -1] > 0)
        found.append(reached[usable] / hits[usable, -1])
    samples, value = (
        np.concatenate(found),
        tpr_at_fpr(scores.ravel(), members.ravel(), fpr=fpr).true_positive_rate.value,
    )
    low, high = percentile_interval(samples, confidence=confidence)
    method = f"bootstrap over {subjects} subjects ({len(samples)} resamples)"
    if high - low < _SAME:
        least = _of_subjects(value, subjects, confidence)
        low, high, method = least.low, least.high, least.method
    if (1 - fpr) ** int((~members).sum()) > (1 - confidence) / 2:
        low, method = 0.0, f"{method}; too few non-member trials for a lower end"
    return Estimate(value, min(low, value), max(high, value), method)


def _wins(scores: Floats, members: Bools) -> Floats:
    """Return how often a subject's member trials outscore another's non-member trials, ties half, (c, c)."""
    subjects = scores.shape[1]
    trials, owners = np.nonzero(members)
    positives = scores[trials, owners]
    wins = np.zeros((subjects, subjects))
    for other in range(subjects):
        ranked = np.sort(scores[~members[:, other], other])
        outscored = sum(np.searchsorted(ranked, positives, side=side) for side in ("left", "right"))
        wins[:, other] = np.bincount(owners, weights=outscored / 2, minlength=subjects)
    return wins


def _on_the_logit_scale(value: float, reach: float) -> tuple[float, float]:
    """Return the ends of value -+ reach, taken on the logit scale so that they stay within 0 and 1."""
    from scipy.special import expit, logit

    scaled = reach / (value * (1 - value))
    return min(value, float(expit(logit(value) - scaled))), max(value, float(expit(logit(value) + scaled)))


def _of_subjects(value: float, subjects: int, confidence: float) -> Estimate:
    """Return the interval of a share of independent subjects: as wide as that of dependent trials can get."""
    low, high = beta_interval(value * subjects, subjects, tails_of(confidence))
    return Estimate(value, low, high, f"Clopper-Pearson on {subjects} subjects")


def _chunks(replicates: int, count: int) -> list[int]:
    """Return sizes of the blocks in which to draw replicates of `count` examples, to bound the memory."""
    size = max(1, _BOOTSTRAP_CELLS // max(count, 1))
    return [min(size, replicates - start) for start in range(0, replicates, size)]


def _resampled_counts(count: int, replicates: int, generator: np.random.Generator) -> Floats:
    """Draw `count` examples with replacement and count how often each was drawn, (replicates, count)."""
    drawn = generator.integers(count, size=(replicates, count))
    drawn += np.arange(replicates)[:, None] * count
    counts = np.bincount(drawn.ravel(), minlength=replicates * count)
    return counts.reshape(replicates, count).astype(np.float64)
