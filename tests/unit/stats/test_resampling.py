"""Laws of the bootstrap of examples and of subjects, against resampling in a loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from tckr_bench import stats
from tckr_bench.stats import resampling

REPETITIONS = 300
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def audit(generator, *, models, subjects, shift, own=0.5, uneven=0.5):
    """Subjects differ by `own`, and in how far membership shifts them by `uneven`."""
    members = np.stack([generator.permutation(models) < models // 2 for _ in range(subjects)], axis=1)
    noise = generator.normal(size=members.shape) + own * generator.normal(size=subjects)
    return noise + members * (shift + uneven * generator.normal(size=subjects)), members


def resampled(scores, members, *, replicates, seed):
    """Draw subjects as the library does, and take all their trials."""
    subjects = scores.shape[1]
    for drawn in np.random.default_rng(seed).integers(subjects, size=(replicates, subjects)):
        yield scores[:, drawn].ravel(), members[:, drawn].ravel()


def test_bootstrap_interval_is_as_wide_as_the_resamples_spread():
    generator = np.random.default_rng(0)
    scores, members = generator.normal(size=200) + (np.arange(200) < 90), np.arange(200) < 90
    estimate = stats.bootstrap_auc_interval(scores, members, replicates=500, seed=3)
    samples = stats.bootstrap_auc(scores, members, replicates=500, generator=np.random.default_rng(3))
    assert estimate.value == stats.auc(scores, members)
    reach = 1.959964 * samples.std() / (estimate.value * (1 - estimate.value))
    assert [estimate.low, estimate.high] == pytest.approx(expit(logit(estimate.value) + np.array([-reach, reach])))


@pytest.mark.parametrize("scores", [np.zeros(200), np.arange(200.0)])
def test_bootstrap_interval_is_wide_where_no_resample_differs(scores):
    members = np.arange(200) >= 100
    estimate, usual = stats.bootstrap_auc_interval(scores, members, replicates=100), stats.auc_interval(scores, members)
    assert (estimate.low, estimate.high, estimate.method) == (usual.low, usual.high, usual.method)


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_bootstrap_interval_covers(shift):
    generator, truth, members = np.random.default_rng(1), norm.cdf(shift / math.sqrt(2)), np.arange(160) < 80
    covered = 0
    for seed in range(REPETITIONS):
        scores = generator.normal(size=160) + shift * members
        estimate = stats.bootstrap_auc_interval(scores, members, replicates=300, seed=seed)
        covered += estimate.low <= truth <= estimate.high
    assert covered / REPETITIONS == pytest.approx(0.95, abs=0.01 + TOLERANCE)


def test_wins_count_pairs_of_trials_of_two_subjects():
    scores, members = audit(np.random.default_rng(2), models=4, subjects=5, shift=1.0)
    scores = np.round(scores)  # ties
    wins = resampling._wins(scores, members)
    for one in range(5):
        for other in range(5):
            inside, outside = scores[members[:, one], one], scores[~members[:, other], other]
            kernel = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
            assert wins[one, other] == pytest.approx(kernel.sum())


def test_clustered_auc_spreads_as_resampled_subjects_do():
    scores, members = audit(np.random.default_rng(3), models=8, subjects=30, shift=1.0)
    estimate = stats.clustered_auc_interval(scores, members, replicates=200, seed=5)
    areas = [roc_auc_score(inside, row) for row, inside in resampled(scores, members, replicates=200, seed=5)]
    assert estimate.value == pytest.approx(roc_auc_score(members.ravel(), scores.ravel()))
    reach = 2.0452 * np.std(areas) / (estimate.value * (1 - estimate.value))  # Student's t, 29 degrees of freedom
    assert logit(estimate.high) - logit(estimate.value) == pytest.approx(reach, rel=1e-4)
    assert logit(estimate.value) - logit(estimate.low) == pytest.approx(reach, rel=1e-4)


def test_clustered_rate_is_the_percentiles_of_resampled_subjects():
    scores, members = audit(np.random.default_rng(4), models=8, subjects=100, shift=2.0)
    scores = np.round(scores, 1)  # ties
    estimate = stats.clustered_tpr_interval(scores, members, fpr=0.05, replicates=200, seed=5)
    rates = []
    for row, inside in resampled(scores, members, replicates=200, seed=5):
        others = (~inside).sum()
        cuts = [cut for cut in np.unique(row) if ((row >= cut) & ~inside).sum() <= 0.05 * (others + 1) - 1 + 1e-9]
        rates.append(max(((row >= cut)[inside].mean() for cut in cuts), default=0.0))
    low, high = np.quantile(rates, [0.025, 0.975])
    assert (estimate.low, estimate.high) == pytest.approx((low, max(high, estimate.value)))
    assert estimate.value == stats.tpr_at_fpr(scores.ravel(), members.ravel(), fpr=0.05).true_positive_rate.value


def test_perfect_canaries_are_as_sure_as_their_number_allows():
    members = np.arange(8)[:, None] < np.full((8, 100), 4)
    for estimate in (
        stats.clustered_auc_interval(members.astype(float), members, replicates=100),
        stats.clustered_tpr_interval(members.astype(float), members, fpr=0.01, replicates=100),
    ):
        assert (estimate.value, estimate.high) == (1.0, 1.0)
        assert estimate.low == pytest.approx(0.025 ** (1 / 100))


def test_clustered_rate_has_no_lower_end_with_few_trials():
    scores, members = audit(np.random.default_rng(5), models=8, subjects=91, shift=3.0)  # 364 trials out
    estimate = stats.clustered_tpr_interval(scores, members, fpr=0.01, replicates=100)
    assert estimate.low == 0.0 < estimate.value
    assert "too few" in estimate.method
    scores, members = audit(np.random.default_rng(5), models=8, subjects=92, shift=3.0)
    assert stats.clustered_tpr_interval(scores, members, fpr=0.01, replicates=100).low > 0


def test_resampling_trials_as_if_independent_would_be_too_sure():
    scores, members = audit(np.random.default_rng(6), models=16, subjects=60, shift=1.0, own=0.0, uneven=2.0)
    clustered = stats.clustered_auc_interval(scores, members, replicates=500)
    single = stats.auc_interval(scores.ravel(), members.ravel())
    assert clustered.high - clustered.low > 1.3 * (single.high - single.low)


@pytest.mark.parametrize(("shift", "own", "uneven"), [(0.0, 1.0, 0.0), (1.5, 1.0, 0.5), (2.5, 0.5, 1.0)])
def test_clustered_intervals_cover(shift, own, uneven):
    inside, outside = math.sqrt(1 + own**2 + uneven**2), math.sqrt(1 + own**2)
    area = norm.cdf(shift / math.hypot(inside, outside))
    rate = norm.sf((norm.isf(0.01) * outside - shift) / inside)
    generator = np.random.default_rng(7)
    covered = np.zeros(2)
    for seed in range(REPETITIONS):
        world = audit(generator, models=8, subjects=100, shift=shift, own=own, uneven=uneven)
        first = stats.clustered_auc_interval(*world, replicates=200, seed=seed)
        second = stats.clustered_tpr_interval(*world, fpr=0.01, replicates=200, seed=seed)
        covered += first.low <= area <= first.high, second.low <= rate <= second.high
    assert covered[0] / REPETITIONS == pytest.approx(0.95, abs=0.01 + TOLERANCE)
    assert covered[1] / REPETITIONS >= 0.94 - TOLERANCE
