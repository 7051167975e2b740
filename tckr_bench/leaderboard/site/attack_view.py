"""The attacks on an entry, one by one: what they find, what they look at, and what an attacker must see and own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import quantity_of
from tckr_bench.leaderboard.site.method_words import SURFACES
from tckr_bench.show.shown import Shown, measured
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tckr_bench.judging.rows import Row
    from tckr_bench.leaderboard.standings import DatasetResult
    from tckr_bench.records import Surface, ThreatModel


@dataclass(frozen=True)
class AttackView:
    """An attack on an entry: its measurements, and its threat model in words.

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
    """Attacks that look at the same thing: what it is, and what that means for the entry's measurements."""

    title: str
    meaning: str
    lines: tuple[AttackView, ...]


@dataclass(frozen=True)
class Threat:
    """What attackers are taken to see and own, by which attacks, and against how many entries these are adaptive."""

    names: tuple[str, ...]
    sees: str
    owns: str
    adaptive: str


@dataclass(frozen=True)
class ThreatGroup:
    """Threat models of attacks that look at the same thing."""

    title: str
    threats: tuple[Threat, ...]


def attack_groups(result: DatasetResult) -> tuple[AttackGroup, ...]:
    """Return an entry's attacks on a dataset by what they look at, those that get furthest first."""
    models = result.record.threat_models
    return tuple(
        AttackGroup(
            title, meaning, tuple(_line(result, label, model) for label, model in _by_success(result, of_surface))
        )
        for surface, (title, meaning) in SURFACES.items()
        if (of_surface := _looking_at(models, surface))
    )


def _looking_at(models: Mapping[str, ThreatModel], surface: Surface) -> list[tuple[str, ThreatModel]]:
    return [(label, model) for label, model in models.items() if model.surface == surface]


def _by_success(result: DatasetResult, models: list[tuple[str, ThreatModel]]) -> list[tuple[str, ThreatModel]]:
    """Return attacks by falling AUC, those without a measurement last."""
    aucs = {label: result.row.get(metric_names.AUC, label) for label, _ in models}
    return sorted(models, key=lambda entry: -found.value if (found := aucs[entry[0]]) else math.inf)


def _line(result: DatasetResult, label: str, model: ThreatModel) -> AttackView:
    return AttackView(
        name=plain(label),
        sees=plain(model.sees),
        owns=plain(model.owns),
        adaptive=model.adaptive,
        worst=label in worst_attacks(result.row),
        declared=label == result.record.primary_attack,
        auc=measured(quantity_of(metric_names.AUC), result.row.get(metric_names.AUC, label)),
        tpr=measured(quantity_of(metric_names.TPR), result.row.get(metric_names.TPR, label)),
    )


def worst_attacks(row: Row) -> tuple[str, ...]:
    """Return the labels of the attacks that get furthest, by AUC; none where no worst is known."""
    risk = row.risk(metric_names.AUC)
    return risk.attacks if risk is not None else ()


def threats_of(results: Iterable[DatasetResult]) -> tuple[ThreatGroup, ...]:
    """Return each threat model of some records once, as it is worded, with the attacks that share it."""
    found: dict[tuple[Surface, str, str, str], list[bool]] = {}
    for result in results:
        for label, model in result.record.threat_models.items():
            key = (model.surface, plain(label), plain(model.sees), plain(model.owns))
            found.setdefault(key, []).append(model.adaptive)
    shared: dict[tuple[Surface, str, str, str], list[str]] = {}
    for (surface, name, sees, owns), flags in found.items():
        shared.setdefault((surface, sees, owns, _against(flags)), []).append(name)
    groups = []
    for surface, (title, _) in SURFACES.items():
        own = tuple(Threat(tuple(names), *key[1:]) for key, names in shared.items() if key[0] == surface)
        groups.append(ThreatGroup(title, own))
    return tuple(group for group in groups if group.threats)


def _against(flags: Sequence[bool]) -> str:
    if not any(flags):
        return "no"
    return "yes" if all(flags) else f"against {sum(flags)} of {len(flags)} entries"
