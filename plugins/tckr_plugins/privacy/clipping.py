"""Sums of clipped per-example gradients, for differentially private training, without storing them.

An example's gradient norm in a convolution is that of a product of its input patches and its output gradients; of
late layers, with few places and many weights, it follows from two small Gram matrices (ghost clipping, Bu, Mao and Xu
2022), of early ones from the product itself. One forward pass and one backward pass to the layers' outputs give both
the norms and, weighted, the clipped sum (book-keeping, Bu et al. 2023): no second backward pass is needed. Of linear
layers on sequences, which are narrow where they are low-rank updates, the gradients of all examples are held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

LAYERS = (nn.Conv2d, nn.GroupNorm, nn.Linear)
"""The kinds of layers whose gradients per example are known; none of them mixes the examples of a batch."""
GUARD = 1e-6
"""Added to norms before the division, so that a gradient of zero stays zero; it only ever shrinks."""


def clipped_gradients(
    network: nn.Module, losses_of: Callable[[], Tensor], *, clip_norm: float
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the sum of the examples' gradients of their losses, each scaled down to a norm of at most `clip_norm`.

    Args:
        network: what is trained; those of its parameters that require gradients belong to convolutions of one group,
            group norms and linear layers, each used once.
        losses_of: runs the network on n examples and returns their losses (n,). Where linear layers on sequences are
            trained alone, an example may be several rows of the network's input, one after the other.
        clip_norm: the largest Euclidean norm over all parameters together.

    Returns:
        The sum for each of these parameters by its name, and the losses (n,).

    Source: Abadi et al. 2016, algorithm 1.

    >>> layer = nn.Linear(1, 2)  # one input of 1, two even classes: the gradient is (-1/2, 1/2), twice
    >>> _ = [nn.init.zeros_(value) for value in layer.parameters()]
    >>> losses_of = lambda: functional.cross_entropy(layer(torch.ones(1, 1)), torch.tensor([0]), reduction="none")
    >>> sums, losses = clipped_gradients(layer, losses_of, clip_norm=0.5)
    >>> [round(value, 3) for value in sums["bias"].tolist()]
    [-0.25, 0.25]
    """
    names = {id(value): name for name, value in network.named_parameters()}
    layers = [module for module in network.modules() if _trained(module)]
    assert all(isinstance(layer, LAYERS) for layer in layers), "a layer's gradients per example are not known"
    inputs, outputs, losses = _run(layers, losses_of)
    gradients = torch.autograd.grad(losses.sum(), outputs)
    with torch.no_grad():
        parts = [_part(*given, examples=len(losses)) for given in zip(layers, inputs, gradients, strict=True)]
        squares = torch.stack([part.squared_norms() for part in parts]).sum(dim=0)
        scales = (clip_norm / (squares.sqrt() + GUARD)).clamp(max=1)
        sums = {
            names[id(value)]: total
            for layer, part in zip(layers, parts, strict=True)
            for value, total in zip(layer.parameters(), part.weighted_sums(scales), strict=True)
        }
    return sums, losses.detach()


def _trained(layer: nn.Module) -> bool:
    """Whether a layer has parameters of its own that require gradients; then all of them do."""
    required = {value.requires_grad for value in layer.parameters(recurse=False)}
    assert len(required) < 2, "a layer is trained in part"
    return True in required


def _run(layers: list[nn.Module], losses_of: Callable[[], Tensor]) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return what went into each layer, what came out of it, and the losses (n,)."""
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        assert layer not in seen, "a layer is used more than once"
        seen[layer] = given[0].detach(), made

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        losses = losses_of()
    finally:
        for hook in hooks:
            hook.remove()
    return [seen[layer][0] for layer in layers], [seen[layer][1] for layer in layers], losses


class _Convolution:
    """Gradients of a convolution: of an example, the product of G (out, places) and its patches A (places, in)."""

    def __init__(self, layer: nn.Conv2d, images: Tensor, gradient: Tensor) -> None:
        assert layer.groups == 1, "a convolution has more than one group"
        assert layer.padding_mode == "zeros", "a convolution is padded with more than zeros"
        self._layer, self._images, self._gradient = layer, images, gradient

    def squared_norms(self) -> Tensor:
        """Return (n,), by whichever of two ways multiplies less."""
        layer, gradient = self._layer, self._gradient.flatten(2)
        assert not isinstance(layer.padding, str), "a convolution names its padding"
        patches = functional.unfold(self._images, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        (out, places), width = gradient.shape[1:], patches.shape[1]
        if places * (out + width) < out * width:
            products = (patches.mT @ patches) * (gradient.mT @ gradient)
            squares = products.sum(dim=(1, 2)).clamp(min=0)  # a sum of terms of either sign, rounded
        else:
            squares = (gradient @ patches.mT).square().sum(dim=(1, 2))
        return squares if layer.bias is None else squares + gradient.sum(dim=2).square().sum(dim=1)

    def weighted_sums(self, scales: Tensor) -> list[Tensor]:
        """Return the sum of the examples' gradients, scaled, for the weight and the bias."""
        layer, scaled = self._layer, self._gradient * scales[:, None, None, None]
        geometry = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        weight = conv2d_weight(self._images, layer.weight.shape, scaled, **geometry)  # type: ignore[no-untyped-call]
        return [weight] if layer.bias is None else [weight, scaled.sum(dim=(0, 2, 3))]


