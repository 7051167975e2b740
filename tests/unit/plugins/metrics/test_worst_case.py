"""Laws of the worst case: which attacks count, which one is named, and what having tried several costs."""

from __future__ import annotations

import pytest

from tckr_bench.stats import auc_interval, tpr_interval

NAMES = ["worst-auc", "worst-tpr-at-1-fpr"]


@pytest.fixture
def attacks(attack_on):
    return {
        "weak": attack_on(shift=0.2, seed=1, size=500),
        "strong": attack_on(shift=1.0, seed=2, size=500),
        "middling": attack_on(shift=0.6, seed=3, size=500),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_strongest_attack_is_named(compute, cell_with, attacks, name):
    (measurement,) = compute(name, cell_with(attacks))
    assert (measurement.attack, measurement.examples) == ("strong", 1000)
    assert "worst of 3" in measurement.interval


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("surface", ["generator", "images", "captions", "data"])
def test_only_attacks_on_the_classifier_count(compute, attack_on, cell_with, attacks, name, surface):
    other = {"other": attack_on(shift=3.0, surface=surface, size=500)}
    assert compute(name, cell_with(attacks | other)) == compute(name, cell_with(attacks))
    assert compute(name, cell_with(other)) == []


def test_one_attack_needs_no_correction(compute, cell_with, attacks):
    strong = {"strong": attacks["strong"]}
    (area,) = compute("worst-auc", cell_with(strong))
    reference = auc_interval(strong["strong"].scores, strong["strong"].members)
    assert (area.value, area.low, area.high) == (reference.value, reference.low, reference.high)
    (rate,) = compute("worst-tpr-at-1-fpr", cell_with(strong))
    reference = tpr_interval(strong["strong"].scores, strong["strong"].members, fpr=0.01)
    assert (rate.value, rate.low, rate.high) == (reference.value, reference.low, reference.high)


@pytest.mark.parametrize("name", NAMES)
def test_each_attack_tried_lowers_the_lower_end_alone(compute, attack_on, cell_with, attacks, name):
    alone, several = (compute(name, cell_with(tried))[0] for tried in ({"strong": attacks["strong"]}, attacks))
    assert several.value == alone.value
    assert several.low < alone.low
    assert several.high == alone.high


@pytest.mark.parametrize("name", NAMES)
def test_trying_the_same_attack_again_costs_nothing(compute, cell_with, attacks, name):
    alone, again = (compute(name, cell_with(dict.fromkeys(labels, attacks["strong"])))[0] for labels in ("a", "abcdef"))
    assert again.low == pytest.approx(alone.low, abs=5e-4)
    assert (again.value, again.high) == (alone.value, alone.high)


def test_attacks_on_different_examples_are_corrected_by_bonferroni(compute, attack_on, cell_with, attacks):
    (measurement,) = compute("worst-auc", cell_with(attacks | {"apart": attack_on(size=400)}))
    assert "Bonferroni" in measurement.interval


def test_an_attack_with_few_non_members_leaves_the_worst_rate_to_the_others(compute, attack_on, cell_with, attacks):
    (measurement,) = compute("worst-tpr-at-1-fpr", cell_with(attacks | {"few": attack_on(shift=3.0, size=99)}))
    assert measurement.attack == "strong"


def test_the_published_measurement_is_the_best_of_the_published_variants_and_of_no_other_attack(
    compute, attack_on, cell_with, attacks
):
    variants = {
        f"lira-paper-{index}": attack_on(shift=shift, seed=index) for index, shift in enumerate((0.1, 0.5, 0.3))
    }
    (measurement,) = compute("best-published-auc", cell_with(attacks | variants))
    reference = auc_interval(variants["lira-paper-1"].scores, variants["lira-paper-1"].members)
    assert (measurement.value, measurement.low, measurement.high) == (reference.value, reference.low, reference.high)
    assert "lira-paper-1, best of 3, uncorrected" in measurement.interval
    assert compute("best-published-auc", cell_with(attacks)) == []
