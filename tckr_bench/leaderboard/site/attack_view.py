"""The attacks on an entry, one by one: what they find, what they look at, and what an attacker must see and own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.board import rank
from tckr_bench.board.shown import ABSENT, Shown, share
from tckr_bench.board.text import plain
from tckr_bench.leaderboard.site.method_words import SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tckr_bench.board.rank import Row
    from tckr_bench.leaderboard.standings import DatasetResult
    from tckr_bench.records import Surface, ThreatModel


@dataclass(frozen=True)
class AttackLine:
    """An attack on an entry: its figures, and its threat model in words.

    `worst` says that no other attack gets further with the released classifier, by AUC; `declared`, that it was named
    as the entry's attack before the run.
    """

    name: str
    sees: str
    owns: str
    adaptive: bool
    worst: bool
    declared: bool
    auc: Shown
    tpr: Shown


@dataclass(frozen=True)
class AttackGroup:
    """Attacks that look at the same thing: what it is, and what that means for the entry's figures."""

    title: str
    meaning: str
    lines: tuple[AttackLine, ...]


@dataclass(frozen=True)
class Threat:
    """What an attack's attacker is taken to see and own, and against how many entries it was tried and adapted."""

    name: str
    surface: str
    sees: str
    owns: str
    adaptive: str


def attack_groups(result: DatasetResult) -> tuple[AttackGroup, ...]:
    """Return an entry's attacks on a dataset by what they look at, in the order of the record."""
    models = result.record.threat_models
    return tuple(
        AttackGroup(title, meaning, tuple(_line(result, label, model) for label, model in of_surface))
        for surface, (title, meaning) in SURFACES.items()
        if (of_surface := _looking_at(models, surface))
    )


def _looking_at(models: Mapping[str, ThreatModel], surface: Surface) -> list[tuple[str, ThreatModel]]:
    return [(label, model) for label, model in models.items() if model.surface == surface]


def _line(result: DatasetResult, label: str, model: ThreatModel) -> AttackLine:
    return AttackLine(
        name=plain(label),
        sees=plain(model.sees),
        owns=plain(model.owns),
        adaptive=model.adaptive,
        worst=label in worst_attacks(result.row),
        declared=label == result.record.primary_attack,
        auc=share(result.row.get(rank.AUC, label), 1, 3),
        tpr=share(result.row.get(rank.TPR, label)) if result.row.get(rank.TPR, label) else ABSENT,
    )


def worst_attacks(row: Row) -> tuple[str, ...]:
    """Return the labels of the attacks that get furthest, by AUC; none where no worst is known."""
    risk = row.risk(rank.AUC)
    return risk.attacks if risk is not None and risk.worst else ()


def threats_of(results: Iterable[DatasetResult]) -> tuple[Threat, ...]:
    """Return each threat model of some records once, as it is worded, with how many entries it is adaptive against."""
    found: dict[tuple[str, str, str, str], list[bool]] = {}
    for result in results:
        for label, model in result.record.threat_models.items():
            key = (plain(label), SURFACES[model.surface][0], plain(model.sees), plain(model.owns))
            found.setdefault(key, []).append(model.adaptive)
    return tuple(Threat(*key, _against(flags)) for key, flags in found.items())


def _against(flags: list[bool]) -> str:
    if not any(flags):
        return "no"
    return "yes" if all(flags) else f"against {sum(flags)} of {len(flags)}"
