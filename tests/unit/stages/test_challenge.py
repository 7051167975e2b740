"""Laws of the challenge set and of the masks of shadow models."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tckr_bench.records import ChallengeParameters, LabelledImages, Sample
from tckr_bench.stages.challenge import (
    build_challenge,
    eligible,
    published_shadow_mask,
    sample_mask,
    shadow_group,
    shadow_mask,
    take_sample,
)
from tckr_bench.stages.prepare import Prepared


@pytest.fixture
def prepared():
    def split(count, value):
        images = np.full((count, 8, 8, 3), value, dtype=np.uint8)
        images[:, 0, 0, 0] = np.arange(count)  # no two pictures are the same
        return LabelledImages(images, np.arange(count, dtype=np.int64) % 4)

    train, validation, test = split(40, 1), split(8, 2), split(24, 3)
    return Prepared(train, validation, test, ("a", "b", "c", "d"), eligible(train.images, test.images))


def test_members_are_the_training_images_and_non_members_the_test_images(prepared):
    challenge = build_challenge(prepared, ChallengeParameters())
    assert (challenge.examples.images[challenge.members][:, 1:] == 1).all()
    assert (challenge.examples.images[~challenge.members][:, 1:] == 3).all()
    assert (int(challenge.members.sum()), len(challenge.members)) == (40, 64)
    assert not challenge.canaries.any()


def test_canaries_are_mislabelled_on_both_sides_and_nothing_else_is(prepared):
    plain = build_challenge(prepared, ChallengeParameters(per_side=20))
    planted = build_challenge(prepared, ChallengeParameters(per_side=20, canaries=6))
    wrong = plain.examples.labels != planted.examples.labels
    assert np.array_equal(wrong, planted.canaries)
    assert int((wrong & planted.members).sum()) == int((wrong & ~planted.members).sum()) == 6
    assert set(planted.examples.labels.tolist()) <= {0, 1, 2, 3}


def test_rare_canaries_are_negatives_with_their_own_labels_and_nothing_else_is(prepared):
    plain = build_challenge(prepared, ChallengeParameters(per_side=20))
    planted = build_challenge(prepared, ChallengeParameters(per_side=20, canaries=6, canary_kind="rare"))
    assert np.array_equal(plain.examples.labels, planted.examples.labels)
    changed = (plain.examples.images != planted.examples.images).any(axis=(1, 2, 3))
    assert np.array_equal(changed, planted.canaries)
    assert np.array_equal(
        planted.examples.images[changed].astype(int), 255 - plain.examples.images[changed].astype(int)
    )


def test_the_kind_of_canaries_does_not_decide_which_examples_are_canaries(prepared):
    mislabelled, rare = (
        build_challenge(prepared, ChallengeParameters(canaries=6, canary_kind=kind)) for kind in ("mislabelled", "rare")
    )
    assert np.array_equal(mislabelled.canaries, rare.canaries)


@pytest.mark.parametrize("kind", ["mislabelled", "rare"])
def test_planting_canaries_leaves_the_prepared_data_alone(prepared, kind):
    before = prepared.train.labels.copy(), prepared.train.images.copy()
    build_challenge(prepared, ChallengeParameters(canaries=10, canary_kind=kind))
    assert np.array_equal(prepared.train.labels, before[0])
    assert np.array_equal(prepared.train.images, before[1])


@given(st.integers(2, 300), st.floats(0.25, 0.75), st.integers(1, 4))
def test_every_example_is_in_as_many_shadows_of_whole_groups_as_any_other_or_one_more_a_group(examples, share, groups):
    part = min(max(1, round(share * examples)), examples - 1)
    size = shadow_group(examples, part=part)
    masks = np.array([shadow_mask(examples, index, part=part) for index in range(size * groups)])
    assert (masks.sum(axis=1) == part).all()
    for turns in masks.reshape(groups, size, examples):
        times = turns.sum(axis=0)
        assert times.max() - times.min() <= 1
        assert 1 <= times.min() <= times.max() < size or examples < 4


@given(st.integers(1, 150), st.integers(1, 8))
def test_shadows_of_half_the_examples_come_in_complements(half, pairs):
    masks = np.array([shadow_mask(2 * half, index, part=half) for index in range(2 * pairs)])
    assert (masks[::2] ^ masks[1::2]).all()


def test_shadows_differ_and_a_growing_bank_keeps_its_masks():
    masks = {shadow_mask(100, index, part=60).tobytes() for index in range(16)}
    assert len(masks) == 16
    assert shadow_mask(100, 3, part=60).tobytes() == shadow_mask(100, 3, part=60).tobytes()


def uneven(prepared, training, test):
    """Return a dataset of so many training and test images, no two alike."""

    def split(count, value):
        images = np.full((count, 8, 8, 3), value, dtype=np.uint8)
        images[:, 0, 0, :2] = np.stack(np.divmod(np.arange(count), 256), axis=1)
        return LabelledImages(images, np.arange(count, dtype=np.int64) % 4)

    train, others = split(training, 1), split(test, 3)
    return dataclasses.replace(prepared, train=train, test=others, eligible=eligible(train.images, others.images))


@pytest.mark.parametrize(("training", "test"), [(40, 24), (500, 100), (1000, 30), (50, 80), (30, 1000), (100, 100)])
def test_a_shadow_learns_from_as_many_images_as_its_target_and_every_example_is_in_and_out(prepared, training, test):
    data = uneven(prepared, training, test)
    challenge = build_challenge(data, ChallengeParameters())
    sides = int(challenge.members.sum()), int((~challenge.members).sum())
    assert max(sides) <= 3 * min(sides)
    assert len(challenge.others) == training - sides[0]
    masks = []
    for index in range(16):
        sample = Sample("part", ChallengeParameters(), index)
        assert len(take_sample(data, sample).train) == training
        masks.append(sample_mask(challenge, sample))
    times = np.array(masks).sum(axis=0)
    assert times.min() >= 3
    assert times.max() <= 13


def test_what_is_no_example_is_learned_by_every_shadow_as_by_the_target(prepared):
    data = uneven(prepared, 500, 100)
    challenge = build_challenge(data, ChallengeParameters())
    fixed = {image.tobytes() for image in challenge.others.images}
    assert not fixed & {image.tobytes() for image in challenge.examples.images}
    for index in range(3):
        learned = take_sample(data, Sample("part", ChallengeParameters(), index)).train
        assert fixed < {image.tobytes() for image in learned.images}


def test_an_image_on_both_sides_is_no_part_of_the_challenge_and_a_repeated_one_counts_once(prepared):
    images = prepared.test.images.copy()
    images[0], images[1] = prepared.train.images[5], images[2]
    test = LabelledImages(images, prepared.test.labels)
    changed = dataclasses.replace(prepared, test=test, eligible=eligible(prepared.train.images, images))
    challenge = build_challenge(changed, ChallengeParameters())
    assert (int(challenge.members.sum()), int((~challenge.members).sum())) == (39, 22)
    pictures = [image.tobytes() for image in challenge.examples.images]
    assert len(set(pictures)) == len(pictures)
    assert prepared.train.images[5].tobytes() not in pictures


def test_a_shadow_learns_from_its_part_with_the_canaries_labels_and_validates_as_the_target_does(prepared):
    parameters = ChallengeParameters(canaries=4)
    challenge = build_challenge(prepared, parameters)
    taken = [take_sample(prepared, Sample("part", parameters, index)) for index in range(3)]
    assert [len(part.train) for part in taken] == [40, 40, 40]
    seen = {image.tobytes() for part in taken for image in part.train.images}
    assert seen == {image.tobytes() for image in challenge.examples.images}
    inside = sample_mask(challenge, Sample("part", parameters, 0))
    assert np.array_equal(taken[0].train.labels, challenge.examples.labels[inside])
    assert taken[0].validation is prepared.validation


def test_an_outsider_sees_the_validation_images_and_no_example_of_the_challenge(prepared):
    outside = take_sample(prepared, Sample("outside"))
    assert np.array_equal(outside.train.images, prepared.validation.images)
    assert len(outside.validation) == 0


def test_the_published_shadows_never_see_a_member_and_each_out_set_lies_within_its_in_set(prepared):
    members = build_challenge(prepared, ChallengeParameters()).members
    for pair in range(4):
        inside, outside = (published_shadow_mask(members, 2 * pair + side) for side in (0, 1))
        assert not (inside & members).any()
        assert (outside <= inside).all()
        assert outside.sum() < inside.sum()
