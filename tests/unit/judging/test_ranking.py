"""Laws of means and ranks: an independent slow loop agrees, chance is allowed for, and others are left alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tckr_bench.judging.ranking import QUANTITIES, Means, Measured, means_of, ranks_of
from tckr_bench.seeds import derive_seed


def errors(*sides):
    """Return standard errors downwards and upwards, (2, 4): the same to both sides, or either."""
    return np.array([sides[0], sides[-1]], dtype=float)


TWO = (
    Measured(np.array([[0.8, 0.60, 0.02, 0.05], [0.7, 0.50, 0.04, 0.15]]), errors([0.01, 0.02, 0.005, 0.01])),
    Measured(
        np.array([[0.5, 0.40, 0.00, 0.25], [0.6, 0.45, 0.01, 0.15]]),
        errors([0.02, 0.01, 0.005, 0.02], [0.01, 0.03, 0.02, 0.02]),
    ),
)


TRAINED = Measured(
    TWO[0].values,
    TWO[0].errors,
    corrected=np.array([[0.55, 0.58, 0.60], [0.44, 0.47, 0.52]]),
    trainings=np.array([0.0, 0.03, 0.01, 0.0]),
)


def slow_means(name, datasets, *, replicates, seed):
    """What `means_of` says it does, one replicate, dataset and seed after the other."""
    count = len(datasets)
    most = max(len(measured.values) for measured in datasets)
    drawn = np.random.default_rng([seed, count]).integers(count, size=(replicates, count))
    chances = np.random.default_rng([seed, count, 1]).random((replicates, count, most))
    own = np.random.default_rng([seed, derive_seed("examples", name)])
    noises = []
    for measured in datasets:
        noises.append((own.standard_normal((replicates, 4)), None))
        if measured.trainings is not None:
            noises[-1] = (noises[-1][0], own.standard_normal((replicates, 4)))
    draws, cautious_means, corrected_means = (np.zeros((replicates, 5)) for _ in range(3))
    for replicate in range(replicates):
        exact, cautious, corrected = [], [], []
        for index, measured in enumerate(datasets):
            seeds = len(measured.values)
            chosen = [measured.values[int(chances[replicate, index, place] * seeds)] for place in range(seeds)]
            centre = sum(measured.values) / seeds
            wide = math.sqrt(seeds / (seeds - 1)) if seeds > 1 else 1.0
            quantities = centre + wide * (sum(chosen) / seeds - centre)
            examples, trainings = (None if part is None else part[replicate] for part in noises[index])
            for place in range(4):
                if trainings is not None and measured.trainings[place]:
                    strays = trainings[place] * measured.trainings[place] / math.sqrt(seeds)
                    quantities[place] = centre[place] + strays
            exact.append(slow_aop(quantities))
            noisy = quantities + examples * np.array(
                [measured.errors[int(part > 0)][at] for at, part in enumerate(examples)]
            )
            cautious.append(slow_aop(noisy))
            if measured.corrected is not None:
                low, value, high = measured.corrected.mean(axis=0)
                normal = examples[1]
                reach = (value - low if normal < 0 else high - value) / 1.959964
                noisy[1] = quantities[1] - centre[1] + value + normal * reach
            corrected.append(slow_aop(noisy))
        wide = math.sqrt(count / (count - 1)) if count > 1 else 1.0
        strayed = sum(exact[index] for index in drawn[replicate]) / count - sum(exact) / count
        cautious_means[replicate] = sum(cautious) / count
        corrected_means[replicate] = sum(corrected) / count
        draws[replicate] = sum(corrected[index] for index in drawn[replicate]) / count + (wide - 1) * strayed
    draws = np.clip(draws, [0, 0, 0, -1, 0], 1)
    draws[:, 4] = np.minimum(draws[:, 4], draws[:, 0])
    low, high = np.quantile(cautious_means, 0.025, axis=0), np.quantile(cautious_means, 0.975, axis=0)
    low[1] = np.quantile(corrected_means[:, 1], 0.025)
    low[4] = np.quantile(np.minimum(cautious_means[:, 4], cautious_means[:, 0]), 0.025)
    high[4] = min(np.quantile(corrected_means[:, 4], 0.975), high[0])
    return draws, np.stack([low, high])


def slow_aop(values):
    accuracy, auc, tpr = (min(max(float(value), 0.0), 1.0) for value in values[:3])
    return np.array([accuracy, auc, tpr, values[3], accuracy / (2 * max(values[1], 0.05)) ** 2])


def test_means_are_those_a_hand_computes():
    found = means_of("any", TWO, replicates=10).values
    assert found[0] == pytest.approx((0.75 + 0.55) / 2)
    assert found[1] == pytest.approx((0.55 + 0.425) / 2)
    assert found[2] == pytest.approx((0.03 + 0.005) / 2)
    assert found[3] == pytest.approx((0.10 + 0.20) / 2)
    # seed by seed: by the means of accuracy and AUC it would be another; below a half no AUC protects better
    assert found[4] == pytest.approx(((0.8 / 1.2**2 + 0.7) / 2 + 0.55) / 2)


FEWER = Measured(TWO[1].values[:1], TWO[1].errors)


@pytest.mark.parametrize("datasets", [TWO, TWO[:1], (TWO[0], FEWER, TWO[1]), (TRAINED, FEWER), (TRAINED,)])
def test_draws_are_those_of_an_independent_slow_loop(datasets):
    found = means_of("method", datasets, replicates=200, seed=3)
    draws, bounds = slow_means("method", datasets, replicates=200, seed=3)
    assert found.draws == pytest.approx(draws, abs=1e-6)
    assert found.bounds == pytest.approx(bounds, abs=1e-6)


def test_without_any_error_the_interval_is_the_value():
    sure = [Measured(np.array([[0.8, 0.6, 0.02, 0.1]] * 3), np.zeros((2, 4)))] * 4
    for quantity in QUANTITIES:
        value, low, high = means_of("sure", sure).interval(quantity)
        assert low == pytest.approx(value)
        assert high == pytest.approx(value)


def test_bounds_hold_their_value_and_rates_stay_rates():
    for seed in range(5):
        found = means_of("method", TWO, replicates=300, seed=seed)
        for quantity in QUANTITIES:
            value, low, high = found.interval(quantity)
            assert low <= value <= high


def test_the_width_is_that_of_the_error_where_there_is_no_other():
    """One dataset and one seed leave the error of the examples alone: 1.96 of it to each side."""
    one = [Measured(np.array([[0.6, 0.6, 0.1, 0.1]]), np.full((2, 4), 0.02))]
    for quantity in QUANTITIES[:4]:
        value, low, high = means_of("one", one, replicates=20_000).interval(quantity)
        assert (value - low, high - value) == pytest.approx((1.96 * 0.02, 1.96 * 0.02), rel=0.06)


def test_a_draw_depends_on_the_method_and_the_seed_alone():
    found = means_of("method", TWO, replicates=50)
    means_of("other", TWO, replicates=50)
    assert np.array_equal(found.draws, means_of("method", TWO, replicates=50).draws)
    assert not np.array_equal(found.draws, means_of("other", TWO, replicates=50).draws)
    assert not np.array_equal(found.draws, means_of("method", TWO, replicates=50, seed=1).draws)


def test_a_hard_dataset_is_hard_for_all():
    """Datasets are drawn for all methods alike: a method better on each of them is better in every draw."""
    easy, hard = (Measured(np.array([[value, 0.5, 0.0, 0.0]]), np.zeros((2, 4))) for value in (0.6, 0.4))
    easier, harder = (Measured(np.array([[value, 0.5, 0.0, 0.0]]), np.zeros((2, 4))) for value in (0.61, 0.41))
    worse, better = means_of("worse", [easy, hard]), means_of("better", [easier, harder])
    assert (better.draws[:, 4] > worse.draws[:, 4]).all()
    assert [rank.rank for rank in ranks_of([worse, better])] == [2, 1]


def world(generator, *, methods, lead=0.0, datasets=2, seeds=2):
    """Methods of one true accuracy and AUC on datasets that differ; the first is better by `lead`."""
    easiness = 0.05 * generator.standard_normal(datasets)
    found = []
    for method in range(methods):
        measured = []
        for dataset in range(datasets):
            centre = np.array([0.6 + easiness[dataset] + lead * (method == 0), 0.6, 0.05, 0.1])
            error = np.array([0.02, 0.02, 0.005, 0.02])
            values = centre + generator.normal(0, error) + generator.normal(0, 0.005, (seeds, 4))
            measured.append(Measured(values, errors(error)))
        found.append(means_of(str(method), measured, replicates=400, seed=int(generator.integers(2**31))))
    return found


def pairs_told_apart(means):
    draws = np.stack([found.draws[:, 4] for found in means], axis=1)
    better = (draws[:, :, None] > draws[:, None, :]).mean(axis=0) > 0.975
    return int(better.sum()), len(means) * (len(means) - 1)


def test_methods_that_are_alike_are_told_apart_by_chance_alone():
    """Of ordered pairs at most 2.5 %, and what 40 worlds may add to it; ranks then are mostly shared."""
    told = [pairs_told_apart(world(np.random.default_rng(index), methods=6)) for index in range(40)]
    share = sum(pairs for pairs, _ in told) / sum(every for _, every in told)
    assert share <= 0.025 + 3 * math.sqrt(0.025 / (40 * 6))


def test_a_clearly_better_method_is_first_alone():
    for index in range(5):
        ranks = ranks_of(world(np.random.default_rng(index), methods=5, lead=0.2, datasets=6))
        assert [rank.rank for rank in ranks].count(1) == 1
        assert (ranks[0].rank, ranks[0].low, ranks[0].high) == (1, 1, 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.randoms(use_true_random=False))
def test_ranks_do_not_depend_on_the_order_and_lie_in_their_interval(seed, methods, shuffler):
    generator = np.random.default_rng(seed)
    means = [Means(row[0], row, row) for row in generator.normal(0.5, 0.2, (methods, 60, 5)).round(1)]
    ranks = ranks_of(means)
    order = list(range(methods))
    shuffler.shuffle(order)
    assert ranks_of([means[index] for index in order]) == tuple(ranks[index] for index in order)
    assert all(1 <= rank.low <= rank.rank <= rank.high <= methods for rank in ranks)
    assert min(rank.rank for rank in ranks) == 1


def test_nobody_has_no_ranks_and_one_alone_is_first():
    assert ranks_of([]) == ()
    (alone,) = ranks_of([means_of("alone", TWO, replicates=20)])
    assert (alone.rank, alone.low, alone.high) == (1, 1, 1)


def test_the_same_measurements_share_a_rank():
    means = [Means(np.full(5, 0.5), *[np.full((30, 5), 0.5)] * 2)] * 4
    assert [rank.rank for rank in ranks_of(means)] == [1, 1, 1, 1]


def test_how_far_datasets_lie_apart_widens_ranks_and_not_the_interval_of_their_mean():
    easy, hard = (Measured(np.array([[value, 0.5, 0.01, 0.1]]), np.full((2, 4), 0.001)) for value in (0.9, 0.2))
    found = means_of("method", (easy, hard), replicates=400)
    _, low, high = found.interval("accuracy")
    assert high - low < 0.01
    assert np.ptp(found.draws[:, 0]) > 0.5
