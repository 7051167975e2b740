"""Laws of the interval of a rate at fixed false alarms: it must hold the error of its threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binom, norm

from tckr_bench import stats
from tckr_bench.stats.estimates import Tails
from tckr_bench.stats.operating import _threshold_ranks, tpr_between

REPETITIONS = 400
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)  # three standard errors of a coverage of 95 %


@st.composite
def challenges(draw):
    """Scores with many ties."""
    count = draw(st.integers(2, 60))
    members = draw(arrays.arrays(bool, count))
    assume(members.any() and not members.all())
    return draw(arrays.arrays(np.float64, count, elements=st.integers(-4, 4).map(float))), members


@settings(deadline=None)
@given(challenges(), st.integers(1, 999).map(lambda share: share / 1000))
def test_value_is_the_rate_at_the_realised_threshold_and_lies_in_its_interval(world, fpr):
    estimate = stats.tpr_interval(*world, fpr=fpr)
    assert estimate.value == stats.tpr_at_fpr(*world, fpr=fpr).true_positive_rate.value
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@settings(deadline=None)
@given(challenges(), st.integers(1, 999).map(lambda share: share / 1000))
def test_interval_is_never_narrower_than_that_of_the_members_alone(world, fpr):
    estimate, alone = stats.tpr_interval(*world, fpr=fpr), stats.tpr_at_fpr(*world, fpr=fpr).true_positive_rate
    assert estimate.low <= alone.low + 1e-9
    assert estimate.high >= alone.high - 1e-9


def test_interval_adds_both_errors_in_quadrature():
    """Of 1,000 non-members at 10 %, 82.28 to 119.48 lie above the threshold: read off the binomial distribution."""
    generator = np.random.default_rng(0)
    positives, negatives = generator.normal(1, 1, size=500), generator.normal(size=1000)
    scores, members = np.concatenate([positives, negatives]), np.arange(1500) < 500
    estimate = stats.tpr_interval(scores, members, fpr=0.1)
    ranked = np.sort(negatives)[::-1]
    above = [(positives > ranked[rank - 1]).mean() for rank in (82, 83, 101, 119, 120)]
    strict, lax = above[0] + 0.278657 * (above[1] - above[0]), above[3] + 0.482927 * (above[4] - above[3])
    alone = stats.clopper_pearson(round(above[2] * 500), 500)
    assert estimate.value == above[2]
    assert estimate.low == pytest.approx(
        estimate.value - math.hypot(alone.value - alone.low, above[2] - strict), abs=1e-6
    )
    assert estimate.high == pytest.approx(
        estimate.value + math.hypot(alone.high - alone.value, lax - above[2]), abs=1e-6
    )


@pytest.mark.parametrize("count", [100, 367, 368, 950, 3687, 3688, 20_000])
@pytest.mark.parametrize("fpr", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("tails", [Tails(0.025, 0.025), Tails(0.0016, 0.025)])
def test_ranks_of_the_threshold_are_binomial_quantiles(count, fpr, tails):
    strict, lax = _threshold_ranks(count, fpr, tails)
    above = binom(count, fpr)
    assert above.ppf(tails.above) <= strict <= above.ppf(tails.above) + 1
    assert above.isf(tails.below) <= lax <= above.isf(tails.below) + 1
    assert (strict == 0) == ((1 - fpr) ** count >= tails.above)


@pytest.mark.parametrize(("count", "told"), [(367, False), (368, True)])
def test_few_non_members_leave_no_lower_end(count, told):
    scores = np.arange(2.0 * count)
    estimate = stats.tpr_interval(scores, scores >= count, fpr=0.01)  # all members above all non-members
    assert (estimate.low > 0) is told
    assert ("too few non-members for a lower end" in estimate.method) is not told


def test_method_names_the_counts_and_the_realised_rate_of_false_alarms():
    scores = np.array([*[5.0] * 20, *[3.0] * 80, *[4.0] * 2, *[1.0] * 398])  # 20 + 80 members, 2 + 398 others
    estimate = stats.tpr_interval(scores, np.arange(500) < 100, fpr=0.01)
    assert "100 of 100 members, 2 of 400 non-members (realised FPR of 0.50 %)" in estimate.method


def test_smaller_tails_move_their_own_end_outwards():
    generator = np.random.default_rng(1)
    scores, members = generator.normal(size=2000) + (np.arange(2000) < 1000), np.arange(2000) < 1000
    usual, less = (tpr_between(scores, members, fpr=0.1, tails=Tails(above, 0.025)) for above in (0.025, 0.001))
    assert less.low < usual.low
    assert less.high == usual.high


@pytest.mark.parametrize(("fpr", "sizes"), [(0.1, (400, 400)), (0.01, (1000, 1000)), (0.01, (1950, 950))])
@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_interval_covers_the_rate_at_the_true_threshold(fpr, sizes, shift):
    truth = norm.sf(norm.isf(fpr) - shift)
    generator = np.random.default_rng(round(1000 * fpr) + sizes[1])
    members = np.arange(sum(sizes)) < sizes[0]
    covered = alone = 0
    for _ in range(REPETITIONS):
        scores = generator.normal(size=sum(sizes)) + shift * members
        estimate = stats.tpr_interval(scores, members, fpr=fpr)
        covered += estimate.low <= truth <= estimate.high
        rate = stats.tpr_at_fpr(scores, members, fpr=fpr).true_positive_rate
        alone += rate.low <= truth <= rate.high
    assert covered / REPETITIONS == pytest.approx(0.96, abs=0.01 + TOLERANCE)
    assert alone / REPETITIONS < 0.9  # what the members alone would claim


def test_interval_at_a_tenth_of_a_percent_errs_on_the_upper_side_alone():
    generator = np.random.default_rng(2)
    truth, members = norm.sf(norm.isf(0.001) - 2.0), np.arange(2000) < 1000
    ends = []
    for _ in range(REPETITIONS):
        estimate = stats.tpr_interval(generator.normal(size=2000) + 2.0 * members, members, fpr=0.001)
        ends.append((estimate.low, estimate.high))
    lows, highs = np.array(ends).T
    assert (lows == 0).all()
    assert (highs >= truth).mean() >= 0.975 - 3 * math.sqrt(0.025 * 0.975 / REPETITIONS)
