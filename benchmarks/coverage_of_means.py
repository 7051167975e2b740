"""Worlds of a whole board for `coverage.py`: means over datasets of the worst AUC and of AOP, from several attacks.

Every attack is as good as any other, which is where the luckiest gains most. A training strays from the recipe's mean
for all attacks alike; the errors of the examples are shared by the seeds. Estimates are drawn from the normal law that
DeLong's covariance stands for, so that a world of ten datasets costs no more than its arithmetic.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from tckr_bench import stats
from tckr_bench.judging.measured import spread_beside
from tckr_bench.judging.ranking import Measured, means_of

ACCURACY, TEST_IMAGES, SIDE = 0.7, 1000, 1000
SHADOWS = 16
DRAWS = 2000


@dataclass(frozen=True)
class BoardWorld:
    """Datasets, seeds and attacks of one true AUC, whose errors are correlated; `training` strays by seed."""

    auc: float
    attacks: int
    correlation: float
    seeds: int
    datasets: int
    training: float = 0.0

    @property
    def name(self) -> str:
        """What tells it from others."""
        return (
            f"{self.datasets} datasets, {self.seeds} seeds, {self.attacks} attacks of AUC {self.auc:g}, "
            f"correlation {self.correlation:g}, trainings stray by {self.training:g}"
        )

    @property
    def truth(self) -> float:
        """The AOP of the recipe, of each dataset and in the mean."""
        return ACCURACY / (2 * max(self.auc, 0.5)) ** 2

    def means(self, generator: np.random.Generator) -> dict[str, stats.Estimate]:
        """Draw what is measured and return the means of worst AUC and AOP with their intervals."""
        measured = [self._measured(generator) for _ in range(self.datasets)]
        found = means_of("any", measured, replicates=DRAWS, seed=int(generator.integers(2**31)))
        return {name: stats.Estimate(*found.interval(name), "draws") for name in ("auc", "aop")}

    def _measured(self, generator: np.random.Generator) -> Measured:
        variance = _delong(self.auc)
        covariance = variance * ((1 - self.correlation) * np.eye(self.attacks) + self.correlation)
        errors = generator.multivariate_normal(np.zeros(self.attacks), covariance, method="cholesky")
        strays = self.training * generator.standard_normal(self.seeds)
        aucs = np.clip(self.auc + errors + strays[:, None], 0.01, 0.99)
        corrected = [stats.less_luckiest(row, covariance, draws=DRAWS) for row in aucs]
        right = generator.binomial(TEST_IMAGES, ACCURACY) / TEST_IMAGES
        values = [[right, worst, 0.02, 0.1] for worst in aucs.max(axis=1)]
        below, above = np.mean([_sides(worst, variance) for worst in aucs.max(axis=1)], axis=0) / 1.96
        accuracy = math.sqrt(right * (1 - right) / TEST_IMAGES)
        over = math.hypot(self.training, math.sqrt(variance)) * generator.standard_normal(SHADOWS)
        spread = spread_beside(float(np.std(over, ddof=1)), SHADOWS, (below + above) / 2)
        return Measured(
            np.array(values),
            np.array([[accuracy, below, 0.005, 0.01], [accuracy, above, 0.005, 0.01]]),
            np.array([[one.low, one.value, one.high] for one in corrected]),
            np.array([0.0, spread, 0.0, 0.0]),
        )


def _delong(auc: float) -> float:
    """Return the variance of an AUC over as many members as others with normal scores (Hanley and McNeil 1982)."""
    alike, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return (auc * (1 - auc) + (SIDE - 1) * (alike - auc**2 + other - auc**2)) / SIDE**2


def _sides(auc: float, variance: float) -> tuple[float, float]:
    reach = 1.96 * math.sqrt(variance) / (auc * (1 - auc))
    return auc - float(expit(logit(auc) - reach)), float(expit(logit(auc) + reach)) - auc


def board_worlds() -> Iterator[BoardWorld]:
    """Yield every combination of AUCs, attacks and datasets, and seeds and trainings in turn."""
    turns = itertools.cycle([(1, 0.0), (1, 0.02), (2, 0.02), (3, 0.02)])
    for datasets, auc, attacks, correlation in itertools.product(
        (2, 10), (0.5, 0.55, 0.6, 0.8), (1, 8, 27), (0.0, 0.5)
    ):
        seeds, training = next(turns)
        yield BoardWorld(auc, attacks, correlation, seeds, datasets, training)
