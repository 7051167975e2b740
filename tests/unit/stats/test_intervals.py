"""Laws of the intervals and ranks, each against a hand-computed case and an independent implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tckr_bench import stats
from tckr_bench.stats import resampling


@st.composite
def challenges(draw, most=40):
    """Scores with many ties and at least one member and one non-member."""
    count = draw(st.integers(2, most))
    members = draw(arrays.arrays(bool, count))
    assume(members.any() and not members.all())
    scores = draw(arrays.arrays(np.float64, count, elements=st.integers(-4, 4).map(float)))
    return scores, members


def pairwise_auc(scores, members):
    """Count pairs one by one: the definition."""
    wins = [(a > b) + 0.5 * (a == b) for a in scores[members] for b in scores[~members]]
    return sum(wins) / len(wins)


def placement_variance(scores, members):
    """DeLong's variance from its definition: placements by a double loop."""
    positives, negatives = scores[members], scores[~members]
    kernel = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    return kernel.mean(axis=1).var(ddof=1) / len(positives) + kernel.mean(axis=0).var(ddof=1) / len(negatives)


def worlds(generator, *, count, shift, size):
    members = np.arange(2 * size) < size
    for _ in range(count):
        yield generator.normal(size=2 * size) + shift * members, members


@settings(deadline=None)
@given(challenges())
def test_midranks_are_scipys_average_ranks(world):
    from scipy.stats import rankdata

    np.testing.assert_array_equal(stats.midranks(world[0]), rankdata(world[0], method="average"))


@settings(deadline=None)
@given(challenges())
def test_auc_counts_pairs_and_agrees_with_sklearn(world):
    from sklearn.metrics import roc_auc_score

    scores, members = world
    assert stats.auc(scores, members) == pytest.approx(pairwise_auc(scores, members))
    assert stats.auc(scores, members) == pytest.approx(roc_auc_score(members, scores))


@settings(deadline=None)
@given(challenges())
def test_negated_scores_mirror_the_auc_and_its_interval(world):
    scores, members = world
    forward, backward = stats.auc_interval(scores, members), stats.auc_interval(-scores, members)
    assert backward.value == pytest.approx(1 - forward.value)
    assert backward.low == pytest.approx(1 - forward.high, abs=1e-9)


@settings(deadline=None)
@given(challenges())
def test_auc_and_operating_point_ignore_monotone_maps(world):
    scores, members = world
    mapped = np.exp(scores) + 3 * scores
    assert stats.auc(mapped, members) == stats.auc(scores, members)
    before, after = (stats.tpr_at_fpr(values, members, fpr=0.2) for values in (scores, mapped))
    assert before.true_positive_rate == after.true_positive_rate


@settings(deadline=None)
@given(challenges())
def test_fast_delong_variance_equals_its_definition(world):
    scores, members = world
    assume(min(members.sum(), (~members).sum()) > 1)
    assert stats.delong_variance(scores, members) == pytest.approx(placement_variance(scores, members), abs=1e-12)


@settings(deadline=None)
@given(challenges())
def test_auc_interval_holds_the_value_and_stays_in_range(world):
    estimate = stats.auc_interval(*world)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.high > estimate.low


def test_auc_interval_of_a_hand_computed_case():
    scores, members = np.array([1.0, 3.0, 0.0, 2.0]), np.array([True, True, False, False])
    estimate = stats.auc_interval(scores, members)  # AUC 3/4; placements {1/2, 1} on both sides: variance 1/8
    reach = 1.959964 * math.sqrt(1 / 8) / (3 / 16)
    assert estimate.value == 0.75
    assert estimate.low == pytest.approx(1 / (1 + math.exp(-(math.log(3) - reach))), abs=1e-6)


@pytest.mark.parametrize("scores", [np.zeros(200), np.arange(200.0), -np.arange(200.0)])
def test_degenerate_auc_intervals_are_wide_rather_than_empty(scores):
    estimate = stats.auc_interval(scores, np.arange(200) >= 100)
    assert estimate.method.startswith("Clopper-Pearson")
    assert estimate.high - estimate.low > 0.03
    if estimate.value == 1:
        assert estimate.low == pytest.approx(0.025 ** (1 / 100))  # 100 successes of 100


def test_auc_interval_covers_the_known_auc_of_two_gaussians():
    from scipy.stats import norm

    truth = norm.cdf(1 / math.sqrt(2))
    estimates = [
        stats.auc_interval(scores, members)
        for scores, members in worlds(np.random.default_rng(3), count=1000, shift=1.0, size=60)
    ]
    covered = np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])
    assert 0.93 <= covered <= 0.97


@settings(deadline=None)
@given(challenges())
def test_roc_curve_is_sklearns_without_dropped_points(world):
    from sklearn.metrics import roc_curve

    scores, members = world
    fpr, tpr, thresholds = roc_curve(members, scores, drop_intermediate=False)
    curve = stats.roc_curve(scores, members)
    np.testing.assert_allclose(curve.false_positive_rates, fpr)
    np.testing.assert_allclose(curve.true_positive_rates, tpr)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    area = np.trapezoid(curve.true_positive_rates, curve.false_positive_rates)
    assert area == pytest.approx(stats.auc(scores, members))


