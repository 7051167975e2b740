"""Laws of what right guesses about one training refute: the formulas, slowly, and worlds whose epsilon is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import norm

from tckr_bench.stats.one_run import (
    Guesses,
    gaussian_epsilon,
    guesses_p_value,
    refuted_epsilon,
    refuted_gaussian_epsilon,
    refutes_gaussian,
)

REPETITIONS = 300
FEW = Guesses(right=9, made=12, examples=20)


def chance_of(count, trials, chance):
    return math.comb(trials, count) * chance**count * (1 - chance) ** (trials - count)


@pytest.mark.parametrize("epsilon", [0.0, 0.4, 2.0])
@pytest.mark.parametrize("delta", [0.0, 1e-3, 0.05])
def test_the_p_value_is_its_formula_in_a_loop(epsilon, delta):
    chance = math.exp(epsilon) / (1 + math.exp(epsilon))
    tail = sum(chance_of(count, 12, chance) for count in range(9, 13))
    spread = max(
        sum(chance_of(count, 12, chance) for count in range(9 - down, 9)) / down for down in range(1, FEW.right + 1)
    )
    assert guesses_p_value(FEW, epsilon=epsilon, delta=delta) == pytest.approx(min(1, tail + 2 * 20 * delta * spread))


def test_no_right_guess_refutes_nothing():
    none = Guesses(right=0, made=10, examples=10)
    assert guesses_p_value(none, epsilon=0.0, delta=0.0) == 1.0
    assert (
        refuted_epsilon(none, delta=1e-5, level=0.05) == refuted_gaussian_epsilon(none, delta=1e-5, level=0.05) == 0.0
    )


@pytest.mark.parametrize("delta", [0.0, 1e-3])
def test_the_refuted_epsilon_is_where_the_p_value_reaches_the_level(delta):
    guesses = Guesses(right=90, made=100, examples=200)
    found = refuted_epsilon(guesses, delta=delta, level=0.05)
    assert guesses_p_value(guesses, epsilon=found, delta=delta) == pytest.approx(0.05, rel=1e-5)
    assert found < refuted_epsilon(guesses, delta=0.0, level=0.05) or not delta


def test_of_a_thousand_answers_of_a_randomised_response_with_epsilon_one_most_of_it_is_refuted():
    """Every example is guessed as it answers; that bound is true in 95 % and reaches 0.88 on average."""
    right = np.random.default_rng(0).binomial(1000, math.e / (1 + math.e), size=REPETITIONS)
    bounds = [refuted_epsilon(Guesses(int(count), 1000, 1000), delta=1e-5, level=0.05) for count in right]
    assert np.mean(bounds) == pytest.approx(0.885, abs=0.02)
    assert 0.01 <= np.mean(np.array(bounds) > 1.0) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def test_gaussian_privacy_has_the_epsilon_that_the_integral_of_its_lost_mass_gives():
    from scipy.integrate import quad

    for mu in (0.3, 1.0, 4.0):
        epsilon = gaussian_epsilon(mu, delta=1e-5)
        start = epsilon / mu + mu / 2  # from here on the one density is more than e^epsilon times the other
        lost, _ = quad(lambda x, e=epsilon, m=mu: norm.pdf(x - m) - math.exp(e) * norm.pdf(x), start, start + 12)
        assert lost == pytest.approx(1e-5, rel=1e-3)


def most_likely(right, made, examples, mu):
    """Return the highest chance of `right` or more guesses that the inequalities allow, as a linear program."""
    counts = np.arange(made + 1)
    rows, limits = [], []
    for point in norm.cdf(np.linspace(-5.5, 5.5, 250)):  # each tangent of the concave curve bounds it
        there = norm.ppf(point)
        height, slope = norm.cdf(mu + there), norm.pdf(mu + there) / norm.pdf(there)
        for least in range(1, made + 1):
            inside = np.where(counts >= least, counts, 0) / examples
            outside = np.where(counts >= least - 1, made - counts, 0) / examples
            rows.append(inside - slope * outside)
            limits.append(height - slope * point)
    aim = -(counts >= right).astype(float)
    return -linprog(aim, np.array(rows), limits, np.ones((1, made + 1)), [1.0]).fun


@pytest.mark.parametrize(("right", "made", "examples", "mu"), [(8, 8, 8, 0.5), (7, 8, 8, 0.5), (9, 10, 15, 1.0)])
def test_gaussian_privacy_is_refuted_where_the_inequalities_leave_no_distribution(right, made, examples, mu):
    """No distribution of counts gives so many right guesses a higher chance than the one the recursion stops at."""
    allowed = most_likely(right, made, examples, mu)
    guesses = Guesses(right, made, examples)
    assert not refutes_gaussian(guesses, mu=mu, level=0.97 * allowed)
    assert refutes_gaussian(guesses, mu=mu, level=1.03 * allowed)


@pytest.mark.parametrize("mu", [0.5, 1.0, 2.0])
def test_the_true_epsilon_of_gaussian_noise_is_refuted_in_one_run_of_twenty_at_most(mu):
    """Members' answers lie mu deviations above the others', coins are fair, the outer quarter is guessed."""
    generator, truth = np.random.default_rng(1), gaussian_epsilon(mu, delta=1e-5)
    any_kind, gaussian = [], []
    for _ in range(100):
        members = generator.random(1000) < 0.5
        order = members[np.argsort(-(generator.normal(size=1000) + mu * members))]
        guesses = Guesses(int(order[:125].sum() + (~order[-125:]).sum()), 250, 1000)
        any_kind.append(refuted_epsilon(guesses, delta=1e-5, level=0.05))
        gaussian.append(refuted_gaussian_epsilon(guesses, delta=1e-5, level=0.05))
    assert np.mean(np.array(gaussian) > truth) <= 0.05
    assert np.mean(gaussian) > np.mean(any_kind) + 0.1 * truth  # what is known of the noise is worth something
    assert np.mean(gaussian) > 0.35 * truth
