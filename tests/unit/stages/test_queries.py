"""Laws of the altered copies an attacker asks about."""

import numpy as np

from tckr_bench.stages.queries import MOST_QUERIES, altered_copies


def pictures():
    return np.random.default_rng(0).integers(0, 255, size=(3, 16, 16, 3)).astype(np.uint8)


def test_copies_keep_the_shape_and_differ_from_each_other_and_from_the_original():
    images = pictures()
    copies = [images, *altered_copies(images, MOST_QUERIES)]
    assert {copy.shape for copy in copies} == {images.shape}
    assert len({copy.tobytes() for copy in copies}) == MOST_QUERIES + 1


def test_a_shift_moves_the_picture_and_repeats_its_edge():
    images = pictures()
    right = next(altered_copies(images, 1))
    assert np.array_equal(right[:, :, 1:], images[:, :, :-1])
    assert np.array_equal(right[:, :, 0], images[:, :, 0])


def test_the_fifth_copy_is_the_mirror_image():
    images = pictures()
    assert np.array_equal(list(altered_copies(images, 5))[4], images[:, :, ::-1])


def test_more_copies_begin_with_the_same_ones():
    images = pictures()
    few, many = list(altered_copies(images, 2)), list(altered_copies(images, 7))
    assert all(np.array_equal(*pair) for pair in zip(few, many, strict=False))
