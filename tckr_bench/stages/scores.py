"""Where an attack's scores enter: from read-only evidence, one finite number per example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import read_only

if TYPE_CHECKING:
    from tckr_bench.plugin.protocols import Attack
    from tckr_bench.records import AttackEvidence, Scores


def scores_of(attack: Attack, evidence: AttackEvidence) -> Scores:
    """Return the scores that an attack on a classifier gives evidence that it cannot write to, (n,) float64.

    Raises:
        ValueError: there is not one finite score per example.
    """
    return checked(attack.score(read_only(evidence)), len(evidence.labels))


def checked(scores: Scores, count: int) -> Scores:
    """Return an attack's scores as float64, (count,).

    Raises:
        ValueError: there is not one finite score per example.
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (count,):
        raise ValueError(f"the attack must return {count} scores, it returned shape {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"the attack must return finite scores, {int((~np.isfinite(found)).sum())} of {count} are not")
    return found
