"""Laws of clipped gradients: they are those of every example alone, and no example adds more than the clip norm."""

from __future__ import annotations

import warnings

import pytest
import torch
from tckr_plugins.classifiers.dp_sgd import PrivateCnn
from tckr_plugins.privacy import clipping
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


def clipped_gradients(model, images, labels, *, clip_norm):
    def losses_of():
        return functional.cross_entropy(model(images), labels, reduction="none")

    return clipping.clipped_gradients(model, losses_of, clip_norm=clip_norm)


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
    partly = nn.Linear(2, 2)
    partly.bias.requires_grad_(requires_grad=False)
    with pytest.raises(AssertionError, match="trained in part"):
        clipped_gradients(partly, torch.zeros(1, 2), torch.tensor([0]), clip_norm=1.0)
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


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("share", [0.5, 1.0, 1e6])
def test_an_example_may_be_sequences_and_several_of_them(share, bias, rows):
    """Low-rank factors on sequences, under a layer that is not trained; an example's loss is the mean of its rows'."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 2, bias=bias), nn.Linear(2, 5, bias=bias), nn.Tanh(), nn.BatchNorm1d(7))
        given = torch.randn(4, rows, 7, 5) * torch.logspace(-1, 1, 4)[:, None, None, None]
    model[3].requires_grad_(requires_grad=False).eval()

    def losses_of(some=given):
        return model(some.flatten(0, 1)).square().mean(dim=(1, 2)).view(len(some), -1).mean(dim=1)

    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    each = torch.stack(
        [
            torch.cat([part.flatten() for part in torch.autograd.grad(losses_of(one[None]), [v for _, v in trained])])
            for one in given
        ]
    )
    norms = each.norm(dim=1, keepdim=True)
    clip_norm = share * float(norms.median())
    assert share != 1 or norms.min() < clip_norm < norms.max()
    sums, losses = clipping.clipped_gradients(model, losses_of, clip_norm=clip_norm)
    assert list(sums) == [name for name, _value in trained]
    expected = (each * (clip_norm / norms).clamp(max=1)).sum(dim=0)
    found = torch.cat([value.flatten() for value in sums.values()])
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5 * float(expected.norm()))
    assert torch.allclose(losses, losses_of(), atol=1e-6)


def test_several_rows_of_vectors_are_one_example_too():
    layer, given = nn.Linear(3, 2), torch.randn(8, 3, generator=torch.Generator().manual_seed(0))

    def losses_of(some=given):
        return layer(some).square().sum(dim=1).view(-1, 2).mean(dim=1)

    sums, _ = clipping.clipped_gradients(layer, losses_of, clip_norm=0.5)
    expected = torch.zeros(2, 3)
    for one in given.split(2):
        gradients = torch.autograd.grad(losses_of(one).sum(), list(layer.parameters()))
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        expected += gradients[0] * (0.5 / norm).clamp(max=1)
    assert torch.allclose(sums["weight"], expected, atol=1e-5)


def test_convolutions_of_several_rows_per_example_are_refused():
    layer = nn.Conv2d(3, 2, 1)
    with pytest.raises(AssertionError, match="one row per example"):
        clipping.clipped_gradients(layer, lambda: layer(torch.ones(4, 3, 1, 1)).flatten(1).sum().view(1), clip_norm=1.0)
