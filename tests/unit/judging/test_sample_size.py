"""How many examples would settle a question: against counting up one by one, with the intervals themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from tckr_bench import stats
from tckr_bench.judging.sample_size import (
    by_square_root,
    fewest_others,
    for_paired_difference,
    for_proportion,
)


def upper(hits, trials):
    return beta.ppf(0.975, hits + 1, trials - hits)


def lower(hits, trials):
    return beta.ppf(0.025, hits, trials - hits + 1)


@pytest.mark.parametrize(("value", "limit"), [(0.0, 0.01), (0.013, 0.02), (0.02, 0.05), (0.3, 0.35), (0.9, 0.95)])
def test_trials_for_an_upper_end_are_the_first_that_suffice_counting_up(value, limit):
    count = 20
    needed = for_proportion(value, upper(value * count, count), limit, count=count)
    first = next(trials for trials in range(1, 100_000) if upper(value * trials, trials) <= limit)
    assert needed == first


@pytest.mark.parametrize(("value", "limit"), [(0.05, 0.04), (0.06, 0.03), (0.5, 0.45), (1.0, 0.9)])
def test_trials_for_a_lower_end_are_the_first_that_suffice_counting_up(value, limit):
    count = 20
    needed = for_proportion(value, lower(value * count, count), limit, count=count)
    first = next(trials for trials in range(1, 100_000) if lower(value * trials, trials) >= limit)
    assert needed == first


def test_trials_agree_with_the_interval_of_whole_counts():
    observed = stats.clopper_pearson(6, 300)
    needed = for_proportion(0.02, observed.high, 0.03, count=300)
    first = next(part for part in range(1, 1000) if stats.clopper_pearson(part, 50 * part).high <= 0.03)
    assert 50 * (first - 1) < needed <= 50 * first


def test_an_interval_twice_as_wide_takes_about_four_times_the_trials():
    count, value = 1_000_000, 0.1  # many, for the law is one of large numbers: the interval of few is skewed
    reach = upper(value * count, count) - value
    plain, wide = (for_proportion(value, value + factor * reach, 0.1004, count=count) for factor in (1, 2))
    assert wide / plain == pytest.approx(4, rel=0.05)


def differing(value, share, count):
    """Two lists of right answers that differ in this share of the images, by this much."""
    ups, downs = round((share + value) / 2 * count), round((share - value) / 2 * count)
    first, second = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    first[:ups], second[ups : ups + downs] = True, True
    return first, second


@pytest.mark.parametrize(
    ("value", "share", "limit"), [(0.01, 0.07, 0.02), (0.03, 0.07, 0.02), (-0.01, 0.03, 0.0), (0.04, 0.04, 0.05)]
)
def test_paired_images_are_the_first_that_suffice_counting_up(value, share, limit):
    step = 200  # every share above is a whole number of images
    now = stats.paired_difference(*differing(value, share, step))
    needed = for_paired_difference(value, now.low, now.high, limit=limit, count=step)
    for count in range(step, 100_000, step):
        found = stats.paired_difference(*differing(value, share, count))
        if (found.high <= limit) if value < limit else (found.low >= limit):
            break
    assert count - step < needed <= count


def test_an_auc_is_settled_by_as_many_times_its_examples():
    generator = np.random.default_rng(0)
    scores, members = generator.normal(size=400), np.arange(400) < 200
    scores[members] += 0.2
    now = stats.auc_interval(scores, members)
    limit = now.value + (now.high - now.value) / 3
    needed = by_square_root(now.value, now.high, limit, count=200)
    assert needed == pytest.approx(1800, abs=1)
    then = stats.auc_interval(np.tile(scores, 9), np.tile(members, 9))
    assert then.high == pytest.approx(limit, abs=0.002)


@pytest.mark.parametrize("search", [for_proportion, by_square_root])
def test_no_number_suffices_where_the_value_sits_on_the_limit(search):
    assert search(0.05, 0.07, 0.05, count=100) == math.inf
    assert search(0.05, 0.07, 0.05 + 1e-7, count=100) == math.inf


def test_no_number_of_paired_images_suffices_on_the_limit():
    assert for_paired_difference(0.02, 0.0, 0.04, limit=0.02, count=100) == math.inf


def test_an_end_that_tells_nothing_is_taken_for_the_count_that_was():
    assert for_proportion(0.2, 0.0, 0.1, count=50) == next(n for n in range(1, 999) if lower(0.2 * n, n) >= 0.1)


@pytest.mark.parametrize("fpr", [0.1, 0.01, 0.001])
def test_fewer_non_members_leave_no_lower_end(fpr):
    fewest = fewest_others(fpr)
    for others, known in ((fewest - 1, False), (fewest, True)):
        scores = np.concatenate([np.full(500, 2.0), np.linspace(0, 1, others)])
        found = stats.tpr_interval(scores, np.arange(len(scores)) < 500, fpr=fpr)
        assert found.value == 1
        assert ((1 - fpr) ** others <= 0.025) == known
