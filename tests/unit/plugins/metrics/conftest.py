"""How a metric of the plugin is loaded and asked, and a cell with one attack on a classifier."""

from __future__ import annotations

import numpy as np
import pytest
from tckr_plugins import metrics

from tckr_bench.records import AttackScores, CellEvidence, ThreatModel


@pytest.fixture(scope="session")
def components():
    found = {}
    metrics.register_metrics(lambda component: found.update({component.name: component}))
    return found


@pytest.fixture(scope="session")
def compute(components):
    def compute(name, evidence, **options):
        component = components[name]
        return component.load(component.parse_options(options)).compute(evidence)

    return compute


@pytest.fixture(scope="session")
def attack_on():
    """Members `shift` deviations above as many non-members, on whatever surface; more may be given by name."""

    def attack(*, shift=1.0, size=300, seed=0, surface="classifier", **more):
        members = np.arange(2 * size) < size
        scores = np.random.default_rng(seed).normal(size=2 * size) + shift * members
        threat_model = ThreatModel(sees="outputs", owns="labels", surface=surface)
        return AttackScores("an attack", scores, members, np.zeros(2 * size, dtype=bool), threat_model, **more)

    return attack


@pytest.fixture(scope="session")
def cell_with():
    """A cell whose classifier is right throughout, with these attacks."""

    def cell(attacks, *, guarantee=None):
        labels, logits = np.zeros(10, dtype=np.int64), np.array([[1.0, 0.0]] * 10, dtype=np.float32)
        return CellEvidence(labels, logits, logits, attacks, next(iter(attacks), ""), guarantee)

    return cell
