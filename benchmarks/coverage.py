"""Count how often the 95 % intervals hold the truth, in worlds whose truth is known in closed form.

Members score N(shift, spread^2) and non-members N(0, 1) unless the world says otherwise. `above` and `below` are the
shares of intervals that lie wholly above or below the truth: 2.5 % each is what a two-sided interval is asked for. A
share measured in r repetitions is itself uncertain by 2 sqrt(0.05 * 0.95 / r): 1.4 % in 1,000.

    python benchmarks/coverage.py --repetitions 1000 --only worst
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from coverage_of_means import board_worlds
from scipy.stats import norm

from tckr_bench import stats

Draw = Callable[[np.random.Generator], stats.Estimate]
SIZES = ((1000, 1000), (2000, 2000), (1950, 950))
SHIFTS = (0.0, 0.3, 1.0, 2.0)


@dataclass(frozen=True)
class World:
    """A measurement in a world: how to draw its estimate, and the truth it is about."""

    measurement: str
    name: str
    truth: float
    draw: Draw


def main() -> None:
    """Run every world and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=1000, help="of each world")
    parser.add_argument("--seed", type=int, default=0, help="of all worlds")
    parser.add_argument("--only", default="", help="measurements whose name contains this")
    arguments = parser.parse_args()
    print(f"| measurement | world | truth | covered % | above % | below % | mean width |\n{'|---' * 7}|")
    for world in worlds():
        if arguments.only in world.measurement:
            generator = np.random.default_rng([arguments.seed, len(world.name)])
            found = [world.draw(generator) for _ in range(arguments.repetitions)]
            above = 100 * np.mean([estimate.low > world.truth + 1e-12 for estimate in found])
            below = 100 * np.mean([estimate.high < world.truth - 1e-12 for estimate in found])
            width = np.mean([estimate.high - estimate.low for estimate in found])
            shares = f"{100 - above - below:.1f} | {above:.1f} | {below:.1f}"
            print(f"| {world.measurement} | {world.name} | {world.truth:.4f} | {shares} | {width:.4f} |", flush=True)


def worlds() -> Iterator[World]:
    """Yield all worlds."""
    single = (_areas, _rates, _advantages, _epsilons, _worst, _classes, _over_privacy, _pairs, _canaries, _spreads)
    for part in (*single, _boards):
        yield from part()


def _gaussians(sizes: tuple[int, int], shift: float, spread: float = 1.0) -> Callable[[np.random.Generator], tuple]:
    members = np.arange(sum(sizes)) < sizes[0]
    return lambda generator: (
        generator.normal(size=sum(sizes)) * np.where(members, spread, 1) + shift * members,
        members,
    )


def _area(shift: float, variance: float = 2.0) -> float:
    return float(norm.cdf(shift / math.sqrt(variance)))


def _areas() -> Iterator[World]:
    for sizes in ((100, 100), *SIZES):
        for shift in (*SHIFTS, 4.0):
            draw, name = _gaussians(sizes, shift), f"{sizes[0]} + {sizes[1]}, shift {shift:g}"
            yield World("auc-mia (DeLong)", name, _area(shift), lambda g, d=draw: stats.auc_interval(*d(g)))
            yield World(
                "auc-mia-bootstrap",
                name,
                _area(shift),
                lambda g, d=draw: stats.bootstrap_auc_interval(*d(g), replicates=1000, seed=int(g.integers(2**31))),
            )


def _rates() -> Iterator[World]:
    for fpr in (0.1, 0.01, 0.001):
        for sizes in SIZES:
            for shift, spread in (*((shift, 1.0) for shift in SHIFTS), (0.2, 2.0), (4.0, 1.0)):
                draw = _gaussians(sizes, shift, spread)
                truth = float(norm.sf((norm.isf(fpr) - shift) / spread))
                name = f"{sizes[0]} + {sizes[1]}, shift {shift:g}, spread {spread:g}"
                yield World(
                    f"tpr at {100 * fpr:g} %, members alone",
                    name,
                    truth,
                    lambda g, d=draw, f=fpr: stats.tpr_at_fpr(*d(g), fpr=f).true_positive_rate,
                )
                yield World(
                    f"tpr-at-{100 * fpr:g}-fpr".replace(".", "-"),
                    name,
                    truth,
                    lambda g, d=draw, f=fpr: stats.tpr_interval(*d(g), fpr=f),
                )


