"""What right guesses about a single training say of epsilon: the training holds many coins, one for each example.

Each of m examples is put in or left out by a fair coin of its own; a guesser sees what the training gave, guesses some
of the coins and leaves out the others. Differential privacy bounds how many guesses can be right. That the coins are
independent is what these bounds rest on, and all: the training may treat the examples in any way, together or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.records import Floats

MOST_MU = 15.0
"""Of Gaussian privacy, sought up to here: far beyond what any number of guesses refutes."""
NEAR = 1e-7
"""How near below the end of what is refuted a search stops."""


@dataclass(frozen=True)
class Guesses:
    """How many guesses were right, of how many made, about how many examples; the other examples were left out."""

    right: int
    made: int
    examples: int

    def __post_init__(self) -> None:
        assert 0 <= self.right <= self.made <= self.examples, "right guesses are guesses, and guesses are of examples"


def guesses_p_value(guesses: Guesses, *, epsilon: float, delta: float) -> float:
    """Bound the chance of so many right guesses, 0 to 1, if the training is (epsilon, delta)-differentially private.

    Under pure privacy each guess is right with at most q = 1 / (1 + e^-epsilon), whatever the others are, so that
    W ~ Binomial(made, q) stands above the count. The part delta adds at most
    2 m delta max_i P(right - i <= W < right) / i, i = 1 ... right (Steinke, Nasr and Jagielski 2023, arXiv 2305.08846,
    theorem 5.2).

    Args:
        guesses: counts; who guesses must not have seen the coins that he is judged by.
        epsilon: in nats, 0 or more.
        delta: 0 to 1.

    >>> guesses_p_value(Guesses(right=3, made=3, examples=5), epsilon=0.0, delta=0.0)  # (1 / 2) ** 3
    0.125
    >>> round(guesses_p_value(Guesses(right=1, made=1, examples=10), epsilon=math.log(3), delta=0.01), 6)
    0.8
    """
    from scipy.special import bdtrc

    if not guesses.right:
        return 1.0
    chance = 1 / (1 + math.exp(-epsilon))
    tail = float(bdtrc(guesses.right - 1, guesses.made, chance))
    if not delta:
        return tail
    below = binomial(guesses.made, chance)[: guesses.right][::-1]
    most = float((np.cumsum(below) / np.arange(1, guesses.right + 1)).max())
    return min(1.0, tail + 2 * guesses.examples * delta * most)


def binomial(trials: int, chance: float) -> Floats:
    """Return the chances of 0 to n successes in n trials, (n + 1,), each of a chance between 0 and 1.

    >>> binomial(2, 0.5).round(9).tolist()
    [0.25, 0.5, 0.25]
    """
    from scipy.special import gammaln, xlog1py, xlogy

    count = np.arange(trials + 1)
    ways = gammaln(trials + 1) - gammaln(count + 1) - gammaln(trials - count + 1)
    return np.asarray(np.exp(ways + xlogy(count, chance) + xlog1py(trials - count, -chance)))


def refuted_epsilon(guesses: Guesses, *, delta: float, level: float) -> float:
    """Return the largest epsilon in nats, 0 or more, that right guesses refute, whatever the mechanism.

    It is where `guesses_p_value` reaches the level; without delta that is the logit of Clopper and Pearson's limit.

    Args:
        guesses: counts.
        delta: 0 to 1.
        level: the chance of refuting what is true, 0 to 1.

    >>> round(refuted_epsilon(Guesses(right=10, made=10, examples=10), delta=0.0, level=0.05), 4)  # q ** 10 = 0.05
    1.0519
    """
    from scipy.optimize import brentq
    from scipy.special import betaincinv, logit

    right, made = guesses.right, guesses.made
    pure = max(0.0, float(logit(betaincinv(right, made - right + 1, level)))) if right else 0.0

    def beyond(epsilon: float) -> float:
        return guesses_p_value(guesses, epsilon=epsilon, delta=delta) - level

    if not pure or not delta or beyond(0.0) >= 0:
        return pure if not delta else 0.0
    return float(brentq(beyond, 0.0, pure, xtol=NEAR))


def refuted_gaussian_epsilon(guesses: Guesses, *, delta: float, level: float) -> float:
    """Return the largest epsilon in nats, at a delta, that right guesses refute of a mechanism like Gaussian noise.

    Such a mechanism is mu-Gaussian differentially private: no test has TPR > G(FPR) = Phi(mu + Phi^-1(FPR)). With p_i
    the chance of i right guesses of c, that leaves for each number k

        sum_{i >= k} i p_i / m <= G(sum_{i >= k - 1} (c - i) p_i / m),

    from which the least total chance follows, downwards from `right`, if `right` or more had the chance `level`; where
    it is above 1, mu is refuted (Mahloujifar, Melis and Chaudhuri 2025, arXiv 2410.22235). DP-SGD of many steps is
    nearly of that kind; of a mechanism of another kind the epsilon at this delta may be smaller.

    Args:
        guesses: counts; how many are made must not depend on the training.
        delta: at which mu is told as an epsilon, above 0.
        level: the chance of refuting what is true, 0 to 1.

    >>> guesses = Guesses(right=400, made=500, examples=1000)
    >>> found = refuted_gaussian_epsilon(guesses, delta=1e-5, level=0.05)
    >>> found > refuted_epsilon(guesses, delta=1e-5, level=0.05) > 1.0
    True
    """
    mu = _last(lambda mu: refutes_gaussian(guesses, mu=mu, level=level), most=MOST_MU)
    return gaussian_epsilon(mu, delta=delta)


def refutes_gaussian(guesses: Guesses, *, mu: float, level: float) -> bool:
    """Tell whether mu-Gaussian differential privacy gives so many right guesses a chance below a level, 0 to 1.

    `inside` is sum_{j >= i} j p_j / m, and `outside` is sum_{j >= i} (c - j) p_j / m, at least.

    >>> guesses = Guesses(right=10, made=10, examples=10)
    >>> refutes_gaussian(guesses, mu=0.1, level=0.05), refutes_gaussian(guesses, mu=3.0, level=0.05)
    (True, False)
    """
    from scipy.special import ndtr, ndtri

    whole = guesses.made / guesses.examples
    inside = level * guesses.right / guesses.examples
    outside = level * (guesses.made - guesses.right) / guesses.examples
    for count in range(guesses.right - 1, -1, -1):
        more = max(outside, float(ndtr(ndtri(inside) - mu)))
        inside += count / (guesses.made - count) * (more - outside)
        outside = more
        if inside + outside > whole:
            return True
    return False


def gaussian_epsilon(mu: float, *, delta: float) -> float:
    """Return the epsilon in nats, at a delta above 0, of mu-Gaussian differential privacy; mu is 0 or more.

    It solves delta = Phi(mu / 2 - epsilon / mu) - e^epsilon Phi(-mu / 2 - epsilon / mu) (Balle and Wang 2018, theorem
    8; Dong, Roth and Su 2022, corollary 1).

    >>> round(gaussian_epsilon(1.0, delta=1e-5), 3), gaussian_epsilon(0.0, delta=1e-5)
    (4.377, 0.0)
    """
    from scipy.special import log_ndtr, ndtr

    if not mu:
        return 0.0

    def exceeds(epsilon: float) -> bool:
        lost = math.exp(epsilon + float(log_ndtr(-mu / 2 - epsilon / mu)))
        return float(ndtr(mu / 2 - epsilon / mu)) - lost > delta

    return _last(exceeds, most=mu * mu / 2 + mu * 40)


def _last(holds: Callable[[float], bool], *, most: float) -> float:
    """Return the largest number from 0 to `most` for which something holds that fails ever after, or a little less."""
    low, high = 0.0, most
    if not holds(0.0):
        return 0.0
    while high - low > NEAR:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
