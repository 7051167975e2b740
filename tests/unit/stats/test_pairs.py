"""Laws of pairs of which one example is a member: fair coins explain nothing, and no true epsilon is refuted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest, kstest
from sklearn.linear_model import LogisticRegression

from tckr_bench import stats
from tckr_bench.stats.one_run import Guesses, guesses_p_value

REPETITIONS = 300
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def fair(generator, pairs, scores=3):
    """Differences of several scores that know nothing of the coins, large and small ones mixed."""
    return generator.standard_t(3, size=(pairs, scores))


def randomised_response(generator, *, epsilon, pairs):
    """Of each pair the member is told with probability 1 / (1 + e^-epsilon): private with exactly that epsilon."""
    truthful = generator.random(pairs) < 1 / (1 + math.exp(-epsilon))
    return np.where(truthful, 1.0, -1.0) * generator.uniform(0.5, 1.5, pairs)


def test_weights_are_those_of_logistic_regression_on_both_orders_of_each_pair():
    differences = np.random.default_rng(0).normal([0.5, 0.0, -0.3, 0.1], size=(80, 4))
    mirrored = np.concatenate([differences, -differences])
    reference = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=1000)
    reference.fit(mirrored, np.arange(160) < 80)
    np.testing.assert_allclose(stats.pair_weights(differences), reference.coef_[0], atol=1e-5)


def test_weights_are_finite_where_pairs_are_told_apart_without_a_mistake():
    weights = stats.pair_weights(np.abs(fair(np.random.default_rng(1), 500)) * 100)
    assert np.isfinite(weights).all()
    assert (np.abs(fair(np.random.default_rng(1), 500)) @ weights > 0).mean() > 0.99


def test_rank_features_know_nothing_of_the_scale_and_tell_the_upper_tail():
    scores = np.random.default_rng(2).normal(size=100)
    features = stats.rank_features(scores)
    np.testing.assert_allclose(stats.rank_features(np.exp(7 * scores)), features)
    np.testing.assert_allclose(features[:, 0], scores.argsort().argsort() / 101 + 1 / 101 - 0.5)
    assert features[scores.argmax(), 1] > 3.5
    assert features[:, 1].min() > -1.0


def test_p_value_of_few_pairs_is_that_of_all_their_coins():
    differences = np.random.default_rng(3).normal(size=10) + 0.3
    sums = [np.dot(signs, differences) for signs in itertools.product([-1, 1], repeat=10)]
    exact = np.mean(np.array(sums) >= differences.sum() - 1e-12)
    found = stats.flipped_p_value(differences, seed=0)
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / 9_999)


def test_p_values_are_uniform_where_the_coins_are_fair_though_a_scorer_was_fitted():
    generator = np.random.default_rng(4)
    found = []
    for seed in range(REPETITIONS):
        differences = fair(generator, 60)
        weights = stats.pair_weights(differences[:30])
        found.append(stats.flipped_p_value(differences[30:] @ weights, draws=499, seed=seed))
    assert kstest(found, "uniform").pvalue > 0.001
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + TOLERANCE


def test_judging_the_pairs_that_taught_would_find_what_is_not_there():
    """The halves are needed: without them every fifth p-value and more would be below 0.05."""
    generator = np.random.default_rng(5)
    found = []
    for seed in range(100):
        differences = fair(generator, 30)
        found.append(stats.flipped_p_value(differences @ stats.pair_weights(differences), draws=199, seed=seed))
    assert np.mean(np.array(found) <= 0.05) > 0.2


def test_the_least_p_value_is_reached_by_differences_that_all_agree():
    assert stats.flipped_p_value(np.ones(200), seed=0) == stats.smallest_p_value(200) == 1e-4
    assert stats.flipped_p_value(np.ones(5), seed=0) == pytest.approx(stats.smallest_p_value(5), rel=0.2)
    assert stats.flipped_p_value(-np.ones(5), seed=0) == 1.0
    assert stats.flipped_p_value(np.zeros(5), seed=0) == 1.0


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("share", [1.0, 0.25])
def test_the_true_epsilon_is_refuted_in_one_release_of_twenty_at_most(epsilon, share):
    generator = np.random.default_rng(6)
    bounds = []
    for _ in range(REPETITIONS):
        estimate = stats.pair_epsilon(randomised_response(generator, epsilon=epsilon, pairs=800), share=share)
        assert 0 <= estimate.low == estimate.value <= estimate.high < math.inf
        bounds.append(estimate.value)
    assert np.mean(np.array(bounds) > epsilon) <= 0.05 + TOLERANCE
    assert np.mean(bounds) >= 0.8 * (epsilon - 0.4)  # and the bound is not empty


def test_a_share_chosen_on_other_pairs_refutes_no_true_epsilon():
    """Half of the pairs give nothing away, the surer half all that epsilon allows."""
    generator, epsilon = np.random.default_rng(7), 2.0
    bounds = []
    for _ in range(REPETITIONS):
        told = randomised_response(generator, epsilon=epsilon, pairs=400)
        hidden = np.random.default_rng(1).permutation(400) < 200
        told[hidden] = generator.normal(size=200) * 0.1
        share = stats.promising_share(told[:200, None])
        bounds.append(stats.pair_epsilon(told[200:], share=share).value)
    assert np.mean(np.array(bounds) > epsilon) <= 0.05 + TOLERANCE
    assert np.mean(bounds) > 1.0
    whole = stats.pair_epsilon(told[200:]).value
    assert np.mean(bounds) > whole + 0.2  # guessing all would tell less


def test_delta_is_paid_for_as_the_theorem_says():
    generator = np.random.default_rng(8)
    for _ in range(20):
        guesses = int(generator.integers(1, 40))
        right, epsilon = int(generator.integers(0, guesses + 1)), generator.uniform(0, 3)
        rate = math.exp(epsilon) / (1 + math.exp(epsilon))
        terms = [0.0] + [
            sum(binom.pmf(count, guesses, rate) for count in range(max(0, right - i), right)) / i
            for i in range(1, right + 1)
        ]
        tail = sum(binom.pmf(count, guesses, rate) for count in range(right, guesses + 1))
        found = guesses_p_value(Guesses(right, guesses, 50), epsilon=epsilon, delta=1e-3)
        assert found == pytest.approx(min(1.0, tail + 2 * 50 * 1e-3 * max(terms)), abs=1e-12)


def test_delta_lowers_the_bound():
    differences = randomised_response(np.random.default_rng(9), epsilon=2.0, pairs=500)
    bounds = [stats.pair_epsilon(differences, delta=delta).value for delta in (0.0, 1e-3, 0.1)]
    assert bounds[0] > bounds[1] > bounds[2] == 0.0


def test_the_bound_without_delta_is_that_of_an_exact_one_sided_binomial_limit():
    differences = np.array([1.0] * 70 + [-1.0] * 20 + [0.0] * 10)  # ties are abstained from
    least = binomtest(70, 90, alternative="greater").proportion_ci(0.95).low
    estimate = stats.pair_epsilon(differences)
    assert estimate.value == pytest.approx(math.log(least / (1 - least)), abs=1e-6)
    assert "70 of 90 guesses right" in estimate.method


def test_ties_alone_refute_nothing():
    estimate = stats.pair_epsilon(np.zeros(50))
    assert (estimate.value, estimate.high) == (0.0, 0.0)


def test_few_copies_among_many_pairs_are_guessed_alone():
    generator = np.random.default_rng(10)
    differences = generator.normal(size=(400, 1))
    differences[::19] += 10  # an odd step, so that either half has some
    assert stats.promising_share(differences) <= 0.1
