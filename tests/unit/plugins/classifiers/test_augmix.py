"""Laws of the batched AugMix; torchvision is the independent reference."""

from __future__ import annotations

import math

import pytest
import torch
from tckr_plugins.classifiers import augmix as module
from tckr_plugins.classifiers.augmix import (
    DEPTH,
    LEVELS,
    OPERATIONS,
    SIGNED,
    Draws,
    apply_operation,
    augmix,
    blend,
    draw,
)
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

REFERENCES = {
    "shear_x": lambda x, m: affine(x, shear=[math.degrees(math.atan(m)), 0.0], center=[0, 0]),
    "shear_y": lambda x, m: affine(x, shear=[0.0, math.degrees(math.atan(m))], center=[0, 0]),
    "translate_x": lambda x, m: affine(x, translate=[int(m * x.shape[-1]), 0]),
    "translate_y": lambda x, m: affine(x, translate=[0, int(m * x.shape[-2])]),
    "rotate": lambda x, m: functional.rotate(x, m, interpolation=v2.InterpolationMode.BILINEAR),
    "posterize": lambda x, m: functional.posterize(x, int(m)),
    "solarize": functional.solarize,
    "autocontrast": lambda x, m: functional.autocontrast(x),
    "equalize": lambda x, m: functional.equalize(x),
    "brightness": lambda x, m: functional.adjust_brightness(x, 1 + m),
    "contrast": lambda x, m: functional.adjust_contrast(x, 1 + m),
    "colour": lambda x, m: functional.adjust_saturation(x, 1 + m),
    "sharpness": lambda x, m: functional.adjust_sharpness(x, 1 + m),
}
EXACT = ("posterize", "solarize", "equalize")


def affine(planes, **given):
    settings = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]} | given
    return functional.affine(planes, interpolation=v2.InterpolationMode.BILINEAR, **settings)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def smooth(count=4, height=24, width=36):
    """Images of soft patches that use a part of the grey levels, unlike in each channel."""
    coarse = (
        torch.rand((count, 3, 4, 6), generator=generator()) * torch.tensor([150.0, 200.0, 90.0])[:, None, None] + 30
    )
    planes = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return planes.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def planar(images):
    return images.permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_torchvisions(name):
    images = smooth()
    for level in LEVELS[name]:
        for sign in (1, -1) if name in SIGNED else (1,):
            found = planar(apply_operation(images, name, sign * level)).int()
            expected = REFERENCES[name](planar(images), sign * level).int()
            assert (found - expected).abs().max() <= (0 if name in EXACT else 1), (name, sign * level)
    if name != "equalize":  # the last strength does something
        assert (planar(images).int() - expected).abs().max() > 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_flat_and_tiny_images_stay_in_range(name):
    for images in (torch.full((2, 5, 5, 3), 255, dtype=torch.uint8), torch.zeros(2, 1, 2, 3, dtype=torch.uint8)):
        found = apply_operation(images, name, LEVELS[name][2])
        assert (found.shape, found.dtype) == (images.shape, torch.uint8)
        expected = REFERENCES[name](planar(images), LEVELS[name][2])
        assert (planar(found).int() - expected.int()).abs().max() <= 1


def test_strengths_are_torchvisions():
    space = v2.AugMix._AUGMENTATION_SPACE
    names = dict(
        zip(
            OPERATIONS,
            [
                "ShearX",
                "ShearY",
                "TranslateX",
                "TranslateY",
                "Rotate",
                "Posterize",
                "Solarize",
                "AutoContrast",
                "Equalize",
                "Brightness",
                "Contrast",
                "Color",
                "Sharpness",
            ],
            strict=True,
        )
    )
    assert sorted(names.values()) == sorted(space)
    for name, theirs in names.items():
        make, signed = space[theirs]
        strengths = make(10, 1, 1)
        assert (name in SIGNED) == signed
        if strengths is not None:
            unit = 255 if name == "solarize" else 1
            assert LEVELS[name] == pytest.approx((strengths[:3] * unit).tolist(), abs=1e-4)


def test_an_image_does_not_depend_on_its_batch():
    images = smooth(8)
    draws = draw(8, generator=generator(3))
    whole = blend(images, draws)
    for index in range(8):
        assert torch.equal(blend(images[index : index + 1], draws.part(index, index + 1))[0], whole[index])


