"""From estimates to measurements, and from saved scores to the examples a measurement rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.records import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.records import Bools, CellEvidence, Estimate, Members, Scores, ShadowAudit


@dataclass(frozen=True)
class TriedAttacks:
    """Scores of several attacks on a classifier, each on its own ordinary examples, in the order of the evidence."""

    attacks: list[str]
    scores: list[Scores]
    members: list[Members]


def measurement(metric: str, estimate: Estimate, *, examples: int, attack: str = "") -> Measurement:
    """Return an estimate as a measurement of the board."""
    return Measurement(
        metric=metric,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        interval=estimate.method,
        examples=examples,
        attack=attack,
    )


def challenges(evidence: CellEvidence, *, canaries: bool) -> Iterator[tuple[str, Scores, Members]]:
    """Yield (attack, scores, members) per attack, among the canaries only or among all the others only.

    Canaries are planted to be memorised: among ordinary examples they would inflate every attack. An attack
    without both a member and a non-member to tell apart is left out.
    """
    for attack, saved in evidence.attacks.items():
        chosen = saved.canaries if canaries else ~saved.canaries
        members = saved.members[chosen]
        if members.any() and not members.all():
            yield attack, saved.scores[chosen], members


def on_the_classifier(evidence: CellEvidence, *, fpr: float = 1.0) -> TriedAttacks:
    """Return the attacks on what every row releases, a classifier, with enough non-members for `fpr`; maybe none."""
    found = TriedAttacks([], [], [])
    for attack, scores, members in challenges(evidence, canaries=False):
        if evidence.attacks[attack].threat_model.surface == "classifier" and enough_for(members, fpr=fpr):
            found.attacks.append(attack)
            found.scores.append(scores)
            found.members.append(members)
    return found


def audits(evidence: CellEvidence) -> Iterator[tuple[str, ShadowAudit]]:
    """Yield (attack, audit) per attack whose shadow models were audited."""
    for attack, saved in evidence.attacks.items():
        if saved.audit is not None:
            yield attack, saved.audit


def with_canaries(evidence: CellEvidence) -> Iterator[tuple[str, ShadowAudit]]:
    """Yield the audits in which canaries were in a model, and out of one."""
    for attack, audit in audits(evidence):
        if audit.canary_membership.any() and not audit.canary_membership.all():
            yield attack, audit


def enough_of_each(members: Bools, *, fewest: int = 20) -> bool:
    """Tell whether a part of the examples has members and non-members enough for a measurement of its own."""
    return bool(min(members.sum(), (~members).sum()) >= fewest)


def enough_for(members: Bools, *, fpr: float) -> bool:
    """Tell whether non-members suffice for a rate of false alarms: at least one must be allowed."""
    return int((~members).sum()) * fpr > 1 - 1e-9
