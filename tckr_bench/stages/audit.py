"""Audit: an attack turned on each of its shadow models in turn, with the other pairs as its shadows.

Of every shadow model it is known what it was trained on. So the bank that serves an attack also shows how far its
success varies between trainings, which examples give themselves away most, and, for canaries, how often each is found
when it is in and when it is out (Aerni, Zhang and Tramer 2024, arXiv 2404.17399).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import ShadowAudit
from tckr_bench.stages.scores import scores_of
from tckr_bench.stages.shadows import only, with_shadow_as_target
from tckr_bench.stats import auc

if TYPE_CHECKING:
    from tckr_bench.plugin.protocols import Attack
    from tckr_bench.records import AttackEvidence
    from tckr_bench.stages.challenge import Challenge


def audit_shadows(attack: Attack, evidence: AttackEvidence, challenge: Challenge) -> ShadowAudit:
    """Return what an attack finds in each shadow model; canaries are scored among themselves."""
    ordinary, canaries = only(evidence, ~challenge.canaries), only(evidence, challenge.canaries)
    count = len(evidence.shadow_membership)
    aucs = np.empty(count)
    sums = np.zeros((2, len(ordinary.labels)))
    canary_scores = np.zeros((count, len(canaries.labels)))
    for index in range(count):
        inside = ordinary.shadow_membership[index]
        scores = scores_of(attack, with_shadow_as_target(ordinary, index))
        aucs[index] = auc(scores, inside)
        sums += np.where(np.stack([inside, ~inside]), scores, 0.0)
        if len(canaries.labels):
            canary_scores[index] = scores_of(attack, with_shadow_as_target(canaries, index))
    times = ordinary.shadow_membership.sum(axis=0)
    vulnerability = sums[0] / np.maximum(times, 1) - sums[1] / np.maximum(count - times, 1)
    return ShadowAudit(aucs, vulnerability, canary_scores, canaries.shadow_membership)
