"""Draws of what an interval stands for, and AOP from draws: a bound at one half is kept after means, not before.

AOP = accuracy / (2 max(AUC, 0.5))^2. An attack that is blind is estimated above one half as often as below, so that a
mean of AOPs cut at one half one by one lies below the truth, the further the more there are of them. So AOPs are drawn
uncut, and their mean is cut at the mean accuracy, which it cannot exceed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, normal_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import Floats

_DRAWS = 20_000
_LEAST_AUC = 0.05  # a draw of less would make an AOP without bound


def drawn(estimate: Estimate, normals: Floats) -> Floats:
    """Return draws about an estimate from standard normal ones, as wide to each side as its 95 % interval says.

    >>> drawn(Estimate(0.5, 0.4, 0.8, ""), np.array([-1.959964, 0.0, 1.959964])).round(6).tolist()
    [0.4, 0.5, 0.8]
    """
    reach = normal_quantile((1 - CONFIDENCE) / 2)
    below, above = (estimate.value - estimate.low) / reach, (estimate.high - estimate.value) / reach
    return estimate.value + normals * np.where(normals < 0, below, above)


def uncut_over_privacy(accuracy: npt.NDArray[np.float64], auc: npt.NDArray[np.float64]) -> Floats:
    """Return accuracy / (2 AUC)^2, above the accuracy where the AUC is below one half.

    >>> uncut_over_privacy(np.array([0.8, 0.8]), np.array([1.0, 0.25])).tolist()
    [0.2, 3.2]
    """
    found: Floats = accuracy / (2 * np.maximum(auc, _LEAST_AUC)) ** 2
    return found


def bounds_over_privacy(accuracies: Floats, cautious: Floats, corrected: Floats) -> tuple[float, float]:
    """Return the 95 % bounds of AOP, or of a mean of AOPs, from draws (replicates,).

    The lower one takes the attack that looks worst for the worst; the upper one allows for its having been the luckiest
    of several. Each errs in 2.5 % of cases at most.

    Args:
        accuracies: of the accuracy, or its mean.
        cautious: of the uncut AOP by the AUC of the attack that looks worst.
        corrected: of the uncut AOP by the AUC less what the luckiest of several gains.

    >>> accuracies, aops = np.full(100, 0.8), np.linspace(0.5, 0.9, 100)
    >>> [round(bound, 2) for bound in bounds_over_privacy(accuracies, aops, aops)]
    [0.51, 0.8]
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(np.quantile(np.minimum(cautious, accuracies), tail))
    high = min(float(np.quantile(corrected, 1 - tail)), float(np.quantile(accuracies, 1 - tail)))
    return low, high


def over_privacy(accuracy: Estimate, auc: Estimate, corrected: Estimate, *, seed: int = 0) -> Estimate:
    """Estimate AOP from an accuracy and the highest AUC of several attacks, with and without the luckiest one's gain.

    >>> sure = Estimate(0.8, 0.8, 0.8, "")
    >>> weighed = over_privacy(sure, *[Estimate(1.0, 1.0, 1.0, "")] * 2)
    >>> round(weighed.low, 3), weighed.value, round(weighed.high, 3)
    (0.2, 0.2, 0.2)
    """
    generator = np.random.default_rng(seed)
    accuracies = drawn(accuracy, generator.standard_normal(_DRAWS))
    normals = generator.standard_normal(_DRAWS)
    aops = [uncut_over_privacy(accuracies, drawn(part, normals)) for part in (auc, corrected)]
    low, high = bounds_over_privacy(accuracies, aops[0], aops[1])
    value = accuracy.value / (2 * max(auc.value, 0.5)) ** 2
    method = "draws of accuracy and worst AUC, cut at the accuracy"
    return Estimate(value, max(0.0, min(low, value)), min(1.0, max(high, value)), method)
