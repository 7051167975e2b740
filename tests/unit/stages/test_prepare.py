"""Laws of the validation split, of what a dataset must give, and of the challenge that is found once."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_worlds import COUNTS, FakeDataset

from tckr_bench.errors import DatasetError
from tckr_bench.records import ChallengeParameters, LabelledImages, Sample
from tckr_bench.stages import challenge
from tckr_bench.stages.challenge import build_challenge, eligible, take_sample
from tckr_bench.stages.prepare import read_prepared, split_validation, validation_size


def labelled(labels):
    images = np.zeros((len(labels), 1, 1, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(len(labels))
    return LabelledImages(images, np.asarray(labels, dtype=np.int64))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.floats(0.01, 0.49))
def test_the_split_is_exact_disjoint_and_leaves_every_class_an_image(labels, fraction):
    data = labelled(labels)
    train, validation = split_validation(data, fraction=fraction, classes=len(set(labels)))
    assert len(validation) == validation_size(len(labels), fraction, classes=len(set(labels)))
    together = np.concatenate([train.images, validation.images])[:, 0, 0, 0]
    assert sorted(together.tolist()) == list(range(len(labels)))
    assert set(train.labels.tolist()) == set(labels)


def test_classes_give_their_share():
    _train, validation = split_validation(labelled([0] * 100 + [1] * 50), fraction=0.2, classes=2)
    assert np.bincount(validation.labels).tolist() == [20, 10]


def test_the_split_is_the_same_each_time():
    data = labelled([0, 1] * 50)
    first, second = (split_validation(data, fraction=0.3, classes=2)[1] for _ in range(2))
    assert np.array_equal(first.images, second.images)


def test_a_dataset_comes_back_as_it_was_read(world):
    prepared = read_prepared(world.prepared())
    assert [len(split) for split in (prepared.train, prepared.validation, prepared.test)] == list(COUNTS.values())
    assert prepared.class_names == FakeDataset().class_names
    assert np.array_equal(prepared.test.images, FakeDataset().read("test", size=8).images)


def test_no_stage_after_this_one_hashes_a_picture(world, monkeypatch):
    dataset = FakeDataset()
    test = dataset.read("test", size=8)
    images = test.images.copy()
    images[0], images[1] = dataset.read("train", size=8).images[5], images[2]
    folder = world.prepared(FakeDataset(splits={"test": LabelledImages(images, test.labels)}))
    prepared = read_prepared(folder)
    expected = eligible(prepared.train.images, prepared.test.images)
    monkeypatch.setattr(challenge, "_first_of_each", lambda images: pytest.fail("pictures were hashed again"))
    assert np.array_equal(prepared.eligible.members, expected.members)
    assert np.array_equal(prepared.eligible.others, expected.others)
    found = build_challenge(prepared, ChallengeParameters())
    assert (int(found.members.sum()), int((~found.members).sum())) == (23, 10)


@pytest.mark.parametrize("take", ["part", "outside"])
def test_a_sample_has_no_challenge_of_its_own(world, take):
    sample = take_sample(read_prepared(world.prepared()), Sample(take))
    with pytest.raises(AssertionError, match="not of a sample"):
        build_challenge(sample, ChallengeParameters())


def split_of(**changes):
    return dataclasses.replace(FakeDataset().read("train", size=8), **changes)


FAULTY = {
    "two classes called 'cat'": FakeDataset(class_names=("cat", "dog", "cat")),
    "no name for its class 1": FakeDataset(class_names=("cat", " ", "owl")),
    "has 1 class": FakeDataset(class_names=("cat",)),
    "no images in its test split": FakeDataset(counts={"train": 24, "test": 0}),
    "has 24 images and says it has 25": FakeDataset(counts={**COUNTS, "train": 25}),
    r"shape \(24, 9, 9, 3\)": FakeDataset(splits={"train": FakeDataset().read("train", size=9)}),
    "float64": FakeDataset(splits={"train": split_of(images=np.zeros((24, 8, 8, 3)))}),
    r"shape \(24, 8, 8\)": FakeDataset(splits={"train": split_of(images=np.zeros((24, 8, 8), np.uint8))}),
    "labels from 0 to 3": FakeDataset(splits={"train": split_of(labels=np.arange(24) % 4)}),
    "labels from -1 to 2": FakeDataset(splits={"train": split_of(labels=np.arange(24) % 4 - 1)}),
    "one whole number per image": FakeDataset(splits={"train": split_of(labels=np.zeros(24))}),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_dataset_that_does_not_give_what_it_says_is_blamed_by_name(world, fault):
    with pytest.raises(DatasetError, match=fault) as raised:
        world.prepared(FAULTY[fault], name="my-photos")
    assert "'my-photos'" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_labels_are_kept_as_int64_whatever_whole_numbers_they_came_as(world):
    labels = (np.arange(24) % 3).astype(np.uint8)
    prepared = read_prepared(world.prepared(FakeDataset(splits={"train": split_of(labels=labels)})))
    assert prepared.train.labels.dtype == np.int64
    assert np.array_equal(prepared.train.labels, labels)
