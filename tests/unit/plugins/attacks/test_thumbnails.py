"""Laws of the small pictures in which attacks on images measure."""

import numpy as np
import pytest
from tckr_plugins.attacks.thumbnails import common_side, thumbnails

from tckr_bench.stages.chunks import ImageChunks


def draw(count, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(count, size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize("side", [1, 8, 11, 18, 24])
def test_each_pixel_is_the_mean_of_its_block_to_the_nearest_level(side):
    images = draw(5, 24)
    fine = images.repeat(side, axis=1).repeat(side, axis=2)  # where every block has whole pixels
    expected = fine.reshape(5, side, 24, side, 24, 3).mean(axis=(2, 4))
    assert np.array_equal(thumbnails(images, side=side), np.round(expected))


def test_blocks_of_many_parts_are_summed_exactly():
    images = np.full((1, 500, 500, 3), 255, dtype=np.uint8)  # 255 * 500 * 500 is beyond single precision
    assert (thumbnails(images, side=31) == 255).all()


def test_images_of_that_size_stay_as_they_are():
    images = draw(3, 16)
    assert np.array_equal(thumbnails(images, side=16), images)


def test_equal_images_have_equal_thumbnails_wherever_they_lie():
    images = draw(2000, 20)  # more than are read at once
    small = thumbnails(images, side=7)
    assert np.array_equal(thumbnails(images[1500:1501], side=7)[0], small[1500])
    lazy = ImageChunks([images[:700], images[700:]])
    assert np.array_equal(thumbnails(lazy, side=7), small)


def test_thumbnails_are_no_larger_than_the_smallest_images():
    assert common_side(draw(1, 64), draw(1, 48), largest=32) == 32
    assert common_side(draw(1, 64), draw(1, 20), largest=32) == 20
