"""Laws of the statistics that tell how an image was made."""

import numpy as np
import pytest
from tckr_plugins.attacks.image_statistics import compression, detail, image_statistics, levels


def draw(count=3, size=24, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(count, size, size, 3)).astype(np.uint8)


def test_levels_agree_with_a_straightforward_reference():
    images = draw()
    for image, found in zip(images, levels(images), strict=True):
        np.testing.assert_allclose(found[:3], image.mean(axis=(0, 1)), rtol=1e-6)
        np.testing.assert_allclose(found[3:6], image.std(axis=(0, 1)), rtol=1e-6)
        expected = np.quantile(image, [0, 0.01, 0.1, 0.5, 0.9, 1], method="inverted_cdf")
        assert found[6:12].tolist() == expected.tolist()
        assert found[12:14] == pytest.approx([(image == 0).mean(), (image == 255).mean()])
        assert found[14] == len(np.unique(image)) / 256


def test_detail_is_the_energy_of_differences():
    steps = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    steps[:, :, 2:] = 10  # grey: a step of 10 in one of three differences along each row
    found = detail(steps)[0]
    assert found[:6] == pytest.approx([0, np.log1p(100 / 3), 0, 0, 0, 0])
    assert found[6:] == pytest.approx([0, np.log1p(100)])


def test_blocks_of_eight_pixels_show_at_their_borders():
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, size=(1, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    shifted = np.roll(blocks, 3, axis=(1, 2))
    assert (compression(blocks)[0, 5:] > 2).all()
    assert (compression(shifted)[0, 5:] < 0).all()
    assert compression(blocks)[0, :4].max() == pytest.approx(0, abs=1e-6)  # flat inside
    assert compression(blocks)[0, 4] > 0.98


@pytest.mark.parametrize("size", [1, 5, 8, 9, 33])
def test_statistics_are_finite_at_any_size(size):
    found = image_statistics(draw(4, size))
    assert found.shape == (4, 30)
    assert np.isfinite(found).all()


def test_an_images_statistics_are_its_own():
    images = draw(300, 9)
    assert np.array_equal(image_statistics(images[280:281])[0], image_statistics(images)[280])
