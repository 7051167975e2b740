"""Laws of outlines: outputs that anybody turns into one another have the same, others have not."""

from __future__ import annotations

import numpy as np
import pytest

from tckr_bench.results.outputs import NUMBERS, alike, outline

OUTPUTS = np.random.default_rng(0).normal(size=(50, 10)).astype(np.float32)


@pytest.mark.parametrize("scale", [4.0, 3.0, 0.7, 0.01])
def test_outputs_that_are_a_multiple_of_others_have_their_outline(scale):
    assert alike(outline(OUTPUTS), outline(OUTPUTS / np.float32(scale)))
    assert alike(outline(OUTPUTS), outline(OUTPUTS / np.float32(scale) + np.float32(3)))


def test_log_probabilities_have_the_outline_of_the_logits_they_come_from():
    normalised = OUTPUTS - np.log(np.exp(OUTPUTS).sum(axis=1, keepdims=True))
    assert alike(outline(OUTPUTS), outline(normalised))


@pytest.mark.parametrize(
    "other", [-OUTPUTS, OUTPUTS[::-1], OUTPUTS[:, ::-1], OUTPUTS + 1e-3 * OUTPUTS[::-1], OUTPUTS**3]
)
def test_other_outputs_have_another_outline(other):
    assert not alike(outline(OUTPUTS), outline(other))


def test_an_outline_is_a_few_numbers_of_about_one_in_size():
    found = np.array([outline(np.random.default_rng(seed).normal(size=(50, 10))) for seed in range(200)])
    assert found.shape == (200, NUMBERS)
    assert found.std() == pytest.approx(1.0, abs=0.1)


def test_outputs_that_say_nothing_are_like_nothing():
    flat = outline(np.full((5, 3), 2.0, dtype=np.float32))
    assert flat == ()
    assert not alike(flat, flat)
    assert outline(np.zeros((0, 3), dtype=np.float32)) == ()
