"""Laws of what many images show together: the power of a test of a whole set, and how many members come out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from tckr_plugins.metrics.sets import rank_test_power

from tckr_bench.records import Copies
from tckr_bench.stats import auc_interval

NAMES = ["dataset-power", "members-extracted"]
COPIES = Copies(np.ones(5), np.ones(5))


@pytest.mark.parametrize("area", [0.5, 0.53, 0.57, 0.62, 0.7])
@pytest.mark.parametrize("size", [50, 100])
def test_the_power_is_what_a_simulation_of_the_test_finds(area, size):
    generator, repeats = np.random.default_rng(0), 4000
    members = generator.normal(loc=np.sqrt(2) * norm.ppf(area), size=(repeats, size))
    others = generator.normal(size=(repeats, size))
    found = mannwhitneyu(members, others, alternative="greater", axis=1, method="asymptotic").pvalue <= 0.01
    assert rank_test_power(area, size=size) == pytest.approx(found.mean(), abs=0.025)


def test_a_set_proves_what_single_images_do_not():
    assert rank_test_power(0.53, size=1000) == pytest.approx(0.5, abs=0.01)
    assert rank_test_power(0.5, size=10**6) == pytest.approx(0.01)
    assert rank_test_power(0.45) < 0.01  # a test of one side


def test_the_measurement_is_the_power_at_the_area_and_at_its_ends(compute, attack_on, cell_with):
    saved = attack_on(shift=0.3)
    (measurement,) = compute("dataset-power", cell_with({"a": saved}))
    area = auc_interval(saved.scores, saved.members)
    assert (measurement.value, measurement.low, measurement.high) == tuple(
        pytest.approx(norm.cdf(np.sqrt(600) * (end - 0.5) - norm.ppf(0.99)))
        for end in (area.value, area.low, area.high)
    )
    assert (measurement.attack, measurement.examples) == ("a", 600)


def test_twenty_members_and_twenty_others_are_needed(compute, attack_on, cell_with):
    assert len(compute("dataset-power", cell_with({"a": attack_on(size=20)}))) == 1
    assert compute("dataset-power", cell_with({"a": attack_on(size=19)})) == []


def drawn(attack_on, scores, members, **more):
    saved = attack_on(size=1, copies=COPIES, surface="images", **more)
    members = np.array(members, dtype=bool)
    return replace(saved, scores=np.array(scores, dtype=float), members=members, canaries=np.zeros_like(members))


def test_a_member_is_extracted_that_is_nearer_than_every_other(compute, attack_on, cell_with):
    saved = drawn(attack_on, [-0.1, -2.0, -3.0, -5.0, -3.0, -9.0, -9.5], [1, 1, 1, 1, 0, 0, 0])
    (measurement,) = compute("members-extracted", cell_with({"copy": saved}))
    assert measurement.value == 2 / 4  # the third is as near as a non-member
    assert "2 of 4 members, 1.0 by chance" in measurement.interval
    assert (measurement.attack, measurement.examples) == ("copy", 7)


@pytest.mark.parametrize(("members", "others"), [(300, 300), (500, 100), (100, 500)])
def test_as_many_are_extracted_by_chance_as_the_interval_says(compute, attack_on, cell_with, members, others):
    generator, sides = np.random.default_rng(0), np.arange(members + others) < members
    values, told = [], ""
    for _ in range(1500):
        saved = drawn(attack_on, generator.normal(size=len(sides)), sides)
        (measurement,) = compute("members-extracted", cell_with({"copy": saved}))
        values.append(measurement.value * members)
        told = measurement.interval
    expected = members / (others + 1)
    assert f"{expected:.1f} by chance" in told
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(len(values)))


def test_all_are_extracted_where_all_were_released(compute, attack_on, cell_with):
    saved = drawn(attack_on, np.where(np.arange(200) < 100, 0.0, -7.0), np.arange(200) < 100)
    (measurement,) = compute("members-extracted", cell_with({"copy": saved}))
    assert (measurement.value, measurement.high) == (1.0, 1.0)


def test_attacks_that_look_for_no_copies_extract_nobody(compute, attack_on, cell_with):
    attacks = {"a": attack_on(), "b": attack_on(copies=Copies(np.zeros(0), np.zeros(0)))}
    assert compute("members-extracted", cell_with(attacks)) == []


@pytest.mark.parametrize("name", NAMES)
def test_canaries_are_left_out(compute, attack_on, cell_with, name):
    plain = attack_on(shift=1.0, copies=COPIES)
    planted = replace(
        plain,
        scores=np.concatenate([plain.scores, [50.0] * 20, [60.0] * 20]),
        members=np.concatenate([plain.members, [True] * 20, [False] * 20]),
        canaries=np.concatenate([plain.canaries, [True] * 40]),
    )
    assert compute(name, cell_with({"a": planted})) == compute(name, cell_with({"a": plain}))