class _GroupNorm:
    """Gradients of a group norm: sums over places, of the output gradients and of their product with the input."""

    def __init__(self, layer: nn.GroupNorm, features: Tensor, gradient: Tensor) -> None:
        normalised = functional.group_norm(features, layer.num_groups, eps=layer.eps)
        self._each = [(gradient * normalised).flatten(2).sum(dim=2), gradient.flatten(2).sum(dim=2)]

    def squared_norms(self) -> Tensor:
        """Return (n,)."""
        return torch.stack([each.square().sum(dim=1) for each in self._each]).sum(dim=0)

    def weighted_sums(self, scales: Tensor) -> list[Tensor]:
        """Return the sum of the examples' gradients, scaled, for the weight and the bias."""
        return [scales @ each for each in self._each]


class _Linear:
    """Gradients of a linear layer: outer products of one vector per example with another."""

    def __init__(self, layer: nn.Linear, vectors: Tensor, gradient: Tensor) -> None:
        self._vectors, self._gradient = vectors, gradient
        self._biased = len(list(layer.parameters())) > 1

    def squared_norms(self) -> Tensor:
        """Return (n,)."""
        lengths = self._vectors.square().sum(dim=1) + float(self._biased)
        squares: Tensor = lengths * self._gradient.square().sum(dim=1)
        return squares

    def weighted_sums(self, scales: Tensor) -> list[Tensor]:
        """Return the sum of the examples' gradients, scaled, for the weight and the bias."""
        scaled = self._gradient * scales[:, None]
        weight = scaled.mT @ self._vectors
        return [weight, scaled.sum(dim=0)] if self._biased else [weight]


class _Sequences:
    """Gradients of a linear layer on sequences: of an example, the product of G (out, places) and A (places, in)."""

    def __init__(self, layer: nn.Linear, sequences: Tensor, gradient: Tensor, *, examples: int) -> None:
        # The rows of an example follow one another: together they are one longer sequence.
        given = sequences.reshape(examples, -1, layer.in_features).float()
        gradient = gradient.reshape(examples, -1, layer.out_features).float()
        self._each = [torch.einsum("npo,npi->noi", gradient, given)]
        if layer.bias is not None:
            self._each.append(gradient.sum(dim=1))

    def squared_norms(self) -> Tensor:
        """Return (n,)."""
        return torch.stack([each.flatten(1).square().sum(dim=1) for each in self._each]).sum(dim=0)

    def weighted_sums(self, scales: Tensor) -> list[Tensor]:
        """Return the sum of the examples' gradients, scaled, for the weight and the bias."""
        return [torch.tensordot(scales, each, dims=1) for each in self._each]


_PARTS = {nn.Conv2d: _Convolution, nn.GroupNorm: _GroupNorm, nn.Linear: _Linear}


def _part(
    layer: nn.Module, given: Tensor, gradient: Tensor, *, examples: int
) -> _Convolution | _GroupNorm | _Linear | _Sequences:
    """Return the gradients of a layer, from what went into it and the gradient of what came out."""
    if isinstance(layer, nn.Linear) and (given.ndim > 2 or len(given) != examples):
        return _Sequences(layer, given, gradient, examples=examples)
    assert len(given) == examples, "a layer's input does not have one row per example"
    part: _Convolution | _GroupNorm | _Linear = _PARTS[type(layer)](layer, given, gradient)
    return part
