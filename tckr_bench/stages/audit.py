"""Audit: an attack turned on each of its shadow models in turn, with the other groups as its shadows.

Of every shadow model it is known what it was trained on. So the bank that serves an attack also shows how far its
success varies between trainings, and which examples give themselves away most. Another bank, of shadow models that
learn canaries as well, shows how often each canary is found when it is in and when it is out (Aerni, Zhang and Tramer
2024, arXiv 2404.17399).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import ShadowAudit
from tckr_bench.stages.scores import scores_of
from tckr_bench.stages.shadows import only, with_shadow_as_target
from tckr_bench.stats import auc, tpr_at_fpr

if TYPE_CHECKING:
    from tckr_bench.plugin.protocols import Attack
    from tckr_bench.records import AttackEvidence, Floats, Membership, Scores

FALSE_POSITIVES = 0.01


def audit_shadows(attack: Attack, evidence: AttackEvidence, *, group: int) -> ShadowAudit:
    """Return what an attack finds on each shadow model, and how vulnerable it finds each example; no canaries.

    `group` is how many shadow models take turns; those with a target's turn are no shadows of it.
    """
    inside = evidence.shadow_membership
    scores = _scores_on_each(attack, evidence, group=group)
    times = inside.sum(axis=0)
    sums = [np.where(mask, scores, 0.0).sum(axis=0) for mask in (inside, ~inside)]
    vulnerability = sums[0] / np.maximum(times, 1) - sums[1] / np.maximum(len(inside) - times, 1)
    aucs = np.array([auc(row, mask) for row, mask in zip(scores, inside, strict=True)])
    enough = (~inside).sum(axis=1).min() >= 1 / FALSE_POSITIVES
    tprs = np.array([_tpr(row, mask) for row, mask in zip(scores, inside, strict=True)]) if enough else None
    return ShadowAudit(aucs, vulnerability, np.zeros((0, 0)), np.zeros((0, 0), dtype=bool), tprs)


def audit_canaries(
    attack: Attack, evidence: AttackEvidence, canaries: Membership, *, group: int
) -> tuple[Floats, Membership]:
    """Return an attack's scores of c canaries on each of K shadow models, (K, c), and which were in it, (K, c) bool.

    Canaries are scored among themselves: of n examples in the evidence those that `canaries`, (n,) bool, names.
    """
    planted = only(evidence, canaries)
    return _scores_on_each(attack, planted, group=group), planted.shadow_membership


def _tpr(scores: Scores, members: Membership) -> float:
    return tpr_at_fpr(scores, members, fpr=FALSE_POSITIVES).true_positive_rate.value


def _scores_on_each(attack: Attack, evidence: AttackEvidence, *, group: int) -> Floats:
    """Return the scores of n examples by an attack on each of K shadow models, (K, n)."""
    count = range(len(evidence.shadow_membership))
    return np.stack([scores_of(attack, with_shadow_as_target(evidence, index, group=group)) for index in count])
