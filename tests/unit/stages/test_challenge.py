"""Laws of the challenge set and of the masks of shadow models."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tckr_bench.records import LabelledImages
from tckr_bench.stages.challenge import ChallengeParameters, build_challenge, shadow_mask
from tckr_bench.stages.prepare import Prepared


@pytest.fixture
def prepared():
    def split(count, value):
        images = np.full((count, 8, 8, 3), value, dtype=np.uint8)
        return LabelledImages(images, np.arange(count, dtype=np.int64) % 4)

    return Prepared(split(40, 1), split(8, 2), split(24, 3), ("a", "b", "c", "d"))


def test_members_are_the_training_images_and_non_members_the_test_images(prepared):
    challenge = build_challenge(prepared, ChallengeParameters())
    assert (challenge.examples.images[challenge.members] == 1).all()
    assert (challenge.examples.images[~challenge.members] == 3).all()
    assert (int(challenge.members.sum()), len(challenge.members)) == (40, 64)
    assert not challenge.canaries.any()


def test_canaries_are_mislabelled_on_both_sides_and_nothing_else_is(prepared):
    plain = build_challenge(prepared, ChallengeParameters(per_side=20))
    planted = build_challenge(prepared, ChallengeParameters(per_side=20, canaries=6))
    wrong = plain.examples.labels != planted.examples.labels
    assert np.array_equal(wrong, planted.canaries)
    assert int((wrong & planted.members).sum()) == int((wrong & ~planted.members).sum()) == 6
    assert set(planted.examples.labels.tolist()) <= {0, 1, 2, 3}


def test_relabelling_leaves_the_prepared_data_alone(prepared):
    before = prepared.train.labels.copy()
    build_challenge(prepared, ChallengeParameters(canaries=10))
    assert np.array_equal(prepared.train.labels, before)


@given(st.integers(2, 300), st.integers(1, 8))
def test_every_example_is_in_exactly_half_of_an_even_bank(examples, pairs):
    masks = np.array([shadow_mask(examples, index) for index in range(2 * pairs)])
    assert (masks.sum(axis=0) == pairs).all()


def test_shadows_differ_and_a_growing_bank_keeps_its_masks():
    masks = {shadow_mask(100, index).tobytes() for index in range(16)}
    assert len(masks) == 16
    assert shadow_mask(100, 3).tobytes() == shadow_mask(100, 3).tobytes()
