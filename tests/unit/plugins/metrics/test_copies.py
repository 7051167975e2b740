"""Laws of the rates of copies among synthetic images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tckr_bench.records import Copies

NAMES = ["duplicate-rate", "near-duplicate-rate"]


def test_a_duplicate_is_within_rounding_of_a_member_and_farther_from_every_other(compute, attack_on, cell_with):
    near = Copies(np.array([0.0, 0.5, 0.6, 0.4, 0.0]), np.array([9.0, 9.0, 9.0, 0.3, 0.0]))
    (measurement,) = compute("duplicate-rate", cell_with({"copy": attack_on(copies=near, surface="images")}))
    assert (measurement.attack, measurement.examples) == ("copy", 5)
    assert measurement.value == 2 / 5  # the fourth repeats a non-member, the fifth both


def test_near_duplicates_are_those_that_chance_does_not_explain(compute, attack_on, cell_with):
    to_others = np.arange(1.0, 1001.0)  # first percentile: 10.99
    to_members = np.full(1000, 500.0)
    to_members[:30], to_members[30:40] = 10.9, 11.1
    (measurement,) = compute(
        "near-duplicate-rate", cell_with({"copy": attack_on(copies=Copies(to_members, to_others))})
    )
    assert measurement.value == 30 / 1000
    assert "nearer than 11.0 of 255, 1 % by chance" in measurement.interval


@pytest.mark.parametrize("share", [0.5, 0.67, 0.9])
def test_without_copies_one_image_in_a_hundred_is_near_by_chance(compute, attack_on, cell_with, share):
    """Distances to the nearest of so many uniform points: more members come nearer, and must not count as copies."""
    generator, examples = np.random.default_rng(0), 600
    count = round(share * examples)
    nearest = [generator.beta(1, side, size=200_000) for side in (count, examples - count)]
    saved = replace(attack_on(copies=Copies(*nearest)), members=np.arange(examples) < count)
    (measurement,) = compute("near-duplicate-rate", cell_with({"copy": saved}))
    assert measurement.value == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize("name", NAMES)
def test_attacks_that_look_for_no_copies_have_no_rate(compute, attack_on, cell_with, name):
    assert compute(name, cell_with({"a": attack_on(), "b": attack_on(copies=Copies(np.zeros(0), np.zeros(0)))})) == []
