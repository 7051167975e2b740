"""Laws of what a guesser gains: nothing is judged where it was chosen, and no true epsilon is refuted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from tckr_bench import stats

REPETITIONS = 300
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def gaussian(generator, *, shift, size):
    members = np.arange(2 * size) < size
    return generator.normal(size=2 * size) + shift * members, members


def randomised_response(generator, *, epsilon, size):
    """Tell the truth with probability 1 / (1 + e^-epsilon): private with exactly that epsilon."""
    members = np.arange(2 * size) < size
    truthful = generator.random(2 * size) < 1 / (1 + math.exp(-epsilon))
    return 2.0 * (members == truthful) + generator.random(2 * size), members


def test_halves_share_out_members_and_non_members_alike():
    members = np.random.default_rng(0).random(101) < 0.3
    half = stats.halves(members, seed=1)
    assert half[members].sum() == members.sum() // 2
    assert half[~members].sum() == (~members).sum() // 2
    np.testing.assert_array_equal(half, stats.halves(members, seed=1))
    assert (half != stats.halves(members, seed=2)).any()


def test_advantage_of_a_hand_computed_case():
    """Each half has 10 members, 8 of them at 1, and 10 non-members, 2 of them at 1: 1 is the threshold either way."""
    scores = np.array(([1.0] * 8 + [0.0] * 2 + [1.0] * 2 + [0.0] * 8) * 2)
    members = np.array(([True] * 10 + [False] * 10) * 2)
    estimate = stats.advantage(scores, members, half=np.arange(40) < 20)
    rates = stats.wilson(16, 20), stats.wilson(4, 20)
    assert estimate.value == pytest.approx(0.6)
    assert estimate.low == pytest.approx(0.6 - math.hypot(0.8 - rates[0].low, rates[1].high - 0.2))
    assert estimate.high == pytest.approx(0.6 + math.hypot(rates[0].high - 0.8, 0.2 - rates[1].low))


def test_advantage_gains_nothing_from_choosing_the_threshold():
    generator = np.random.default_rng(3)
    values, chosen = [], []
    for _ in range(REPETITIONS):
        scores, members = gaussian(generator, shift=0.3, size=100)
        values.append(stats.advantage(scores, members, half=stats.halves(members, seed=0)).value)
        curve = stats.roc_curve(scores, members)
        chosen.append((curve.true_positive_rates - curve.false_positive_rates).max())
    truth = 2 * norm.cdf(0.15) - 1
    assert np.mean(chosen) > truth + 0.04  # what judging the threshold where it was chosen would add
    assert np.mean(values) <= truth + 3 * np.std(values) / math.sqrt(REPETITIONS)


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0, 3.0])
def test_interval_of_the_advantage_covers_the_highest_of_all_thresholds(shift):
    generator, truth = np.random.default_rng(4), 2 * norm.cdf(shift / 2) - 1
    covered = 0
    for _ in range(REPETITIONS):
        scores, members = gaussian(generator, shift=shift, size=200)
        estimate = stats.advantage(scores, members, half=stats.halves(members, seed=0))
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        covered += estimate.low <= truth <= estimate.high
    assert covered / REPETITIONS >= 0.95 - TOLERANCE


def test_a_constant_score_has_no_advantage_and_refutes_nothing():
    members = np.arange(200) < 100
    half = stats.halves(members, seed=0)
    estimate = stats.advantage(np.zeros(200), members, half=half)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert stats.epsilon_lower_bound(np.zeros(200), members, half=half).value == 0.0


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0, 3.0])
def test_the_true_epsilon_is_refuted_in_one_run_of_twenty_at_most(epsilon):
    generator = np.random.default_rng(5)
    bounds = []
    for _ in range(REPETITIONS):
        scores, members = randomised_response(generator, epsilon=epsilon, size=500)
        estimate = stats.epsilon_lower_bound(scores, members, half=stats.halves(members, seed=0))
        assert 0 <= estimate.low == estimate.value <= estimate.high < math.inf
        bounds.append(estimate.value)
    assert np.mean(np.array(bounds) > epsilon) <= 0.05
    assert np.mean(bounds) >= 0.6 * (epsilon - 0.5)  # and the bound is not empty


def test_epsilon_is_found_on_the_side_of_the_non_members_too():
    """Half of the non-members are surely none: no threshold finds members, but one finds non-members."""
    generator = np.random.default_rng(6)
    members = np.arange(2000) < 1000
    scores = generator.random(2000) - 2.0 * (~members & (generator.random(2000) < 0.5))
    estimate = stats.epsilon_lower_bound(scores, members, half=stats.halves(members, seed=0))
    mirrored = stats.epsilon_lower_bound(-scores, ~members, half=stats.halves(members, seed=0))
    assert estimate.value > 3
    assert "non-members against 0 of 500 members" in estimate.method
    assert mirrored.value == pytest.approx(estimate.value, abs=0.2)


def test_delta_lowers_the_bound():
    members = np.arange(2000) < 1000
    scores = (members & (np.arange(2000) % 10 == 0)).astype(float)  # a tenth of the members give themselves away
    half = np.arange(2000) // 50 % 2 == 0
    bounds = [stats.epsilon_lower_bound(scores, members, half=half, delta=delta).value for delta in (0.0, 0.03, 0.2)]
    assert bounds[0] > bounds[1] > bounds[2] == 0.0


def test_bound_agrees_with_its_definition_in_a_loop():
    from scipy.stats import binomtest

    generator = np.random.default_rng(7)
    scores, members = gaussian(generator, shift=2.0, size=60)
    half = stats.halves(members, seed=0)
    estimate = stats.epsilon_lower_bound(scores, members, half=half)
    attainable = []
    for judged in (half, ~half):
        for cut in np.unique(scores):
            for first, guessed in ((members, scores >= cut), (~members, scores < cut)):
                right, wrong = ((guessed & judged & side).sum() for side in (first, ~first))
                asked, others = ((judged & side).sum() for side in (first, ~first))
                least = binomtest(int(right), int(asked)).proportion_ci(0.975).low  # 1.25 % beyond either end
                most = binomtest(int(wrong), int(others)).proportion_ci(0.975).high
                attainable.append(math.log((least - 1e-5) / most) if least > 1e-5 else -math.inf)
    assert estimate.value <= max(attainable)
    assert min(abs(estimate.value - bound) for bound in attainable) < 1e-9
