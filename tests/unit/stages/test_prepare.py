"""Laws of the validation split."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tckr_bench.records import LabelledImages
from tckr_bench.stages.prepare import split_validation, validation_size


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
