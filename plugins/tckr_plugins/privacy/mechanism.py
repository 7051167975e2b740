"""What the accountant is told of DP-SGD (Abadi et al. 2016), done: Poisson sampling and Gaussian noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tckr_bench.errors import TckrError

if TYPE_CHECKING:
    from torch import Tensor


def check_delta(delta: float, *, images: int) -> None:
    """Refuse a delta with which a whole training image may be published.

    Raises:
        TckrError: it is as large as a share of one image.
    """
    if delta >= 1 / images:
        raise TckrError(
            f"a delta of {delta} allows one of {images} training images to be published; "
            f"lower it well below {1 / images:.1e}"
        )


def poisson_sample(count: int, *, rate: float, random: torch.Generator) -> Tensor:
    """Return the indices of a batch: each of `count` examples is drawn with probability `rate`, independently.

    >>> poisson_sample(3, rate=1.0, random=torch.Generator())
    tensor([0, 1, 2])
    """
    return (torch.rand(count, generator=random) < rate).nonzero().flatten()


def noisy_mean(total: Tensor, *, deviation: float, expected: float, random: torch.Generator) -> Tensor:
    """Return a sum of clipped gradients with Gaussian noise, as a share of the expected number of examples.

    Divided by the number that was drawn, it would tell of that number.

    >>> noisy_mean(torch.ones(2), deviation=0.0, expected=4.0, random=torch.Generator())
    tensor([0.2500, 0.2500])
    """
    noise = torch.randn(total.shape, generator=random).to(total.device)
    return (total + deviation * noise) / expected