def _advantages() -> Iterator[World]:
    for sizes in ((200, 200), *SIZES):
        for shift in (*SHIFTS, 4.0):
            draw = _gaussians(sizes, shift)

            def estimate(generator: np.random.Generator, draw: Callable = draw) -> stats.Estimate:
                scores, members = draw(generator)
                return stats.advantage(scores, members, half=stats.halves(members, seed=int(generator.integers(2**31))))

            yield World("advantage", f"{sizes[0]} + {sizes[1]}, shift {shift:g}", 2 * norm.cdf(shift / 2) - 1, estimate)


def _epsilons() -> Iterator[World]:
    for size in (1000, 2000):
        for epsilon in (0.0, 0.5, 1.0, 3.0):

            def estimate(generator: np.random.Generator, size: int = size, epsilon: float = epsilon) -> stats.Estimate:
                members = np.arange(2 * size) < size
                told = generator.random(2 * size) < 1 / (1 + math.exp(-epsilon))  # randomised response
                scores = generator.random(2 * size) + 3.0 * (members == told)
                return stats.epsilon_lower_bound(scores, members, seed=int(generator.integers(2**31)))

            def bound(generator: np.random.Generator, estimate: Draw = estimate) -> stats.Estimate:
                found = estimate(generator)
                return stats.Estimate(found.value, found.low, 10.0, found.method)

            yield World("epsilon-lower (bound alone)", f"{size} + {size}, epsilon {epsilon:g}", epsilon, bound)


def _several(generator: np.random.Generator, shifts: np.ndarray, correlation: float, sizes: tuple[int, int]) -> tuple:
    """Draw scores of attacks whose noise is correlated."""
    members = np.arange(sum(sizes)) < sizes[0]
    noise = generator.normal(size=(len(shifts), len(members))) * math.sqrt(1 - correlation)
    scores = noise + math.sqrt(correlation) * generator.normal(size=len(members)) + shifts[:, None] * members
    return list(scores), [members] * len(shifts)


def _worst() -> Iterator[World]:
    cases = {
        "all alike": np.full(15, 1.0),
        "all blind": np.zeros(15),
        "one ahead": np.array([1.0, *[0.3] * 14]),
        "rising": np.linspace(0.5, 1.0, 15),
    }
    for name, shifts in cases.items():
        for correlation in (0.0, 0.5, 0.95):
            for sizes in ((1000, 1000), (1950, 950)):

                def draw(
                    g: np.random.Generator, s: np.ndarray = shifts, c: float = correlation, n: tuple = sizes
                ) -> tuple:
                    return _several(g, s, c, n)

                told = f"15 attacks, {name}, correlation {correlation:g}, {sizes[0]} + {sizes[1]}"
                top = float(shifts.max())
                yield World("worst-auc", told, _area(top), lambda g, d=draw: stats.highest_auc(*d(g))[1])
                rate = float(norm.sf(norm.isf(0.01) - top))
                yield World("worst-tpr-at-1-fpr", told, rate, lambda g, d=draw: stats.highest_tpr(*d(g), fpr=0.01)[1])


def _classes() -> Iterator[World]:
    cases = {"all alike": np.full(10, 1.0), "all blind": np.zeros(10), "one ahead": np.array([1.0, *[0.3] * 9])}
    for name, shifts in cases.items():
        for sizes in ((195, 95), (40, 20)):

            def estimate(generator: np.random.Generator, s: np.ndarray = shifts, n: tuple = sizes) -> stats.Estimate:
                drawn = [_gaussians(n, shift)(generator) for shift in s]
                return stats.highest_auc_apart([part[0] for part in drawn], [part[1] for part in drawn])[1]

            told = f"10 classes, {name}, {sizes[0]} + {sizes[1]} each"
            yield World("worst-class-auc", told, _area(float(shifts.max())), estimate)


