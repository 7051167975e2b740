"""Laws of the worst of several: correlation is used, the truth is covered, and no more is paid than was looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from tckr_bench import stats
from tckr_bench.stats import worst
from tckr_bench.stats.worst import _joint_tail, highest

REPETITIONS = 300
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def attacks(generator, *, shifts, correlation, size):
    members = np.arange(2 * size) < size
    own = generator.normal(size=(len(shifts), 2 * size)) * math.sqrt(1 - correlation)
    shared = generator.normal(size=2 * size) * math.sqrt(correlation)
    return own + shared + np.asarray(shifts)[:, None] * members, members


def test_highest_takes_the_highest_of_each_end():
    estimates = [stats.Estimate(*numbers, "") for numbers in ((0.6, 0.55, 0.65), (0.7, 0.5, 0.75), (0.5, 0.2, 0.9))]
    assert highest(estimates) == (1, stats.Estimate(0.7, 0.55, 0.9, ""))


def test_independent_attacks_have_sidaks_tail():
    scores, members = attacks(np.random.default_rng(0), shifts=[1.0] * 10, correlation=0.0, size=4000)
    assert _joint_tail(scores, members, 0.025, 0) == pytest.approx(1 - 0.975 ** (1 / 10), rel=0.05)


def test_correlated_attacks_have_the_tail_of_the_maximum_of_correlated_normals():
    scores, members = attacks(np.random.default_rng(0), shifts=[1.0] * 3, correlation=0.8, size=4000)
    correlation = stats.delong_covariance(scores, members)
    correlation /= np.sqrt(np.outer(np.diag(correlation), np.diag(correlation)))
    from scipy.stats import multivariate_normal

    reach = norm.isf(_joint_tail(scores, members, 0.025, 0))
    assert multivariate_normal(cov=correlation).cdf([reach] * 3) == pytest.approx(0.975, abs=0.002)


def test_one_attack_and_copies_of_it_have_the_usual_tail():
    scores, members = attacks(np.random.default_rng(0), shifts=[1.0], correlation=0.0, size=100)
    assert _joint_tail(scores, members, 0.025, 0) == 0.025
    assert _joint_tail(np.repeat(scores, 5, axis=0), members, 0.025, 0) == pytest.approx(0.025, rel=0.05)


def test_attacks_without_a_variance_do_not_break_the_correction():
    scores, members = attacks(np.random.default_rng(0), shifts=[0.5, 0.4], correlation=0.0, size=200)
    perfect, constant = members.astype(float), np.zeros(400)
    index, estimate = stats.highest_auc([*scores, constant], [members] * 3)
    assert index == 0
    assert 0.5 < estimate.low < estimate.value < estimate.high < 1
    index, estimate = stats.highest_auc([*scores, perfect], [members] * 3)
    assert (index, estimate.value, estimate.high) == (2, 1.0, 1.0)
    assert 0.95 < estimate.low < 1.0


@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("shifts", [[1.0] * 8, [0.0] * 8, [1.0, *[0.2] * 7]], ids=["alike", "blind", "one ahead"])
def test_interval_of_the_highest_auc_covers_the_highest_of_the_true_ones(shifts, correlation, monkeypatch):
    monkeypatch.setattr(worst, "_DRAWS", 10_000)
    generator, truth = np.random.default_rng(7), norm.cdf(max(shifts) / math.sqrt(2))
    covered = naive = 0
    for _ in range(REPETITIONS):
        scores, members = attacks(generator, shifts=shifts, correlation=correlation, size=150)
        index, estimate = stats.highest_auc(list(scores), [members] * len(shifts))
        covered += estimate.low <= truth <= estimate.high
        alone = stats.auc_interval(scores[index], members)
        naive += alone.low <= truth <= alone.high
    assert 0.95 - TOLERANCE <= covered / REPETITIONS <= 0.985 + TOLERANCE  # one end errs at a time: 97.5 %
    if correlation == 0.0 and len(set(shifts)) == 1:
        assert naive / REPETITIONS < 0.9  # what the winner alone would claim


@pytest.mark.parametrize("shifts", [[1.0] * 8, [1.0, *[0.2] * 7]], ids=["alike", "one ahead"])
def test_interval_of_the_highest_rate_covers_and_is_conservative(shifts):
    generator, truth = np.random.default_rng(8), norm.sf(norm.isf(0.1) - max(shifts))
    covered = 0
    for _ in range(REPETITIONS):
        scores, members = attacks(generator, shifts=shifts, correlation=0.5, size=300)
        estimate = stats.highest_tpr(list(scores), [members] * len(shifts), fpr=0.1)[1]
        covered += estimate.low <= truth <= estimate.high
    assert covered / REPETITIONS >= 0.95 - TOLERANCE


@pytest.mark.parametrize("shifts", [[0.5] * 10, [1.0, *[0.0] * 9]], ids=["alike", "one ahead"])
def test_interval_of_the_worst_class_covers(shifts):
    generator, truth = np.random.default_rng(9), norm.cdf(max(shifts) / math.sqrt(2))
    covered = 0
    for _ in range(REPETITIONS):
        drawn = [attacks(generator, shifts=[shift], correlation=0.0, size=60) for shift in shifts]
        estimate = stats.highest_auc_apart([part[0][0] for part in drawn], [part[1] for part in drawn])[1]
        covered += estimate.low <= truth <= estimate.high
    assert 0.95 - TOLERANCE <= covered / REPETITIONS <= 1


def test_the_simulated_quantile_is_seeded():
    scores, members = attacks(np.random.default_rng(0), shifts=[0.5, 0.4, 0.3], correlation=0.5, size=100)
    first, again, other = (stats.highest_auc(list(scores), [members] * 3, seed=seed)[1] for seed in (0, 0, 1))
    assert first == again
    assert first.low != other.low
    assert first.low == pytest.approx(other.low, abs=1e-3)
