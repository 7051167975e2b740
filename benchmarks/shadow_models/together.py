"""Several networks of one recipe trained as one, by grouped convolution or by vmap, against one after another."""

from __future__ import annotations

import copy
import statistics
import time
from typing import TYPE_CHECKING

import torch
from tckr_plugins.classifiers.options import SmallCnnOptions
from tckr_plugins.classifiers.small_cnn import SmallCnn
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Step = Callable[[], None]

WIDTHS = (SmallCnnOptions().widths, (8, 16, 32), (4, 8, 16))
COUNTS = (2, 4, 8)
BATCH, CLASSES, SIDE = SmallCnnOptions().batch_size, 10, 32


class GroupedLinear(nn.Module):
    """K linear layers side by side: (n, K * inputs) -> (n, K * outputs)."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.cat([layer.bias.detach() for layer in layers]))

    def forward(self, features: Tensor) -> Tensor:
        """Apply each layer to its own features."""
        apart = features.reshape(len(features), len(self.weight), -1)
        return torch.einsum("nki,koi->nko", apart, self.weight).flatten(1) + self.bias


def grouped(networks: Sequence[nn.Module]) -> nn.Module:
    """Return one network that computes K of the same shape: images (n, K * 3, h, w) -> logits (n, K * classes)."""
    joined = copy.deepcopy(networks[0])
    for name, module in list(joined.named_modules()):
        parts = [network.get_submodule(name) for network in networks]
        if not isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            continue
        parent, _, child = name.rpartition(".")
        setattr(joined.get_submodule(parent), child, _join(parts))
    return joined.to(memory_format=torch.channels_last)


def apart(widths: Sequence[int], *, count: int) -> Step:
    """Return a step that trains networks one after another."""
    networks = _networks(widths, count=count)
    optimizers = [_optimizer(network.parameters()) for network in networks]
    images, labels = _batch(count)

    def step() -> None:
        for network, optimizer, some, their in zip(networks, optimizers, images, labels, strict=True):
            optimizer.zero_grad()
            functional.cross_entropy(network(some), their).backward()
            optimizer.step()

    return step


def by_groups(widths: Sequence[int], *, count: int) -> Step:
    """Return a step that trains networks as the groups of one."""
    network = grouped(_networks(widths, count=count))
    optimizer = _optimizer(network.parameters())
    images, labels = _batch(count)
    joined = images.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
    targets = labels.T.flatten()

    def step() -> None:
        optimizer.zero_grad()
        (functional.cross_entropy(network(joined).reshape(-1, CLASSES), targets) * count).backward()
        optimizer.step()

    return step


def by_vmap(widths: Sequence[int], *, count: int) -> Step:
    """Return a step that maps one network over stacked weights."""
    networks = _networks(widths, count=count)
    weights = {name: value.detach().requires_grad_() for name, value in stack_module_state(networks)[0].items()}
    optimizer = _optimizer(weights.values())
    images, labels = _batch(count)
    stateless = copy.deepcopy(networks[0])
    for module in stateless.modules():
        if isinstance(module, nn.BatchNorm2d):  # vmap cannot write the running statistics of a shared module
            module.track_running_stats, module.running_mean, module.running_var = False, None, None
            module.num_batches_tracked = None

    def loss(own: dict[str, Tensor], some: Tensor, their: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(stateless, own, (some,)), their)

    def step() -> None:
        optimizer.zero_grad()
        vmap(loss)(weights, images, labels).sum().backward()
        optimizer.step()

    return step


def measure(*, rounds: int) -> None:
    """Print processor time of a step per model, and each way's speed against the plain loop, on one thread."""
    torch.set_num_threads(1)
    print(f"one thread, batches of {BATCH}: speed against models one after another, medians of {rounds} rounds")
    print(f"{'widths':>18} {'models':>7} {'apart, ms/step':>15} {'grouped':>8} {'vmap':>8}")
    for widths in WIDTHS:
        for count in COUNTS:
            ways = [make(widths, count=count) for make in (apart, by_groups, by_vmap)]
            loop, *others = (statistics.median(seconds) for seconds in zip(*_rounds(ways, rounds), strict=True))
            ratios = " ".join(f"{loop / other:7.2f}x" for other in others)
            print(f"{'-'.join(map(str, widths)):>18} {count:7} {1000 * loop / count:15.2f} {ratios}", flush=True)


def _rounds(ways: Sequence[Step], rounds: int) -> list[list[float]]:
    """Return seconds of processor time of each way in each round, after one to warm up."""
    found = []
    for _round in range(rounds + 1):
        found.append([])
        for step in ways:
            start = time.process_time()
            for _repeat in range(3):
                step()
            found[-1].append((time.process_time() - start) / 3)
    return found[1:]


def _join(parts: Sequence[nn.Module]) -> nn.Module:
    """Return one layer that does what K do, each on its own channels."""
    first, count = parts[0], len(parts)
    if isinstance(first, nn.Linear):
        return GroupedLinear(parts)  # type: ignore[arg-type] - all parts are of one kind
    if isinstance(first, nn.BatchNorm2d):
        joined: nn.Module = nn.BatchNorm2d(count * first.num_features)
    else:
        assert isinstance(first, nn.Conv2d), "there are no other layers with weights"
        joined = nn.Conv2d(
            count * first.in_channels,
            count * first.out_channels,
            first.kernel_size,
            stride=first.stride,
            padding=first.padding,
            groups=count,
            bias=False,
        )
    states = [part.state_dict() for part in parts]
    joined.load_state_dict(
        {
            name: torch.cat([state[name] for state in states]) if value.ndim else value
            for name, value in states[0].items()
        }
    )
    return joined


def _networks(widths: Sequence[int], *, count: int) -> list[nn.Module]:
    torch.manual_seed(0)
    made = [SmallCnn(class_count=CLASSES, widths=widths) for _index in range(count)]
    return [network.to(memory_format=torch.channels_last) for network in made]


def _batch(count: int) -> tuple[Tensor, Tensor]:
    """Return a batch for each network: images (K, n, 3, h, w), channels last, and labels (K, n)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(count, BATCH, SIDE, SIDE, 3, generator=generator).permute(0, 1, 4, 2, 3)
    return images, torch.randint(CLASSES, (count, BATCH), generator=generator)


def _optimizer(parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(list(parameters), lr=5e-3, fused=True)
