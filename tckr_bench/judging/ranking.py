"""Means over datasets, their intervals and ranks, by draws of datasets, seeds, trainings and examples: pure arithmetic.

A replicate draws as many datasets as the track has, with replacement, and for each of them as many seeds as there are;
all methods share these draws, so that a hard dataset is hard for all. Added is the error of the examples, as wide to
each side as the measurements' own intervals tell it, and how far another training would lie, where the shadow models
tell that; both for each method apart. Methods are judged on the same examples, so their differences are known better
than that. A bootstrap of the mean of n is too narrow by the root of n / (n - 1), which counts where n is two: how far
datasets and seeds stray is widened by it. `benchmarks/ranks.py` measures how often equals are told apart,
`benchmarks/coverage.py` how often intervals hold the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.records import Estimate
from tckr_bench.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

REPLICATES = 2000
QUANTITIES = ("accuracy", "auc", "tpr", "gap", "aop")
BEYOND_CHANCE = 0.975
_MEASURED = QUANTITIES[:4]
_LOWEST = (0.0, 0.0, 0.0, -1.0, 0.0)


@dataclass(frozen=True)
class Measured:
    """A method on one dataset by seed.

    Attributes:
        values: accuracy, worst AUC, worst TPR and gap, (seeds, 4).
        errors: standard errors of the examples, which all seeds share, downwards and upwards, (2, 4).
        corrected: the worst AUC less what the luckiest attack gains: low, value and high by seed, (seeds, 3); None
            where it was not measured, and the worst AUC itself has to do.
        trainings: how far one training lies from the mean of the recipe's, a standard deviation, (4,); 0 where unknown.
    """

    values: Floats
    errors: Floats
    corrected: Floats | None = None
    trainings: Floats | None = None


@dataclass(frozen=True)
class Means:
    """Means of the quantities over the datasets, (5,), and what the draws make of them.

    `draws`, (replicates, 5), are over datasets, seeds, trainings and examples: what ranks rest on. `bounds`, (2, 5),
    are the 95 % bounds on these datasets: a mean over easy and hard ones would else have an interval as wide as they
    lie apart.
    """

    values: Floats
    draws: Floats
    bounds: Floats

    def interval(self, quantity: str) -> tuple[float, float, float]:
        """Return value, lower and upper 95 % bound of a quantity on these datasets; the bounds hold the value."""
        index = QUANTITIES.index(quantity)
        value, low, high = (float(part[index]) for part in (self.values, *self.bounds))
        return value, min(value, low), max(value, high)


@dataclass(frozen=True)
class Rank:
    """A shared rank: one more than the methods that are better beyond chance; and where 95 % of the draws put it."""

    rank: int
    low: int
    high: int


def means_of(name: str, datasets: Sequence[Measured], *, replicates: int = REPLICATES, seed: int = 0) -> Means:
    """Average a method over datasets, each equally heavy, and draw the averages.

    Draws of datasets and seeds depend on `seed` alone, the errors of examples and trainings on `name` too, so that a
    method that is added changes no other's interval.

    Args:
        name: what tells the method from others.
        datasets: the method on each dataset of the track, in the track's order.
        replicates: how many draws.
        seed: of the draws.

    >>> import numpy as np
    >>> sure = [Measured(np.array([[0.8, 0.5, 0.01, 0.1]]), np.zeros((2, 4))) for _ in range(2)]
    >>> [round(bound, 3) for bound in means_of("sure", sure).interval("aop")]
    [0.8, 0.8, 0.8]
    """
    import numpy as np

    count = len(datasets)
    most = max(len(measured.values) for measured in datasets)
    drawn = np.random.default_rng([seed, count]).integers(count, size=(replicates, count))
    chances = np.random.default_rng([seed, count, 1]).random((replicates, count, most))
    own = np.random.default_rng([seed, derive_seed("examples", name)])
    parts = [_drawn(measured, chances[:, index], own) for index, measured in enumerate(datasets)]
    exact, cautious, corrected = (np.stack([getattr(part, kind) for part in parts], axis=1) for kind in _KINDS)
    strayed = _drawn_mean(exact, drawn) - exact.mean(axis=1)
    draws = _cut(_drawn_mean(corrected, drawn) + strayed * (_widening(count) - 1))
    points = np.stack([_aop_by_seed(measured.values) for measured in datasets])
    here = cautious.mean(axis=1), corrected.mean(axis=1)
    return Means(points.mean(axis=0), draws, _bounds(*here))


_KINDS = ("exact", "cautious", "corrected")


@dataclass(frozen=True)
class _Draws:
    """Draws of the quantities on a dataset, (replicates, 5) each, AOP uncut.

    `exact` are without the errors of the examples; `cautious` take the worst AUC as it is, `corrected` as corrected.
    """

    exact: Floats
    cautious: Floats
    corrected: Floats


def _drawn(measured: Measured, chances: Floats, own: np.random.Generator) -> _Draws:
    import numpy as np

    seeds, replicates = len(measured.values), len(chances)
    chosen = (chances[:, :seeds] * seeds).astype(np.int64)
    centre = measured.values.mean(axis=0)
    spread = np.zeros(len(centre)) if measured.trainings is None else measured.trainings
    values = centre + (measured.values[chosen].mean(axis=1) - centre) * _widening(seeds) * (spread == 0)
    normals = own.standard_normal((replicates, len(centre)))
    if spread.any():
        values = values + own.standard_normal((replicates, len(centre))) * spread / math.sqrt(seeds)
    noisy = values + normals * np.where(normals < 0, *measured.errors)
    corrected = noisy.copy()
    if measured.corrected is not None:
        from tckr_bench.stats import drawing

        low, value, high = measured.corrected.mean(axis=0)
        error = drawing.drawn(Estimate(value, low, high, ""), normals[:, 1])
        corrected[:, 1] = values[:, 1] - centre[1] + error
    return _Draws(*(_with_aop(part) for part in (values, noisy, corrected)))


def _bounds(cautious: Floats, corrected: Floats) -> Floats:
    """Return the 95 % bounds of means, (2, 5), from draws of them, (replicates, 5) each."""
    import numpy as np

    from tckr_bench.stats import drawing

    low, high = np.quantile(cautious, 0.025, axis=0), np.quantile(cautious, 0.975, axis=0)
    low[1] = np.quantile(corrected[:, 1], 0.025)
    low[4], high[4] = drawing.bounds_over_privacy(cautious[:, 0], cautious[:, 4], corrected[:, 4])
    return np.stack([low, high])


def _cut(values: Floats) -> Floats:
    """Bring draws of means into their range: no AOP exceeds its accuracy."""
    import numpy as np

    values = np.clip(values, _LOWEST, 1)
    values[:, 4] = np.minimum(values[:, 4], values[:, 0])
    return values


def _drawn_mean(values: Floats, drawn: npt.NDArray[np.int64]) -> Floats:
    """Return the mean over the datasets drawn in each replicate: (replicates, 5) of (replicates, datasets, 5)."""
    import numpy as np

    found: Floats = np.take_along_axis(values, drawn[:, :, None], axis=1).mean(axis=1)
    return found


def _widening(count: int) -> float:
    """Return by how much a bootstrap of the mean of so few is too narrow; one alone tells nothing of its spread.

    >>> round(_widening(2), 3), _widening(1)
    (1.414, 1.0)
    """
    return math.sqrt(count / (count - 1)) if count > 1 else 1.0


def _with_aop(values: Floats) -> Floats:
    """Bring rates into their range and add the uncut AOP as the last column."""
    import numpy as np

    from tckr_bench.stats import drawing

    accuracy, auc, tpr = (np.clip(values[:, index], 0, 1) for index in range(3))
    return np.stack([accuracy, auc, tpr, values[:, 3], drawing.uncut_over_privacy(accuracy, values[:, 1])], axis=1)


def _aop_by_seed(values: Floats) -> Floats:
    """Return the means over the seeds, (5,), with AOP = accuracy / (2 max(AUC, 0.5))^2 seed by seed."""
    import numpy as np

    whole = _with_aop(values)
    whole[:, 4] = np.minimum(whole[:, 4], whole[:, 0])
    found: Floats = whole.mean(axis=0)
    return found


def ranks_of(means: Sequence[Means]) -> tuple[Rank, ...]:
    """Rank methods by mean AOP, the highest first; those that chance may have put in order share a rank.

    One is better than another beyond chance if it is so in more than 97.5 % of the draws.

    >>> import numpy as np
    >>> one, two = (Means(np.full(5, value), *[np.full((9, 5), value)] * 2) for value in (0.8, 0.7))
    >>> [found.rank for found in ranks_of([two, one, one])]
    [3, 1, 1]
    """
    import numpy as np

    if not means:
        return ()
    draws = np.stack([entry.draws[:, QUANTITIES.index("aop")] for entry in means], axis=1)
    found = []
    for column in draws.T:
        better = draws > column[:, None]
        rank = 1 + int((better.mean(axis=0) > BEYOND_CHANCE).sum())
        places = 1 + better.sum(axis=1)
        low, high = (int(bound) for bound in np.quantile(places, [0.025, 0.975], method="inverted_cdf"))
        found.append(Rank(rank, min(rank, low), max(rank, high)))
    return tuple(found)


@dataclass(frozen=True)
class Candidate:
    """A method as it is ranked: what tells it from others, what it reached on each dataset, and if it takes part.

    `datasets` are in the order of what is ranked over; empty where some are missing, and then there is no mean.
    """

    name: str
    datasets: tuple[Measured, ...]
    takes_part: bool


@dataclass(frozen=True)
class Place:
    """Where a candidate stands: its means, its rank where it takes part, and whether nobody ranked dominates it."""

    means: Means | None
    rank: Rank | None = None
    pareto: bool = False


def places_of(candidates: Sequence[Candidate]) -> dict[str, Place]:
    """Rank candidates by AOP over their datasets: the one rule, whoever shows it.

    Ranks are shared where chance may have put candidates in order; the Pareto front is of mean accuracy and mean AUC of
    the worst attack, among those that take part.

    >>> import numpy as np
    >>> sure = lambda accuracy: (Measured(np.array([[accuracy, 0.5, 0.01, 0.1]]), np.zeros((2, 4))),)
    >>> places = places_of([Candidate(name, sure(value), True) for name, value in (("worse", 0.7), ("better", 0.8))])
    >>> places["worse"].rank.rank, places["better"].rank.rank, places["better"].pareto
    (2, 1, True)
    """
    means = {one.name: means_of(one.name, one.datasets) if one.datasets else None for one in candidates}
    part = [one.name for one in candidates if one.takes_part and means[one.name] is not None]
    found = dict(zip(part, ranks_of([entry for name in part if (entry := means[name])]), strict=True))
    points = {name: (float(entry.values[0]), float(entry.values[1])) for name in part if (entry := means[name])}
    front = {name for name, point in points.items() if not any(dominates(other, point) for other in points.values())}
    return {name: Place(means[name], found.get(name), name in front) for name in means}


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether (accuracy, AUC) `one` is at least as good as `other` in both and better in one.

    AUCs below 0.5 count as 0.5: an attack that is worse than guessing by chance protects nobody better.

    >>> dominates((0.9, 0.55), (0.8, 0.6)), dominates((0.9, 0.48), (0.9, 0.5))
    (True, False)
    """
    (accuracy, auc), (other_accuracy, other_auc) = (one[0], max(one[1], 0.5)), (other[0], max(other[1], 0.5))
    return accuracy >= other_accuracy and auc <= other_auc and (accuracy, auc) != (other_accuracy, other_auc)
