"""What DP-SGD costs in privacy, and the noise that keeps a budget, by opacus's accountant.

The accountant follows Renyi differential privacy of the Poisson-subsampled Gaussian mechanism (Mironov, Talwar and
Zhang 2019) for data sets that differ by one image more or less. The tighter accountant by privacy loss variables asks
for 6 % less noise, but breaks off or runs out of memory where the noise is small, which tuning visits.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError
from tckr_bench.records import PrivacyGuarantee

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNTANT = "rdp"
ORDERS = (
    *(1 + quarter / 4 for quarter in range(1, 24) if quarter % 4),
    *(float(order) for order in range(2, 64)),
    *(float(2**power) for power in range(6, 11)),
)
"""Renyi orders; a third of opacus's own fractional ones, which cost most of its time and 0.1 % of the noise."""


@dataclass(frozen=True)
class Sampling:
    """How DP-SGD draws images: each with probability `rate` (0 to 1), independently, in each of `steps` steps."""

    rate: float
    steps: int

    @classmethod
    def of(cls, *, images: int, batch_size: int, epochs: int) -> Sampling:
        """Return the sampling that expects a batch of `batch_size` and `epochs` passes over the images.

        >>> Sampling.of(images=2000, batch_size=500, epochs=3)
        Sampling(rate=0.25, steps=12)
        >>> Sampling.of(images=100, batch_size=500, epochs=3)
        Sampling(rate=1.0, steps=3)
        """
        rate = min(1.0, batch_size / images)
        return cls(rate, epochs * max(1, round(1 / rate)))


def epsilon_of(noise_multiplier: float, *, sampling: Sampling, delta: float) -> float:
    """Return the epsilon, at `delta`, of steps with Gaussian noise of `noise_multiplier` clipping norms (above 0).

    >>> once = Sampling(rate=1.0, steps=1)
    >>> round(epsilon_of(4.0, sampling=once, delta=1e-5), 3)
    1.013
    """
    from opacus.accountants import create_accountant

    accountant = create_accountant(ACCOUNTANT)
    accountant.history = [(noise_multiplier, sampling.rate, sampling.steps)]
    with _extreme_orders_allowed():
        return float(accountant.get_epsilon(delta=delta, alphas=ORDERS))


def noise_for(epsilon: float, *, sampling: Sampling, delta: float) -> float:
    """Return the least noise multiplier, to 0.1 % of epsilon, whose steps keep a budget of `epsilon` at `delta`.

    Raises:
        TckrError: the budget is too small for any noise.
    """
    from opacus.accountants.utils import get_noise_multiplier

    try:
        with _extreme_orders_allowed():
            return float(
                get_noise_multiplier(
                    target_epsilon=epsilon,
                    target_delta=delta,
                    sample_rate=sampling.rate,
                    steps=sampling.steps,
                    accountant=ACCOUNTANT,
                    epsilon_tolerance=epsilon / 1000,
                    alphas=ORDERS,
                )
            )
    except ValueError as error:
        raise TckrError(
            f"no noise keeps a privacy budget of epsilon {epsilon} at delta {delta}; raise epsilon or delta"
        ) from error


def guarantee_of(noise_multiplier: float, *, sampling: Sampling, delta: float) -> PrivacyGuarantee:
    """Return what so much noise proves."""
    epsilon = epsilon_of(noise_multiplier, sampling=sampling, delta=delta)
    accountant = f"opacus {ACCOUNTANT}, noise {noise_multiplier:.4g}, rate {sampling.rate:.4g}, {sampling.steps} steps"
    return PrivacyGuarantee(epsilon, delta, accountant)


@contextmanager
def _extreme_orders_allowed() -> Iterator[None]:
    """Silence the advice to try further orders: a bound at the last order holds all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is")
        yield
