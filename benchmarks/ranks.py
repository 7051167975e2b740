"""How often ranks tell apart methods that are alike, and how often they find one that is better.

    python benchmarks/ranks.py                 # a few minutes
    python benchmarks/ranks.py --worlds 50

A world has methods of one true accuracy and AUC. What is measured of them differs by dataset (which is shared), by
method and dataset, by seed, and by the examples drawn. Of methods that are alike, at most 2.5 % of the ordered pairs
may be told apart. In a second world one method is better by so many points of accuracy.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass

import numpy as np

from tckr_bench.judging.ranking import Measured, means_of, ranks_of

METHODS = 8
REPLICATES = 500


@dataclass(frozen=True)
class World:
    """How many datasets and seeds there are, and how far methods stray on a dataset beyond their seeds and examples."""

    datasets: int
    seeds: int
    interaction: float
    seed_spread: float = 0.008
    example_error: float = 0.01
    dataset_spread: float = 0.1


def measured(world: World, lead: float, generator: np.random.Generator) -> list[list[Measured]]:
    """Draw what is measured of each method on each dataset; the first method is better by `lead`."""
    easiness = world.dataset_spread * generator.standard_normal(world.datasets)
    methods = []
    for method in range(METHODS):
        cells = []
        for dataset in range(world.datasets):
            shift = generator.normal(0, world.interaction, 2) + generator.normal(0, world.example_error, 2)
            noise = generator.normal(0, world.seed_spread, (world.seeds, 2))
            accuracy = 0.7 + easiness[dataset] + (lead if method == 0 else 0.0) + shift[0] + noise[:, 0]
            auc = 0.56 + shift[1] + noise[:, 1]
            values = np.stack([accuracy, auc, np.full(world.seeds, 0.02), np.full(world.seeds, 0.1)], axis=1)
            error = [world.example_error, world.example_error, 0.005, 0.01]
            cells.append(Measured(values, np.array([error, error])))
        methods.append(cells)
    return methods


def told_apart(world: World, *, lead: float, worlds: int) -> tuple[float, float, float]:
    """Return the shares of ordered pairs of equals told apart, of worlds with such a pair, of leaders alone first."""
    pairs = worlds_with = first = 0
    for index in range(worlds):
        generator = np.random.default_rng([index, world.datasets, world.seeds])
        methods = measured(world, lead, generator)
        means = [means_of(str(name), cells, replicates=REPLICATES, seed=index) for name, cells in enumerate(methods)]
        equals = means[1:] if lead else means
        draws = [entry.draws[:, 4] for entry in equals]
        found = sum(float((one > other).mean()) > 0.975 for one, other in itertools.permutations(draws, 2))
        pairs += found
        worlds_with += bool(found)
        ranks = ranks_of(means)
        first += ranks[0].rank == 1 and all(rank.rank > 1 for rank in ranks[1:])
    count = (METHODS - bool(lead)) * (METHODS - bool(lead) - 1)
    return pairs / (worlds * count), worlds_with / worlds, first / worlds


def main() -> None:
    """Print a line for each kind of world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    worlds = parser.parse_args().worlds
    print(
        "datasets seeds interaction | %: pairs told apart | worlds with such a pair | leader by 10 points alone first"
    )
    for datasets, seeds, interaction in itertools.product((2, 10), (1, 2, 3), (0.0, 0.02)):
        world = World(datasets, seeds, interaction)
        pairs, some, _ = told_apart(world, lead=0.0, worlds=worlds)
        _, _, first = told_apart(world, lead=0.1, worlds=worlds)
        print(f"{datasets:8} {seeds:5} {interaction:11.2f} {100 * pairs:20.1f} {100 * some:27.0f} {100 * first:34.0f}")


if __name__ == "__main__":
    main()
