"""From estimates to figures, and from saved scores to the examples a figure rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.records import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import CellEvidence, Scores
    from tckr_bench.stats import Estimate


def figure(metric: str, estimate: Estimate, *, examples: int, attack: str = "") -> Figure:
    """Return an estimate as a figure of the board."""
    return Figure(
        metric=metric,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        interval=estimate.method,
        examples=examples,
        attack=attack,
    )


def challenges(evidence: CellEvidence, *, canaries: bool) -> Iterator[tuple[str, Scores, npt.NDArray[np.bool_]]]:
    """Yield (attack, scores, members) per attack, among the canaries only or among all the others only.

    Canaries are planted to be memorised: among ordinary examples they would inflate every attack. An attack
    without both a member and a non-member to tell apart is left out.
    """
    for attack, saved in evidence.attacks.items():
        chosen = saved.canaries if canaries else ~saved.canaries
        members = saved.members[chosen]
        if members.any() and not members.all():
            yield attack, saved.scores[chosen], members