@settings(deadline=None)
@given(challenges(), st.integers(0, 1000).map(lambda share: share / 1000))
def test_tpr_at_fpr_is_the_best_that_keeps_the_limit(world, limit):
    scores, members = world
    point = stats.tpr_at_fpr(scores, members, fpr=limit)
    taken = scores >= point.threshold
    assert (taken & ~members).sum() <= limit * (~members).sum() + 1e-9
    assert point.true_positive_rate.value == pytest.approx(taken[members].mean())
    assert point.false_positive_rate.value == pytest.approx(taken[~members].mean())
    allowed = [
        (scores >= cut)[members].mean()
        for cut in np.unique(scores)
        if (scores >= cut)[~members].mean() <= limit + 1e-12
    ]
    assert point.true_positive_rate.value == pytest.approx(max(allowed, default=0.0))


def test_tpr_at_fpr_of_constant_scores_finds_nobody():
    point = stats.tpr_at_fpr(np.zeros(20), np.arange(20) < 10)
    assert (point.true_positive_rate.value, point.threshold) == (0.0, np.inf)


def test_tpr_at_fpr_uses_a_limit_that_floating_point_rounds_down():
    scores = np.arange(400.0)  # 100 members above 300 non-members but for the three highest
    members = (scores >= 297) & (scores < 397)
    point = stats.tpr_at_fpr(scores, members, fpr=0.01)
    assert point.false_positive_rate.value == pytest.approx(3 / 300)
    assert point.true_positive_rate.value == 1.0


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_proportion_intervals_agree_with_scipy(trials, data):
    from scipy.stats import binomtest

    successes = data.draw(st.integers(0, trials))
    for ours, method in ((stats.clopper_pearson, "exact"), (stats.wilson, "wilson")):
        reference = binomtest(successes, trials).proportion_ci(0.95, method=method)
        estimate = ours(successes, trials)
        assert estimate.low == pytest.approx(reference.low, abs=1e-9)
        assert estimate.high == pytest.approx(reference.high, abs=1e-9)
        assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize(("estimator", "least"), [(stats.clopper_pearson, 0.95), (stats.wilson, 0.925)])
def test_proportion_intervals_cover(estimator, least):
    from scipy.stats import binom

    for truth in (0.1, 0.5, 0.8):
        held = [k for k in range(101) if estimator(k, 100).low <= truth <= estimator(k, 100).high]
        assert binom.pmf(held, 100, truth).sum() >= least  # exact coverage: no simulation


def test_paired_difference_covers_and_knows_its_pairs():
    generator = np.random.default_rng(5)
    covered = []
    for _ in range(1000):
        shared = generator.random(150)
        first, second = shared < 0.8, (shared < 0.7) | (generator.random(150) < 0.1)
        estimate = stats.paired_difference(first, second)
        covered.append(estimate.low <= 0.8 - (1 - 0.3 * 0.9) <= estimate.high)
    assert 0.93 <= np.mean(covered) <= 0.985


@settings(deadline=None)
@given(arrays.arrays(bool, 30), arrays.arrays(bool, 30))
def test_paired_difference_is_antisymmetric_and_in_range(first, second):
    estimate, swapped = stats.paired_difference(first, second), stats.paired_difference(second, first)
    assert estimate.value == pytest.approx(first.mean() - second.mean())
    assert estimate.low == pytest.approx(-swapped.high)
    assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_paired_interval_is_narrower_than_an_unpaired_one_when_both_fail_together():
    right = np.arange(400) < 300
    other = right.copy()
    other[:4] = False
    estimate = stats.paired_difference(right, other)
    assert estimate.value == pytest.approx(0.01)
    assert estimate.high - estimate.low < 0.04


@settings(deadline=None, max_examples=20)
@given(challenges())
def test_bootstrap_auc_is_the_auc_of_its_resamples(world):
    scores, members = world
    found = stats.bootstrap_auc(scores, members, replicates=5, generator=np.random.default_rng(1))
    generator = np.random.default_rng(1)
    positives, negatives = scores[members], scores[~members]
    rows, columns = (generator.integers(len(part), size=(5, len(part))) for part in (positives, negatives))
    for value, row, column in zip(found, rows, columns, strict=True):
        resampled = np.concatenate([positives[row], negatives[column]])
        assert value == pytest.approx(pairwise_auc(resampled, np.arange(len(resampled)) < len(positives)))


def test_bootstrap_spread_is_the_standard_error():
    generator = np.random.default_rng(0)
    values = generator.random(500) < 0.8
    means = stats.bootstrap_mean(values, replicates=2000, generator=generator)
    assert means.std() == pytest.approx(math.sqrt(values.mean() * (1 - values.mean()) / 500), rel=0.05)
    scores, members = next(worlds(generator, count=1, shift=1.0, size=200))
    aucs = stats.bootstrap_auc(scores, members, replicates=2000, generator=generator)
    assert aucs.std() == pytest.approx(math.sqrt(stats.delong_variance(scores, members)), rel=0.1)


def test_bootstrap_is_seeded_and_memory_bounded(monkeypatch):
    monkeypatch.setattr(resampling, "_BOOTSTRAP_CELLS", 64)  # chunks of 64 // 20 = 3 replicates
    scores, members = np.arange(20.0), np.arange(20) % 2 == 0
    first, second = (
        stats.bootstrap_auc(scores, members, replicates=10, generator=np.random.default_rng(4)) for _ in range(2)
    )
    assert first.shape == (10,)
    np.testing.assert_array_equal(first, second)
    assert stats.bootstrap_mean(members, replicates=7, generator=np.random.default_rng(0)).shape == (7,)
