"""Laws of clipped gradients: they are those of every example alone, and no example adds more than the clip norm."""

from __future__ import annotations

import warnings

import pytest
import torch
from tckr_plugins.classifiers.clipping import clipped_gradients
from tckr_plugins.classifiers.dp_sgd import PrivateCnn
from torch import nn
from torch.nn import functional


def network(seed=0):
    """Both kinds of convolution gradients come up: many places with few weights, and few places with many."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = PrivateCnn(class_count=3, widths=(8, 16, 32))
        for value in made.parameters():
            value.data += 0.1 * torch.randn_like(value)
    return made


def examples(count=6, seed=1):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 16, 16, generator=generator) * torch.logspace(-3, 1, count)[:, None, None, None]
    return images, torch.randint(3, (count,), generator=generator)


def alone(model, images, labels):
    """The gradient of each example on its own, as one row."""
    rows = []
    for image, label in zip(images, labels, strict=True):
        loss = functional.cross_entropy(model(image[None]), label[None])
        rows.append(torch.cat([value.flatten() for value in torch.autograd.grad(loss, list(model.parameters()))]))
    return torch.stack(rows)


def flat(model, sums):
    return torch.cat([sums[name].flatten() for name, _value in model.named_parameters()])


@pytest.mark.parametrize("clip_norm", [0.1, 5.0, 1e6])
def test_it_is_the_sum_of_gradients_computed_one_by_one_and_clipped(clip_norm):
    model, (images, labels) = network(), examples()
    sums, losses = clipped_gradients(model, images, labels, clip_norm=clip_norm)
    each = alone(model, images, labels)
    norms = each.norm(dim=1, keepdim=True)
    expected = (each * (clip_norm / norms).clamp(max=1)).sum(dim=0)
    assert torch.allclose(flat(model, sums), expected, rtol=1e-4, atol=1e-6 * float(expected.norm()))
    assert torch.allclose(losses, functional.cross_entropy(model(images), labels, reduction="none"), atol=1e-5)


def test_opacus_clips_alike():
    from opacus.grad_sample import GradSampleModule

    model, (images, labels) = network(), examples()
    sums, _losses = clipped_gradients(model, images, labels, clip_norm=1.0)
    wrapped = GradSampleModule(network(), loss_reduction="sum")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its hooks are of a kind that torch warns of
        functional.cross_entropy(wrapped(images), labels, reduction="sum").backward()
    each = torch.cat([value.grad_sample.flatten(1) for value in wrapped.parameters()], dim=1)
    expected = (each * (1.0 / (each.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1)).sum(dim=0)
    assert torch.allclose(flat(model, sums), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("clip_norm", [0.05, 1.0])
def test_one_example_more_changes_the_sum_by_the_clip_norm_at_most(clip_norm):
    model, (images, labels) = network(), examples()
    images = images * 100  # gradients far above the clip norm
    without, _ = clipped_gradients(model, images[1:], labels[1:], clip_norm=clip_norm)
    for replaced in (images[0], torch.zeros_like(images[0]), 1e4 * images[0]):
        other = torch.cat([replaced[None], images[1:]])
        sums, _ = clipped_gradients(model, other, labels, clip_norm=clip_norm)
        change = (flat(model, sums) - flat(model, without)).norm()
        assert 0 < change <= clip_norm * (1 + 1e-4)


def test_layers_whose_gradients_are_not_known_are_refused():
    mixed = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(AssertionError, match="not known"):
        clipped_gradients(mixed, torch.zeros(1, 3, 3, 3), torch.tensor([0]), clip_norm=1.0)
    layer = nn.Linear(2, 2)
    with pytest.raises(AssertionError, match="more than once"):
        clipped_gradients(nn.Sequential(layer, layer), torch.zeros(1, 2), torch.tensor([0]), clip_norm=1.0)


def test_biases_of_convolutions_count():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 16 * 16, 3, bias=False))
    images, labels = examples()
    sums, _ = clipped_gradients(model, images, labels, clip_norm=0.5)
    each = alone(model, images, labels)
    expected = (each * (0.5 / each.norm(dim=1, keepdim=True)).clamp(max=1)).sum(dim=0)
    assert torch.allclose(flat(model, sums), expected, rtol=1e-4, atol=1e-5)
