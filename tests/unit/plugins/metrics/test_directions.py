"""Laws of which way each built-in metric is better: what it says is what its measurements do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tckr_plugins import metrics

from tckr_bench.records import Copies
from tckr_bench.testing import fake_cell_evidence

DIRECTIONS = {}
metrics.register_metrics(
    lambda component: DIRECTIONS.update({quantity.name: quantity.better for quantity in component.quantities})
)
FROM_SHADOWS = "auc-from-shadows"  # neither way is better: a target must be what its shadow models are
PUBLISHED = "best-published-auc"  # of the attack 'lira-paper' alone, whose variants `fake_cell_evidence` lacks


def cell():
    """A cell with canaries among its examples; no attack is called after the paper's."""
    evidence = fake_cell_evidence(examples=1500)
    attack = evidence.attacks["fake"]
    planted = np.arange(len(attack.scores)) % 4 == 0
    audit = replace(attack.audit, vulnerability=attack.audit.vulnerability[~planted])
    return replace(evidence, attacks={"fake": replace(attack, canaries=planted, audit=audit)})


def worse(evidence):
    """The same cell: wrong more often, members better found, more copies, and a weaker proof."""
    attack = evidence.attacks["fake"]
    audit, copies = attack.audit, attack.copies
    closer = Copies(np.where(np.arange(len(copies.to_members)) % 3, copies.to_members, 0.01), copies.to_others)
    found = replace(
        attack,
        scores=attack.scores + 1.5 * attack.members,
        audit=replace(audit, canary_scores=audit.canary_scores + 2.0 * audit.canary_membership),
        copies=closer,
    )
    confused = evidence.test_logits.copy()
    confused[::2] = np.roll(confused[::2], 1, axis=1)
    matching = replace(evidence.guarantee.matching, reached=0.4)
    guarantee = replace(evidence.guarantee, epsilon=2 * evidence.guarantee.epsilon, matching=matching)
    return replace(evidence, test_logits=confused, attacks={"fake": found}, guarantee=guarantee)


@pytest.mark.parametrize("name", sorted(set(DIRECTIONS) - {PUBLISHED, FROM_SHADOWS}))
def test_a_worse_cell_has_worse_measurements_of_every_metric(name, compute):
    (before,), (after,) = compute(name, cell()), compute(name, worse(cell()))
    if DIRECTIONS[name] == "neither":
        assert before == after
    else:
        assert (after.value > before.value) == (DIRECTIONS[name] == "lower")
        assert after.value != before.value


def test_the_published_auc_goes_the_way_of_every_auc():
    assert DIRECTIONS[PUBLISHED] == DIRECTIONS["auc-mia"]
