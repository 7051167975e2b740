"""Laws of the batched augmentation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tckr_plugins.classifiers.augmentation import shift_and_flip


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def one_by_one(images, *, seed, padding, flip):
    """The same augmentation with a loop over images and slices: an independent reference."""
    source = generator(seed)
    count, height, width, _ = images.shape
    down, right = round(padding * height), round(padding * width)
    tops = torch.randint(0, 2 * down + 1, (count, 1), generator=source).flatten().tolist()
    lefts = torch.randint(0, 2 * right + 1, (count, 1), generator=source).flatten().tolist()
    draws = torch.rand((count, 1), generator=source).flatten().tolist() if flip else [1.0] * count
    results = []
    for image, top, left, draw in zip(images, tops, lefts, draws, strict=True):
        canvas = torch.zeros(height + 2 * down, width + 2 * right, image.shape[2], dtype=image.dtype)
        canvas[down : down + height, right : right + width] = image
        cropped = canvas[top : top + height, left : left + width]
        results.append(cropped.flip(1) if draw < 0.5 else cropped)
    return torch.stack(results)


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4)),
    st.floats(0, 0.5),
    st.booleans(),
    st.sampled_from([torch.uint8, torch.float32]),
)
def test_every_image_is_padded_cropped_and_mirrored_by_itself(shape, padding, flip, dtype):
    images = torch.randint(1, 256, shape, generator=generator(1)).to(dtype)
    found = shift_and_flip(images, generator=generator(7), padding=padding, flip=flip)
    assert found.dtype == dtype
    assert torch.equal(found, one_by_one(images, seed=7, padding=padding, flip=flip))


def test_images_of_a_batch_move_differently_and_by_a_tenth_at_most():
    images = torch.zeros(256, 20, 20, 3, dtype=torch.uint8)
    images[:, 10, 10] = 255
    spots = shift_and_flip(images, generator=generator(), padding=0.1)[..., 0].nonzero()
    assert len(spots) == 256
    assert len({tuple(spot.tolist()) for spot in spots[:, 1:]}) == 25  # five rows by five columns
    assert (spots[:, 1:] - 10).abs().max() == 2


@pytest.mark.parametrize(("flip", "share"), [(False, 0.0), (True, 0.5)])
def test_half_of_the_images_are_mirrored_if_asked(flip, share):
    images = torch.zeros(400, 1, 2, 1)
    images[:, 0, 1] = 1
    found = shift_and_flip(images, generator=generator(), padding=0.0, flip=flip)
    assert float(found[:, 0, 0].mean()) == pytest.approx(share, abs=0.08)


def test_the_generator_decides_and_global_state_does_not():
    images = torch.randint(0, 256, (8, 10, 10, 3), generator=generator(), dtype=torch.uint8)
    before = torch.random.get_rng_state()
    first = shift_and_flip(images, generator=generator(3), flip=True)
    torch.manual_seed(99)
    again, other = (shift_and_flip(images, generator=generator(seed), flip=True) for seed in (3, 4))
    torch.random.set_rng_state(before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
