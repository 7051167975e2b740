"""Laws of the joint error of several AUCs, of their differences, and of the spread between trainings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import chi2, norm

from tckr_bench import stats

REPETITIONS = 500
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def kernels(scores, members):
    """Return who beats whom, (members, non-members): the definition."""
    inside, outside = scores[members][:, None], scores[~members]
    return (inside > outside) + 0.5 * (inside == outside)


@settings(deadline=None)
@given(arrays.arrays(np.float64, (3, 20), elements=st.integers(-3, 3).map(float)), st.integers(2, 18))
def test_covariance_is_that_of_the_placements(scores, count):
    members = np.arange(20) < count
    parts = [kernels(row, members) for row in scores]
    expected = np.cov([part.mean(axis=1) for part in parts]) / count
    expected += np.cov([part.mean(axis=0) for part in parts]) / (20 - count)
    np.testing.assert_allclose(stats.delong_covariance(scores, members), expected, atol=1e-12)


def test_variance_is_the_diagonal():
    scores = np.random.default_rng(0).normal(size=(2, 50))
    members = np.arange(50) < 20
    covariance = stats.delong_covariance(scores, members)
    assert stats.delong_variance(scores[1], members) == pytest.approx(covariance[1, 1])


def test_difference_of_a_ranking_and_itself_is_exactly_nothing():
    scores, members = np.random.default_rng(0).normal(size=50), np.arange(50) < 20
    estimate = stats.paired_auc_difference(scores, np.exp(scores), members)
    assert (estimate.low, estimate.value, estimate.high) == (0.0, 0.0, 0.0)


def test_difference_is_antisymmetric_and_agrees_with_a_paired_bootstrap():
    generator = np.random.default_rng(1)
    members = np.arange(400) < 200
    shared = generator.normal(size=400) + members
    first, second = shared + 0.3 * generator.normal(size=400), shared + generator.normal(size=400)
    estimate, swapped = (stats.paired_auc_difference(*pair, members) for pair in ((first, second), (second, first)))
    assert (estimate.low, estimate.value) == pytest.approx((-swapped.high, -swapped.value))
    samples = [
        stats.bootstrap_auc(scores, members, replicates=2000, generator=np.random.default_rng(2))
        for scores in (first, second)
    ]
    low, high = stats.percentile_interval(samples[0] - samples[1])
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.005)


def test_difference_of_two_perfect_attacks_is_not_taken_for_sure():
    members = np.arange(40) < 20
    first, second = members + np.linspace(0, 0.5, 40), members - np.linspace(0, 0.5, 40)
    estimate = stats.paired_auc_difference(first, second, members)
    assert estimate.value == 0.0
    assert estimate.low == pytest.approx(-(1 - 0.025 ** (1 / 20)))


@pytest.mark.parametrize("shifts", [(0.0, 0.0), (1.0, 0.7), (2.0, 0.3)])
def test_interval_of_the_difference_covers(shifts):
    generator, members = np.random.default_rng(3), np.arange(200) < 100
    truth = norm.cdf(shifts[0] / math.sqrt(2)) - norm.cdf(shifts[1] / math.sqrt(2))
    covered = 0
    for _ in range(REPETITIONS):
        shared = generator.normal(size=200) * math.sqrt(0.8)
        first, second = (shared + generator.normal(size=200) * math.sqrt(0.2) + shift * members for shift in shifts)
        estimate = stats.paired_auc_difference(first, second, members)
        covered += estimate.low <= truth <= estimate.high
    assert covered / REPETITIONS == pytest.approx(0.95, abs=TOLERANCE)


def test_interval_of_a_standard_deviation_is_scipys_chi_square():
    values = np.random.default_rng(4).normal(size=9)
    estimate = stats.deviation_interval(values)
    assert estimate.value == pytest.approx(values.std(ddof=1))
    assert estimate.low == pytest.approx(estimate.value * math.sqrt(8 / chi2.ppf(0.975, 8)))
    assert estimate.high == pytest.approx(estimate.value * math.sqrt(8 / chi2.ppf(0.025, 8)))


def test_interval_of_a_standard_deviation_covers():
    draws = np.random.default_rng(5).normal(0.6, 0.02, size=(REPETITIONS, 8))
    ends = [(stats.deviation_interval(row).low, stats.deviation_interval(row).high) for row in draws]
    covered = np.mean([low <= 0.02 <= high for low, high in ends])
    assert covered == pytest.approx(0.95, abs=TOLERANCE)


def test_difference_of_wilson_intervals_is_newcombes_published_example():
    """56 of 70 against 48 of 80: Newcombe 1998, table II, example (a), method 10."""
    found = stats.difference(stats.wilson(56, 70), stats.wilson(48, 80), method="")
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