def _over_privacy() -> Iterator[World]:
    from tckr_plugins.metrics.accuracy_over_privacy import AccuracyOverPrivacy

    from tckr_bench.records import AttackScores, CellEvidence, ThreatModel
    from tckr_bench.stats.classification import accuracy_over_privacy

    for shift in (*SHIFTS, 0.05):

        def estimate(generator: np.random.Generator, shift: float = shift) -> stats.Estimate:
            scores, members = _gaussians((1000, 1000), shift)(generator)
            right = generator.random(1000) < 0.7
            logits = np.where(right[:, None], [[1.0, 0.0]], [[0.0, 1.0]]).astype(np.float32)
            attack = AttackScores("a", scores, members, np.zeros(2000, dtype=bool), ThreatModel("", ""))
            evidence = CellEvidence(np.zeros(1000, dtype=np.int64), logits, logits, {"a": attack}, "a")
            (measurement,) = AccuracyOverPrivacy(seed=int(generator.integers(2**31))).compute(evidence)
            return stats.Estimate(measurement.value, measurement.low, measurement.high, measurement.interval)

        yield World("aop", f"1000 + 1000, shift {shift:g}", accuracy_over_privacy(0.7, _area(shift)), estimate)


def _pairs() -> Iterator[World]:
    for shifts in ((0.0, 0.0), (1.0, 1.0), (1.0, 0.7), (2.0, 0.3)):
        for correlation in (0.0, 0.9):
            for sizes in ((60, 60), (1000, 1000)):

                def estimate(
                    g: np.random.Generator, s: tuple = shifts, c: float = correlation, n: tuple = sizes
                ) -> stats.Estimate:
                    scores, members = _several(g, np.array(s), c, n)
                    return stats.paired_auc_difference(scores[0], scores[1], members[0])

                told = f"{sizes[0]} + {sizes[1]}, shifts {shifts[0]:g} and {shifts[1]:g}, correlation {correlation:g}"
                yield World("paired AUC difference", told, _area(shifts[0]) - _area(shifts[1]), estimate)


def _canaries() -> Iterator[World]:
    for models, canaries in ((8, 100), (16, 100), (8, 30)):
        for shift, own, uneven in ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.5, 1.0, 0.5), (3.0, 0.5, 1.0)):

            def draw(
                g: np.random.Generator,
                m: int = models,
                c: int = canaries,
                s: float = shift,
                o: float = own,
                u: float = uneven,
            ) -> tuple:
                members = np.stack([g.permutation(m) < m // 2 for _ in range(c)], axis=1)
                moved = members * (s + u * g.normal(size=c))
                return g.normal(size=(m, c)) + o * g.normal(size=c) + moved, members

            told = f"{canaries} canaries, {models} models, shift {shift:g} +- {uneven:g}, canaries differ by {own:g}"
            inside, outside = math.sqrt(1 + own**2 + uneven**2), math.sqrt(1 + own**2)
            yield World(
                "audit-canary-auc",
                told,
                _area(shift, inside**2 + outside**2),
                lambda g, d=draw: stats.clustered_auc_interval(*d(g), replicates=1000, seed=int(g.integers(2**31))),
            )
            yield World(
                "audit-canary-tpr-at-1-fpr",
                told,
                float(norm.sf((norm.isf(0.01) * outside - shift) / inside)),
                lambda g, d=draw: stats.clustered_tpr_interval(
                    *d(g), fpr=0.01, replicates=1000, seed=int(g.integers(2**31))
                ),
            )


def _boards() -> Iterator[World]:
    for world in board_worlds():
        for name, truth in (("aop", world.truth), ("auc", world.auc)):
            yield World(f"mean of {name}", world.name, truth, lambda g, w=world, n=name: w.means(g)[n])


def _spreads() -> Iterator[World]:
    for count in (4, 8, 16):
        yield World(
            "auc-between-trainings",
            f"{count} trainings",
            0.02,
            lambda g, n=count: stats.deviation_interval(g.normal(0.6, 0.02, size=n)),
        )


if __name__ == "__main__":
    main()