def test_a_batch_taken_in_parts_is_the_batch(monkeypatch):
    images = smooth(7)
    whole = augmix(images, generator=generator(3))
    monkeypatch.setattr(module, "CACHED_PIXELS", 2 * 24 * 36)
    assert torch.equal(augmix(images, generator=generator(3)), whole)


def test_a_chain_applies_its_operations_in_order_and_no_more_than_its_depth():
    images = smooth(1)
    order = torch.tensor([OPERATIONS.index(name) for name in ("solarize", "brightness", "rotate")])
    strengths = torch.tensor([198.0, -0.5, 6.0])
    draws = Draws(
        weights=torch.tensor([[0.0, 1.0, 0.0, 0.0]]),
        depths=torch.tensor([[2, 1, 1]]),
        operations=order.repeat(1, 3, 1),
        strengths=strengths.repeat(1, 3, 1),
    )
    expected = apply_operation(apply_operation(images, "solarize", 198.0), "brightness", -0.5)
    assert torch.equal(blend(images, draws), expected)


def test_the_blend_is_the_weighted_sum_rounded_down():
    images = smooth(1)
    dark = torch.tensor([OPERATIONS.index("brightness")]).repeat(1, 3, DEPTH)
    draws = Draws(
        weights=torch.tensor([[0.4, 0.3, 0.2, 0.1]]),
        depths=torch.ones(1, 3, dtype=torch.int64),
        operations=dark,
        strengths=torch.tensor([-1.0, -0.5, 0.0])[None, :, None].repeat(1, 1, DEPTH),
    )
    half = (images.float() * 0.5).floor()
    expected = 0.4 * images.float() + 0.2 * half + 0.1 * images.float()
    assert (blend(images, draws).float() - expected).abs().max() <= 1
    assert (blend(images, draws).float() <= expected + 1e-2).all()


def test_draws_are_flat_dirichlet_and_uniform():
    draws = draw(6000, generator=generator(1))
    torch.testing.assert_close(draws.weights.sum(dim=1), torch.ones(6000))
    assert draws.weights[:, 0].mean() == pytest.approx(1 / 2, abs=0.02)  # of Beta(1, 1)
    assert draws.weights[:, 0].var() == pytest.approx(1 / 12, abs=0.01)
    shares = draws.weights[:, 1:] / (1 - draws.weights[:, :1])
    assert shares.var(dim=0).tolist() == pytest.approx([1 / 18] * 3, abs=0.006)  # of Dirichlet(1, 1, 1)
    assert (draws.depths.flatten().bincount(minlength=4) / 18_000).tolist() == pytest.approx(
        [0, *[1 / 3] * 3], abs=0.02
    )
    counts = draws.operations.flatten().bincount(minlength=len(OPERATIONS)) / 54_000
    assert counts.tolist() == pytest.approx([1 / 13] * 13, abs=0.006)
    assert (draws.strengths < 0).float().mean() == pytest.approx(9 / 13 / 3, abs=0.02)  # nine are signed, a third is 0


def test_it_changes_images_as_much_as_torchvision_does():
    images = smooth(1).repeat(600, 1, 1, 1)
    theirs = v2.AugMix()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        reference = torch.stack([theirs(image) for image in planar(images)])
    found = planar(augmix(images, generator=generator(5)))
    ours, expected = ((batch.float() - planar(images)).abs().mean(dim=(1, 2, 3)) for batch in (found, reference))
    assert ours.mean() == pytest.approx(float(expected.mean()), rel=0.12)
    assert ours.std() == pytest.approx(float(expected.std()), rel=0.2)
    assert float(found.float().mean()) == pytest.approx(float(reference.float().mean()), abs=1.5)


def test_the_generator_decides_and_global_state_does_not():
    images = smooth(6)
    before = torch.random.get_rng_state()
    first = augmix(images, generator=generator(3))
    torch.manual_seed(99)
    again, other = (augmix(images, generator=generator(seed)) for seed in (3, 4))
    torch.random.set_rng_state(before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert augmix(images[:0], generator=generator()).shape == (0, 24, 36, 3)
