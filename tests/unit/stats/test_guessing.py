"""Laws of what a guesser gains: nothing is judged where it was chosen, and no true epsilon is refuted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from tckr_bench import stats
from tckr_bench.stats.guessing import LADDER

REPETITIONS = 300
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def gaussian_scores(generator, *, shift, size):
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
        scores, members = gaussian_scores(generator, shift=0.3, size=100)
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
        scores, members = gaussian_scores(generator, shift=shift, size=200)
        estimate = stats.advantage(scores, members, half=stats.halves(members, seed=0))
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        covered += estimate.low <= truth <= estimate.high
    assert covered / REPETITIONS >= 0.95 - TOLERANCE


def test_a_constant_score_has_no_advantage_and_refutes_nothing():
    members = np.arange(200) < 100
    estimate = stats.advantage(np.zeros(200), members, half=stats.halves(members, seed=0))
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert stats.epsilon_lower_bound(np.zeros(200), members, seed=0).value == 0.0  # ties do not stand members first


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0, 3.0])
def test_the_true_epsilon_is_refuted_in_one_run_of_twenty_at_most(epsilon):
    generator = np.random.default_rng(5)
    bounds = []
    for _ in range(REPETITIONS):
        scores, members = randomised_response(generator, epsilon=epsilon, size=300)
        estimate = stats.epsilon_lower_bound(scores, members, seed=0)
        assert 0 <= estimate.low == estimate.value <= estimate.high < math.inf
        bounds.append(estimate.value)
    assert np.mean(np.array(bounds) > epsilon) <= 0.05
    assert np.mean(bounds) >= 0.75 * (epsilon - 0.1)  # and the bound is not empty


@pytest.mark.parametrize("gaussian", [False, True])
def test_guessing_blindly_refutes_something_in_one_run_of_twenty_at_most(gaussian):
    """The rungs are many and the split is of fixed size, so that guesses from both ends go together: no matter."""
    generator = np.random.default_rng(8)
    members = np.arange(60) < 30
    found = [
        stats.epsilon_lower_bound(generator.random(60), members, seed=0, gaussian=gaussian).value
        for _ in range(REPETITIONS)
    ]
    assert np.mean(np.array(found) > 0) <= 0.05


def test_a_thousand_members_and_others_refute_most_of_an_epsilon_of_one():
    """By thresholds chosen on one half and judged on the other it was 0.76."""
    generator = np.random.default_rng(9)
    bounds = []
    for _ in range(40):
        scores, members = randomised_response(generator, epsilon=1.0, size=1000)
        bounds.append(stats.epsilon_lower_bound(scores, members, seed=0).value)
    assert np.mean(bounds) == pytest.approx(0.88, abs=0.03)


def test_a_few_members_that_are_surely_found_refute_much():
    generator = np.random.default_rng(6)
    members = np.arange(2000) < 1000
    scores = generator.random(2000) + 2.0 * (members & (generator.random(2000) < 0.05))
    estimate = stats.epsilon_lower_bound(scores, members, seed=0)
    assert estimate.value > 0.9
    assert "of 62 guesses right about 2000 examples" in estimate.method  # of all 2000 little more than half are


def test_epsilon_is_found_on_the_side_of_the_non_members_too():
    """Half of the non-members are surely none: the highest scores find no members, the lowest find non-members."""
    generator = np.random.default_rng(6)
    members = np.arange(2000) < 1000
    scores = generator.random(2000) - 2.0 * (~members & (generator.random(2000) < 0.5))
    estimate = stats.epsilon_lower_bound(scores, members, seed=0)
    mirrored = stats.epsilon_lower_bound(-scores, ~members, seed=0)
    assert estimate.value > 3
    assert " of 250 guesses right" in estimate.method
    assert mirrored.value == pytest.approx(estimate.value, abs=0.2)


def test_of_the_larger_side_so_many_are_guessed_about_as_the_smaller_has():
    """To guess 'no member' of everybody is right in 9 of 10, and refutes nothing."""
    members = np.arange(1000) < 100
    blind = stats.epsilon_lower_bound(np.random.default_rng(3).random(1000), members, seed=0)
    told = stats.epsilon_lower_bound(members.astype(float), members, seed=0)
    assert blind.value == 0.0
    assert "200 of 200 guesses right about 200 examples" in told.method


def test_the_ladder_spends_the_chance_to_err_once():
    assert sum(rung.weight for rung in LADDER) == pytest.approx(1.0)
    assert all(0 <= share <= 0.5 for rung in LADDER for share in (rung.members, rung.others))


@pytest.mark.parametrize("gaussian", [False, True])
def test_delta_lowers_the_bound(gaussian):
    scores, members = gaussian_scores(np.random.default_rng(2), shift=2.0, size=500)
    bounds = [
        stats.epsilon_lower_bound(scores, members, seed=0, delta=delta, gaussian=gaussian).value
        for delta in (1e-9, 1e-4, 1e-2)
    ]
    assert bounds[0] > bounds[1] > bounds[2] >= 0.0


def test_bound_agrees_with_its_definition_in_a_loop():
    from scipy.stats import binomtest

    generator = np.random.default_rng(7)
    scores, members = gaussian_scores(generator, shift=2.0, size=64)
    estimate = stats.epsilon_lower_bound(scores, members, seed=0, delta=0.0)
    by_score = members[np.argsort(-scores)]
    attainable = []
    for rung in LADDER:
        guessed = [True] * round(128 * rung.members), [False] * round(128 * rung.others)
        truth = [*by_score[: len(guessed[0])], *by_score[128 - len(guessed[1]) :]]
        right = sum(guess == coin for guess, coin in zip(guessed[0] + guessed[1], truth, strict=True))
        level = 1 - 2 * 0.05 * rung.weight  # two-sided, and its lower end is asked for
        least = binomtest(int(right), len(truth)).proportion_ci(level).low
        attainable.append(math.log(least / (1 - least)) if least else 0.0)
    assert estimate.value == pytest.approx(max(attainable))
