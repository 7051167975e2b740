"""Intervals of means hold the truth as often as they say, where every attack is blind or as good as any other."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
from coverage_of_means import BoardWorld

WORLDS = [
    BoardWorld(auc=0.5, attacks=15, correlation=0.0, seeds=1, datasets=2),
    BoardWorld(auc=0.5, attacks=27, correlation=0.5, seeds=1, datasets=10),
    BoardWorld(auc=0.6, attacks=8, correlation=0.0, seeds=1, datasets=10),
    BoardWorld(auc=0.6, attacks=1, correlation=0.0, seeds=1, datasets=1, training=0.03),
    BoardWorld(auc=0.8, attacks=8, correlation=0.5, seeds=2, datasets=2, training=0.02),
]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_interval_of_a_mean_holds_the_truth(world):
    """Of 60 worlds at least 52 (a true 95 % gives fewer once in 200); before, blind attacks gave half of that."""
    held = {"aop": 0, "auc": 0}
    for index in range(60):
        found = world.means(np.random.default_rng([index, 5]))
        for name, truth in (("aop", world.truth), ("auc", world.auc)):
            held[name] += found[name].low - 1e-9 <= truth <= found[name].high + 1e-9
    assert min(held.values()) >= 52
